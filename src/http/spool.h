/*
 * The files of an upload on their way to the disk: the form's parts, or the one file that the body
 * is, as they come, written by libuv's threads, never more than SPOOL_AHEAD bytes of them in
 * memory.
 *
 * On the loop's thread.
 */
#ifndef HTTP_SPOOL_H
#define HTTP_SPOOL_H

#include "base/err.h"
#include "http/loop.h"
#include "http/request.h"

#define SPOOL_AHEAD ((size_t)1 << 20)
#define SPOOL_FORM_MAX ((int64_t)1 << 20) /* bytes of all fields that are not files */

struct spool;

struct spool_options {
    struct loop *loop;
    struct arena *mem; /* of the request */
    const char *dir;
    bool form;        /* multipart; otherwise the body is one file without a name */
    str content_type; /* of a form with the boundary */
    int64_t file_max;
    void (*room)(void *arg);        /* spool_full was true and is so no more */
    void (*done)(void *arg, err e); /* after spool_end: all is on its way to the disk, or e */
    void *arg;
};

MUST_CHECK err spool_new(const struct spool_options *options, struct spool **out);
MUST_CHECK err spool_feed(struct spool *spool, str bytes);
bool spool_full(const struct spool *spool);
/* The body has ended: `done` follows unless this fails. */
MUST_CHECK err spool_end(struct spool *spool);
/* After `done`: what came, in the request's arena. */
void spool_take(const struct spool *spool, struct list *form, struct list *uploads);
/* Forgets the arena and the callbacks at once, closes, unlinks what is not `kept`, frees itself. */
void spool_free(struct spool *spool, bool kept);

/* Removes what an earlier process left; blocks. How many. */
size_t spool_sweep(const char *dir);

#endif
