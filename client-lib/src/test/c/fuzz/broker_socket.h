/* A broker that says what the input says, at the other end of a socket. */

#ifndef RBDW_FUZZ_BROKER_SOCKET_H
#define RBDW_FUZZ_BROKER_SOCKET_H

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control.h"

#include "fuzz.h"

/* Fits into a socket's buffer, for nobody reads meanwhile. */
#define MAX_STREAM (64 * 1024)
#define MAX_SENT_DESCRIPTORS 3

static struct control control;
static int broker_end;

static void send_part(const uint8_t *bytes, size_t length, const int *descriptors, unsigned count)
{
    union {
        char bytes[CMSG_SPACE(MAX_SENT_DESCRIPTORS * sizeof(int))];
        struct cmsghdr alignment;
    } ancillary = {{0}};
    struct iovec part = {(void *) bytes, length};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (length == 0) {
        return;
    }
    if (count > 0 && descriptors != NULL) {
        message.msg_control = ancillary.bytes;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(header), descriptors, count * sizeof(int));
    }
    REQUIRE(sendmsg(broker_end, &message, MSG_NOSIGNAL) == (ssize_t) length);
}

/* The rest of the input is what the broker sends, in two parts, and then it has gone. counts: how many
 * descriptors travel with the first part (low 4 bits), and with the second. split: length of the first. */
static void broker_say(struct input *input, unsigned counts, size_t split, const int *descriptors)
{
    int ends[2];
    const uint8_t *first;
    const uint8_t *second;
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    broker_end = ends[1];
    size_t first_length = input_take(input, split < MAX_STREAM / 2 ? split : MAX_STREAM / 2, &first);
    size_t second_length = input_take(input, MAX_STREAM / 2, &second);
    send_part(first, first_length, descriptors, (counts & 15) % (MAX_SENT_DESCRIPTORS + 1));
    send_part(second, second_length, descriptors, (counts >> 4) % (MAX_SENT_DESCRIPTORS + 1));
    REQUIRE(shutdown(broker_end, SHUT_WR) == 0);
    control_init(&control, ends[0]);
}

static void broker_end_talk(void)
{
    control_end(&control);
    close(control.socket);
    close(broker_end);
}

/* Which of the low numbers are open: another one afterwards is one that was kept. */
static uint64_t open_descriptors(void)
{
    uint64_t open = 0;
    for (int fd = 0; fd < 64; fd++) {
        if (fcntl(fd, F_GETFD) >= 0) {
            open |= UINT64_C(1) << fd;
        }
    }
    return open;
}

#endif
