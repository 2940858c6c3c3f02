#include "control_call.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <org_rbdwrapper_ipc_codec/error.h>
#include <org_rbdwrapper_ipc_codec/progress.h>

#include "descriptor.h"
#include "error.h"
#include "futex.h"
#include "held.h"
#include "rbdw_protocol.h"
#include "system_call.h"

/* Answers that take longer are worth the look at which signals may end the program. */
#define SHORT_WAIT_NS 2000000

static struct frame *make_frame(void)
{
    /* its pages are there once they are needed */
    void *frame = mmap(NULL, sizeof(struct frame), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return frame == MAP_FAILED ? NULL : frame;
}

static struct frame *take_frame(struct control *control)
{
    struct frame *frame = NULL;
    pthread_mutex_lock(&control->lock);
    if (control->spare_count > 0) {
        frame = control->spares[--control->spare_count];
    }
    pthread_mutex_unlock(&control->lock);
    return frame != NULL ? frame : make_frame();
}

static void give_frame_back(struct control *control, struct frame *frame)
{
    pthread_mutex_lock(&control->lock);
    if (control->spare_count < CONTROL_SPARES) {
        control->spares[control->spare_count++] = frame;
        frame = NULL;
    }
    pthread_mutex_unlock(&control->lock);
    if (frame != NULL) {
        munmap(frame, sizeof *frame);
    }
}

void control_init(struct control *control, int socket)
{
    memset(control, 0, sizeof *control);
    pthread_mutex_init(&control->lock, NULL);
    pthread_mutex_init(&control->sending, NULL);
    control->socket = socket;
    control->next_correlation_id = 1;
    control->replay.descriptors[0] = control->replay.descriptors[1] = -1;
}

void control_close_descriptors(int *descriptors, int count)
{
    for (int i = 0; i < count; i++) {
        if (descriptors[i] >= 0) {
            close(descriptors[i]);
            descriptors[i] = -1;
        }
    }
}

void control_end(struct control *control)
{
    control_close_descriptors(control->replay.descriptors, 2);
    if (control->replay.frame != NULL) {
        munmap(control->replay.frame, sizeof(struct frame));
    }
    if (control->incoming != NULL) {
        munmap(control->incoming, sizeof(struct frame));
    }
    while (control->spare_count > 0) {
        munmap(control->spares[--control->spare_count], sizeof(struct frame));
    }
}

static void announce(struct control *control)
{
    atomic_fetch_add(&control->changes, 1);
    futex_wake(&control->changes, INT32_MAX, FUTEX_PRIVATE);
}

void control_break(struct control *control, int error)
{
    int none = 0;
    if (atomic_compare_exchange_strong(&control->failure, &none, -error)) {
        atomic_store(&control->broken, true);
        shutdown(control->socket, SHUT_RDWR); /* whoever reads it hears of this */
        announce(control);
    }
}

/* With the text of what another thread has found. */
static int broken(struct control *control)
{
    return atomic_load(&control->failure) == EPROTO
               ? error_set(EPROTO, "the broker's answer is not well formed")
               : error_set(ENOTCONN, "the broker is gone: it has closed the connection");
}

int control_call_begin(struct control *control, struct control_call *call)
{
    held_begin();
    *call = (struct control_call) {.descriptors = {-1, -1}, .frame = take_frame(control)};
    if (call->frame == NULL) {
        return error_set(ENOMEM, "no memory for a request to the broker");
    }
    pthread_mutex_lock(&control->lock);
    call->id = control->next_correlation_id++;
    pthread_mutex_unlock(&control->lock);
    return 0;
}

void control_call_end(struct control *control, struct control_call *call)
{
    control_close_descriptors(call->descriptors, 2);
    if (call->frame != NULL) {
        give_frame_back(control, call->frame);
        call->frame = NULL;
    }
    held_end();
}

/* Under the lock. */
static void leave_list(struct control *control, const struct control_call *call)
{
    for (struct control_call **link = &control->calls; *link != NULL; link = &(*link)->next) {
        if (*link == call) {
            *link = call->next;
            return;
        }
    }
}

int control_call_send(struct control *control, struct control_call *call, uint16_t template_id,
                      uint16_t block_length, uint64_t body_length, int descriptor)
{
    pthread_mutex_lock(&control->lock);
    call->is_answered = false;
    call->next = control->calls;
    control->calls = call;
    pthread_mutex_unlock(&control->lock);
    pthread_mutex_lock(&control->sending);
    int error = atomic_load(&control->broken) || !descriptor_is_intact(control->socket)
                    ? broken(control)
                    : frame_send(control->socket, call->frame, template_id, block_length, body_length,
                                 descriptor);
    pthread_mutex_unlock(&control->sending);
    if (error < 0) {
        pthread_mutex_lock(&control->lock);
        leave_list(control, call);
        pthread_mutex_unlock(&control->lock);
        control_break(control, error);
    }
    return error;
}

/* Under the lock: the frame that came is exchanged for that of its call. */
static int hand_over(struct control *control, int descriptors[2])
{
    struct frame *frame = control->incoming;
    uint64_t id;
    if (frame->block_length < sizeof id) {
        control_close_descriptors(descriptors, 2);
        return error_set(EPROTO, "the broker's answer is not well formed");
    }
    memcpy(&id, frame_body(frame), sizeof id); /* of all that a broker answers the first field */
    id = le64toh(id);
    if (frame->template_id == SBE(progress_sbe_template_id)()) {
        control_close_descriptors(descriptors, 2); /* they are no answer's, and would be forgotten */
        return 0;
    }
    for (struct control_call *call = control->calls; call != NULL; call = call->next) {
        if (call->id == id) {
            leave_list(control, call);
            control->incoming = call->frame;
            call->frame = frame;
            memcpy(call->descriptors, descriptors, sizeof call->descriptors);
            call->is_answered = true;
            return 0;
        }
    }
    control_close_descriptors(descriptors, 2);
    return error_set(EPROTO, "the broker answered what it was not asked");
}

/* By who reads the socket. The descriptors that came along, or -1. */
static int receive(struct control *control, int descriptors[2])
{
    descriptors[0] = descriptors[1] = -1;
    if (control->incoming == NULL && (control->incoming = make_frame()) == NULL) {
        return error_set(ENOMEM, "no memory for the broker's answer");
    }
    struct pollfd answer = {.fd = control->socket, .events = POLLIN};
    struct timespec shortly = {0, SHORT_WAIT_NS};
    if (system_call(SYS_ppoll, (long) &answer, 1, (long) &shortly, 0, 0, 0) <= 0) {
        held_let_end();
    }
    return frame_receive(control->socket, control->incoming, descriptors, 2);
}

/* Under the lock, which is given back meanwhile. */
static void read_next(struct control *control)
{
    int descriptors[2];
    control->is_read = true;
    pthread_mutex_unlock(&control->lock);
    int error = receive(control, descriptors);
    pthread_mutex_lock(&control->lock);
    control->is_read = false;
    if (error == 0) {
        error = hand_over(control, descriptors);
    } else {
        control_close_descriptors(descriptors, 2);
    }
    if (error < 0) {
        control_break(control, error);
    }
    announce(control);
}

int control_call_check(struct control *control, struct frame *frame, uint16_t template_id,
                       uint16_t block_length)
{
    if (frame->template_id != SBE(error_sbe_template_id)()) {
        if (frame->template_id == template_id && frame->block_length >= block_length) {
            return 0;
        }
        control_break(control, -EPROTO);
        return error_set(EPROTO, "the broker answered with message %u where %u was expected",
                         frame->template_id, template_id);
    }
    /* the broker said no: its number and its text become ours */
    struct SBE(error) answer;
    char text[400];
    if (frame->block_length < SBE(error_sbe_block_length)()
        || SBE(error_wrap_for_decode)(&answer, frame_body(frame), 0, frame->block_length,
                                      frame->version, frame_body_length(frame))
               == NULL
        || frame_body_length(frame) < frame->block_length + SBE(error_text_header_length)()) {
        control_break(control, -EPROTO);
        return error_set(EPROTO, "the broker's answer is not well formed");
    }
    int number = SBE(error_errno)(&answer);
    uint64_t length = SBE(error_get_text)(&answer, text, sizeof text - 1);
    text[length] = '\0';
    if (number <= 0 || number > 4095) {
        return error_set(EPROTO, "the broker answered with error number %d: %s", number, text);
    }
    return error_set(number, "%s", text);
}

int control_call_await(struct control *control, struct control_call *call, uint16_t template_id,
                       uint16_t block_length)
{
    pthread_mutex_lock(&control->lock);
    while (!call->is_answered && !atomic_load(&control->broken)) {
        if (!control->is_read) {
            read_next(control);
        } else {
            uint32_t seen = atomic_load(&control->changes);
            pthread_mutex_unlock(&control->lock);
            held_let_end();
            futex_wait(&control->changes, seen, INT64_MAX, FUTEX_PRIVATE);
            pthread_mutex_lock(&control->lock);
        }
    }
    if (!call->is_answered) {
        leave_list(control, call);
    }
    pthread_mutex_unlock(&control->lock);
    if (!call->is_answered) {
        return broken(control);
    }
    return control_call_check(control, call->frame, template_id, block_length);
}
