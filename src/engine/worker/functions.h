/*
 * What a user's SQL may call: DuckDB's functions without those that reach files, settings,
 * catalogues, sequences, other sessions or serialised plans.
 *
 * Names are in lower case. A function that DuckDB gains later is refused until it is named here.
 */
#ifndef ENGINE_WORKER_FUNCTIONS_H
#define ENGINE_WORKER_FUNCTIONS_H

#include "base/str.h"

bool function_allowed(str name);     /* scalar, aggregate, window and macro */
bool function_makes_rows(str name);  /* may stand in FROM */
bool function_is_volatile(str name); /* has a clock or chance in it */
/* Does an aggregate give the same for the same rows, in whatever order they come? `floats`: over
 * REAL or DOUBLE. */
bool aggregate_is_steady(str name, bool floats);
/* The allowed name that is nearest to a mistyped one; absent: none is near. */
str function_like(str name);
/* How many letters differ, at most `most` + 1. */
size_t name_distance(str a, str b, size_t most);

#endif
