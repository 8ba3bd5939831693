/* Feeds a target the files that are named, or that lie in the folders that are named: for builds
 * without libFuzzer. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz/fuzz.h"

#define INPUT_MAX ((size_t)4 << 20)

static size_t replayed;

static void file_replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(INPUT_MAX);
    if (!file || !bytes) {
        perror(path);
        exit(1);
    }
    size_t n = fread(bytes, 1, INPUT_MAX, file);
    fclose(file);
    uint8_t *data = (uint8_t *)exact_copy((str){(char *)bytes, n});
    free(bytes);
    /* What is said when it fails must name the input. */
    if (getenv("REPLAY_NAMES"))
        fprintf(stderr, "%s\n", path);
    LLVMFuzzerTestOneInput(data, n);
    free(data);
    replayed++;
}

static void path_replay(const char *path)
{
    struct stat is;
    if (stat(path, &is) != 0) {
        perror(path);
        exit(1);
    }
    DIR *dir = S_ISDIR(is.st_mode) ? opendir(path) : NULL;
    if (!dir) {
        file_replay(path);
        return;
    }
    for (struct dirent *entry; (entry = readdir(dir));) {
        char inside[4096];
        snprintf(inside, sizeof(inside), "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.')
            path_replay(inside);
    }
    closedir(dir);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        path_replay(argv[i]);
    printf("%zu\n", replayed);
    return replayed ? 0 : 1;
}
