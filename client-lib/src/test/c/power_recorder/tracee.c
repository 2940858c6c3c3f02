/* What a traced thread has in its memory and behind its descriptors, while it is stopped. */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "recorder.h"

void tracee_memory(pid_t thread, uint64_t address, void *into, size_t length)
{
    struct iovec local = {into, length}, remote = {(void *)address, length};

    if (process_vm_readv(thread, &local, 1, &remote, 1, 0) != (ssize_t)length)
        fail("memory of process %d cannot be read: %m", thread);
}

static void read_string(pid_t thread, uint64_t address, char *into, size_t size)
{
    /* by pieces that do not cross a page: the next one may not be there */
    for (size_t at = 0; at < size;) {
        size_t piece = 256 - (address + at) % 256;
        if (piece > size - at)
            piece = size - at;
        struct iovec local = {into + at, piece}, remote = {(void *)(address + at), piece};
        if (process_vm_readv(thread, &local, 1, &remote, 1, 0) != (ssize_t)piece) {
            into[0] = '\0'; /* the call fails with EFAULT */
            return;
        }
        if (memchr(into + at, '\0', piece) != NULL)
            return;
        at += piece;
    }
    into[0] = '\0'; /* too long for the watched folder */
}

/* The path behind a link of /proc, empty where there is none. */
static void read_link(pid_t thread, const char *name, char *into, size_t size)
{
    char link[64];

    snprintf(link, sizeof(link), "/proc/%d/%s", thread, name);
    ssize_t length = readlink(link, into, size - 1);
    into[length < 0 ? 0 : length] = '\0';
}

void tracee_path_of(pid_t thread, int fd, char *into, size_t size)
{
    char name[32];

    snprintf(name, sizeof(name), "fd/%d", fd);
    read_link(thread, name, into, size);
}

void tracee_path(pid_t thread, int folder, uint64_t address, char *into, size_t size)
{
    char given[1024], base[1024];

    read_string(thread, address, given, sizeof(given));
    if (given[0] == '/') {
        snprintf(into, size, "%s", given);
        return;
    }
    if (folder == AT_FDCWD)
        read_link(thread, "cwd", base, sizeof(base));
    else
        tracee_path_of(thread, folder, base, sizeof(base));
    if (snprintf(into, size, "%s/%s", base, given) >= (int)size)
        into[0] = '\0'; /* the watched folder's are short */
}

uint64_t tracee_inode_of(pid_t thread, int fd)
{
    char link[64];
    struct stat status;

    snprintf(link, sizeof(link), "/proc/%d/fd/%d", thread, fd);
    if (stat(link, &status) != 0)
        fail("%s: %m", link);
    return status.st_ino;
}

uint64_t tracee_position_of(pid_t thread, int fd)
{
    char name[64];
    unsigned long long position;

    snprintf(name, sizeof(name), "/proc/%d/fdinfo/%d", thread, fd);
    FILE *file = fopen(name, "re");
    if (file == NULL || fscanf(file, "pos: %llu", &position) != 1)
        fail("%s cannot be read: %m", name);
    fclose(file);
    return position;
}
