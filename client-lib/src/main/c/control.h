/* A session's requests on the broker's socket: each sends one message and waits for its answer. Any number of
 * threads at a time: one whose image does not answer holds up none of the others (control_call.h). No
 * signal handler runs on a thread meanwhile, and it is not cancelled; signals that end the program do.
 *
 * All return 0 or an error with its text. */

#ifndef RBDW_CONTROL_H
#define RBDW_CONTROL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "frame.h"
#include "image.h"

#define CONTROL_SPARES 4

/* One request. */
struct control_call {
    struct control_call *next;
    uint64_t id;         /* correlation id */
    struct frame *frame; /* the request's, then the answer's */
    int descriptors[2];  /* that came with the answer; -1: none */
    bool is_answered;
};

struct control {
    int socket;
    _Atomic bool broken; /* the broker is gone or not understood: no more requests */
    _Atomic int failure; /* why: a positive error */
    _Atomic uint32_t changes; /* futex: changes when an answer has come, and who reads may change */
    pthread_mutex_t sending; /* one frame after the other */

    pthread_mutex_t lock; /* of what follows; held for moments */
    uint64_t next_correlation_id;
    struct control_call *calls; /* that have no answer */
    bool is_read;               /* a thread reads the socket, into incoming */
    struct frame *incoming;
    uint32_t spare_count;
    struct frame *spares[CONTROL_SPARES];

    /* Of who resumes the session, one thread at a time. */
    struct control_call replay; /* ReplayDone; its id is 0 where it has been answered, or not been sent */
};

/* What the broker said when it welcomed us. */
struct welcome {
    uint64_t session_id;
    int64_t segment_length; /* bytes */
    int memory;             /* descriptors, the caller's to close; -1 where there is none */
    int doorbell;
};

/* What control_end may end from now on. socket: connected, or -1: it follows. */
void control_init(struct control *control, int socket);

/* Gives its memory back, not the socket. No call is under way. */
void control_end(struct control *control);

/* Those that are not -1, which they are then. */
void control_close_descriptors(int *descriptors, int count);

/* Begins the session. After an error welcome's descriptors are -1. */
int control_hello(struct control *control, uint16_t channels, uint16_t depth,
                  uint32_t arena_length, struct welcome *welcome);

/* After control_hello, before anything is opened: this session goes on where another has ended.
 * generation: of that one's segment, 0 where there was none. late: what it has changed without an
 * answer may not be done again. */
int control_resume(struct control *control, uint64_t generation, uint64_t session_id, bool *late);

/* All that had no answer was made again, and has its own. Returns when this is so of every session
 * that the broker waits for; as two calls, between which others may come. */
int control_send_replay_done(struct control *control);
int control_await_replay_done(struct control *control);

/* An image's identity, which outlives its name: a longer one is cut off. */
struct image_id {
    char text[IMAGE_IDENTITY_SIZE];
};

/* Of an image that is open anew, for a file that was truncated: its logical end goes on. begin, length:
 * the file's place in the image. end: as far as is known here, or -1. -EIO: it is not known any more. */
int control_keep_end(struct control *control, uint32_t handle, int64_t begin, int64_t length,
                     int64_t end);

/* What is to be opened: for the first time, in a child, with the next broker, for a queue. */
struct open_source {
    const char *path; /* /rbdw/NAME */
    int access_mode;
    /* NULL, or: gives a descriptor that stands for it (image_share), the caller's to close, or -1. Then it
     * is opened by that, which needs no rights and leads to the same image, whatever has its name. */
    int (*descriptor)(void *context);
    void *context;
};

#define CONTROL_SIZE_UNKNOWN (-1)

/* id: what it is; NULL where nobody asks. size: bytes, or CONTROL_SIZE_UNKNOWN. -EBADF from an open by a descriptor falls back to the path. */
int control_open(struct control *control, const struct open_source *source, uint32_t *handle,
                 struct image_id *id, int64_t *size);

/* Again: -ESTALE where it would be another image than id. */
int control_open_again(struct control *control, const struct open_source *source,
                       const struct image_id *id, uint32_t *handle);

/* As image_share and image_open_shared, of which placeholder is the descriptor. */
int control_share(struct control *control, uint32_t handle, const struct image_share *share,
                  int *placeholder, int *state);
int control_attach(struct control *control, int placeholder, uint32_t *handle, struct image_id *id,
                   struct image_share *share);

int control_close(struct control *control, uint32_t handle);

/* Of an open handle, or, where path is not NULL, of that. */
int control_stat(struct control *control, uint32_t handle, const char *path,
                 struct image_stat *stat);

/* As image_set_times_path; of an open handle, or, where path is not NULL, of that. */
int control_set_times(struct control *control, uint32_t handle, const char *path, int64_t accessed,
                      int64_t modified);

/* As image_request_lock_file; close-on-exec. */
int control_open_lock_file(struct control *control, uint32_t handle, int *memory);

/* The memory of the image's change counter, close-on-exec. */
int control_watch_changes(struct control *control, uint32_t handle, int *memory);

/* As image_list. */
int control_list(struct control *control,
                 int (*on_mapping)(void *context, const char *path,
                                   const struct image_stat *known),
                 void *context);

#endif
