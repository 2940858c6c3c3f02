/* truncation IMAGE FILE SECONDS SEED: random calls on an image and on a plain file of the same size and
 * bytes, where both are truncated and written to with gaps, by several open files, their duplicates and
 * children. As long as one that was truncated is open, the image is, up to the plain file's end, what that
 * is; behind it is what was there before. When the last such is closed the plain file is made what the
 * image is, and all begins anew. Some writes are made again and again by a thread that leaves one midway, before they
 * are made once more to the end. What moves the plain file's time of change moves the image's. Knows nothing of us.
 *
 * As a child by exec: truncation IMAGE-FD FILE-FD OFFSET LENGTH BYTE. */

#include <aio.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "leaving.h"

#define SIZE (256 * 1024)
#define FILES 4
#define LONGEST 20000

/* An open file of the image, and one of the plain file. */
struct pair {
    int image; /* -1: not open */
    int plain;
    int copies[2]; /* duplicates of both */
    bool was_truncated;
};

static const char *image_path;
static const char *plain_path;
static struct pair pairs[FILES];
static unsigned char seen[SIZE];  /* of the image */
static unsigned char before[SIZE]; /* the same, before the last call */
static unsigned char expected[SIZE];
static unsigned char bytes[LONGEST];
static int scratch;
static uint64_t state;
static unsigned long long seed;
static char history[64][120];
static unsigned steps;

static uint64_t below(uint64_t bound)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (state >> 33) % bound;
}

static void note(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(history[steps++ % 64], sizeof history[0], format, arguments);
    va_end(arguments);
}

static void fail(const char *what, long at)
{
    for (unsigned i = steps > 64 ? steps - 64 : 0; i < steps; i++) {
        printf("%s\n", history[i % 64]);
    }
    printf("%s, at %ld, after %u steps from seed %llu\n", what, at, steps, seed);
    exit(1);
}

static void read_all(const char *path, unsigned char *into, size_t length)
{
    int fd = open(path, O_RDONLY);
    size_t done = 0;
    ssize_t n = 1;
    while (fd >= 0 && n > 0 && done < length) {
        n = pread(fd, into + done, length - done, (off_t) done);
        done += n > 0 ? (size_t) n : 0;
    }
    if (fd < 0 || done < length || close(fd) < 0) {
        err(2, "%s", path);
    }
}

static bool is_truncated(void)
{
    bool any = false;
    for (int i = 0; i < FILES; i++) {
        any |= pairs[i].image >= 0 && pairs[i].was_truncated;
    }
    return any;
}

static off_t length_of_plain(void)
{
    struct stat status;
    return stat(plain_path, &status) == 0 ? status.st_size : -1;
}

static void check(void)
{
    off_t length = length_of_plain();
    read_all(image_path, seen, SIZE);
    read_all(plain_path, expected, (size_t) length);
    for (long i = 0; i < SIZE; i++) {
        if (i < length && seen[i] != expected[i]) {
            fail("not what the plain file has", i);
        }
        if (i >= length && seen[i] != before[i]) {
            fail("changed behind the end", i);
        }
    }
    memcpy(before, seen, SIZE);
}

/* The last that was truncated is closed. */
static void begin_anew(void)
{
    int fd = open(plain_path, O_RDWR);
    if (fd < 0 || pwrite(fd, seen, SIZE, 0) != SIZE || close(fd) < 0) {
        err(2, "%s", plain_path);
    }
}

static void expect_same(const char *what, long on_image, long on_plain)
{
    if (on_image != on_plain) {
        note("%s gave %ld (%s) and on the plain file %ld", what, on_image, strerror(errno),
             on_plain);
        fail("another result", 0);
    }
}

static void open_pair(struct pair *pair)
{
    static const int flags[] = {O_RDWR, O_WRONLY | O_TRUNC, O_RDWR | O_CREAT | O_TRUNC, O_RDWR | O_TRUNC};
    int kind = (int) below(5);
    if (kind == 4) {
        pair->image = creat(image_path, 0600);
        pair->plain = creat(plain_path, 0600);
    } else {
        pair->image = open(image_path, flags[kind], 0600);
        pair->plain = open(plain_path, flags[kind], 0600);
    }
    pair->copies[0] = pair->copies[1] = -1;
    pair->was_truncated = kind != 0;
    note("%d open %d", (int) (pair - pairs), kind);
    if (pair->image < 0 || pair->plain < 0) {
        err(2, "open");
    }
}

static void close_pair(struct pair *pair)
{
    bool was = is_truncated();
    note("%d close", (int) (pair - pairs));
    close(pair->image);
    close(pair->plain);
    if (pair->copies[0] >= 0) {
        close(pair->copies[0]);
        close(pair->copies[1]);
    }
    pair->image = -1;
    if (was && !is_truncated()) {
        begin_anew();
    }
}

static size_t prepare(off_t at)
{
    size_t most = SIZE - (size_t) at < LONGEST ? SIZE - (size_t) at : LONGEST;
    size_t length = 1 + below(most);
    memset(bytes, (int) (1 + below(255)), length);
    return length;
}

/* By a pipe. */
static ssize_t splice_to(int fd, off_t at, size_t length)
{
    int ends[2];
    if (pipe(ends) < 0 || write(ends[1], bytes, length) != (ssize_t) length) {
        err(2, "pipe");
    }
    ssize_t done = splice(ends[0], NULL, fd, &at, length, 0);
    close(ends[0]);
    close(ends[1]);
    return done;
}

static ssize_t write_by_aio(int fd, off_t at, size_t length)
{
    struct aiocb block = {.aio_fildes = fd, .aio_buf = bytes, .aio_nbytes = length, .aio_offset = at};
    const struct aiocb *all[] = {&block};
    if (aio_write(&block) < 0) {
        return -1;
    }
    while (aio_error(&block) == EINPROGRESS) {
        aio_suspend(all, 1, NULL);
    }
    return aio_return(&block);
}

static ssize_t write_by_stream(int fd, off_t at, size_t length)
{
    int copy = dup(fd);
    FILE *stream = fdopen(copy, "r+");
    if (stream == NULL) {
        close(copy); /* it is for writing only; were it left open, the file would stay truncated */
        return 0;
    }
    bool done = fseek(stream, at, SEEK_SET) == 0 && fwrite(bytes, 1, length, stream) == length;
    return fclose(stream) == 0 && done ? (ssize_t) length : -1;
}

static ssize_t copy_to(int fd, off_t at, size_t length)
{
    off_t from = 0;
    if (pwrite(scratch, bytes, length, 0) != (ssize_t) length) {
        err(2, "scratch");
    }
    return copy_file_range(scratch, &from, fd, &at, length, 0);
}

static ssize_t send_to(int fd, off_t at, size_t length)
{
    off_t from = 0;
    if (pwrite(scratch, bytes, length, 0) != (ssize_t) length || lseek(fd, at, SEEK_SET) != at) {
        err(2, "scratch");
    }
    return sendfile(fd, scratch, &from, length);
}

static ssize_t write_to(int fd, off_t at, size_t length, int way)
{
    struct iovec parts[2] = {{bytes, length / 2}, {bytes + length / 2, length - length / 2}};
    switch (way) {
    case 0:
        return lseek(fd, at, SEEK_SET) == at ? write(fd, bytes, length) : -1;
    case 1:
        return lseek(fd, at, SEEK_SET) == at ? writev(fd, parts, 2) : -1;
    case 2:
        return pwritev(fd, parts, 2, at);
    case 3:
        return write_by_aio(fd, at, length);
    case 4:
        return write_by_stream(fd, at, length);
    case 5:
        return copy_to(fd, at, length);
    case 6:
        return send_to(fd, at, length);
    case 7:
        return splice_to(fd, at, length);
    default:
        return pwrite(fd, bytes, length, at);
    }
}

static int write_as_child(int image, int plain, off_t at, size_t length, int byte)
{
    memset(bytes, byte, length);
    return pwrite(image, bytes, length, at) == pwrite(plain, bytes, length, at) ? 0 : 1;
}

static void write_by_child(struct pair *pair, off_t at, size_t length)
{
    int byte = bytes[0];
    bool calls_exec = below(2) == 0;
    note("%d child%s writes %zu at %ld", (int) (pair - pairs), calls_exec ? " by exec" : "", length,
         (long) at);
    pid_t child = fork();
    if (child == 0) {
        char numbers[5][24];
        long values[5] = {pair->image, pair->plain, (long) at, (long) length, byte};
        for (int i = 0; i < 5; i++) {
            snprintf(numbers[i], sizeof numbers[i], "%ld", values[i]);
        }
        if (calls_exec) {
            execl("/proc/self/exe", "truncation", numbers[0], numbers[1], numbers[2], numbers[3], numbers[4],
                  NULL);
        }
        _exit(write_as_child(pair->image, pair->plain, at, length, byte));
    }
    int status;
    if (waitpid(child, &status, 0) < 0 || status != 0) {
        fail("a child's write", status);
    }
}

static void write_pair(struct pair *pair)
{
    off_t at = (off_t) below(SIZE);
    size_t length = prepare(at);
    int way = (int) below(10);
    bool by_copy = pair->copies[0] >= 0 && below(2) == 0;
    if (way == 9) {
        write_by_child(pair, at, length);
        return;
    }
    note("%d write %zu at %ld in way %d", (int) (pair - pairs), length, (long) at, way);
    ssize_t on_plain = write_to(by_copy ? pair->copies[1] : pair->plain, at, length, way);
    ssize_t on_image = write_to(by_copy ? pair->copies[0] : pair->image, at, length, way);
    expect_same("write", on_image, on_plain);
}

struct repeated {
    int fd;
    off_t at;
    size_t length;
};

static void write_again(void *argument)
{
    const struct repeated *repeated = argument;
    if (pwrite(repeated->fd, bytes, repeated->length, repeated->at) < 0 && errno != EBADF) {
        err(2, "pwrite");
    }
}

static void leave_pair(struct pair *pair)
{
    off_t at = (off_t) below(SIZE);
    size_t length = prepare(at);
    enum leaving way = (enum leaving) below(LEAVINGS);
    unsigned microseconds = (unsigned) below(400);
    struct repeated repeated = {pair->image, at, length};
    note("%d writes %zu at %ld left midway in way %d", (int) (pair - pairs), length, (long) at, (int) way);
    leave_midway(way, microseconds, write_again, &repeated);
    ssize_t on_image = pwrite(pair->image, bytes, length, at);
    expect_same("write", on_image, pwrite(pair->plain, bytes, length, at));
}

static const struct timespec long_ago[2] = {{1000000000, 5}, {1000000000, 5}};

static void begin_time(void)
{
    if (utimensat(AT_FDCWD, image_path, long_ago, 0) < 0 || utimensat(AT_FDCWD, plain_path, long_ago, 0) < 0) {
        err(2, "utimensat");
    }
}

static bool has_moved(const char *path)
{
    struct stat status;
    if (stat(path, &status) < 0) {
        err(2, "%s", path);
    }
    return status.st_mtim.tv_sec != long_ago[1].tv_sec || status.st_mtim.tv_nsec != long_ago[1].tv_nsec;
}

static void expect_same_time(void)
{
    bool on_image = has_moved(image_path);
    bool on_plain = has_moved(plain_path);
    if (on_image != on_plain) {
        note("the time of change has%s moved, and that of the plain file has%s", on_image ? "" : " not",
             on_plain ? "" : " not");
        fail("another time of change", 0);
    }
}

static void truncate_pair(struct pair *pair)
{
    off_t length = (off_t) below(3) == 0 ? 0 : (off_t) below(SIZE + 1);
    bool by_path = is_truncated() && below(3) == 0;
    note("%d truncate%s to %ld", (int) (pair - pairs), by_path ? " by path" : "", (long) length);
    if (by_path) {
        expect_same("truncate", truncate(image_path, length), truncate(plain_path, length));
    } else {
        expect_same("ftruncate", ftruncate(pair->image, length), ftruncate(pair->plain, length));
        pair->was_truncated = true;
    }
}

static void allocate_pair(struct pair *pair)
{
    off_t at = (off_t) below(SIZE);
    off_t length = 1 + (off_t) below((uint64_t) (SIZE - at));
    if (!is_truncated()) {
        return; /* the plain file is as long as the image */
    }
    note("%d allocate %ld at %ld", (int) (pair - pairs), (long) length, (long) at);
    expect_same("posix_fallocate", posix_fallocate(pair->image, at, length),
                posix_fallocate(pair->plain, at, length));
}

/* As who copies a sparse file: it skips, and then asks whether the file must be made longer. */
static void skip_and_ask(struct pair *pair)
{
    off_t to = (off_t) below(SIZE + 1);
    struct stat status;
    if (!is_truncated() || !pair->was_truncated) {
        return;
    }
    note("%d skips to %ld", (int) (pair - pairs), (long) to);
    lseek(pair->image, to, SEEK_SET);
    lseek(pair->plain, to, SEEK_SET);
    if (fstat(pair->plain, &status) < 0 || (status.st_size < to && ftruncate(pair->plain, to) < 0)) {
        err(2, "the plain file");
    }
    if (fstat(pair->image, &status) < 0 || (status.st_size < to && ftruncate(pair->image, to) < 0)) {
        err(2, "the image");
    }
}

static void step(void)
{
    struct pair *pair = &pairs[below(FILES)];
    if (pair->image < 0) {
        open_pair(pair);
        return;
    }
    begin_time();
    switch (below(14)) {
    case 0:
        close_pair(pair);
        return; /* the plain file may begin anew */
    case 1:
    case 2:
        truncate_pair(pair);
        break;
    case 6:
        leave_pair(pair);
        break;
    case 3:
        allocate_pair(pair);
        return; /* whether it moves the time is the plain file's file system's affair */
    case 4:
        skip_and_ask(pair);
        break;
    case 5:
        if (pair->copies[0] < 0) {
            pair->copies[0] = dup(pair->image);
            pair->copies[1] = fcntl(pair->plain, F_DUPFD, 50);
        }
        break;
    default:
        write_pair(pair);
    }
    expect_same_time();
}

int main(int count, char **arguments)
{
    if (count == 6) {
        return write_as_child(atoi(arguments[1]), atoi(arguments[2]), atol(arguments[3]),
                              (size_t) atol(arguments[4]), atoi(arguments[5]));
    }
    if (count != 5) {
        return 2;
    }
    image_path = arguments[1];
    plain_path = arguments[2];
    state = seed = strtoull(arguments[4], NULL, 10);
    time_t end = time(NULL) + atol(arguments[3]);
    scratch = fileno(tmpfile());
    for (int i = 0; i < FILES; i++) {
        pairs[i].image = -1;
    }
    read_all(image_path, before, SIZE);
    do {
        step();
        check();
    } while (time(NULL) < end);
    printf("%u steps\n", steps);
    return 0;
}
