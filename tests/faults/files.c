/* The n-th call on a file of the store, of an upload or of a team fails. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control.h"

#define DESCRIPTORS 65536

enum room { ROOM_NONE, ROOM_STORE, ROOM_SPOOL, ROOM_TEAM };
enum deed { DEED_OPEN, DEED_READ, DEED_WRITE, DEED_SYNC };

static _Atomic unsigned char rooms[DESCRIPTORS];

static const int64_t kinds[][4] = {
    [ROOM_NONE] = {0},
    [ROOM_STORE] = {FAULT_STORE_OPEN, FAULT_STORE_READ, FAULT_STORE_WRITE, FAULT_STORE_SYNC},
    [ROOM_SPOOL] = {FAULT_SPOOL, 0, FAULT_SPOOL, FAULT_SPOOL},
    [ROOM_TEAM] = {FAULT_TEAM_WRITE, FAULT_TEAM_READ, FAULT_TEAM_WRITE, FAULT_TEAM_WRITE},
};

static enum room room_of(const char *path)
{
    return strstr(path, "/store.db")   ? ROOM_STORE
           : strstr(path, "/uploads/") ? ROOM_SPOOL
           : strstr(path, "/teams/")   ? ROOM_TEAM
                                       : ROOM_NONE;
}

static bool fails(enum room room, enum deed deed, const void *caller)
{
    int64_t kind = kinds[room][deed];
    return kind && fault(kind, caller);
}

static bool fd_fails(int fd, enum deed deed, const void *caller)
{
    return fd >= 0 && fd < DESCRIPTORS && fails(atomic_load(&rooms[fd]), deed, caller);
}
#define FD_FAILS(fd, deed) fd_fails((fd), (deed), __builtin_return_address(0))

static int opened(int fd, const char *path)
{
    if (fd >= 0 && fd < DESCRIPTORS)
        atomic_store(&rooms[fd], (unsigned char)room_of(path));
    return fd;
}

static int open_at(int dir, const char *path, int flags, va_list args, const void *caller)
{
    static int (*next)(int, const char *, int, ...);
    if (!next)
        next = real_function("openat");
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
    /* A file that is there can be opened on a full disk. */
    enum deed deed = room_of(path) == ROOM_TEAM && !(flags & O_CREAT) ? DEED_READ : DEED_OPEN;
    if (fails(room_of(path), deed, caller) || fault(FAULT_DESCRIPTOR, caller))
        return -1;
    return opened(next(dir, path, flags, mode), path);
}

#define OPEN(name)                                                                  \
    int name(const char *path, int flags, ...)                                      \
    {                                                                               \
        va_list args;                                                               \
        va_start(args, flags);                                                      \
        int fd = open_at(AT_FDCWD, path, flags, args, __builtin_return_address(0)); \
        va_end(args);                                                               \
        return fd;                                                                  \
    }
#define OPENAT(name)                                                           \
    int name(int dir, const char *path, int flags, ...)                        \
    {                                                                          \
        va_list args;                                                          \
        va_start(args, flags);                                                 \
        int fd = open_at(dir, path, flags, args, __builtin_return_address(0)); \
        va_end(args);                                                          \
        return fd;                                                             \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

/* Closes all the same: what failed is the writing of what was held back. */
int close(int fd)
{
    static int (*next)(int);
    if (!next)
        next = real_function("close");
    bool failed = fd >= 0 && fd < DESCRIPTORS && rooms[fd] == ROOM_SPOOL && FD_FAILS(fd, DEED_SYNC);
    int error = errno;
    if (fd >= 0 && fd < DESCRIPTORS)
        atomic_store(&rooms[fd], ROOM_NONE);
    int rc = next(fd);
    if (failed)
        errno = error;
    return failed ? -1 : rc;
}

#define PASS(result, name, deed, params, args)              \
    result name params                                      \
    {                                                       \
        static result(*next) params;                        \
        if (!next)                                          \
            next = real_function(#name);                    \
        return FD_FAILS(fd, deed) ? (result)-1 : next args; \
    }
#define BYTES void *bytes, size_t len
PASS(ssize_t, pread, DEED_READ, (int fd, BYTES, off_t at), (fd, bytes, len, at))
PASS(ssize_t, pread64, DEED_READ, (int fd, BYTES, off_t at), (fd, bytes, len, at))
PASS(ssize_t, write, DEED_WRITE, (int fd, const BYTES), (fd, bytes, len))
PASS(ssize_t, pwrite, DEED_WRITE, (int fd, const BYTES, off_t at), (fd, bytes, len, at))
PASS(ssize_t, pwrite64, DEED_WRITE, (int fd, const BYTES, off_t at), (fd, bytes, len, at))
PASS(int, ftruncate, DEED_WRITE, (int fd, off_t size), (fd, size))
PASS(int, ftruncate64, DEED_WRITE, (int fd, off_t size), (fd, size))
PASS(int, fallocate, DEED_WRITE, (int fd, int mode, off_t at, off_t len), (fd, mode, at, len))
PASS(int, fallocate64, DEED_WRITE, (int fd, int mode, off_t at, off_t len), (fd, mode, at, len))
PASS(int, fsync, DEED_SYNC, (int fd), (fd))
PASS(int, fdatasync, DEED_SYNC, (int fd), (fd))

/* These return the error, and leave errno alone. */
#define PASS_ERROR(name)                                             \
    int name(int fd, off_t at, off_t len)                            \
    {                                                                \
        static int (*next)(int, off_t, off_t);                       \
        if (!next)                                                   \
            next = real_function(#name);                             \
        return FD_FAILS(fd, DEED_WRITE) ? errno : next(fd, at, len); \
    }
PASS_ERROR(posix_fallocate)
PASS_ERROR(posix_fallocate64)

#define PATH_FAILS(path) fails(room_of(path), DEED_WRITE, __builtin_return_address(0))

int rename(const char *from, const char *to)
{
    static int (*next)(const char *, const char *);
    if (!next)
        next = real_function("rename");
    return PATH_FAILS(to) ? -1 : next(from, to);
}

int mkdir(const char *path, mode_t mode)
{
    static int (*next)(const char *, mode_t);
    if (!next)
        next = real_function("mkdir");
    return PATH_FAILS(path) ? -1 : next(path, mode);
}
