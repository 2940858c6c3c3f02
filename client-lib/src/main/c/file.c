/* The functions of rbdw.h and image.h. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <org_rbdwrapper_ipc_codec/ioOp.h>

#include "error.h"
#include "file.h"
#include "held.h"
#include "image.h"
#include "io.h"
#include "rbdw.h"
#include "rbdw_protocol.h"
#include "segment.h"
#include "session.h"
#include "succession.h"

const char *rbdw_version(void)
{
    return RBDW_RELEASE;
}

/* Where a session's broker has ended, there is a next one. */
static bool is_lost(const struct session *session, int error)
{
    return error == -ENOTCONN && session_is_known_dead(session);
}

/* The current session, with a reference and a request begun. 0, SUCCESSION_LOST, or an error. */
static int begin_request(struct session **session)
{
    session_lock();
    int error = succession_acquire(session);
    if (error == 0) {
        session_begin_request(*session);
    }
    session_unlock();
    return error;
}

/* Under the lock: it is open in this session, whose reference becomes the file's; false where another
 * thread was first. */
static bool put_session(struct rbdw_file *file, struct session *session, uint32_t handle,
                        const struct image_id *id)
{
    struct session *before = atomic_load(&file->session);
    if (before != NULL && session_is_ours(before)) {
        return false;
    }
    file->id = *id;
    atomic_store_explicit(&file->handle, handle, memory_order_relaxed);
    atomic_store_explicit(&file->session, session, memory_order_release);
    if (before == NULL) {
        succession_add_file(file);
    } else {
        atomic_store(&file->failure, 0);
        session_release(before); /* of the parent */
    }
    return true;
}

/* id: what it is; where it was open before, the same. */
static int open_by_source(struct control *control, struct rbdw_file *file, uint32_t *handle,
                          struct image_id *id, int64_t *size)
{
    *size = CONTROL_SIZE_UNKNOWN;
    if (file->share != NULL) {
        return control_attach(control, file->placeholder, handle, id, file->share);
    }
    session_lock();
    struct open_source source = file->source;
    *id = file->id;
    session_unlock();
    return id->text[0] != '\0' ? control_open_again(control, &source, id, handle)
                               : control_open(control, &source, handle, id, size);
}

/* 0, SUCCESSION_LOST, or an error. */
static int ask_to_open(struct rbdw_file *file)
{
    struct session *session;
    struct image_id id;
    uint32_t handle;
    int64_t size;
    int error = begin_request(&session);
    if (error < 0) {
        return error;
    }
    error = open_by_source(session->control, file, &handle, &id, &size);
    if (error == 0) {
        error = file_keep_end(file, session->control, handle);
        if (error < 0 && session_is_alive(session)) {
            control_close(session->control, handle);
        }
    }
    session_lock();
    bool is_put = false;
    session_after_control(session);
    if (error == 0 && !succession_is_current(session)) {
        error = SUCCESSION_LOST; /* the file was in no list, so that nobody has opened it anew */
    } else if (error == 0) {
        is_put = put_session(file, session, handle, &id);
        file->size_at_open = size;
    } else if (is_lost(session, error)) {
        error = SUCCESSION_LOST;
    }
    session_unlock();
    if (error == 0 && !is_put) {
        control_close(session->control, handle);
    }
    session_lock();
    session_end_request(session);
    if (!is_put) {
        session_release(session);
    }
    session_unlock();
    return error;
}

/* In a stretch, for a child's first read opens the image here, and must not leave the request behind. */
static int open_in_session(struct rbdw_file *file)
{
    held_begin();
    int error = ask_to_open(file);
    held_end();
    return error;
}

/* Runs a step that needs a broker, again when there is the next one. */
static int with_broker(int (*step)(struct rbdw_file *), struct rbdw_file *file, bool in_child)
{
    struct attempts attempts = succession_first_attempt();
    while (true) {
        int error = step(file);
        if (error == SUCCESSION_LOST) {
            error = session_is_nested(0) ? session_gone() : succession_await_open(NULL);
            if (error < 0) {
                return error;
            }
        } else if (!succession_await_broker(&attempts, error, in_child)) {
            return error;
        }
    }
}

int rbdw_open(const char *path, int flags, struct rbdw_file **file)
{
    if (path == NULL || file == NULL) {
        return error_set(EINVAL, "open without a path or a place for the file");
    }
    int access_mode = flags & O_ACCMODE;
    bool truncates = (flags & O_TRUNC) != 0;
    if ((flags & ~(O_ACCMODE | O_CLOEXEC | O_LARGEFILE | O_TRUNC)) != 0
        || (truncates && access_mode == O_RDONLY)
        || (access_mode != O_RDONLY && access_mode != O_WRONLY && access_mode != O_RDWR)) {
        return error_set(EINVAL, "open %s: flags 0%o are not among O_RDONLY, O_WRONLY, O_RDWR, and"
                         " O_TRUNC with the latter two",
                         path, (unsigned) flags);
    }
    size_t path_size = strnlen(path, IMAGE_MAX_PATH) + 1;
    if (path_size > IMAGE_MAX_PATH) {
        return error_set(ENAMETOOLONG, "open: the path has more than %d bytes", IMAGE_MAX_PATH - 1);
    }
    struct rbdw_file *opened = calloc(1, sizeof *opened);
    if (opened == NULL) {
        return error_set(ENOMEM, "open %s: no memory", path);
    }
    memcpy(opened->path, path, path_size);
    opened->source = (struct open_source) {.path = opened->path, .access_mode = access_mode};
    int error = with_broker(open_in_session, opened, false);
    if (error < 0) {
        free(opened);
        return error;
    }
    error = truncates ? rbdw_truncate(opened, 0) : 0;
    if (error < 0) {
        rbdw_close(opened);
        return error;
    }
    *file = opened;
    return 0;
}

int image_open_shared(int placeholder, struct image_share *share, struct rbdw_file **file)
{
    struct rbdw_file *opened = calloc(1, sizeof *opened);
    if (opened == NULL) {
        return error_set(ENOMEM, "open of a descriptor: no memory");
    }
    opened->placeholder = placeholder;
    opened->share = share;
    share->state = -1;
    int error = with_broker(open_in_session, opened, false);
    if (error < 0) {
        free(opened);
        return error;
    }
    opened->share = NULL;
    strcpy(opened->path, share->image);
    opened->source = (struct open_source) {.path = opened->path, .access_mode = share->access_mode};
    *file = opened;
    return 0;
}

void image_open_again_by(struct rbdw_file *file, int (*descriptor)(void *context), void *context)
{
    session_lock();
    file->source.descriptor = descriptor;
    file->source.context = context;
    session_unlock();
}

const char *image_identity(const struct rbdw_file *file)
{
    return file->id.text;
}

int rbdw_close(struct rbdw_file *file)
{
    if (file == NULL) {
        return 0;
    }
    int error = 0;
    bool nested = session_is_nested(0);
    if (!nested) {
        succession_await_rest();
    }
    session_lock();
    struct session *session = atomic_load(&file->session);
    /* a broker that is gone has closed all, and a child's parent closes its own */
    bool is_open = session_is_ours(session) && session_is_alive(session);
    uint32_t handle = atomic_load(&file->handle);
    succession_remove_file(file);
    if (is_open) {
        session_begin_request(session);
    }
    session_unlock();
    if (is_open) {
        error = control_close(session->control, handle);
        session_end_request(session);
        if (session_is_known_dead(session)) {
            error = 0;
        }
    }
    session_lock();
    session_release(session);
    if (!nested) {
        succession_end_absence();
    }
    session_unlock();
    free(file);
    return error;
}

/* A child opens the image again for itself. */
static int open_in_child(struct rbdw_file *file)
{
    /* another thread may have been first */
    return session_is_ours(atomic_load(&file->session)) ? 0 : open_in_session(file);
}

/* The session in which the file is open, or an error. */
static int session_of(struct rbdw_file *file, struct session **session)
{
    *session = atomic_load_explicit(&file->session, memory_order_acquire);
    if (session_is_ours(*session)) {
        return 0;
    }
    int error = with_broker(open_in_child, file, true);
    *session = atomic_load_explicit(&file->session, memory_order_acquire);
    return error;
}

/* Makes the requests again that a broker which is gone has not answered. */
static int replay(struct rbdw_file *file, struct operation *operation,
                  const struct session *lost_on, struct taken_mark *mark)
{
    int error = 0;
    while (error == 0 && operation->again_count > 0) {
        struct session *session;
        struct channel *channel;
        error = succession_await_replay(file, lost_on, &session);
        if (error < 0) {
            break;
        }
        int failure = atomic_load(&file->failure);
        if (failure == 0 && session->is_late && io_is_change(operation)) {
            failure = EIO;
        }
        if (failure != 0) {
            io_fail_again(operation, failure);
            break;
        }
        lost_on = session;
        error = session_take_channel(session, mark, &channel);
        if (error == 0) {
            operation->handle = file->next_handle;
            error = io_run(session, channel, operation, true);
            session_return_channel(session, channel);
        }
        if (error == -ENOTCONN) {
            error = 0; /* the next one, then */
        }
    }
    succession_end_replay();
    return error;
}

/* Others have gone on. */
static void restart(struct operation *operation)
{
    if (io_is_change(operation)) {
        io_fail_again(operation, EIO);
    } else {
        io_begin(operation);
    }
}

/* One go at an operation. 0: look whether it is done; or an error. */
static int attempt(struct rbdw_file *file, struct operation *operation, struct taken_mark *mark)
{
    struct taken_mark while_following;
    struct session *session;
    struct channel *channel;
    bool is_in_time = false;
    int error = session_of(file, &session);
    if (error < 0) {
        return error;
    }
    error = session_take_channel(session, mark, &channel);
    if (error < 0) {
        channel = NULL;
    } else {
        if (session != atomic_load_explicit(&file->session, memory_order_relaxed)) {
            session_return_channel(session, channel);
            return 0; /* it was replaced meanwhile */
        }
        operation->handle = atomic_load_explicit(&file->handle, memory_order_relaxed);
        error = io_run(session, channel, operation, false);
    }
    if (error != -ENOTCONN || session_is_nested(channel != NULL)) {
        if (channel != NULL) {
            session_return_channel(session, channel);
        }
        return error == -ENOTCONN ? session_gone() : error;
    }
    session_begin_following(&while_following);
    bool has_lost = operation->again_count > 0;
    if (has_lost) {
        is_in_time = succession_begin_replay(session);
    }
    if (channel != NULL) {
        session_return_channel(session, channel);
    }
    error = 0;
    if (is_in_time) {
        error = replay(file, operation, session, mark);
    } else if (has_lost) {
        restart(operation);
    }
    if (error == 0 && !io_is_done(operation)) {
        error = succession_await_open(file);
    } else if (error == 0) {
        succession_await_rest(); /* who has helped so far helps until all can go on */
    }
    session_end_following();
    return error;
}

int64_t file_perform(struct rbdw_file *file, struct operation *operation)
{
    struct taken_mark mark;
    io_begin(operation);
    while (!io_is_done(operation)) {
        int error = attempt(file, operation, &mark);
        if (error < 0) {
            return error;
        }
    }
    return io_result(operation, file->path);
}

static int check_range(const struct rbdw_file *file, const char *what, off_t offset,
                       uint64_t length, uint64_t max_length)
{
    if (offset < 0 || length > max_length) {
        return error_set(EINVAL, "%s of %s: offset %lld or length %llu is out of range", what,
                         file->path, (long long) offset, (unsigned long long) length);
    }
    return 0;
}

/* Of a transfer: true where there is nothing to do but to return *result. */
static bool is_decided(const struct rbdw_file *file, const char *what, const void *buffer,
                       size_t count, off_t offset, ssize_t *result)
{
    *result = check_range(file, what, offset, count, SSIZE_MAX);
    if (*result == 0 && count > 0 && buffer == NULL) {
        *result = error_set(EFAULT, "%s of %s without a buffer", what, file->path);
    }
    return *result < 0 || count == 0;
}

/* So that offset + length stays in 63 bits; no image reaches there. */
static uint64_t clamp(off_t offset, uint64_t length)
{
    uint64_t room = (uint64_t) (INT64_MAX - offset);
    return length < room ? length : room;
}

ssize_t rbdw_pread(struct rbdw_file *file, void *buffer, size_t count, off_t offset)
{
    ssize_t result;
    if (is_decided(file, "read", buffer, count, offset, &result)) {
        return result;
    }
    struct operation operation;
    io_init(&operation, SBE(ioOp_READ), offset, clamp(offset, count));
    operation.read_into = buffer;
    return (ssize_t) file_perform(file, &operation);
}

ssize_t rbdw_pwrite(struct rbdw_file *file, const void *buffer, size_t count, off_t offset)
{
    ssize_t result;
    if (is_decided(file, "write", buffer, count, offset, &result)) {
        return result;
    }
    struct operation operation;
    io_init(&operation, SBE(ioOp_WRITE), offset, clamp(offset, count));
    operation.write_from = buffer;
    return (ssize_t) file_perform(file, &operation);
}

int rbdw_flush(struct rbdw_file *file)
{
    struct operation operation;
    io_init(&operation, SBE(ioOp_FLUSH), 0, 0);
    return (int) file_perform(file, &operation);
}

static int perform_on_range(struct rbdw_file *file, int op, const char *what, off_t offset,
                            off_t length)
{
    int error = check_range(file, what, offset, (uint64_t) length, INT64_MAX);
    if (error < 0 || length == 0) {
        return error;
    }
    struct operation operation;
    io_init(&operation, op, offset, clamp(offset, (uint64_t) length));
    return (int) file_perform(file, &operation);
}

int rbdw_discard(struct rbdw_file *file, off_t offset, off_t length)
{
    return perform_on_range(file, SBE(ioOp_DISCARD), "discard", offset, length);
}

int rbdw_write_zeroes(struct rbdw_file *file, off_t offset, off_t length)
{
    return perform_on_range(file, SBE(ioOp_WRITE_ZEROES), "write zeroes", offset, length);
}

int file_begin_request(struct rbdw_file *file, struct session **session, uint32_t *handle)
{
    while (true) {
        int error = session_of(file, session);
        if (error < 0) {
            return error;
        }
        session_lock();
        *session = atomic_load(&file->session);
        *handle = atomic_load(&file->handle);
        bool is_there = session_is_ours(*session) && session_is_alive(*session);
        if (is_there) {
            session_begin_request(*session);
        }
        session_unlock();
        if (is_there) {
            return 0;
        }
        if (session_is_nested(0)) {
            return session_gone();
        }
        error = succession_await_open(file);
        if (error < 0) {
            return error;
        }
    }
}

bool file_end_request(struct session *session, int error)
{
    session_after_control(session);
    bool again = is_lost(session, error);
    session_end_request(session);
    return again;
}

int image_stat_file(struct rbdw_file *file, struct image_stat *stat)
{
    struct session *session;
    uint32_t handle;
    int error;
    do {
        error = file_begin_request(file, &session, &handle);
        if (error < 0) {
            return error;
        }
        error = control_stat(session->control, handle, NULL, stat);
    } while (file_end_request(session, error));
    return error;
}

int image_set_times_file(struct rbdw_file *file, int64_t accessed, int64_t modified)
{
    struct session *session;
    uint32_t handle;
    int error;
    do {
        error = file_begin_request(file, &session, &handle);
        if (error < 0) {
            return error;
        }
        error = control_set_times(session->control, handle, NULL, accessed, modified);
    } while (file_end_request(session, error));
    return error;
}

int64_t image_size_at_open(struct rbdw_file *file)
{
    return file->size_at_open >= 0 ? file->size_at_open : rbdw_size(file);
}

int64_t rbdw_size(struct rbdw_file *file)
{
    struct image_stat stat;
    int error = image_stat_file(file, &stat);
    return error < 0 ? error : stat.size;
}

int image_share(struct rbdw_file *file, const struct image_share *share, int *placeholder, int *state)
{
    struct session *session;
    uint32_t handle;
    int error;
    do {
        error = file_begin_request(file, &session, &handle);
        if (error < 0) {
            return error;
        }
        error = control_share(session->control, handle, share, placeholder, state);
    } while (file_end_request(session, error));
    return error;
}

/* Each who opens it through /proc has an open file description of his own, to which locks belong. */
static int reopen(int memory)
{
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", memory);
    int fd = open(link, O_RDWR | O_CLOEXEC);
    return fd < 0 ? error_set(errno, "reopening the lock file by %s", link) : fd;
}

int image_request_lock_file(struct rbdw_file *file, int *memory)
{
    struct session *session;
    uint32_t handle;
    int error;
    do {
        error = file_begin_request(file, &session, &handle);
        if (error < 0) {
            return error;
        }
        error = control_open_lock_file(session->control, handle, memory);
    } while (file_end_request(session, error));
    return error;
}

int image_open_lock_file(int memory, int *fd)
{
    *fd = reopen(memory);
    close(memory);
    return *fd < 0 ? *fd : 0;
}

static int watch_changes(struct rbdw_file *file, const _Atomic uint64_t **changes)
{
    struct session *session;
    uint32_t handle;
    int memory = -1;
    int error;
    *changes = NULL;
    do {
        error = file_begin_request(file, &session, &handle);
        if (error < 0) {
            return error;
        }
        error = control_watch_changes(session->control, handle, &memory);
    } while (file_end_request(session, error));
    if (error == 0) {
        const void *page;
        error = segment_map_page(memory, &page);
        if (error == 0) {
            *changes = page;
        }
        close(memory);
    }
    return error;
}

/* In a stretch, for a read leads here, and must not leave the descriptor behind. */
int image_watch(struct rbdw_file *file, const _Atomic uint64_t **changes)
{
    held_begin();
    int error = watch_changes(file, changes);
    held_end();
    return error;
}

const void *image_connection(const struct rbdw_file *file)
{
    return atomic_load_explicit(&file->session, memory_order_relaxed);
}

void image_end_watch(const _Atomic uint64_t *changes)
{
    munmap((void *) changes, SEGMENT_PAGE);
}

/* Begins a request on whichever session there is, with a reference. SUCCESSION_LOST is dealt with. */
static int begin_any_request(struct session **session)
{
    struct attempts attempts = succession_first_attempt();
    while (true) {
        int error = begin_request(session);
        if (error == 0) {
            return 0;
        }
        if (error == SUCCESSION_LOST) {
            error = session_is_nested(0) ? session_gone() : succession_await_open(NULL);
        } else if (succession_await_broker(&attempts, error, false)) {
            error = 0;
        }
        if (error < 0) {
            return error;
        }
    }
}

static bool end_any_request(struct session *session, int error)
{
    session_lock();
    session_after_control(session);
    bool again = is_lost(session, error);
    session_end_request(session);
    session_release(session);
    session_unlock();
    return again;
}

int image_stat_path(const char *path, struct image_stat *stat)
{
    struct session *session;
    int error;
    do {
        error = begin_any_request(&session);
        if (error < 0) {
            return error;
        }
        error = control_stat(session->control, 0, path, stat);
    } while (end_any_request(session, error));
    return error;
}

int image_set_times_path(const char *path, int64_t accessed, int64_t modified)
{
    struct session *session;
    int error;
    do {
        error = begin_any_request(&session);
        if (error < 0) {
            return error;
        }
        error = control_set_times(session->control, 0, path, accessed, modified);
    } while (end_any_request(session, error));
    return error;
}

int image_list(int (*on_mapping)(void *context, const char *path, const struct image_stat *known),
               void *context)
{
    struct session *session;
    int error;
    do {
        error = begin_any_request(&session);
        if (error < 0) {
            return error;
        }
        error = control_list(session->control, on_mapping, context);
    } while (end_any_request(session, error));
    return error;
}
