/* What the parts of the recorder share. One thread; every failure ends the program with one line. */
#ifndef POWER_RECORDER_H
#define POWER_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* As the reader of the recording has them. */
enum event_kind {
    EVENT_CREATE = 1,    /* inode, path */
    EVENT_MAKE_FOLDER,   /* inode, path */
    EVENT_RENAME,        /* path, other path */
    EVENT_UNLINK,        /* path, of a file or a folder */
    EVENT_WRITE,         /* inode, a: position, data */
    EVENT_SIZE,          /* inode, a: length */
    EVENT_ZERO,          /* inode, a: position, b: length */
    EVENT_ALLOCATE,      /* inode, a: length that the file has at least */
    EVENT_SYNC_BEGIN,    /* inode, a: number of the sync */
    EVENT_SYNC_END,      /* a: number of the sync */
    EVENT_MARK,          /* data: what the load wrote into the file of marks */
};

struct event {
    enum event_kind kind;
    uint64_t inode;
    uint64_t a;
    uint64_t b;
    const char *path;
    const char *other_path;
    const void *data;
    size_t length;
};

/* A call between its entry and its exit. */
struct call {
    long number;
    uint64_t arguments[6];
    bool watched;
    bool is_mark;
    bool creates;
    uint64_t sync;
    char path[1024];
    char other_path[1024];
    uint8_t *data;
    size_t length;
};

_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* recording.c */
void recording_open(const char *file);
void record(struct event event);
void recording_close(void);

/* mappings.c: files that the traced programs write through memory. */
void mappings_add(const char *path, uint64_t inode);
/* Records what has been written through mappings since the last time. */
void mappings_look(void);
/* What the file holds now has been recorded in another way. */
void mappings_reload(uint64_t inode);

/* tracee.c. A path that there is not, or that is too long, is empty: the call fails, or is none of the watched folder's. */
void tracee_memory(pid_t thread, uint64_t address, void *into, size_t length);
void tracee_path(pid_t thread, int folder, uint64_t address, char *into, size_t size);
void tracee_path_of(pid_t thread, int fd, char *into, size_t size);
uint64_t tracee_inode_of(pid_t thread, int fd);
/* Of the descriptor, after a call that moved it. */
uint64_t tracee_position_of(pid_t thread, int fd);

/* calls.c: what system calls mean. The thread is stopped at entry, or at exit with this result. */
void calls_watch(const char *folder, const char *marks);
void calls_enter(pid_t thread, struct call *call);
void calls_exit(pid_t thread, struct call *call, int64_t result);

#endif
