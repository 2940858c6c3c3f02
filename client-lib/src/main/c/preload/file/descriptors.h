/* Which descriptors of this process are images': a table by number.
 *
 * Any thread, no lock: a slot is exchanged as a whole. Memory of open files is never given back, so
 * one may be looked at after it ended; its count of references says whether it did. */

#ifndef RBDW_DESCRIPTORS_H
#define RBDW_DESCRIPTORS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "open_file.h"
#include "taken.h"

/* Higher numbers exist where RLIMIT_NOFILE allows; none of them becomes an image's (EMFILE). */
#define DESCRIPTORS_MAX (1 << 20)

extern _Atomic(struct open_file *) descriptor_table[DESCRIPTORS_MAX];

static inline bool descriptor_is_image(int fd)
{
    return (unsigned) fd < DESCRIPTORS_MAX
           && atomic_load_explicit(&descriptor_table[fd], memory_order_relaxed) != NULL;
}

/* The open file behind a descriptor that descriptor_is_image, with a reference for the caller to open_file_release;
 * NULL where it is no image's any more. Once the thread has left the call (taken.h, also for the kind) the reference is
 * given back. mark: in the frame of the function that releases the file; NULL only in a call that has entered by a mark
 * already, or in a stretch that nothing leaves (held.h), for such a reference goes back with that call. */
struct open_file *descriptor_acquire_image(int fd, struct taken_mark *mark, enum taken_kind kind);

/* The same, but not to use the image: what the open file is may not be known yet. */
struct open_file *descriptor_acquire_number(int fd, struct taken_mark *mark);

/* Both for a function that also releases what it gets: its frame has the mark, where one is needed. */
#define descriptor_enter(fd)                                                                       \
    (__builtin_expect(descriptor_is_image(fd), false)                                              \
         ? descriptor_acquire_image(fd, &(struct taken_mark) {0}, TAKEN_OTHER)                     \
         : NULL)
#define descriptor_enter_number(fd) descriptor_acquire_number(fd, &(struct taken_mark) {0})

/* descriptor_enter in a call that is a cancellation point, before anything is done, and has none in it. */
#define descriptor_enter_point(fd)                                                                 \
    (__builtin_expect(descriptor_is_image(fd), false)                                              \
         ? (pthread_testcancel(),                                                                  \
            descriptor_acquire_image(fd, &(struct taken_mark) {0}, TAKEN_TRANSFER))                \
         : NULL)

/* Whether it is known what fd is, so that to acquire it waits for no store. */
static inline bool descriptor_is_known(int fd)
{
    const struct open_file *file =
        (unsigned) fd < DESCRIPTORS_MAX ? atomic_load(&descriptor_table[fd]) : NULL;
    return file == NULL || open_file_is_attached(file);
}

/* Notes that fd refers to file, whose reference becomes the table's; NULL: to no image any more.
 * What stood there before loses its reference. For 0, 1 and 2 the standard streams follow. Nothing
 * is noted in a child that runs in its parent's memory, and the reference is given back. */
void descriptor_set(int fd, struct open_file *file);

/* Looks at a descriptor that no hook has seen come: true if it may be an image's, and in the table from
 * now on. What it stands for is asked when it is used. */
bool descriptor_adopt(int fd);

/* The same, and asks: true if it is an image's. */
bool descriptor_find(int fd);

/* A new descriptor of the same open file description as the open file, close-on-exec and out of the way;
 * -1 where none is open any more. For image_open_again_by. */
int open_file_descriptor(void *file);

/* What the table says of fd may be wrong after the C library has changed it by itself. */
void descriptor_check_again(int fd);

/* One above the highest number that was ever an image's. */
int descriptors_end(void);

#endif
