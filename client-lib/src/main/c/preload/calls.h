/* The one table of intercepted calls: those that the library has to pass on when no image is
 * concerned. CALL(result, name, parameters), a section for each file that defines its hooks.
 *
 * Beside each stand, in its file, the other names of the same call: the 64 forms (off_t has 64 bits
 * wherever this library runs) and the fortified ones (__read_chk, __open64_2, ...). The names of stat
 * stand here one by one, for each has to be passed on to its own: libraries preloaded after this one
 * (fakeroot's) make one of another, and would come back here for ever.
 *
 *     calls/   the hooks, a file for each family
 *     stdio/   streams on images
 *     aio/     asynchronous I/O
 *     path/    which paths are images, what is there, their partitions
 *     file/    what is open: descriptors, the open files behind them, their locks
 *
 * Left out, and why:
 *   exec*, fork, vfork, clone    descriptors and what they share are the kernel's, so they pass by
 *                                themselves (placeholder.h); a child's session is made anew (fork.h)
 *   epoll_wait, select's kin     an image's descriptor never gets into an epoll set
 *   tee, vmsplice                between pipes only; an image gives EBADF as a regular file EINVAL
 *   mprotect, msync, munmap      a mapping of an image is a copy in memory like any other
 *   name_to_handle_at, inotify*, fanotify*, quotactl, mount, swapon
 *                                the path is unknown to the kernel: ENOENT; nothing is lost
 *   aio_error, aio_return        read the aiocb only, where posix_aio_requests.h keeps the same
 *   io_cancel                    the kernel cancels no request on a file, and none here: EINVAL
 *   io_uring_*                   the kernel does the I/O, past any library: EBADF on the placeholder
 *   byte stdio, popen, tmpfile, getline ...
 *                                work on the streams that fopen and its kin make here
 *   ftw, nftw, fts               of the C library: they walk inside it; find and others have their own
 *   sync                         asks for all files of the host; fsync and syncfs are intercepted
 *   execve of an image, dlopen   an image is no program
 * What is left out and is called with an image's descriptor meets an O_PATH placeholder: EBADF, and
 * never another file. What asks the kernel about it (fstat inside the C library) is told of a socket. */

#ifndef RBDW_CALLS_H
#define RBDW_CALLS_H

#include <aio.h>
#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <utime.h>
#include <wchar.h>

struct __jmp_buf_tag;
struct iocb; /* of <linux/aio_abi.h>, which says too much */
struct io_event;

extern int pidfd_getfd(int process, int fd, unsigned flags); /* of <sys/pidfd.h>, from glibc 2.36 on */

#define FOR_EACH_CALL(CALL)                                                                        \
    /* open.c */                                                                                   \
    CALL(int, open, (const char *path, int flags, ...))                                            \
    CALL(int, openat, (int directory, const char *path, int flags, ...))                           \
    CALL(int, close, (int fd))                                                                     \
    CALL(int, close_range, (unsigned first, unsigned last, int flags))                             \
    CALL(void, closefrom, (int first))                                                             \
    /* duplicate.c */                                                                              \
    CALL(int, dup, (int fd))                                                                       \
    CALL(int, dup2, (int fd, int to))                                                              \
    CALL(int, dup3, (int fd, int to, int flags))                                                   \
    CALL(int, daemon, (int keep_directory, int keep_descriptors))                                  \
    /* control.c */                                                                                \
    CALL(int, fcntl, (int fd, int command, ...))                                                   \
    CALL(int, flock, (int fd, int operation))                                                      \
    CALL(int, lockf, (int fd, int command, off_t length))                                          \
    CALL(int, ioctl, (int fd, unsigned long request, ...))                                         \
    CALL(int, isatty, (int fd))                                                                    \
    /* read_write.c */                                                                             \
    CALL(ssize_t, read, (int fd, void *buffer, size_t count))                                      \
    CALL(ssize_t, write, (int fd, const void *buffer, size_t count))                               \
    CALL(ssize_t, pread, (int fd, void *buffer, size_t count, off_t offset))                       \
    CALL(ssize_t, pwrite, (int fd, const void *buffer, size_t count, off_t offset))                \
    CALL(ssize_t, readv, (int fd, const struct iovec *vector, int count))                          \
    CALL(ssize_t, writev, (int fd, const struct iovec *vector, int count))                         \
    CALL(ssize_t, preadv, (int fd, const struct iovec *vector, int count, off_t offset))           \
    CALL(ssize_t, pwritev, (int fd, const struct iovec *vector, int count, off_t offset))          \
    CALL(ssize_t, preadv2, (int fd, const struct iovec *vector, int count, off_t offset,           \
                            int flags))                                                            \
    CALL(ssize_t, pwritev2, (int fd, const struct iovec *vector, int count, off_t offset,          \
                             int flags))                                                           \
    /* extent.c */                                                                                 \
    CALL(off_t, lseek, (int fd, off_t offset, int whence))                                         \
    CALL(int, ftruncate, (int fd, off_t length))                                                   \
    CALL(int, truncate, (const char *path, off_t length))                                          \
    CALL(int, fallocate, (int fd, int mode, off_t offset, off_t length))                           \
    CALL(int, posix_fallocate, (int fd, off_t offset, off_t length))                               \
    CALL(int, posix_fadvise, (int fd, off_t offset, off_t length, int advice))                     \
    CALL(ssize_t, readahead, (int fd, off_t offset, size_t count))                                 \
    /* sync.c */                                                                                   \
    CALL(int, fsync, (int fd))                                                                     \
    CALL(int, fdatasync, (int fd))                                                                 \
    CALL(int, sync_file_range, (int fd, off_t offset, off_t length, unsigned flags))               \
    CALL(int, syncfs, (int fd))                                                                    \
    /* stat.c */                                                                                   \
    CALL(int, stat, (const char *path, struct stat *status))                                       \
    CALL(int, stat64, (const char *path, struct stat *status))                                     \
    CALL(int, __xstat, (int version, const char *path, struct stat *status))                       \
    CALL(int, __xstat64, (int version, const char *path, struct stat *status))                     \
    CALL(int, lstat, (const char *path, struct stat *status))                                      \
    CALL(int, lstat64, (const char *path, struct stat *status))                                    \
    CALL(int, __lxstat, (int version, const char *path, struct stat *status))                      \
    CALL(int, __lxstat64, (int version, const char *path, struct stat *status))                    \
    CALL(int, fstat, (int fd, struct stat *status))                                                \
    CALL(int, fstat64, (int fd, struct stat *status))                                              \
    CALL(int, __fxstat, (int version, int fd, struct stat *status))                                \
    CALL(int, __fxstat64, (int version, int fd, struct stat *status))                              \
    CALL(int, fstatat, (int directory, const char *path, struct stat *status, int flags))          \
    CALL(int, fstatat64, (int directory, const char *path, struct stat *status, int flags))        \
    CALL(int, __fxstatat, (int version, int directory, const char *path, struct stat *status,      \
                           int flags))                                                             \
    CALL(int, __fxstatat64, (int version, int directory, const char *path, struct stat *status,    \
                             int flags))                                                           \
    CALL(int, statx, (int directory, const char *path, int flags, unsigned mask,                   \
                      struct statx *status))                                                       \
    CALL(int, statfs, (const char *path, struct statfs *status))                                   \
    CALL(int, fstatfs, (int fd, struct statfs *status))                                            \
    CALL(int, statvfs, (const char *path, struct statvfs *status))                                 \
    CALL(int, fstatvfs, (int fd, struct statvfs *status))                                          \
    /* names.c */                                                                                  \
    CALL(int, access, (const char *path, int mode))                                                \
    CALL(int, euidaccess, (const char *path, int mode))                                            \
    CALL(int, faccessat, (int directory, const char *path, int mode, int flags))                   \
    CALL(ssize_t, readlink, (const char *path, char *target, size_t length))                       \
    CALL(ssize_t, readlinkat, (int directory, const char *path, char *target, size_t length))      \
    CALL(char *, realpath, (const char *path, char *resolved))                                     \
    CALL(char *, canonicalize_file_name, (const char *path))                                       \
    CALL(int, unlink, (const char *path))                                                          \
    CALL(int, unlinkat, (int directory, const char *path, int flags))                              \
    CALL(int, remove, (const char *path))                                                          \
    CALL(int, rmdir, (const char *path))                                                           \
    CALL(int, rename, (const char *from, const char *to))                                          \
    CALL(int, renameat, (int from_directory, const char *from, int to_directory, const char *to))  \
    CALL(int, renameat2, (int from_directory, const char *from, int to_directory, const char *to,  \
                          unsigned flags))                                                         \
    CALL(int, link, (const char *from, const char *to))                                            \
    CALL(int, linkat, (int from_directory, const char *from, int to_directory, const char *to,     \
                       int flags))                                                                 \
    CALL(int, symlink, (const char *target, const char *path))                                     \
    CALL(int, symlinkat, (const char *target, int directory, const char *path))                    \
    CALL(int, mkdir, (const char *path, mode_t mode))                                              \
    CALL(int, mkdirat, (int directory, const char *path, mode_t mode))                             \
    /* attributes.c */                                                                             \
    CALL(int, chmod, (const char *path, mode_t mode))                                              \
    CALL(int, fchmod, (int fd, mode_t mode))                                                       \
    CALL(int, fchmodat, (int directory, const char *path, mode_t mode, int flags))                 \
    CALL(int, chown, (const char *path, uid_t owner, gid_t group))                                 \
    CALL(int, lchown, (const char *path, uid_t owner, gid_t group))                                \
    CALL(int, fchown, (int fd, uid_t owner, gid_t group))                                          \
    CALL(int, fchownat, (int directory, const char *path, uid_t owner, gid_t group, int flags))    \
    CALL(ssize_t, getxattr, (const char *path, const char *name, void *value, size_t size))        \
    CALL(ssize_t, lgetxattr, (const char *path, const char *name, void *value, size_t size))       \
    CALL(ssize_t, fgetxattr, (int fd, const char *name, void *value, size_t size))                 \
    CALL(ssize_t, listxattr, (const char *path, char *list, size_t size))                          \
    CALL(ssize_t, llistxattr, (const char *path, char *list, size_t size))                         \
    CALL(ssize_t, flistxattr, (int fd, char *list, size_t size))                                   \
    CALL(int, fsetxattr, (int fd, const char *name, const void *value, size_t size, int flags))    \
    CALL(int, fremovexattr, (int fd, const char *name))                                            \
    /* times.c */                                                                                  \
    CALL(int, utimensat, (int directory, const char *path, const struct timespec times[2],         \
                          int flags))                                                              \
    CALL(int, futimens, (int fd, const struct timespec times[2]))                                  \
    CALL(int, utime, (const char *path, const struct utimbuf *times))                              \
    CALL(int, utimes, (const char *path, const struct timeval times[2]))                           \
    CALL(int, futimes, (int fd, const struct timeval times[2]))                                    \
    CALL(int, lutimes, (const char *path, const struct timeval times[2]))                          \
    CALL(int, futimesat, (int directory, const char *path, const struct timeval times[2]))         \
    /* stdio_streams.c */                                                                          \
    CALL(FILE *, fopen, (const char *path, const char *mode))                                      \
    CALL(FILE *, fdopen, (int fd, const char *mode))                                               \
    CALL(FILE *, freopen, (const char *path, const char *mode, FILE *stream))                      \
    CALL(int, fileno, (FILE * stream))                                                             \
    /* wide_calls.c */                                                                              \
    CALL(int, fclose, (FILE * stream))                                                             \
    CALL(int, fflush, (FILE * stream))                                                             \
    CALL(int, fflush_unlocked, (FILE * stream))                                                    \
    CALL(int, fseek, (FILE * file, long offset, int whence))                                       \
    CALL(int, fseeko, (FILE * file, off_t offset, int whence))                                     \
    CALL(int, fsetpos, (FILE * file, const fpos_t *position))                                      \
    CALL(void, rewind, (FILE * file))                                                              \
    CALL(wint_t, getwchar, (void))                                                                 \
    CALL(wint_t, getwchar_unlocked, (void))                                                        \
    CALL(wint_t, putwchar, (wchar_t character))                                                    \
    CALL(wint_t, putwchar_unlocked, (wchar_t character))                                           \
    CALL(wint_t, fgetwc, (FILE * stream))                                                          \
    CALL(wint_t, fgetwc_unlocked, (FILE * stream))                                                 \
    CALL(wchar_t *, fgetws, (wchar_t * line, int count, FILE *stream))                             \
    CALL(wchar_t *, fgetws_unlocked, (wchar_t * line, int count, FILE *stream))                    \
    CALL(wchar_t *, __fgetws_chk, (wchar_t * line, size_t room, int count, FILE *stream))          \
    CALL(wchar_t *, __fgetws_unlocked_chk, (wchar_t * line, size_t room, int count, FILE *stream)) \
    CALL(wint_t, fputwc, (wchar_t character, FILE * stream))                                       \
    CALL(wint_t, fputwc_unlocked, (wchar_t character, FILE * stream))                              \
    CALL(int, fputws, (const wchar_t *text, FILE *stream))                                         \
    CALL(int, fputws_unlocked, (const wchar_t *text, FILE *stream))                                \
    CALL(wint_t, ungetwc, (wint_t character, FILE * stream))                                       \
    CALL(int, fwide, (FILE * stream, int mode))                                                    \
    CALL(int, vfwprintf, (FILE * stream, const wchar_t *format, va_list arguments))                \
    CALL(int, __vfwprintf_chk, (FILE * stream, int flag, const wchar_t *format, va_list arguments))\
    CALL(int, vfwscanf, (FILE * stream, const wchar_t *format, va_list arguments))                 \
    CALL(int, __isoc99_vfwscanf, (FILE * stream, const wchar_t *format, va_list arguments))        \
    CALL(int, __isoc23_vfwscanf, (FILE * stream, const wchar_t *format, va_list arguments))        \
    /* directory.c */                                                                              \
    CALL(DIR *, opendir, (const char *path))                                                       \
    CALL(DIR *, fdopendir, (int fd))                                                               \
    CALL(struct dirent *, readdir, (DIR * stream))                                                 \
    CALL(int, readdir_r, (DIR * stream, struct dirent * entry, struct dirent * *result))           \
    CALL(int, closedir, (DIR * stream))                                                            \
    CALL(void, rewinddir, (DIR * stream))                                                          \
    CALL(long, telldir, (DIR * stream))                                                            \
    CALL(void, seekdir, (DIR * stream, long position))                                             \
    CALL(int, dirfd, (DIR * stream))                                                               \
    CALL(int, scandirat, (int directory, const char *path, struct dirent ***list,                  \
                          int (*filter)(const struct dirent *),                                    \
                          int (*compare)(const struct dirent **, const struct dirent **)))         \
    /* glob.c */                                                                                   \
    CALL(int, glob, (const char *pattern, int flags, int (*on_error)(const char *path, int error), \
                     glob_t *result))                                                              \
    /* mmap.c */                                                                                   \
    CALL(void *, mmap, (void *address, size_t length, int protection, int flags, int fd,           \
                        off_t offset))                                                             \
    /* readiness.c */                                                                              \
    CALL(int, poll, (struct pollfd * set, nfds_t count, int timeout))                              \
    CALL(int, ppoll, (struct pollfd * set, nfds_t count, const struct timespec *timeout,           \
                      const sigset_t *mask))                                                       \
    CALL(int, select, (int count, fd_set * read, fd_set * write, fd_set * exceptional,             \
                       struct timeval * timeout))                                                  \
    CALL(int, pselect, (int count, fd_set * read, fd_set * write, fd_set * exceptional,            \
                        const struct timespec *timeout, const sigset_t *mask))                     \
    CALL(int, epoll_ctl, (int set, int operation, int fd, struct epoll_event * event))             \
    /* copy.c */                                                                                   \
    CALL(ssize_t, copy_file_range, (int in, off_t *in_offset, int out, off_t *out_offset,          \
                                    size_t count, unsigned flags))                                 \
    /* splice.c */                                                                                 \
    CALL(ssize_t, sendfile, (int out, int in, off_t *in_offset, size_t count))                     \
    CALL(ssize_t, splice, (int in, off_t *in_offset, int out, off_t *out_offset, size_t count,     \
                           unsigned flags))                                                        \
    /* receive.c */                                                                                \
    CALL(ssize_t, recvmsg, (int socket, struct msghdr * message, int flags))                       \
    CALL(int, recvmmsg, (int socket, struct mmsghdr * messages, unsigned count, int flags,         \
                         struct timespec * timeout))                                               \
    CALL(int, pidfd_getfd, (int process, int fd, unsigned flags))                                  \
    /* working_directory.c */                                                                      \
    CALL(int, chdir, (const char *path))                                                           \
    CALL(int, fchdir, (int fd))                                                                    \
    CALL(char *, getcwd, (char *buffer, size_t size))                                              \
    CALL(char *, get_current_dir_name, (void))                                                     \
    /* spawn.c */                                                                                    \
    CALL(int, posix_spawn_file_actions_addopen,                                                    \
         (posix_spawn_file_actions_t * actions, int fd, const char *path, int flags, mode_t mode)) \
    CALL(int, posix_spawn_file_actions_destroy, (posix_spawn_file_actions_t * actions))            \
    /* linux_aio.c: of libaio, which need not be there */                                          \
    CALL(int, io_setup, (int limit, unsigned long *id))                                            \
    CALL(int, io_destroy, (unsigned long id))                                                      \
    CALL(int, io_submit, (unsigned long id, long count, struct iocb **requests))                   \
    CALL(int, io_getevents, (unsigned long id, long least, long most, struct io_event *events,     \
                             struct timespec *timeout))                                            \
    CALL(int, io_pgetevents, (unsigned long id, long least, long most, struct io_event *events,    \
                              struct timespec *timeout, sigset_t *mask))                           \
    /* posix_aio.c */                                                                              \
    CALL(int, aio_read, (struct aiocb * block))                                                    \
    CALL(int, aio_write, (struct aiocb * block))                                                   \
    CALL(int, aio_fsync, (int op, struct aiocb *block))                                            \
    CALL(int, aio_cancel, (int fd, struct aiocb *block))                                           \
    CALL(int, aio_suspend,                                                                         \
         (const struct aiocb *const list[], int count, const struct timespec *timeout))            \
    CALL(int, lio_listio,                                                                          \
         (int mode, struct aiocb *const list[], int count, struct sigevent *event))                \
    /* process.c */                                                                                \
    CALL(void, _exit, (int status))                                                                \
    /* signal.c */                                                                                 \
    CALL(int, sigaction,                                                                           \
         (int signal, const struct sigaction *action, struct sigaction *before))                   \
    CALL(sighandler_t, signal, (int signal, sighandler_t handler))                                 \
    CALL(sighandler_t, __sysv_signal, (int signal, sighandler_t handler))                          \
    /* jump.c */                                                                                   \
    CALL(void, longjmp, (struct __jmp_buf_tag * target, int value))                                \
    CALL(void, siglongjmp, (struct __jmp_buf_tag * target, int value))                             \
    CALL(void, __longjmp_chk, (struct __jmp_buf_tag * target, int value))                          \
    /* raw_call.c */                                                                               \
    CALL(long, syscall, (long number, ...))

enum call {
#define CALL(result, name, parameters) CALL_##name,
    FOR_EACH_CALL(CALL)
#undef CALL
    CALLS
};

#endif
