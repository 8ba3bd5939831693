/* JSON Schema (2020-12, as OpenAPI 3.1 has it) of field tables, and the few strokes that print JSON
 * with its commas. */
#ifndef HTTP_SCHEMA_H
#define HTTP_SCHEMA_H

#include "base/fields.h"

/* Where the object is read from: it decides what is required, what may be null, and what more is
 * allowed. */
enum schema_use {
    SCHEMA_INPUT,  /* a JSON body */
    SCHEMA_UPLOAD, /* a JSON body instead of a form: the fields but for the file */
    SCHEMA_FORM, /* multipart/form-data: the fields and the file, also when no field is called that
                  */
    SCHEMA_OUTPUT, /* an answer */
};

/* {"type": "object", ...} of a whole table; NULL: any object. */
void schema_print(struct buf *out, const struct field *fields, enum schema_use use);
/* Of one field, as it comes in, without its help. */
void schema_print_field(struct buf *out, const struct field *field, enum schema_use use);
/* The field of a form that is its file. */
bool schema_is_file(const struct field *field);
const struct field *schema_file(const struct field *fields); /* NULL: none of them */
/* For people: "text of 1 to 300 bytes", "integer, 1 to 10", "list of objects". */
void schema_tell(struct buf *out, const struct field *field);

/* Each first puts the comma that is due, seeing what the text ends with. */
void put_key(struct buf *out, const char *key);
void put_member(struct buf *out, const char *key, const char *value);
void put_open(struct buf *out, char bracket);

#endif
