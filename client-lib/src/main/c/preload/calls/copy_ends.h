/* Copies between two descriptors of which at least one is an image's. Results are counts or negative
 * errnos. Any thread, and signal handlers; no allocation. */

#ifndef RBDW_COPY_ENDS_H
#define RBDW_COPY_ENDS_H

#include "hook.h"

/* One end, at its position or at offset. */
struct copy_end {
    int fd;
    struct open_file *file; /* NULL: what the kernel has */
    off_t *given;           /* the caller's; NULL: the position */
    off_t offset;
    int error; /* -EFAULT where the caller's cannot be read */
};

/* With a reference to the image, if it is one: copy_finish gives it back. */
struct copy_end copy_end_of(int fd, off_t *given);

ssize_t copy_take(struct copy_end *from, void *buffer, size_t count);
ssize_t copy_give(struct copy_end *to, const void *buffer, size_t count);

/* After given of the taken bytes were given: what found no room goes back. */
void copy_advance(struct copy_end *from, ssize_t taken, ssize_t given);

/* One buffer's worth: bytes moved, fewer where the other end had no room for more; 0 at the end of
 * from; an error where nothing was moved. */
typedef ssize_t (*copy_step)(struct copy_end *from, struct copy_end *to, char *buffer,
                             size_t count);

ssize_t copy_through(struct copy_end *from, struct copy_end *to, char *buffer, size_t count);

/* Steps until count bytes are moved, or one moves less than it was asked for. */
ssize_t copy_all(copy_step step, struct copy_end *from, struct copy_end *to, size_t count);

/* 0, or an error: -EBADF where it is not open for this. *flags: of F_GETFL. */
int copy_check_end(const struct copy_end *end, bool is_out, int *flags);

/* What kind of file it is; an image is a regular one. */
int copy_mode_of(const struct copy_end *end, mode_t *mode);

/* No call of the kernel moves more. */
size_t copy_limit(size_t count);

/* Ends a call: the caller's offsets follow, and both ends are given back. */
ssize_t copy_finish(enum call call, struct taken *entered, const struct copy_end *from,
                    const struct copy_end *to, ssize_t result);

/* True where a call that was passed on has failed because one of the two is an image after all. */
bool copy_is_image_after_all(long result, int in, int out);

#endif
