/* The headers of one part of a form, and the parameters of a header: parsed in place, in the bytes
 * that hold them. */
#ifndef HTTP_PART_H
#define HTTP_PART_H

#include "http/multipart.h"

enum param_step { PARAM_ONE, PARAM_END, PARAM_BAD };

struct param {
    str name, value; /* the value without its quotes */
};

/* Takes `; name=value` off [*at, end), unquoting it in place. */
enum param_step param_next(char **at, char *end, struct param *param);

/*
 * `block` is lines with CR LF between them, and is rewritten. NULL when `part` was filled with
 * views of it, else what is wrong: half a sentence, to come after "a part of the form".
 */
const char *part_parse(char *block, size_t len, struct multipart_part *part);

#endif
