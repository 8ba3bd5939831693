/*
 * A libuv loop on a thread of its own: it owns its connections and streams, and never blocks.
 *
 * Other threads reach it only through loop_post: a queue and one wake-up, however many are posted.
 */
#ifndef HTTP_LOOP_H
#define HTTP_LOOP_H

#include <stddef.h>

struct loop;
struct server;

/* Embedded in what is sent to a loop; belongs to the loop from the call until `run` is called on
 * the loop's thread. */
struct loop_post {
    void (*run)(struct loop *loop, struct loop_post *post);
    struct loop_post *next;
};

void loop_post(struct loop *loop, struct loop_post *post); /* any thread */

/* The loops of a server: there are as many while it runs as at its start. */
size_t server_loop_count(const struct server *server);
struct loop *server_loop(struct server *server, size_t i);
/* 0 to server_loop_count - 1. */
size_t loop_index(const struct loop *loop);

#endif
