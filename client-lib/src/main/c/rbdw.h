/* librbdw: RBD images as files, through the rbdwrapper broker of this host.
 *
 *     rbdw_file *file;
 *     int error = rbdw_open("/rbdw/img0", O_RDWR, &file);
 *     if (error < 0) {
 *         fprintf(stderr, "%s\n", rbdw_error_text());
 *         return error;
 *     }
 *     ssize_t n = rbdw_pread(file, buffer, sizeof buffer, 0);
 *     ...
 *     rbdw_close(file);
 *
 * Build with: cc program.c -lrbdw
 *
 * Where the broker is: RBDW_RUN_DIR alone if it is set, else the user's own broker
 * ($XDG_RUNTIME_DIR/rbdwrapper or /tmp/rbdwrapper-UID), else /run/rbdwrapper. A process has one
 * session with one broker. It is made by the first rbdw_open and kept; it takes two descriptors
 * (close-on-exec) and about 5 MiB of memory shared with the broker. No thread is made.
 *
 * Results: where a function may fail, it returns a negative Linux error number (-ENOENT and so on,
 * <errno.h>) and leaves errno undefined. rbdw_error_text() then says in one line what failed.
 *
 * Threads: every function may be called by any number of threads at once, also on one file. Only
 * rbdw_close has to be the last call on its file. As many transfers as the session has channels (4)
 * are under way at a time; further threads wait, none of them for ever.
 *
 * Signal handlers: rbdw_pread, rbdw_pwrite, rbdw_flush, rbdw_discard, rbdw_write_zeroes and rbdw_truncate may be
 * called in a handler, also one that interrupts such a call of its own thread; in a handler that
 * interrupts a handler's call they give -EDEADLK. A handler may leave a call that it interrupted by a jump or
 * an exception, or end the thread: what was read is lost, what was to be written is written or not, in part,
 * too; before the thread's next call, writes that were under way have ended. What the call had is free again
 * at that call at the latest, or when the thread ends. In all other functions no handler runs; signals
 * without a handler end the program in these, too.
 *
 * Cancellation: no function is a cancellation point, and no thread is cancelled in one.
 *
 * fork: the child keeps its files; its first call on one opens the image again in a session of the
 * child's own. The position of nothing is shared, for there is none.
 *
 * The broker ends: calls wait for the next one, which has the files open again and is sent what had no
 * answer. Without an end, or as long as RBDW_RECONNECT_TIMEOUT says (seconds; one that is there and waits
 * for its cluster does not count): then all calls on files that were open give -ENOTCONN, and the next
 * rbdw_open makes a new session. Where it is no number, rbdw_open gives -EINVAL. -ESTALE: another image
 * has the name now. -EIO, of changes that had no answer: the process was stopped meanwhile, or its image
 * could not be opened for half a minute, and others have gone on. */

#ifndef RBDW_H
#define RBDW_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef RBDW_API
#define RBDW_API __attribute__((visibility("default")))
#endif

/* An open image. */
typedef struct rbdw_file rbdw_file;

/* Opens a mapped image.
 *
 * path: as rbdwrapper-adm showmapped prints it, /rbdw/NAME.
 * flags: O_RDONLY, O_WRONLY or O_RDWR; with the latter two also O_TRUNC, as rbdw_truncate to 0 does.
 * O_CLOEXEC and O_LARGEFILE change nothing.
 * file: set where 0 is returned; the caller's to rbdw_close.
 *
 * -ENOENT: nothing is mapped there. -EACCES: the mapping's owner and mode forbid it. -EROFS: mapped
 * read-only. -ECONNREFUSED: no broker runs. -EPROTONOSUPPORT: the broker is of another release.
 * -EINVAL: other flags. Whatever else the broker or its store says. */
RBDW_API int rbdw_open(const char *path, int flags, rbdw_file **file);

/* Closes a file, whatever it returns: 0, or the error of the close. Returns when the broker has
 * closed the image; if that broker has ended, and this was the last file, the next one is told so,
 * which is given up where it takes 3 s for an answer. NULL is no error. Does not flush. */
RBDW_API int rbdw_close(rbdw_file *file);

/* Reads count bytes (0 to SSIZE_MAX) at offset (0 to 2^63-1).
 *
 * Returns the bytes read: all, or as many as there are up to the image's end or a failure; 0 at the
 * end and beyond. -EINVAL: offset or count out of range. -EBADF: not open for reading. -EIO and
 * others: of the store, where not even the first byte could be read. */
RBDW_API ssize_t rbdw_pread(rbdw_file *file, void *buffer, size_t count, off_t offset);

/* Writes count bytes at offset, with the same ranges. What it returns has reached the store: any
 * client of this host reads it from then on; rbdw_flush makes it durable.
 *
 * Returns the bytes written: all, or fewer where the image ends or the store fails on the way.
 * -ENOSPC: at the image's end or beyond. -EBADF: not open for writing. */
RBDW_API ssize_t rbdw_pwrite(rbdw_file *file, const void *buffer, size_t count, off_t offset);

/* Makes durable all writes to the image that were acknowledged before, by whatever file and thread.
 * 0 or an error. */
RBDW_API int rbdw_flush(rbdw_file *file);

/* Gives length bytes at offset back to the store; they read as zeroes or, where the store keeps
 * larger units, as before. What lies beyond the image's end is left out. 0 or an error. */
RBDW_API int rbdw_discard(rbdw_file *file, off_t offset, off_t length);

/* Makes length bytes at offset read as zeroes. What lies beyond the image's end is left out;
 * -ENOSPC where all of it does. 0 or an error. */
RBDW_API int rbdw_write_zeroes(rbdw_file *file, off_t offset, off_t length);

/* Makes the file length bytes long, as ftruncate(2) does a regular file, as far as an image can be: what is
 * skipped behind that reads as zeroes. From then on the file has a logical end, which is length. A
 * write that leaves out bytes behind the end, or an rbdw_truncate to more, first makes them read as
 * zeroes and then moves the end; so does every write to the image by anybody on this host. What lies behind
 * the end stays as it was, can be read, and is the image's; its size stays, too. The end is forgotten
 * when all who have truncated the image have closed it.
 *
 * length: from 0 on. May take long where much is to be made zeroes. -ENOSPC: more than the image's size.
 * -EBADF: not open for writing. 0 or an error. In a child, after all others have closed the file: -EIO,
 * as it is not known how far they have written. */
RBDW_API int rbdw_truncate(rbdw_file *file, off_t length);

/* The image's size in bytes as the broker knows it now (it follows a resize), or an error. Not for
 * signal handlers. */
RBDW_API int64_t rbdw_size(rbdw_file *file);

/* What the last call of this thread that failed failed of: one line, without a newline; "" where
 * none has. Valid until the thread's next call that fails. */
RBDW_API const char *rbdw_error_text(void);

/* The library's release. */
RBDW_API const char *rbdw_version(void);

#ifdef __cplusplus
}
#endif

#endif
