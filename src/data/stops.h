/*
 * Loads that nobody waits for, by their ids: each can be stopped by its team, and all are when the
 * server stops. Any thread.
 */
#ifndef DATA_STOPS_H
#define DATA_STOPS_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/str.h"

struct stops;

/* Of one load; lives in it. */
struct stop {
    struct stop *next;
    str team, id;
    atomic_bool gone;  /* it is to end */
    atomic_bool asked; /* since its team wants so */
};

struct stops *stops_new(void); /* NULL: no memory */
void stops_free(struct stops *stops);

void stop_enter(struct stops *stops, struct stop *stop);
void stop_leave(struct stops *stops, struct stop *stop);
/* False: there is no such load. */
bool stop_ask(struct stops *stops, str team, str id);
/* All that are there, and all that come. */
void stops_all(struct stops *stops);

#endif
