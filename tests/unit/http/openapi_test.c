/* The OpenAPI document and the docs page of a small set of routes that has every kind of thing in
 * it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <string.h>

#include "http/openapi.h"

struct column {
    str column_name;
};

struct thing {
    str name, kind, secret, extra;
    int64_t size, at, maybe;
    double ratio;
    bool active;
    struct strs words;
    struct ints numbers;
    struct list columns;
    struct column column;
};

static const char *const kinds[] = {"plain", "fancy", NULL};

static const struct field column_fields[] = {
    FIELD(struct column, column_name, FIELD_STR, .flags = FIELD_REQUIRED),
    FIELD_LAST,
};

static const struct field thing_fields[] = {
    FIELD(struct thing, name, FIELD_STR, .flags = FIELD_REQUIRED, .min = 1, .max = 300,
          .help = "Its \"name\" <&>"),
    FIELD(struct thing, kind, FIELD_STR, .choices = kinds),
    FIELD(struct thing, secret, FIELD_STR, .flags = FIELD_HIDDEN),
    FIELD(struct thing, extra, FIELD_JSON, .flags = FIELD_OMIT),
    FIELD(struct thing, size, FIELD_INT, .flags = FIELD_LENIENT, .min = 1, .max = 10),
    FIELD(struct thing, at, FIELD_TIME),
    FIELD(struct thing, maybe, FIELD_INT, .flags = FIELD_NULLABLE, .min = 1),
    FIELD(struct thing, ratio, FIELD_REAL),
    FIELD(struct thing, active, FIELD_BOOL, .flags = FIELD_LENIENT),
    FIELD(struct thing, words, FIELD_STRS, .max = 5),
    FIELD(struct thing, numbers, FIELD_INTS, .flags = FIELD_LENIENT),
    FIELD(struct thing, columns, FIELD_LIST, .of = column_fields, .of_size = sizeof(struct column)),
    FIELD(struct thing, column, FIELD_OBJECT, .of = column_fields),
    FIELD_LAST,
};

struct load_input {
    str table_name, file;
};

static const struct field upload_fields[] = {
    FIELD(struct load_input, table_name, FIELD_STR, .flags = FIELD_REQUIRED),
    FIELD(struct load_input, file, FIELD_STR, .help = "CSV or Parquet"),
    FIELD_LAST,
};

static err thing_run(struct request *rq)
{
    (void)rq;
    return NULL;
}

static const char *const thing_media[] = {"text/csv", NULL};

static const struct route thing_routes[] = {
    {.method = "GET",
     .path = "/things",
     .run = thing_run,
     .right = RIGHT_MEMBER,
     .query = column_fields,
     .output = thing_fields,
     .list = true,
     .status = 200,
     .help = "Lists things"},
    {.method = "POST",
     .path = "/things",
     .run = thing_run,
     .right = RIGHT_MEMBER,
     .body = BODY_UPLOAD,
     .input = thing_fields,
     .output = thing_fields,
     .status = 201,
     .help = "Makes a thing of a file"},
    {.method = "GET",
     .path = "/things/{name}/rows/{row}",
     .run = thing_run,
     .right = RIGHT_MEMBER,
     .status = 200,
     .help = "Reads <rows>"},
    {.method = "PATCH",
     .path = "/things/{name}",
     .run = thing_run,
     .right = RIGHT_SUPERUSER,
     .body = BODY_JSON,
     .input = thing_fields,
     .output = thing_fields,
     .status = 200,
     .help = "Changes it"},
    {.method = "GET",
     .path = "/things/{name}/listen",
     .run = thing_run,
     .right = RIGHT_LISTENER,
     .stream = true,
     .help = "Listens"},
    {.method = "GET",
     .path = "/things/{name}/file",
     .run = thing_run,
     .right = RIGHT_MEMBER,
     .media = thing_media,
     .later = thing_fields,
     .help = "Gives it as a file, at once or later"},
};

static const struct route other_routes[] = {
    {.method = "DELETE",
     .path = "/things/{name}",
     .run = thing_run,
     .right = RIGHT_MEMBER,
     .status = 204,
     .help = "Deletes it"},
    {.method = "POST",
     .path = "/files",
     .run = thing_run,
     .body = BODY_UPLOAD,
     .input = upload_fields,
     .status = 201,
     .help = "Has a field for its file"},
    {.method = "GET", .path = "/a-b", .run = thing_run, .help = "One"},
    {.method = "GET", .path = "/a/b", .run = thing_run, .help = "Of the same name"},
    {.method = "GET", .path = "/", .run = thing_run, .status = 302, .help = "Leads on"},
    {.method = "POST",
     .path = "/empty",
     .run = thing_run,
     .body = BODY_JSON,
     .help = "Takes anything"},
};

static const struct route untagged_routes[] = {
    {.method = "GET", .path = "/boxes/{id}", .run = thing_run, .help = "One box"},
    {.method = "GET", .path = "/lids", .run = thing_run, .help = "Lids"},
    {.method = "GET", .path = "/boxes", .run = thing_run, .help = "Boxes"},
};

static const struct route_table tables[] = {
    {.tag = "Things", .routes = thing_routes, .count = LENGTH(thing_routes)},
    {.tag = "Empty", .routes = other_routes, .count = 0},
    {.tag = "Others & more", .routes = other_routes, .count = LENGTH(other_routes)},
    {.tag = "Things", .routes = thing_routes, .count = 0},
    {.tag = NULL, .routes = untagged_routes, .count = LENGTH(untagged_routes)},
};

static json_t *document(void)
{
    CLEANUP(buf_done) struct buf out = {.max = 1 << 20};
    openapi_print(&out, tables, LENGTH(tables), "1.2.3");
    assert_false(out.failed);
    json_error_t error;
    json_t *json = json_loadb(out.at, out.len, JSON_REJECT_DUPLICATES, &error);
    if (!json)
        fail_msg("%s at %d: %.80s", error.text, error.position, out.at + error.position - 40);
    return json;
}

static void json_done(json_t **json)
{
    json_decref(*json);
}

/* What a path of names leads to, "/" between them and "~" for a "/" in a name; NULL: nothing. */
static json_t *at(json_t *json, const char *path)
{
    char name[200];
    while (json && *path) {
        size_t len = strcspn(path, "/");
        assert_true(len < sizeof name);
        for (size_t i = 0; i < len; i++)
            name[i] = path[i] == '~' ? '/' : path[i];
        name[len] = 0;
        json = json_is_array(json) ? json_array_get(json, (size_t)(name[0] - '0'))
                                   : json_object_get(json, name);
        path += len + (path[len] == '/');
    }
    return json;
}

static void is_text(json_t *json, const char *path, const char *text)
{
    json_t *found = at(json, path);
    if (!json_is_string(found) || strcmp(json_string_value(found), text) != 0)
        fail_msg("%s is not \"%s\"", path, text);
}

static void is_json(json_t *json, const char *path, const char *text)
{
    CLEANUP(json_done) json_t *expected = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(expected);
    if (!json_equal(at(json, path), expected))
        fail_msg("%s is not %s", path, text);
}

static void paths(void **state)
{
    (void)state;
    CLEANUP(json_done) json_t *json = document();
    is_text(json, "openapi", "3.1.0");
    is_text(json, "info/version", "1.2.3");
    is_json(json,
            "tags",
            "[{\"name\":\"Things\"},{\"name\":\"Others & "
            "more\"},{\"name\":\"Boxes\"},{\"name\":\"Lids\"}]");
    assert_int_equal(json_object_size(at(json, "paths")), 13);
    assert_int_equal(json_object_size(at(json, "paths/~things~{name}")), 2);
    is_text(json, "paths/~things/get/summary", "Lists things");
    is_text(json, "paths/~things~{name}/delete/tags/0", "Others & more");
    is_text(json, "paths/~boxes/get/tags/0", "Boxes");
    is_text(json, "paths/~things~{name}/patch/operationId", "patch_things_by_name");
    is_text(json, "paths/~a-b/get/operationId", "get_a_b");
    is_text(json, "paths/~a~b/get/operationId", "get_a_b_2");
    is_json(
        json,
        "paths/~things~{name}~rows~{row}/get/parameters",
        "[{\"name\":\"name\",\"in\":\"path\",\"required\":true,\"schema\":{\"type\":\"string\"}},"
        "{\"name\":\"row\",\"in\":\"path\",\"required\":true,\"schema\":{\"type\":\"string\"}}]");
    is_text(json, "paths/~things/get/parameters/0/in", "query");
    is_text(json, "paths/~things~{name}~listen/get/parameters/1/name", "Last-Event-ID");
    assert_null(at(json, "paths/~empty/post/parameters"));
}

static void rights(void **state)
{
    (void)state;
    CLEANUP(json_done) json_t *json = document();
    is_json(json, "paths/~a-b/get/security", "[]");
    is_json(json, "paths/~things/get/security", "[{\"bearer\":[]},{\"jwt\":[]}]");
    is_json(json,
            "paths/~things~{name}~listen/get/security",
            "[{\"bearer\":[]},{\"jwt\":[]},{\"ticket\":[]}]");
    is_text(json, "paths/~things~{name}/patch/x-right", "superuser");
    assert_null(at(json, "paths/~a-b/get/responses/401"));
    assert_non_null(at(json, "paths/~things/get/responses/401"));
    assert_non_null(at(json, "paths/~things~{name}/patch/responses/403"));
    assert_non_null(at(json, "paths/~things~{name}/patch/responses/404"));
    assert_null(at(json, "paths/~things/get/responses/404"));
    assert_non_null(at(json, "paths/~things/get/responses/default"));
    const char *name;
    json_t *scheme;
    json_object_foreach(at(json, "components/securitySchemes"), name, scheme)
        assert_true(json_is_object(scheme));
}

#define IN "paths/~things~{name}/patch/requestBody/content/application~json/schema/"
#define FORM "paths/~things/post/requestBody/content/multipart~form-data/schema/"
#define OUT "paths/~things~{name}/patch/responses/200/content/application~json/schema/"

static void bodies(void **state)
{
    (void)state;
    CLEANUP(json_done) json_t *json = document();
    assert_null(at(json, "paths/~things/get/requestBody"));
    is_json(json, "paths/~things/post/requestBody/required", "true");
    assert_null(at(json, "paths/~empty/post/requestBody/required"));
    is_json(json,
            "paths/~empty/post/requestBody/content",
            "{\"application/json\":{\"schema\":{\"type\":\"object\"}}}");
    is_json(json, FORM "required", "[\"file\",\"name\"]");
    is_text(json, FORM "properties/file/format", "binary");
    is_json(json,
            "paths/~files/post/requestBody/content/multipart~form-data/schema/properties/file",
            "{\"type\":\"string\",\"format\":\"binary\",\"contentMediaType\":\"application/"
            "octet-stream\","
            "\"description\":\"CSV or Parquet\"}");
    is_json(json,
            "paths/~files/post/requestBody/content/application~json/schema",
            "{\"type\":\"object\",\"properties\":{\"table_name\":{\"type\":\"string\","
            "\"maxLength\":10000}},"
            "\"required\":[\"table_name\"],\"additionalProperties\":false}");
    is_json(json, IN "required", "[\"name\"]");
    is_json(json, IN "additionalProperties", "false");
    is_json(json,
            IN "properties/name",
            "{\"type\":\"string\",\"minLength\":1,\"maxLength\":300,\"description\":\"Its "
            "\\\"name\\\" <&>\"}");
    is_json(json, IN "properties/kind", "{\"type\":\"string\",\"enum\":[\"plain\",\"fancy\"]}");
    is_json(json, IN "properties/extra", "{}");
    is_json(
        json,
        IN "properties/size",
        "{\"type\":[\"integer\",\"string\"],\"format\":\"int64\",\"minimum\":1,\"maximum\":10}");
    is_json(json,
            IN "properties/maybe",
            "{\"type\":[\"integer\",\"null\"],\"format\":\"int64\",\"minimum\":1}");
    is_json(json, IN "properties/numbers/items", "{\"type\":[\"integer\",\"string\"]}");
    is_json(json,
            IN "properties/words",
            "{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"maxItems\":5}");
    is_text(json, IN "properties/columns/items/properties/column_name/type", "string");
    is_json(json, IN "properties/column/required", "[\"column_name\"]");
}

static void answers(void **state)
{
    (void)state;
    CLEANUP(json_done) json_t *json = document();
    assert_null(at(json, OUT "properties/secret"));
    assert_non_null(at(json, IN "properties/secret"));
    is_json(json, OUT "properties/name/type", "\"string\"");
    is_json(json,
            OUT "properties/kind",
            "{\"type\":[\"string\",\"null\"],\"enum\":[\"plain\",\"fancy\",null]}");
    is_json(json, OUT "properties/at", "{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}");
    is_json(json, OUT "properties/size/type", "\"integer\"");
    is_json(json,
            OUT "required",
            "[\"name\",\"kind\",\"size\",\"at\",\"maybe\",\"ratio\",\"active\",\"words\","
            "\"numbers\",\"columns\","
            "\"column\"]");
    assert_null(at(json, OUT "additionalProperties"));
    is_json(json,
            "paths/~things/get/responses/200/content/application~json/schema/required",
            "[\"data\",\"links\"]");
    is_text(json,
            "paths/~things/get/responses/200/content/application~json/schema/properties/data/items/"
            "type",
            "object");
    assert_non_null(at(json, "paths/~things/post/responses/201/content"));
    assert_null(at(json, "paths/~things~{name}/delete/responses/204/content"));
    assert_null(at(json, "paths/~/get/responses/302/content"));
    assert_non_null(
        at(json, "paths/~things~{name}~listen/get/responses/200/content/text~event-stream"));
    assert_non_null(at(json, "paths/~things~{name}~file/get/responses/200/content/text~csv"));
    assert_non_null(at(json, "paths/~things~{name}~file/get/responses/406"));
    is_text(json, "paths/~things~{name}~file/get/parameters/1/name", "Prefer");
    is_text(json,
            "paths/~things~{name}~file/get/responses/202/content/application~json/schema/type",
            "object");
    assert_null(at(json, "paths/~things/post/responses/202"));
}

static size_t refs_check(json_t *whole, json_t *json)
{
    size_t n = 0, i;
    const char *key;
    json_t *value;
    json_object_foreach(json, key, value)
    {
        if (strcmp(key, "$ref") == 0) {
            assert_true(strncmp(json_string_value(value), "#/", 2) == 0);
            assert_non_null(at(whole, json_string_value(value) + 2));
            n++;
        }
        n += refs_check(whole, value);
    }
    json_array_foreach(json, i, value) n += refs_check(whole, value);
    return n;
}

static void references_lead_somewhere(void **state)
{
    (void)state;
    CLEANUP(json_done) json_t *json = document();
    assert_true(refs_check(json, json) > 10);
}

static void too_small_a_buffer(void **state)
{
    (void)state;
    for (size_t max = 0; max < 3000; max += 7) {
        CLEANUP(buf_done) struct buf out = {.max = max};
        CLEANUP(buf_done) struct buf page = {.max = max};
        openapi_print(&out, tables, LENGTH(tables), "1");
        docs_print(&page, tables, LENGTH(tables), "1");
        assert_true(out.failed && page.failed);
    }
}

static size_t count_of(str text, const char *what)
{
    size_t n = 0, len = strlen(what);
    const char *end = text.at + text.len;
    for (const char *c = text.at; (c = memmem(c, (size_t)(end - c), what, len)); c += len)
        n++;
    return n;
}

static void page(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf out = {.max = 1 << 20};
    docs_print(&out, tables, LENGTH(tables), "1.2.3");
    assert_false(out.failed);
    str text = buf_str(&out);
    size_t routes = LENGTH(thing_routes) + LENGTH(other_routes) + LENGTH(untagged_routes);
    assert_int_equal(count_of(text, "<article id=\""), routes);
    assert_int_equal(count_of(text, "</article>"), routes);
    assert_int_equal(count_of(text, "<pre>curl "), routes);
    assert_int_equal(count_of(text, "<h2>Things</h2>"), 1);
    assert_int_equal(count_of(text, "<h2>Others &amp; more</h2>"), 1);
    assert_int_equal(count_of(text, "<h2>Boxes</h2>"), 1);
    assert_int_equal(count_of(text, "<h2>"), 4);
    assert_int_equal(count_of(text, "<table>"), count_of(text, "</table>"));
    assert_int_equal(count_of(text, "Its &quot;name&quot; &lt;&amp;>"), 5);
    assert_int_equal(count_of(text, "text, 1 to 300 bytes"), 5);
    assert_int_equal(count_of(text, "one of &quot;plain&quot;, &quot;fancy&quot;"), 5);
    assert_int_equal(count_of(text, "list of objects of column_name"), 5);
    assert_int_equal(count_of(text, "Reads &lt;rows>"), 1);
    assert_int_equal(count_of(text, "<script"), 0);
    assert_int_equal(count_of(text, "src="), 0);
    assert_int_equal(count_of(text, "<style"), 0);
    assert_int_equal(count_of(text, "style=\""), 0);
    assert_int_equal(count_of(text, "<link"), 2);
    assert_int_equal(count_of(text, "href=\"" DOCS_STYLE_PATH "\""), 1);
    assert_int_equal(count_of(text, "curl -N &quot;$URL/things/NAME/listen/&quot;"), 1);
    assert_int_equal(count_of(text, "-F file=@data.csv -F 'name=...'"), 1);
    assert_int_equal(count_of(text, "-F file=@data.csv -F 'table_name=...'</pre>"), 1);
    assert_int_equal(count_of(text, "<code>file</code>"), 2);
    assert_int_equal(count_of(text, "-d '{&quot;name&quot;: &quot;...&quot;}'"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths),
        cmocka_unit_test(rights),
        cmocka_unit_test(bodies),
        cmocka_unit_test(answers),
        cmocka_unit_test(references_lead_somewhere),
        cmocka_unit_test(too_small_a_buffer),
        cmocka_unit_test(page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
