/* The routes of the log. */
#include "events/types.h"

const struct route events_routes[] = {
    {.method = "GET",
     .path = "/events",
     .run = event_list,
     .right = RIGHT_MEMBER,
     .query = event_list_query,
     .output = event_fields,
     .list = true,
     .status = 200,
     .help = "List the entries of the team's log, oldest first"},
    {.method = "GET",
     .path = "/events/listen",
     .run = event_listen,
     .right = RIGHT_LISTENER,
     .query = event_listen_query,
     .output = event_fields,
     .stream = true,
     .status = 200,
     .help = "Listen to the team's log"},
};

const size_t events_route_count = LENGTH(events_routes);
