/*
 * Starts a server and tells how long its first answer takes.
 *
 *   starter PORT PROGRAM [ARGUMENT ...]
 *
 * Prints "PID MICROSECONDS": from before the fork to the end of a complete 200 of /health, asked
 * for every 200 us until it comes. Keeps the server until standard input ends, stops it with
 * SIGTERM and waits for its end.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loopback.h"

#define PATIENCE_US 20000000
#define PAUSE_US 200

static const char request[] =
    "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

static pid_t server_start(char **argv)
{
    pid_t pid = fork();
    if (pid < 0)
        give_up("fork: %s", strerror(errno));
    if (pid > 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    dup2(2, 1);
    execv(argv[0], argv);
    give_up("%s: %s", argv[0], strerror(errno));
}

static bool answer_good(int fd)
{
    char answer[1024];
    if (!loopback_send(fd, request))
        return false;
    ssize_t got = recv(fd, answer, sizeof(answer) - 1, 0);
    return got > 12 && strncmp(answer, "HTTP/1.1 200", 12) == 0;
}

static bool server_answers(uint16_t port)
{
    int fd = loopback_connect(port, true);
    if (fd < 0)
        return false;
    bool good = answer_good(fd);
    close(fd);
    return good;
}

int main(int argc, char **argv)
{
    char line[16];
    int status;
    if (argc < 3)
        give_up("usage: starter PORT PROGRAM [ARGUMENT ...]");
    uint16_t port = (uint16_t)number_of(argv[1], 1, UINT16_MAX);
    int64_t began = steady_us();
    pid_t pid = server_start(argv + 2);
    while (!server_answers(port)) {
        if (waitpid(pid, &status, WNOHANG) != 0 || steady_us() - began > PATIENCE_US)
            give_up("%s gave no answer", argv[2]);
        usleep(PAUSE_US);
    }
    printf("%d %lld\n", (int)pid, (long long)(steady_us() - began));
    fflush(stdout);
    while (fgets(line, sizeof(line), stdin)) {
    }
    kill(pid, SIGTERM);
    return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : 1;
}
