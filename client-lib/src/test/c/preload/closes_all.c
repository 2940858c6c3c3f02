/* Closes, past the C library, all descriptors but its own, and puts files of its own in their places.
 *
 *     closes_all IMAGE FILE     FILE: becomes one of 64 KiB, whose bytes nobody else may change */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LENGTH 65536
#define ROUNDS 20
#define MOST 4096

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #condition, strerror(errno));   \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

static long raw(long number, long a, long b, long c)
{
#if defined(__x86_64__)
    __asm__ volatile("syscall" : "+a"(number) : "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return number;
#else
    return syscall(number, a, b, c); /* of which the library may know */
#endif
}

int main(int count, char **arguments)
{
    char written[LENGTH];
    char seen[LENGTH];
    struct stat status;
    REQUIRE(count == 3);
    int file = open(arguments[2], O_RDWR | O_CREAT | O_TRUNC, 0600);
    int image = open(arguments[1], O_RDWR);
    REQUIRE(file >= 0 && image >= 0);
    memset(written, 'f', sizeof written);
    REQUIRE(write(file, written, LENGTH) == LENGTH);
    for (int round = 0; round < ROUNDS; round++) {
        char byte = (char) round;
        usleep(20000); /* the broker sleeps, and has to be woken */
        REQUIRE(pwrite(image, &byte, 1, round) == 1);
        usleep(20000);
        for (int fd = 3; fd < MOST; fd++) {
            if (fd == file || fd == image) {
                continue;
            }
            if (raw(SYS_close, fd, 0, 0) == 0) {
                /* every other time the number is a file of ours from then on, whose position is at its begin */
                if (round % 2 == 0) {
                    int own = (int) raw(SYS_open, (long) arguments[2], O_RDWR, 0);
                    REQUIRE(own >= 0);
                    if (own != fd) {
                        REQUIRE(raw(SYS_dup2, own, fd, 0) == fd && raw(SYS_close, own, 0, 0) == 0);
                    }
                }
            }
        }
        usleep(20000);
        byte = 0;
        REQUIRE(pread(image, &byte, 1, round) == 1 && byte == (char) round);
        byte = (char) (100 + round);
        REQUIRE(pwrite(image, &byte, 1, round) == 1 && fsync(image) == 0);
        REQUIRE(fstat(image, &status) == 0 && status.st_size > 0);
        int again = open(arguments[1], O_RDONLY);
        REQUIRE(again >= 0 && pread(again, &byte, 1, round) == 1 && byte == (char) (100 + round));
        REQUIRE(close(again) == 0);
        REQUIRE(pread(file, seen, LENGTH, 0) == LENGTH && memcmp(written, seen, LENGTH) == 0);
        REQUIRE(lseek(file, 0, SEEK_END) == LENGTH);
        /* our own files are still there */
        for (int fd = 3; round % 2 == 0 && fd < MOST; fd++) {
            struct stat own;
            if (fd != image && raw(SYS_fstat, fd, (long) &own, 0) == 0 && S_ISREG(own.st_mode)) {
                REQUIRE(fd == file || raw(SYS_close, fd, 0, 0) == 0);
            }
        }
    }
    puts("nothing of ours was touched");
    return 0;
}
