/*
 * What code that has taken over an engine process would try: each attempt with what came of it.
 *
 * An attempt is 0 when it went through, else the errno that it was refused with. For the sandbox's
 * unit test, and for the engine without its guard, where they are made in the midst of a real call.
 */
#ifndef TESTS_ATTACK_BREAKOUT_H
#define TESTS_ATTACK_BREAKOUT_H

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

struct breakout {
    const char *team_dir;  /* the folder that the process may use */
    const char *other_dir; /* another team's, beside it */
    const char *outside;   /* a file that can be read from outside of the sandbox */
};

struct attempt {
    const char *name;
    int (*try)(const struct breakout *b);
};

static int outcome_of(long result)
{
    return result < 0 ? errno : 0;
}

static int file_open(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    int outcome = outcome_of(fd);
    if (fd >= 0)
        close(fd);
    return outcome;
}

static int beside(const struct breakout *b, const char *name, int flags)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", b->other_dir, name);
    return file_open(path, flags);
}

/* ---- files ---- */

static int read_outside(const struct breakout *b)
{
    return file_open(b->outside, O_RDONLY);
}

static int write_outside(const struct breakout *b)
{
    return file_open(b->outside, O_WRONLY);
}

static int cut_outside(const struct breakout *b)
{
    return outcome_of(truncate(b->outside, 0));
}

static int path_outside(const struct breakout *b)
{
    int fd = open(b->outside, O_PATH | O_CLOEXEC);
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int outcome = fd < 0 ? errno : file_open(path, O_RDONLY);
    if (fd >= 0)
        close(fd);
    return outcome;
}

static int read_passwords(const struct breakout *b)
{
    (void)b;
    return file_open("/etc/passwd", O_RDONLY);
}

static int list_root(const struct breakout *b)
{
    (void)b;
    return file_open("/", O_RDONLY | O_DIRECTORY);
}

static int list_teams(const struct breakout *b)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/..", b->team_dir);
    return file_open(path, O_RDONLY | O_DIRECTORY);
}

static int list_other(const struct breakout *b)
{
    return file_open(b->other_dir, O_RDONLY | O_DIRECTORY);
}

static int read_other(const struct breakout *b)
{
    return beside(b, "engine.duckdb", O_RDONLY);
}

static int write_other(const struct breakout *b)
{
    return beside(b, "engine.duckdb", O_RDWR);
}

static int make_in_other(const struct breakout *b)
{
    return beside(b, "made", O_WRONLY | O_CREAT);
}

static int read_environment(const struct breakout *b)
{
    (void)b;
    return file_open("/proc/self/environ", O_RDONLY);
}

static int read_parent_environment(const struct breakout *b)
{
    (void)b;
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/environ", getppid());
    return file_open(path, O_RDONLY);
}

static int write_own_memory(const struct breakout *b)
{
    (void)b;
    return file_open("/proc/self/mem", O_RDWR);
}

static int make_in_tmp(const struct breakout *b)
{
    (void)b;
    return file_open("/tmp/tinydevcrm-broken-out", O_WRONLY | O_CREAT);
}

static int move_out(const struct breakout *b)
{
    char from[4096], to[4096];
    snprintf(from, sizeof(from), "%s/tmp/moved", b->team_dir);
    snprintf(to, sizeof(to), "%s/moved", b->other_dir);
    int made = file_open(from, O_WRONLY | O_CREAT);
    int outcome = made ? made : outcome_of(rename(from, to));
    unlink(from);
    return outcome;
}

static int move_in(const struct breakout *b)
{
    char from[4096], to[4096];
    snprintf(from, sizeof(from), "%s/engine.duckdb", b->other_dir);
    snprintf(to, sizeof(to), "%s/tmp/stolen", b->team_dir);
    return outcome_of(rename(from, to));
}

static int link_in(const struct breakout *b)
{
    char to[4096];
    snprintf(to, sizeof(to), "%s/tmp/linked", b->team_dir);
    return outcome_of(link(b->outside, to));
}

static int symlink_out(const struct breakout *b)
{
    char from[4096];
    snprintf(from, sizeof(from), "%s/tmp/symlinked", b->team_dir);
    return outcome_of(symlink(b->outside, from));
}

/* One that somebody has laid there before. */
static int symlink_follow(const struct breakout *b)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/tmp/planted", b->team_dir);
    return file_open(path, O_RDONLY);
}

static int remove_outside(const struct breakout *b)
{
    return outcome_of(unlink(b->outside));
}

static int remove_other(const struct breakout *b)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/engine.duckdb", b->other_dir);
    return outcome_of(unlink(path));
}

static int folder_outside(const struct breakout *b)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/../made", b->team_dir);
    return outcome_of(mkdir(path, 0700));
}

static int chmod_outside(const struct breakout *b)
{
    return outcome_of(chmod(b->outside, 0777));
}

static int chown_outside(const struct breakout *b)
{
    return outcome_of(chown(b->outside, 1, 1));
}

static int touch_outside(const struct breakout *b)
{
    return outcome_of(utimensat(AT_FDCWD, b->outside, NULL, 0));
}

static int folder_change(const struct breakout *b)
{
    (void)b;
    return outcome_of(chdir("/"));
}

static int root_change(const struct breakout *b)
{
    return outcome_of(chroot(b->team_dir));
}

static int mount_new(const struct breakout *b)
{
    return outcome_of(mount("none", b->team_dir, "tmpfs", 0, NULL));
}

static int unmount(const struct breakout *b)
{
    (void)b;
    return outcome_of(umount2("/proc", MNT_DETACH));
}

static int device_make(const struct breakout *b)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/tmp/disk", b->team_dir);
    return outcome_of(mknod(path, S_IFBLK | 0600, 0x800));
}

static int pipe_make(const struct breakout *b)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/tmp/pipe", b->team_dir);
    return outcome_of(mkfifo(path, 0600));
}

static int handle_take(const struct breakout *b)
{
    union {
        struct file_handle handle;
        char room[sizeof(struct file_handle) + 128];
    } at = {.handle.handle_bytes = 128};
    int mount_id;
    return outcome_of(name_to_handle_at(AT_FDCWD, b->outside, &at.handle, &mount_id, 0));
}

static int handle_open(const struct breakout *b)
{
    (void)b;
    struct file_handle handle = {0};
    return outcome_of(open_by_handle_at(AT_FDCWD, &handle, O_RDONLY));
}

static int memory_file(const struct breakout *b)
{
    (void)b;
    return outcome_of(syscall(SYS_memfd_create, "x", 0));
}

static int files_watch(const struct breakout *b)
{
    (void)b;
    return outcome_of(syscall(SYS_inotify_init1, 0));
}

static int ring_make(const struct breakout *b)
{
    (void)b;
    char room[256] = {0};
    return outcome_of(syscall(SYS_io_uring_setup, 4, room));
}

/* ---- processes ---- */

static int process_fork(const struct breakout *b)
{
    (void)b;
    long pid = syscall(SYS_fork);
    if (pid == 0)
        _exit(0);
    return outcome_of(pid);
}

static int process_clone(const struct breakout *b)
{
    (void)b;
    long pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    if (pid == 0)
        _exit(0);
    return outcome_of(pid);
}

static int process_clone3(const struct breakout *b)
{
    (void)b;
    uint64_t args[8] = {[4] = SIGCHLD};
    long pid = syscall(SYS_clone3, args, sizeof(args));
    if (pid == 0)
        _exit(0);
    return outcome_of(pid);
}

static int namespace_new(const struct breakout *b)
{
    (void)b;
    return outcome_of(unshare(CLONE_NEWUSER));
}

static int program_run(const struct breakout *b)
{
    (void)b;
    char *const argv[] = {"sh", "-c", "true", NULL};
    return outcome_of(execve("/bin/sh", argv, argv + 3));
}

static int program_run_at(const struct breakout *b)
{
    (void)b;
    char *const argv[] = {"sh", NULL};
    return outcome_of(syscall(SYS_execveat, AT_FDCWD, "/bin/sh", argv, argv + 1, 0));
}

static int parent_trace(const struct breakout *b)
{
    (void)b;
    return outcome_of(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
}

static int self_trace(const struct breakout *b)
{
    (void)b;
    return outcome_of(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int parent_read(const struct breakout *b)
{
    char room[16];
    struct iovec here = {room, sizeof(room)}, there = {(void *)(uintptr_t)b, sizeof(room)};
    return outcome_of(process_vm_readv(getppid(), &here, 1, &there, 1, 0));
}

static int parent_write(const struct breakout *b)
{
    char room[16] = {0};
    struct iovec here = {room, sizeof(room)}, there = {(void *)(uintptr_t)b, sizeof(room)};
    return outcome_of(process_vm_writev(getppid(), &here, 1, &there, 1, 0));
}

/* Signal 0 does nothing, but is refused like any. */
static int parent_signal(const struct breakout *b)
{
    (void)b;
    return outcome_of(kill(getppid(), 0));
}

static int parent_thread_signal(const struct breakout *b)
{
    (void)b;
    return outcome_of(syscall(SYS_tgkill, getppid(), getppid(), 0));
}

static int all_signal(const struct breakout *b)
{
    (void)b;
    return outcome_of(kill(-1, 0));
}

static int parent_descriptor(const struct breakout *b)
{
    (void)b;
    return outcome_of(syscall(SYS_pidfd_open, getppid(), 0));
}

static int parent_limits(const struct breakout *b)
{
    (void)b;
    struct rlimit none = {0, 0};
    return outcome_of(prlimit(getppid(), RLIMIT_NOFILE, &none, NULL));
}

static int priority_raise(const struct breakout *b)
{
    (void)b;
    return outcome_of(setpriority(PRIO_PROCESS, 0, -20));
}

static int scheduler_change(const struct breakout *b)
{
    (void)b;
    struct sched_param most = {.sched_priority = 99};
    return outcome_of(sched_setscheduler(0, SCHED_FIFO, &most));
}

static int session_new(const struct breakout *b)
{
    (void)b;
    return outcome_of(setsid());
}

/* ---- what the sandbox is made of ---- */

static int memory_limit_raise(const struct breakout *b)
{
    (void)b;
    struct rlimit more = {RLIM_INFINITY, RLIM_INFINITY};
    return outcome_of(setrlimit(RLIMIT_AS, &more));
}

static int descriptors_raise(const struct breakout *b)
{
    (void)b;
    struct rlimit more = {100000, 100000};
    return outcome_of(prlimit(0, RLIMIT_NOFILE, &more, NULL));
}

static int outlive_parent(const struct breakout *b)
{
    (void)b;
    return outcome_of(prctl(PR_SET_PDEATHSIG, 0));
}

static int dump_allow(const struct breakout *b)
{
    (void)b;
    return outcome_of(prctl(PR_SET_DUMPABLE, 1));
}

static int capabilities_take(const struct breakout *b)
{
    (void)b;
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct all[2] = {{~0U, ~0U, ~0U}, {~0U, ~0U, ~0U}};
    return outcome_of(syscall(SYS_capset, &head, all));
}

static int user_change(const struct breakout *b)
{
    (void)b;
    return outcome_of(syscall(SYS_setuid, 0));
}

static int filter_add(const struct breakout *b)
{
    (void)b;
    return outcome_of(syscall(SYS_seccomp, 1, 0, NULL));
}

static int kernel_program(const struct breakout *b)
{
    (void)b;
    char room[128] = {0};
    return outcome_of(syscall(SYS_bpf, 0, room, sizeof(room)));
}

static int kernel_module(const struct breakout *b)
{
    (void)b;
    return outcome_of(syscall(SYS_init_module, "", 0, ""));
}

static int kernel_watch(const struct breakout *b)
{
    (void)b;
    char room[128] = {0};
    return outcome_of(syscall(SYS_perf_event_open, room, 0, -1, -1, 0));
}

static int faults_take(const struct breakout *b)
{
    (void)b;
    return outcome_of(syscall(SYS_userfaultfd, 0));
}

static int keys_take(const struct breakout *b)
{
    (void)b;
    return outcome_of(syscall(SYS_keyctl, 0, -3, 0));
}

/* With a wrong password, lest it work. */
static int machine_stop(const struct breakout *b)
{
    (void)b;
    return outcome_of(syscall(SYS_reboot, 0, 0, 0, NULL));
}

static int code_map(const struct breakout *b)
{
    (void)b;
    void *at =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? errno : 0;
}

static int code_make(const struct breakout *b)
{
    (void)b;
    void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? errno : outcome_of(mprotect(at, 4096, PROT_READ | PROT_EXEC));
}

static int memory_share(const struct breakout *b)
{
    (void)b;
    return outcome_of(syscall(SYS_shmget, 7, 4096, 01600));
}

static int messages_share(const struct breakout *b)
{
    (void)b;
    return outcome_of(syscall(SYS_msgget, 7, 01600));
}

static int memory_lock(const struct breakout *b)
{
    (void)b;
    return outcome_of(syscall(SYS_mlockall, 3));
}

/* Far more than any engine process may have. */
static int memory_vast(const struct breakout *b)
{
    (void)b;
    void *at =
        mmap(NULL, (size_t)64 << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? errno : 0;
}

/* ---- the network ---- */

static int socket_make(int family, int type)
{
    int fd = socket(family, type, 0);
    int outcome = outcome_of(fd);
    if (fd >= 0)
        close(fd);
    return outcome;
}

static int socket_tcp(const struct breakout *b)
{
    (void)b;
    return socket_make(AF_INET, SOCK_STREAM);
}

static int socket_udp(const struct breakout *b)
{
    (void)b;
    return socket_make(AF_INET6, SOCK_DGRAM);
}

static int socket_local(const struct breakout *b)
{
    (void)b;
    return socket_make(AF_UNIX, SOCK_STREAM);
}

static int socket_raw(const struct breakout *b)
{
    (void)b;
    return socket_make(AF_INET, SOCK_RAW);
}

static int socket_kernel(const struct breakout *b)
{
    (void)b;
    return socket_make(AF_NETLINK, SOCK_RAW);
}

static int sockets_paired(const struct breakout *b)
{
    (void)b;
    int ends[2];
    return outcome_of(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
}

/* With a descriptor that is a socket already, the call itself must be refused. */
static int socket_connect(const struct breakout *b)
{
    (void)b;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(1)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return outcome_of(connect(3, (struct sockaddr *)&at, sizeof(at)));
}

static int socket_bind(const struct breakout *b)
{
    (void)b;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    return outcome_of(bind(3, (struct sockaddr *)&at, sizeof(at.sun_family)));
}

static int socket_listen(const struct breakout *b)
{
    (void)b;
    return outcome_of(listen(3, 1));
}

static const struct attempt breakout_attempts[] = {
    {"read_outside", read_outside},
    {"write_outside", write_outside},
    {"cut_outside", cut_outside},
    {"path_outside", path_outside},
    {"read_passwords", read_passwords},
    {"list_root", list_root},
    {"list_teams", list_teams},
    {"list_other", list_other},
    {"read_other", read_other},
    {"write_other", write_other},
    {"make_in_other", make_in_other},
    {"read_environment", read_environment},
    {"read_parent_environment", read_parent_environment},
    {"write_own_memory", write_own_memory},
    {"make_in_tmp", make_in_tmp},
    {"move_out", move_out},
    {"move_in", move_in},
    {"link_in", link_in},
    {"symlink_out", symlink_out},
    {"symlink_follow", symlink_follow},
    {"remove_outside", remove_outside},
    {"remove_other", remove_other},
    {"folder_outside", folder_outside},
    {"chmod_outside", chmod_outside},
    {"chown_outside", chown_outside},
    {"touch_outside", touch_outside},
    {"folder_change", folder_change},
    {"root_change", root_change},
    {"mount_new", mount_new},
    {"unmount", unmount},
    {"device_make", device_make},
    {"pipe_make", pipe_make},
    {"handle_take", handle_take},
    {"handle_open", handle_open},
    {"memory_file", memory_file},
    {"files_watch", files_watch},
    {"ring_make", ring_make},
    {"process_fork", process_fork},
    {"process_clone", process_clone},
    {"process_clone3", process_clone3},
    {"namespace_new", namespace_new},
    {"program_run", program_run},
    {"program_run_at", program_run_at},
    {"parent_trace", parent_trace},
    {"self_trace", self_trace},
    {"parent_read", parent_read},
    {"parent_write", parent_write},
    {"parent_signal", parent_signal},
    {"parent_thread_signal", parent_thread_signal},
    {"all_signal", all_signal},
    {"parent_descriptor", parent_descriptor},
    {"parent_limits", parent_limits},
    {"priority_raise", priority_raise},
    {"scheduler_change", scheduler_change},
    {"session_new", session_new},
    {"memory_limit_raise", memory_limit_raise},
    {"descriptors_raise", descriptors_raise},
    {"outlive_parent", outlive_parent},
    {"dump_allow", dump_allow},
    {"capabilities_take", capabilities_take},
    {"user_change", user_change},
    {"filter_add", filter_add},
    {"kernel_program", kernel_program},
    {"kernel_module", kernel_module},
    {"kernel_watch", kernel_watch},
    {"faults_take", faults_take},
    {"keys_take", keys_take},
    {"machine_stop", machine_stop},
    {"code_map", code_map},
    {"code_make", code_make},
    {"memory_share", memory_share},
    {"messages_share", messages_share},
    {"memory_lock", memory_lock},
    {"memory_vast", memory_vast},
    {"socket_tcp", socket_tcp},
    {"socket_udp", socket_udp},
    {"socket_local", socket_local},
    {"socket_raw", socket_raw},
    {"socket_kernel", socket_kernel},
    {"sockets_paired", sockets_paired},
    {"socket_connect", socket_connect},
    {"socket_bind", socket_bind},
    {"socket_listen", socket_listen},
};

/* Refused as a wall does it; EBADF, ENOENT and the like would mean that the call got through. */
static inline bool breakout_refused(int outcome)
{
    return outcome == EACCES || outcome == EPERM || outcome == ENOSYS || outcome == EXDEV ||
           outcome == ENOMEM;
}

#endif
