/*
 * CSV files, and cursors: the first byte says which of the two the rest is.
 *
 * A header gives names that are texts and differ; records follow each other to the end of the file
 * without a gap, however they are walked. A cursor is taken only as it was given.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "engine/worker/csv_file.h"
#include "engine/worker/cursor.h"
#include "fuzz/fuzz.h"

#define MEMORY ((size_t)16 << 20)
#define WINDOW ((size_t)4096) /* a page: what is longer has ends of windows in it */

static void names_check(struct csv_file *file)
{
    CHECK(file->names_n >= 1 && file->names_n <= CSV_COLUMNS_MAX);
    CHECK(file->delimiter && strchr(",;\t|", file->delimiter));
    for (size_t i = 0; i < file->names_n; i++) {
        CHECK(file->names[i].len && str_utf8_ok(file->names[i]));
        for (size_t j = 0; j < i; j++)
            CHECK(!str_eq_nocase(file->names[i], file->names[j]));
    }
}

static void records_check(struct csv_file *file)
{
    int64_t record = 0;
    struct csv_walk all = csv_walk_begin(file, true), walk = csv_walk_begin(file, true);
    CHECK(all.at == file->records && all.record == 0);
    for (size_t at = file->records; at < file->view.size; record++) {
        size_t next = csv_skip(file, at);
        CHECK(next > at && next <= file->view.size);
        csv_walk_to(&walk, record);
        CHECK(walk.at == at && walk.record == record && walk.line >= 1);
        at = next;
    }
    if (record) {
        csv_walk_to(&all, record - 1);
        CHECK(all.at == walk.at && all.line == walk.line);
    }
}

static void lines_check(struct csv_file *file, str bytes)
{
    int64_t lines = 0, mixed = csv_mixed_line(file);
    for (size_t i = 0; i < bytes.len; i++)
        lines += bytes.at[i] == '\n';
    CHECK(file->view.size == bytes.len && csv_has(file, '\n') == (lines > 0));
    CHECK(mixed >= 0 && mixed <= lines && mixed != 1);
    int64_t guess = csv_rows_guess(file);
    CHECK(guess >= 0 && guess <= (int64_t)file->view.size);
    struct csv_walk walk = csv_walk_begin(file, false);
    CHECK(walk.at <= file->view.size);
    CHECK(file->names_n == 1 || !csv_is_blank(file, walk.at));
}

static void file_check(struct arena *mem, str bytes)
{
    char path[64];
    struct csv_file file = {0};
    int fd = memfd_create("csv", MFD_CLOEXEC);
    CHECK(fd >= 0 && write(fd, bytes.at, bytes.len) == (ssize_t)bytes.len);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    err e = csv_open(mem, path, WINDOW, &file);
    CHECK(!e || (e->status == 422 && err_is(e, "invalid_file")));
    if (!e) {
        names_check(&file);
        records_check(&file);
        lines_check(&file, bytes);
    }
    csv_close(&file);
    close(fd);
}

static void cursor_check(struct arena *mem, str text)
{
    struct cursor cursor;
    err e = cursor_read(mem, STR("rows t"), text, &cursor);
    CHECK(!e || (e->status == 400 && err_is(e, "invalid_cursor")));
    if (!e) {
        CHECK(cursor.version >= 0 && cursor.position >= 0);
        CHECK(str_eq(cursor_text(mem, STR("rows t"), cursor), text));
    }
    uint64_t n = 0;
    for (size_t i = 0; i < text.len && i < 8; i++)
        n = n << 8 | (unsigned char)text.at[i];
    struct cursor made = {(int64_t)(n >> 1), (int64_t)(n % 1000)}, again;
    CHECK(!cursor_read(mem, text, cursor_text(mem, text, made), &again));
    CHECK(again.version == made.version && again.position == made.position);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    char *copy = exact_copy((str){(const char *)data + 1, size - 1});
    CLEANUP(arena_done) struct arena mem;
    arena_init(&mem, MEMORY);
    if (data[0] & 1)
        cursor_check(&mem, (str){copy, size - 1});
    else
        file_check(&mem, (str){copy, size - 1});
    free(copy);
    return 0;
}
