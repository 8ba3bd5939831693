/* The docs page: every route with its fields and a call to try, as HTML without scripts; and its
 * style. */
#include <ctype.h>
#include <string.h>

#include "http/openapi.h"
#include "http/schema.h"
#include "http/walk.h"

const char docs_style[] =
    ":root{color-scheme:light "
    "dark;--text:#1c2024;--soft:#5b6570;--line:#d9dee3;--ground:#fff;--box:#f5f7f9;--mark:#0b62c4}"
    "@media(prefers-color-scheme:dark){:root{--text:#e4e8ec;--soft:#98a2ad;--line:#333b43;--ground:"
    "#14181c;"
    "--box:#1d2328;--mark:#7ab7ff}}"
    "body{margin:0 auto;max-width:60rem;padding:1.5rem 1rem 4rem;font:16px/1.5 "
    "system-ui,sans-serif;"
    "color:var(--text);background:var(--ground)}a{color:var(--mark)}"
    "h2{margin:2.5rem 0 .5rem;border-bottom:1px solid var(--line)}"
    "nav{columns:18rem;margin:1rem 0}nav p{margin:0 0 .75rem;break-inside:avoid}nav "
    "a{display:block;text-decoration:none;"
    "font:13px/1.6 ui-monospace,monospace;overflow-wrap:anywhere}"
    "article{margin:1rem 0;padding:.75rem 1rem;border:1px solid var(--line);border-radius:8px}"
    "article:target{border-color:var(--mark)}"
    "h3{margin:0;font:600 15px/1.5 ui-monospace,monospace;overflow-wrap:anywhere}h3 "
    "b{color:var(--mark)}"
    "h3 a{color:inherit;text-decoration:none}small{color:var(--soft)}article>p{margin:.25rem 0}"
    "div{overflow-x:auto}table{border-collapse:collapse;width:100%;margin:.5rem 0;font-size:14px}"
    "caption,th{text-align:left;font-weight:600}caption{padding-top:.5rem}"
    "th,td{padding:.25rem .75rem .25rem 0;border-bottom:1px solid var(--line);vertical-align:top}"
    "td:first-child{white-space:nowrap}"
    "@media(min-width:45rem){th{width:24%}th:last-child{width:auto}}"
    "pre{margin:.5rem 0 0;padding:.6rem "
    ".75rem;overflow-x:auto;background:var(--box);border-radius:6px;"
    "font:13px/1.5 ui-monospace,monospace}code{font-family:ui-monospace,monospace}";

static const char head[] =
    "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">"
    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>TinyDevCRM "
    "API</title><link rel=\"icon\" href=\"data:,\"><link rel=\"stylesheet\" href=\"" DOCS_STYLE_PATH
    "\"></head><body><h1>TinyDevCRM API</h1>";

static const char foreword[] =
    "<p>Every path works with and without a slash at its end. Bodies are JSON unless a file is "
    "uploaded. What goes wrong is "
    "told as <code>application/problem+json</code>: <code>status</code>, <code>code</code>, "
    "<code>detail</code>, and "
    "<code>errors</code> of fields or of a file's lines. Lists come as <code>{\"data\": [...], "
    "\"links\": {\"next\", "
    "\"prev\"}}</code>. For a program: <a href=\"/openapi.json\">openapi.json</a>.</p>"
    "<p>The calls below take where the server is, and an access token as <code>POST "
    "/auth/tokens/obtain/</code> gives "
    "it:</p><pre>URL=http://localhost:8000 ACCESS=...</pre>";

static void html_add(struct buf *out, str s)
{
    for (size_t i = 0; i < s.len; i++) {
        switch (s.at[i]) {
        case '&':
            buf_add(out, STR("&amp;"));
            break;
        case '<':
            buf_add(out, STR("&lt;"));
            break;
        case '"':
            buf_add(out, STR("&quot;"));
            break;
        default:
            buf_char(out, s.at[i]);
        }
    }
}

static void html_text(struct buf *out, const char *text)
{
    html_add(out, str_of(text));
}

static void field_row(struct buf *out, const char *name, str type, bool required, const char *help)
{
    buf_add(out, STR("<tr><td><code>"));
    html_text(out, name);
    buf_add(out, STR("</code></td><td>"));
    html_add(out, type);
    buf_add(out, required ? STR("<br><small>required</small></td><td>") : STR("</td><td>"));
    html_text(out, help);
    buf_add(out, STR("</td></tr>"));
}

static void fields_table(struct buf *out, const char *caption, const struct field *fields, bool in,
                         bool file)
{
    bool any = file;
    for (const struct field *field = fields; field && field->type != FIELD_END; field++)
        any = any || in || !(field->flags & FIELD_HIDDEN);
    if (!any)
        return;
    buf_fmt(out,
            "<div><table><caption>%s</caption><thead><tr><th>Field</th><th>Type</th><th>What it "
            "is</th></tr></thead><tbody>",
            caption);
    const struct field *named = schema_file(fields);
    if (file)
        field_row(
            out, "file", STR("file"), true, named && named->help ? named->help : "The file itself");
    for (const struct field *field = fields; field && field->type != FIELD_END; field++) {
        if ((!in && (field->flags & FIELD_HIDDEN)) || (file && field == named))
            continue;
        CLEANUP(buf_done) struct buf type = {.max = 10000};
        schema_tell(&type, field);
        field_row(
            out, field->name, buf_str(&type), in && (field->flags & FIELD_REQUIRED), field->help);
    }
    buf_add(out, STR("</tbody></table></div>"));
}

/* The path as one would call it: {name} becomes NAME, and it ends with a slash unless it names a
 * file. */
static void example_path(struct buf *out, const char *path)
{
    bool in_name = false;
    for (const char *c = path; *c; c++) {
        if (*c == '{' || *c == '}')
            in_name = *c == '{';
        else
            buf_char(out, in_name ? (char)toupper((unsigned char)*c) : *c);
    }
    if (!strchr(path, '.') && path[strlen(path) - 1] != '/')
        buf_char(out, '/');
}

static void example_value(struct buf *out, const struct field *field)
{
    static const char *const values[] = {
        [FIELD_END] = "null",
        [FIELD_STR] = "\"...\"",
        [FIELD_INT] = "1",
        [FIELD_REAL] = "1.5",
        [FIELD_BOOL] = "true",
        [FIELD_TIME] = "\"2026-01-31T12:00:00Z\"",
        [FIELD_JSON] = "{}",
        [FIELD_STRS] = "[\"...\"]",
        [FIELD_INTS] = "[1]",
        [FIELD_OBJECT] = "{}",
        [FIELD_LIST] = "[{}]",
    };
    if (field->type == FIELD_STR && field->choices)
        json_print_str(out, str_of(field->choices[0]));
    else
        buf_add(out, str_of(values[field->type]));
}

/* The required fields, or the first one when none is. */
static bool is_in_example(const struct field *fields, const struct field *field)
{
    bool any = false;
    for (const struct field *f = fields; f->type != FIELD_END; f++)
        any = any || (f->flags & FIELD_REQUIRED);
    return any ? (field->flags & FIELD_REQUIRED) != 0 : field == fields;
}

static void example_json(struct buf *out, const struct field *fields)
{
    buf_add(out, STR(" \\\n    -H 'Content-Type: application/json' -d '{"));
    const char *comma = "";
    for (const struct field *field = fields; field && field->type != FIELD_END; field++) {
        if (!is_in_example(fields, field))
            continue;
        buf_fmt(out, "%s\"%s\": ", comma, field->name);
        example_value(out, field);
        comma = ", ";
    }
    buf_add(out, STR("}'"));
}

static void example_headers(struct buf *out, const struct field *fields)
{
    for (const struct field *field = fields; field && field->type != FIELD_END; field++) {
        if (field->flags & FIELD_REQUIRED)
            buf_fmt(out, " -H '%s: %s'", field->name, field->type == FIELD_INT ? "0" : "...");
    }
}

static void example_form(struct buf *out, const struct field *fields)
{
    buf_add(out, STR(" \\\n    -F file=@data.csv"));
    for (const struct field *field = fields; field && field->type != FIELD_END; field++) {
        if (!(field->flags & FIELD_REQUIRED) || schema_is_file(field))
            continue;
        buf_fmt(out, " -F '%s=", field->name);
        CLEANUP(buf_done) struct buf value = {.max = 1000};
        example_value(&value, field);
        str text = buf_str(&value);
        bool quoted = text.len > 1 && text.at[0] == '"';
        buf_add(out, quoted ? str_sub(text, 1, text.len - 2) : text);
        buf_char(out, '\'');
    }
}

static void example_print(struct buf *out, const struct route *route)
{
    CLEANUP(buf_done) struct buf call = {.max = 10000};
    buf_add(&call, route->stream ? STR("curl -N ") : STR("curl "));
    if (strcmp(route->method, "GET") != 0)
        buf_fmt(&call, "-X %s ", route->method);
    buf_add(&call, STR("\"$URL"));
    example_path(&call, route->path);
    buf_char(&call, '"');
    if (route->right != RIGHT_ANYONE)
        buf_add(&call, STR(" -H \"Authorization: JWT $ACCESS\""));
    example_headers(&call, route->headers);
    if (route->body == BODY_JSON)
        example_json(&call, route->input);
    else if (route->body == BODY_UPLOAD)
        example_form(&call, route->input);
    else if (route->body == BODY_FILE)
        buf_fmt(&call, " \\\n    -H 'Content-Type: %s' --data-binary @data.csv", route->media_in);
    buf_add(out, STR("<pre>"));
    html_add(out, buf_str(&call));
    buf_add(out, STR("</pre>"));
    out->failed = out->failed || call.failed;
}

static void anchor_print(struct buf *out, const struct route *route)
{
    for (const char *c = route->method; *c; c++)
        buf_char(out, (char)tolower((unsigned char)*c));
    for (const char *c = route->path; *c; c++) {
        if (*c == '/')
            buf_char(out, '-');
        else if (isalnum((unsigned char)*c) || *c == '_' || *c == '.')
            buf_char(out, *c);
    }
}

static const char *right_text(enum right right)
{
    static const char *const texts[] = {
        [RIGHT_ANYONE] = "for anyone",
        [RIGHT_MEMBER] = "with an access token",
        [RIGHT_LISTENER] = "with an access token, or ?ticket= of a ticket for this path",
        [RIGHT_SUPERUSER] = "with a superuser's access token",
        [RIGHT_SUPERUSER_LISTENER] =
            "with a superuser's access token, or ?ticket= of a ticket for this path",
    };
    return texts[right];
}

static void answer_print(struct buf *out, const struct route *route)
{
    int status = route->status ? route->status : 200;
    buf_fmt(out, "<p><small>%s &middot; answers %d", right_text(route->right), status);
    if (route->stream)
        buf_add(out, STR(", a stream of events that stays open"));
    else if (route->list)
        buf_add(out, STR(", a list"));
    buf_add(out, STR("</small></p>"));
}

static void route_print(struct buf *out, const struct route *route)
{
    buf_add(out, STR("<article id=\""));
    anchor_print(out, route);
    buf_add(out, STR("\"><h3><a href=\"#"));
    anchor_print(out, route);
    buf_fmt(out, "\"><b>%s</b> ", route->method);
    html_text(out, route->path);
    buf_add(out, STR("</a></h3><p>"));
    html_text(out, route->help);
    buf_add(out, STR("</p>"));
    answer_print(out, route);
    fields_table(out, "Query", route->query, true, false);
    fields_table(out, "Headers", route->headers, true, false);
    bool upload = route->body == BODY_UPLOAD;
    fields_table(out,
                 upload ? "Form" : "Body",
                 route->body == BODY_NONE ? NULL : route->input,
                 true,
                 upload);
    fields_table(out, route->list ? "Each of the list" : "Answer", route->output, false, false);
    example_print(out, route);
    buf_add(out, STR("</article>"));
}

static void link_print(struct buf *out, const struct route *route)
{
    buf_add(out, STR("<a href=\"#"));
    anchor_print(out, route);
    buf_fmt(out, "\">%s ", route->method);
    html_text(out, route->path);
    buf_add(out, STR("</a>"));
}

/* Each tag once: what opens it, its name, what follows, its routes, what closes it. */
static void tags_each(struct buf *out, const struct route_table *tables, size_t count,
                      const char *const around[3],
                      void (*print)(struct buf *, const struct route *))
{
    for (struct walk first = WALK(tables, count); walk_on(&first);) {
        if (!walk_tag_is_new(&first))
            continue;
        buf_add(out, str_of(around[0]));
        walk_tag_print(out, first.tag, html_add);
        buf_add(out, str_of(around[1]));
        for (struct walk walk = WALK(tables, count); walk_on(&walk);) {
            if (str_eq(walk.tag, first.tag))
                print(out, walk.route);
        }
        buf_add(out, str_of(around[2]));
    }
}

void docs_print(struct buf *out, const struct route_table *tables, size_t count,
                const char *version)
{
    buf_add(out, str_of(head));
    buf_add(out, STR("<p><small>Version "));
    html_text(out, version);
    buf_add(out, STR("</small></p>"));
    buf_add(out, str_of(foreword));
    buf_add(out, STR("<nav>"));
    tags_each(
        out, tables, count, (const char *const[]){"<p><strong>", "</strong>", "</p>"}, link_print);
    buf_add(out, STR("</nav>"));
    tags_each(out,
              tables,
              count,
              (const char *const[]){"<section><h2>", "</h2>", "</section>"},
              route_print);
    buf_add(out, STR("</body></html>\n"));
}
