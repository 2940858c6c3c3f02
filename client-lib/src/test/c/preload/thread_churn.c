/* thread_churn FILE THREADS: so many threads come and go, eight at a time, each of which reads and
 * writes the file through a shared descriptor and one of its own. Nothing may be left behind: the
 * number of descriptors and of bytes of the process is the same at the end. */

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AT_A_TIME 8
#define BLOCK 512     /* bytes */
#define OPEN_EVERY 64 /* threads */
#define MAX_GROWTH 16384 /* KiB: what the C library keeps of stacks and heaps */

static const char *path;
static int shared;

static void *run(void *argument)
{
    long number = (long) argument;
    char block[BLOCK];
    char back[BLOCK];
    off_t place = number % AT_A_TIME * BLOCK;
    int fd = number % OPEN_EVERY == 0 ? open(path, O_RDWR) : shared;
    memset(block, (int) number, sizeof block);
    if (fd < 0 || pwrite(fd, block, BLOCK, place) != BLOCK || pread(fd, back, BLOCK, place) != BLOCK) {
        err(1, "thread %ld", number);
    }
    if (memcmp(block, back, BLOCK) != 0) {
        errx(1, "thread %ld reads other than it wrote", number);
    }
    if (fd != shared) {
        close(fd);
    }
    return NULL;
}

static void run_all(long first, long count)
{
    pthread_t threads[AT_A_TIME];
    for (long i = 0; i < count; i += AT_A_TIME) {
        for (long j = 0; j < AT_A_TIME; j++) {
            int error = pthread_create(&threads[j], NULL, run, (void *) (first + i + j));
            if (error != 0) {
                errx(1, "pthread_create: %s", strerror(error));
            }
        }
        for (long j = 0; j < AT_A_TIME; j++) {
            pthread_join(threads[j], NULL);
        }
    }
}

/* But for that of the host's load: the library opens it when it first wants to know. */
static int count_descriptors(void)
{
    int count = 0;
    DIR *directory = opendir("/proc/self/fd");
    struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        char target[100];
        ssize_t length = readlinkat(dirfd(directory), entry->d_name, target, sizeof target);
        if (length != sizeof "/proc/stat" - 1 || memcmp(target, "/proc/stat", length) != 0) {
            count++;
        }
    }
    closedir(directory);
    return count;
}

static long resident_kib(void)
{
    char line[200];
    long kib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (fgets(line, sizeof line, status) != NULL) {
        if (sscanf(line, "VmRSS: %ld", &kib) == 1) {
            break;
        }
    }
    fclose(status);
    return kib;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        errx(2, "usage: thread_churn FILE THREADS");
    }
    path = argv[1];
    shared = open(path, O_RDWR);
    if (shared < 0) {
        err(1, "%s", path);
    }
    run_all(0, 1000);
    int descriptors = count_descriptors();
    long kib = resident_kib();
    run_all(1000, atol(argv[2]));
    if (count_descriptors() != descriptors) {
        errx(1, "%d descriptors at the begin, %d at the end", descriptors, count_descriptors());
    }
    if (resident_kib() - kib > MAX_GROWTH) {
        errx(1, "%ld KiB at the begin, %ld at the end", kib, resident_kib());
    }
    return 0;
}
