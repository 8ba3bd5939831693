/* The walls around an engine process: limits, files, system calls, privileges. */
#include "engine/worker/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/str.h"
#include "engine/messages.h"

#define FILES_MAX 512
#define FILE_SIZE_MAX ((rlim_t)1 << 40)
/* What can be written to beside it: the stacks. */
#define DATA_SLACK ((rlim_t)192 * 1024 * 1024)
/* Address space beside what is counted as memory: stacks of threads, arenas of malloc, mapped code.
 */
#define ADDRESS_SLACK ((rlim_t)768 * 1024 * 1024)

/* Landlock by its numbers, because the header of Debian 12 ends with the second version of its
 * interface. */
struct ruleset_attr {
    uint64_t files, net, scoped;
};

#define FILES_V1 ((1ULL << 13) - 1) /* execute, read, write, list, remove, make */
#define FILES_V2 (1ULL << 13)       /* refer: move between folders */
#define FILES_V3 (1ULL << 14)       /* truncate */
#define FILES_V5 (1ULL << 15)       /* ioctl on devices */
#define NET_V4 3ULL                 /* TCP bind and connect */
#define SCOPED_V6 3ULL              /* abstract sockets and signals of others */

#define FILES_ALLOWED                                                                             \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | \
     LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |                             \
     LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | FILES_V2 | FILES_V3)

static int landlock_version(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return version < 0 ? 0 : (int)version;
}

uint32_t sandbox_missing(void)
{
    uint32_t action = SECCOMP_RET_ERRNO;
    bool seccomp = syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
    return (landlock_version() == 0 ? MISSING_LANDLOCK : 0) | (seccomp ? 0 : MISSING_SECCOMP);
}

static bool landlock_enter(const char *team_dir)
{
    int version = landlock_version();
    if (version == 0)
        return true;
    struct ruleset_attr attr = {.files = FILES_V1};
    attr.files |= (version >= 2 ? FILES_V2 : 0) | (version >= 3 ? FILES_V3 : 0) |
                  (version >= 5 ? FILES_V5 : 0);
    attr.net = version >= 4 ? NET_V4 : 0;
    attr.scoped = version >= 6 ? SCOPED_V6 : 0;
    size_t size = version >= 6 ? 24 : version >= 4 ? 16 : 8;
    int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
    int folder = open(team_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct landlock_path_beneath_attr beneath = {.allowed_access = FILES_ALLOWED & attr.files,
                                                 .parent_fd = folder};
    bool ok = rules >= 0 && folder >= 0 &&
              syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) == 0 &&
              syscall(SYS_landlock_restrict_self, rules, 0) == 0;
    if (rules >= 0)
        close(rules);
    if (folder >= 0)
        close(folder);
    return ok;
}

/* What DuckDB, its threads and the C library need, and no more: no sockets, no programs, no other
 * processes. */
static const int allowed_calls[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),
    SCMP_SYS(preadv),
    SCMP_SYS(pwritev),
    SCMP_SYS(lseek),
    SCMP_SYS(fsync),
    SCMP_SYS(fdatasync),
    SCMP_SYS(sync_file_range),
    SCMP_SYS(ftruncate),
    SCMP_SYS(fallocate),
    SCMP_SYS(fadvise64),
    SCMP_SYS(readahead),
    SCMP_SYS(open),
    SCMP_SYS(openat),
    SCMP_SYS(close),
    SCMP_SYS(stat),
    SCMP_SYS(fstat),
    SCMP_SYS(lstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(statx),
    SCMP_SYS(statfs),
    SCMP_SYS(fstatfs),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),
    SCMP_SYS(rename),
    SCMP_SYS(renameat),
    SCMP_SYS(renameat2),
    SCMP_SYS(mkdir),
    SCMP_SYS(mkdirat),
    SCMP_SYS(rmdir),
    SCMP_SYS(getdents64),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(getcwd),
    SCMP_SYS(fcntl),
    SCMP_SYS(flock),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(futex),
    SCMP_SYS(membarrier),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(getcpu),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getppid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(times),
    SCMP_SYS(getrandom),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(getrusage),
    SCMP_SYS(sysinfo),
    SCMP_SYS(uname),
    SCMP_SYS(umask),
};

/* Calls that are right only with the right arguments. */
static int allow_with_arguments(scmp_filter_ctx filter)
{
    const uint32_t yes = SCMP_ACT_ALLOW;
    int failed = 0;
    /* A thread, never a process. */
    failed |= seccomp_rule_add(
        filter, yes, SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
    /* No memory that is run. */
    failed |=
        seccomp_rule_add(filter, yes, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    failed |= seccomp_rule_add(
        filter, yes, SCMP_SYS(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    /* Limits are read, not set. */
    failed |= seccomp_rule_add(
        filter, yes, SCMP_SYS(prlimit64), 2, SCMP_A0(SCMP_CMP_EQ, 0), SCMP_A2(SCMP_CMP_EQ, 0));
    failed |= seccomp_rule_add(filter, yes, SCMP_SYS(prctl), 1, SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME));
    /* What abort() sends. */
    failed |= seccomp_rule_add(
        filter, yes, SCMP_SYS(tgkill), 1, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
    return failed;
}

/* What is not allowed does not exist (ENOSYS), so that the C library takes the older way where it
 * has one. */
static bool seccomp_enter(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    if (!filter)
        return false;
    int failed = 0;
    for (size_t i = 0; i < LENGTH(allowed_calls); i++)
        failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed_calls[i], 0);
    failed |= allow_with_arguments(filter);
    failed |= seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    bool ok = !failed && seccomp_load(filter) == 0;
    seccomp_release(filter);
    return ok;
}

static bool limit_set(int resource, rlim_t most)
{
    struct rlimit limit;
    if (getrlimit(resource, &limit) != 0)
        return false;
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < most)
        most = limit.rlim_max;
    limit = (struct rlimit){most, most};
    return setrlimit(resource, &limit) == 0;
}

/* Sanitizers reserve terabytes of addresses, so the cap on them can't stand beside one. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static bool limit_memory(int64_t memory_max)
{
    return memory_max > 0;
}
#else
static bool limit_memory(int64_t memory_max)
{
    FILE *file = fopen("/proc/self/statm", "re");
    unsigned long addresses = 0, data = 0;
    bool known = file && fscanf(file, "%lu %*s %*s %*s %*s %lu", &addresses, &data) == 2;
    if (file)
        fclose(file);
    rlim_t page = (rlim_t)sysconf(_SC_PAGESIZE), most = (rlim_t)memory_max;
    return known && limit_set(RLIMIT_DATA, data * page + most + DATA_SLACK) &&
           limit_set(RLIMIT_AS, addresses * page + most + ADDRESS_SLACK);
}
#endif

static bool limits_enter(int64_t memory_max)
{
    return limit_memory(memory_max) && limit_set(RLIMIT_CORE, 0) &&
           limit_set(RLIMIT_NOFILE, FILES_MAX) && limit_set(RLIMIT_FSIZE, FILE_SIZE_MAX);
}

/* Root without capabilities is a user who owns root's files, and Landlock leaves it none of those.
 */
static bool capabilities_drop(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};
    return syscall(SYS_capset, &head, none) == 0;
}

const char *sandbox_enter(const char *team_dir, int64_t memory_max)
{
    uint32_t missing = sandbox_missing();
    if (!limits_enter(memory_max))
        return "setrlimit";
    if (prctl(PR_SET_DUMPABLE, 0) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return "prctl";
    if (!landlock_enter(team_dir))
        return "Landlock";
    if (!capabilities_drop())
        return "capset";
    if (!(missing & MISSING_SECCOMP) && !seccomp_enter())
        return "seccomp";
    return NULL;
}
