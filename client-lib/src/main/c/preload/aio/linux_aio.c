/* io_submit and its kin: libaio's functions, which are thin covers of system calls, and by
 * raw_call.c those calls themselves. A negative errno is their result. */

#include "linux_aio.h"

#include <limits.h>

#include "aio_context.h"
#include "aio_courier.h"
#include "aio_ferry.h"
#include "held.h"
#include "hook.h"
#include "user_copy.h"

HOOK int io_setup(int limit, aio_context_t *id)
{
    int result = REAL(io_setup)(limit, id);
    if (result == 0) {
        aio_context_add(*id, (uint32_t) limit);
    }
    return result;
}

HOOK int io_destroy(aio_context_t id)
{
    struct aio_context *context = aio_context_enter(id);
    if (context == NULL) {
        return REAL(io_destroy)(id);
    }
    int result = -EINVAL;
    if (aio_context_begin_end(context)) {
        result = REAL(io_destroy)(id);
        aio_context_end(context);
    }
    aio_context_leave(context);
    return result;
}

/* What an iocb asks for, checked in the kernel's order. 0 or what io_submit gives for it. */
static int check(const struct iocb *iocb, const struct open_file *file)
{
    uint32_t rw_flags = (uint32_t) iocb->aio_rw_flags;
    bool is_write = false;
    if (iocb->aio_reserved2 != 0 || (ssize_t) iocb->aio_nbytes < 0) {
        return -EINVAL;
    }
    switch (iocb->aio_lio_opcode) {
    case IOCB_CMD_PWRITE:
    case IOCB_CMD_PWRITEV:
        is_write = true;
        /* fall through */
    case IOCB_CMD_PREAD:
    case IOCB_CMD_PREADV:
        if ((rw_flags & ~(uint32_t) (RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_APPEND)) != 0) {
            return -EOPNOTSUPP;
        }
        if (is_write ? !open_file_is_writable(file) : !open_file_is_readable(file)) {
            return -EBADF;
        }
        return iocb->aio_offset < 0 ? -EINVAL : 0;
    case IOCB_CMD_FSYNC:
    case IOCB_CMD_FDSYNC:
        return iocb->aio_buf != 0 || iocb->aio_offset != 0 || iocb->aio_nbytes != 0 || rw_flags != 0
                   ? -EINVAL
                   : 0;
    default:
        return -EINVAL;
    }
}

static bool is_write(const struct iocb *iocb)
{
    return iocb->aio_lio_opcode == IOCB_CMD_PWRITE || iocb->aio_lio_opcode == IOCB_CMD_PWRITEV;
}

static int prepare_transfer(struct aio_request *request, const struct iocb *iocb)
{
    uint32_t rw_flags = (uint32_t) iocb->aio_rw_flags;
    bool is_vector = iocb->aio_lio_opcode == IOCB_CMD_PREADV
                     || iocb->aio_lio_opcode == IOCB_CMD_PWRITEV;
    struct iovec one = {(void *) (uintptr_t) iocb->aio_buf, iocb->aio_nbytes};
    const struct iovec *vector = is_vector ? one.iov_base : &one;
    size_t count = is_vector ? iocb->aio_nbytes : 1;
    size_t length = 0;
    if (count > IOV_MAX) {
        return -EINVAL;
    }
    int error = aio_request_set_vector(request, vector, count);
    if (error < 0) {
        return error;
    }
    for (size_t i = 0; i < count; i++) {
        if (request->vector[i].iov_len > SSIZE_MAX - length) {
            return -EINVAL;
        }
        length += request->vector[i].iov_len;
    }
    aio_request_set_transfer(request, is_write(iocb), length, iocb->aio_offset);
    if (is_write(iocb) && length > 0 && (rw_flags & RWF_APPEND) != 0) {
        request->queued.result = -ENOSPC;
    }
    if (is_write(iocb) && (rw_flags & (RWF_DSYNC | RWF_SYNC)) != 0) {
        request->then_flush = true;
    }
    return 0;
}

static int prepare(struct aio_request *request, const struct iocb *iocb)
{
    int error = aio_event_descriptor(iocb, &request->event_descriptor);
    if (error == 0) {
        error = check(iocb, request->file);
    }
    if (error < 0) {
        return error;
    }
    if (iocb->aio_lio_opcode == IOCB_CMD_FSYNC || iocb->aio_lio_opcode == IOCB_CMD_FDSYNC) {
        aio_request_set_flush(request);
        return 0;
    }
    return prepare_transfer(request, iocb);
}

/* As the kernel: for its event, until the program has taken that. */
static bool reserve_room(struct aio_context *context)
{
    aio_context_lock_ring(context);
    uint32_t used = aio_ring_unread(&context->ring) + context->reserved;
    bool is_free = used + 1 < context->ring.entries;
    context->reserved += is_free;
    aio_context_unlock_ring(context);
    return is_free;
}

static void give_room_back(struct aio_context *context)
{
    aio_context_lock_ring(context);
    context->reserved--;
    aio_context_unlock_ring(context);
}

/* Under the lock. file: the reference becomes the request's. */
static int add(struct aio_context *context, struct iocb *iocb, struct open_file *file)
{
    if (!reserve_room(context)) {
        open_file_release(file);
        return -EAGAIN;
    }
    struct aio_request *request = aio_request_take(&context->engine, file, CALL_io_submit);
    if (request == NULL) {
        give_room_back(context);
        return -EAGAIN;
    }
    request->data = iocb->aio_data;
    request->object = (uint64_t) (uintptr_t) iocb;
    int error = prepare(request, iocb);
    if (error == 0 && request->event_descriptor >= 0) {
        error = aio_courier_start(context, COURIER_DELIVERS);
    }
    if (error < 0) {
        aio_request_give_back(&context->engine, request);
        give_room_back(context);
        return error;
    }
    iocb->aio_key = 0; /* as the kernel does */
    aio_engine_add(&context->engine, request);
    return 0;
}

/* Under the lock, which is given back where the image is not open yet, so that others go on meanwhile: what was added
 * so far goes to the broker. */
static int open_first(struct aio_context *context, const struct iocb *iocb, struct open_file *file)
{
    if (aio_engine_has_open(&context->engine, file) || check(iocb, file) < 0) {
        return 0; /* whoever adds it says why not */
    }
    aio_courier_notice(context);
    aio_engine_unlock(&context->engine);
    int error = aio_engine_open(&context->engine, file);
    aio_engine_lock(&context->engine);
    return error == 0 && atomic_load(&context->ending) != 0 ? -EINVAL : error;
}

/* Likewise where it is not known yet what the descriptor stands for. */
static void know_first(struct aio_context *context, int fd)
{
    if (descriptor_is_known(fd)) {
        return;
    }
    aio_courier_notice(context);
    aio_engine_unlock(&context->engine);
    struct open_file *file = descriptor_enter(fd);
    if (file != NULL) {
        open_file_release(file);
    }
    aio_engine_lock(&context->engine);
}

/* As many as are images', from the first on. Their number or, where it is 0, an error. */
static long submit_to_images(aio_context_t id, long count, struct iocb **requests)
{
    struct aio_context *context;
    long done = 0;
    held_begin(); /* whoever left it would leave the context in use */
    int error = aio_context_enter_for_images(id, &context);
    if (error < 0) {
        held_end();
        return error;
    }
    aio_engine_lock(&context->engine);
    while (done < count && error == 0) {
        know_first(context, (int) requests[done]->aio_fildes);
        struct open_file *file = descriptor_enter((int) requests[done]->aio_fildes);
        if (file == NULL) {
            break;
        }
        error = open_first(context, requests[done], file);
        if (error < 0) {
            open_file_release(file);
            break;
        }
        error = add(context, requests[done], file);
        done += error == 0;
    }
    aio_courier_notice(context);
    aio_engine_unlock(&context->engine);
    aio_context_leave(context);
    held_end();
    return done > 0 ? done : error;
}

/* Where images are concerned, too, the kernel's events are to be seen among theirs. */
static long submit_to_kernel(aio_context_t id, long count, struct iocb **requests)
{
    struct aio_context *context = aio_context_enter(id);
    if (context == NULL) {
        return REAL(io_submit)(id, count, requests);
    }
    long result = aio_ferry_submit(context, id, count, requests);
    aio_context_leave(context);
    return result;
}

/* How many, from the first on, are of one kind. */
static long count_alike(long count, struct iocb **requests, bool of_images)
{
    long alike = 0;
    while (alike < count
           && descriptor_is_image((int) requests[alike]->aio_fildes) == of_images) {
        alike++;
    }
    return alike;
}

/* How many, from the first on, are in memory that is there. */
static long count_readable(long count, struct iocb **requests)
{
    struct iocb *request;
    struct iocb copy;
    long readable = 0;
    while (readable < count
           && user_copy_all(&request, &requests[readable], sizeof request) == 0
           && user_copy_all(&copy, request, sizeof copy) == 0) {
        readable++;
    }
    return readable;
}

HOOK int io_submit(aio_context_t id, long count, struct iocb **requests)
{
    long done = 0;
    if (count <= 0 || requests == NULL) {
        return REAL(io_submit)(id, count, requests);
    }
    if (descriptors_end() == 0) {
        /* requests that are not there are the kernel's to refuse */
        long result = submit_to_kernel(id, count, requests);
        if (result != -EBADF) {
            return (int) result;
        }
    }
    count = count_readable(count, requests);
    if (count == 0) {
        return -EFAULT;
    }
    while (done < count) {
        bool of_images = descriptor_is_image((int) requests[done]->aio_fildes);
        long alike = count_alike(count - done, requests + done, of_images);
        long result = of_images ? submit_to_images(id, alike, requests + done)
                                : submit_to_kernel(id, alike, requests + done);
        if (of_images) {
            report_count(CALL_io_submit);
        } else if (result == -EBADF && descriptor_adopt((int) requests[done]->aio_fildes)) {
            continue;
        }
        if (result < 0) {
            return done > 0 ? (int) done : (int) result;
        }
        done += result;
        if (result < alike) {
            /* the next one shows why, or is an image's that came past every hook */
            if (of_images || !descriptor_adopt((int) requests[done]->aio_fildes)) {
                break;
            }
        }
    }
    return (int) done;
}
