/* The list of migrations, put together from the embedded files. */
#include "store/migrations.h"

#include <stdlib.h>
#include <string.h>

/* One file: "0001_events.up.sql". */
struct part {
    int64_t number;
    str name;
    bool down;
    str text;
};

static str file_name(str path)
{
    while (path.at) {
        str piece = str_cut(&path, '/');
        if (!path.at)
            return piece;
    }
    return path;
}

static bool is_migration(str path)
{
    static const str folder = {"/migrations/", 12};
    str name = file_name(path);
    return path.len > name.len + folder.len &&
           str_ends(str_sub(path, 0, path.len - name.len), folder);
}

static bool part_parse(const struct embedded_file *file, struct part *part)
{
    str name = file_name(str_of(file->path));
    *part = (struct part){.text = {file->at, (size_t)(file->end - file->at)}};
    str number = str_cut(&name, '_');
    part->down = str_ends(name, STR(".down.sql"));
    str end = part->down ? STR(".down.sql") : STR(".up.sql");
    if (number.len != 4 || !str_i64(number, &part->number) || part->number < 1 ||
        !str_ends(name, end) || name.len == end.len)
        return false;
    part->name = str_sub(name, 0, name.len - end.len);
    return true;
}

static err part_place(struct arena *mem, struct migration *list, const struct part *part)
{
    struct migration *migration = &list[part->number - 1];
    str *text = part->down ? &migration->down : &migration->up;
    if (text->at || (migration->name && !str_eq(part->name, str_of(migration->name))))
        return err_internal(mem, "migration %lld is there twice", (long long)part->number);
    migration->number = (int)part->number;
    migration->name = str_c(mem, part->name);
    *text = part->text;
    return NULL;
}

static size_t files_count(const struct embedded_file *files)
{
    size_t n = 0;
    for (const struct embedded_file *file = files; file->path; file++)
        n += is_migration(str_of(file->path));
    return n;
}

static err list_check(struct arena *mem, const struct migration *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!list[i].up.at || !list[i].down.at)
            return err_internal(
                mem, "migration %zu has no %s", i + 1, list[i].up.at ? "way down" : "text");
    }
    return arena_failed(mem) ? &err_no_memory : NULL;
}

err migrations_make(struct arena *mem, const struct embedded_file *files,
                    const struct migration **out, size_t *n)
{
    size_t most = files_count(files);
    struct migration *list = arena_array(mem, most + 1, sizeof(*list));
    if (!list)
        return &err_no_memory;
    *n = 0;
    for (const struct embedded_file *file = files; file->path; file++) {
        struct part part;
        if (!is_migration(str_of(file->path)))
            continue;
        if (!part_parse(file, &part))
            return err_internal(mem, "%s is no name of a migration", file->path);
        if ((size_t)part.number > most)
            return err_internal(mem, "there is a gap before %s", file->path);
        TRY(part_place(mem, list, &part));
        if ((size_t)part.number > *n)
            *n = (size_t)part.number;
    }
    *out = list;
    return list_check(mem, list, *n);
}
