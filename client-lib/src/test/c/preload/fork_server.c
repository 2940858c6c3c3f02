/* fork_server FILE: a server that opens a file once and forks workers which use the one descriptor,
 * as such servers do. Prints nothing and exits with 0 where all is as on a file.
 *
 * Each byte range is read by exactly one worker through the shared position; each worker writes a
 * range of its own, in one descriptor with the others; a grandchild sees what was written. */

#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS 6
#define RECORD 4096 /* bytes */
#define RECORDS 600

static void expect(int is_true, const char *what)
{
    if (!is_true) {
        err(1, "%s", what);
    }
}

/* Every record begins with its number + 1. */
static void fill(int fd)
{
    uint64_t record[RECORD / sizeof(uint64_t)];
    for (uint64_t i = 0; i < RECORDS; i++) {
        memset(record, (int) i, sizeof record);
        record[0] = i + 1;
        expect(write(fd, record, RECORD) == RECORD, "write");
    }
    expect(lseek(fd, 0, SEEK_SET) == 0, "lseek");
}

/* Behind the records. */
static off_t range_of(int worker)
{
    return (off_t) (RECORDS + worker) * RECORD;
}

static void work(int fd, int worker, _Atomic uint32_t *seen)
{
    uint64_t record[RECORD / sizeof(uint64_t)];
    ssize_t n;
    for (uint64_t last = 0; lseek(fd, 0, SEEK_CUR) < RECORD * RECORDS; last = record[0]) {
        n = read(fd, record, RECORD);
        if (n == 0) {
            break; /* another worker was faster, or what follows the records is not there */
        }
        expect(n == RECORD && record[0] > last, "read");
        if (record[0] <= RECORDS) {
            seen[record[0] - 1]++;
        }
    }
    memset(record, 'a' + worker, sizeof record);
    expect(pwrite(fd, record, RECORD, range_of(worker)) == RECORD, "pwrite");
    pid_t grandchild = fork();
    if (grandchild == 0) {
        char back[RECORD];
        expect(pread(fd, back, RECORD, range_of(worker)) == RECORD, "pread");
        _exit(memcmp(back, record, RECORD) == 0 ? 0 : 1);
    }
    int status;
    expect(waitpid(grandchild, &status, 0) == grandchild && status == 0, "grandchild");
    expect(close(fd) == 0, "close");
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        errx(2, "usage: fork_server FILE");
    }
    _Atomic uint32_t *seen = mmap(NULL, RECORDS * sizeof *seen, PROT_READ | PROT_WRITE,
                                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int fd = open(argv[1], O_RDWR);
    expect(fd >= 0 && seen != MAP_FAILED, "open");
    fill(fd);
    for (int i = 0; i < WORKERS; i++) {
        pid_t child = fork();
        expect(child >= 0, "fork");
        if (child == 0) {
            work(fd, i, seen);
            exit(0);
        }
    }
    for (int i = 0; i < WORKERS; i++) {
        int status;
        expect(wait(&status) > 0, "wait");
        if (status != 0) {
            errx(1, "a worker ended with status %d", status);
        }
    }
    for (int i = 0; i < RECORDS; i++) {
        if (seen[i] != 1) {
            errx(1, "record %d was read %u times", i, seen[i]);
        }
    }
    for (int i = 0; i < WORKERS; i++) {
        char back[RECORD];
        expect(pread(fd, back, RECORD, range_of(i)) == RECORD, "pread");
        if (back[0] != 'a' + i || back[RECORD - 1] != 'a' + i) {
            errx(1, "what worker %d wrote is not there", i);
        }
    }
    return close(fd);
}
