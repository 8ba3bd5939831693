/* The walls around an engine process: limits (setrlimit), files (Landlock), system calls (seccomp),
 * privileges. */
#ifndef ENGINE_WORKER_SANDBOX_H
#define ENGINE_WORKER_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

/* MISSING_LANDLOCK, MISSING_SECCOMP: what this kernel does not have. */
uint32_t sandbox_missing(void);
/*
 * Shuts the calling process in, and the threads it starts later; there is no way back. Of the file
 * system it keeps `team_dir` and nothing else. What the kernel lacks is left out. NULL, or the name
 * of what failed.
 */
const char *sandbox_enter(const char *team_dir, int64_t memory_max);

#endif
