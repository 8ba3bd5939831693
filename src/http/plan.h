/* What is to become of a request, as far as its head tells: for exchange.c. */
#ifndef HTTP_PLAN_H
#define HTTP_PLAN_H

#include "http/asking.h"

/* Fills in the route and the limits of the body, or replies at once (answer.kind). */
void exchange_plan(struct exchange *exchange);
/* A form with files, or a file: the body goes to a spool. */
bool plan_spools(const struct asking *ask);

#endif
