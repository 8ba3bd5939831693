/* Channels: public identifiers that follow jobs. */
#ifndef DATA_CHANNELS_H
#define DATA_CHANNELS_H

#include "data/state.h"

struct channel {
    str team, id, include;
    struct ints job_ids;
    int64_t created, listeners;
    str listen_path;
};

extern const struct field channel_fields[], channel_input_fields[], ticket_fields[];

/* 404 for another team's as for none. */
MUST_CHECK err channel_load(struct tx *tx, str team, str id, struct channel *out);
/* The key of its topic. */
str channel_topic(struct arena *mem, str id);
/* Takes the job out of its channels; a channel that followed nothing else is deleted. */
MUST_CHECK err channels_leave_job(struct data *data, struct tx *tx, str team, int64_t job);

err channel_create(struct request *rq);
err channel_list(struct request *rq);
err channel_show(struct request *rq);
err channel_drop(struct request *rq);
err channel_ticket(struct request *rq);
err log_ticket(struct request *rq);     /* for listening to the team's log */
err channel_listen(struct request *rq); /* listen.c */

#endif
