/* Descriptors that come from another process: received over a socket, or taken from it. One that stands
 * for an image is noted when it comes, so that every call on it finds it. */

#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "by_number.h"
#include "hook.h"
#include "user_copy.h"

#define SECOND_NS 1000000000

static void note(int fd)
{
    if (descriptor_is_image(fd)) {
        descriptor_check_again(fd); /* closed past every hook, and the number given out again */
    }
    descriptor_adopt(fd);
}

static void note_received(struct msghdr *message)
{
    int error = errno;
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL;
         part = CMSG_NXTHDR(message, part)) {
        if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS) {
            size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            for (size_t i = 0; i < count; i++) {
                int fd;
                memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
                note(fd);
            }
        }
    }
    errno = error;
}

static ssize_t received(ssize_t result, struct msghdr *message)
{
    if (result >= 0 && message->msg_controllen > 0) {
        note_received(message);
    }
    return result;
}

/* What the kernel would say of a regular file; of the placeholder it would say EBADF. */
static bool is_no_socket(int socket, const struct timespec *timeout)
{
    struct timespec wanted;
    if (!descriptor_is_image(socket)) {
        return false;
    }
    errno = ENOTSOCK;
    if (timeout != NULL && user_copy_all(&wanted, timeout, sizeof wanted) < 0) {
        errno = EFAULT;
    } else if (timeout != NULL && (wanted.tv_sec < 0 || wanted.tv_nsec < 0 || wanted.tv_nsec >= SECOND_NS)) {
        errno = EINVAL;
    }
    return true;
}

HOOK ssize_t recvmsg(int socket, struct msghdr *message, int flags)
{
    if (is_no_socket(socket, NULL)) {
        return -1;
    }
    return received(REAL(recvmsg)(socket, message, flags), message);
}

ssize_t recvmsg_by_number(int socket, struct msghdr *message, int flags)
{
    if (is_no_socket(socket, NULL)) {
        return -1;
    }
    return received(REAL(syscall)(SYS_recvmsg, socket, message, flags), message);
}

static int all_received(int result, struct mmsghdr *messages)
{
    for (int i = 0; i < result; i++) {
        if (messages[i].msg_hdr.msg_controllen > 0) {
            note_received(&messages[i].msg_hdr);
        }
    }
    return result;
}

HOOK int recvmmsg(int socket, struct mmsghdr *messages, unsigned count, int flags,
                  struct timespec *timeout)
{
    if (is_no_socket(socket, timeout)) {
        return -1;
    }
    return all_received(REAL(recvmmsg)(socket, messages, count, flags, timeout), messages);
}

int recvmmsg_by_number(int socket, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout)
{
    if (is_no_socket(socket, timeout)) {
        return -1;
    }
    return all_received((int) REAL(syscall)(SYS_recvmmsg, socket, messages, count, flags, timeout), messages);
}

HOOK int pidfd_getfd(int process, int fd, unsigned flags)
{
    int result = REAL(pidfd_getfd)(process, fd, flags);
    if (result >= 0) {
        int error = errno;
        note(result);
        errno = error;
    }
    return result;
}
