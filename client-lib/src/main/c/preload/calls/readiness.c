/* poll(2), select(2) and epoll_ctl(2): an image is always ready, as a regular file is. */

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include "hook.h"
#include "user_copy.h"

/* The C library's header says that poll only writes to the set, of which half is what it reads. */
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"

#define READY (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM)

/* A set with images in it: the kernel gets a copy without them. The program's own set is not
 * touched before the end, as other threads may close descriptors of it meanwhile. */
struct watch {
    struct pollfd *set;
    struct pollfd *others; /* less than -1 where set has an image: the kernel passes over it */
    nfds_t count;
    bool is_ready; /* an image is: so the call returns at once */
};

/* Entries that need no memory: 8 KiB of the stack. */
#define SMALL_SET 1024

static bool has_image(const struct pollfd *set, nfds_t count)
{
    if (descriptors_end() == 0) {
        return false; /* who has none pays no look, which the kernel alone may take at a set that is not there */
    }
    for (nfds_t i = 0; i < count; i++) {
        int fd;
        if (user_copy_all(&fd, &set[i].fd, sizeof fd) < 0) {
            return false; /* the kernel says so, too */
        }
        if (descriptor_is_image(fd)) {
            return true;
        }
    }
    return false;
}

/* An image's number, where it is left out. */
static int left_out(int fd)
{
    return -2 - fd;
}

static int leave_images_out(struct watch *watch)
{
    int error = user_copy_all(watch->others, watch->set, watch->count * sizeof *watch->set);
    for (nfds_t i = 0; error == 0 && i < watch->count; i++) {
        struct pollfd *one = &watch->others[i];
        if (descriptor_is_image(one->fd)) {
            one->fd = left_out(one->fd);
            watch->is_ready |= (one->events & READY) != 0;
        } else if (one->fd < 0) {
            one->fd = -1;
        }
    }
    return error;
}

/* How many images are ready, or an error. */
static int put_results(const struct watch *watch)
{
    int ready = 0;
    for (nfds_t i = 0; i < watch->count; i++) {
        const struct pollfd *one = &watch->others[i];
        bool is_image = one->fd < -1;
        short result = is_image ? one->events & READY : one->revents;
        if (user_copy_all(&watch->set[i].revents, &result, sizeof result) < 0) {
            return -EFAULT;
        }
        ready += is_image && result != 0;
    }
    return ready;
}

/* mask: of ppoll. */
static int watch_others(struct watch *watch, const struct timespec *timeout, const sigset_t *mask)
{
    static const struct timespec at_once;
    int error = leave_images_out(watch);
    if (error < 0) {
        return (int) as_result(error);
    }
    int result =
        REAL(ppoll)(watch->others, watch->count, watch->is_ready ? &at_once : timeout, mask);
    if (result < 0) {
        return result;
    }
    int images = put_results(watch);
    return images < 0 ? (int) as_result(images) : result + images;
}

static __attribute__((noinline)) int watch_few(struct watch *watch, const struct timespec *timeout,
                                               const sigset_t *mask)
{
    struct pollfd others[SMALL_SET];
    watch->others = others;
    return watch_others(watch, timeout, mask);
}

static int watch_set(struct pollfd *set, nfds_t count, const struct timespec *timeout,
                     const sigset_t *mask)
{
    struct watch watch = {set, NULL, count, false};
    if (count <= SMALL_SET) {
        return watch_few(&watch, timeout, mask);
    }
    watch.others = calloc(count, sizeof *set);
    if (watch.others == NULL) {
        return -1;
    }
    int result = watch_others(&watch, timeout, mask);
    int error = errno;
    free(watch.others);
    errno = error;
    return result;
}

/* True where an entry that the kernel called invalid is an image that no hook has seen come. */
static bool adopt_invalid(const struct pollfd *set, nfds_t count, int result)
{
    bool adopted = false;
    for (nfds_t i = 0; result > 0 && i < count; i++) {
        if ((set[i].revents & POLLNVAL) != 0) {
            adopted |= set[i].fd >= 0 && descriptor_adopt(set[i].fd);
        }
    }
    return adopted;
}

HOOK int poll(struct pollfd *set, nfds_t count, int timeout)
{
    if (!has_image(set, count)) {
        int result = REAL(poll)(set, count, timeout);
        return adopt_invalid(set, count, result) ? poll(set, count, timeout) : result;
    }
    report_count(CALL_poll);
    struct timespec wait = {timeout / 1000, timeout % 1000 * 1000000L};
    return watch_set(set, count, timeout < 0 ? NULL : &wait, NULL);
}

HOOK int ppoll(struct pollfd *set, nfds_t count, const struct timespec *timeout,
               const sigset_t *mask)
{
    if (!has_image(set, count)) {
        int result = REAL(ppoll)(set, count, timeout, mask);
        return adopt_invalid(set, count, result) ? ppoll(set, count, timeout, mask) : result;
    }
    report_count(CALL_ppoll);
    return watch_set(set, count, timeout, mask);
}

extern int __poll_chk(struct pollfd *set, nfds_t count, int timeout, size_t room);
extern int __ppoll_chk(struct pollfd *set, nfds_t count, const struct timespec *timeout,
                       const sigset_t *mask, size_t room);

HOOK int __poll_chk(struct pollfd *set, nfds_t count, int timeout, size_t room)
{
    if (room / sizeof *set < count) {
        __chk_fail();
    }
    return poll(set, count, timeout);
}

HOOK int __ppoll_chk(struct pollfd *set, nfds_t count, const struct timespec *timeout,
                     const sigset_t *mask, size_t room)
{
    if (room / sizeof *set < count) {
        __chk_fail();
    }
    return ppoll(set, count, timeout, mask);
}

/* A select's sets as they came, and the images in them. */
struct sets {
    fd_set *now[3]; /* the program's: read, write, exceptional */
    fd_set before[3];
    fd_set images[3];
    int count; /* numbers to look at */
    bool ready;
};

/* fd_set has no room for more; programs that have made it larger pass their others on. */
static int countable(int count)
{
    return count < FD_SETSIZE ? count : FD_SETSIZE;
}

/* How much of a set the caller has, as the kernel sees it: whole words up to count. */
static size_t bytes_of(int count)
{
    return ((size_t) count + 8 * sizeof(fd_mask) - 1) / (8 * sizeof(fd_mask)) * sizeof(fd_mask);
}

/* One look at each number that is set. Not where a set cannot be read: the kernel says so. */
static bool selects_image(int count, fd_set *const sets[3])
{
    int end = countable(count) < descriptors_end() ? countable(count) : descriptors_end();
    fd_set copies[3];
    for (int i = 0; i < 3 && end > 0; i++) {
        FD_ZERO(&copies[i]);
        if (sets[i] != NULL && user_copy_all(&copies[i], sets[i], bytes_of(countable(count))) < 0) {
            return false;
        }
    }
    for (int fd = 0; fd < end; fd++) {
        for (int i = 0; i < 3 && descriptor_is_image(fd); i++) {
            if (FD_ISSET(fd, &copies[i])) {
                return true;
            }
        }
    }
    return false;
}

/* An image is always ready to read and to write, and never exceptional. 0 or an error, before the kernel sees the
 * sets. */
static int take_images(struct sets *sets, int count, fd_set *const now[3])
{
    memset(sets, 0, sizeof *sets);
    sets->count = countable(count);
    size_t length = bytes_of(sets->count);
    for (int i = 0; i < 3; i++) {
        if (now[i] != NULL && user_copy_all(&sets->before[i], now[i], length) < 0) {
            return -EFAULT;
        }
    }
    for (int i = 0; i < 3; i++) {
        fd_set others = sets->before[i];
        for (int fd = 0; now[i] != NULL && fd < sets->count; fd++) {
            if (FD_ISSET(fd, &others) && descriptor_is_image(fd)) {
                FD_CLR(fd, &others);
                FD_SET(fd, &sets->images[i]);
                sets->ready |= i < 2;
            }
        }
        sets->now[i] = now[i];
        if (now[i] != NULL && user_copy_all(now[i], &others, length) < 0) {
            return -EFAULT;
        }
    }
    return 0;
}

/* How many were given, or an error. */
static int give_images(const struct sets *sets, int which)
{
    size_t length = bytes_of(sets->count);
    fd_set result;
    int given = 0;
    if (user_copy_all(&result, sets->now[which], length) < 0) {
        return -EFAULT;
    }
    for (int fd = 0; fd < sets->count; fd++) {
        if (FD_ISSET(fd, &sets->images[which])) {
            FD_SET(fd, &result);
            given++;
        }
    }
    return user_copy_all(sets->now[which], &result, length) < 0 ? -EFAULT : given;
}

/* After an error all sets are as before. */
static int put_back(const struct sets *sets)
{
    for (int i = 0; i < 3; i++) {
        if (sets->now[i] != NULL) {
            user_copy(sets->now[i], &sets->before[i], bytes_of(sets->count));
        }
    }
    return -1;
}

static int put_sets(const struct sets *sets, int result)
{
    for (int i = 0; i < 2 && result >= 0; i++) {
        int given = sets->now[i] == NULL ? 0 : give_images(sets, i);
        result = given < 0 ? (int) as_result(given) : result + given;
    }
    return result < 0 ? put_back(sets) : result;
}

/* True where the set holds an image that no hook has seen come. */
static bool adopt_bad(int result, int count, fd_set *const sets[3])
{
    bool adopted = false;
    if (result >= 0 || errno != EBADF) {
        return false;
    }
    for (int fd = 0; fd < countable(count); fd++) {
        for (int i = 0; i < 3; i++) {
            if (sets[i] != NULL && FD_ISSET(fd, sets[i])) {
                adopted |= descriptor_adopt(fd);
            }
        }
    }
    errno = EBADF;
    return adopted;
}

HOOK int select(int count, fd_set *read, fd_set *write, fd_set *exceptional,
                struct timeval *timeout)
{
    fd_set *const all[3] = {read, write, exceptional};
    struct timeval at_once = {0, 0};
    if (!selects_image(count, all)) {
        int result = REAL(select)(count, read, write, exceptional, timeout);
        return adopt_bad(result, count, all) ? select(count, read, write, exceptional, timeout)
                                             : result;
    }
    report_count(CALL_select);
    struct sets sets;
    int error = take_images(&sets, count, all);
    if (error < 0) {
        as_result(error);
        return put_back(&sets);
    }
    int result = REAL(select)(count, read, write, exceptional, sets.ready ? &at_once : timeout);
    return put_sets(&sets, result);
}

HOOK int pselect(int count, fd_set *read, fd_set *write, fd_set *exceptional,
                 const struct timespec *timeout, const sigset_t *mask)
{
    static const struct timespec at_once;
    fd_set *const all[3] = {read, write, exceptional};
    if (!selects_image(count, all)) {
        int result = REAL(pselect)(count, read, write, exceptional, timeout, mask);
        return adopt_bad(result, count, all)
                   ? pselect(count, read, write, exceptional, timeout, mask)
                   : result;
    }
    report_count(CALL_pselect);
    struct sets sets;
    int error = take_images(&sets, count, all);
    if (error < 0) {
        as_result(error);
        return put_back(&sets);
    }
    int result =
        REAL(pselect)(count, read, write, exceptional, sets.ready ? &at_once : timeout, mask);
    return put_sets(&sets, result);
}

HOOK int epoll_ctl(int set, int operation, int fd, struct epoll_event *event)
{
    if (!descriptor_is_image(fd)) {
        int result = REAL(epoll_ctl)(set, operation, fd, event);
        return is_image_after_all(result, fd) ? epoll_ctl(set, operation, fd, event) : result;
    }
    report_count(CALL_epoll_ctl);
    struct epoll_event wanted; /* what the kernel looks at first */
    if (operation != EPOLL_CTL_DEL && user_copy_all(&wanted, event, sizeof wanted) < 0) {
        errno = EFAULT;
        return -1;
    }
    if (REAL(fcntl)(set, F_GETFD) >= 0) {
        errno = EPERM; /* else the set is no descriptor: EBADF */
    }
    return -1;
}

ALIAS(__poll, poll);
