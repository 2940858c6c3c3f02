/* Which paths are images': /rbdw/NAME in any spelling, and links that lead there.
 *
 * A path that is written /rbdw... is known before the kernel is asked; one of the other ways (a
 * symbolic link, a working directory or a directory's descriptor that is /rbdw) only after the
 * kernel has said ENOENT, for it knows no /rbdw: so no open that succeeds pays for the search. */

#ifndef RBDW_IMAGE_PATH_H
#define RBDW_IMAGE_PATH_H

#include <limits.h>
#include <stdbool.h>

#include "image.h"

#define IMAGE_ROOT "/rbdw"

struct image_path {
    enum {
        PATH_ROOT,  /* /rbdw itself */
        PATH_IMAGE, /* what follows it, whether it is mapped or not */
        PATH_HOST,  /* a file of the host, reached through /rbdw/.. */
    } kind;
    bool ends_with_slash; /* of PATH_IMAGE: only a directory may */
    char identity[IMAGE_IDENTITY_SIZE]; /* likewise: which image it is, whatever has its name; "": any */
    char path[PATH_MAX];  /* /rbdw, /rbdw/NAME, or the host's, absolute */
};

enum path_follow { PATH_NOFOLLOW, PATH_FOLLOW };

/* False too for what cannot be read, of which the kernel says EFAULT. */
bool path_is_absolute(const char *path);

/* Before the kernel: from its spelling alone, and /dev/fd/N, /dev/stdin, /proc/self/fd/N and
 * /proc/PID/fd/N where the descriptor is an image's (those only where links are followed). */
bool path_is_image(const char *path, enum path_follow follow, struct image_path *target);

/* After the kernel has found a socket there, or has refused to open one (ENXIO): whether it is a descriptor, of whatever
 * process, that stands for an image, though the path is not spelled so: it is relative to a folder of /proc, or a
 * symbolic link. */
bool path_is_placeholder(int directory, const char *path, enum path_follow follow, struct image_path *target);

/* path_is_image, and before the kernel, too, where the path ends in a number: path_is_placeholder. For calls that would
 * change the placeholder instead of the image. */
bool path_is_image_at(int directory, const char *path, enum path_follow follow, struct image_path *target);

/* After the kernel has said ENOENT. directory: a descriptor or AT_FDCWD, as of openat. Where the
 * target is PATH_HOST, the call is for the kernel again, with that path. */
bool path_leads_to_image(int directory, const char *path, enum path_follow follow,
                         struct image_path *target);

/* The number in /proc/self/fd/N and its like, or -1. */
int path_descriptor(const char *path);

#endif
