/* A file looked at through a window. */
#include "engine/worker/file_view.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

err view_open(struct arena *mem, const char *path, size_t window, struct file_view *out)
{
    struct stat stat;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &stat) != 0) {
        if (fd >= 0)
            close(fd);
        return err_internal(mem, "engine: the uploaded file can't be opened");
    }
    *out = (struct file_view){.fd = fd, .size = (size_t)stat.st_size, .window = window};
    return NULL;
}

static void view_unmap(struct file_view *view)
{
    if (view->map)
        munmap(view->map, view->len);
    view->map = NULL;
    view->len = 0;
}

void view_close(struct file_view *view)
{
    view_unmap(view);
    close(view->fd);
}

static bool view_move(struct file_view *view, size_t at)
{
    view_unmap(view);
    size_t from = at / view->window * view->window, left = view->size - from;
    size_t len = left < view->window ? left : view->window;
    void *map = mmap(NULL, len, PROT_READ, MAP_PRIVATE, view->fd, (off_t)from);
    if (map == MAP_FAILED) {
        view->failed = true;
        return false;
    }
    view->map = map;
    view->from = from;
    view->len = len;
    return true;
}

str view_at(struct file_view *view, size_t at)
{
    if (at >= view->size)
        return STR("");
    bool inside = view->map && at >= view->from && at - view->from < view->len;
    if (!inside && !view_move(view, at))
        return STR("");
    size_t skip = at - view->from;
    return (str){(const char *)view->map + skip, view->len - skip};
}
