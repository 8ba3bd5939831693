/*
 * A disk that can lose its power: an SQLite VFS over the system's own that knows what was synced.
 *
 * Of each file (the database, its WAL and its journal) it holds the bytes that are on the platter,
 * and the writes since the last sync, in order. A sync moves to the platter what had been written
 * when it began. disk_cut writes what a power cut would leave right now to another folder: the
 * platter, and of the other writes what the mode says. A file that is deleted is one that has been
 * cut to no bytes, which is a write like others until its folder is synced.
 *
 * It can also be full, and a sync can fail: then what was written before it never reaches the
 * platter, as with a kernel that marks the pages clean.
 */
#ifndef UNIT_STORE_DISK_H
#define UNIT_STORE_DISK_H

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DISK_FILES 8
#define DISK_SECTOR 512

/* What becomes of a write that was not synced. */
enum disk_mode {
    DISK_FORGETS, /* it is lost */
    DISK_KEEPS,   /* it is lost, whole or there in its first part, by chance */
    DISK_TEARS,   /* of its sectors some are there, by chance */
    DISK_MODES,
};

struct disk_write {
    sqlite3_int64 at;
    size_t len; /* of a truncation: SIZE_MAX */
    char *bytes;
    bool deletes; /* a truncation that a sync of the folder makes last */
};

struct disk_file {
    char name[512];
    char *platter;
    size_t size;
    struct disk_write *writes;
    size_t n, room;
    size_t settled; /* writes before them */
};

static struct disk {
    pthread_mutex_t lock;
    sqlite3_vfs vfs, *real;
    struct disk_file files[DISK_FILES];
    size_t count;
    atomic_bool full, broken; /* writes fail with ENOSPC; syncs fail */
    atomic_int syncs;
    int fails_at;           /* the sync of this number, from 1, fails; 0: none */
    void (*written)(void);  /* after each write, truncation and deletion, and around each sync;
                               holding the lock, so that nothing else is written meanwhile */
    void (*syncing)(void);  /* before each sync */
    void (*unlocked)(void); /* after each unlock of the WAL's index, where others see what is new */
    unsigned seed;
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER, .seed = 1};

struct disk_handle {
    sqlite3_file base;
    struct disk_file *file; /* NULL: not watched */
    sqlite3_file *real;
};

static void *disk_grow(void *at, size_t size)
{
    void *grown = realloc(at, size ? size : 1);
    if (!grown)
        abort();
    return grown;
}

static _Thread_local bool disk_told; /* this thread is in `written`, and holds the lock */

static void disk_tell(void)
{
    disk_told = true;
    if (disk.written)
        disk.written();
    disk_told = false;
}

static void disk_note(struct disk_file *file, struct disk_write noted)
{
    pthread_mutex_lock(&disk.lock);
    if (file->n == file->room) {
        file->room = file->room ? file->room * 2 : 64;
        file->writes = disk_grow(file->writes, file->room * sizeof(*file->writes));
    }
    struct disk_write *write = &file->writes[file->n++];
    *write = noted;
    if (noted.len != SIZE_MAX)
        write->bytes = memcpy(disk_grow(NULL, noted.len), noted.bytes, noted.len);
    disk_tell();
    pthread_mutex_unlock(&disk.lock);
}

static size_t disk_room(size_t size)
{
    size_t room = size ? 65536 : 0;
    while (room < size)
        room *= 2;
    return room;
}

static void disk_resize(char **bytes, size_t *size, size_t to)
{
    if (disk_room(to) > disk_room(*size))
        *bytes = disk_grow(*bytes, disk_room(to));
    if (to > *size)
        memset(*bytes + *size, 0, to - *size);
    *size = to;
}

static void disk_apply(char **bytes, size_t *size, const struct disk_write *write, size_t len)
{
    if (write->len == SIZE_MAX) {
        disk_resize(bytes, size, (size_t)write->at);
        return;
    }
    if (*size < (size_t)write->at + len)
        disk_resize(bytes, size, (size_t)write->at + len);
    memcpy(*bytes + write->at, write->bytes, len);
}

static int disk_close(sqlite3_file *file)
{
    sqlite3_file *real = ((struct disk_handle *)file)->real;
    return real->pMethods ? real->pMethods->xClose(real) : SQLITE_OK;
}

static int disk_read(sqlite3_file *file, void *into, int len, sqlite3_int64 at)
{
    sqlite3_file *real = ((struct disk_handle *)file)->real;
    return real->pMethods->xRead(real, into, len, at);
}

static int disk_write(sqlite3_file *file, const void *from, int len, sqlite3_int64 at)
{
    struct disk_handle *handle = (struct disk_handle *)file;
    if (atomic_load(&disk.full))
        return SQLITE_FULL;
    int rc = handle->real->pMethods->xWrite(handle->real, from, len, at);
    if (rc == SQLITE_OK && handle->file)
        disk_note(handle->file, (struct disk_write){at, (size_t)len, (char *)from, false});
    return rc;
}

static int disk_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct disk_handle *handle = (struct disk_handle *)file;
    int rc = handle->real->pMethods->xTruncate(handle->real, size);
    if (rc == SQLITE_OK && handle->file)
        disk_note(handle->file, (struct disk_write){.at = size, .len = SIZE_MAX});
    return rc;
}

/* Moves the first `n` writes to the platter, or (`lost`) nowhere. */
static void disk_settle(struct disk_file *file, size_t n, bool lost)
{
    for (size_t i = 0; i < n; i++) {
        if (!lost)
            disk_apply(&file->platter, &file->size, &file->writes[i], file->writes[i].len);
        free(file->writes[i].bytes);
    }
    file->n -= n;
    file->settled += n;
    if (file->n)
        memmove(file->writes, file->writes + n, file->n * sizeof(*file->writes));
}

static int disk_sync_fails(struct disk_file *file)
{
    pthread_mutex_lock(&disk.lock);
    if (file)
        disk_settle(file, file->n, true);
    pthread_mutex_unlock(&disk.lock);
    return SQLITE_IOERR_FSYNC;
}

static size_t disk_sync_begins(struct disk_file *file)
{
    pthread_mutex_lock(&disk.lock);
    size_t upto = file ? file->settled + file->n : 0;
    disk_tell();
    pthread_mutex_unlock(&disk.lock);
    return upto;
}

static int disk_sync(sqlite3_file *file, int flags)
{
    struct disk_handle *handle = (struct disk_handle *)file;
    struct disk_file *of = handle->file;
    if (atomic_load(&disk.broken))
        return SQLITE_IOERR_FSYNC;
    if (atomic_fetch_add(&disk.syncs, 1) + 1 == disk.fails_at)
        return disk_sync_fails(of);
    if (disk.syncing)
        disk.syncing();
    size_t upto = disk_sync_begins(of);
    int rc = handle->real->pMethods->xSync(handle->real, flags);
    pthread_mutex_lock(&disk.lock);
    /* Another sync of the same file may have been faster, and have taken some of them. */
    if (rc == SQLITE_OK && of && upto > of->settled)
        disk_settle(of, upto - of->settled, false);
    disk_tell();
    pthread_mutex_unlock(&disk.lock);
    return rc;
}

#define DISK_PASS(name, params, args)                            \
    static int disk_##name params                                \
    {                                                            \
        sqlite3_file *real = ((struct disk_handle *)file)->real; \
        return real->pMethods->x##name args;                     \
    }
DISK_PASS(FileSize, (sqlite3_file * file, sqlite3_int64 *size), (real, size))
DISK_PASS(Lock, (sqlite3_file * file, int lock), (real, lock))
DISK_PASS(Unlock, (sqlite3_file * file, int lock), (real, lock))
DISK_PASS(CheckReservedLock, (sqlite3_file * file, int *out), (real, out))
DISK_PASS(FileControl, (sqlite3_file * file, int op, void *arg), (real, op, arg))
DISK_PASS(ShmMap, (sqlite3_file * file, int page, int size, int extend, void volatile **out),
          (real, page, size, extend, out))
DISK_PASS(ShmUnmap, (sqlite3_file * file, int remove), (real, remove))

static int disk_sector(sqlite3_file *file)
{
    (void)file;
    return 4096;
}

static int disk_character(sqlite3_file *file)
{
    (void)file;
    return 0;
}

static int disk_ShmLock(sqlite3_file *file, int offset, int n, int flags)
{
    sqlite3_file *real = ((struct disk_handle *)file)->real;
    int rc = real->pMethods->xShmLock(real, offset, n, flags);
    if (disk.unlocked && (flags & SQLITE_SHM_UNLOCK))
        disk.unlocked();
    return rc;
}

static void disk_barrier(sqlite3_file *file)
{
    sqlite3_file *real = ((struct disk_handle *)file)->real;
    real->pMethods->xShmBarrier(real);
}

static const sqlite3_io_methods disk_methods = {
    .iVersion = 2,
    .xClose = disk_close,
    .xRead = disk_read,
    .xWrite = disk_write,
    .xTruncate = disk_truncate,
    .xSync = disk_sync,
    .xFileSize = disk_FileSize,
    .xLock = disk_Lock,
    .xUnlock = disk_Unlock,
    .xCheckReservedLock = disk_CheckReservedLock,
    .xFileControl = disk_FileControl,
    .xSectorSize = disk_sector,
    .xDeviceCharacteristics = disk_character,
    .xShmMap = disk_ShmMap,
    .xShmLock = disk_ShmLock,
    .xShmBarrier = disk_barrier,
    .xShmUnmap = disk_ShmUnmap,
};

static struct disk_file *disk_file(const char *name)
{
    pthread_mutex_lock(&disk.lock);
    struct disk_file *file = NULL;
    for (size_t i = 0; i < disk.count && !file; i++) {
        if (strcmp(disk.files[i].name, name) == 0)
            file = &disk.files[i];
    }
    if (!file) {
        if (disk.count == DISK_FILES)
            abort();
        file = &disk.files[disk.count++];
        snprintf(file->name, sizeof(file->name), "%s", name);
    }
    pthread_mutex_unlock(&disk.lock);
    return file;
}

static int disk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    (void)vfs;
    struct disk_handle *handle = (struct disk_handle *)file;
    *handle = (struct disk_handle){.real = (sqlite3_file *)(handle + 1)};
    if (name && (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)))
        handle->file = disk_file(name);
    int rc = disk.real->xOpen(disk.real, name, handle->real, flags, out);
    file->pMethods = handle->real->pMethods ? &disk_methods : NULL;
    return rc;
}

/* All files lie in one folder. */
static void disk_folder_synced(void)
{
    pthread_mutex_lock(&disk.lock);
    for (size_t i = 0; i < disk.count; i++) {
        struct disk_file *file = &disk.files[i];
        size_t n = file->n;
        while (n && !file->writes[n - 1].deletes)
            n--;
        disk_settle(file, n, false);
    }
    pthread_mutex_unlock(&disk.lock);
}

int fdatasync(int fd)
{
    return disk_told ? 0 : (int)syscall(SYS_fdatasync, fd);
}

static int disk_delete(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
    (void)vfs;
    int rc = disk.real->xDelete(disk.real, name, sync_folder);
    if (rc != SQLITE_OK)
        return rc;
    struct disk_file *file = disk_file(name);
    disk_note(file, (struct disk_write){.len = SIZE_MAX, .deletes = true});
    if (sync_folder)
        disk_folder_synced();
    return rc;
}

/*
 * In the place of the C library's: a folder is not synced through SQLite. What is done on another
 * disk in `written`, while all others wait, need not last.
 */
int fsync(int fd)
{
    struct stat stat;
    int rc = disk_told ? 0 : (int)syscall(SYS_fsync, fd);
    if (rc == 0 && !disk_told && fstat(fd, &stat) == 0 && S_ISDIR(stat.st_mode))
        disk_folder_synced();
    return rc;
}

/* Registers the VFS "disk", which forgets all that it knew. */
static inline void disk_reset(void)
{
    for (size_t i = 0; i < disk.count; i++) {
        struct disk_file *file = &disk.files[i];
        for (size_t w = 0; w < file->n; w++)
            free(file->writes[w].bytes);
        free(file->writes);
        free(file->platter);
        *file = (struct disk_file){0};
    }
    disk.count = 0;
    atomic_store(&disk.full, false);
    atomic_store(&disk.broken, false);
    atomic_store(&disk.syncs, 0);
    disk.fails_at = 0;
    disk.written = disk.syncing = disk.unlocked = NULL;
    if (disk.real)
        return;
    disk.real = sqlite3_vfs_find(NULL);
    disk.vfs = *disk.real;
    disk.vfs.zName = "disk";
    disk.vfs.szOsFile += (int)sizeof(struct disk_handle);
    disk.vfs.xOpen = disk_open;
    disk.vfs.xDelete = disk_delete;
    sqlite3_vfs_register(&disk.vfs, 0);
}

static void disk_tear(char **bytes, size_t *size, const struct disk_write *write)
{
    for (size_t at = 0; at < write->len; at += DISK_SECTOR) {
        struct disk_write sector = {.at = write->at + (sqlite3_int64)at,
                                    .bytes = write->bytes + at};
        sector.len = write->len - at < DISK_SECTOR ? write->len - at : DISK_SECTOR;
        if (rand_r(&disk.seed) % 2)
            disk_apply(bytes, size, &sector, sector.len);
    }
}

static void disk_keep(char **bytes, size_t *size, const struct disk_write *write,
                      enum disk_mode mode)
{
    int chance = rand_r(&disk.seed) % 4;
    if (mode == DISK_FORGETS || chance == 0 || (write->len == SIZE_MAX && chance == 1))
        return;
    if (mode == DISK_TEARS && write->len != SIZE_MAX)
        disk_tear(bytes, size, write);
    else if (chance == 1)
        disk_apply(bytes, size, write, (size_t)rand_r(&disk.seed) % (write->len + 1));
    else
        disk_apply(bytes, size, write, write->len);
}

static void disk_cut_file(const struct disk_file *file, const char *path, enum disk_mode mode)
{
    char *bytes = disk_grow(NULL, disk_room(file->size));
    size_t size = file->size;
    if (size)
        memcpy(bytes, file->platter, size);
    for (size_t i = 0; i < file->n; i++)
        disk_keep(&bytes, &size, &file->writes[i], mode);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
        abort();
    close(fd);
    free(bytes);
}

/* What would be found after a power cut, as `path` with its WAL and journal. Holding the lock. */
static inline void disk_cut_held(const char *path, enum disk_mode mode)
{
    char name[600];
    for (size_t i = 0; i < disk.count; i++) {
        const char *end = strrchr(disk.files[i].name, '-');
        bool main = !end || (strcmp(end, "-wal") != 0 && strcmp(end, "-journal") != 0);
        snprintf(name, sizeof(name), "%s%s", path, main ? "" : end);
        disk_cut_file(&disk.files[i], name, mode);
    }
}

static inline void disk_cut(const char *path, enum disk_mode mode)
{
    pthread_mutex_lock(&disk.lock);
    disk_cut_held(path, mode);
    pthread_mutex_unlock(&disk.lock);
}

#endif
