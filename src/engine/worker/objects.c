/* Copies and the dropping of tables and views. */
#include "engine/worker/changes.h"

err worker_fork(struct call *call, str from, str to, struct object *out)
{
    CLEANUP(sql_rollback) struct sql_tx tx = {0};
    TRY(sql_begin(call, &tx));
    struct meta source, there;
    bool found;
    TRY(meta_get(call, from, &source));
    TRY(meta_find(call, to, &there, &found));
    if (found)
        return err_new(
            call->mem, 409, "name_taken", "There is a table or view named \"%.*s\".", STR_ARGS(to));
    struct meta copy = {.object = {.name = str_copy(call->mem, to),
                                   .version = 1,
                                   .columns = source.object.columns}};
    call_parallel(call);
    TRY(sql_run(call,
                "CREATE TABLE " SQL_MAIN ".%I AS SELECT * FROM " SQL_MAIN ".%I",
                copy.object.name,
                source.object.name));
    TRY(meta_count(call, &copy.object));
    TRY(meta_measure(call, &copy.object));
    TRY(meta_save(call, &copy));
    TRY(sql_commit(&tx));
    *out = copy.object;
    return arena_failed(call->mem) ? &err_no_memory : NULL;
}

static err object_drop(struct call *call, str name)
{
    struct meta meta;
    bool found;
    TRY(meta_find(call, name, &meta, &found));
    if (!found)
        return NULL;
    TRY(sql_run(call, "DROP TABLE " SQL_MAIN ".%I", meta.object.name));
    if (meta.object.is_view)
        TRY(changes_drop(call, &meta));
    return meta_delete(call, &meta);
}

err worker_drop(struct call *call, const str *names, size_t n)
{
    CLEANUP(sql_rollback) struct sql_tx tx = {0};
    TRY(sql_begin(call, &tx));
    for (size_t i = 0; i < n; i++)
        TRY(object_drop(call, names[i]));
    return sql_commit(&tx);
}
