/* The folders of the teams. */
#include "engine/folders.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/id.h"

#define MODE_PRIVATE 0700

static err dir_make(struct arena *mem, const char *path)
{
    if (mkdir(path, MODE_PRIVATE) == 0 || errno == EEXIST)
        return NULL;
    return err_internal(mem, "can't make the folder %s: %s", path, strerror(errno));
}

static void file_remove(int dir, const char *name)
{
    unlinkat(dir, name, 0);
}

/* Calls `run` for each entry of the folder `name` in `dir`, with the folder open; a folder that is
 * not there has none. */
static void dir_each(int dir, const char *name, void (*run)(int dir, const char *name))
{
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
    if (!entries && fd >= 0)
        close(fd);
    if (!entries)
        return;
    struct dirent *entry;
    while ((entry = readdir(entries)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            run(fd, entry->d_name);
    }
    closedir(entries);
}

static void team_sweep(int teams, const char *team)
{
    int fd = openat(teams, team, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    dir_each(fd, "tmp", file_remove);
    dir_each(fd, "spill", file_remove);
    close(fd);
}

err folders_open(struct arena *mem, const char *data_dir, char **teams_dir)
{
    char *real = realpath(data_dir, NULL);
    if (!real)
        return err_internal(mem, "the data folder %s: %s", data_dir, strerror(errno));
    *teams_dir = str_c(mem, str_fmt(mem, "%s/teams", real));
    free(real);
    if (arena_failed(mem))
        return &err_no_memory;
    TRY(dir_make(mem, *teams_dir));
    dir_each(AT_FDCWD, *teams_dir, team_sweep);
    return NULL;
}

err folder_make(struct arena *mem, const char *teams_dir, str team)
{
    if (!id_ok(team))
        return err_internal(
            mem, "\"%.*s\" is not the id of a team", STR_ARGS(str_sub(team, 0, 64)));
    static const char *const inside[] = {"", "/tmp", "/spill"};
    for (size_t i = 0; i < LENGTH(inside); i++) {
        str path = str_fmt(mem, "%s/%.*s%s", teams_dir, STR_ARGS(team), inside[i]);
        if (arena_failed(mem))
            return &err_no_memory;
        TRY(dir_make(mem, path.at));
    }
    return NULL;
}

err folder_tmp_path(struct arena *mem, const char *teams_dir, str team, char **path)
{
    TRY(folder_make(mem, teams_dir, team));
    str id = id_random(mem);
    *path = str_c(mem, str_fmt(mem, "%s/%.*s/tmp/%.*s", teams_dir, STR_ARGS(team), STR_ARGS(id)));
    return arena_failed(mem) ? &err_no_memory : NULL;
}

bool folder_owns(struct arena *mem, const char *teams_dir, str team, const char *path)
{
    str tmp = str_fmt(mem, "%s/%.*s/tmp/", teams_dir, STR_ARGS(team));
    str rest = str_of(path);
    if (arena_failed(mem) || !str_starts(rest, tmp))
        return false;
    rest = str_sub(rest, tmp.len, rest.len);
    struct stat file;
    return rest.len && str_find(rest, '/') < 0 && lstat(path, &file) == 0 && S_ISREG(file.st_mode);
}
