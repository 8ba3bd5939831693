/* The files of /proc that tell of memory and descriptors. */
#include "base/proc.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

struct pages {
    long long resident, data;
};

static FILE *proc_open(int64_t pid, const char *name)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%lld/%s", (long long)pid, name);
    return pid > 0 ? fopen(path, "re") : NULL;
}

static struct pages pages_of(int64_t pid)
{
    struct pages pages = {0};
    FILE *file = proc_open(pid, "statm");
    if (file && fscanf(file, "%*s %lld %*s %*s %*s %lld", &pages.resident, &pages.data) != 2)
        pages = (struct pages){0};
    if (file)
        fclose(file);
    return pages;
}

/* 0: the kernel does not say, as of a process that guards itself against being looked at. */
static int64_t proportional(int64_t pid)
{
    char line[128];
    long long kb = 0;
    FILE *file = proc_open(pid, "smaps_rollup");
    while (file && kb == 0 && fgets(line, sizeof(line), file)) {
        if (sscanf(line, "Pss: %lld kB", &kb) != 1)
            kb = 0;
    }
    if (file)
        fclose(file);
    return (int64_t)kb * 1024;
}

int64_t proc_memory(int64_t pid)
{
    int64_t bytes = proportional(pid);
    return bytes ? bytes : (int64_t)pages_of(pid).resident * sysconf(_SC_PAGESIZE);
}

int64_t proc_data(int64_t pid)
{
    return (int64_t)pages_of(pid).data * sysconf(_SC_PAGESIZE);
}

int64_t proc_descriptors(void)
{
    int64_t n = 0;
    DIR *entries = opendir("/proc/self/fd");
    const struct dirent *entry;
    while (entries && (entry = readdir(entries)))
        n += entry->d_name[0] != '.';
    if (entries)
        closedir(entries);
    return n > 0 ? n - 1 : 0; /* without the one that reads them */
}
