/*
 * Whose word on a client's address is taken: proxies in front of the server that are known.
 *
 * Anybody can send X-Forwarded-For. It is read only of a peer that is on the list, and then from
 * its end: each proxy adds the address it was asked from, so what stands left of the first address
 * that is no proxy of ours was said by that client itself.
 */
#ifndef HTTP_PROXIES_H
#define HTTP_PROXIES_H

#include "base/arena.h"
#include "base/err.h"

struct proxies;

/* `list`: addresses and networks such as 10.0.0.0/8, comma-separated; may be empty. */
MUST_CHECK err proxies_new(struct arena *mem, str list, struct proxies **out);
/* The client's address: `peer`, or what a proxy has `forwarded` (absent: nothing). A view of one of
 * them. */
str proxies_client(const struct proxies *proxies, str peer, str forwarded);

#endif
