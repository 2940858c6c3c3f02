/* Which calls a thread is cancelled in that has been told so before: prints a line for each.
 *
 *     cancellation_points FILE     FILE: of at least 64 KiB */

#include <aio.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char *path;
static int fd;
static int other; /* another open file description of it */
static int plain;
static int ends[2];
static char buffer[512];
static struct iovec vector = {buffer, sizeof buffer};
static struct stat status;
static struct aiocb done;
static int ignored; /* results */

static struct flock first_byte(int type)
{
    return (struct flock) {.l_type = (short) type, .l_whence = SEEK_SET, .l_len = 1};
}

#define CALL(name, ...)                                                                            \
    static void call_##name(void)                                                                  \
    {                                                                                              \
        __VA_ARGS__;                                                                               \
    }
#define IGNORE(call) ((call) == 0 ? (void) ++ignored : (void) 0)

#define FOR_EACH(CALL)                                                                             \
    CALL(read, IGNORE(read(fd, buffer, 512)))                                                      \
    CALL(write, IGNORE(write(fd, buffer, 512)))                                                    \
    CALL(pread, IGNORE(pread(fd, buffer, 512, 0)))                                                 \
    CALL(pwrite, IGNORE(pwrite(fd, buffer, 512, 0)))                                               \
    CALL(readv, IGNORE(readv(fd, &vector, 1)))                                                     \
    CALL(writev, IGNORE(writev(fd, &vector, 1)))                                                   \
    CALL(preadv, IGNORE(preadv(fd, &vector, 1, 0)))                                                \
    CALL(pwritev, IGNORE(pwritev(fd, &vector, 1, 0)))                                              \
    CALL(preadv2, IGNORE(preadv2(fd, &vector, 1, 0, 0)))                                           \
    CALL(pwritev2, IGNORE(pwritev2(fd, &vector, 1, 0, 0)))                                         \
    CALL(read_nothing, IGNORE(read(fd, buffer, 0)))                                                \
    CALL(read_badly, IGNORE(pread(fd, buffer, 512, -1)))                                           \
    CALL(fsync, IGNORE(fsync(fd)))                                                                 \
    CALL(fdatasync, IGNORE(fdatasync(fd)))                                                         \
    CALL(syncfs, IGNORE(syncfs(fd)))                                                               \
    CALL(sync_file_range, IGNORE(sync_file_range(fd, 0, 512, 0)))                                  \
    CALL(open, IGNORE(open(path, O_RDONLY)))                                                       \
    CALL(openat, IGNORE(openat(AT_FDCWD, path, O_RDONLY)))                                         \
    CALL(creat_elsewhere, IGNORE(open(path, O_RDWR | O_CREAT, 0600)))                              \
    CALL(close, IGNORE(close(dup(fd))))                                                            \
    CALL(close_range, IGNORE(close_range(900, 901, 0)))                                            \
    CALL(dup, IGNORE(dup(fd)))                                                                     \
    CALL(dup2, IGNORE(dup2(fd, 800)))                                                              \
    CALL(dup3, IGNORE(dup3(fd, 800, O_CLOEXEC)))                                                   \
    CALL(lseek, IGNORE(lseek(fd, 0, SEEK_SET)))                                                    \
    CALL(lseek_end, IGNORE(lseek(fd, 0, SEEK_END)))                                                \
    CALL(fstat, IGNORE(fstat(fd, &status)))                                                        \
    CALL(stat, IGNORE(stat(path, &status)))                                                        \
    CALL(lstat, IGNORE(lstat(path, &status)))                                                      \
    CALL(fstatat, IGNORE(fstatat(AT_FDCWD, path, &status, 0)))                                     \
    CALL(statx, struct statx all; IGNORE(statx(AT_FDCWD, path, 0, STATX_ALL, &all)))               \
    CALL(fstatfs, struct statfs all; IGNORE(fstatfs(fd, &all)))                                    \
    CALL(fstatvfs, struct statvfs all; IGNORE(fstatvfs(fd, &all)))                                 \
    CALL(access, IGNORE(access(path, R_OK)))                                                       \
    CALL(readlink, IGNORE(readlink(path, buffer, 512)))                                            \
    CALL(fcntl_getfl, IGNORE(fcntl(fd, F_GETFL)))                                                  \
    CALL(fcntl_dupfd, IGNORE(fcntl(fd, F_DUPFD, 10)))                                              \
    CALL(fcntl_getlk, struct flock l = first_byte(F_WRLCK); IGNORE(fcntl(fd, F_GETLK, &l)))        \
    CALL(fcntl_setlk, struct flock l = first_byte(F_WRLCK); IGNORE(fcntl(fd, F_SETLK, &l)))        \
    CALL(fcntl_setlkw, struct flock l = first_byte(F_WRLCK); IGNORE(fcntl(fd, F_SETLKW, &l)))      \
    CALL(fcntl_ofd_setlk, struct flock l = first_byte(F_UNLCK); IGNORE(fcntl(fd, F_OFD_SETLK, &l))) \
    CALL(fcntl_ofd_setlkw, struct flock l = first_byte(F_UNLCK); IGNORE(fcntl(fd, F_OFD_SETLKW, &l))) \
    CALL(lockf, IGNORE(lockf(fd, F_LOCK, 1)))                                                      \
    CALL(lockf_try, IGNORE(lockf(fd, F_TLOCK, 1)))                                                 \
    CALL(flock, IGNORE(flock(fd, LOCK_SH)))                                                        \
    CALL(ioctl, int n; IGNORE(ioctl(fd, FIONREAD, &n)))                                            \
    CALL(isatty, IGNORE(isatty(fd)))                                                               \
    CALL(posix_fadvise, IGNORE(posix_fadvise(fd, 0, 0, POSIX_FADV_NORMAL)))                        \
    CALL(readahead, IGNORE(readahead(fd, 0, 512)))                                                 \
    CALL(fallocate, IGNORE(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 512)))                            \
    CALL(posix_fallocate, IGNORE(posix_fallocate(fd, 0, 512)))                                     \
    CALL(poll, struct pollfd one = {fd, POLLIN, 0}; IGNORE(poll(&one, 1, 0)))                      \
    CALL(ppoll, struct pollfd one = {fd, POLLIN, 0}; IGNORE(ppoll(&one, 1, NULL, NULL)))           \
    CALL(select, fd_set set; FD_ZERO(&set); FD_SET(fd, &set);                                      \
         IGNORE(select(fd + 1, &set, NULL, NULL, NULL)))                                           \
    CALL(pselect, fd_set set; FD_ZERO(&set); FD_SET(fd, &set);                                     \
         IGNORE(pselect(fd + 1, &set, NULL, NULL, NULL, NULL)))                                    \
    CALL(copy_file_range, off_t in = 0; off_t out = 4096;                                          \
         IGNORE(copy_file_range(fd, &in, other, &out, 512, 0)))                                    \
    CALL(copy_file_range_to_plain, off_t in = 0; off_t out = 0;                                    \
         IGNORE(copy_file_range(fd, &in, plain, &out, 512, 0)))                                    \
    CALL(sendfile, off_t in = 0; IGNORE(sendfile(plain, fd, &in, 512)))                            \
    CALL(splice_out, off_t in = 0; IGNORE(splice(fd, &in, ends[1], NULL, 512, 0)))                 \
    CALL(splice_in, off_t out = 0; IGNORE(splice(ends[0], NULL, fd, &out, 512, SPLICE_F_NONBLOCK))) \
    CALL(mmap, IGNORE((long) mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0)))                     \
    CALL(futimens, IGNORE(futimens(fd, NULL)))                                                     \
    CALL(fgetxattr, IGNORE(fgetxattr(fd, "user.x", buffer, 512)))                                  \
    CALL(aio_read, static struct aiocb one; one.aio_fildes = fd; one.aio_buf = buffer;             \
         one.aio_nbytes = 512; IGNORE(aio_read(&one)))                                             \
    CALL(aio_suspend, const struct aiocb *list[] = {&done}; IGNORE(aio_suspend(list, 1, NULL)))

FOR_EACH(CALL)

static const struct {
    const char *name;
    void (*call)(void);
} calls[] = {
#define ENTRY(name, ...) {#name, call_##name},
    FOR_EACH(ENTRY)
#undef ENTRY
};

struct asked {
    void (*call)(void);
    int state;
    int type;
};

static void *run(void *argument)
{
    const struct asked *asked = argument;
    int before;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    pthread_cancel(pthread_self());
    pthread_setcancelstate(asked->state, &before);
    asked->call();
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before); /* as it was: nothing has changed it */
    return before == asked->state ? NULL : argument;
}

static const char *result_of(struct asked asked)
{
    pthread_t thread;
    void *result;
    if (pthread_create(&thread, NULL, run, &asked) != 0 || pthread_join(thread, &result) != 0) {
        return "no thread";
    }
    return result == PTHREAD_CANCELED ? "cancelled" : result == NULL ? "went on" : "changed the state";
}

int main(int count, char **arguments)
{
    path = arguments[count - 1];
    fd = open(path, O_RDWR);
    other = open(path, O_RDWR);
    plain = (int) memfd_create("plain", 0);
    done.aio_fildes = fd;
    done.aio_buf = buffer;
    done.aio_nbytes = 512;
    if (count != 2 || fd < 0 || other < 0 || plain < 0 || pipe(ends) != 0
        || ftruncate(plain, 65536) != 0 || write(ends[1], buffer, 512) != 512
        || aio_read(&done) != 0) {
        perror(path);
        return 1;
    }
    while (aio_error(&done) != 0) {
        usleep(1000);
    }
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        struct asked asked = {calls[i].call, PTHREAD_CANCEL_ENABLE, 0};
        struct asked not_now = {calls[i].call, PTHREAD_CANCEL_DISABLE, 0};
        printf("%s: %s; while it may not be, %s\n", calls[i].name, result_of(asked),
               result_of(not_now));
        fflush(stdout);
    }
    return 0;
}
