#include "descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "system_call.h"

#define ROOM 64        /* numbers below the limit, where kept ones go */
#define MAX_KEPT 256   /* more are kept, but not known */
#define BEING_MADE (-1)

/* What is kept. The kernel's objects that have no inode of their own, as an eventfd, share one: they are told
 * from files, pipes and sockets. */
struct identity {
    dev_t device;
    ino_t inode;
    mode_t mode;
};

static _Atomic int kept[MAX_KEPT]; /* number + 1; 0: none */
static struct identity identities[MAX_KEPT]; /* of each; stored before its number */
static _Atomic int lowest = INT32_MAX;

static int first_number(void)
{
    struct rlimit limit;
    int end = DESCRIPTOR_KEPT_END;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < DESCRIPTOR_KEPT_END) {
        end = (int) limit.rlim_cur;
    }
    return end > 2 * ROOM ? end - ROOM : end / 2;
}

static bool identify(int fd, struct identity *identity)
{
    struct stat status;
    if (system_call(SYS_fstat, fd, (long) &status, 0, 0, 0, 0) < 0) {
        return false;
    }
    *identity = (struct identity) {status.st_dev, status.st_ino, status.st_mode & S_IFMT};
    return true;
}

static bool is_what_was_kept(int fd, int index)
{
    struct identity now;
    const struct identity *then = &identities[index];
    return identify(fd, &now) && now.device == then->device && now.inode == then->inode
           && now.mode == then->mode;
}

static void remember(int fd)
{
    struct identity identity;
    if (!identify(fd, &identity)) {
        return;
    }
    for (int i = 0; i < MAX_KEPT; i++) {
        int none = 0;
        if (atomic_compare_exchange_strong(&kept[i], &none, BEING_MADE)) {
            identities[i] = identity;
            atomic_store(&kept[i], fd + 1);
            int low = atomic_load(&lowest);
            while (fd < low && !atomic_compare_exchange_weak(&lowest, &low, fd)) {
            }
            return;
        }
    }
}

int descriptor_keep(int fd)
{
    int error = errno;
    int first = first_number();
    int moved = fd >= first ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, first);
    if (moved >= 0) {
        close(fd);
        fd = moved;
    }
    remember(fd);
    errno = error;
    return fd;
}

int descriptor_take_low(int *numbers)
{
    int first = first_number();
    int count = 0;
    int fd = open("/", O_PATH | O_CLOEXEC);
    while (fd >= 0 && fd < first && count < DESCRIPTOR_KEPT_END) {
        numbers[count++] = fd;
        fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    }
    if (fd >= first) {
        close(fd);
    }
    return count;
}

void descriptor_give_low_back(const int *numbers, int count)
{
    for (int i = 0; i < count; i++) {
        close(numbers[i]);
    }
}

bool descriptor_is_intact(int fd)
{
    for (int i = 0; i < MAX_KEPT; i++) {
        if (atomic_load_explicit(&kept[i], memory_order_acquire) == fd + 1) {
            return is_what_was_kept(fd, i);
        }
    }
    return true;
}

void descriptor_drop(int fd)
{
    int error = errno;
    bool is_ours = true;
    for (int i = 0; i < MAX_KEPT; i++) {
        int found = fd + 1;
        if (atomic_load(&kept[i]) == found) {
            is_ours = is_what_was_kept(fd, i);
            atomic_compare_exchange_strong(&kept[i], &found, 0);
            break;
        }
    }
    if (is_ours) {
        close(fd);
    }
    errno = error;
}

bool descriptor_is_kept(int fd)
{
    if (fd < atomic_load_explicit(&lowest, memory_order_relaxed)) {
        return false;
    }
    for (int i = 0; i < MAX_KEPT; i++) {
        if (atomic_load_explicit(&kept[i], memory_order_acquire) == fd + 1) {
            return is_what_was_kept(fd, i);
        }
    }
    return false;
}
