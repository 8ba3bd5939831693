/* The present of the server, as it is found when somebody looks. */
#include "admin/state.h"

#include <unistd.h>

#include "base/proc.h"
#include "base/time.h"

static const struct field process_fields[] = {
    FIELD(struct process_state, pid, FIELD_INT),
    FIELD(struct process_state, team, FIELD_STR, .flags = FIELD_REQUIRED),
    FIELD(struct process_state, started, FIELD_TIME, .flags = FIELD_REQUIRED),
    FIELD(struct process_state, memory_bytes, FIELD_INT,
          .help = "Its share where the system tells it (PSS), else all that it sees (RSS)"),
    FIELD(struct process_state, calls, FIELD_INT, .help = "That it works on now"),
    FIELD_LAST,
};

static const struct field server_fields[] = {
    FIELD(struct server_state, pid, FIELD_INT),
    FIELD(struct server_state, started, FIELD_TIME, .flags = FIELD_REQUIRED),
    FIELD(struct server_state, version, FIELD_STR, .flags = FIELD_REQUIRED),
    FIELD(struct server_state, memory_bytes, FIELD_INT),
    FIELD(struct server_state, streams, FIELD_INT, .help = "Listeners of all kinds"),
    FIELD(struct server_state, descriptors, FIELD_INT, .help = "Open files and connections"),
    FIELD(struct server_state, events, FIELD_INT,
          .help = "Entries of the logs of all teams, since it started"),
    FIELD_LAST,
};

const struct field admin_query_fields[] = {
    FIELD(struct query_state, id, FIELD_INT),
    FIELD(struct query_state, team, FIELD_STR, .flags = FIELD_REQUIRED),
    FIELD(struct query_state, kind, FIELD_STR, .flags = FIELD_REQUIRED, .choices = engine_kinds),
    FIELD(struct query_state, subject, FIELD_STR, .help = "The table or view"),
    FIELD(struct query_state, sql, FIELD_STR, .help = "Up to 1,000 bytes of it"),
    FIELD(struct query_state, started, FIELD_TIME, .flags = FIELD_REQUIRED),
    FIELD(struct query_state, seconds, FIELD_REAL, .flags = FIELD_REQUIRED, .help = "Since then"),
    FIELD(struct query_state, waiting, FIELD_BOOL, .help = "true: for a process, or for its turn"),
    FIELD_LAST,
};

#define PROCESSES                                  \
    FIELD(struct state,                            \
          processes,                               \
          FIELD_LIST,                              \
          .of = process_fields,                    \
          .of_size = sizeof(struct process_state), \
          .help = "Those of the teams"),           \
        FIELD(struct state, server, FIELD_OBJECT, .of = server_fields)

const struct field admin_processes_fields[] = {PROCESSES, FIELD_LAST};

const struct field admin_state_fields[] = {
    PROCESSES,
    FIELD(struct state, queries, FIELD_LIST, .of = admin_query_fields,
          .of_size = sizeof(struct query_state)),
    FIELD_LAST,
};

err processes_look(struct admin *admin, struct arena *mem, struct state *out)
{
    struct engine_process *processes;
    size_t n;
    TRY(engine_processes(admin->options.engine, mem, &processes, &n));
    struct process_state *at = arena_array(mem, n, sizeof(*at));
    if (!at)
        return &err_no_memory;
    for (size_t i = 0; i < n; i++)
        at[i] = (struct process_state){.pid = processes[i].pid,
                                       .team = processes[i].team,
                                       .started = processes[i].started_us,
                                       .memory_bytes = processes[i].memory_bytes,
                                       .calls = processes[i].calls};
    out->processes = (struct list){at, n};
    out->server = (struct server_state){
        .pid = getpid(),
        .started = admin->started,
        .version = str_of(admin->options.version),
        .memory_bytes = proc_memory(getpid()),
        .streams = (int64_t)server_stream_count(admin->server),
        .descriptors = proc_descriptors(),
        .events = events_appended(admin->options.events),
    };
    return NULL;
}

err queries_look(struct admin *admin, struct arena *mem, struct state *out)
{
    struct engine_call *calls;
    size_t n;
    TRY(engine_calls(admin->options.engine, mem, &calls, &n));
    struct query_state *at = arena_array(mem, n, sizeof(*at));
    if (!at)
        return &err_no_memory;
    for (size_t i = 0; i < n; i++)
        at[i] = (struct query_state){.id = calls[i].id,
                                     .team = calls[i].team,
                                     .kind = calls[i].kind,
                                     .subject = calls[i].subject,
                                     .sql = calls[i].sql,
                                     .started = calls[i].started_us,
                                     .seconds = (double)calls[i].took_us / US_PER_S,
                                     .waiting = calls[i].is_waiting};
    out->queries = (struct list){at, n};
    return NULL;
}

err state_look(struct admin *admin, struct arena *mem, struct state *out)
{
    TRY(processes_look(admin, mem, out));
    return queries_look(admin, mem, out);
}
