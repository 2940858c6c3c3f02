/* An open image in this process: what its descriptors share here, beside the state that they share
 * with other processes (placeholder.h).
 *
 * Any thread, no lock, and signal handlers: the position is reserved by one compare-and-swap before
 * a transfer, and given back where that came short. So nobody holds anything that another, or a
 * handler on top, would have to wait for. What differs from the kernel, which locks the position: it
 * has moved while the transfer is still under way. Results are counts or negative errnos. */

#ifndef RBDW_OPEN_FILE_H
#define RBDW_OPEN_FILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "placeholder.h"
#include "rbdw.h"
#include "read_ahead.h"
#include "taken.h"

/* As the kernel: no call moves more. */
#define OPEN_FILE_MAX_TRANSFER 0x7ffff000

struct open_file {
    _Alignas(64) _Atomic uint32_t references; /* descriptors, and calls under way */
    _Atomic uint32_t used;
    struct open_state *state; /* NULL until it is needed, where the descriptor was inherited or received */
    int failure;              /* why it could not be had: an error; then state is a stand-in */
    _Atomic(rbdw_file *) image; /* NULL until it is needed, where the open was inherited */
    _Atomic int64_t size;       /* bytes, as last seen */
    _Atomic int lock;           /* the descriptor that the kernel locks for us, or -1 */
    struct read_ahead read_ahead;
};

/* With one reference. state and image are both NULL where the descriptor came from elsewhere: then
 * open_file_attach has to follow. NULL where there are too many. */
struct open_file *open_file_new(struct open_state *state, rbdw_file *image);

/* Has the broker say what fd stands for, which this process does not know yet. 0, and calls on the file
 * give the error where it cannot be had; -EBADF where it is no image's. */
int open_file_attach(struct open_file *file, int fd);

static inline bool open_file_is_attached(const struct open_file *file)
{
    return __atomic_load_n(&file->state, __ATOMIC_ACQUIRE) != NULL;
}
/* A note of the thread that it takes a reference, to be entered there; it goes with open_file_release, or
 * with open_file_disown, where the reference becomes somebody else's. */
struct taken *open_file_note(struct taken_mark *mark, enum taken_kind kind);
void open_file_disown(struct open_file *file);

void open_file_release(struct open_file *file);
void open_file_add_reference(struct open_file *file);

/* False where it has ended. */
bool open_file_try_acquire(struct open_file *file);
void open_file_set_references(struct open_file *file, uint32_t references);

/* The image, opened if this process has not done so yet. */
int open_file_image(struct open_file *file, rbdw_file **image);

bool open_file_is_readable(const struct open_file *file);
bool open_file_is_writable(const struct open_file *file);

/* At the shared position. */
ssize_t open_file_read(struct open_file *file, void *buffer, size_t count);
ssize_t open_file_write(struct open_file *file, const void *buffer, size_t count);
ssize_t open_file_readv(struct open_file *file, const struct iovec *vector, int count);
ssize_t open_file_writev(struct open_file *file, const struct iovec *vector, int count);

/* At offset (bytes). */
ssize_t open_file_pread(struct open_file *file, void *buffer, size_t count, off_t offset);
ssize_t open_file_pwrite(struct open_file *file, const void *buffer, size_t count, off_t offset);
ssize_t open_file_preadv(struct open_file *file, const struct iovec *vector, int count,
                         off_t offset);
ssize_t open_file_pwritev(struct open_file *file, const struct iovec *vector, int count,
                          off_t offset);

/* For those who transfer by themselves: what a pread or pwrite of that would ask the image for.
 * Returns how many bytes, and makes *offset the image's; 0: nothing, or an error. */
ssize_t open_file_locate(struct open_file *file, bool is_write, size_t count, off_t *offset);

/* Whether each write is to be durable (O_SYNC, O_DSYNC). */
bool open_file_writes_through(const struct open_file *file);

/* Asks the broker. Bytes. */
int64_t open_file_size(struct open_file *file);

int64_t open_file_seek(struct open_file *file, off_t offset, int whence);

/* Before a write that ends there (bytes, in the file). 0 or an error. */
int open_file_begin_write(struct open_file *file, rbdw_file *image, int64_t to);

/* As ftruncate(2), but that the size stays: see rbdw_truncate. length: up to the size. */
int open_file_truncate(struct open_file *file, off_t length);

/* As fallocate(2) does it, to this length or more. */
int open_file_extend(struct open_file *file, off_t length);

/* Before a program hears that the file is size bytes long: one that has skipped bytes behind the logical
 * end, and then asks, truncates the file to where it is only if the file is shorter. As it is not, what
 * was skipped reads as zeroes from now on. 0 or an error. */
int open_file_before_size(struct open_file *file, int64_t size);

int open_file_flush(struct open_file *file);

/* What lies beyond the end is left out. */
int open_file_discard(struct open_file *file, off_t offset, off_t length);
int open_file_write_zeroes(struct open_file *file, off_t offset, off_t length);

#endif
