/* glob(3) of what begins with /rbdw: it opens and reads directories inside the C library, unless it
 * is given other functions for that. */

#include <glob.h>
#include <string.h>

#include "hook.h"
#include "image_path.h"

static void *open_for_glob(const char *path)
{
    return opendir(path);
}

static struct dirent *read_for_glob(void *stream)
{
    return readdir(stream);
}

static void close_for_glob(void *stream)
{
    closedir(stream);
}

static bool is_in_root(const char *pattern)
{
    size_t length = strlen(IMAGE_ROOT);
    return pattern != NULL && strncmp(pattern, IMAGE_ROOT, length) == 0
           && (pattern[length] == '/' || pattern[length] == '\0');
}

HOOK int glob(const char *pattern, int flags, int (*on_error)(const char *path, int error),
              glob_t *result)
{
    if (!is_in_root(pattern) || (flags & GLOB_ALTDIRFUNC) != 0) {
        return REAL(glob)(pattern, flags, on_error, result);
    }
    report_count(CALL_glob);
    result->gl_opendir = open_for_glob;
    result->gl_readdir = read_for_glob;
    result->gl_closedir = close_for_glob;
    result->gl_stat = stat;
    result->gl_lstat = lstat;
    return REAL(glob)(pattern, flags | GLOB_ALTDIRFUNC, on_error, result);
}

ALIAS(glob64, glob);
