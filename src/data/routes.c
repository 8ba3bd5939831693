/* The routes of data. */
#include "data/channels.h"
#include "data/jobs.h"
#include "data/loads.h"
#include "data/preview.h"
#include "data/rows.h"
#include "data/tables.h"
#include "data/uploads.h"
#include "data/versions.h"
#include "data/views.h"
#include "http/page.h"

#define ROUTE(method_, path_, run_, body_, status_, ...)                                           \
    {                                                                                              \
        .method = (method_), .path = (path_), .run = (run_), .body = (body_), .status = (status_), \
        __VA_ARGS__                                                                                \
    }
#define MEMBER .right = RIGHT_MEMBER
#define GET_(path_, run_, ...) ROUTE("GET", path_, run_, BODY_NONE, 200, MEMBER, __VA_ARGS__)
#define POST_(path_, run_, ...) ROUTE("POST", path_, run_, BODY_JSON, 201, MEMBER, __VA_ARGS__)
#define PATCH_(path_, run_, ...) ROUTE("PATCH", path_, run_, BODY_JSON, 200, MEMBER, __VA_ARGS__)
#define DELETE_(path_, run_, ...) ROUTE("DELETE", path_, run_, BODY_NONE, 204, MEMBER, __VA_ARGS__)
/* Asks for something to be done that makes nothing new. */
#define DO_(path_, run_, ...) ROUTE("POST", path_, run_, BODY_JSON, 200, MEMBER, __VA_ARGS__)
#define UPLOAD_(path_, run_, status_, ...) \
    ROUTE("POST",                          \
          path_,                           \
          run_,                            \
          BODY_UPLOAD,                     \
          status_,                         \
          MEMBER,                          \
          .pool = POOL_ENGINE,             \
          .later = load_fields,            \
          __VA_ARGS__)
#define LISTEN_(path_, run_, ...) \
    ROUTE("GET", path_, run_, BODY_NONE, 200, .right = RIGHT_LISTENER, .stream = true, __VA_ARGS__)

/* For the documents: the position and the ticket are taken without it. */
struct channel_listen_query {
    struct strs ids;
    str ticket;
};

static const struct field channel_listen_query[] = {
    {.name = "lastEventId",
     .type = FIELD_STRS,
     .offset = offsetof(struct channel_listen_query, ids),
     .help = "Go on behind this event; the header Last-Event-ID comes first"},
    FIELD(struct channel_listen_query, ticket, FIELD_STR, .help = "In the place of a token"),
    FIELD_LAST,
};

static const char *const row_media[] = {"text/csv", "application/vnd.apache.parquet", NULL};

const struct route data_routes[] = {
    UPLOAD_("/tables", table_create, 201, .input = input_create_fields, .output = table_fields,
            .help = "Make a table of a CSV or Parquet file"),
    UPLOAD_("/tables/create", table_create, 201, .input = input_create_fields,
            .output = table_fields, .help = "The same"),
    ROUTE("POST", "/tables/preview", table_preview, BODY_UPLOAD, 200, MEMBER, .pool = POOL_ENGINE,
          .input = input_preview_fields, .output = table_preview_fields,
          .help = "Look into a file, or its beginning, without keeping anything"),
    GET_("/tables", table_list, .list = true, .query = page_fields, .output = table_fields,
         .help = "List the tables"),
    GET_("/tables/{name}", table_show, .output = table_fields, .help = "Show a table"),
    DELETE_("/tables/{name}", table_drop, .pool = POOL_ENGINE, .query = drop_query_fields,
            .help = "Delete a table"),
    GET_("/tables/{name}/rows", table_rows, .pool = POOL_ENGINE, .query = rows_query_fields,
         .output = rows_fields, .media = row_media,
         .help = "Rows, as JSON, CSV or Parquet by Accept"),
    UPLOAD_("/tables/{name}/rows", table_append, 201, .input = input_rows_fields,
            .output = table_fields,
            .help = "Append a file, or rows in JSON; the answer says rows_added as well"),
    UPLOAD_("/tables/{name}/replace", table_replace, 200, .input = input_rows_fields,
            .output = table_fields, .help = "Put a new file in the place of all rows"),
    POST_("/tables/{name}/fork", table_fork, .pool = POOL_ENGINE, .input = fork_fields,
          .output = table_fields, .help = "Copy a table, or a view's rows into a table"),
    ROUTE("OPTIONS", "/uploads", upload_options, BODY_NONE, 204,
          .help = "What of tus the server knows, and the largest file it takes"),
    ROUTE("POST", "/uploads", upload_create, BODY_NONE, 201, MEMBER,
          .headers = upload_create_headers, .output = upload_fields,
          .help = "Announce a file that comes in pieces (tus 1.0.0)"),
    GET_("/uploads", upload_list, .list = true, .query = page_fields, .output = upload_fields,
         .help = "List the uploads that are not loaded, newest first"),
    GET_("/uploads/{id}", upload_show, .output = upload_fields,
         .help = "Show how much of an upload is here, also as the header Upload-Offset"),
    ROUTE("PATCH", "/uploads/{id}", upload_append, BODY_FILE, 204, MEMBER, .pool = POOL_ENGINE,
          .check = upload_append_check, .headers = upload_append_headers,
          .media_in = "application/offset+octet-stream",
          .help = "Send the next piece, of any size; what comes of one that is cut off is kept"),
    DELETE_("/uploads/{id}", upload_drop, .help = "Forget an upload"),
    GET_("/loads", load_list, .list = true, .query = load_query_fields, .output = load_fields,
         .help = "List the loads, newest first"),
    DELETE_("/loads/{id}", load_stop,
            .help = "Stop a load that nobody waits for; nothing of it is kept"),
    GET_("/loads/{id}", load_show, .output = load_fields, .help = "Show how a load fares"),

    POST_("/views", view_create, .pool = POOL_ENGINE, .input = view_input_fields,
          .output = view_fields, .help = "Make a view of a query"),
    POST_("/views/create", view_create, .pool = POOL_ENGINE, .input = view_input_fields,
          .output = view_fields, .help = "The same"),
    GET_("/views", view_list, .list = true, .query = page_fields, .output = view_fields,
         .help = "List the views"),
    GET_("/views/{name}", view_show, .output = view_fields, .help = "Show a view"),
    PATCH_("/views/{name}", view_patch, .pool = POOL_ENGINE, .input = view_patch_fields,
           .output = view_fields, .help = "Give a view another query, or another chart"),
    DELETE_("/views/{name}", view_drop, .pool = POOL_ENGINE, .query = drop_query_fields,
            .help = "Delete a view"),
    GET_("/views/{name}/rows", view_rows, .pool = POOL_ENGINE, .query = rows_query_fields,
         .output = rows_fields, .media = row_media,
         .help = "Rows, as JSON, CSV or Parquet by Accept"),
    DO_("/views/{name}/refresh", view_refresh, .pool = POOL_ENGINE, .input = no_fields,
        .output = view_fields,
        .help = "Refresh a view now; the answer says the outcome as well: refreshed or skipped"),
    GET_("/views/{name}/versions", view_versions, .list = true, .query = page_fields,
         .output = version_fields, .help = "Versions of a view, newest first"),
    GET_("/views/{name}/changes", view_changes, .pool = POOL_ENGINE, .query = changes_query_fields,
         .output = changes_fields,
         .help = "Rows that were added and removed since a version, or between two"),
    DO_("/queries", query_run, .pool = POOL_ENGINE, .input = query_input_fields,
        .output = query_fields, .help = "Run one query, for trying"),

    POST_("/jobs", job_create, .input = job_input_fields, .output = job_fields,
          .help = "Refresh a view by a schedule"),
    POST_("/jobs/create", job_create, .input = job_input_fields, .output = job_fields,
          .help = "The same"),
    GET_("/jobs", job_list, .list = true, .query = page_fields, .output = job_fields,
         .help = "List the jobs"),
    GET_("/jobs/preview", job_preview, .query = schedule_query_fields, .output = schedule_fields,
         .help = "When a schedule would be due next"),
    GET_("/jobs/{id}", job_show, .output = job_fields, .help = "Show a job"),
    PATCH_("/jobs/{id}", job_patch, .input = job_patch_fields, .output = job_fields,
           .help = "Change a job, switch it off or on"),
    DELETE_("/jobs/{id}", job_drop, .help = "Delete a job, and channels that follow nothing else"),
    DO_("/jobs/{id}/run", job_run, .pool = POOL_ENGINE, .input = no_fields, .output = run_fields,
        .help = "Run a job now, also one that is switched off; 409 when it is running"),
    GET_("/jobs/{id}/runs", job_runs, .list = true, .query = page_fields, .output = run_fields,
         .help = "Runs of a job, newest first"),

    POST_("/channels", channel_create, .input = channel_input_fields, .output = channel_fields,
          .help = "Make a channel that follows jobs"),
    POST_("/channels/create", channel_create, .input = channel_input_fields,
          .output = channel_fields, .help = "The same"),
    GET_("/channels", channel_list, .list = true, .query = page_fields, .output = channel_fields,
         .help = "List the channels"),
    GET_("/channels/{id}", channel_show, .output = channel_fields, .help = "Show a channel"),
    DELETE_("/channels/{id}", channel_drop, .help = "Delete a channel; its streams close"),
    POST_("/channels/{id}/tickets", channel_ticket, .input = no_fields, .output = ticket_fields,
          .help = "A single-use ticket for a browser's EventSource"),
    POST_("/events/tickets", log_ticket, .input = no_fields, .output = ticket_fields,
          .help = "A single-use ticket for a browser's EventSource on the log"),
    LISTEN_("/channels/{id}/listen", channel_listen, .query = channel_listen_query,
            .help = "Listen to a channel"),
};

const size_t data_route_count = LENGTH(data_routes);
