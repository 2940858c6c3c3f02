#include "placeholder.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memory_file.h"
#include "real.h"

#define MAGIC UINT64_C(0x7277776264723031) /* "10rdbwwr" */
#define MEMFD_NAME "rbdw"
#define LINK_PREFIX "/memfd:" MEMFD_NAME

static void put_link(char *link, size_t room, int fd)
{
    snprintf(link, room, "/proc/self/fd/%d", fd);
}

/* As long as the image, for who looks at it past this library, where the process may make such files. */
static int make_memory(int64_t size)
{
    unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    int64_t least = (int64_t) sizeof(struct open_state);
    int memory = memory_file_make(MEMFD_NAME, flags, size > least ? size : least);
    if (memory == -EFBIG) {
        memory = memory_file_make(MEMFD_NAME, flags, least);
    }
    if (memory >= 0
        && REAL(fcntl)(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
        int error = -errno;
        REAL(close)(memory);
        return error;
    }
    return memory;
}

static struct open_state *map_state(int memory)
{
    return mmap(NULL, sizeof(struct open_state), PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
}

/* memory becomes its own placeholder: the number is the lowest that was free. */
static int become_path(int memory, int close_on_exec)
{
    char link[32];
    put_link(link, sizeof link, memory);
    int path = REAL(open)(link, O_PATH | O_CLOEXEC);
    if (path < 0) {
        return errno == ENOENT ? -ENXIO : -errno; /* no /proc */
    }
    int result = REAL(dup3)(path, memory, close_on_exec);
    int error = -errno;
    REAL(close)(path);
    return result < 0 ? error : memory;
}

int placeholder_make(const struct open_state *initial, int64_t size, int close_on_exec,
                     struct open_state **state)
{
    int memory = make_memory(size);
    if (memory < 0) {
        return memory;
    }
    struct open_state *made = map_state(memory);
    if (made == MAP_FAILED) {
        int error = -errno;
        REAL(close)(memory);
        return error;
    }
    memcpy(made, initial, sizeof *made);
    made->magic = MAGIC;
    int fd = become_path(memory, close_on_exec);
    if (fd < 0) {
        placeholder_unmap(made);
        REAL(close)(memory);
        return fd;
    }
    *state = made;
    return fd;
}

static bool may_be_placeholder(int fd, const char *link)
{
    char target[sizeof LINK_PREFIX];
    int flags = REAL(fcntl)(fd, F_GETFL);
    if (flags < 0 || (flags & O_PATH) == 0) {
        return false;
    }
    ssize_t length = REAL(readlink)(link, target, sizeof target - 1);
    return length == sizeof LINK_PREFIX - 1 && memcmp(target, LINK_PREFIX, (size_t) length) == 0;
}

int placeholder_map(int fd, struct open_state **state)
{
    char link[32];
    put_link(link, sizeof link, fd);
    if (!may_be_placeholder(fd, link)) {
        return -EBADF;
    }
    int memory = REAL(open)(link, O_RDWR | O_CLOEXEC);
    if (memory < 0) {
        return -EBADF;
    }
    /* sealed, so that nobody can shrink it under the mapping */
    struct stat status;
    int seals = REAL(fcntl)(memory, F_GET_SEALS);
    bool fits = seals >= 0 && (seals & F_SEAL_SHRINK) != 0 && REAL(fstat)(memory, &status) == 0
                && status.st_size >= (off_t) sizeof(struct open_state);
    struct open_state *mapped = fits ? map_state(memory) : MAP_FAILED;
    REAL(close)(memory);
    if (mapped == MAP_FAILED) {
        return -EBADF;
    }
    if (mapped->magic != MAGIC || memchr(mapped->path, '\0', sizeof mapped->path) == NULL
        || memchr(mapped->image, '\0', sizeof mapped->image) == NULL) {
        placeholder_unmap(mapped);
        return -EBADF;
    }
    *state = mapped;
    return 0;
}

void placeholder_unmap(struct open_state *state)
{
    munmap(state, sizeof *state);
}
