/* One call of a sequence, with arguments that are chosen before it runs: so a sequence can be run
 * again, in part, and gives the same. */

#ifndef OPERATION_H
#define OPERATION_H

#include <stdint.h>
#include <stdio.h>

#define FILE_SIZE 262144 /* bytes, of the image and of the plain file */
#define MAX_OPERATIONS 80

#define FOR_EACH_KIND(KIND)                                                                        \
    KIND(OPEN) KIND(OPENAT) KIND(CREAT) KIND(CLOSE) KIND(DUP) KIND(DUP2) KIND(DUP3) KIND(F_DUP)    \
    KIND(GET_FD) KIND(SET_FD) KIND(GET_FL) KIND(SET_FL) KIND(READ) KIND(WRITE) KIND(PREAD)         \
    KIND(PWRITE) KIND(READV) KIND(WRITEV) KIND(PREADV) KIND(PWRITEV) KIND(PREADV2) KIND(PWRITEV2)  \
    KIND(LSEEK) KIND(FSTAT) KIND(STAT) KIND(FSTATAT) KIND(STATX) KIND(ACCESS) KIND(FSYNC)          \
    KIND(FDATASYNC) KIND(SYNC_RANGE) KIND(SYNCFS) KIND(FTRUNCATE) KIND(TRUNCATE) KIND(FALLOCATE)   \
    KIND(POSIX_FALLOCATE) KIND(FADVISE) KIND(COPY_RANGE) KIND(SENDFILE) KIND(SPLICE_IN)            \
    KIND(SPLICE_OUT) KIND(POSIX_AIO) KIND(LINUX_AIO) KIND(MMAP) KIND(STREAM)                       \
    KIND(FDOPEN) KIND(LOCK) KIND(GET_LOCK) KIND(OFD_LOCK) KIND(FLOCK) KIND(POLL) KIND(SELECT)      \
    KIND(RAW_READ) KIND(RAW_WRITE) KIND(RAW_SEEK) KIND(IOCTL) KIND(READLINK) KIND(REALPATH)        \
    KIND(REFUSED) KIND(CLOSE_RANGE) KIND(FORK) KIND(EXEC) KIND(VFORK) KIND(SPAWN) KIND(CHDIR)  \
    KIND(LEAVE)

enum kind {
#define KIND(name) name,
    FOR_EACH_KIND(KIND)
#undef KIND
    KINDS
};

struct operation {
    enum kind kind;
    int slot;        /* which of the sequence's descriptors */
    int other;       /* a second one */
    int64_t offset;  /* bytes; also a number of other meaning */
    int64_t length;  /* bytes */
    int flags;       /* of the call; also a choice among variants */
    uint32_t seed;   /* of the bytes that are written */
};

/* How an operation is run: by the process's own thread, by another, or by one that was cancelled before it. */
enum way { BY_MAIN_THREAD, BY_THREAD, BY_CANCELLED_THREAD };

enum way operation_way(const struct operation *operation);

/* Whether its effect on the file's time of change is compared. */
int operation_tells_time(const struct operation *operation);

/* The same numbers for the same seed. */
struct generator {
    uint64_t state;
};

uint64_t generator_next(struct generator *generator);

/* From 0 to bound - 1. */
int64_t generator_below(struct generator *generator, int64_t bound);

/* Fills a sequence of count operations. */
void operations_generate(struct generator *generator, struct operation *operations, int count);

void operation_print(FILE *out, int index, const struct operation *operation);

#endif
