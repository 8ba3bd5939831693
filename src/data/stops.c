/* A list of the loads that can be stopped: never more than the lanes take (data.c). */
#include "data/stops.h"

#include <pthread.h>
#include <stdlib.h>

struct stops {
    pthread_mutex_t lock;
    struct stop *first;
    bool all;
};

struct stops *stops_new(void)
{
    struct stops *stops = calloc(1, sizeof(*stops));
    if (stops)
        pthread_mutex_init(&stops->lock, NULL);
    return stops;
}

void stops_free(struct stops *stops)
{
    if (!stops)
        return;
    pthread_mutex_destroy(&stops->lock);
    free(stops);
}

void stop_enter(struct stops *stops, struct stop *stop)
{
    pthread_mutex_lock(&stops->lock);
    stop->next = stops->first;
    stops->first = stop;
    atomic_store(&stop->gone, stops->all);
    pthread_mutex_unlock(&stops->lock);
}

void stop_leave(struct stops *stops, struct stop *stop)
{
    pthread_mutex_lock(&stops->lock);
    struct stop **at = &stops->first;
    while (*at && *at != stop)
        at = &(*at)->next;
    if (*at)
        *at = stop->next;
    pthread_mutex_unlock(&stops->lock);
}

bool stop_ask(struct stops *stops, str team, str id)
{
    pthread_mutex_lock(&stops->lock);
    struct stop *stop = stops->first;
    while (stop && !(str_eq(stop->team, team) && str_eq(stop->id, id)))
        stop = stop->next;
    if (stop) {
        atomic_store(&stop->asked, true);
        atomic_store(&stop->gone, true);
    }
    pthread_mutex_unlock(&stops->lock);
    return stop;
}

void stops_all(struct stops *stops)
{
    pthread_mutex_lock(&stops->lock);
    stops->all = true;
    for (struct stop *stop = stops->first; stop; stop = stop->next)
        atomic_store(&stop->gone, true);
    pthread_mutex_unlock(&stops->lock);
}
