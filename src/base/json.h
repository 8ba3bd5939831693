/* Taking a member out of JSON text as it was written, without reading numbers or texts. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/str.h"

/*
 * The text of the value of `name` in `object`, which must be a well-formed JSON object (parsed
 * before, or printed by us); only the object's own members are looked at. Absent when there is
 * none; names with escapes are not found.
 */
str json_member(str object, str name);

#endif
