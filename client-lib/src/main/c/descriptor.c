#include "descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/resource.h>
#include <unistd.h>

#define ROOM 64        /* numbers below the limit, where kept ones go */
#define MAX_KEPT 256   /* more are kept, but not known */

static _Atomic int kept[MAX_KEPT]; /* number + 1; 0: none */
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

static void remember(int fd)
{
    for (int i = 0; i < MAX_KEPT; i++) {
        int none = 0;
        if (atomic_compare_exchange_strong(&kept[i], &none, fd + 1)) {
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

void descriptor_drop(int fd)
{
    int error = errno;
    for (int i = 0; i < MAX_KEPT; i++) {
        int found = fd + 1;
        if (atomic_compare_exchange_strong(&kept[i], &found, 0)) {
            break;
        }
    }
    close(fd);
    errno = error;
}

bool descriptor_is_kept(int fd)
{
    if (fd < atomic_load_explicit(&lowest, memory_order_relaxed)) {
        return false;
    }
    for (int i = 0; i < MAX_KEPT; i++) {
        if (atomic_load_explicit(&kept[i], memory_order_relaxed) == fd + 1) {
            return true;
        }
    }
    return false;
}
