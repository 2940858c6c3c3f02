#include "placeholder.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "real.h"

#define SHARED_OFFSET offsetof(struct open_state, flags)

static size_t page_size(void)
{
    return (size_t) sysconf(_SC_PAGESIZE);
}

/* shared: the descriptor of the page that others have, too. */
static struct open_state *map_state(int shared)
{
    size_t page = page_size();
    char *memory = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return NULL;
    }
    if (mmap(memory + page, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, shared, 0)
        == MAP_FAILED) {
        munmap(memory, 2 * page);
        return NULL;
    }
    return (struct open_state *) (memory + page - SHARED_OFFSET);
}

void placeholder_unmap(struct open_state *state)
{
    size_t page = page_size();
    munmap((char *) state + SHARED_OFFSET - page, 2 * page);
}

static void describe(struct open_state *state, const struct image_share *share)
{
    state->partition = share->partition;
    state->base = share->base;
    state->length = share->length;
    strcpy(state->path, share->path);
    strcpy(state->image, share->image);
}

bool placeholder_may_be(int fd, struct placeholder_id *id)
{
    struct stat status;
    int error = errno;
    int flags = REAL(fcntl)(fd, F_GETFL);
    /* by a system call: fakeroot's own fstat asks a daemon of its, which need not be there */
    bool may_be = flags >= 0 && (flags & O_PATH) != 0 && REAL(syscall)(SYS_fstat, fd, &status) == 0
                  && S_ISSOCK(status.st_mode) && status.st_nlink == 0;
    if (may_be) {
        *id = (struct placeholder_id) {status.st_dev, status.st_ino};
    }
    errno = error;
    return may_be;
}

/* The broker's descriptor of the page is not needed once it is mapped. */
static struct open_state *take_state(int shared)
{
    struct open_state *state = map_state(shared);
    REAL(close)(shared);
    return state;
}

int placeholder_make(rbdw_file *image, const struct open_state *initial, int close_on_exec,
                     struct open_state **made)
{
    int fd;
    int shared;
    struct placeholder_id id;
    struct image_share share = {
        .partition = initial->partition,
        .base = initial->base,
        .length = initial->length,
    };
    strcpy(share.path, initial->path);
    int error = image_share(image, &share, &fd, &shared);
    if (error < 0) {
        return error;
    }
    struct open_state *state = take_state(shared);
    if (state == NULL || !placeholder_may_be(fd, &id)
        || (close_on_exec == 0 && REAL(fcntl)(fd, F_SETFD, 0) < 0)) {
        REAL(close)(fd);
        if (state != NULL) {
            placeholder_unmap(state);
        }
        return state == NULL ? -ENOMEM : -EPROTO;
    }
    *state = *initial; /* nobody else has it yet */
    state->id = id;
    *made = state;
    return fd;
}

int placeholder_attach(int fd, const struct placeholder_id *id, rbdw_file **image,
                       struct open_state **attached)
{
    struct image_share share;
    int error = image_open_shared(fd, &share, image);
    if (error < 0) {
        return error;
    }
    struct open_state *state = share.state < 0 ? NULL : take_state(share.state);
    if (state == NULL) {
        rbdw_close(*image);
        return share.state < 0 ? -EACCES : -ENOMEM;
    }
    describe(state, &share);
    state->id = *id;
    *attached = state;
    return 0;
}
