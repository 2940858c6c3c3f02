/* lio_listio(3): lists of requests, of images and of others. */

#include <aio.h>
#include <stdlib.h>

#include "hook.h"
#include "posix_aio_requests.h"

static bool is_of_image(const struct aiocb *block)
{
    return block != NULL && block->aio_lio_opcode != LIO_NOP
           && descriptor_is_image(block->aio_fildes);
}

static int submit_of_list(struct aiocb *block, struct posix_aio_group *group)
{
    struct open_file *file = descriptor_enter(block->aio_fildes);
    int error = file == NULL ? -EBADF : 0;
    if (block->aio_lio_opcode != LIO_READ && block->aio_lio_opcode != LIO_WRITE) {
        error = -EINVAL;
        if (file != NULL) {
            open_file_release(file);
        }
    }
    if (error == 0) {
        error = posix_aio_submit(block, block->aio_lio_opcode == LIO_READ ? CALL_aio_read : CALL_aio_write, file,
                       group);
    }
    if (error < 0) {
        block->__return_value = -1;
        block->__error_code = -error;
    }
    return error;
}

static int wait_for_list(struct aiocb *const list[], int count)
{
    int failed = 0;
    for (int i = 0; i < count; i++) {
        while (list[i] != NULL && list[i]->aio_lio_opcode != LIO_NOP) {
            uint32_t seen = atomic_load(&posix_aio_done);
            if (!posix_aio_is_under_way(list[i])) {
                failed |= posix_aio_error_of(list[i]) != 0 && posix_aio_error_of(list[i]) != EINPROGRESS;
                break;
            }
            if (posix_aio_sleep(seen, INT64_MAX) == -EINTR) {
                return -EINTR;
            }
        }
    }
    return failed ? -EIO : 0;
}

static void on_others_done(union sigval value)
{
    posix_aio_leave_group(value.sival_ptr);
}

/* Those that are no images' go to the C library, which tells the group when all of them are done. */
static int submit_others(struct aiocb *const list[], int count, struct posix_aio_group *group, int mode)
{
    struct aiocb **others = calloc((size_t) count, sizeof *others);
    struct sigevent tell_group = {
        .sigev_notify = SIGEV_THREAD,
        .sigev_notify_function = on_others_done,
        .sigev_value.sival_ptr = group,
    };
    int left = 0;
    if (others == NULL) {
        return -EAGAIN;
    }
    for (int i = 0; i < count; i++) {
        if (list[i] != NULL && list[i]->aio_lio_opcode != LIO_NOP && !is_of_image(list[i])) {
            others[left++] = list[i];
        }
    }
    int error = 0;
    if (left > 0) {
        if (group != NULL) {
            atomic_fetch_add(&group->left, 1);
        }
        if (REAL(lio_listio)(mode, others, left, group == NULL ? NULL : &tell_group) < 0) {
            error = -errno; /* EIO: some may be under way; the group is told all the same */
            if (group != NULL && error != -EIO) {
                atomic_fetch_sub(&group->left, 1);
            }
        }
    }
    free(others);
    return error;
}

static struct posix_aio_group *group_for(const struct sigevent *event)
{
    struct posix_aio_group *group = malloc(sizeof *group);
    if (group != NULL) {
        atomic_init(&group->left, 1);
        group->event = *event;
    }
    return group;
}

HOOK int lio_listio(int mode, struct aiocb *const list[], int count, struct sigevent *event)
{
    int error = 0;
    struct posix_aio_group *group = NULL;
    int of_images = 0;
    for (int i = 0; i < count && of_images == 0; i++) {
        of_images += is_of_image(list[i]);
    }
    if (of_images == 0 || (mode != LIO_WAIT && mode != LIO_NOWAIT)) {
        return REAL(lio_listio)(mode, list, count, event);
    }
    report_count(CALL_lio_listio);
    if (mode == LIO_NOWAIT && event != NULL && event->sigev_notify != SIGEV_NONE) {
        group = group_for(event);
        if (group == NULL) {
            return (int) as_result(-EAGAIN);
        }
    }
    for (int i = 0; i < count; i++) {
        if (is_of_image(list[i]) && submit_of_list(list[i], group) < 0) {
            error = -EIO;
        }
    }
    int of_others = submit_others(list, count, group, mode);
    if (mode == LIO_WAIT) {
        int waited = wait_for_list(list, count);
        error = waited < 0 ? waited : error;
    }
    if (group != NULL) {
        posix_aio_leave_group(group);
    }
    return (int) as_result(error < 0 ? error : of_others);
}

ALIAS(lio_listio64, lio_listio);
