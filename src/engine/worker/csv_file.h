/*
 * What a CSV file (RFC 4180, UTF-8) says about itself: its header, its delimiter, where its records
 * begin.
 *
 * Positions are bytes of the file. Where one of these came to no end because there was no memory
 * for a look at the file, `view.failed` says so.
 */
#ifndef ENGINE_WORKER_CSV_FILE_H
#define ENGINE_WORKER_CSV_FILE_H

#include "engine/engine.h"
#include "engine/worker/file_view.h"

#define CSV_COLUMNS_MAX 2000

struct csv_file {
    struct file_view view;
    bool open;
    char delimiter; /* one of , ; tab | */
    str *names;
    size_t names_n;
    size_t records; /* offset of the first one behind the header */
};

/* Reads the header; `window` as file_view.h has it. 422 invalid_file; the caller closes in any
 * case. */
MUST_CHECK err csv_open(struct arena *mem, const char *path, size_t window, struct csv_file *out);
/* Cuts the file on disk behind its last line that has an end. 422 invalid_file when there is none.
 */
MUST_CHECK err csv_cut(struct arena *mem, const char *path);
void csv_close(struct csv_file *file); /* for CLEANUP; a zeroed one is fine */
/* Behind the record that begins at `at`, with its line end; quoted line breaks belong to it. */
size_t csv_skip(struct csv_file *file, size_t at);
/* Is this character anywhere? */
bool csv_has(struct csv_file *file, char c);
/* An empty line, which is no record when there are several columns. */
bool csv_is_blank(struct csv_file *file, size_t at);
/* The first line (from 1) that ends otherwise than the first one does; 0: all end alike. */
int64_t csv_mixed_line(struct csv_file *file);
/* Rows of the file, judged by a few places in it. */
int64_t csv_rows_guess(struct csv_file *file);

/*
 * Goes from record to record and counts lines; `blanks` counts empty lines as records (with a
 * single column they always are).
 */
struct csv_walk {
    struct csv_file *file;
    bool blanks;
    size_t at;
    int64_t record; /* from 0, behind the header */
    int64_t line;   /* where it begins, from 1 */
};

struct csv_walk csv_walk_begin(struct csv_file *file, bool blanks);
/* On to record `record`, which must not lie behind. */
void csv_walk_to(struct csv_walk *walk, int64_t record);

#endif
