/* What librbdw knows of images beyond rbdw.h: for the preload library. Thread rules and errors as
 * there, with rbdw_error_text; not for signal handlers. */

#ifndef RBDW_IMAGE_H
#define RBDW_IMAGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "rbdw.h"

struct image_stat {
    uint32_t mapping_id;  /* small; used again after an unmap */
    uint32_t object_size; /* bytes that the store keeps together */
    int64_t size;         /* bytes */
    uint32_t owner_uid;
    uint32_t owner_gid;
    uint16_t mode; /* permission bits, 0 to 0777 */
    bool read_only;
    bool is_snapshot; /* nobody can change it */
    int64_t mapped_at_ns; /* since 1970, as those that follow */
    int64_t accessed_ns;
    int64_t modified_ns;
    int64_t changed_ns;
    int64_t created_ns;
};

/* As a time to be set, in nanoseconds since 1970: the broker's clock says it; it stays as it is. */
#define IMAGE_TIME_NOW (INT64_MIN + 1)
#define IMAGE_TIME_OMIT (INT64_MIN + 2)

/* Of a path, which is not opened: whoever may connect may ask. */
int image_stat_path(const char *path, struct image_stat *stat);

int image_stat_file(rbdw_file *file, struct image_stat *stat);

/* Bytes, as the broker said when the file was opened, or where it did not then, says now; for who has just opened it
 * and has not shown it to another thread. */
int64_t image_size_at_open(rbdw_file *file);

/* As utimensat(2), in nanoseconds since 1970 or one of the two values above. */
int image_set_times_path(const char *path, int64_t accessed, int64_t modified);
int image_set_times_file(rbdw_file *file, int64_t accessed, int64_t modified);

/* Calls on_mapping for each mapped image, with its path; known is without sizes and times (0). Stops where it
 * returns other than 0, and returns that. It may not call this library. */
int image_list(int (*on_mapping)(void *context, const char *path, const struct image_stat *known),
               void *context);

#define IMAGE_MAX_PATH 1024
#define IMAGE_IDENTITY_SIZE 64 /* bytes, with the zero at its end */

/* An open that programs have descriptors for. */
struct image_share {
    uint32_t partition; /* its number; 0: the whole image */
    int64_t base;       /* bytes: where in the image it begins */
    int64_t length;     /* bytes of the partition; -1: the whole image, whatever its size */
    char path[IMAGE_MAX_PATH];  /* as a program names it */
    char image[IMAGE_MAX_PATH]; /* /rbdw/NAME; only of image_open_shared */
    int access_mode;            /* likewise */
    int state; /* likewise: the descriptor of its shared page, the caller's to close; -1 where it was opened
                * by another user */
};

/* Has the broker make a descriptor that stands for an open file in whatever process it comes to: an O_PATH
 * descriptor, on which every call fails with EBADF, and which cannot be opened again. The image is in use
 * until the last one of them is closed. state: of one page, zeroes, that those share who have the
 * descriptor, as the broker gives it to them. Both are close-on-exec, and the caller's. Once for a file. */
int image_share(rbdw_file *file, const struct image_share *share, int *placeholder, int *state);

/* Opens what such a descriptor stands for. -EBADF: it is another one. -ESTALE: unmapped since. */
int image_open_shared(int placeholder, struct image_share *share, rbdw_file **file);

/* When the file is opened again (in a child, with the next broker), it is by a descriptor that stands for
 * it; descriptor gives one that is the caller's to close, or -1. It may be called under session_lock. */
void image_open_again_by(rbdw_file *file, int (*descriptor)(void *context), void *context);

/* The image's identity, which outlives its name: text, cut to IMAGE_IDENTITY_SIZE. */
const char *image_identity(const rbdw_file *file);

/* The memfd by which all clients of the host lock the image: the caller's to image_open_lock_file. */
int image_request_lock_file(rbdw_file *file, int *memory);

/* As rbdw_truncate, of a file that is a part of the image: length bytes at begin. end: of the file. */
int image_truncate(rbdw_file *file, int64_t begin, int64_t length, int64_t end);

/* Where it has a logical end, and that lies before this one, what is between them reads as zeroes, and this
 * is its end. */
int image_extend(rbdw_file *file, int64_t begin, int64_t length, int64_t end);

/* It was truncated before it was opened here, or by another process that shares it: the logical end stays
 * until this one closes it, too. -EIO: it is not known any more. */
int image_keep_end(rbdw_file *file, int64_t begin, int64_t length);
bool image_keeps_end(const rbdw_file *file);

/* Where processes that share the file keep how far they have written (bytes; -1: it was not truncated), for a
 * broker that does not know. Valid as long as the file. */
void image_share_end(rbdw_file *file, const _Atomic int64_t *known_end);

/* Makes of it a new open file description, the caller's to close: fcntl(2) and flock(2) on it. Drops the
 * record locks that the process has on it. Under session_lock. */
int image_open_lock_file(int memory, int *fd);

/* Has the broker count the changes of an open image, and maps the counter, which moves on before a change
 * is acknowledged to whoever made it. The caller's to image_end_watch. */
int image_watch(rbdw_file *file, const _Atomic uint64_t **changes);

/* Another one after each broker: what image_watch gave counts for the one that was then. */
const void *image_connection(const rbdw_file *file);

void image_end_watch(const _Atomic uint64_t *changes);

#endif
