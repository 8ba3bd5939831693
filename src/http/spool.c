/*
 * Files of an upload, written as they come.
 *
 * The loop fills a list of blocks; a thread of libuv takes the whole list, opens files as needed,
 * writes and closes; then the loop hands over what has gathered meanwhile. So at most one job of a
 * spool runs at a time, and the files need no lock.
 */
#include "http/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/id.h"
#include "http/multipart.h"
#include "http/parts.h"

#define BLOCK_SIZE ((size_t)128 * 1024)
#define SPOOL_MEMORY ((size_t)8 << 20)
#define FILE_PREFIX "upload-"

struct spool_file {
    struct spool_file *next;
    str name, filename, content_type;
    char *path;
    int64_t size;
    int fd; /* -1: not open; the job's */
    bool made;
};

struct block {
    struct block *next;
    struct spool_file *file;
    bool last; /* of the file */
    size_t len, size;
    char bytes[];
};

struct field_part {
    struct field_part *next;
    str name;
    struct buf value;
};

struct spool {
    uv_work_t job; /* data: the spool */
    struct arena mem;
    struct arena *rq_mem; /* NULL: abandoned */
    struct spool_options options;
    struct multipart *parser; /* NULL: the body is the file */
    struct spool_file *files, **files_end;
    struct field_part *fields, **fields_end;
    size_t file_count, field_count;
    int64_t field_bytes;
    struct spool_file *file;  /* that the current part fills */
    struct field_part *field; /* or this */
    struct block *filling, **filling_end, *tail;
    struct block *writing; /* the job's */
    size_t ahead;          /* bytes in memory */
    int failed;            /* errno of the job */
    bool busy, ended, was_full, unlink;
};

static struct spool_file *file_new(struct spool *spool, const struct multipart_part *part)
{
    struct spool_file *file = NEW(&spool->mem, struct spool_file);
    if (!file)
        return NULL;
    str id = id_new(&spool->mem);
    str path = str_fmt(&spool->mem, "%s/" FILE_PREFIX "%.*s", spool->options.dir, STR_ARGS(id));
    *file = (struct spool_file){.name = str_copy(&spool->mem, part->name),
                                .filename = str_copy(&spool->mem, part->filename),
                                .content_type = str_copy(&spool->mem, part->content_type),
                                .path = str_c(&spool->mem, path),
                                .fd = -1};
    *spool->files_end = file;
    spool->files_end = &file->next;
    spool->file_count++;
    return file;
}

static struct field_part *field_new(struct spool *spool, const struct multipart_part *part)
{
    struct field_part *field = NEW(&spool->mem, struct field_part);
    if (!field)
        return NULL;
    field->name = str_copy(&spool->mem, part->name);
    buf_init(&field->value, (size_t)SPOOL_FORM_MAX);
    *spool->fields_end = field;
    spool->fields_end = &field->next;
    spool->field_count++;
    return field;
}

static struct block *block_add(struct spool *spool, size_t size)
{
    struct block *block = malloc(sizeof(*block) + size);
    if (!block)
        return NULL;
    *block = (struct block){.file = spool->file, .size = size};
    *spool->filling_end = block;
    spool->filling_end = &block->next;
    spool->tail = block;
    return block;
}

static err part_begin(void *arg, const struct multipart_part *part)
{
    struct spool *spool = arg;
    if (part->filename.at)
        spool->file = file_new(spool, part);
    else
        spool->field = field_new(spool, part);
    /* A file that stays empty must be made all the same. */
    if (spool->file && !block_add(spool, BLOCK_SIZE))
        return &err_no_memory;
    return arena_failed(&spool->mem) ? &err_no_memory : NULL;
}

static err field_data(struct spool *spool, str bytes)
{
    spool->field_bytes += (int64_t)bytes.len;
    if (spool->field_bytes > SPOOL_FORM_MAX)
        return err_new(&spool->mem,
                       413,
                       "form_too_large",
                       "The fields of the form that are not files may have at most %lld bytes.",
                       (long long)SPOOL_FORM_MAX);
    buf_add(&spool->field->value, bytes);
    return spool->field->value.failed ? &err_no_memory : NULL;
}

static err file_data(struct spool *spool, str bytes)
{
    spool->file->size += (int64_t)bytes.len;
    if (spool->file->size > spool->options.file_max)
        return err_new(&spool->mem,
                       413,
                       "file_too_large",
                       "A file may have at most %lld bytes.",
                       (long long)spool->options.file_max);
    spool->ahead += bytes.len;
    while (bytes.len) {
        struct block *block = spool->tail;
        if ((!block || block->len == block->size) && !(block = block_add(spool, BLOCK_SIZE)))
            return &err_no_memory;
        size_t n = block->size - block->len < bytes.len ? block->size - block->len : bytes.len;
        memcpy(block->bytes + block->len, bytes.at, n);
        block->len += n;
        bytes = str_sub(bytes, n, bytes.len);
    }
    return NULL;
}

static err part_data(void *arg, str bytes)
{
    struct spool *spool = arg;
    return spool->file ? file_data(spool, bytes) : field_data(spool, bytes);
}

static err part_end(void *arg)
{
    struct spool *spool = arg;
    if (spool->file) {
        if (!spool->tail && !block_add(spool, 0))
            return &err_no_memory;
        spool->tail->last = true;
        spool->tail = NULL;
    }
    spool->file = NULL;
    spool->field = NULL;
    return NULL;
}

/* On libuv's thread. */
static int block_write(struct block *block)
{
    struct spool_file *file = block->file;
    if (!file->made) {
        file->fd = open(file->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (file->fd < 0)
            return errno;
        file->made = true;
    }
    for (size_t at = 0; at < block->len;) {
        ssize_t n = write(file->fd, block->bytes + at, block->len - at);
        if (n < 0 && errno != EINTR)
            return errno;
        at += n > 0 ? (size_t)n : 0;
    }
    if (block->last) {
        int bad = close(file->fd) < 0 ? errno : 0;
        file->fd = -1;
        return bad;
    }
    return 0;
}

static void job_write(uv_work_t *job)
{
    struct spool *spool = job->data;
    for (struct block *block = spool->writing; block && !spool->failed; block = block->next)
        spool->failed = block_write(block);
}

static void blocks_free(struct spool *spool, struct block *block)
{
    while (block) {
        struct block *next = block->next;
        spool->ahead -= block->len;
        free(block);
        block = next;
    }
}

static void filling_drop(struct spool *spool)
{
    blocks_free(spool, spool->filling);
    spool->filling = spool->tail = NULL;
    spool->filling_end = &spool->filling;
}

static void spool_delete(struct spool *spool)
{
    for (struct field_part *field = spool->fields; field; field = field->next)
        buf_done(&field->value);
    blocks_free(spool, spool->writing);
    blocks_free(spool, spool->filling);
    struct arena mem = spool->mem;
    free(spool);
    arena_done(&mem);
}

static void job_remove(uv_work_t *job)
{
    struct spool *spool = job->data;
    for (struct spool_file *file = spool->files; file; file = file->next) {
        if (file->fd >= 0)
            close(file->fd);
        if (file->made && spool->unlink)
            unlink(file->path);
    }
}

static void job_removed(uv_work_t *job, int status)
{
    (void)status;
    spool_delete(job->data);
}

static void spool_job(struct spool *spool, uv_work_cb run, uv_after_work_cb after)
{
    spool->busy = true;
    uv_queue_work(&spool->options.loop->uv, &spool->job, run, after);
}

static err disk_err(struct spool *spool)
{
    if (spool->failed == ENOSPC || spool->failed == EDQUOT)
        return err_new(spool->rq_mem,
                       507,
                       "disk_full",
                       "There is no room on the server's disk for this upload.");
    return err_internal(spool->rq_mem, "upload: %s", strerror(spool->failed));
}

static void job_written(uv_work_t *job, int status);

/* Hands what has gathered to a thread, or says that nothing is left. */
static void spool_go_on(struct spool *spool)
{
    if (spool->busy)
        return;
    if (spool->failed) {
        if (spool->ended)
            spool->options.done(spool->options.arg, disk_err(spool));
        return;
    }
    if (spool->filling) {
        spool->writing = spool->filling;
        spool->filling = spool->tail = NULL;
        spool->filling_end = &spool->filling;
        spool_job(spool, job_write, job_written);
    } else if (spool->ended) {
        spool->options.done(spool->options.arg, NULL);
    }
}

static void job_written(uv_work_t *job, int status)
{
    (void)status;
    struct spool *spool = job->data;
    spool->busy = false;
    blocks_free(spool, spool->writing);
    spool->writing = NULL;
    if (!spool->rq_mem) {
        spool_job(spool, job_remove, job_removed);
        return;
    }
    if (spool->failed)
        filling_drop(spool);
    bool room = spool->was_full && !spool_full(spool);
    if (room)
        spool->was_full = false;
    if (room && !spool->ended) {
        void (*tell)(void *) = spool->options.room;
        void *arg = spool->options.arg;
        spool_go_on(spool);
        tell(arg);
        return;
    }
    spool_go_on(spool);
}

err spool_new(const struct spool_options *options, struct spool **out)
{
    static const struct multipart_calls calls = {part_begin, part_data, part_end};
    struct spool *spool = calloc(1, sizeof(*spool));
    if (!spool)
        return &err_no_memory;
    *spool = (struct spool){.options = *options, .rq_mem = options->mem};
    spool->job.data = spool;
    spool->files_end = &spool->files;
    spool->fields_end = &spool->fields;
    spool->filling_end = &spool->filling;
    arena_init(&spool->mem, SPOOL_MEMORY);
    struct multipart_part whole = {
        .name = STR(""), .filename = STR(""), .content_type = options->content_type};
    err e = options->form
                ? multipart_new(&spool->mem, options->content_type, &calls, spool, &spool->parser)
                : part_begin(spool, &whole);
    if (e) {
        e = err_copy(options->mem, e);
        spool_delete(spool);
        return e;
    }
    *out = spool;
    return NULL;
}

err spool_feed(struct spool *spool, str bytes)
{
    if (!spool->busy && spool->failed)
        return disk_err(spool);
    err e = spool->parser ? multipart_feed(spool->parser, bytes) : part_data(spool, bytes);
    if (e)
        return err_copy(spool->rq_mem, e);
    /* A full block is worth a job; less waits for more or for the end. */
    if (spool->ahead >= BLOCK_SIZE)
        spool_go_on(spool);
    spool->was_full = spool_full(spool);
    return NULL;
}

bool spool_full(const struct spool *spool)
{
    return spool->ahead >= SPOOL_AHEAD;
}

err spool_end(struct spool *spool)
{
    err e = spool->parser ? multipart_end(spool->parser) : part_end(spool);
    if (e)
        return err_copy(spool->rq_mem, e);
    spool->ended = true;
    spool_go_on(spool);
    return NULL;
}

void spool_take(const struct spool *spool, struct list *form, struct list *uploads)
{
    struct arena *mem = spool->rq_mem;
    struct upload *upload = arena_array(mem, spool->file_count + 1, sizeof(*upload));
    struct form_value *value = arena_array(mem, spool->field_count + 1, sizeof(*value));
    if (!upload || !value)
        return;
    *uploads = (struct list){upload, spool->file_count};
    *form = (struct list){value, spool->field_count};
    for (struct spool_file *file = spool->files; file; file = file->next)
        *upload++ = (struct upload){.name = str_copy(mem, file->name),
                                    .filename = str_copy(mem, file->filename),
                                    .content_type = str_copy(mem, file->content_type),
                                    .path = str_c(mem, str_of(file->path)),
                                    .size = file->size};
    for (struct field_part *field = spool->fields; field; field = field->next) {
        str text = field->value.len ? buf_str(&field->value) : STR("");
        *value++ = (struct form_value){str_copy(mem, field->name), str_copy(mem, text)};
    }
}

void spool_free(struct spool *spool, bool kept)
{
    if (!spool)
        return;
    spool->rq_mem = NULL;
    spool->unlink = !kept;
    if (spool->busy)
        return;
    bool left = false;
    for (struct spool_file *file = spool->files; file; file = file->next)
        left = left || file->fd >= 0 || (file->made && !kept);
    if (left)
        spool_job(spool, job_remove, job_removed);
    else
        spool_delete(spool);
}

size_t spool_sweep(const char *dir)
{
    DIR *entries = opendir(dir);
    size_t removed = 0;
    for (struct dirent *entry; entries && (entry = readdir(entries));) {
        if (strncmp(entry->d_name, FILE_PREFIX, sizeof(FILE_PREFIX) - 1) == 0)
            removed += unlinkat(dirfd(entries), entry->d_name, 0) == 0;
    }
    if (entries)
        closedir(entries);
    return removed;
}
