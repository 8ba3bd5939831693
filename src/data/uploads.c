/*
 * Uploads in pieces.
 *
 * The record says how much is there, and is the truth: a piece is written and synced first, then
 * the record is moved on. A file that is longer than its record says was being written when the
 * server was killed; the next piece begins by cutting it back. Pieces of one upload exclude each
 * other by a lock on its file, which ends with the request, whatever happens.
 */
#include "data/uploads.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/id.h"
#include "base/time.h"
#include "http/page.h"

#define TUS_VERSION STR("1.0.0")
#define KEEP_US ((int64_t)24 * 3600 * US_PER_S) /* since the last piece */
#define KEEP_MOST_US (7 * KEEP_US)              /* since it was announced */
#define UPLOADS_MAX 100                         /* of a team */
#define LENGTH_MOST ((int64_t)1 << 40)          /* bytes */
#define FILENAME_MAX_BYTES 255
#define ID_LENGTH 36
#define COPY_BYTES ((size_t)256 * 1024)
#define TRIM_AT_ONCE 1000

const struct field upload_fields[] = {
    FIELD(struct upload_record, id, FIELD_STR, .flags = FIELD_REQUIRED),
    FIELD(struct upload_record, filename, FIELD_STR, .help = "As the client says"),
    FIELD(struct upload_record, bytes, FIELD_INT, .help = "Size of the whole file"),
    FIELD(struct upload_record, bytes_done, FIELD_INT, .help = "Of these, here and on disk"),
    FIELD(struct upload_record, created, FIELD_TIME, .flags = FIELD_REQUIRED),
    FIELD(struct upload_record, expires_at, FIELD_TIME, .flags = FIELD_REQUIRED,
          .help = "When it is forgotten, unless it goes on"),
    FIELD_LAST,
};

static const struct field upload_row[] = {
    FIELD(struct upload_record, team, FIELD_STR),
    FIELD(struct upload_record, id, FIELD_STR),
    FIELD(struct upload_record, filename, FIELD_STR),
    FIELD(struct upload_record, bytes, FIELD_INT),
    FIELD(struct upload_record, bytes_done, FIELD_INT),
    FIELD(struct upload_record, created, FIELD_TIME),
    FIELD(struct upload_record, expires_at, FIELD_TIME),
    FIELD_LAST,
};

struct create_headers {
    str version, metadata;
    int64_t length;
};

struct append_headers {
    str version;
    int64_t offset;
};

#define HEADER(type_, member_, name_, kind_, ...)                                         \
    {                                                                                     \
        .name = (name_), .type = (kind_), .offset = offsetof(type_, member_), __VA_ARGS__ \
    }
#define VERSION_HEADER(type_) \
    HEADER(type_, version, "Tus-Resumable", FIELD_STR, .help = "1.0.0, when it is sent")

const struct field upload_create_headers[] = {
    VERSION_HEADER(struct create_headers),
    HEADER(struct create_headers, length, "Upload-Length", FIELD_INT, .flags = FIELD_REQUIRED,
           .min = 0, .max = LENGTH_MOST, .help = "Size of the whole file in bytes"),
    HEADER(struct create_headers, metadata, "Upload-Metadata", FIELD_STR,
           .help = "filename, and the file's name in base64"),
    FIELD_LAST,
};

const struct field upload_append_headers[] = {
    VERSION_HEADER(struct append_headers),
    HEADER(struct append_headers, offset, "Upload-Offset", FIELD_INT, .flags = FIELD_REQUIRED,
           .min = 0, .max = LENGTH_MOST, .help = "Where this piece begins: what HEAD has told"),
    FIELD_LAST,
};

/* Every answer says the version; another one than ours is not understood. */
static err tus_begin(struct request *rq)
{
    str version = request_header(rq, "tus-resumable");
    bool known = !version.at || str_eq(version, TUS_VERSION);
    reply_header(rq, "Tus-Resumable", TUS_VERSION);
    if (!known)
        reply_header(rq, "Tus-Version", TUS_VERSION);
    reply_headers_keep(rq);
    if (known)
        return NULL;
    return err_new(
        rq->mem, 412, "unsupported_version", "Of tus the server knows version 1.0.0 only.");
}

static void reply_number(struct request *rq, const char *name, int64_t number)
{
    reply_header(rq, name, str_fmt(rq->mem, "%lld", (long long)number));
}

static void reply_place(struct request *rq, const struct upload_record *upload)
{
    char text[TIME_TEXT];
    reply_number(rq, "Upload-Offset", upload->bytes_done);
    if (upload->bytes_done < upload->bytes)
        reply_header(rq, "Upload-Expires", str_copy(rq->mem, time_http(upload->expires_at, text)));
}

err upload_options(struct request *rq)
{
    struct data *data = rq->context;
    TRY(tus_begin(rq));
    reply_header(rq, "Tus-Version", TUS_VERSION);
    reply_header(rq, "Tus-Extension", STR("creation,termination,expiration"));
    reply_number(rq, "Tus-Max-Size", data->upload_max);
    return reply_empty(rq, 204);
}

/* The team stands in the name too, so that a file alone says whose it is. */
static char *upload_path(struct data *data, struct arena *mem, str team, str id)
{
    return str_c(mem,
                 str_fmt(mem, "%s/%.*s.%.*s", data->uploads_dir, STR_ARGS(team), STR_ARGS(id)));
}

static void file_remove(void *path)
{
    unlink(path);
}

static err upload_find(struct tx *tx, str team, str id, struct upload_record *out)
{
    bool found;
    TRY(tx_find(tx,
                upload_row,
                out,
                &found,
                "SELECT * FROM uploads WHERE team = $1 AND id = $2 AND expires_at > $3",
                A(team),
                A(id),
                A(time_now())));
    if (!found)
        return err_new(tx->db->mem, 404, "not_found", "There is no such upload.");
    return NULL;
}

static err upload_read(struct request *rq, str id, struct upload_record *out)
{
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_read(rq->db, &tx));
    return upload_find(&tx, rq->team, id, out);
}

/* "filename d29ybGQ=,other": the value of filename; absent when there is none that is a name. */
static str metadata_filename(struct request *rq, str metadata)
{
    while (metadata.at) {
        str pair = str_cut(&metadata, ',');
        pair = str_trim(pair);
        if (!str_eq(str_cut(&pair, ' '), STR("filename")) || !pair.at)
            continue;
        size_t len = 0;
        unsigned char *name = arena_alloc(rq->mem, pair.len + 1);
        if (!name || sodium_base642bin(name,
                                       pair.len + 1,
                                       pair.at,
                                       pair.len,
                                       NULL,
                                       &len,
                                       NULL,
                                       sodium_base64_VARIANT_ORIGINAL) != 0)
            return (str){0};
        str text = {(const char *)name, len};
        bool fine =
            len > 0 && len <= FILENAME_MAX_BYTES && str_utf8_ok(text) && !memchr(name, 0, len);
        return fine ? text : (str){0};
    }
    return (str){0};
}

static err upload_count(struct tx *tx, str team)
{
    int64_t count;
    TRY(tx_number(tx,
                  &count,
                  "SELECT COUNT(*) FROM uploads WHERE team = $1 AND expires_at > $2",
                  A(team),
                  A(time_now())));
    if (count < UPLOADS_MAX)
        return NULL;
    return err_new(tx->db->mem,
                   409,
                   "too_many_uploads",
                   "The team has %d uploads that are not loaded. Load or delete one first.",
                   UPLOADS_MAX);
}

static err upload_insert(struct request *rq, const struct upload_record *upload)
{
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(rq->db, &tx));
    TRY(upload_count(&tx, rq->team));
    TRY(tx_run(&tx,
               "INSERT INTO uploads (team, id, filename, bytes, bytes_done, created, expires_at)"
               " VALUES ($1, $2, $3, $4, 0, $5, $6)",
               A(upload->team),
               A(upload->id),
               A(upload->filename),
               A(upload->bytes),
               A(upload->created),
               A(upload->expires_at)));
    return tx_commit(&tx);
}

static err disk_err(struct arena *mem, const char *path)
{
    if (errno == ENOSPC || errno == EDQUOT)
        return err_new(
            mem, 507, "disk_full", "There is no room on the server's disk for this upload.");
    return err_internal(mem, "the upload %s: %s", path, strerror(errno));
}

static err dir_sync(struct data *data, struct arena *mem)
{
    int dir = open(data->uploads_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = dir >= 0 && fsync(dir) == 0;
    err e = synced ? NULL : disk_err(mem, data->uploads_dir);
    if (dir >= 0)
        close(dir);
    return e;
}

static err upload_make(struct request *rq, const struct upload_record *upload)
{
    char *path = upload_path(rq->context, rq->mem, upload->team, upload->id);
    if (!path)
        return &err_no_memory;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return disk_err(rq->mem, path);
    close(fd);
    err e = dir_sync(rq->context, rq->mem);
    if (!e)
        e = upload_insert(rq, upload);
    if (e)
        unlink(path);
    return e;
}

err upload_create(struct request *rq)
{
    struct data *data = rq->context;
    struct create_headers headers = {0};
    TRY(tus_begin(rq));
    TRY(request_headers(rq, upload_create_headers, &headers));
    if (headers.length > data->upload_max)
        return err_new(rq->mem,
                       413,
                       "file_too_large",
                       "A file may have at most %lld bytes.",
                       (long long)data->upload_max);
    struct upload_record upload = {.team = rq->team,
                                   .id = id_new(rq->mem),
                                   .filename = metadata_filename(rq, headers.metadata),
                                   .bytes = headers.length,
                                   .created = rq->now,
                                   .expires_at = rq->now + KEEP_US};
    TRY(upload_make(rq, &upload));
    reply_header(rq, "Location", str_fmt(rq->mem, "/uploads/%.*s/", STR_ARGS(upload.id)));
    reply_place(rq, &upload);
    return reply_json(rq, 201, upload_fields, &upload);
}

err upload_show(struct request *rq)
{
    struct upload_record upload = {0};
    TRY(tus_begin(rq));
    TRY(upload_read(rq, request_path(rq, "id"), &upload));
    reply_place(rq, &upload);
    reply_number(rq, "Upload-Length", upload.bytes);
    reply_header(rq, "Cache-Control", STR("no-store"));
    return reply_json(rq, 200, upload_fields, &upload);
}

err upload_list(struct request *rq)
{
    struct page page;
    struct list list;
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(page_ask(rq, &page));
    TRY(db_read(rq->db, &tx));
    bool back = page.before.at;
    str from = back ? page.before : page.after.at ? page.after : STR(ID_LAST);
    int64_t rows = page_rows(&page);
#define UPLOADS(where)                                                              \
    tx_list(&tx,                                                                    \
            upload_row,                                                             \
            sizeof(struct upload_record),                                           \
            UPLOADS_MAX * 2,                                                        \
            &list,                                                                  \
            "SELECT * FROM uploads WHERE team = $1 AND expires_at > $2 AND " where, \
            A(rq->team),                                                            \
            A(time_now()),                                                          \
            A(from),                                                                \
            A(rows))
    TRY(back ? UPLOADS("id > $3 ORDER BY id LIMIT $4")
             : UPLOADS("id < $3 ORDER BY id DESC LIMIT $4"));
#undef UPLOADS
    return page_reply(rq,
                      &page,
                      upload_fields,
                      sizeof(struct upload_record),
                      list,
                      offsetof(struct upload_record, id));
}

/* The files of an upload that goes on: open and locked, until the request ends. */
struct appending {
    struct request *rq;
    const char *path;
    const struct upload *piece; /* NULL: it is empty */
    int fd, piece_fd;           /* -1: not open */
};

static void appending_done(struct appending *appending)
{
    if (appending->fd >= 0)
        close(appending->fd);
    if (appending->piece_fd >= 0)
        close(appending->piece_fd);
}

static err appending_lock(struct appending *appending)
{
    struct arena *mem = appending->rq->mem;
    appending->fd = open(appending->path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (appending->fd < 0 && errno == ENOENT)
        return err_new(mem, 404, "not_found", "This upload was forgotten.");
    if (appending->fd < 0)
        return disk_err(mem, appending->path);
    if (flock(appending->fd, LOCK_EX | LOCK_NB) != 0)
        return err_new(mem,
                       423,
                       "upload_busy",
                       "Another piece of this upload is being written. Ask for its offset again.");
    if (!appending->piece)
        return NULL;
    appending->piece_fd = open(appending->piece->path, O_RDONLY | O_CLOEXEC);
    return appending->piece_fd < 0 ? disk_err(mem, appending->piece->path) : NULL;
}

/* The first piece becomes the file. It is locked before it can be found there. */
static err piece_move(struct appending *appending)
{
    struct request *rq = appending->rq;
    if (flock(appending->piece_fd, LOCK_EX | LOCK_NB) != 0 || fdatasync(appending->piece_fd) != 0 ||
        rename(appending->piece->path, appending->path) != 0)
        return disk_err(rq->mem, appending->path);
    return dir_sync(rq->context, rq->mem);
}

static bool write_all(int fd, const char *bytes, size_t n)
{
    while (n) {
        ssize_t wrote = write(fd, bytes, n);
        if (wrote < 0 && errno != EINTR)
            return false;
        bytes += wrote > 0 ? wrote : 0;
        n -= wrote > 0 ? (size_t)wrote : 0;
    }
    return true;
}

static bool copy_all(int from, int to, char *bytes)
{
    for (;;) {
        ssize_t n = read(from, bytes, COPY_BYTES);
        if (n == 0)
            return true;
        if ((n < 0 && errno != EINTR) || (n > 0 && !write_all(to, bytes, (size_t)n)))
            return false;
    }
}

/* The others are written behind what is known to be there. */
static err piece_copy(struct appending *appending, int64_t offset)
{
    struct arena *mem = appending->rq->mem;
    int fd = appending->fd;
    char *bytes = arena_alloc(mem, COPY_BYTES);
    struct stat file;
    if (!bytes)
        return &err_no_memory;
    if (fstat(fd, &file) != 0)
        return disk_err(mem, appending->path);
    if (file.st_size < offset)
        return err_internal(mem, "the upload %s has lost its end", appending->path);
    if (ftruncate(fd, offset) == 0 && lseek(fd, offset, SEEK_SET) == offset &&
        copy_all(appending->piece_fd, fd, bytes) && fdatasync(fd) == 0)
        return NULL;
    err e = disk_err(mem, appending->path);
    return ftruncate(fd, offset) == 0 ? e : err_internal(mem, "%s: %m", appending->path);
}

static err append_check(struct request *rq, const struct upload_record *upload, int64_t offset,
                        int64_t size)
{
    if (offset != upload->bytes_done) {
        reply_number(rq, "Upload-Offset", upload->bytes_done);
        reply_headers_keep(rq);
        return err_new(rq->mem,
                       409,
                       "wrong_offset",
                       "Of this upload %lld bytes are here: go on behind them.",
                       (long long)upload->bytes_done);
    }
    if (size > upload->bytes - upload->bytes_done)
        return err_new(rq->mem,
                       413,
                       "upload_too_long",
                       "The upload was announced with %lld bytes; this piece would make it longer.",
                       (long long)upload->bytes);
    return NULL;
}

static err append_record(struct request *rq, struct upload_record *upload, int64_t size)
{
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(rq->db, &tx));
    upload->bytes_done += size;
    upload->expires_at = time_now() + KEEP_US;
    if (upload->expires_at > upload->created + KEEP_MOST_US)
        upload->expires_at = upload->created + KEEP_MOST_US;
    TRY(tx_run(&tx,
               "UPDATE uploads SET bytes_done = $3, expires_at = $4 WHERE team = $1 AND id = $2",
               A(upload->team),
               A(upload->id),
               A(upload->bytes_done),
               A(upload->expires_at)));
    if (tx.changed == 0)
        return err_new(rq->mem, 404, "not_found", "The upload was deleted meanwhile.");
    return tx_commit(&tx);
}

/* Of a piece that is yet to come; its length may not be known. */
err upload_append_check(struct request *rq)
{
    struct append_headers headers = {0};
    struct upload_record upload = {0};
    int64_t size;
    TRY(tus_begin(rq));
    TRY(upload_read(rq, request_path(rq, "id"), &upload));
    TRY(request_headers(rq, upload_append_headers, &headers));
    if (!str_i64(request_header(rq, "content-length"), &size))
        size = 0;
    CLEANUP(appending_done) struct appending appending = {.rq = rq, .fd = -1, .piece_fd = -1};
    appending.path = upload_path(rq->context, rq->mem, upload.team, upload.id);
    if (!appending.path)
        return &err_no_memory;
    TRY(appending_lock(&appending));
    return append_check(rq, &upload, headers.offset, size);
}

static err append_locked(struct appending *appending, struct upload_record *upload, int64_t offset)
{
    struct request *rq = appending->rq;
    int64_t size = appending->piece ? appending->piece->size : 0;
    TRY(upload_read(rq, upload->id, upload));
    TRY(append_check(rq, upload, offset, size));
    if (size == 0)
        return NULL;
    TRY(offset ? piece_copy(appending, offset) : piece_move(appending));
    return append_record(rq, upload, size);
}

/* When the client has left in the middle of the piece, what came of it is kept all the same. */
err upload_append(struct request *rq)
{
    struct append_headers headers = {0};
    struct upload_record upload = {0};
    TRY(tus_begin(rq));
    TRY(upload_read(rq, request_path(rq, "id"), &upload));
    TRY(request_headers(rq, upload_append_headers, &headers));
    CLEANUP(appending_done)
    struct appending appending = {.rq = rq,
                                  .path = upload_path(rq->context, rq->mem, upload.team, upload.id),
                                  .piece = rq->uploads.n ? rq->uploads.at : NULL,
                                  .fd = -1,
                                  .piece_fd = -1};
    if (!appending.path)
        return &err_no_memory;
    TRY(appending_lock(&appending));
    err e = append_locked(&appending, &upload, headers.offset);
    if (err_is(e, "not_found"))
        unlink(appending.path); /* it was forgotten meanwhile, and its file with it */
    TRY(e);
    reply_place(rq, &upload);
    return reply_empty(rq, 204);
}

static err upload_remove(struct data *data, struct tx *tx, str team, str id)
{
    char *path = upload_path(data, tx->db->mem, team, id);
    if (!path)
        return &err_no_memory;
    TRY(tx_run(tx, "DELETE FROM uploads WHERE team = $1 AND id = $2", A(team), A(id)));
    return tx_after(tx, file_remove, NULL, path);
}

err upload_drop(struct request *rq)
{
    struct upload_record upload = {0};
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(tus_begin(rq));
    TRY(db_begin(rq->db, &tx));
    TRY(upload_find(&tx, rq->team, request_path(rq, "id"), &upload));
    TRY(upload_remove(rq->context, &tx, upload.team, upload.id));
    TRY(tx_commit(&tx));
    return reply_empty(rq, 204);
}

err upload_lend(struct request *rq, str id, const char *to, int64_t *bytes)
{
    struct upload_record upload = {0};
    err e = upload_read(rq, id, &upload);
    if (err_is(e, "not_found"))
        return field_err(rq->mem, "upload", "There is no such upload.");
    TRY(e);
    if (upload.bytes_done < upload.bytes)
        return err_new(rq->mem,
                       409,
                       "upload_incomplete",
                       "Of this upload %lld of %lld bytes are here: send the rest first.",
                       (long long)upload.bytes_done,
                       (long long)upload.bytes);
    char *path = upload_path(rq->context, rq->mem, upload.team, upload.id);
    if (!path)
        return &err_no_memory;
    struct stat file;
    if (link(path, to) != 0)
        return disk_err(rq->mem, path);
    *bytes = upload.bytes;
    if (stat(to, &file) == 0 && file.st_size == upload.bytes)
        return NULL;
    return err_internal(rq->mem, "the upload %s has lost its end", path);
}

err upload_claim(struct tx *tx, str team, str id)
{
    struct upload_record upload = {0};
    int64_t loading;
    err e = upload_find(tx, team, id, &upload);
    if (err_is(e, "not_found"))
        return field_err(tx->db->mem, "upload", "There is no such upload.");
    TRY(e);
    TRY(tx_number(
        tx,
        &loading,
        "SELECT COUNT(*) FROM loads WHERE team = $1 AND state = 'running' AND upload = $2",
        A(team),
        A(id)));
    if (!loading)
        return NULL;
    return err_new(tx->db->mem, 409, "upload_in_use", "This upload is being loaded already.");
}

err upload_loaded(struct data *data, struct tx *tx, str team, str id)
{
    return upload_remove(data, tx, team, id);
}

static err trim_some(struct data *data, struct db *db, size_t *removed)
{
    struct list list;
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(db, &tx));
    TRY(tx_list(&tx,
                upload_row,
                sizeof(struct upload_record),
                TRIM_AT_ONCE,
                &list,
                "SELECT * FROM uploads WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2",
                A(time_now()),
                A(TRIM_AT_ONCE)));
    const struct upload_record *uploads = list.at;
    for (size_t i = 0; i < list.n; i++)
        TRY(upload_remove(data, &tx, uploads[i].team, uploads[i].id));
    *removed = list.n;
    return tx_commit(&tx);
}

err uploads_trim(struct data *data, struct db *db)
{
    size_t removed;
    do
        TRY(trim_some(data, db, &removed));
    while (removed == TRIM_AT_ONCE);
    return NULL;
}

static err file_sweep(struct data *data, struct db *db, str name)
{
    struct upload_record upload = {0};
    str team = str_sub(name, 0, ID_LENGTH), id = str_sub(name, ID_LENGTH + 1, ID_LENGTH);
    if (name.len != 2 * ID_LENGTH + 1 || !id_ok(team) || !id_ok(id))
        return NULL;
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_read(db, &tx));
    err e = upload_find(&tx, team, id, &upload);
    if (!err_is(e, "not_found"))
        return e;
    char *path = upload_path(data, db->mem, team, id);
    if (path)
        unlink(path);
    return NULL;
}

err uploads_sweep(struct data *data, struct arena *mem)
{
    struct db db = {.store = data->store, .mem = mem, .actor = STR("system")};
    DIR *entries = opendir(data->uploads_dir);
    err e = NULL;
    for (struct dirent *entry; !e && entries && (entry = readdir(entries));)
        e = file_sweep(data, &db, str_of(entry->d_name));
    if (entries)
        closedir(entries);
    return e;
}
