#include "frame.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <org_rbdwrapper_ipc_codec/messageHeader.h>

#include "error.h"
#include "rbdw_protocol.h"

#define MAX_DESCRIPTORS 2

/* Some of the bytes, and the descriptor with the first of them. */
static ssize_t send_some(int socket, char *bytes, size_t length, int descriptor)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr alignment;
    } control = {0};
    struct iovec rest = {bytes, length};
    struct msghdr message = {.msg_iov = &rest, .msg_iovlen = 1};
    if (descriptor >= 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        struct cmsghdr *part = CMSG_FIRSTHDR(&message);
        part->cmsg_level = SOL_SOCKET;
        part->cmsg_type = SCM_RIGHTS;
        part->cmsg_len = CMSG_LEN(sizeof descriptor);
        memcpy(CMSG_DATA(part), &descriptor, sizeof descriptor);
    }
    return sendmsg(socket, &message, MSG_NOSIGNAL);
}

int frame_send(int socket, struct frame *frame, uint16_t template_id, uint16_t block_length,
               size_t body_length, int descriptor)
{
    struct SBE(messageHeader) header;
    SBE(messageHeader_wrap)(&header, frame->bytes, FRAME_LENGTH_BYTES, 0, sizeof frame->bytes);
    SBE(messageHeader_set_blockLength)(&header, block_length);
    SBE(messageHeader_set_templateId)(&header, template_id);
    SBE(messageHeader_set_schemaId)(&header, SBE(messageHeader_sbe_schema_id)());
    SBE(messageHeader_set_version)(&header, SBE(messageHeader_sbe_schema_version)());
    uint32_t length = htole32((uint32_t) (FRAME_HEADER_BYTES + body_length));
    memcpy(frame->bytes, &length, sizeof length);

    size_t total = FRAME_LENGTH_BYTES + FRAME_HEADER_BYTES + body_length;
    for (size_t done = 0; done < total;) {
        ssize_t n = send_some(socket, frame->bytes + done, total - done,
                              done == 0 ? descriptor : -1);
        if (n >= 0) {
            done += (size_t) n;
        } else if (errno != EINTR) {
            return error_set(ENOTCONN, "the broker is gone: send to it");
        }
    }
    return 0;
}

static void take_descriptors(struct msghdr *message, int *descriptors, int count)
{
    int taken = 0;
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL;
         part = CMSG_NXTHDR(message, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        size_t found = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < found; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof fd);
            if (taken < count) {
                descriptors[taken++] = fd;
            } else {
                close(fd);
            }
        }
    }
}

/* Receives exactly so many bytes. */
static int receive_fully(int socket, char *into, size_t length, int *descriptors, int count)
{
    for (size_t done = 0; done < length;) {
        union {
            char bytes[CMSG_SPACE(MAX_DESCRIPTORS * sizeof(int))];
            struct cmsghdr alignment;
        } control;
        struct iovec rest = {into + done, length - done};
        struct msghdr message = {
            .msg_iov = &rest,
            .msg_iovlen = 1,
            .msg_control = control.bytes,
            .msg_controllen = sizeof control.bytes,
        };
        ssize_t n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
        if (n > 0) {
            take_descriptors(&message, descriptors, count);
            count = 0; /* they come with the first byte */
            done += (size_t) n;
        } else if (n == 0) {
            return error_set(ENOTCONN, "the broker is gone: it has closed the connection");
        } else if (errno != EINTR) {
            return error_set(ENOTCONN, "the broker is gone: no answer");
        }
    }
    return 0;
}

int frame_receive(int socket, struct frame *frame, int *descriptors, int descriptor_count)
{
    for (int i = 0; i < descriptor_count; i++) {
        descriptors[i] = -1;
    }
    int error =
        receive_fully(socket, frame->bytes, FRAME_LENGTH_BYTES, descriptors, descriptor_count);
    if (error < 0) {
        return error;
    }
    uint32_t length;
    memcpy(&length, frame->bytes, sizeof length);
    frame->length = le32toh(length);
    if (frame->length < FRAME_HEADER_BYTES || frame->length > FRAME_MAX_MESSAGE) {
        return error_set(EPROTO, "the broker's answer has a length of %u bytes", frame->length);
    }
    error = receive_fully(socket, frame->bytes + FRAME_LENGTH_BYTES, frame->length, NULL, 0);
    if (error < 0) {
        return error;
    }
    struct SBE(messageHeader) header;
    SBE(messageHeader_wrap)(&header, frame->bytes, FRAME_LENGTH_BYTES, 0, sizeof frame->bytes);
    frame->template_id = SBE(messageHeader_templateId)(&header);
    frame->block_length = SBE(messageHeader_blockLength)(&header);
    frame->version = SBE(messageHeader_version)(&header);
    if (SBE(messageHeader_schemaId)(&header) != SBE(messageHeader_sbe_schema_id)()
        || frame->block_length > frame_body_length(frame)) {
        return error_set(EPROTO, "the broker's answer is not well formed");
    }
    return 0;
}
