/* poll(2), select(2) and epoll_ctl(2): an image is always ready, as a regular file is. */

#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include "hook.h"

#define READY (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM)

static bool has_image(const struct pollfd *set, nfds_t count)
{
    for (nfds_t i = 0; i < count; i++) {
        if (descriptor_is_image(set[i].fd)) {
            return true;
        }
    }
    return false;
}

/* The kernel passes over an entry whose descriptor is below 0. Images' are made so while it looks, by
 * a bit that nobody else sets: programs hide an entry as -1 or ~fd. */
#define HIDDEN INT_MIN

static void hide(struct pollfd *set, nfds_t count)
{
    for (nfds_t i = 0; i < count; i++) {
        if (descriptor_is_image(set[i].fd)) {
            set[i].fd ^= HIDDEN;
        }
    }
}

static int show(struct pollfd *set, nfds_t count)
{
    int ready = 0;
    for (nfds_t i = 0; i < count; i++) {
        if (set[i].fd < 0 && descriptor_is_image(set[i].fd ^ HIDDEN)) {
            set[i].fd ^= HIDDEN;
            set[i].revents = set[i].events & READY;
            ready += set[i].revents != 0;
        }
    }
    return ready;
}

/* Whether the call returns at once. */
static bool is_ready(const struct pollfd *set, nfds_t count)
{
    for (nfds_t i = 0; i < count; i++) {
        if (descriptor_is_image(set[i].fd) && (set[i].events & READY) != 0) {
            return true;
        }
    }
    return false;
}

HOOK int poll(struct pollfd *set, nfds_t count, int timeout)
{
    if (!has_image(set, count)) {
        return REAL(poll)(set, count, timeout);
    }
    report_count(CALL_poll);
    int wait = is_ready(set, count) ? 0 : timeout;
    hide(set, count);
    int result = REAL(poll)(set, count, wait);
    int ready = show(set, count);
    return result < 0 ? result : result + ready;
}

HOOK int ppoll(struct pollfd *set, nfds_t count, const struct timespec *timeout,
               const sigset_t *mask)
{
    static const struct timespec at_once;
    if (!has_image(set, count)) {
        return REAL(ppoll)(set, count, timeout, mask);
    }
    report_count(CALL_ppoll);
    const struct timespec *wait = is_ready(set, count) ? &at_once : timeout;
    hide(set, count);
    int result = REAL(ppoll)(set, count, wait, mask);
    int ready = show(set, count);
    return result < 0 ? result : result + ready;
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

/* Images of a select's three sets, taken out of them. */
struct images {
    fd_set read;
    fd_set write;
    bool any;
    bool ready;
};

static void take_images(int count, fd_set *from, fd_set *images, struct images *all, bool is_ready)
{
    FD_ZERO(images);
    for (int fd = 0; from != NULL && fd < count && fd < FD_SETSIZE; fd++) {
        if (FD_ISSET(fd, from) && descriptor_is_image(fd)) {
            FD_CLR(fd, from);
            FD_SET(fd, images);
            all->any = true;
            all->ready |= is_ready;
        }
    }
}

static void take_all(int count, fd_set *read, fd_set *write, fd_set *exceptional,
                     struct images *images)
{
    fd_set never;
    images->any = false;
    images->ready = false;
    take_images(count, read, &images->read, images, true);
    take_images(count, write, &images->write, images, true);
    take_images(count, exceptional, &never, images, false);
}

static int give(int count, const fd_set *images, fd_set *to)
{
    int given = 0;
    for (int fd = 0; to != NULL && fd < count && fd < FD_SETSIZE; fd++) {
        if (FD_ISSET(fd, images)) {
            FD_SET(fd, to);
            given++;
        }
    }
    return given;
}

static int give_all(int result, int count, fd_set *read, fd_set *write,
                    const struct images *images)
{
    if (result < 0 || !images->any) {
        return result;
    }
    return result + give(count, &images->read, read) + give(count, &images->write, write);
}

/* One look at each number that is set. */
static bool selects_image(int count, const fd_set *read, const fd_set *write,
                          const fd_set *exceptional)
{
    for (int fd = 0; fd < count && fd < FD_SETSIZE && fd < descriptors_end(); fd++) {
        if (descriptor_is_image(fd)
            && ((read != NULL && FD_ISSET(fd, read)) || (write != NULL && FD_ISSET(fd, write))
                || (exceptional != NULL && FD_ISSET(fd, exceptional)))) {
            return true;
        }
    }
    return false;
}

HOOK int select(int count, fd_set *read, fd_set *write, fd_set *exceptional,
                struct timeval *timeout)
{
    struct images images;
    struct timeval at_once = {0, 0};
    if (!selects_image(count, read, write, exceptional)) {
        return REAL(select)(count, read, write, exceptional, timeout);
    }
    report_count(CALL_select);
    take_all(count, read, write, exceptional, &images);
    int result =
        REAL(select)(count, read, write, exceptional, images.ready ? &at_once : timeout);
    return give_all(result, count, read, write, &images);
}

HOOK int pselect(int count, fd_set *read, fd_set *write, fd_set *exceptional,
                 const struct timespec *timeout, const sigset_t *mask)
{
    static const struct timespec at_once;
    struct images images;
    if (!selects_image(count, read, write, exceptional)) {
        return REAL(pselect)(count, read, write, exceptional, timeout, mask);
    }
    report_count(CALL_pselect);
    take_all(count, read, write, exceptional, &images);
    int result = REAL(pselect)(count, read, write, exceptional, images.ready ? &at_once : timeout,
                               mask);
    return give_all(result, count, read, write, &images);
}

HOOK int epoll_ctl(int set, int operation, int fd, struct epoll_event *event)
{
    if (descriptor_is_image(fd)) {
        report_count(CALL_epoll_ctl);
        errno = EPERM;
        return -1;
    }
    return REAL(epoll_ctl)(set, operation, fd, event);
}

ALIAS(__poll, poll);
