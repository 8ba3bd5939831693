/*
 * A disk that can lose its power: an SQLite VFS over the system's own that knows what was synced.
 *
 * Of each file it holds the bytes that are on the platter, and the writes since the last sync, in
 * order. A sync moves to the platter what had been written when it began. disk_cut writes what a
 * power cut would leave right now to another folder: the platter, and of the other writes each one
 * wholly, in part or not at all, by chance. It can also be full, and a sync can fail.
 */
#ifndef UNIT_STORE_DISK_H
#define UNIT_STORE_DISK_H

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DISK_FILES 8

struct disk_write {
    sqlite3_int64 at;
    size_t len; /* of a truncation: SIZE_MAX */
    char *bytes;
};

struct disk_file {
    char name[512];
    char *platter;
    size_t size;
    struct disk_write *writes;
    size_t n, room;
};

static struct disk {
    pthread_mutex_t lock;
    sqlite3_vfs vfs, *real;
    struct disk_file files[DISK_FILES];
    size_t count;
    atomic_bool full, broken; /* writes fail with ENOSPC; syncs fail */
    atomic_int syncs;
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

static void disk_note(struct disk_file *file, sqlite3_int64 at, const void *bytes, size_t len)
{
    pthread_mutex_lock(&disk.lock);
    if (file->n == file->room) {
        file->room = file->room ? file->room * 2 : 64;
        file->writes = disk_grow(file->writes, file->room * sizeof(*file->writes));
    }
    struct disk_write *write = &file->writes[file->n++];
    *write = (struct disk_write){.at = at, .len = len};
    if (len != SIZE_MAX)
        write->bytes = memcpy(disk_grow(NULL, len), bytes, len);
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
        disk_note(handle->file, at, from, (size_t)len);
    return rc;
}

static int disk_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct disk_handle *handle = (struct disk_handle *)file;
    int rc = handle->real->pMethods->xTruncate(handle->real, size);
    if (rc == SQLITE_OK && handle->file)
        disk_note(handle->file, size, NULL, SIZE_MAX);
    return rc;
}

static int disk_sync(sqlite3_file *file, int flags)
{
    struct disk_handle *handle = (struct disk_handle *)file;
    struct disk_file *of = handle->file;
    if (atomic_load(&disk.broken))
        return SQLITE_IOERR_FSYNC;
    atomic_fetch_add(&disk.syncs, 1);
    if (disk.syncing)
        disk.syncing();
    pthread_mutex_lock(&disk.lock);
    size_t n = of ? of->n : 0;
    pthread_mutex_unlock(&disk.lock);
    int rc = handle->real->pMethods->xSync(handle->real, flags);
    pthread_mutex_lock(&disk.lock);
    /* Another sync of the same file may have been faster, and have taken some of them. */
    n = of && n > of->n ? of->n : n;
    for (size_t i = 0; i < n; i++) {
        disk_apply(&of->platter, &of->size, &of->writes[i], of->writes[i].len);
        free(of->writes[i].bytes);
    }
    if (n) {
        of->n -= n;
        memmove(of->writes, of->writes + n, of->n * sizeof(*of->writes));
    }
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
    if (name && (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)))
        handle->file = disk_file(name);
    int rc = disk.real->xOpen(disk.real, name, handle->real, flags, out);
    file->pMethods = handle->real->pMethods ? &disk_methods : NULL;
    return rc;
}

/* Registers the VFS "disk", which forgets all that it knew. */
static void disk_reset(void)
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
    if (disk.real)
        return;
    disk.real = sqlite3_vfs_find(NULL);
    disk.vfs = *disk.real;
    disk.vfs.zName = "disk";
    disk.vfs.szOsFile += (int)sizeof(struct disk_handle);
    disk.vfs.xOpen = disk_open;
    sqlite3_vfs_register(&disk.vfs, 0);
}

static void disk_cut_file(const struct disk_file *file, const char *path)
{
    char *bytes = memcpy(
        disk_grow(NULL, disk_room(file->size)), file->platter ? file->platter : "", file->size);
    size_t size = file->size;
    for (size_t i = 0; i < file->n; i++) {
        const struct disk_write *write = &file->writes[i];
        int chance = rand_r(&disk.seed) % 4;
        size_t len = write->len;
        if (chance == 0 || (len == SIZE_MAX && chance == 1))
            continue;
        if (chance == 1)
            len = (size_t)rand_r(&disk.seed) % (len + 1);
        disk_apply(&bytes, &size, write, len);
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
        abort();
    close(fd);
    free(bytes);
}

/* What would be found after a power cut, as `path` and its WAL. */
static inline void disk_cut(const char *path)
{
    char name[600];
    pthread_mutex_lock(&disk.lock);
    for (size_t i = 0; i < disk.count; i++) {
        const char *end = strrchr(disk.files[i].name, '-');
        bool wal = end && strcmp(end, "-wal") == 0;
        snprintf(name, sizeof(name), "%s%s", path, wal ? "-wal" : "");
        disk_cut_file(&disk.files[i], name);
    }
    pthread_mutex_unlock(&disk.lock);
}

#endif
