/*
 * What a CSV file (RFC 4180, UTF-8) says about itself: its header, its delimiter, where its records
 * begin.
 *
 * The file is mapped, not read: only what is looked at takes memory.
 */
#ifndef ENGINE_WORKER_CSV_FILE_H
#define ENGINE_WORKER_CSV_FILE_H

#include "engine/engine.h"

#define CSV_COLUMNS_MAX 2000

struct csv_file {
    str bytes;
    void *map;
    size_t map_len;
    char delimiter; /* one of , ; tab | */
    str *names;
    size_t names_n;
    size_t records; /* offset of the first one behind the header */
};

/* Reads the header. 422 invalid_file; the caller closes in any case. */
MUST_CHECK err csv_open(struct arena *mem, const char *path, struct csv_file *out);
/* Cuts the file on disk behind its last line that has an end. 422 invalid_file when there is none.
 */
MUST_CHECK err csv_cut(struct arena *mem, const char *path);
void csv_close(struct csv_file *file); /* for CLEANUP; a zeroed one is fine */
/* Behind the record that begins at `at`, with its line end; quoted line breaks belong to it. */
size_t csv_skip(const struct csv_file *file, size_t at);
/* An empty line, which is no record when there are several columns. */
bool csv_is_blank(const struct csv_file *file, size_t at);
/* The first line (from 1) that ends otherwise than the first one does; 0: all end alike. */
int64_t csv_mixed_line(const struct csv_file *file);
/* Rows of the file, judged by a few places in it. */
int64_t csv_rows_guess(const struct csv_file *file);

/*
 * Goes from record to record and counts lines; `blanks` counts empty lines as records (with a
 * single column they always are).
 */
struct csv_walk {
    const struct csv_file *file;
    bool blanks;
    size_t at;
    int64_t record; /* from 0, behind the header */
    int64_t line;   /* where it begins, from 1 */
};

struct csv_walk csv_walk_begin(const struct csv_file *file, bool blanks);
/* On to record `record`, which must not lie behind. */
void csv_walk_to(struct csv_walk *walk, int64_t record);

#endif
