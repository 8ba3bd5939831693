/* Counts calls and decides which of them fail. */
#include "control.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EAT_PIECE ((size_t)1 << 20)

struct control *control;
static pid_t parent; /* FAULTS_CHILDREN: its own calls are not counted, those of its forks are */

__attribute__((constructor)) static void control_map(void)
{
    const char *path = getenv("FAULTS_FILE");
    int fd = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *at = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    syscall(SYS_close, fd);
    parent = getenv("FAULTS_CHILDREN") ? getpid() : 0;
    control = at == MAP_FAILED ? NULL : at;
}

void *real_function(const char *name)
{
    void *at = dlsym(RTLD_NEXT, name);
    if (!at)
        abort();
    return at;
}

static _Noreturn void hang(void)
{
    for (;;)
        poll(NULL, 0, 1000);
}

/* All the memory that there is for this process, kept for good. */
static void eat(void)
{
    for (;;) {
        char *piece =
            mmap(NULL, EAT_PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (piece == MAP_FAILED)
            return;
        memset(piece, 1, EAT_PIECE);
    }
}

static int act(int64_t action)
{
    if (action >= 0)
        return (int)action;
    if (action == ACTION_HANG)
        hang();
    if (action == ACTION_EAT)
        eat();
    else
        syscall(SYS_tgkill, getpid(), gettid(), action == ACTION_DIE ? SIGKILL : SIGSTOP);
    return 0;
}

static void where_note(const void *caller)
{
    Dl_info info = {0};
    int known = dladdr(caller, &info);
    uintptr_t base = known ? (uintptr_t)info.dli_fbase : 0;
    atomic_store(&control->where, (int64_t)((uintptr_t)caller - base));
    const char *name = known && info.dli_fname ? strrchr(info.dli_fname, '/') : NULL;
    snprintf(control->object, sizeof(control->object), "%s", name ? name + 1 : "");
}

int fault_of(int64_t kind, const void *caller)
{
    if (!control || !(atomic_load(&control->kinds) & kind) || (parent && getpid() == parent))
        return 0;
    int64_t nth = atomic_load(&control->nth);
    int64_t n = atomic_fetch_add(&control->count, 1) + 1;
    if (n < nth || n - nth >= atomic_load(&control->times))
        return 0;
    atomic_fetch_add(&control->hits, 1);
    where_note(caller);
    return act(atomic_load(&control->action));
}

bool fault(int64_t kind, const void *caller)
{
    int before = errno, error = fault_of(kind, caller);
    errno = error ? error : before;
    return error != 0;
}
