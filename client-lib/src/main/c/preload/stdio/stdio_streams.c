#include "stdio_streams.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hook.h"
#include "image_open.h"
#include "stdio_mode.h"
#include "stream.h"

#define MAX_STREAMS 1024
#define BUFFER_SIZE 65536 /* bytes */
#define STANDARD_STREAMS 3

static struct stream streams[MAX_STREAMS];

static _Atomic int streams_end; /* one above the highest that was ever used */

/* By descriptor: the C library's own streams, and ours that stand in for them. */
static FILE *own[STANDARD_STREAMS];
static struct stream *standing_in[STANDARD_STREAMS];

static FILE **variable(int fd)
{
    return fd == STDIN_FILENO ? &stdin : fd == STDOUT_FILENO ? &stdout : &stderr;
}

struct stream *stream_find(const FILE *file)
{
    int end = atomic_load_explicit(&streams_end, memory_order_acquire);
    for (int i = 0; i < end; i++) {
        if (atomic_load_explicit(&streams[i].file, memory_order_relaxed) == file) {
            return &streams[i];
        }
    }
    return NULL;
}

static struct stream *take(void)
{
    for (int i = 0; i < MAX_STREAMS; i++) {
        bool is_used = false;
        if (atomic_compare_exchange_strong(&streams[i].used, &is_used, true)) {
            int end = atomic_load(&streams_end);
            while (end <= i && !atomic_compare_exchange_weak(&streams_end, &end, i + 1)) {
            }
            return &streams[i];
        }
    }
    return NULL;
}

static void give_back(struct stream *stream)
{
    stream_end_wide(stream);
    free(stream->buffer);
    stream->buffer = NULL;
    stream->has_bytes = false;
    atomic_store(&stream->file, NULL);
    atomic_store(&stream->used, false);
}

/* Of a wide stream the C library may ask for bytes where it should not: at the end of a seek, which does
 * without them. */
static ssize_t on_read(void *cookie, char *buffer, size_t count)
{
    struct stream *stream = cookie;
    if (stream->wide != NULL) {
        return -1;
    }
    stream->has_bytes |= !stream->is_seeking;
    return read(stream->fd, buffer, count);
}

/* An error is 0 here, not -1. */
static ssize_t on_write(void *cookie, const char *buffer, size_t count)
{
    struct stream *stream = cookie;
    if (stream->wide != NULL) {
        errno = EBADF;
        return 0;
    }
    stream->has_bytes = true;
    ssize_t written = write(stream->fd, buffer, count);
    return written < 0 ? 0 : written;
}

static int on_seek(void *cookie, off_t *offset, int whence)
{
    struct stream *stream = cookie;
    if (stream->wide != NULL) {
        return wide_seek(stream->wide, offset, whence);
    }
    off_t position = lseek(stream->fd, *offset, whence);
    if (position < 0) {
        return -1;
    }
    *offset = position;
    return 0;
}

static int on_close(void *cookie)
{
    struct stream *stream = cookie;
    int fd = stream->fd;
    for (int i = 0; i < STANDARD_STREAMS; i++) {
        if (standing_in[i] == stream) {
            standing_in[i] = NULL;
            *variable(i) = own[i];
        }
    }
    give_back(stream);
    return close(fd);
}

/* mode: as fopencookie(3) takes it. NULL with errno. */
static struct stream *make(int fd, const char *mode, int buffering)
{
    static const cookie_io_functions_t functions = {on_read, on_write, on_seek, on_close};
    struct stream *stream = take();
    if (stream == NULL) {
        errno = EMFILE;
        return NULL;
    }
    stream->fd = fd;
    if (mode[0] == 'a' && strchr(mode, '+') == NULL) {
        lseek(fd, 0, SEEK_END); /* as the C library's own begins, of which ftell(3) tells */
    }
    FILE *file = fopencookie(stream, mode, functions);
    if (file == NULL) {
        give_back(stream);
        return NULL;
    }
    /* one of the C library's own choice would have 1 KiB */
    stream->buffer = buffering == _IONBF ? NULL : malloc(BUFFER_SIZE);
    if (buffering == _IONBF || stream->buffer != NULL) {
        setvbuf(file, stream->buffer, buffering, stream->buffer == NULL ? 0 : BUFFER_SIZE);
    }
    atomic_store_explicit(&stream->file, file, memory_order_release);
    return stream;
}

void stdio_on_descriptor_changed(int fd)
{
    struct stream *stream = standing_in[fd];
    if (!descriptor_is_image(fd)) {
        if (stream != NULL && *variable(fd) == atomic_load(&stream->file)) {
            *variable(fd) = own[fd];
        }
        return;
    }
    if (stream == NULL) {
        int error = errno;
        stream = make(fd, fd == STDIN_FILENO ? "r" : "w", fd == STDERR_FILENO ? _IONBF : _IOFBF);
        errno = error;
        if (stream == NULL) {
            return; /* the C library's own stays, and fails with EBADF */
        }
        own[fd] = *variable(fd);
        standing_in[fd] = stream;
    }
    *variable(fd) = atomic_load(&stream->file);
}

void stdio_flush(void)
{
    int end = atomic_load(&streams_end);
    for (int i = 0; i < end; i++) {
        FILE *file = atomic_load(&streams[i].file);
        if (file != NULL) {
            fflush(file);
        }
    }
}

void stdio_flush_wide(void)
{
    int end = atomic_load(&streams_end);
    for (int i = 0; i < end; i++) {
        FILE *file = atomic_load(&streams[i].file);
        if (file != NULL && streams[i].wide != NULL) {
            fflush(file);
        }
    }
}

/* What wide functions have written is nothing that the C library writes out when the program ends; and what it
 * does then with a wide-oriented stream is done without. */
__attribute__((destructor)) static void stdio_end(void)
{
    int end = atomic_load(&streams_end);
    for (int i = 0; i < end; i++) {
        if (atomic_load(&streams[i].file) != NULL && streams[i].wide != NULL) {
            wide_flush(streams[i].wide);
            stream_end_wide(&streams[i]);
        }
    }
}

static FILE *file_of(struct stream *stream)
{
    return stream == NULL ? NULL : atomic_load(&stream->file);
}

/* A stream with "ccs=" is wide-oriented from the start. NULL, and the stream is closed, where there is no such
 * charset. */
static FILE *use_charset(struct stream *stream, const struct stdio_mode *mode)
{
    FILE *file = atomic_load(&stream->file);
    if (mode->charset[0] == '\0') {
        return file;
    }
    stream->wide = wide_begin(file, &stream->fd, mode->charset);
    if (stream->wide == NULL) {
        int error = errno;
        fclose(file);
        errno = error;
        return NULL;
    }
    return file;
}

static FILE *open_image(const struct image_path *target, const struct stdio_mode *mode)
{
    int fd = image_open(target, mode->flags);
    if (fd < 0) {
        errno = -fd;
        return NULL;
    }
    report_count(CALL_fopen);
    struct stream *stream = make(fd, mode->cookie, _IOFBF);
    if (stream == NULL) {
        int error = errno;
        close(fd);
        errno = error;
        return NULL;
    }
    return use_charset(stream, mode);
}

HOOK FILE *fopen(const char *path, const char *mode)
{
    struct image_path target;
    struct stdio_mode parsed;
    if (path_is_image(path, PATH_FOLLOW, &target)) {
        return stdio_mode_parse(mode, &parsed) ? open_image(&target, &parsed) : NULL;
    }
    FILE *file = REAL(fopen)(path, mode);
    if (file == NULL && errno == ENXIO && path_is_placeholder(AT_FDCWD, path, PATH_FOLLOW, &target)) {
        return stdio_mode_parse(mode, &parsed) ? open_image(&target, &parsed) : NULL;
    }
    if (file == NULL && errno == ENOENT
        && path_leads_to_image(AT_FDCWD, path, PATH_FOLLOW, &target)) {
        if (target.kind == PATH_HOST) {
            return REAL(fopen)(target.path, mode);
        }
        return stdio_mode_parse(mode, &parsed) ? open_image(&target, &parsed) : NULL;
    }
    return file;
}

HOOK FILE *fdopen(int fd, const char *mode)
{
    struct stdio_mode parsed;
    struct open_file *file = descriptor_enter(fd);
    if (file == NULL) {
        return REAL(fdopen)(fd, mode);
    }
    bool fits = stdio_mode_parse(mode, &parsed);
    int access = parsed.flags & O_ACCMODE;
    if (fits
        && ((access != O_WRONLY && !open_file_is_readable(file))
            || (access != O_RDONLY && !open_file_is_writable(file)))) {
        errno = EINVAL;
        fits = false;
    }
    if (fits && (parsed.flags & O_APPEND) != 0) {
        atomic_fetch_or(&file->state->flags, O_APPEND);
    }
    open_file_release(file);
    report_count(CALL_fdopen);
    return fits ? file_of(make(fd, parsed.cookie, _IOFBF)) : NULL;
}

/* The number of a standard stream, the C library's or ours; -1. */
static int standard_number(const FILE *file)
{
    for (int fd = 0; fd < STANDARD_STREAMS; fd++) {
        if (file == *variable(fd) || (own[fd] != NULL && file == own[fd])
            || (standing_in[fd] != NULL && file == atomic_load(&standing_in[fd]->file))) {
            return fd;
        }
    }
    return -1;
}

/* The standard stream of this number goes on with the image that fd is. */
static FILE *reopen_standard(int number, int fd, FILE *stream)
{
    fflush(stream);
    int result = dup2(fd, number);
    int error = errno;
    if (fd != number) {
        close(fd);
    }
    errno = error;
    return result < 0 ? NULL : *variable(number);
}

/* stream goes on with an image. One of the C library's own that is no standard stream cannot: it
 * gets /dev/null, and the caller another stream, which it is told to use by freopen(3). */
static FILE *reopen_with_image(const struct image_path *target, const struct stdio_mode *mode,
                               FILE *stream)
{
    int fd = image_open(target, mode->flags);
    if (fd < 0) {
        int error = -fd;
        fclose(stream);
        errno = error;
        return NULL;
    }
    report_count(CALL_freopen);
    int number = standard_number(stream);
    if (number >= 0) {
        return reopen_standard(number, fd, stream);
    }
    struct stream *ours = stream_find(stream);
    if (ours != NULL) {
        fflush(stream);
        clearerr(stream);
        stream_end_wide(ours);
        ours->has_bytes = false;
        int before = ours->fd;
        ours->fd = fd;
        close(before);
        return use_charset(ours, mode);
    }
    if (REAL(freopen)("/dev/null", "r+", stream) == NULL) {
        return NULL;
    }
    struct stream *made = make(fd, mode->cookie, _IOFBF);
    return made == NULL ? NULL : use_charset(made, mode);
}

/* A stream of ours goes on with another file. */
static FILE *reopen_without_image(struct stream *ours, const char *path, const char *mode)
{
    FILE *stream = atomic_load(&ours->file);
    int number = standard_number(stream);
    fflush(stream);
    if (number < 0) {
        FILE *file = REAL(fopen)(path, mode);
        close(ours->fd); /* the stream stays, for somebody may still have it, and gives EBADF */
        return file;
    }
    descriptor_set(number, NULL); /* the C library puts the other file under the number */
    return REAL(freopen)(path, mode, own[number]);
}

HOOK FILE *freopen(const char *path, const char *mode, FILE *stream)
{
    struct image_path target;
    struct stdio_mode parsed;
    struct stream *ours = stream_find(stream);
    if (path == NULL) {
        if (ours != NULL) {
            errno = EBADF;
            return NULL;
        }
        return REAL(freopen)(path, mode, stream);
    }
    bool is_image = path_is_image_at(AT_FDCWD, path, PATH_FOLLOW, &target)
                    || (REAL(faccessat)(AT_FDCWD, path, F_OK, 0) < 0 && errno == ENOENT
                        && path_leads_to_image(AT_FDCWD, path, PATH_FOLLOW, &target));
    if (is_image && target.kind == PATH_HOST) {
        path = target.path;
        is_image = false;
    }
    if (is_image) {
        return stdio_mode_parse(mode, &parsed) ? reopen_with_image(&target, &parsed, stream)
                                               : NULL;
    }
    return ours != NULL ? reopen_without_image(ours, path, mode)
                        : REAL(freopen)(path, mode, stream);
}

HOOK int fileno(FILE *file)
{
    struct stream *stream = stream_find(file);
    return stream != NULL ? stream->fd : REAL(fileno)(file);
}

ALIAS(fileno_unlocked, fileno);
ALIAS(fopen64, fopen);
ALIAS(freopen64, freopen);
