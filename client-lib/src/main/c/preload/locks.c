#include "locks.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "descriptor.h"
#include "descriptors.h"
#include "image.h"
#include "real.h"

/* Nobody who never locked pays for locks when closing. */
static _Atomic bool any_records;

/* The descriptor that carries the file's locks, made at the first. */
static int lock_descriptor(struct open_file *file)
{
    int lock = atomic_load(&file->lock);
    if (lock >= 0) {
        return lock;
    }
    rbdw_file *image;
    int error = open_file_image(file, &image);
    int made;
    if (error < 0 || (error = image_lock_file(image, &made)) < 0) {
        return error;
    }
    made = descriptor_keep(made);
    int none = -1;
    if (!atomic_compare_exchange_strong(&file->lock, &none, made)) {
        descriptor_drop(made); /* another thread was first */
    }
    return atomic_load(&file->lock);
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

int lock_records(struct open_file *file, int command, struct flock *lock)
{
    struct flock in_image;
    if (!may_lock(file, command, lock->l_type)) {
        return -EBADF;
    }
    int error = to_image(file, lock, &in_image);
    int fd = error < 0 ? error : lock_descriptor(file);
    if (fd < 0) {
        return fd;
    }
    if (command == F_SETLK || command == F_SETLKW) {
        atomic_store(&any_records, true);
    }
    if (REAL(fcntl)(fd, command, &in_image) < 0) {
        return -errno;
    }
    if (command == F_GETLK || command == F_OFD_GETLK) {
        if (in_image.l_type == F_UNLCK) {
            lock->l_type = F_UNLCK;
        } else {
            *lock = in_image;
            lock->l_start -= file->state->base;
        }
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

void open_file_before_close(struct open_file *file)
{
    if (!atomic_load_explicit(&any_records, memory_order_relaxed)) {
        return;
    }
    int end = descriptors_end();
    for (int fd = 0; fd < end; fd++) {
        struct open_file *other = descriptor_acquire(fd);
        if (other == NULL) {
            continue;
        }
        int lock = atomic_load(&other->lock);
        bool is_same = lock >= 0 && strcmp(other->state->image, file->state->image) == 0;
        int copy = is_same ? REAL(fcntl)(lock, F_DUPFD_CLOEXEC, 0) : -1;
        open_file_release(other);
        if (copy >= 0) {
            REAL(close)(copy); /* by this the kernel drops the process's locks on it */
            return;
        }
    }
}
