#include "operation.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "world.h"

static const char *const kind_names[KINDS] = {
#define KIND(name) #name,
    FOR_EACH_KIND(KIND)
#undef KIND
};

uint64_t generator_next(struct generator *generator)
{
    /* splitmix64 */
    uint64_t z = generator->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

int64_t generator_below(struct generator *generator, int64_t bound)
{
    return (int64_t) (generator_next(generator) % (uint64_t) bound);
}

static int one_of(struct generator *generator, const int *values, int count)
{
    return values[generator_below(generator, count)];
}

#define ONE_OF(generator, ...)                                                                     \
    one_of(generator, (const int[]) {__VA_ARGS__},                                                 \
           (int) (sizeof((const int[]) {__VA_ARGS__}) / sizeof(int)))

/* Mostly within the file, often near its ends, seldom nonsense. */
static int64_t choose_offset(struct generator *generator)
{
    switch (generator_below(generator, 12)) {
    case 0:
        return 0;
    case 1:
        return FILE_SIZE - generator_below(generator, 5000);
    case 2:
        return FILE_SIZE + generator_below(generator, 5000);
    case 3:
        return generator_below(generator, 40) == 0 ? -1 - generator_below(generator, 5000)
                                                   : FILE_SIZE;
    case 4:
        return generator_below(generator, FILE_SIZE / 4096) * 4096;
    default:
        return generator_below(generator, FILE_SIZE);
    }
}

static int64_t choose_length(struct generator *generator)
{
    switch (generator_below(generator, 8)) {
    case 0:
        return 0;
    case 1:
        return 1;
    case 2:
        return 4096;
    case 3:
        return 1 + generator_below(generator, FILE_SIZE + 10000);
    default:
        return 1 + generator_below(generator, 10000);
    }
}

static int choose_open_flags(struct generator *generator)
{
    int flags = ONE_OF(generator, O_RDONLY, O_WRONLY, O_RDWR, O_RDWR, O_RDWR);
    int more = ONE_OF(generator, 0, 0, 0, 0, O_APPEND, O_TRUNC, O_CREAT, O_CREAT | O_TRUNC,
                      O_CREAT | O_EXCL, O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_DSYNC,
                      O_SYNC | O_CLOEXEC);
    return flags | more;
}

static void choose_flags(struct generator *generator, struct operation *operation)
{
    switch (operation->kind) {
    case OPEN:
    case OPENAT:
    case CREAT:
        operation->flags = choose_open_flags(generator);
        operation->other = (int) generator_below(generator, SPELLINGS);
        break;
    case LSEEK:
    case RAW_SEEK:
        operation->flags = ONE_OF(generator, SEEK_SET, SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA,
                                  SEEK_HOLE, 77);
        if (operation->flags == SEEK_CUR || operation->flags == SEEK_END) {
            operation->offset = generator_below(generator, 20000) - 10000;
        }
        break;
    case DUP3:
        operation->flags = ONE_OF(generator, 0, O_CLOEXEC, O_APPEND);
        break;
    case SET_FL:
        operation->flags = ONE_OF(generator, 0, 0, O_APPEND, O_NONBLOCK, O_APPEND | O_NONBLOCK);
        break;
    case FALLOCATE:
        operation->flags =
            ONE_OF(generator, 0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                   FALLOC_FL_ZERO_RANGE, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
                   FALLOC_FL_PUNCH_HOLE);
        break;
    case PREADV2:
    case PWRITEV2:
        operation->flags = ONE_OF(generator, 0, 0, RWF_DSYNC, RWF_SYNC, RWF_HIPRI, RWF_APPEND);
        if (operation->kind == PREADV2) {
            operation->flags &= ~RWF_APPEND;
        }
        if (generator_below(generator, 4) == 0) {
            operation->offset = -1;
        }
        break;
    default:
        operation->flags = (int) generator_below(generator, 64);
        break;
    }
}

static enum kind choose_kind(struct generator *generator, int index)
{
    if (index < 2 || generator_below(generator, 12) == 0) {
        return OPEN;
    }
    if (generator_below(generator, 2) == 0) {
        static const int transfers[] = {READ,    WRITE,   PREAD,  PWRITE,  READV, WRITEV,
                                        PREADV,  PWRITEV, LSEEK,  PREADV2, MMAP,  PWRITEV2,
                                        STREAM,  FSTAT};
        return (enum kind) one_of(generator, transfers, sizeof transfers / sizeof *transfers);
    }
    enum kind kind = (enum kind) generator_below(generator, KINDS);
    /* processes take long to make */
    bool_t takes_long = kind == FORK || kind == EXEC || kind == VFORK || kind == SPAWN;
    return takes_long && generator_below(generator, 3) != 0 ? READ : kind;
}

void operations_generate(struct generator *generator, struct operation *operations, int count)
{
    bool_t has_holes = 0;
    for (int i = 0; i < count; i++) {
        struct operation *operation = &operations[i];
        operation->kind = choose_kind(generator, i);
        operation->slot = (int) generator_below(generator, SLOTS);
        operation->other = (int) generator_below(generator, SLOTS);
        operation->offset = choose_offset(generator);
        operation->length = choose_length(generator);
        operation->seed = (uint32_t) generator_next(generator);
        choose_flags(generator, operation);
        has_holes |= operation->kind == FALLOCATE;
        /* where a plain file has holes is its file system's affair */
        if (has_holes && operation->kind == LSEEK
            && (operation->flags == SEEK_DATA || operation->flags == SEEK_HOLE)) {
            operation->flags = SEEK_SET;
        }
        if (operation->kind == RAW_SEEK && operation->flags > SEEK_END) {
            operation->flags = SEEK_SET;
        }
    }
}

/* Calls that are made of one of the C library's, which is the only one in them where a thread may be cancelled. */
static bool_t is_one_call(enum kind kind)
{
    switch (kind) {
    case OPEN:
    case CLOSE:
    case DUP:
    case DUP2:
    case GET_FL:
    case READ:
    case WRITE:
    case PREAD:
    case PWRITE:
    case READV:
    case WRITEV:
    case PREADV:
    case PWRITEV:
    case PREADV2:
    case PWRITEV2:
    case RAW_READ:
    case RAW_WRITE:
    case LSEEK:
    case FSTAT:
    case STAT:
    case ACCESS:
    case FSYNC:
    case FDATASYNC:
    case SYNC_RANGE:
    case SYNCFS:
    case FTRUNCATE:
    case FADVISE:
    case COPY_RANGE:
        return 1;
    default:
        return 0;
    }
}

enum way operation_way(const struct operation *operation)
{
    if (operation->seed % 4 != 0) {
        return BY_MAIN_THREAD;
    }
    return operation->seed / 4 % 4 == 0 && is_one_call(operation->kind) ? BY_CANCELLED_THREAD : BY_THREAD;
}

int operation_tells_time(const struct operation *operation)
{
    /* which allocations change a plain file is its file system's affair */
    bool_t allocates = operation->kind == FALLOCATE || operation->kind == POSIX_FALLOCATE;
    return operation->seed % 3 == 0 && !allocates;
}

void operation_print(FILE *out, int index, const struct operation *operation)
{
    fprintf(out, "  %2d %-15s slot %d, %d  offset %" PRId64 "  length %" PRId64 "  flags 0%o\n",
            index, kind_names[operation->kind], operation->slot, operation->other,
            operation->offset, operation->length, (unsigned) operation->flags);
    if (operation_way(operation) == BY_CANCELLED_THREAD) {
        fprintf(out, "     by a thread that was cancelled before\n");
    }
}
