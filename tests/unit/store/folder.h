/* A temporary folder for the files of a test, and a store in it. */
#ifndef UNIT_STORE_FOLDER_H
#define UNIT_STORE_FOLDER_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/store.h"

struct folder {
    char path[64];
    char file[96];
};

static inline void folder_make(struct folder *folder)
{
    snprintf(folder->path, sizeof(folder->path), "/tmp/tinydevcrm-test-XXXXXX");
    if (!mkdtemp(folder->path))
        abort();
    snprintf(folder->file, sizeof(folder->file), "%s/store.sqlite", folder->path);
}

static inline int folder_remove_one(const char *path, const struct stat *stat, int flag,
                                    struct FTW *place)
{
    (void)stat, (void)flag, (void)place;
    return remove(path);
}

static inline void folder_remove(struct folder *folder)
{
    nftw(folder->path, folder_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Prints what went wrong, for cmocka's output. */
static inline err said(err e)
{
    if (e)
        fprintf(stderr,
                "%d %s: %.*s [%.*s]\n",
                e->status,
                e->code,
                STR_ARGS(e->detail),
                STR_ARGS(e->inside));
    return e;
}

#define assert_ok(call) assert_null(said(call))

#endif
