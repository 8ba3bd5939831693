/* Header and records of a CSV file, read by hand: DuckDB matches columns by place, and does not
 * tell empty from none. */
#include "engine/worker/csv_file.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define HEADER_MAX (1024 * 1024)
#define NAME_MOST 300 /* bytes; what a name may be is checked later, and told with the name */
#define GUESS_PLACES 8
#define GUESS_BYTES (16 * 1024)

static err invalid(struct arena *mem, const char *text)
{
    return err_new(mem, 422, "invalid_file", "%s", text);
}

static err file_open(struct arena *mem, const char *path, size_t window, struct csv_file *out)
{
    TRY(view_open(mem, path, window, &out->view));
    out->open = true;
    return out->view.size ? NULL : invalid(mem, "The file is empty (zero bytes).");
}

void csv_close(struct csv_file *file)
{
    if (file->open)
        view_close(&file->view);
    file->open = false;
}

static bool is_newline(struct csv_file *file, size_t at)
{
    str bytes = view_at(&file->view, at);
    return bytes.len && bytes.at[0] == '\n';
}

size_t csv_skip(struct csv_file *file, size_t at)
{
    bool quoted = false;
    for (str bytes; (bytes = view_at(&file->view, at)).len; at += bytes.len) {
        for (size_t i = 0; i < bytes.len; i++) {
            char c = bytes.at[i];
            if (c == '"')
                quoted = !quoted; /* a doubled one turns it twice */
            else if (!quoted && c == '\n')
                return at + i + 1;
            else if (!quoted && c == '\r')
                return is_newline(file, at + i + 1) ? at + i + 2 : at + i + 1;
        }
    }
    return file->view.size;
}

/* Where the last record begins, if it has no end; else the end of the file. */
static size_t whole_records(struct csv_file *file)
{
    size_t size = file->view.size, at = 0, quotes = 0;
    for (size_t next = 0; next < size; next = csv_skip(file, at))
        at = next;
    size_t from = at;
    for (str bytes; (bytes = view_at(&file->view, from)).len; from += bytes.len) {
        for (size_t i = 0; i < bytes.len; i++)
            quotes += bytes.at[i] == '"';
    }
    /* A CR may be the half of an end. */
    return quotes % 2 == 0 && is_newline(file, size - 1) ? size : at;
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
    TRY(file_open(mem, path, VIEW_WINDOW, &file));
    size_t end = whole_records(&file), len = file.view.size;
    if (file.view.failed)
        return &err_no_memory;
    csv_close(&file);
    if (end == 0)
        return invalid(mem, "The file has not one whole line: send more of its beginning.");
    return end == len || file_shorten(path, (off_t)end)
               ? NULL
               : err_internal(mem, "engine: the uploaded file can't be cut");
}

bool csv_is_blank(struct csv_file *file, size_t at)
{
    str bytes = view_at(&file->view, at);
    return bytes.len && (bytes.at[0] == '\n' || bytes.at[0] == '\r');
}

bool csv_has(struct csv_file *file, char c)
{
    size_t at = 0;
    for (str bytes; (bytes = view_at(&file->view, at)).len; at += bytes.len) {
        if (memchr(bytes.at, c, bytes.len))
            return true;
    }
    return false;
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

/* In one piece, wherever the windows end. */
static str header_copy(struct arena *mem, struct csv_file *file, size_t begin)
{
    size_t len = file->records - begin, n = 0;
    char *header = arena_alloc(mem, len + 1);
    while (header && n < len) {
        str bytes = str_sub(view_at(&file->view, begin + n), 0, len - n);
        if (!bytes.len)
            return (str){0};
        memcpy(header + n, bytes.at, bytes.len);
        n += bytes.len;
    }
    return (str){header, header ? len : 0};
}

static err header_read(struct arena *mem, struct csv_file *file, size_t begin)
{
    str header = header_copy(mem, file, begin);
    if (!header.at)
        return &err_no_memory;
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

err csv_open(struct arena *mem, const char *path, size_t window, struct csv_file *out)
{
    *out = (struct csv_file){0};
    TRY(file_open(mem, path, window, out));
    str bytes = view_at(&out->view, 0);
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

int64_t csv_mixed_line(struct csv_file *file)
{
    int64_t line = 0;
    bool first_crlf = false;
    char before = 0; /* the window's first byte */
    size_t from = 0;
    for (str bytes; (bytes = view_at(&file->view, from)).len; from += bytes.len) {
        const char *at = bytes.at, *end = at + bytes.len, *newline;
        while ((newline = memchr(at, '\n', (size_t)(end - at)))) {
            bool crlf = (newline > bytes.at ? newline[-1] : before) == '\r';
            if (++line == 1)
                first_crlf = crlf;
            else if (crlf != first_crlf)
                return line;
            at = newline + 1;
        }
        before = end[-1];
    }
    return 0;
}

int64_t csv_rows_guess(struct csv_file *file)
{
    size_t total = file->view.size - file->records, looked = 0, lines = 0;
    for (size_t i = 0; i < GUESS_PLACES; i++) {
        size_t from = file->records + total / GUESS_PLACES * i;
        str piece = str_sub(view_at(&file->view, from), 0, GUESS_BYTES);
        looked += piece.len;
        for (size_t at = 0; at < piece.len; at++)
            lines += piece.at[at] == '\n';
    }
    return looked ? (int64_t)((double)lines / (double)looked * (double)total) : 0;
}

/* A CR is an end unless an LF follows, which then is. */
static int64_t lines_in(struct csv_file *file, size_t from, size_t to)
{
    int64_t lines = 0;
    bool cr = false;
    while (from < to) {
        str bytes = str_sub(view_at(&file->view, from), 0, to - from);
        if (!bytes.len)
            break;
        for (size_t i = 0; i < bytes.len; i++) {
            char c = bytes.at[i];
            lines += c == '\n' || cr;
            cr = c == '\r';
        }
        from += bytes.len;
    }
    return lines + (cr && !is_newline(file, to));
}

static void skip_blanks(struct csv_walk *walk)
{
    while (!walk->blanks && csv_is_blank(walk->file, walk->at)) {
        walk->at = csv_skip(walk->file, walk->at);
        walk->line++;
    }
}

struct csv_walk csv_walk_begin(struct csv_file *file, bool blanks)
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
    while (walk->record < record && walk->at < walk->file->view.size) {
        size_t next = csv_skip(walk->file, walk->at);
        walk->line += lines_in(walk->file, walk->at, next);
        walk->at = next;
        walk->record++;
        skip_blanks(walk);
    }
}
