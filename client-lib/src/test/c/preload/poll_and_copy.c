/* poll_and_copy FILE OTHER FOLDER: asks for readiness and copies, and prints what came of it: the same
 * for an image and for a plain file. Both hold the same bytes, 1 MiB or more, and OTHER as well. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB (1 << 20)
#define THREADS 20

static const char *path;
static const char *other_path;
static char scratch_path[PATH_MAX];

static void print(const char *what, long result)
{
    int error = errno;
    printf("%s: %ld %s\n", what, result, result < 0 ? strerrorname_np(error) : "");
    errno = 0;
}

static void expect(const char *what, int is_so)
{
    printf("%s: %s\n", what, is_so ? "yes" : "no");
}

static int open_or_die(const char *name, int flags)
{
    int fd = open(name, flags, 0600);
    if (fd < 0) {
        perror(name);
        exit(2);
    }
    return fd;
}

static int scratch(void)
{
    return open_or_die(scratch_path, O_RDWR | O_CREAT | O_TRUNC);
}

static uint64_t hash(uint64_t so_far, const unsigned char *bytes, ssize_t length)
{
    for (ssize_t i = 0; i < length; i++) {
        so_far = (so_far ^ bytes[i]) * UINT64_C(1099511628211);
    }
    return so_far;
}

static void print_bytes(const char *what, int fd, off_t from, size_t length)
{
    static unsigned char buffer[MIB];
    ssize_t done = pread(fd, buffer, length, from);
    printf("%s: %zd bytes, %016lx\n", what, done, (unsigned long) hash(1, buffer, done));
}

static void make_pipe(int ends[2], int flags)
{
    if (pipe2(ends, flags) < 0) {
        perror("pipe2");
        exit(2);
    }
}

static void close_both(const int ends[2])
{
    close(ends[0]);
    close(ends[1]);
}

static void print_polled(const char *what, int result, const struct pollfd *set, int count)
{
    print(what, result);
    for (int i = 0; i < count; i++) {
        printf("  %s %x\n", set[i].fd < 0 ? "hidden" : "watched", (unsigned) set[i].revents);
    }
}

static void *write_later(void *fd)
{
    usleep(50000);
    if (write(*(int *) fd, "x", 1) != 1) {
        perror("write");
    }
    return NULL;
}

static void poll_large_set(int file)
{
    enum { COUNT = 1020 * 2 };
    static struct pollfd set[COUNT];
    int ends[2];
    make_pipe(ends, 0);
    for (int i = 0; i < COUNT; i++) {
        set[i] = (struct pollfd) {i % 2 == 0 ? file : ends[0], POLLIN, 0x7f};
    }
    print("poll of 1000", poll(set, 1000, -1));
    print("poll of 2040", poll(set, COUNT, -1));
    expect("the last is not ready", set[COUNT - 1].revents == 0 || set[COUNT - 1].revents == 0x7f);
    close_both(ends);
}

static void polls(int file)
{
    int ends[2];
    make_pipe(ends, 0);
    int closed = dup(file);
    close(closed);
    struct pollfd set[] = {
        {file, POLLIN | POLLOUT | POLLPRI | POLLRDNORM | POLLWRNORM | POLLRDHUP, -1},
        {ends[0], POLLIN, -1},
        {~file, POLLIN, -1},
        {INT_MIN, POLLIN, -1},
        {closed, POLLIN, -1},
    };
    print_polled("poll", poll(set, 5, -1), set, 5);
    print_polled("poll of the file alone", poll(set, 1, 0), set, 1);
    expect("the set is as it was", set[0].fd == file && set[2].fd == ~file && set[3].fd == INT_MIN);
    print_polled("poll of others", poll(set + 1, 2, 0), set + 1, 2);
    if (write(ends[1], "x", 1) != 1) {
        perror("write");
    }
    print_polled("poll with a pipe that is ready", poll(set, 2, 1000), set, 2);
    char byte;
    print("read", read(ends[0], &byte, 1));
    set[0].events = POLLPRI;
    print_polled("poll with nothing ready", poll(set, 2, 20), set, 2);
    pthread_t thread;
    pthread_create(&thread, NULL, write_later, &ends[1]);
    print_polled("poll that waits for the pipe", poll(set, 2, -1), set, 2);
    pthread_join(thread, NULL);
    set[0].events = POLLOUT;
    struct timespec second = {1, 0};
    sigset_t none;
    sigemptyset(&none);
    print_polled("ppoll", ppoll(set, 2, &second, &none), set, 2);
    second.tv_nsec = -1;
    set[0].events = 0;
    print("ppoll with a bad time", ppoll(set, 1, &second, NULL));
    print("poll of nothing", poll(NULL, 0, 0));
    poll_large_set(file);
    close_both(ends);
}

static void print_selected(const char *what, int result, int file, int end, fd_set *sets)
{
    print(what, result);
    for (int i = 0; i < 3; i++) {
        printf("  file %d, pipe %d\n", FD_ISSET(file, &sets[i]) != 0, FD_ISSET(end, &sets[i]) != 0);
    }
}

static void fill(fd_set *sets, int file, int end)
{
    for (int i = 0; i < 3; i++) {
        FD_ZERO(&sets[i]);
        FD_SET(file, &sets[i]);
        FD_SET(end, &sets[i]);
    }
}

static void selects(int file)
{
    fd_set sets[3];
    int ends[2];
    make_pipe(ends, 0);
    int end = ends[0];
    int count = (file > end ? file : end) + 1;
    fill(sets, file, end);
    print_selected("select", select(count, &sets[0], &sets[1], &sets[2], NULL), file, end, sets);
    fill(sets, file, end);
    print_selected("select to read", select(count, &sets[0], NULL, NULL, NULL), file, end, sets);
    struct timeval soon = {0, 20000};
    fill(sets, file, end);
    print_selected("select of exceptions", select(count, NULL, NULL, &sets[2], &soon), file, end,
                   sets);
    if (write(ends[1], "x", 1) != 1) {
        perror("write");
    }
    struct timespec second = {1, 0};
    fill(sets, file, end);
    print_selected("pselect", pselect(count, &sets[0], &sets[1], &sets[2], &second, NULL), file,
                   end, sets);
    int closed = dup(file);
    close(closed);
    fill(sets, file, end);
    FD_SET(closed, &sets[0]);
    print_selected("select of a closed one",
                   select((closed > count ? closed : count) + 1, &sets[0], &sets[1], NULL, NULL),
                   file, end, sets);
    close_both(ends);
}

static void epolls(int file)
{
    struct epoll_event event = {.events = EPOLLIN};
    int set = epoll_create1(0);
    print("epoll_ctl add", epoll_ctl(set, EPOLL_CTL_ADD, file, &event));
    print("epoll_ctl modify", epoll_ctl(set, EPOLL_CTL_MOD, file, &event));
    print("epoll_ctl delete", epoll_ctl(set, EPOLL_CTL_DEL, file, NULL));
    print("epoll_ctl of no set", epoll_ctl(-1, EPOLL_CTL_ADD, file, &event));
    close(set);
}

static void copy_ranges(int file)
{
    int out = scratch();
    off_t from = 1000;
    off_t to = 77;
    print("copy_file_range", copy_file_range(file, &from, out, &to, 700000, 0));
    printf("  offsets %ld %ld\n", (long) from, (long) to);
    print("position", lseek(file, 0, SEEK_CUR));
    lseek(file, 5000, SEEK_SET);
    lseek(out, 10, SEEK_SET);
    print("copy_file_range at positions", copy_file_range(file, NULL, out, NULL, 300000, 0));
    printf("  positions %ld %ld\n", (long) lseek(file, 0, SEEK_CUR), (long) lseek(out, 0, SEEK_CUR));
    print_bytes("copied", out, 0, 800000);
    from = 0;
    to = 12345;
    print("copy_file_range back", copy_file_range(out, &from, file, &to, 50000, 0));
    from = 600000;
    to = 100000;
    print("copy_file_range within", copy_file_range(file, &from, file, &to, 400000, 0));
    print_bytes("changed", file, 0, MIB);
    print("copy_file_range over itself", copy_file_range(file, &from, file, &to, 1000000, 0));
    from = to = 4096;
    print("copy_file_range to itself", copy_file_range(file, &from, file, &to, 1, 0));
    print("copy_file_range of nothing", copy_file_range(file, &from, file, &to, 0, 0));
    close(out);
}

static void bad_copy_ranges(int file, off_t size)
{
    int out = scratch();
    int append = open_or_die(scratch_path, O_WRONLY | O_APPEND);
    int append_file = open_or_die(path, O_WRONLY | O_APPEND);
    int read_only = open_or_die(path, O_RDONLY);
    int write_only = open_or_die(path, O_WRONLY);
    int folder = open_or_die("/", O_RDONLY | O_DIRECTORY);
    int ends[2];
    make_pipe(ends, 0);
    off_t from = 0;
    off_t to = 0;
    print("flags", copy_file_range(file, &from, out, &to, 10, 1));
    print("append", copy_file_range(file, &from, append, NULL, 10, 0));
    print("append to the file", copy_file_range(out, &from, append_file, NULL, 10, 0));
    print("write-only source", copy_file_range(write_only, &from, out, &to, 10, 0));
    print("read-only target", copy_file_range(out, &from, read_only, &to, 10, 0));
    print("to a folder", copy_file_range(file, &from, folder, &to, 10, 0));
    print("to a pipe", copy_file_range(file, &from, ends[1], NULL, 10, 0));
    print("from a pipe", copy_file_range(ends[0], NULL, file, &to, 10, 0));
    print("to nowhere", copy_file_range(file, &from, -1, &to, 10, 0));
    from = -1;
    print("before the begin", copy_file_range(file, &from, out, &to, 10, 0));
    from = INT64_MAX - 5;
    print("past all ends", copy_file_range(file, &from, out, &to, 10, 0));
    from = size;
    print("at the end", copy_file_range(file, &from, out, &to, 10, 0));
    from = size + 100;
    print("after the end", copy_file_range(file, &from, out, &to, 10, 0));
    from = size - 100;
    to = 0;
    print("across the end", copy_file_range(file, &from, out, &to, 1000, 0));
    print("as much as there is", copy_file_range(file, (from = 0, &from), out, NULL, SSIZE_MAX, 0));
    close(out);
    close(append);
    close(append_file);
    close(read_only);
    close(write_only);
    close(folder);
    close_both(ends);
}

static void sendfiles(int file, off_t size)
{
    int out = scratch();
    int in = open_or_die(path, O_RDONLY);
    int append = open_or_die(scratch_path, O_WRONLY | O_APPEND);
    int append_file = open_or_die(path, O_WRONLY | O_APPEND);
    int write_only = open_or_die(path, O_WRONLY);
    off_t from = 4321;
    print("sendfile", sendfile(out, in, &from, 600000));
    printf("  offset %ld, position %ld\n", (long) from, (long) lseek(in, 0, SEEK_CUR));
    print("sendfile at position", sendfile(out, in, NULL, 100000));
    printf("  position %ld\n", (long) lseek(in, 0, SEEK_CUR));
    print_bytes("sent", out, 0, MIB);
    from = 50;
    lseek(file, 200000, SEEK_SET);
    print("sendfile to the file", sendfile(file, out, &from, 300000));
    printf("  position %ld\n", (long) lseek(file, 0, SEEK_CUR));
    print("sendfile within the file", sendfile(file, in, NULL, 100000));
    print_bytes("file", file, 0, MIB);
    from = size - 10;
    print("sendfile across the end", sendfile(out, in, &from, 1000));
    print("sendfile at the end", sendfile(out, in, &from, 1000));
    from = -1;
    print("sendfile before the begin", sendfile(out, in, &from, 1000));
    from = 0;
    print("sendfile that appends", sendfile(append, in, &from, 1000));
    print("sendfile that appends to the file", sendfile(append_file, out, &from, 1000));
    print("sendfile of a write-only one", sendfile(out, write_only, &from, 1000));
    print("sendfile to a read-only one", sendfile(in, out, &from, 1000));
    print("sendfile of nothing", sendfile(out, in, &from, 0));
    print("sendfile to nowhere", sendfile(-1, in, &from, 10));
    close(out);
    close(in);
    close(append);
    close(append_file);
    close(write_only);
}

/* Reads what there is. */
static ssize_t drain(int fd, uint64_t *sum)
{
    static unsigned char buffer[65536];
    ssize_t done;
    ssize_t all = 0;
    while ((done = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT)) > 0) {
        *sum = hash(*sum, buffer, done);
        all += done;
    }
    return all;
}

static void send_to_socket(off_t size)
{
    int ends[2];
    int in = open_or_die(path, O_RDONLY);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) < 0) {
        perror("socketpair");
        exit(2);
    }
    uint64_t sum = 1;
    ssize_t all = 0;
    int was_full = 0;
    while (all < size) {
        ssize_t sent = sendfile(ends[0], in, NULL, (size_t) size);
        if (sent < 0 && errno != EAGAIN) {
            print("sendfile to a socket", sent);
            break;
        }
        expect("position follows", all + (sent > 0 ? sent : 0) == lseek(in, 0, SEEK_CUR) || sent < 0);
        ssize_t again = sendfile(ends[0], in, NULL, (size_t) size);
        was_full |= again < 0 && errno == EAGAIN;
        all += (sent > 0 ? sent : 0) + (again > 0 ? again : 0);
        drain(ends[1], &sum);
        if (all > 0 && was_full) {
            break;
        }
    }
    expect("a full socket is told", was_full);
    while (all < size) {
        ssize_t sent = sendfile(ends[0], in, NULL, (size_t) size);
        all += sent > 0 ? sent : 0;
        drain(ends[1], &sum);
    }
    printf("through the socket: %zd bytes, %016lx\n", all, (unsigned long) sum);
    close(in);
    close_both(ends);
}

/* One thread fills and empties the pipe: so it must never wait for room. */
static void splice_through(const char *what, int pipe_size, off_t size, int by_sendfile)
{
    int ends[2];
    make_pipe(ends, 0);
    if (pipe_size > 0) {
        fcntl(ends[1], F_SETPIPE_SZ, pipe_size);
    }
    int in = open_or_die(path, O_RDONLY);
    int out = scratch();
    ssize_t moved;
    off_t all = 0;
    while ((moved = by_sendfile ? sendfile(ends[1], in, NULL, MIB)
                                : splice(in, NULL, ends[1], NULL, MIB, 0))
           > 0) {
        while (moved > 0) {
            ssize_t given = splice(ends[0], NULL, out, NULL, (size_t) moved, 0);
            moved -= given;
            all += given;
        }
    }
    print(what, moved);
    expect("all of it", all == size && lseek(in, 0, SEEK_CUR) == size);
    print_bytes("through the pipe", out, size - MIB, MIB);
    close(in);
    close(out);
    close_both(ends);
}

static void splices(int file)
{
    int ends[2];
    make_pipe(ends, 0);
    off_t from = 100;
    off_t to = 20000; /* elsewhere: a pipe may hold a plain file's pages, not their bytes */
    print("splice", splice(file, &from, ends[1], NULL, 5000, 0));
    printf("  offset %ld\n", (long) from);
    print("splice back", splice(ends[0], NULL, file, &to, 4000, 0));
    printf("  offset %ld\n", (long) to);
    lseek(file, 70000, SEEK_SET);
    print("splice at position", splice(ends[0], NULL, file, NULL, 4000, 0));
    printf("  position %ld\n", (long) lseek(file, 0, SEEK_CUR));
    print_bytes("file", file, 0, MIB);
    print("splice of an empty pipe", splice(ends[0], NULL, file, &to, 10, SPLICE_F_NONBLOCK));
    ssize_t filled = 0;
    ssize_t moved;
    while ((moved = splice(file, NULL, ends[1], NULL, MIB, SPLICE_F_NONBLOCK)) > 0) {
        filled += moved;
    }
    print("splice to a full pipe", moved);
    expect("position follows", lseek(file, 0, SEEK_CUR) == 71000 + filled);
    print("offset of a pipe", splice(file, &from, ends[1], &to, 10, 0));
    print("offset of the other pipe", splice(ends[0], &from, file, &to, 10, 0));
    int out = scratch();
    print("splice without a pipe", splice(file, NULL, out, NULL, 10, 0));
    print("splice of two files", splice(file, NULL, file, NULL, 10, 0));
    print("splice of nothing", splice(file, NULL, ends[1], NULL, 0, 0));
    print("splice to a reading end", splice(file, NULL, ends[0], NULL, 10, 0));
    print("splice from a writing end", splice(ends[1], NULL, file, NULL, 10, 0));
    print("splice from nowhere", splice(-1, NULL, file, NULL, 10, 0));
    int append = open_or_die(path, O_WRONLY | O_APPEND);
    print("splice that appends", splice(ends[0], NULL, append, NULL, 10, 0));
    close(append);
    from = -1;
    print("splice before the begin", splice(file, &from, ends[1], NULL, 10, 0));
    close(ends[0]);
    print("splice to a pipe without a reader", splice(file, NULL, ends[1], NULL, 10, 0));
    close(ends[1]);
    make_pipe(ends, O_NONBLOCK);
    print("splice of an empty pipe that does not block", splice(ends[0], NULL, file, NULL, 10, 0));
    close(ends[1]);
    print("splice of a pipe without a writer", splice(ends[0], NULL, file, NULL, 10, 0));
    close(ends[0]);
    close(out);
}

static void copy_between_files(int file)
{
    int other = open_or_die(other_path, O_RDWR);
    off_t from = 0;
    off_t to = 500000;
    print("copy between files", copy_file_range(file, &from, other, &to, 400000, 0));
    lseek(other, 1000, SEEK_SET);
    from = 900000;
    print("sendfile between files", sendfile(other, file, &from, 100000));
    print("splice between files", splice(file, NULL, other, NULL, 10, 0));
    print_bytes("other", other, 0, MIB);
    close(other);
}

/* More threads than the library has buffers. */
static void *copy_alone(void *number)
{
    char name[PATH_MAX + 16];
    snprintf(name, sizeof name, "%s.%d", scratch_path, *(int *) number);
    int in = open_or_die(path, O_RDONLY);
    int out = open_or_die(name, O_RDWR | O_CREAT | O_TRUNC);
    int *same = number;
    static const size_t length = MIB;
    for (int i = 0; i < 5; i++) {
        off_t from = 0;
        off_t to = 0;
        size_t done = 0;
        while (done < length) {
            ssize_t moved = copy_file_range(in, &from, out, &to, length - done, 0);
            if (moved <= 0) {
                break;
            }
            done += (size_t) moved;
        }
    }
    char *a = malloc(length);
    char *b = malloc(length);
    *same = pread(in, a, length, 0) == (ssize_t) length && pread(out, b, length, 0) == (ssize_t) length
            && memcmp(a, b, length) == 0;
    free(a);
    free(b);
    close(in);
    close(out);
    unlink(name);
    return NULL;
}

static void copy_by_threads(void)
{
    pthread_t threads[THREADS];
    int numbers[THREADS];
    int same = 0;
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        pthread_create(&threads[i], NULL, copy_alone, &numbers[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        same += numbers[i];
    }
    print("threads that copied right", same);
}

int main(int count, char **arguments)
{
    if (count != 4) {
        fprintf(stderr, "usage: poll_and_copy FILE OTHER FOLDER\n");
        return 2;
    }
    path = arguments[1];
    other_path = arguments[2];
    snprintf(scratch_path, sizeof scratch_path, "%s/copied", arguments[3]);
    signal(SIGPIPE, SIG_IGN);
    int file = open_or_die(path, O_RDWR);
    struct stat status;
    if (fstat(file, &status) < 0) {
        perror("fstat");
        return 2;
    }
    polls(file);
    selects(file);
    epolls(file);
    copy_ranges(file);
    bad_copy_ranges(file, status.st_size);
    sendfiles(file, status.st_size);
    send_to_socket(status.st_size);
    splice_through("splice through a pipe", 0, status.st_size, 0);
    splice_through("splice through a small pipe", 4096, status.st_size, 0);
    splice_through("splice through a large pipe", MIB, status.st_size, 0);
    splice_through("sendfile through a pipe", 0, status.st_size, 1);
    splices(file);
    copy_between_files(file);
    copy_by_threads();
    close(file);
    return 0;
}
