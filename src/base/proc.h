/* What the kernel tells of a process under /proc. Any thread; takes from some microseconds to some
 * milliseconds. */
#ifndef BASE_PROC_H
#define BASE_PROC_H

#include <stdint.h>

/* Bytes of memory: its share of what it has together with others, where the kernel lets us look
 * that closely, else all that it has in memory; 0: there is no such process. */
int64_t proc_memory(int64_t pid);
/* Bytes of data and stack that it has asked for, used or not; 0: there is no such process. */
int64_t proc_data(int64_t pid);
/* Descriptors of this process that are open. */
int64_t proc_descriptors(void);

#endif
