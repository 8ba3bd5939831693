/*
 * A disk whose syncs fail once told to: loaded into the server before the C library's own fsync and
 * fdatasync.
 *
 * When the file that FAILING_SYNC names is there, the next sync of a file of the store fails with
 * EIO and takes that file away; all others are left to the system.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int is_store(int fd)
{
    char link[64], path[4096];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof(path) - 1);
    if (len < 0)
        return 0;
    path[len] = '\0';
    return strstr(path, "/store.db") != NULL;
}

static int fails(int fd)
{
    const char *told = getenv("FAILING_SYNC");
    if (!told || access(told, F_OK) != 0 || !is_store(fd))
        return 0;
    return unlink(told) == 0;
}

static int sync_by(const char *name, int fd)
{
    if (fails(fd)) {
        errno = EIO;
        return -1;
    }
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    return real(fd);
}

int fsync(int fd)
{
    return sync_by("fsync", fd);
}

int fdatasync(int fd)
{
    return sync_by("fdatasync", fd);
}
