/*
 * What is to fail, told from outside: a file that the test writes and the program maps.
 *
 * Kinds of calls are counted while they are asked for; from the n-th on so many of them fail, with
 * an errno or by an action. All numbers are 64 bits wide, so that a test can write them one by one.
 */
#ifndef FAULTS_CONTROL_H
#define FAULTS_CONTROL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Kinds, as bits; control.mjs has the same numbers. */
enum {
    FAULT_MEMORY = 1,
    FAULT_STORE_READ = 2,
    FAULT_STORE_WRITE = 4,
    FAULT_STORE_SYNC = 8,
    FAULT_STORE_OPEN = 16,
    FAULT_SPOOL = 32,     /* files of uploads: opened, written, closed */
    FAULT_TEAM_READ = 64, /* files of a team, in the engine's process */
    FAULT_TEAM_WRITE = 128,
    FAULT_DESCRIPTOR = 256, /* calls that make a descriptor */
    FAULT_SOCKET = 512,     /* messages between the server and an engine process */
    FAULT_THREAD = 1024,
};

/* In the place of an errno. */
enum { ACTION_DIE = -1, ACTION_HANG = -2, ACTION_STOP = -3, ACTION_EAT = -4 };

struct control {
    _Atomic int64_t kinds;
    _Atomic int64_t nth;       /* the first that fails, from 1 */
    _Atomic int64_t times;     /* so many fail */
    _Atomic int64_t action;    /* an errno, or ACTION_... */
    _Atomic int64_t count;     /* of calls so far */
    _Atomic int64_t hits;      /* of those that failed */
    _Atomic int64_t clock_us;  /* is added to the wall clock */
    _Atomic int64_t clock_set; /* how often it was set */
    _Atomic int64_t where;     /* the address that the last one was called from, in its object */
    char object[64];           /* which is this one */
};

/* NULL: nothing is ever to fail. */
extern struct control *control;

/* Counts one call; the errno that it is to fail with, or 0. Other actions are done in here. */
int fault_of(int64_t kind, const void *caller);

/* True, with errno set: the call is to fail. */
bool fault(int64_t kind, const void *caller);
#define FAULT(kind) fault((kind), __builtin_return_address(0))

/* The C library's own function (or a sanitizer's). */
void *real_function(const char *name);
#define REAL(result, name, params) static result(*name) params

#endif
