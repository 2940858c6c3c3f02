/* What a program does with healthy images, and with signals, while one of its threads waits for an image that
 * does not answer.
 *
 *     sick_image others SICK HEALTHY     all of HEALTHY goes on while SICK is being opened
 *     sick_image wait SICK               waits for SICK; exits with 3 if it could open it
 *     sick_image handle SICK             opens SICK, in spite of a signal that it handles meanwhile */

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
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
    if (strcmp(arguments[1], "handle") == 0) {
        signal(SIGUSR1, handle);
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
