/* The logical end of a file: up to where a program that has truncated it has written since. The broker
 * has the number, which all moves that anybody writes; here it is known that the file has one, for
 * whoever opens the image anew: this process with the next broker, or a child for itself. */

#include <errno.h>

#include <org_rbdwrapper_ipc_codec/ioOp.h>

#include "error.h"
#include "file.h"
#include "image.h"
#include "rbdw_protocol.h"

/* END_BEING_SET comes before the first truncation is done: a broker that dies then may have done it, and
 * the next one has the end; or not, and it is made again. */
enum { END_NONE, END_BEING_SET, END_KEPT };

static void begin_end(struct rbdw_file *file, int64_t begin, int64_t length)
{
    int none = END_NONE;
    if (atomic_load(&file->end_state) == END_NONE) {
        file->end_begin = begin; /* whoever else does has the same */
        file->end_length = length;
        atomic_compare_exchange_strong(&file->end_state, &none, END_BEING_SET);
    }
}

static int change_end(struct rbdw_file *file, int op, int64_t begin, int64_t length, int64_t end)
{
    struct operation operation;
    io_init(&operation, op, begin + end, (uint64_t) length);
    operation.begin = begin;
    return (int) file_perform(file, &operation);
}

int image_truncate(struct rbdw_file *file, int64_t begin, int64_t length, int64_t end)
{
    begin_end(file, begin, length);
    int error = change_end(file, SBE(ioOp_TRUNCATE), begin, length, end);
    int was = END_BEING_SET;
    atomic_compare_exchange_strong(&file->end_state, &was, error < 0 ? END_NONE : END_KEPT);
    return error;
}

int image_extend(struct rbdw_file *file, int64_t begin, int64_t length, int64_t end)
{
    return change_end(file, SBE(ioOp_EXTEND), begin, length, end);
}

void image_share_end(struct rbdw_file *file, const _Atomic int64_t *known_end)
{
    atomic_store(&file->known_end, known_end);
}

/* A child has to open the image before it moves the end that it knows: else it would tell the broker of the
 * end that is to come, and what it skips would not become zeroes. */
bool image_keeps_end(const struct rbdw_file *file)
{
    return atomic_load_explicit(&file->end_state, memory_order_relaxed) == END_KEPT
           && session_is_ours(atomic_load_explicit(&file->session, memory_order_acquire));
}

int image_keep_end(struct rbdw_file *file, int64_t begin, int64_t length)
{
    struct session *session;
    uint32_t handle;
    int error;
    begin_end(file, begin, length);
    do {
        error = file_begin_request(file, &session, &handle);
        if (error < 0) {
            return error;
        }
        atomic_store(&file->end_state, END_KEPT);
        error = file_keep_end(file, session->control, handle);
    } while (file_end_request(session, error));
    return error;
}

int file_keep_end(const struct rbdw_file *file, struct control *control, uint32_t handle)
{
    int state = atomic_load(&file->end_state);
    if (state == END_NONE) {
        return 0;
    }
    const _Atomic int64_t *known = atomic_load(&file->known_end);
    int64_t end = known == NULL ? -1 : atomic_load(known);
    int error = control_keep_end(control, handle, file->end_begin, file->end_length,
                                 end < 0 ? -1 : file->end_begin + end);
    return error == -EIO && state == END_BEING_SET ? 0 : error;
}

int rbdw_truncate(struct rbdw_file *file, off_t length)
{
    if (length < 0) {
        return error_set(EINVAL, "truncation of %s to %lld bytes", file->path, (long long) length);
    }
    return image_truncate(file, 0, INT64_MAX, length);
}
