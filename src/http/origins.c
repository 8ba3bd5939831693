/* The list of origins that may use the server from a browser. */
#include "http/origins.h"

#include "base/arena.h"

struct origins {
    bool any;
    str *at;
    size_t n;
};

static bool origin_ok(str origin)
{
    return (str_starts(origin, STR("http://")) || str_starts(origin, STR("https://"))) &&
           !str_ends(origin, STR("/"));
}

err origins_new(struct arena *mem, str list, struct origins **out)
{
    struct origins *origins = *out = NEW(mem, struct origins);
    size_t most = 1;
    for (size_t i = 0; i < list.len; i++)
        most += list.at[i] == ',';
    if (!origins || !(origins->at = arena_array(mem, most, sizeof(str))))
        return &err_no_memory;
    while (list.at) {
        str origin = str_trim(str_cut(&list, ','));
        if (str_eq(origin, STR("*")))
            origins->any = true;
        else if (origin_ok(origin))
            origins->at[origins->n++] = str_lower(mem, origin);
        else if (origin.len)
            return err_new(mem,
                           500,
                           "bad_origin",
                           "CORS_ORIGINS: \"%.*s\" is not an origin such as https://a.example",
                           STR_ARGS(origin));
    }
    return arena_failed(mem) ? &err_no_memory : NULL;
}

bool origins_allow(const struct origins *origins, str origin)
{
    for (size_t i = 0; i < origins->n; i++) {
        if (str_eq_nocase(origins->at[i], origin))
            return true;
    }
    return origins->any && origin.len > 0;
}
