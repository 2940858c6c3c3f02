#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <org_rbdwrapper_ipc_codec/attachOpen.h>
#include <org_rbdwrapper_ipc_codec/changesWatched.h>
#include <org_rbdwrapper_ipc_codec/closeImage.h>
#include <org_rbdwrapper_ipc_codec/done.h>
#include <org_rbdwrapper_ipc_codec/hello.h>
#include <org_rbdwrapper_ipc_codec/imageOpened.h>
#include <org_rbdwrapper_ipc_codec/imageStat.h>
#include <org_rbdwrapper_ipc_codec/keepEnd.h>
#include <org_rbdwrapper_ipc_codec/listMappings.h>
#include <org_rbdwrapper_ipc_codec/lockFileOpened.h>
#include <org_rbdwrapper_ipc_codec/mappings.h>
#include <org_rbdwrapper_ipc_codec/openAttached.h>
#include <org_rbdwrapper_ipc_codec/openImage.h>
#include <org_rbdwrapper_ipc_codec/openLockFile.h>
#include <org_rbdwrapper_ipc_codec/openShared.h>
#include <org_rbdwrapper_ipc_codec/replayDone.h>
#include <org_rbdwrapper_ipc_codec/resume.h>
#include <org_rbdwrapper_ipc_codec/resumed.h>
#include <org_rbdwrapper_ipc_codec/setTimes.h>
#include <org_rbdwrapper_ipc_codec/shareOpen.h>
#include <org_rbdwrapper_ipc_codec/stat.h>
#include <org_rbdwrapper_ipc_codec/watchChanges.h>
#include <org_rbdwrapper_ipc_codec/welcome.h>

#include "control_call.h"
#include "error.h"
#include "held.h"
#include "rbdw_protocol.h"

#define MAX_PATH 4096

/* A codec over a frame's body. Encoding: of a new message. */
#define BEGIN_ENCODING(message, codec, frame)                                                      \
    SBE(message##_wrap_for_encode)(codec, frame_body(frame), 0, FRAME_MAX_MESSAGE                  \
                                                                    - FRAME_HEADER_BYTES)
/* Decoding: of what came, whose template and block's length were checked. */
#define BEGIN_DECODING(message, codec, frame)                                                      \
    SBE(message##_wrap_for_decode)(codec, frame_body(frame), 0, (frame)->block_length,             \
                                   (frame)->version, frame_body_length(frame))
#define SEND_WITH(message, codec, control, call, descriptor)                                       \
    control_call_send(control, call, SBE(message##_sbe_template_id)(),                             \
                      SBE(message##_sbe_block_length)(), SBE(message##_encoded_length)(codec),     \
                      descriptor)
#define SEND(message, codec, control, call) SEND_WITH(message, codec, control, call, -1)
#define AWAIT(message, control, call)                                                              \
    control_call_await(control, call, SBE(message##_sbe_template_id)(),                            \
                       SBE(message##_sbe_block_length)())

int control_hello(struct control *control, uint16_t channels, uint16_t depth,
                  uint32_t arena_length, struct welcome *welcome)
{
    struct SBE(hello) hello;
    const char *program = program_invocation_short_name;
    int descriptors[2] = {-1, -1};
    struct control_call call; /* nobody else uses the socket yet */
    int error = control_call_begin(control, &call);
    if (error < 0) {
        control_call_end(control, &call);
        welcome->memory = welcome->doorbell = -1;
        return error;
    }
    BEGIN_ENCODING(hello, &hello, call.frame);
    SBE(hello_set_protocolMajor)(&hello, PROTOCOL_MAJOR);
    SBE(hello_set_protocolMinor)(&hello, PROTOCOL_MINOR);
    SBE(hello_set_channels)(&hello, channels);
    SBE(hello_set_depth)(&hello, depth);
    SBE(hello_set_arenaLength)(&hello, arena_length);
    SBE(hello_put_program)(&hello, program, (uint16_t) strnlen(program, 255));
    SBE(hello_put_release)(&hello, RBDW_RELEASE, sizeof RBDW_RELEASE - 1);
    error = frame_send(control->socket, call.frame, SBE(hello_sbe_template_id)(),
                       SBE(hello_sbe_block_length)(), SBE(hello_encoded_length)(&hello), -1);
    if (error == 0 || error == -ENOTCONN) {
        /* a broker that is full says so, and hangs up, before it is asked */
        held_let_end();
        error = frame_receive(control->socket, call.frame, descriptors, 2);
        if (error < 0) {
            control_break(control, error);
        }
    }
    if (error == 0) {
        error = control_call_check(control, call.frame, SBE(welcome_sbe_template_id)(),
                                   SBE(welcome_sbe_block_length)());
    }
    if (error == 0 && (descriptors[0] < 0 || descriptors[1] < 0)) {
        error = error_set(EMFILE, "this process cannot take the broker's shared memory: its limit"
                                  " of open files (ulimit -n) is reached");
    }
    if (error < 0) {
        control_close_descriptors(descriptors, 2);
    } else {
        struct SBE(welcome) answer;
        BEGIN_DECODING(welcome, &answer, call.frame);
        welcome->session_id = SBE(welcome_sessionId)(&answer);
        welcome->segment_length = SBE(welcome_segmentLength)(&answer);
    }
    welcome->memory = descriptors[0];
    welcome->doorbell = descriptors[1];
    control_call_end(control, &call);
    return error;
}

int control_resume(struct control *control, uint64_t generation, uint64_t session_id, bool *late)
{
    struct SBE(resume) request;
    struct control_call call;
    int error = control_call_begin(control, &call);
    if (error == 0) {
        BEGIN_ENCODING(resume, &request, call.frame);
        SBE(resume_set_correlationId)(&request, call.id);
        SBE(resume_set_generation)(&request, generation);
        SBE(resume_set_sessionId)(&request, session_id);
        error = SEND(resume, &request, control, &call);
    }
    if (error == 0) {
        error = AWAIT(resumed, control, &call);
    }
    if (error == 0) {
        struct SBE(resumed) answer;
        BEGIN_DECODING(resumed, &answer, call.frame);
        *late = SBE(resumed_late)(&answer) != 0;
    }
    control_call_end(control, &call);
    return error;
}

int control_send_replay_done(struct control *control)
{
    struct SBE(replayDone) request;
    struct control_call *call = &control->replay;
    int error = control_call_begin(control, call);
    if (error == 0) {
        BEGIN_ENCODING(replayDone, &request, call->frame);
        SBE(replayDone_set_correlationId)(&request, call->id);
        error = SEND(replayDone, &request, control, call);
    }
    if (error < 0) {
        control_call_end(control, call);
        call->id = 0;
    } else {
        held_end(); /* it goes on without us */
    }
    return error;
}

int control_await_replay_done(struct control *control)
{
    struct control_call *call = &control->replay;
    if (call->id == 0) {
        return 0;
    }
    held_begin();
    int error = AWAIT(done, control, call);
    call->id = 0;
    control_call_end(control, call);
    return error;
}

static int decode_image_id(struct control *control, struct frame *frame,
                           struct SBE(imageOpened) *answer, struct image_id *id)
{
    size_t begin = frame->block_length + SBE(imageOpened_imageId_header_length)();
    memset(id, 0, sizeof *id);
    if (frame_body_length(frame) >= begin
        && frame_body_length(frame) >= begin + SBE(imageOpened_imageId_length)(answer)) {
        SBE(imageOpened_get_imageId)(answer, id->text, sizeof id->text - 1);
        return 0;
    }
    control_break(control, -EPROTO);
    return error_set(EPROTO, "the broker's answer is not well formed");
}

static int open_path(struct control *control, const char *path, int access_mode, uint32_t *handle,
                     struct image_id *id, int64_t *size)
{
    size_t path_length = strnlen(path, MAX_PATH);
    if (path_length == MAX_PATH) {
        return error_set(ENAMETOOLONG, "open: the path has more than %d bytes", MAX_PATH - 1);
    }
    struct SBE(openImage) request;
    struct SBE(openFlags) flags;
    struct control_call call;
    int error = control_call_begin(control, &call);
    if (error == 0) {
        BEGIN_ENCODING(openImage, &request, call.frame);
        SBE(openImage_set_correlationId)(&request, call.id);
        SBE(openImage_flags)(&request, &flags);
        SBE(openFlags_clear)(&flags);
        SBE(openFlags_set_read)(&flags, access_mode != O_WRONLY);
        SBE(openFlags_set_write)(&flags, access_mode != O_RDONLY);
        SBE(openImage_put_path)(&request, path, (uint16_t) path_length);
        error = SEND(openImage, &request, control, &call);
    }
    if (error == 0) {
        error = AWAIT(imageOpened, control, &call);
    }
    if (error == 0) {
        struct SBE(imageOpened) answer = {0};
        BEGIN_DECODING(imageOpened, &answer, call.frame);
        *handle = SBE(imageOpened_handle)(&answer);
        *size = SBE(imageOpened_size)(&answer);
        if (id != NULL) {
            error = decode_image_id(control, call.frame, &answer, id);
        }
    }
    control_call_end(control, &call);
    return error;
}

int control_keep_end(struct control *control, uint32_t handle, int64_t begin, int64_t length,
                     int64_t end)
{
    struct SBE(keepEnd) request;
    struct control_call call;
    int error = control_call_begin(control, &call);
    if (error == 0) {
        BEGIN_ENCODING(keepEnd, &request, call.frame);
        SBE(keepEnd_set_correlationId)(&request, call.id);
        SBE(keepEnd_set_handle)(&request, handle);
        SBE(keepEnd_set_begin)(&request, begin);
        SBE(keepEnd_set_length)(&request, length);
        SBE(keepEnd_set_end)(&request, end);
        error = SEND(keepEnd, &request, control, &call);
    }
    if (error == 0) {
        error = AWAIT(done, control, &call);
    }
    control_call_end(control, &call);
    return error;
}

int control_open(struct control *control, const struct open_source *source, uint32_t *handle,
                 struct image_id *id, int64_t *size)
{
    int descriptor = source->descriptor == NULL ? -1 : source->descriptor(source->context);
    *size = CONTROL_SIZE_UNKNOWN;
    if (descriptor >= 0) {
        int error = control_attach(control, descriptor, handle, id, NULL);
        close(descriptor);
        if (error != -EBADF) {
            return error; /* else this broker has never heard of it */
        }
    }
    return open_path(control, source->path, source->access_mode, handle, id, size);
}

int control_open_again(struct control *control, const struct open_source *source,
                       const struct image_id *id, uint32_t *handle)
{
    struct image_id found;
    int64_t size;
    int error = control_open(control, source, handle, &found, &size);
    if (error == 0 && memcmp(&found, id, sizeof found) != 0) {
        control_close(control, *handle);
        return error_set(ESTALE, "%s is another image than the one that was opened", source->path);
    }
    return error;
}

int control_share(struct control *control, uint32_t handle, const struct image_share *share,
                  int *placeholder, int *state)
{
    struct SBE(shareOpen) request;
    struct control_call call;
    *placeholder = *state = -1;
    int error = control_call_begin(control, &call);
    if (error == 0) {
        BEGIN_ENCODING(shareOpen, &request, call.frame);
        SBE(shareOpen_set_correlationId)(&request, call.id);
        SBE(shareOpen_set_handle)(&request, handle);
        SBE(shareOpen_set_partition)(&request, share->partition);
        SBE(shareOpen_set_start)(&request, share->base);
        SBE(shareOpen_set_length)(&request, share->length);
        SBE(shareOpen_put_path)(&request, share->path,
                                (uint16_t) strnlen(share->path, sizeof share->path));
        error = SEND(shareOpen, &request, control, &call);
    }
    if (error == 0) {
        error = AWAIT(openShared, control, &call);
    }
    if (error == 0 && (call.descriptors[0] < 0 || call.descriptors[1] < 0)) {
        error = error_set(EMFILE, "this process cannot take the descriptor of an image: its limit of"
                                  " open files (ulimit -n) is reached");
    }
    if (error == 0) {
        *placeholder = call.descriptors[0];
        *state = call.descriptors[1];
        call.descriptors[0] = call.descriptors[1] = -1;
    }
    control_call_end(control, &call);
    return error;
}

/* The strings of an answer stand in the schema's order, and are read in it. False where one is longer than
 * its place, or has a zero in it. */
static bool take_text(char *text, size_t room, const char *found, uint64_t length)
{
    if (found == NULL || length >= room || memchr(found, '\0', length) != NULL) {
        return false;
    }
    memcpy(text, found, length);
    text[length] = '\0';
    return true;
}

/* What the broker says is checked, since what it knows of this open may come from another program. */
static int decode_attached(struct frame *frame, uint32_t *handle, struct image_id *id,
                           struct image_share *share)
{
    struct SBE(openAttached) answer;
    struct SBE(openFlags) flags;
    if (BEGIN_DECODING(openAttached, &answer, frame) == NULL) {
        return -EPROTO;
    }
    bool reads = SBE(openAttached_flags)(&answer, &flags) != NULL && SBE(openFlags_read)(&flags);
    share->access_mode = !reads ? O_WRONLY : SBE(openFlags_write)(&flags) ? O_RDWR : O_RDONLY;
    *handle = SBE(openAttached_handle)(&answer);
    share->partition = SBE(openAttached_partition)(&answer);
    share->base = SBE(openAttached_start)(&answer);
    share->length = SBE(openAttached_length)(&answer);
    memset(id, 0, sizeof *id);
    uint64_t id_length = SBE(openAttached_imageId_length)(&answer);
    const char *text = SBE(openAttached_imageId)(&answer);
    if (text == NULL) {
        return -EPROTO;
    }
    memcpy(id->text, text, id_length < sizeof id->text - 1 ? id_length : sizeof id->text - 1);
    uint64_t length = SBE(openAttached_mappedPath_length)(&answer);
    if (!take_text(share->image, sizeof share->image, SBE(openAttached_mappedPath)(&answer), length)) {
        return -EPROTO;
    }
    length = SBE(openAttached_path_length)(&answer);
    if (!take_text(share->path, sizeof share->path, SBE(openAttached_path)(&answer), length)
        || share->base < 0 || share->length < -1
        || (share->length > 0 && share->base > INT64_MAX - share->length)) {
        return -EPROTO;
    }
    return 0;
}

int control_attach(struct control *control, int placeholder, uint32_t *handle, struct image_id *id,
                   struct image_share *share)
{
    struct SBE(attachOpen) request;
    struct control_call call;
    struct image_share unused;
    struct image_id unused_id;
    int error = control_call_begin(control, &call);
    if (error == 0) {
        BEGIN_ENCODING(attachOpen, &request, call.frame);
        SBE(attachOpen_set_correlationId)(&request, call.id);
        error = SEND_WITH(attachOpen, &request, control, &call, placeholder);
    }
    if (error == 0) {
        error = AWAIT(openAttached, control, &call);
    }
    if (error == 0) {
        error = decode_attached(call.frame, handle, id == NULL ? &unused_id : id,
                                share == NULL ? &unused : share);
        if (error < 0) {
            control_break(control, error);
            error = error_set(EPROTO, "the broker's answer is not well formed");
        }
    }
    if (share != NULL) {
        share->state = error < 0 ? -1 : call.descriptors[0];
    }
    if (error == 0 && share != NULL) {
        call.descriptors[0] = -1;
    }
    control_call_end(control, &call);
    return error;
}

int control_close(struct control *control, uint32_t handle)
{
    struct SBE(closeImage) request;
    struct control_call call;
    int error = control_call_begin(control, &call);
    if (error == 0) {
        BEGIN_ENCODING(closeImage, &request, call.frame);
        SBE(closeImage_set_correlationId)(&request, call.id);
        SBE(closeImage_set_handle)(&request, handle);
        error = SEND(closeImage, &request, control, &call);
    }
    if (error == 0) {
        error = AWAIT(done, control, &call);
    }
    control_call_end(control, &call);
    return error;
}

int control_stat(struct control *control, uint32_t handle, const char *path,
                 struct image_stat *stat)
{
    struct SBE(stat) request;
    struct control_call call;
    size_t path_length = path == NULL ? 0 : strnlen(path, MAX_PATH);
    if (path_length == MAX_PATH) {
        return error_set(ENAMETOOLONG, "stat: the path has more than %d bytes", MAX_PATH - 1);
    }
    int error = control_call_begin(control, &call);
    if (error == 0) {
        BEGIN_ENCODING(stat, &request, call.frame);
        SBE(stat_set_correlationId)(&request, call.id);
        SBE(stat_set_handle)(&request, path == NULL ? handle : SBE(stat_handle_null_value)());
        SBE(stat_put_path)(&request, path == NULL ? "" : path, (uint16_t) path_length);
        error = SEND(stat, &request, control, &call);
    }
    if (error == 0) {
        error = AWAIT(imageStat, control, &call);
    }
    if (error == 0) {
        struct SBE(imageStat) answer;
        struct SBE(mapFlags) flags;
        BEGIN_DECODING(imageStat, &answer, call.frame);
        bool has_flags = SBE(imageStat_flags)(&answer, &flags) != NULL;
        *stat = (struct image_stat) {
            .mapping_id = SBE(imageStat_mappingId)(&answer),
            .object_size = SBE(imageStat_objectSize)(&answer),
            .size = SBE(imageStat_size)(&answer),
            .owner_uid = SBE(imageStat_ownerUid)(&answer),
            .owner_gid = SBE(imageStat_ownerGid)(&answer),
            .mode = SBE(imageStat_mode)(&answer) & 0777,
            .read_only = has_flags && SBE(mapFlags_readOnly)(&flags),
            .is_snapshot = has_flags && SBE(mapFlags_snapshot)(&flags),
            .mapped_at_ns = SBE(imageStat_mappedAt)(&answer),
            .accessed_ns = SBE(imageStat_accessedAt)(&answer),
            .modified_ns = SBE(imageStat_modifiedAt)(&answer),
            .changed_ns = SBE(imageStat_changedAt)(&answer),
            .created_ns = SBE(imageStat_createdAt)(&answer),
        };
        if (stat->size < 0) {
            error = error_set(EPROTO, "the broker answered with a size below 0");
        }
    }
    control_call_end(control, &call);
    return error;
}

int control_set_times(struct control *control, uint32_t handle, const char *path, int64_t accessed,
                      int64_t modified)
{
    struct SBE(setTimes) request;
    struct control_call call;
    size_t path_length = path == NULL ? 0 : strnlen(path, MAX_PATH);
    if (path_length == MAX_PATH) {
        return error_set(ENAMETOOLONG, "setting times: the path has more than %d bytes",
                         MAX_PATH - 1);
    }
    int error = control_call_begin(control, &call);
    if (error == 0) {
        BEGIN_ENCODING(setTimes, &request, call.frame);
        SBE(setTimes_set_correlationId)(&request, call.id);
        SBE(setTimes_set_handle)(&request, path == NULL ? handle : SBE(setTimes_handle_null_value)());
        SBE(setTimes_set_accessed)(&request, accessed);
        SBE(setTimes_set_modified)(&request, modified);
        SBE(setTimes_put_path)(&request, path == NULL ? "" : path, (uint16_t) path_length);
        error = SEND(setTimes, &request, control, &call);
    }
    if (error == 0) {
        error = AWAIT(done, control, &call);
    }
    control_call_end(control, &call);
    return error;
}

/* The memory that has come with the answer; what: its name for people. */
static int take_memory(struct control_call *call, int absent, const char *what, int *memory)
{
    *memory = call->descriptors[0];
    call->descriptors[0] = -1;
    return *memory >= 0 ? 0
                        : error_set(absent, "the broker has sent no %s: is the limit of open files"
                                            " (ulimit -n) reached?", what);
}

int control_open_lock_file(struct control *control, uint32_t handle, int *memory)
{
    struct SBE(openLockFile) request;
    struct control_call call;
    *memory = -1;
    int error = control_call_begin(control, &call);
    if (error == 0) {
        BEGIN_ENCODING(openLockFile, &request, call.frame);
        SBE(openLockFile_set_correlationId)(&request, call.id);
        SBE(openLockFile_set_handle)(&request, handle);
        error = SEND(openLockFile, &request, control, &call);
    }
    if (error == 0) {
        error = AWAIT(lockFileOpened, control, &call);
    }
    if (error == 0) {
        error = take_memory(&call, ENOLCK, "lock file", memory);
    }
    control_call_end(control, &call);
    return error;
}

int control_watch_changes(struct control *control, uint32_t handle, int *memory)
{
    struct SBE(watchChanges) request;
    struct control_call call;
    *memory = -1;
    int error = control_call_begin(control, &call);
    if (error == 0) {
        BEGIN_ENCODING(watchChanges, &request, call.frame);
        SBE(watchChanges_set_correlationId)(&request, call.id);
        SBE(watchChanges_set_handle)(&request, handle);
        error = SEND(watchChanges, &request, control, &call);
    }
    if (error == 0) {
        error = AWAIT(changesWatched, control, &call);
    }
    if (error == 0) {
        error = take_memory(&call, EMFILE, "change counter", memory);
    }
    control_call_end(control, &call);
    return error;
}

/* The strings of an entry stand in the schema's order, and are read in it. */
static int read_mapping(struct SBE(mappings_mapping) *mapping, char *path, size_t room,
                        struct image_stat *known)
{
    struct SBE(mapFlags) flags;
    char unused[1];
    bool is_read_only =
        SBE(mappings_mapping_flags)(mapping, &flags) != NULL && SBE(mapFlags_readOnly)(&flags);
    *known = (struct image_stat) {
        .mapping_id = SBE(mappings_mapping_mappingId)(mapping),
        .owner_uid = SBE(mappings_mapping_ownerUid)(mapping),
        .owner_gid = SBE(mappings_mapping_ownerGid)(mapping),
        .mode = SBE(mappings_mapping_mode)(mapping) & 0777,
        .read_only = is_read_only,
        .mapped_at_ns = SBE(mappings_mapping_mappedAt)(mapping),
    };
    SBE(mappings_mapping_get_pool)(mapping, unused, 0);
    SBE(mappings_mapping_get_poolNamespace)(mapping, unused, 0);
    SBE(mappings_mapping_get_image)(mapping, unused, 0);
    SBE(mappings_mapping_get_snap)(mapping, unused, 0);
    uint64_t length = SBE(mappings_mapping_get_path)(mapping, path, room - 1);
    path[length] = '\0';
    SBE(mappings_mapping_get_options)(mapping, unused, 0);
    return length == 0 || strlen(path) < length
               ? error_set(EPROTO, "the broker's list of mappings is not well formed")
               : 0;
}

static int read_mappings(struct frame *frame,
                         int (*on_mapping)(void *context, const char *path,
                                           const struct image_stat *known),
                         void *context)
{
    struct SBE(mappings) answer;
    struct SBE(mappings_mapping) mapping;
    int error = 0;
    if (BEGIN_DECODING(mappings, &answer, frame) == NULL
        || SBE(mappings_get_mapping)(&answer, &mapping) == NULL) {
        return error_set(EPROTO, "the broker's list of mappings is not well formed");
    }
    while (error == 0 && SBE(mappings_mapping_has_next)(&mapping)) {
        char path[MAX_PATH];
        struct image_stat known;
        if (SBE(mappings_mapping_next)(&mapping) == NULL) {
            return error_set(EPROTO, "the broker's list of mappings is not well formed");
        }
        error = read_mapping(&mapping, path, sizeof path, &known);
        if (error == 0) {
            error = on_mapping(context, path, &known);
        }
    }
    return error;
}

int control_list(struct control *control,
                 int (*on_mapping)(void *context, const char *path,
                                   const struct image_stat *known),
                 void *context)
{
    struct SBE(listMappings) request;
    struct control_call call;
    int error = control_call_begin(control, &call);
    if (error == 0) {
        BEGIN_ENCODING(listMappings, &request, call.frame);
        SBE(listMappings_set_correlationId)(&request, call.id);
        error = SEND(listMappings, &request, control, &call);
    }
    if (error == 0) {
        error = AWAIT(mappings, control, &call);
    }
    if (error == 0) {
        error = read_mappings(call.frame, on_mapping, context);
    }
    control_call_end(control, &call);
    return error;
}
