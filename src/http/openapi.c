/*
 * The OpenAPI 3.1 document of the route tables.
 *
 * Routes of one path may stand in different tables; the document has them under one key, printed
 * where the path comes first. What every route may answer (problems) is told once, among the
 * components.
 */
#include <ctype.h>
#include <string.h>

#include "http/openapi.h"
#include "http/schema.h"
#include "http/walk.h"

#define OPERATION_ID_MAX 200 /* bytes */

static void method_print(struct buf *out, const struct route *route)
{
    for (const char *c = route->method; *c; c++)
        buf_char(out, (char)tolower((unsigned char)*c));
}

/* "GET /tables/{name}/rows" becomes get_tables_by_name_rows. */
static void operation_name(struct buf *out, const struct route *route)
{
    method_print(out, route);
    for (const char *c = route->path; *c; c++) {
        if (*c == '{')
            buf_add(out, STR("by_"));
        else if (isalnum((unsigned char)*c))
            buf_char(out, *c);
        else if (*c != '}')
            buf_char(out, '_');
    }
}

static bool name_is_same(const struct route *a, const struct route *b)
{
    CLEANUP(buf_done) struct buf one = {.max = OPERATION_ID_MAX};
    CLEANUP(buf_done) struct buf other = {.max = OPERATION_ID_MAX};
    operation_name(&one, a);
    operation_name(&other, b);
    return str_eq(buf_str(&one), buf_str(&other));
}

/* Names that come out the same are numbered in the order of the routes. */
static void operation_id_print(struct buf *out, const struct walk *walk)
{
    CLEANUP(buf_done) struct buf id = {.max = OPERATION_ID_MAX + 8};
    operation_name(&id, walk->route);
    int before = 0;
    for (struct walk w = WALK(walk->tables, walk->count); walk_on(&w) && w.route != walk->route;)
        before += name_is_same(w.route, walk->route);
    if (before)
        buf_fmt(&id, "_%d", before + 1);
    put_key(out, "operationId");
    json_print_str(out, buf_str(&id));
}

static void parameter_open(struct buf *out, str name, const char *in, bool required)
{
    put_open(out, '{');
    put_key(out, "name");
    json_print_str(out, name);
    put_member(out, "in", in);
    if (required)
        buf_add(out, STR(",\"required\":true"));
}

static void path_parameters_print(struct buf *out, const char *path)
{
    for (const char *open = strchr(path, '{'); open; open = strchr(open + 1, '{')) {
        const char *close = strchr(open, '}');
        if (!close)
            return;
        parameter_open(out, (str){open + 1, (size_t)(close - open - 1)}, "path", true);
        buf_add(out, STR(",\"schema\":{\"type\":\"string\"}}"));
    }
}

static void parameters_of(struct buf *out, const char *in, const struct field *fields)
{
    for (const struct field *field = fields; field && field->type != FIELD_END; field++) {
        parameter_open(out, str_of(field->name), in, field->flags & FIELD_REQUIRED);
        if (field->help)
            put_member(out, "description", field->help);
        put_key(out, "schema");
        schema_print_field(out, field, SCHEMA_INPUT);
        buf_char(out, '}');
    }
}

static void parameters_print(struct buf *out, const struct route *route)
{
    bool resumes = route->stream && !route->present;
    if (!strchr(route->path, '{') && !route->query && !route->headers && !resumes && !route->later)
        return;
    put_key(out, "parameters");
    put_open(out, '[');
    path_parameters_print(out, route->path);
    parameters_of(out, "query", route->query);
    parameters_of(out, "header", route->headers);
    if (resumes) {
        parameter_open(out, STR("Last-Event-ID"), "header", false);
        buf_add(out,
                STR(",\"description\":\"The id of the last event that has arrived: the stream goes "
                    "on behind it\","
                    "\"schema\":{\"type\":\"string\"}}"));
    }
    if (route->later) {
        parameter_open(out, STR("Prefer"), "header", false);
        buf_add(out,
                STR(",\"description\":\"respond-async: answers 202 at once, and goes on\","
                    "\"schema\":{\"type\":\"string\"}}"));
    }
    buf_char(out, ']');
}

static void content_print(struct buf *out, const char *type, const struct field *fields,
                          enum schema_use use)
{
    put_key(out, type);
    buf_add(out, STR("{\"schema\":"));
    schema_print(out, fields, use);
    buf_char(out, '}');
}

static void request_body_print(struct buf *out, const struct route *route)
{
    if (route->body == BODY_NONE)
        return;
    bool required = route->body == BODY_UPLOAD || route->body == BODY_FILE;
    for (const struct field *field = route->input; field && field->type != FIELD_END; field++)
        required = required || (field->flags & FIELD_REQUIRED);
    put_key(out, "requestBody");
    buf_add(out, required ? STR("{\"required\":true,\"content\":{") : STR("{\"content\":{"));
    if (route->body == BODY_FILE)
        buf_fmt(out, "\"%s\":{}", route->media_in);
    if (route->body == BODY_UPLOAD)
        content_print(out, "multipart/form-data", route->input, SCHEMA_FORM);
    if (route->body == BODY_JSON || route->input)
        content_print(out,
                      "application/json",
                      route->input,
                      route->body == BODY_UPLOAD ? SCHEMA_UPLOAD : SCHEMA_INPUT);
    buf_add(out, STR("}}"));
}

static void list_print(struct buf *out, const struct field *fields)
{
    buf_add(out,
            STR("\"application/"
                "json\":{\"schema\":{\"type\":\"object\",\"required\":[\"data\",\"links\"],"
                "\"properties\":{\"data\":{\"type\":\"array\",\"items\":"));
    schema_print(out, fields, SCHEMA_OUTPUT);
    buf_add(out, STR("},\"links\":{\"$ref\":\"#/components/schemas/Links\"}}}}"));
}

static int success_status(const struct route *route)
{
    return route->status ? route->status : 200;
}

static const char *success_text(int status)
{
    switch (status) {
    case 201:
        return "It was made";
    case 202:
        return "It is under way";
    case 204:
    case 205:
        return "Done, without a body";
    default:
        return status >= 300 ? "It is elsewhere" : "The answer";
    }
}

static void success_print(struct buf *out, const struct route *route)
{
    int status = success_status(route);
    buf_fmt(out, "\"%d\":{\"description\":\"%s\"", status, success_text(status));
    if (status != 204 && status != 205 && status < 300) {
        put_key(out, "content");
        put_open(out, '{');
        if (route->stream)
            buf_add(out, STR("\"text/event-stream\":{\"schema\":{\"type\":\"string\"}}"));
        else if (route->list)
            list_print(out, route->output);
        else if (route->output)
            content_print(out, "application/json", route->output, SCHEMA_OUTPUT);
        else
            buf_add(out, STR("\"application/json\":{}"));
        for (const char *const *type = route->media; type && *type; type++)
            buf_fmt(out, ",\"%s\":{}", *type);
        buf_char(out, '}');
    }
    buf_char(out, '}');
}

static void later_print(struct buf *out, const struct route *route)
{
    if (!route->later)
        return;
    buf_fmt(out, ",\"202\":{\"description\":\"%s\",\"content\":{", success_text(202));
    content_print(out, "application/json", route->later, SCHEMA_OUTPUT);
    buf_add(out, STR("}}"));
}

static void problem_print(struct buf *out, const char *status, bool possible)
{
    if (!possible)
        return;
    put_key(out, status);
    buf_add(out, STR("{\"$ref\":\"#/components/responses/Problem\"}"));
}

static void responses_print(struct buf *out, const struct route *route)
{
    bool body = route->body != BODY_NONE, member = route->right != RIGHT_ANYONE;
    put_key(out, "responses");
    put_open(out, '{');
    success_print(out, route);
    later_print(out, route);
    problem_print(out, "400", body);
    problem_print(out, "401", member);
    problem_print(
        out, "403", route->right == RIGHT_SUPERUSER || route->right == RIGHT_SUPERUSER_LISTENER);
    problem_print(out, "404", strchr(route->path, '{'));
    problem_print(out, "406", route->media);
    problem_print(out, "413", true);
    problem_print(out, "415", body);
    problem_print(out, "422", body || route->query || route->headers);
    problem_print(out, "429", true);
    problem_print(out, "default", true);
    buf_char(out, '}');
}

static void security_print(struct buf *out, const struct route *route)
{
    static const char *const schemes[] = {
        [RIGHT_ANYONE] = "[]",
        [RIGHT_MEMBER] = "[{\"bearer\":[]},{\"jwt\":[]}]",
        [RIGHT_LISTENER] = "[{\"bearer\":[]},{\"jwt\":[]},{\"ticket\":[]}]",
        [RIGHT_SUPERUSER] = "[{\"bearer\":[]},{\"jwt\":[]}]",
        [RIGHT_SUPERUSER_LISTENER] = "[{\"bearer\":[]},{\"jwt\":[]},{\"ticket\":[]}]",
    };
    static const char *const rights[] = {
        [RIGHT_ANYONE] = "anyone",
        [RIGHT_MEMBER] = "member",
        [RIGHT_LISTENER] = "listener",
        [RIGHT_SUPERUSER] = "superuser",
        [RIGHT_SUPERUSER_LISTENER] = "superuser_listener",
    };
    put_key(out, "security");
    buf_add(out, str_of(schemes[route->right]));
    put_member(out, "x-right", rights[route->right]);
}

static void operation_print(struct buf *out, const struct walk *walk)
{
    const struct route *route = walk->route;
    buf_add(out, out->at && out->at[out->len - 1] == '{' ? STR("\"") : STR(",\""));
    method_print(out, route);
    buf_add(out, STR("\":{"));
    operation_id_print(out, walk);
    put_key(out, "tags");
    put_open(out, '[');
    walk_tag_print(out, walk->tag, json_print_str);
    buf_char(out, ']');
    if (route->help)
        put_member(out, "summary", route->help);
    parameters_print(out, route);
    request_body_print(out, route);
    responses_print(out, route);
    security_print(out, route);
    buf_char(out, '}');
}

static void paths_print(struct buf *out, const struct route_table *tables, size_t count)
{
    put_key(out, "paths");
    put_open(out, '{');
    for (struct walk walk = WALK(tables, count); walk_on(&walk);) {
        struct walk other = WALK(tables, count);
        while (walk_on(&other) && strcmp(other.route->path, walk.route->path) != 0)
            ;
        if (other.route != walk.route)
            continue; /* printed with the first of this path */
        put_key(out, walk.route->path);
        put_open(out, '{');
        do {
            if (strcmp(other.route->path, walk.route->path) == 0)
                operation_print(out, &other);
        } while (walk_on(&other));
        buf_char(out, '}');
    }
    buf_char(out, '}');
}

static void tags_print(struct buf *out, const struct route_table *tables, size_t count)
{
    put_key(out, "tags");
    put_open(out, '[');
    for (struct walk walk = WALK(tables, count); walk_on(&walk);) {
        if (!walk_tag_is_new(&walk))
            continue;
        put_open(out, '{');
        put_key(out, "name");
        walk_tag_print(out, walk.tag, json_print_str);
        buf_char(out, '}');
    }
    buf_char(out, ']');
}

/* Templates of what is the same in every document. */
static const char components[] =
    "{\"schemas\":{"
    "\"Links\":{\"type\":\"object\",\"description\":\"Where the list goes on, before and behind\","
    "\"required\":[\"next\",\"prev\"],\"properties\":{"
    "\"next\":{\"type\":[\"string\",\"null\"]},\"prev\":{\"type\":[\"string\",\"null\"]}}},"
    "\"Problem\":{\"type\":\"object\",\"description\":\"What went wrong (RFC 9457)\","
    "\"required\":[\"title\",\"status\",\"detail\",\"code\"],\"properties\":{"
    "\"type\":{\"type\":\"string\"},\"title\":{\"type\":\"string\"},"
    "\"status\":{\"type\":\"integer\",\"minimum\":400,\"maximum\":599},"
    "\"detail\":{\"type\":\"string\",\"description\":\"One sentence, for people\"},"
    "\"code\":{\"type\":\"string\",\"description\":\"Stable, for programs\"},"
    "\"line\":{\"type\":\"integer\",\"minimum\":1,\"description\":\"The place in a query, where "
    "one "
    "is known\"},"
    "\"column\":{\"type\":\"integer\",\"minimum\":1,\"description\":\"In characters\"},"
    "\"request_id\":{\"type\":\"string\",\"description\":\"As in X-Request-Id and in the server's "
    "log\"},"
    "\"errors\":{\"anyOf\":["
    "{\"type\":\"object\",\"description\":\"Of fields, by their names; or what depends on "
    "something, by kind\","
    "\"additionalProperties\":{\"type\":\"array\",\"items\":{\"type\":[\"string\",\"integer\"]}}},"
    "{\"type\":\"array\",\"description\":\"Of the lines of a "
    "file\",\"items\":{\"type\":\"object\",\"properties\":{"
    "\"line\":{\"type\":[\"integer\",\"null\"]},\"column\":{\"type\":[\"string\",\"integer\","
    "\"null\"]},"
    "\"value\":{\"type\":[\"string\",\"null\"]},\"detail\":{\"type\":\"string\"}}}}]}}}},"
    "\"responses\":{\"Problem\":{\"description\":\"It can't be done, and why\",\"content\":{"
    "\"application/problem+json\":{\"schema\":{\"$ref\":\"#/components/schemas/Problem\"}}}}},"
    "\"securitySchemes\":{"
    "\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\",\"bearerFormat\":\"JWT\","
    "\"description\":\"Authorization: Bearer, and the access token\"},"
    "\"jwt\":{\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"Authorization\","
    "\"description\":\"Authorization: JWT, and the access token\"},"
    "\"ticket\":{\"type\":\"apiKey\",\"in\":\"query\",\"name\":\"ticket\","
    "\"description\":\"A single-use ticket, for browsers whose EventSource sends no headers\"}}}";

void openapi_print(struct buf *out, const struct route_table *tables, size_t count,
                   const char *version)
{
    put_open(out, '{');
    put_member(out, "openapi", "3.1.0");
    buf_add(out,
            STR(",\"info\":{\"title\":\"TinyDevCRM\",\"license\":{\"name\":\"MIT\",\"identifier\":"
                "\"MIT\"},"
                "\"description\":\"Upload tables, ask standing questions of them, and be told when "
                "the answers change. "
                "Every path works with and without a slash at its end.\""));
    put_member(out, "version", version);
    buf_char(out, '}');
    tags_print(out, tables, count);
    paths_print(out, tables, count);
    put_key(out, "components");
    buf_add(out, str_of(components));
    buf_char(out, '}');
}
