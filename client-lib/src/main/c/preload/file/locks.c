#include "locks.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "descriptor.h"
#include "descriptors.h"
#include "held.h"
#include "image.h"
#include "real.h"
#include "session.h"
#include "taken.h"
#include "user_copy.h"

/* The kernel drops a process's record locks on a file when the process closes any descriptor of it. So
 * once there may be some, no descriptor of a lock file is closed but with the program's own. */

/* Nobody who never locked pays for locks when closing. Set under session_lock. */
static _Atomic bool any_records;

/* An open file of the same image that has its lock descriptor, to be released; NULL. */
static struct open_file *find_locked(const struct open_file *file)
{
    int end = descriptors_end();
    for (int fd = 0; fd < end; fd++) {
        struct open_file *other = descriptor_acquire_number(fd, NULL);
        if (other == NULL) {
            continue;
        }
        if (atomic_load(&other->lock) >= 0 && open_file_is_attached(other)
            && strcmp(other->state->image, file->state->image) == 0) {
            return other;
        }
        open_file_release(other);
    }
    return NULL;
}

/* Of the same lock file, with locks of its own. */
static int open_another(int lock)
{
    char link[32];
    int low[DESCRIPTOR_KEPT_END];
    snprintf(link, sizeof link, "/proc/self/fd/%d", lock);
    int count = atomic_load(&any_records) ? descriptor_take_low(low) : 0;
    int fd = REAL(open)(link, O_RDWR | O_CLOEXEC);
    int error = -errno;
    descriptor_give_low_back(low, count);
    return fd < 0 ? error : fd;
}

/* Without session_lock, for the broker may take long to answer; only where no other open file of the image
 * has a lock descriptor. */
static int request_memory(struct open_file *file, int *memory)
{
    rbdw_file *image;
    int error = open_file_image(file, &image);
    return error < 0 ? error : image_request_lock_file(image, memory);
}

static int make_lock_descriptor(struct open_file *file, const struct open_file *locked)
{
    int made = -1;
    int memory = -1;
    int error = locked != NULL ? 0 : request_memory(file, &memory);
    if (error < 0) {
        return error;
    }
    session_lock();
    if (atomic_load(&file->lock) < 0) {
        if (locked != NULL) {
            made = open_another(atomic_load(&locked->lock));
            error = made < 0 ? made : 0;
        } else {
            error = image_open_lock_file(memory, &made);
            memory = -1;
        }
        if (error == 0) {
            atomic_store(&file->lock, descriptor_keep(made));
        }
    } else if (memory >= 0) {
        /* another thread was first; its record locks, where there are some, would go with this one */
        if (atomic_load(&any_records)) {
            descriptor_keep(memory);
        } else {
            close(memory);
        }
    }
    session_unlock();
    return error < 0 ? error : atomic_load(&file->lock);
}

/* The descriptor that carries the file's locks, made at the first. */
static int lock_descriptor(struct open_file *file)
{
    int lock = atomic_load(&file->lock);
    if (lock >= 0) {
        return lock;
    }
    struct open_file *locked = find_locked(file);
    lock = make_lock_descriptor(file, locked);
    if (locked != NULL) {
        open_file_release(locked);
    }
    return lock;
}

static void expect_records(void)
{
    if (!atomic_load(&any_records)) {
        session_lock();
        atomic_store(&any_records, true);
        session_unlock();
    }
}

/* To whence SEEK_SET, and from where the partition begins. */
static int to_image(struct open_file *file, const struct flock *lock, struct flock *in_image)
{
    int64_t base = 0;
    if (lock->l_whence == SEEK_CUR) {
        base = atomic_load(&file->state->position);
    } else if (lock->l_whence == SEEK_END) {
        base = open_file_size(file);
    } else if (lock->l_whence != SEEK_SET) {
        return -EINVAL;
    }
    if (base < 0) {
        return (int) base;
    }
    *in_image = *lock;
    in_image->l_whence = SEEK_SET;
    if (lock->l_start > 0 && base > INT64_MAX - lock->l_start) {
        return -EOVERFLOW;
    }
    in_image->l_start += base;
    if (in_image->l_start < 0 || (lock->l_len < 0 && in_image->l_start + lock->l_len < 0)) {
        return -EINVAL;
    }
    in_image->l_start += file->state->base;
    return 0;
}

static bool may_lock(const struct open_file *file, int command, int type)
{
    if (command == F_GETLK || command == F_OFD_GETLK) {
        return true;
    }
    return type == F_RDLCK   ? open_file_is_readable(file)
           : type == F_WRLCK ? open_file_is_writable(file)
                             : true;
}

/* Through whichever descriptor: record locks belong to the process. */
static int on_lock_file(struct open_file *file, int command, struct flock *lock)
{
    bool is_of_file = command == F_OFD_GETLK || command == F_OFD_SETLK || command == F_OFD_SETLKW;
    struct open_file *other =
        is_of_file || atomic_load(&file->lock) >= 0 ? NULL : find_locked(file);
    int fd = other != NULL ? atomic_load(&other->lock) : lock_descriptor(file);
    if (fd >= 0 && (command == F_SETLK || command == F_SETLKW)) {
        expect_records();
    }
    bool may_wait = command == F_SETLKW || command == F_OFD_SETLKW;
    bool is_point = may_wait && taken_count(TAKEN_BY_NUMBER) == 0;
    if (is_point) {
        held_begin_cancellable();
    }
    int error = fd < 0                         ? fd
                : !descriptor_is_intact(fd) ? -EBADF /* closed past all hooks */
                : REAL(fcntl)(fd, command, lock) < 0 ? -errno
                                                     : 0;
    if (is_point) {
        held_end_cancellable();
    }
    if (other != NULL) {
        open_file_release(other);
    }
    return error;
}

int lock_records(struct open_file *file, int command, struct flock *wanted)
{
    struct flock lock;
    struct flock in_image;
    int error = user_copy_all(&lock, wanted, sizeof lock);
    if (error == 0) {
        error = to_image(file, &lock, &in_image);
    }
    if (error == 0 && !may_lock(file, command, lock.l_type)) {
        error = -EBADF;
    }
    if (error == 0) {
        error = on_lock_file(file, command, &in_image);
    }
    if (error < 0) {
        return error;
    }
    if (command == F_GETLK || command == F_OFD_GETLK) {
        if (in_image.l_type == F_UNLCK) {
            lock.l_type = F_UNLCK;
        } else {
            lock = in_image;
            lock.l_start -= file->state->base;
        }
        return user_copy_all(wanted, &lock, sizeof lock);
    }
    return 0;
}

int lock_whole(struct open_file *file, int operation)
{
    int fd = lock_descriptor(file);
    if (fd < 0) {
        return fd;
    }
    return REAL(flock)(fd, operation) < 0 ? -errno : 0;
}

void open_file_before_close(struct open_file *file, int fd)
{
    if (!atomic_load_explicit(&any_records, memory_order_relaxed)
        || (!open_file_is_attached(file) && open_file_attach(file, fd) < 0)) {
        return;
    }
    struct open_file *locked = find_locked(file);
    if (locked == NULL) {
        return;
    }
    int copy = REAL(fcntl)(atomic_load(&locked->lock), F_DUPFD_CLOEXEC, 0);
    open_file_release(locked);
    if (copy >= 0) {
        REAL(close)(copy); /* by this the kernel drops the process's locks on it */
    }
}
