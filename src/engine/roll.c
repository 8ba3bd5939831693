/* The roll of the calls that are under way. */
#include "engine/roll.h"

#include "base/time.h"

/* Ids go on from the time of the start, so that one of a run before means no call of this one. */
void roll_init(struct roll *roll)
{
    pthread_mutex_init(&roll->lock, NULL);
    roll->calls.previous = roll->calls.next = &roll->calls;
    roll->last_id = time_now();
}

void roll_done(struct roll *roll)
{
    pthread_mutex_destroy(&roll->lock);
}

void roll_enter(struct roll *roll, struct roll_call *call)
{
    struct roll_call *head = &roll->calls;
    call->started_us = time_now();
    call->began_us = time_steady();
    pthread_mutex_lock(&roll->lock);
    call->id = ++roll->last_id;
    call->previous = head->previous;
    call->next = head;
    head->previous->next = call;
    head->previous = call;
    pthread_mutex_unlock(&roll->lock);
}

void roll_leave(struct roll *roll, struct roll_call *call)
{
    pthread_mutex_lock(&roll->lock);
    call->previous->next = call->next;
    call->next->previous = call->previous;
    pthread_mutex_unlock(&roll->lock);
}

/* Cut between two characters. */
static str sql_shown(str sql)
{
    if (sql.len <= ROLL_SQL_MAX)
        return sql;
    size_t len = ROLL_SQL_MAX;
    while (len > 0 && ((unsigned char)sql.at[len] & 0xC0) == 0x80)
        len--;
    return str_sub(sql, 0, len);
}

static struct engine_call call_copy(struct arena *mem, const struct roll_call *call)
{
    return (struct engine_call){
        .id = call->id,
        .team = str_copy(mem, call->team),
        .kind = str_copy(mem, call->kind),
        .sql = str_copy(mem, sql_shown(call->sql)),
        .subject = str_copy(mem, call->subject),
        .started_us = call->started_us,
        .took_us = time_steady() - call->began_us,
        .is_waiting = !atomic_load(&call->running),
    };
}

err roll_calls(struct roll *roll, struct arena *mem, struct engine_call **out, size_t *n)
{
    const struct roll_call *head = &roll->calls;
    *n = 0;
    pthread_mutex_lock(&roll->lock);
    size_t count = 0;
    for (const struct roll_call *call = head->next; call != head; call = call->next)
        count++;
    *out = arena_array(mem, count, sizeof(**out));
    for (const struct roll_call *call = head->next; call != head && *out; call = call->next)
        (*out)[(*n)++] = call_copy(mem, call);
    pthread_mutex_unlock(&roll->lock);
    return arena_failed(mem) ? &err_no_memory : NULL;
}

bool roll_cancel(struct roll *roll, int64_t id, struct arena *mem, struct engine_call *out)
{
    struct roll_call *head = &roll->calls;
    pthread_mutex_lock(&roll->lock);
    struct roll_call *call = head->next;
    while (call != head && call->id != id)
        call = call->next;
    bool found = call != head;
    if (found) {
        *out = call_copy(mem, call);
        atomic_store(&call->cancelled, true);
    }
    pthread_mutex_unlock(&roll->lock);
    return found;
}

/* Not a 503: programs try those again by themselves. */
err roll_cancelled(struct arena *mem)
{
    return err_new(mem, 409, "query_cancelled", "This was cancelled by an administrator.");
}
