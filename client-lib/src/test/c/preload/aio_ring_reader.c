/* aio_ring_reader FILE OTHER: programs that take the completions of Linux' asynchronous I/O from the ring in
 * memory that io_setup's number points to, tried on FILE (at least 8 MiB, whose size is kept) and, in the same
 * context, on OTHER, a plain file. It knows nothing of images: run on two plain files it must succeed as
 * well. Prints "ok".
 *
 *     aio_ring_reader FILE OTHER leave    exits with requests under way, and prints nothing
 *     aio_ring_reader FILE OTHER away memory|call NAME
 *         prints "open"; once a file of that NAME is there, from when on FILE may give no answer, "other"
 *         when OTHER has; and "ok" when FILE does again. It takes OTHER's completions in memory or by a call */

#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MANY 64
#define BLOCK 4096
#define BLOCKS 1024
#define PATIENCE_S 60 /* after which a completion counts as lost */

struct ring {
    uint32_t id;
    uint32_t nr;
    _Atomic uint32_t head;
    _Atomic uint32_t tail;
    uint32_t magic;
    uint32_t compat_features;
    uint32_t incompat_features;
    uint32_t header_length;
    struct io_event events[];
};

static const char *path;
static int file;
static int other;

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s (errno %d)\n", __func__, __LINE__, #condition,      \
                    errno);                                                                        \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static struct ring *setup(unsigned limit, aio_context_t *context)
{
    *context = 0;
    CHECK(syscall(SYS_io_setup, limit, context) == 0);
    struct ring *ring = (struct ring *) *context;
    CHECK(ring->magic == 0xa10a10a1 && ring->header_length == sizeof *ring);
    CHECK(ring->incompat_features == 0 && ring->nr > limit && ring->head == ring->tail);
    return ring;
}

static void destroy(aio_context_t context)
{
    CHECK(syscall(SYS_io_destroy, context) == 0);
}

static int submit(aio_context_t context, struct iocb *request)
{
    return (int) syscall(SYS_io_submit, context, 1L, &request);
}

static int get(aio_context_t context, long least, long most, struct io_event *events)
{
    struct timespec timeout = {PATIENCE_S, 0};
    return (int) syscall(SYS_io_getevents, context, least, most, events, &timeout);
}

/* A block of which each byte says where it stands. */
static void fill(unsigned char *buffer, int index, int version)
{
    for (int i = 0; i < BLOCK; i++) {
        buffer[i] = (unsigned char) (index * 7 + version * 31 + i / 13);
    }
}

static bool is_filled(const unsigned char *buffer, int index, int version)
{
    unsigned char expected[BLOCK];
    fill(expected, index, version);
    return memcmp(buffer, expected, BLOCK) == 0;
}

static void write_all(int fd, int version)
{
    unsigned char buffer[BLOCK];
    for (int i = 0; i < BLOCKS; i++) {
        fill(buffer, i, version);
        CHECK(pwrite(fd, buffer, BLOCK, (off_t) i * BLOCK) == BLOCK);
    }
}

static struct iocb block_request(int op, int fd, void *buffer, int index)
{
    return (struct iocb) {
        .aio_data = (uint64_t) (uintptr_t) buffer ^ 0x55,
        .aio_lio_opcode = (uint16_t) op,
        .aio_fildes = (uint32_t) fd,
        .aio_buf = (uint64_t) (uintptr_t) buffer,
        .aio_nbytes = BLOCK,
        .aio_offset = (int64_t) index * BLOCK,
    };
}

static int64_t now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static uint32_t unread(const struct ring *ring)
{
    uint32_t head = ring->head;
    uint32_t tail = ring->tail;
    return tail >= head ? tail - head : tail + ring->nr - head;
}

/* How many there are, once there are so many. */
static uint32_t await_unread(const struct ring *ring, uint32_t least)
{
    int64_t began = now_s();
    while (unread(ring) < least) {
        CHECK(now_s() - began < PATIENCE_S);
        sched_yield();
    }
    return unread(ring);
}

static struct io_event take(struct ring *ring)
{
    await_unread(ring, 1);
    struct io_event event = ring->events[ring->head];
    ring->head = (ring->head + 1) % ring->nr;
    return event;
}

static void take_this(struct ring *ring, const struct iocb *request)
{
    struct io_event event = take(ring);
    CHECK(event.obj == (uint64_t) (uintptr_t) request && event.data == request->aio_data);
    CHECK(event.res == BLOCK && event.res2 == 0);
}

static void shall_find_each_in_memory(unsigned limit)
{
    unsigned char buffer[BLOCK];
    aio_context_t context;
    struct ring *ring = setup(limit, &context);
    uint32_t number = ring->id;
    uint32_t size = ring->nr;
    for (int i = 0; i < 400; i++) { /* several times around */
        bool writes = i % 3 == 0;
        int fd = i % 7 == 6 ? other : file;
        fill(buffer, i, writes ? 1 : 9);
        struct iocb one = block_request(writes ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD, fd, buffer, i);
        CHECK(submit(context, &one) == 1);
        take_this(ring, &one);
        CHECK(unread(ring) == 0);
        CHECK(is_filled(buffer, i, 1));
        CHECK(ring->id == number && ring->nr == size && ring->magic == 0xa10a10a1);
    }
    destroy(context);
}

/* Errors and ends stand there as they come from io_getevents. */
static void shall_find_results_in_memory(void)
{
    static unsigned char buffer[BLOCK];
    aio_context_t context;
    struct ring *ring = setup(8, &context);
    off_t end = lseek(file, 0, SEEK_END);
    struct iocb across = block_request(IOCB_CMD_PREAD, file, buffer, 0);
    across.aio_offset = end - 100;
    struct iocb behind = across;
    behind.aio_offset = end + BLOCK;
    struct iocb sync = {.aio_lio_opcode = IOCB_CMD_FSYNC, .aio_fildes = (uint32_t) file};
    CHECK(submit(context, &across) == 1);
    CHECK(take(ring).res == 100);
    CHECK(submit(context, &behind) == 1);
    CHECK(take(ring).res == 0);
    CHECK(submit(context, &sync) == 1);
    CHECK(take(ring).res == 0);
    struct iocb bad = block_request(IOCB_CMD_PREAD, -1, buffer, 0);
    CHECK(submit(context, &bad) == -1 && errno == EBADF);
    CHECK(unread(ring) == 0);
    destroy(context);
}

/* Whoever is woken by the eventfd finds the event, and not a moment later. */
static void shall_signal_what_is_there(bool mixed)
{
    static unsigned char buffers[MANY][BLOCK];
    struct iocb list[MANY];
    aio_context_t context;
    struct ring *ring = setup(MANY, &context);
    int event = eventfd(0, EFD_NONBLOCK);
    uint64_t signalled = 0;
    uint64_t taken = 0;
    for (int round = 0; round < 30; round++) {
        for (int i = 0; i < MANY; i++) {
            int fd = mixed && i % 2 == 0 ? other : file;
            list[i] = block_request(IOCB_CMD_PREAD, fd, buffers[i], i);
            list[i].aio_flags = IOCB_FLAG_RESFD;
            list[i].aio_resfd = (uint32_t) event;
            CHECK(submit(context, &list[i]) == 1);
            CHECK(list[i].aio_flags == IOCB_FLAG_RESFD && list[i].aio_resfd == (uint32_t) event);
        }
        for (int left = MANY; left > 0;) {
            struct pollfd wait = {event, POLLIN, 0};
            uint64_t count;
            CHECK(poll(&wait, 1, PATIENCE_S * 1000) == 1);
            CHECK(read(event, &count, sizeof count) == sizeof count);
            signalled += count;
            CHECK(taken + unread(ring) >= signalled);
            for (uint32_t i = unread(ring); i > 0; i--) {
                struct io_event one = take(ring);
                long index = (struct iocb *) (uintptr_t) one.obj - list;
                CHECK(index >= 0 && index < MANY && one.res == BLOCK);
                CHECK(is_filled(buffers[index], (int) index, 1));
                list[index].aio_lio_opcode = IOCB_CMD_NOOP;
                taken++;
                left--;
            }
        }
    }
    uint64_t count;
    while (signalled < taken) {
        struct pollfd wait = {event, POLLIN, 0};
        CHECK(poll(&wait, 1, PATIENCE_S * 1000) == 1);
        CHECK(read(event, &count, sizeof count) == sizeof count);
        signalled += count;
    }
    CHECK(signalled == taken); /* once for each */
    close(event);
    destroy(context);
}

/* Events that nobody has taken when FILE comes into the context are there once, in place, and what is
 * under way comes after them. */
static void shall_keep_what_is_unread(int before, int looked_at, bool with_eventfd)
{
    static unsigned char buffers[MANY + 2][BLOCK];
    struct iocb list[MANY + 2];
    aio_context_t context;
    struct ring *ring = setup(MANY, &context);
    int ready = eventfd(0, EFD_NONBLOCK);
    int event = eventfd(0, EFD_NONBLOCK);
    for (int i = 0; i < before; i++) {
        list[i] = block_request(IOCB_CMD_PREAD, other, buffers[i], i);
        CHECK(submit(context, &list[i]) == 1);
    }
    struct iocb later = {
        .aio_data = 77,
        .aio_lio_opcode = IOCB_CMD_POLL,
        .aio_fildes = (uint32_t) ready,
        .aio_buf = POLLIN,
        .aio_flags = with_eventfd ? IOCB_FLAG_RESFD : 0,
        .aio_resfd = (uint32_t) event,
    };
    CHECK(submit(context, &later) == 1);
    await_unread(ring, (uint32_t) before);
    for (int i = 0; i < looked_at; i++) {
        take_this(ring, &list[i]);
    }
    const struct io_event *there = &ring->events[ring->head]; /* as QEMU: taken in place */
    list[before] = block_request(IOCB_CMD_PREAD, file, buffers[before], before);
    CHECK(submit(context, &list[before]) == 1);
    for (int i = looked_at; i < before; i++) {
        CHECK(there[i - looked_at].obj == (uint64_t) (uintptr_t) &list[i]);
    }
    ring->head = (ring->head + (uint32_t) (before - looked_at)) % ring->nr;
    take_this(ring, &list[before]);
    uint64_t one = 1;
    CHECK(write(ready, &one, sizeof one) == sizeof one);
    if (with_eventfd) {
        uint64_t count;
        struct pollfd wait = {event, POLLIN, 0};
        int64_t began = now_s();
        while (unread(ring) == 0) { /* it may be told before it is there, but then again */
            CHECK(now_s() - began < PATIENCE_S);
            CHECK(poll(&wait, 1, PATIENCE_S * 1000) == 1);
            CHECK(read(event, &count, sizeof count) == sizeof count);
        }
    }
    struct io_event last = take(ring);
    CHECK(last.obj == (uint64_t) (uintptr_t) &later && last.data == 77 && last.res == POLLIN);
    struct timespec while_ = {0, 30000000};
    nanosleep(&while_, NULL);
    CHECK(unread(ring) == 0); /* nothing comes twice */
    struct io_event none;
    struct timespec now = {0, 0};
    CHECK(syscall(SYS_io_getevents, context, 0L, 1L, &none, &now) == 0);
    close(ready);
    close(event);
    destroy(context);
}

/* By io_getevents before FILE came, and in memory afterwards; what was left is there as well. */
static void shall_serve_who_does_both(bool unread_before)
{
    static unsigned char buffers[MANY][BLOCK];
    struct iocb list[MANY];
    struct io_event events[MANY];
    int seen[MANY] = {0};
    aio_context_t context;
    struct ring *ring = setup(MANY, &context);
    struct iocb first = block_request(IOCB_CMD_PREAD, other, buffers[0], 0);
    CHECK(submit(context, &first) == 1);
    CHECK(get(context, 1, 1, events) == 1);
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < MANY; i++) {
            int fd = (unread_before && i < 8) || i % 5 == 0 ? other : file;
            list[i] = block_request(IOCB_CMD_PREAD, fd, buffers[i], i);
            CHECK(submit(context, &list[i]) == 1);
        }
        for (int left = MANY; left > 0;) {
            int came = 1;
            if (left % 3 != 0) {
                events[0] = take(ring);
            } else {
                came = get(context, 1, 2, events);
                CHECK(came >= 1);
            }
            for (int i = 0; i < came; i++) {
                long index = (struct iocb *) (uintptr_t) events[i].obj - list;
                CHECK(index >= 0 && index < MANY && events[i].res == BLOCK);
                CHECK(seen[index] == round);
                seen[index]++;
                left--;
            }
        }
        CHECK(unread(ring) == 0);
    }
    destroy(context);
}

/* Nobody takes anything until no more is accepted: then nothing of it is lost. */
static void shall_refuse_before_it_is_full(bool mixed)
{
    enum { MORE = 4096 };
    static struct iocb list[MORE];
    static bool seen[MORE];
    static unsigned char buffer[BLOCK];
    aio_context_t context;
    struct ring *ring = setup(8, &context);
    int accepted = 0;
    int error = 0;
    memset(seen, 0, sizeof seen);
    while (accepted < MORE && error == 0) {
        int fd = mixed && accepted % 2 == 0 ? other : file;
        list[accepted] = block_request(IOCB_CMD_PREAD, fd, buffer, 1);
        if (submit(context, &list[accepted]) == 1) {
            accepted++;
        } else {
            error = errno;
        }
    }
    CHECK(error == EAGAIN && accepted >= 8 && accepted < MORE);
    for (int i = 0; i < accepted; i++) {
        struct io_event event = take(ring);
        long index = (struct iocb *) (uintptr_t) event.obj - list;
        CHECK(index >= 0 && index < accepted && !seen[index] && event.res == BLOCK);
        seen[index] = true;
    }
    CHECK(submit(context, &list[0]) == 1); /* there is room again */
    take(ring);
    CHECK(submit(context, &list[1]) == 1);
    take(ring);
    destroy(context);
}

struct stream {
    aio_context_t context;
    struct iocb *list;
    unsigned char (*buffers)[BLOCK];
    _Atomic int *free;
    bool mixed;
    int count;
};

static void *submit_stream(void *argument)
{
    struct stream *stream = argument;
    for (int i = 0; i < stream->count; i++) {
        int slot = i % MANY;
        while (stream->free[slot] == 0) {
            sched_yield();
        }
        stream->free[slot] = 0;
        memset(stream->buffers[slot], 0, BLOCK);
        stream->list[slot] = block_request(IOCB_CMD_PREAD, stream->mixed && i % 3 == 0 ? other : file,
                                           stream->buffers[slot], i % BLOCKS);
        stream->list[slot].aio_data = (uint64_t) i;
        while (submit(stream->context, &stream->list[slot]) != 1) {
            CHECK(errno == EAGAIN);
        }
    }
    return NULL;
}

/* One thread submits, and another reads the ring; with an event, the data is there. */
static void shall_be_read_by_another_thread(bool mixed)
{
    static unsigned char buffers[MANY][BLOCK];
    static struct iocb list[MANY];
    static _Atomic int is_free[MANY];
    enum { COUNT = 6000 };
    aio_context_t context;
    struct ring *ring = setup(MANY, &context);
    struct stream stream = {context, list, buffers, is_free, mixed, COUNT};
    pthread_t thread;
    for (int i = 0; i < MANY; i++) {
        is_free[i] = 1;
    }
    CHECK(pthread_create(&thread, NULL, submit_stream, &stream) == 0);
    for (int i = 0; i < COUNT; i++) {
        struct io_event event = take(ring);
        long slot = (struct iocb *) (uintptr_t) event.obj - list;
        CHECK(slot >= 0 && slot < MANY && event.res == BLOCK);
        CHECK(is_filled(buffers[slot], (int) event.data % BLOCKS, 1));
        is_free[slot] = 1;
    }
    pthread_join(thread, NULL);
    destroy(context);
}

static void shall_end_with_requests_under_way(bool mixed)
{
    static unsigned char buffers[MANY][BLOCK];
    static unsigned char back[BLOCK];
    struct iocb list[MANY];
    int event = eventfd(0, EFD_NONBLOCK);
    for (int round = 0; round < 20; round++) {
        aio_context_t context;
        unsigned char resident[64];
        struct ring *ring = setup(MANY, &context);
        size_t length = sizeof *ring + ring->nr * sizeof ring->events[0];
        for (int i = 0; i < MANY; i++) {
            fill(buffers[i], i, round);
            list[i] = block_request(IOCB_CMD_PWRITE, mixed && i % 2 == 0 ? other : file,
                                    buffers[i], i);
            list[i].aio_flags = round % 2 == 0 ? IOCB_FLAG_RESFD : 0;
            list[i].aio_resfd = (uint32_t) event;
            CHECK(submit(context, &list[i]) == 1);
        }
        destroy(context);
        CHECK(mincore((void *) ring, length, resident) == -1 && errno == ENOMEM); /* unmapped */
        for (int i = 0; i < MANY; i++) {
            int fd = mixed && i % 2 == 0 ? other : file;
            CHECK(pread(fd, back, BLOCK, (off_t) i * BLOCK) == BLOCK && is_filled(back, i, round));
        }
        uint64_t count = 0;
        if (round % 2 == 0) {
            CHECK(read(event, &count, sizeof count) == sizeof count && count == MANY);
        }
    }
    close(event);
    write_all(file, 1);
    write_all(other, 1);
}

static void shall_not_be_inherited(void)
{
    static unsigned char buffer[BLOCK];
    aio_context_t context;
    struct ring *ring = setup(8, &context);
    struct iocb read = block_request(IOCB_CMD_PREAD, file, buffer, 3);
    struct iocb others = block_request(IOCB_CMD_PREAD, other, buffer, 3);
    CHECK(submit(context, &read) == 1 && submit(context, &others) == 1);
    take(ring);
    take(ring);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(submit(context, &read) == -1 && errno == EINVAL);
        aio_context_t own;
        struct ring *another = setup(8, &own);
        CHECK(submit(own, &read) == 1);
        take_this(another, &read);
        CHECK(submit(own, &others) == 1);
        take_this(another, &others);
        destroy(own);
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(submit(context, &read) == 1);
    take_this(ring, &read);
    CHECK(submit(context, &others) == 1);
    take_this(ring, &others);
    destroy(context);
}

/* A request of the kernel's is known by its address still. */
static void shall_cancel_what_can_be(void)
{
    static unsigned char buffer[BLOCK];
    aio_context_t context;
    struct ring *ring = setup(8, &context);
    int ready = eventfd(0, EFD_NONBLOCK);
    struct iocb read = block_request(IOCB_CMD_PREAD, file, buffer, 3);
    CHECK(submit(context, &read) == 1);
    take_this(ring, &read);
    struct iocb waits = {
        .aio_lio_opcode = IOCB_CMD_POLL,
        .aio_fildes = (uint32_t) ready,
        .aio_buf = POLLIN,
    };
    CHECK(submit(context, &waits) == 1);
    struct io_event event;
    CHECK(syscall(SYS_io_cancel, context, &waits, &event) == -1 && errno == EINPROGRESS);
    CHECK(take(ring).obj == (uint64_t) (uintptr_t) &waits);
    CHECK(unread(ring) == 0);
    close(ready);
    destroy(context);
}

/* What a program does to its own mapping is no crash. */
static void shall_live_without_the_mapping(void)
{
    static unsigned char buffer[BLOCK];
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        aio_context_t context;
        struct ring *ring = setup(8, &context);
        size_t length = sizeof *ring + ring->nr * sizeof ring->events[0];
        struct iocb read = block_request(IOCB_CMD_PREAD, file, buffer, 3);
        CHECK(submit(context, &read) == 1);
        CHECK(munmap(ring, length) == 0);
        struct timespec while_ = {0, 50000000};
        nanosleep(&while_, NULL);
        struct iocb others = block_request(IOCB_CMD_PREAD, other, buffer, 3);
        CHECK(submit(context, &others) == -1 && errno == EINVAL);
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

static void leave(void)
{
    static unsigned char buffers[MANY][BLOCK];
    static struct iocb list[MANY];
    aio_context_t context;
    setup(MANY, &context);
    for (int i = 0; i < MANY; i++) {
        fill(buffers[i], i, 5);
        list[i] = block_request(i % 2 == 0 ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD,
                                i % 3 == 0 ? other : file, buffers[i], i);
        CHECK(submit(context, &list[i]) == 1);
    }
}

static void *submit_one(void *argument)
{
    struct stream *stream = argument;
    CHECK(submit(stream->context, stream->list) == 1);
    return NULL;
}

static void say(const char *line)
{
    printf("%s\n", line);
    fflush(stdout);
}

static void outlast(bool by_call, const char *name)
{
    enum { READS = 50 };
    static unsigned char written[BLOCK];
    static unsigned char buffer[BLOCK];
    aio_context_t context;
    struct ring *ring = setup(MANY, &context);
    struct iocb write = block_request(IOCB_CMD_PWRITE, file, written, 3);
    struct iocb read = block_request(IOCB_CMD_PREAD, other, buffer, 4);
    struct stream stream = {.context = context, .list = &write};
    struct io_event event;
    pthread_t thread;
    CHECK(submit(context, &read) == 1);
    take_this(ring, &read);
    for (int i = 0; i < 2; i++) {
        CHECK(submit(context, &write) == 1);
        take_this(ring, &write);
        CHECK(submit(context, &read) == 1);
        take_this(ring, &read);
    }
    fill(written, 3, 7);
    say("open");
    while (access(name, F_OK) != 0) {
        sched_yield();
    }
    CHECK(pthread_create(&thread, NULL, submit_one, &stream) == 0);
    struct timespec while_ = {0, 300000000};
    nanosleep(&while_, NULL); /* most likely it waits */
    for (int i = 0; i < READS; i++) {
        CHECK(submit(context, &read) == 1);
        if (by_call) {
            CHECK(get(context, 1, 1, &event) == 1);
            CHECK(event.obj == (uint64_t) (uintptr_t) &read && event.res == BLOCK);
        } else {
            take_this(ring, &read);
        }
    }
    say("other");
    take_this(ring, &write);
    pthread_join(thread, NULL);
    CHECK(pread(file, buffer, BLOCK, 3 * BLOCK) == BLOCK && is_filled(buffer, 3, 7));
    destroy(context);
    say("ok");
}

int main(int count, char **arguments)
{
    if (count < 3) {
        fprintf(stderr, "usage: aio_ring_reader FILE OTHER [leave | away memory|call NAME]\n");
        return 2;
    }
    path = arguments[1];
    file = open(path, O_RDWR);
    other = open(arguments[2], O_RDWR);
    CHECK(file >= 0 && other >= 0);
    if (count == 6 && strcmp(arguments[3], "away") == 0) {
        outlast(strcmp(arguments[4], "call") == 0, arguments[5]);
        return 0;
    }
    if (count > 3) {
        leave();
        return 0;
    }
    write_all(file, 1);
    write_all(other, 1);
    shall_find_each_in_memory(1);
    shall_find_each_in_memory(500);
    shall_find_results_in_memory();
    shall_signal_what_is_there(false);
    shall_signal_what_is_there(true);
    shall_keep_what_is_unread(0, 0, false);
    shall_keep_what_is_unread(0, 0, true);
    shall_keep_what_is_unread(40, 0, true);
    shall_keep_what_is_unread(40, 11, false);
    shall_keep_what_is_unread(40, 40, false);
    shall_serve_who_does_both(false);
    shall_serve_who_does_both(true);
    shall_refuse_before_it_is_full(false);
    shall_refuse_before_it_is_full(true);
    shall_be_read_by_another_thread(false);
    shall_be_read_by_another_thread(true);
    shall_end_with_requests_under_way(false);
    shall_end_with_requests_under_way(true);
    shall_not_be_inherited();
    shall_cancel_what_can_be();
    shall_live_without_the_mapping();
    printf("ok\n");
    return 0;
}
