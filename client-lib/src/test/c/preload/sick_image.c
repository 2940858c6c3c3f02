/* What a program does with healthy images, and with signals, while one of its threads waits for an image that
 * does not answer.
 *
 *     sick_image others SICK HEALTHY     all of HEALTHY goes on while SICK is being opened
 *     sick_image posix-aio SICK HEALTHY  asynchronous I/O on HEALTHY goes on while the first on SICK waits, which could
 *     sick_image linux-aio SICK HEALTHY  be opened
 *     sick_image wait SICK               waits for SICK; exits with 3 if it could open it
 *     sick_image handle SICK             opens SICK, in spite of a signal that it handles meanwhile */

#include <aio.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ROUNDS 50

static const char *sick;
static volatile sig_atomic_t handled;

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            perror("errno");                                                                       \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

static void *open_sick(void *unused)
{
    (void) unused;
    open(sick, O_RDWR);
    fprintf(stderr, "the sick image has answered\n");
    _exit(2);
}

static void use(const char *path)
{
    char byte = 'x';
    struct stat status;
    struct flock record = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    int fd = open(path, O_RDWR);
    REQUIRE(fd >= 0);
    REQUIRE(fstat(fd, &status) == 0 && status.st_size > 0);
    REQUIRE(stat(path, &status) == 0 && access(path, W_OK) == 0);
    REQUIRE(lseek(fd, 0, SEEK_END) == status.st_size);
    REQUIRE(pwrite(fd, &byte, 1, 0) == 1 && pread(fd, &byte, 1, 0) == 1 && byte == 'x');
    REQUIRE(fcntl(fd, F_SETLK, &record) == 0 && flock(fd, LOCK_EX) == 0);
    REQUIRE(fsync(fd) == 0);
    REQUIRE(close(fd) == 0);
}

static void *use_again_and_again(void *healthy)
{
    for (int i = 0; i < ROUNDS; i++) {
        use(healthy);
    }
    return NULL;
}

static void others(char *healthy)
{
    pthread_t waiting;
    pthread_t working[3];
    use(healthy); /* the session is there */
    REQUIRE(pthread_create(&waiting, NULL, open_sick, NULL) == 0);
    usleep(300000); /* it is on its way by now, or meets us on it */
    for (int i = 0; i < 3; i++) {
        REQUIRE(pthread_create(&working[i], NULL, use_again_and_again, healthy) == 0);
    }
    for (int i = 0; i < 3; i++) {
        REQUIRE(pthread_join(working[i], NULL) == 0);
    }
    _exit(0);
}

static int sick_descriptor;
static aio_context_t context;

static long submit(int fd, char *bytes, int16_t op)
{
    struct iocb request = {.aio_lio_opcode = (uint16_t) op, .aio_fildes = (uint32_t) fd,
                           .aio_buf = (uint64_t) (uintptr_t) bytes, .aio_nbytes = 512};
    struct iocb *all[] = {&request};
    return syscall(SYS_io_submit, context, 1L, all);
}

static void *read_sick_by_posix(void *unused)
{
    (void) unused;
    static char bytes[512];
    static struct aiocb block;
    block = (struct aiocb) {.aio_fildes = sick_descriptor, .aio_buf = bytes, .aio_nbytes = sizeof bytes};
    aio_read(&block);
    fprintf(stderr, "the sick image has answered\n");
    _exit(2);
}

static void *read_sick_by_linux(void *unused)
{
    (void) unused;
    static char bytes[512];
    submit(sick_descriptor, bytes, IOCB_CMD_PREAD);
    fprintf(stderr, "the sick image has answered\n");
    _exit(2);
}

static void use_by_posix(int fd)
{
    static char bytes[512];
    struct aiocb block = {.aio_fildes = fd, .aio_buf = bytes, .aio_nbytes = sizeof bytes};
    const struct aiocb *all[] = {&block};
    REQUIRE(aio_write(&block) == 0);
    while (aio_error(&block) == EINPROGRESS) {
        aio_suspend(all, 1, NULL);
    }
    REQUIRE(aio_return(&block) == sizeof bytes);
}

static void use_by_linux(int fd)
{
    static char bytes[512];
    struct io_event event;
    REQUIRE(submit(fd, bytes, IOCB_CMD_PWRITE) == 1);
    REQUIRE(syscall(SYS_io_getevents, context, 1L, 1L, &event, NULL) == 1 && event.res == sizeof bytes);
}

/* begun: is used before the sick one is; other files are opened for these requests meanwhile. The sick image is opened
 * for reading alone: each connection to the store has its own then. */
static void asynchronous(bool by_linux, const char *healthy)
{
    void (*use_by)(int fd) = by_linux ? use_by_linux : use_by_posix;
    pthread_t waiting;
    sick_descriptor = open(sick, O_RDONLY);
    int begun = open(healthy, O_RDWR);
    REQUIRE(sick_descriptor >= 0 && begun >= 0 && syscall(SYS_io_setup, 16L, &context) == 0);
    use_by(begun);
    REQUIRE(pthread_create(&waiting, NULL, by_linux ? read_sick_by_linux : read_sick_by_posix, NULL) == 0);
    usleep(300000);
    for (int i = 0; i < ROUNDS; i++) {
        int fd = open(healthy, O_RDWR);
        REQUIRE(fd >= 0);
        use_by(begun);
        use_by(fd);
        REQUIRE(close(fd) == 0);
    }
    _exit(0);
}

static void handle(int signal)
{
    (void) signal;
    handled = 1;
}

int main(int count, char **arguments)
{
    REQUIRE(count >= 3);
    sick = arguments[2];
    if (strcmp(arguments[1], "others") == 0) {
        others(arguments[3]);
    }
    if (strcmp(arguments[1], "posix-aio") == 0 || strcmp(arguments[1], "linux-aio") == 0) {
        asynchronous(arguments[1][0] == 'l', arguments[3]);
    }
    if (strcmp(arguments[1], "handle") == 0) {
        signal(SIGUSR1, handle);
    }
    if (strcmp(arguments[1], "wait") == 0) {
        for (int number = 1; number < NSIG; number++) {
            signal(number, SIG_DFL); /* who started us may ignore some, as nohup does */
        }
    }
    puts("waiting");
    fflush(stdout);
    int fd = open(sick, O_RDWR);
    if (strcmp(arguments[1], "handle") == 0) {
        REQUIRE(fd >= 0 && handled == 1);
        return 0;
    }
    return 3;
}
