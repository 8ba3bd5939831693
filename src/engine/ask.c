/*
 * One call of an engine process.
 *
 * The call has a socket to itself. Ending our side of it (shutdown) is what interrupts the call:
 * the process then interrupts the query until it has ended, and still answers. An interrupted
 * call's socket is not used again. What has not answered a second after it ran over its limit is
 * killed, with its process.
 */
#include "engine/ask.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/pool.h"
#include "base/time.h"

#define TURN_MS 50
#define GRACE_US US_PER_S
#define SEND_MS 10000
#define ANSWER_MEMORY ((size_t)16 << 10)
#define STILL_PART 100 /* less of the time than one part in so many is nothing */

enum cancel { CANCEL_NONE, CANCEL_LIMIT, CANCEL_GONE, CANCEL_STOP, CANCEL_ASKED };

struct asking {
    const struct ask *ask;
    struct supervisor *supervisor;
    const struct load *load;
    struct roll_call call;
    struct lease lease;
    struct wire_input in;
    enum cancel cancel;
    int64_t end_us;            /* of the limit */
    int64_t looked_us, cpu_us; /* when it was looked at, and the processor time it had used */
    bool whole;                /* the answer was read to its end */
};

struct wire ask_begin(struct buf *frame, enum engine_op op)
{
    buf_init(frame, WIRE_HEAD + WIRE_BODY_MAX);
    struct wire w = wire_writer(frame);
    wire_frame_begin(frame);
    message_op(&w, &op);
    return w;
}

static err cancelled_err(const struct asking *asking)
{
    struct arena *mem = asking->ask->mem;
    if (asking->cancel == CANCEL_GONE)
        return err_new(mem, 499, "client_gone", "The client has left.");
    if (asking->cancel == CANCEL_STOP)
        return supervisor_stopping(mem);
    if (asking->cancel == CANCEL_ASKED)
        return roll_cancelled(mem);
    return err_new(mem,
                   504,
                   "query_timeout",
                   "This took longer than the %g second%s it may, and was stopped.",
                   (double)asking->ask->limit_ms / 1000,
                   asking->ask->limit_ms == 1000 ? "" : "s");
}

static void interrupt(struct asking *asking, enum cancel cancel)
{
    asking->cancel = cancel;
    asking->lease.strained = cancel == CANCEL_LIMIT || cancel == CANCEL_ASKED;
    shutdown(asking->lease.fd, SHUT_WR);
}

/* Who works uses the processor. A process that hangs does not, nor one whose disk does not answer.
 */
static err still_check(struct asking *asking, int64_t now)
{
    const struct ask *ask = asking->ask;
    int64_t since_us = now - asking->looked_us;
    if (!ask->still_ms || since_us < ask->still_ms * 1000)
        return NULL;
    int64_t cpu_us = supervisor_cpu_us(asking->supervisor, &asking->lease),
            used_us = cpu_us - asking->cpu_us;
    bool known = cpu_us >= 0 && asking->cpu_us >= 0;
    asking->looked_us = now;
    asking->cpu_us = cpu_us;
    if (!known || used_us > since_us / STILL_PART)
        return NULL;
    supervisor_kill(asking->supervisor, &asking->lease, "it did nothing while it had work to do");
    return err_busy(ask->mem,
                    1,
                    "engine_failed",
                    "The engine process hung, and was stopped after %g seconds in which it did "
                    "nothing; the next request gets a new one.",
                    (double)since_us / US_PER_S);
}

/* Who cancels a query that is in the way does not want to wait for its limit. */
static void cancel_check(struct asking *asking, int64_t now)
{
    if (asking->cancel == CANCEL_ASKED || !atomic_load(&asking->call.cancelled))
        return;
    if (asking->cancel == CANCEL_NONE)
        interrupt(asking, CANCEL_ASKED);
    asking->end_us = now < asking->end_us ? now : asking->end_us;
}

/* Interrupts when it is time to. An err: it has been killed. */
static err limits_check(struct asking *asking)
{
    const struct ask *ask = asking->ask;
    int64_t now = time_steady();
    if (now >= asking->end_us + GRACE_US) {
        supervisor_kill(asking->supervisor,
                        &asking->lease,
                        asking->cancel == CANCEL_ASKED
                            ? "a query was cancelled and could not be interrupted"
                            : "a query ran over its limit and could not be interrupted");
        return cancelled_err(asking);
    }
    TRY(still_check(asking, now));
    cancel_check(asking, now);
    if (asking->cancel == CANCEL_NONE && now >= asking->end_us)
        interrupt(asking, CANCEL_LIMIT);
    if (asking->cancel == CANCEL_NONE && ask->gone && atomic_load(ask->gone))
        interrupt(asking, CANCEL_GONE);
    if (asking->cancel == CANCEL_NONE && supervisor_interrupted(asking->supervisor))
        interrupt(asking, CANCEL_STOP);
    return NULL;
}

/* Waits for more of the answer. */
static err turn(struct asking *asking)
{
    TRY(limits_check(asking));
    int64_t now = time_steady();
    int64_t left_us = asking->end_us > now ? asking->end_us - now : asking->end_us + GRACE_US - now;
    int64_t left_ms = left_us < 0 ? 0 : (left_us + 999) / 1000;
    struct pollfd socket = {.fd = asking->lease.fd, .events = POLLIN};
    if (poll(&socket, 1, left_ms < TURN_MS ? (int)left_ms : TURN_MS) < 0 && errno != EINTR)
        return err_internal(asking->ask->mem, "poll of an engine call failed (errno %d)", errno);
    return NULL;
}

static void progress_tell(struct asking *asking)
{
    struct progress progress = {0};
    struct wire w = wire_reader(asking->ask->mem, wire_body(&asking->in));
    message_progress(&w, &progress);
    if (asking->load && asking->load->progress && wire_ok(&w))
        asking->load->progress(asking->load->progress_arg, &progress);
}

static err malformed(struct asking *asking)
{
    if (arena_failed(asking->ask->mem))
        return &err_no_memory;
    supervisor_kill(asking->supervisor, &asking->lease, "its answer was malformed");
    return err_internal(asking->ask->mem, "an engine process gave a malformed answer");
}

/* The process's own err, or ours when it came because we interrupted. */
static err failure(struct asking *asking)
{
    struct err told = {0};
    struct wire w = wire_reader(asking->ask->mem, wire_body(&asking->in));
    message_err(&w, &told);
    if (!wire_ok(&w))
        return malformed(asking);
    if (asking->cancel != CANCEL_NONE)
        return cancelled_err(asking);
    asking->lease.strained = err_is(&told, "query_memory");
    if (err_is(&told, "engine_failed") || (asking->lease.strained && told.inside.len))
        supervisor_kill(asking->supervisor, &asking->lease, "its database had met a fault");
    if (err_is(&told, "query_depth"))
        supervisor_kill(asking->supervisor, &asking->lease, "a query ran off its stack");
    return err_copy(asking->ask->mem, &told);
}

static err ended(struct asking *asking)
{
    err e = supervisor_outcome(asking->supervisor, &asking->lease, asking->ask->mem);
    return asking->cancel == CANCEL_NONE ? e : cancelled_err(asking);
}

/* What has come: nothing yet, a piece of news, the answer (`whole`), or the end. */
static err hear(struct asking *asking)
{
    switch (wire_receive(asking->lease.fd, asking->ask->mem, &asking->in)) {
    case WIRE_MORE:
        return turn(asking);
    case WIRE_END:
        return ended(asking);
    case WIRE_BAD:
        return malformed(asking);
    case WIRE_DONE:
        break;
    }
    if (asking->in.kind == WIRE_CALL)
        return malformed(asking);
    asking->whole = asking->in.kind != WIRE_PROGRESS;
    if (asking->in.kind == WIRE_FAILURE)
        return failure(asking);
    if (asking->whole)
        return NULL;
    progress_tell(asking);
    asking->in = (struct wire_input){0};
    return limits_check(asking);
}

static err talk(struct asking *asking, str frame)
{
    asking->looked_us = time_steady();
    asking->cpu_us = supervisor_cpu_us(asking->supervisor, &asking->lease);
    asking->end_us = asking->looked_us + asking->ask->limit_ms * 1000;
    if (!wire_send(asking->lease.fd, frame, SEND_MS))
        return ended(asking);
    while (!asking->whole)
        TRY(hear(asking));
    return NULL;
}

static err ask_make(struct asking *asking, enum engine_op op, str frame, struct wire *answer)
{
    TRY(supervisor_take(asking->supervisor,
                        asking->ask,
                        engine_op_writes(op),
                        &asking->call.cancelled,
                        &asking->lease));
    atomic_store(&asking->call.running, true);
    err e = talk(asking, frame);
    bool reusable = asking->whole && asking->cancel == CANCEL_NONE;
    supervisor_give(asking->supervisor, &asking->lease, reusable);
    *answer = wire_reader(asking->ask->mem, wire_body(&asking->in));
    return e;
}

err ask_run(const struct ask *ask, struct supervisor *supervisor, struct roll *roll,
            const struct asked *asked, struct buf *frame, struct wire *answer)
{
    bool grown = frame->len >= WIRE_BODY_MAX / 2; /* else there was no memory to grow */
    if (frame->failed && !grown)
        return &err_no_memory;
    if (!wire_frame_end(frame, WIRE_CALL))
        return err_new(ask->mem, 413, "too_large", "This request to the engine is too large.");
    /* An answer that there is no memory for would leave a file that nobody knows of. */
    if (!arena_reserve(ask->mem, ANSWER_MEMORY))
        return &err_no_memory;
    struct asking asking = {.ask = ask,
                            .supervisor = supervisor,
                            .load = asked->load,
                            .call = {.team = ask->team,
                                     .kind = str_of(engine_op_name(asked->op)),
                                     .sql = asked->sql,
                                     .subject = asked->subject}};
    roll_enter(roll, &asking.call);
    pool_wait_begin();
    err e = ask_make(&asking, asked->op, buf_str(frame), answer);
    pool_wait_end();
    roll_leave(roll, &asking.call);
    return e;
}
