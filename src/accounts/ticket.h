/* Single-use tickets: how a browser's EventSource, which can't send a header, says who it is. */
#ifndef ACCOUNTS_TICKET_H
#define ACCOUNTS_TICKET_H

#include "accounts/sessions.h"

/* Uses it up for `rq->path`; 401 when it is not good for that. The session may have ended. */
MUST_CHECK err ticket_use(struct request *rq, str ticket, struct session *session, bool *found);

#endif
