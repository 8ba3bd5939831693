/* What the load generators share: connections to a local port, and the clocks. */
#ifndef BENCH_LOOPBACK_H
#define BENCH_LOOPBACK_H

#include <stdbool.h>
#include <stdint.h>

/* A connected TCP socket, or -1. With `blocking` false the connection may still be under way. */
int loopback_connect(uint16_t port, bool blocking);
bool loopback_send(int fd, const char *text);

int64_t steady_us(void); /* since some start; never goes back */
int64_t wall_us(void);   /* since 1970 */

/* The number an argument holds; ends the program when it holds none from min to max. */
int64_t number_of(const char *text, int64_t min, int64_t max);
/* Prints what is wrong and ends the program. */
__attribute__((noreturn, format(printf, 1, 2))) void give_up(const char *format, ...);

#endif
