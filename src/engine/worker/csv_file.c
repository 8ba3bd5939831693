/* Header and records of a CSV file, read by hand: DuckDB matches columns by place, and does not
 * tell empty from none. */
#include "engine/worker/csv_file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER_MAX (1024 * 1024)
#define NAME_MOST 300 /* bytes; what a name may be is checked later, and told with the name */
#define GUESS_PLACES 8
#define GUESS_BYTES (16 * 1024)

static err invalid(struct arena *mem, const char *text)
{
    return err_new(mem, 422, "invalid_file", "%s", text);
}

static err file_map(struct arena *mem, const char *path, struct csv_file *out)
{
    struct stat stat;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &stat) != 0) {
        if (fd >= 0)
            close(fd);
        return err_internal(mem, "engine: the uploaded file can't be opened");
    }
    if (stat.st_size == 0) {
        close(fd);
        return invalid(mem, "The file is empty (zero bytes).");
    }
    out->map_len = (size_t)stat.st_size;
    out->map = mmap(NULL, out->map_len, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (out->map == MAP_FAILED) {
        out->map = NULL;
        return err_internal(mem, "engine: the uploaded file can't be mapped");
    }
    out->bytes = (str){out->map, out->map_len};
    return NULL;
}

void csv_close(struct csv_file *file)
{
    if (file->map)
        munmap(file->map, file->map_len);
    file->map = NULL;
}

size_t csv_skip(const struct csv_file *file, size_t at)
{
    str bytes = file->bytes;
    bool quoted = false;
    for (; at < bytes.len; at++) {
        char c = bytes.at[at];
        if (c == '"')
            quoted = !quoted; /* a doubled one turns it twice */
        else if (!quoted && c == '\n')
            return at + 1;
        else if (!quoted && c == '\r')
            return at + 1 < bytes.len && bytes.at[at + 1] == '\n' ? at + 2 : at + 1;
    }
    return bytes.len;
}

/* Where the last record begins, if it has no end; else the end of the file. */
static size_t whole_records(const struct csv_file *file)
{
    str bytes = file->bytes;
    size_t at = 0, next = 0;
    for (; next < bytes.len; next = csv_skip(file, at))
        at = next;
    size_t quotes = 0;
    for (size_t i = at; i < bytes.len; i++)
        quotes += bytes.at[i] == '"';
    /* A CR may be the half of an end. */
    return quotes % 2 == 0 && bytes.at[bytes.len - 1] == '\n' ? bytes.len : at;
}

static bool file_shorten(const char *path, off_t size)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool done = fd >= 0 && ftruncate(fd, size) == 0;
    if (fd >= 0)
        close(fd);
    return done;
}

err csv_cut(struct arena *mem, const char *path)
{
    CLEANUP(csv_close) struct csv_file file = {0};
    TRY(file_map(mem, path, &file));
    size_t end = whole_records(&file), len = file.bytes.len;
    csv_close(&file);
    if (end == 0)
        return invalid(mem, "The file has not one whole line: send more of its beginning.");
    return end == len || file_shorten(path, (off_t)end)
               ? NULL
               : err_internal(mem, "engine: the uploaded file can't be cut");
}

bool csv_is_blank(const struct csv_file *file, size_t at)
{
    return at < file->bytes.len && (file->bytes.at[at] == '\n' || file->bytes.at[at] == '\r');
}

/* The mark that stands most often outside quotes; none: a comma, for a single column. */
static char delimiter_of(str header)
{
    static const char marks[] = ",;\t|";
    size_t best = 0;
    char found = ',';
    for (const char *mark = marks; *mark; mark++) {
        size_t count = 0;
        bool quoted = false;
        for (size_t i = 0; i < header.len; i++) {
            quoted ^= header.at[i] == '"';
            count += !quoted && header.at[i] == *mark;
        }
        if (count > best) {
            best = count;
            found = *mark;
        }
    }
    return found;
}

/* The field that begins at `at`, written without quotes to `text`, where it is no longer than
 * before; `at` goes to the delimiter behind it, or to the end. */
static str field_take(str header, char delimiter, size_t *at, char *text)
{
    size_t n = 0;
    bool quoted = false;
    for (; *at < header.len; (*at)++) {
        char c = header.at[*at];
        if (c == delimiter && !quoted)
            break;
        if (c != '"')
            text[n++] = c;
        else if (quoted && *at + 1 < header.len && header.at[*at + 1] == '"')
            text[n++] = header.at[++*at];
        else
            quoted = !quoted;
    }
    return str_trim((str){text, n});
}

static err names_check(struct arena *mem, const struct csv_file *file)
{
    for (size_t i = 0; i < file->names_n; i++) {
        if (!file->names[i].len)
            return err_new(
                mem, 422, "invalid_file", "Line 1: column %zu of the header has no name.", i + 1);
        if (file->names[i].len > NAME_MOST)
            return err_new(mem,
                           422,
                           "invalid_file",
                           "Line 1: the name of column %zu is longer than %d bytes.",
                           i + 1,
                           NAME_MOST);
        for (size_t j = 0; j < i; j++)
            if (str_eq_nocase(file->names[i], file->names[j]))
                return err_new(mem,
                               422,
                               "invalid_file",
                               "Line 1: the header names \"%.*s\" twice.",
                               STR_ARGS(file->names[i]));
    }
    return NULL;
}

static err header_read(struct arena *mem, struct csv_file *file, size_t begin)
{
    str header = str_sub(file->bytes, begin, file->records - begin);
    while (header.len && (header.at[header.len - 1] == '\n' || header.at[header.len - 1] == '\r'))
        header.len--;
    if (!str_trim(header).len)
        return invalid(mem, "Line 1: the header is empty. The first line must name the columns.");
    if (!str_utf8_ok(header))
        return invalid(
            mem, "Line 1: the header is not UTF-8 text. A CSV file must be encoded in UTF-8.");
    file->delimiter = delimiter_of(header);
    size_t most = 1;
    for (size_t i = 0; i < header.len; i++)
        most += header.at[i] == file->delimiter;
    if (most > CSV_COLUMNS_MAX)
        return invalid(mem, "Line 1: the header has more than 2000 columns.");
    char *text = arena_alloc(mem, header.len + 1);
    file->names = arena_array(mem, most, sizeof(str));
    if (!text || !file->names)
        return &err_no_memory;
    for (size_t at = 0; at <= header.len; at++)
        file->names[file->names_n++] = field_take(header, file->delimiter, &at, text + at);
    return names_check(mem, file);
}

err csv_open(struct arena *mem, const char *path, struct csv_file *out)
{
    *out = (struct csv_file){0};
    TRY(file_map(mem, path, out));
    str bytes = out->bytes;
    if (str_starts(bytes, STR("\xFF\xFE")) || str_starts(bytes, STR("\xFE\xFF")))
        return invalid(mem, "The file is encoded in UTF-16. A CSV file must be encoded in UTF-8.");
    if (str_starts(bytes, STR("PAR1")))
        return invalid(mem, "The file is a Parquet file, not CSV.");
    size_t begin = str_starts(bytes, STR("\xEF\xBB\xBF")) ? 3 : 0;
    out->records = csv_skip(out, begin);
    if (out->records - begin > HEADER_MAX)
        return invalid(mem, "Line 1: the header is longer than 1 MB. Is a quote never closed?");
    return header_read(mem, out, begin);
}

int64_t csv_mixed_line(const struct csv_file *file)
{
    int64_t line = 0;
    bool first_crlf = false;
    const char *at = file->bytes.at, *end = at + file->bytes.len, *newline;
    while ((newline = memchr(at, '\n', (size_t)(end - at)))) {
        bool crlf = newline > file->bytes.at && newline[-1] == '\r';
        if (++line == 1)
            first_crlf = crlf;
        else if (crlf != first_crlf)
            return line;
        at = newline + 1;
    }
    return 0;
}

int64_t csv_rows_guess(const struct csv_file *file)
{
    size_t total = file->bytes.len - file->records, looked = 0, lines = 0;
    for (size_t i = 0; i < GUESS_PLACES; i++) {
        size_t from = file->records + total / GUESS_PLACES * i;
        str piece = str_sub(file->bytes, from, GUESS_BYTES);
        looked += piece.len;
        for (size_t at = 0; at < piece.len; at++)
            lines += piece.at[at] == '\n';
    }
    return looked ? (int64_t)((double)lines / (double)looked * (double)total) : 0;
}

static int64_t lines_in(const struct csv_file *file, size_t from, size_t to)
{
    int64_t lines = 0;
    for (size_t i = from; i < to; i++)
        lines += file->bytes.at[i] == '\n' ||
                 (file->bytes.at[i] == '\r' &&
                  (i + 1 >= file->bytes.len || file->bytes.at[i + 1] != '\n'));
    return lines;
}

static void skip_blanks(struct csv_walk *walk)
{
    while (!walk->blanks && csv_is_blank(walk->file, walk->at)) {
        walk->at = csv_skip(walk->file, walk->at);
        walk->line++;
    }
}

struct csv_walk csv_walk_begin(const struct csv_file *file, bool blanks)
{
    struct csv_walk walk = {.file = file,
                            .blanks = blanks || file->names_n == 1,
                            .at = file->records,
                            .line = 1 + lines_in(file, 0, file->records)};
    skip_blanks(&walk);
    return walk;
}

void csv_walk_to(struct csv_walk *walk, int64_t record)
{
    while (walk->record < record && walk->at < walk->file->bytes.len) {
        size_t next = csv_skip(walk->file, walk->at);
        walk->line += lines_in(walk->file, walk->at, next);
        walk->at = next;
        walk->record++;
        skip_blanks(walk);
    }
}
