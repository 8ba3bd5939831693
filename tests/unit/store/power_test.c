/*
 * Power cuts at every write, and syncs that fail at every sync, of a scripted run.
 *
 *     power_test [STEP] [SEED]    cuts at each STEP-th write, of all when it is 1
 *
 * A cut is made by the thread that writes, while all others stand still: what is acknowledged is
 * read first, then the disk is copied as each mode leaves it, and opened again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "unit/store/disk.h"
#include "unit/store/script.h"

#define STEP_USUAL 40
#define CHECKPOINT_PAGES 40
#define OPS_ALONE 40
#define OPS 16
#define OPS_OF_SYNCS 4

static struct run {
    struct folder folder;
    struct acknowledged *acknowledged;
    char cut[128];
    int step, writes, cuts;
    unsigned seed;
    struct findings findings[DISK_MODES];
} run = {.step = STEP_USUAL};

static const char *const mode_names[] = {"forgets", "keeps a part", "tears"};

static void cut_remove(const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    char name[160];
    for (size_t i = 0; i < LENGTH(ends); i++) {
        snprintf(name, sizeof(name), "%s%s", path, ends[i]);
        unlink(name);
    }
}

static void acknowledged_copy(struct acknowledged *to, struct acknowledged *from)
{
    atomic_store(&to->version, atomic_load(&from->version));
    for (int i = 0; i < SCRIPT_WRITERS; i++) {
        atomic_store(&to->ops[i], atomic_load(&from->ops[i]));
        atomic_store(&to->told[i], atomic_load(&from->told[i]));
    }
}

static void cut_now(void)
{
    struct acknowledged acknowledged;
    if ((run.writes++ + (int)run.seed) % run.step != 0)
        return;
    acknowledged_copy(&acknowledged, run.acknowledged);
    for (int mode = 0; mode < DISK_MODES; mode++) {
        struct findings *findings = &run.findings[mode];
        struct findings before = *findings;
        disk_cut_held(run.cut, (enum disk_mode)mode);
        script_check(run.cut, &acknowledged, findings);
        if (memcmp(&before, findings, sizeof(before)) != 0)
            fprintf(stderr, "the disk %s at write %d: not whole\n", mode_names[mode], run.writes);
        cut_remove(run.cut);
    }
    run.cuts++;
}

static void run_begin(void)
{
    folder_make(&run.folder);
    snprintf(run.cut, sizeof(run.cut), "%s/cut", run.folder.path);
    run.acknowledged = mmap(
        NULL, sizeof(*run.acknowledged), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(run.acknowledged, MAP_FAILED);
    disk_reset();
    disk.seed = run.seed;
    run.writes = run.cuts = 0;
    memset(run.findings, 0, sizeof(run.findings));
}

static void run_end(void)
{
    munmap(run.acknowledged, sizeof(*run.acknowledged));
    folder_remove(&run.folder);
}

static int findings_print(const char *what, const struct findings *findings)
{
    printf("%s | lost %d | gaps or repeats in a log %d | torn %d | not whole %d\n",
           what,
           findings->lost,
           findings->gaps,
           findings->torn,
           findings->broken);
    return findings->lost + findings->gaps + findings->torn + findings->broken;
}

static void a_cut_at_any_write_loses_nothing_acknowledged(void **state)
{
    (void)state;
    run_begin();
    disk.written = cut_now;
    struct script script = {.acknowledged = run.acknowledged};
    assert_ok(script_open(&script, run.folder.file, "disk", CHECKPOINT_PAGES));
    script_alone(&script, OPS_ALONE);
    script_together(&script, OPS);
    script_close(&script);
    disk.written = NULL;
    int wrong = 0;
    for (int mode = 0; mode < DISK_MODES; mode++) {
        char what[128];
        snprintf(what,
                 sizeof(what),
                 "power cuts, the disk %s | writes %d | cuts %d",
                 mode_names[mode],
                 run.writes,
                 run.cuts);
        wrong += findings_print(what, &run.findings[mode]);
    }
    assert_true(run.cuts > 0);
    assert_int_equal(atomic_load(&run.acknowledged->ops[SCRIPT_WRITERS - 1]), OPS);
    assert_int_equal(wrong, 0);
    run_end();
}

/* No sync ends any more from here on, so that all that is acknowledged is on the platter now. */
static void cut_at_the_end(void)
{
    pthread_mutex_lock(&disk.lock);
    disk_cut_held(run.cut, DISK_FORGETS);
}

static bool is_child;

/* In the place of the C library's. */
_Noreturn void abort(void)
{
    if (is_child)
        cut_at_the_end();
    signal(SIGABRT, SIG_DFL);
    raise(SIGABRT);
    _exit(127);
}

enum ending { NEVER_FAILED, REFUSED_TO_START, ABORTED, WAS_CLOSING, WENT_ON, ENDINGS };

static _Noreturn void child_runs(int fails_at)
{
    struct script script = {.acknowledged = run.acknowledged};
    is_child = true;
    disk.fails_at = fails_at;
    err e = script_open(&script, run.folder.file, "disk", CHECKPOINT_PAGES);
    if (!e) {
        script_alone(&script, OPS_OF_SYNCS);
        script_together(&script, OPS_OF_SYNCS);
    }
    enum ending ending = e ? REFUSED_TO_START : WENT_ON;
    if (!e && atomic_load(&disk.syncs) < fails_at) {
        script_close(&script);
        ending = atomic_load(&disk.syncs) < fails_at ? NEVER_FAILED : WAS_CLOSING;
    }
    cut_at_the_end();
    _exit((int)ending);
}

static enum ending child_run(int fails_at)
{
    int status;
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        child_runs(fails_at);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGABRT ? ABORTED : WENT_ON;
    return WEXITSTATUS(status) < ENDINGS ? (enum ending)WEXITSTATUS(status) : WENT_ON;
}

/* The n-th sync fails, for each n: the process ends, and has acknowledged nothing that is not on
 * the platter. */
static void a_sync_that_fails_ends_the_process(void **state)
{
    (void)state;
    int endings[ENDINGS] = {0}, syncs = 0;
    struct findings findings = {0};
    int step = run.step > 8 ? run.step / 8 : 1;
    for (int n = 1 + (int)(run.seed % (unsigned)step); !endings[NEVER_FAILED]; n += step) {
        run_begin();
        enum ending ending = child_run(n);
        endings[ending]++;
        syncs += ending != NEVER_FAILED;
        script_check(run.cut, run.acknowledged, &findings);
        run_end();
    }
    char what[160];
    snprintf(
        what,
        sizeof(what),
        "syncs that failed %d | aborted %d | refused to start %d | was closing %d | went on %d",
        syncs,
        endings[ABORTED],
        endings[REFUSED_TO_START],
        endings[WAS_CLOSING],
        endings[WENT_ON]);
    int wrong = findings_print(what, &findings);
    assert_true(endings[ABORTED] > 0);
    assert_int_equal(endings[WENT_ON], 0);
    assert_int_equal(wrong, 0);
}

int main(int argc, char **argv)
{
    run.step = argc > 1 ? atoi(argv[1]) : STEP_USUAL;
    run.seed = (argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : (unsigned)time_now()) % 1000000;
    if (run.step < 1)
        return 2;
    printf("power cuts: every %d. write, seed %u\n", run.step, run.seed);
    const struct CMUnitTest tests[] = {
        /* The one that forks comes before there are threads. */
        cmocka_unit_test(a_sync_that_fails_ends_the_process),
        cmocka_unit_test(a_cut_at_any_write_loses_nothing_acknowledged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
