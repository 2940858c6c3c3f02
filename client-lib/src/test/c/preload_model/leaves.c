/* Calls that are left midway. What they had moved until then nobody knows: so they write, again and again, what is
 * written in the end at any rate. */

#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../preload/leaving.h"
#include "runner.h"

#define LONGEST 70000
#define LATEST 400 /* microseconds */

struct repeated {
    int fd;
    unsigned char *bytes;
    size_t length;
    off_t at;
    unsigned number;
    unsigned char seen[LONGEST];
};

static void make_call(void *argument)
{
    struct repeated *repeated = argument;
    struct stat status;
    struct iovec parts[2] = {{repeated->bytes, repeated->length / 3},
                             {repeated->bytes + repeated->length / 3, repeated->length - repeated->length / 3}};
    ssize_t ignored = 0;
    switch (repeated->number++ % 7) {
    case 0:
        ignored += pread(repeated->fd, repeated->seen, repeated->length, repeated->at);
        break;
    case 1:
        ignored += pwritev(repeated->fd, parts, 2, repeated->at);
        break;
    case 2:
        ignored += fstat(repeated->fd, &status);
        break;
    case 3:
        ignored += pread(repeated->fd, repeated->seen, repeated->length / 2 + 1, repeated->at);
        break;
    case 4:
        ignored += repeated->number % 3 == 0 ? fsync(repeated->fd) : 0;
        break;
    default:
        ignored += pwrite(repeated->fd, repeated->bytes, repeated->length, repeated->at);
        break;
    }
    (void) ignored;
}

bool_t run_leave(struct runner *runner, const struct operation *operation)
{
    if (operation->kind != LEAVE) {
        return 0;
    }
    static struct repeated repeated;
    int64_t at = operation->offset < 0 ? 0 : operation->offset % FILE_SIZE;
    int64_t room = FILE_SIZE - at < LONGEST ? FILE_SIZE - at : LONGEST;
    repeated.fd = runner->fds[operation->slot];
    repeated.at = at;
    repeated.length = (size_t) (1 + operation->length % room);
    repeated.bytes = runner->buffer;
    repeated.number = operation->seed % 7;
    fill_bytes(runner->buffer, repeated.length, operation->seed);
    leave_midway((enum leaving) (operation->flags % LEAVINGS), operation->seed / 7 % LATEST, make_call, &repeated);
    record(runner, pwrite(repeated.fd, repeated.bytes, repeated.length, at));
    note(runner, pread(repeated.fd, repeated.seen, repeated.length, at));
    note_bytes(runner, repeated.seen, (int64_t) repeated.length);
    return 1;
}
