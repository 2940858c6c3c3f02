/* The wide functions of <wchar.h> on streams, and fclose(3) and fflush(3), which know nothing of what those hold. */

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <wchar.h>

#include "hook.h"
#include "stdio_streams.h"
#include "stream.h"

#define FLAG_PUTTING 0x0800 /* of FILE's flags: as in wide.c */

void stream_end_wide(struct stream *stream)
{
    if (stream->wide != NULL) {
        wide_end(stream->wide);
        stream->wide = NULL;
    }
}

/* The program's bytes, also those that have not come to our functions yet. */
static bool has_bytes(const struct stream *stream, const FILE *file)
{
    return stream->has_bytes || (file->_flags & FLAG_PUTTING) != 0 || file->_IO_save_base != NULL;
}

/* What a seek has read for itself. */
static void forget_block(const struct stream *stream, FILE *file)
{
    off_t unread = file->_IO_read_end - file->_IO_read_ptr;
    if (unread > 0) {
        lseek(stream->fd, -unread, SEEK_CUR);
    }
    file->_IO_read_ptr = file->_IO_read_end = file->_IO_read_base;
}

int stream_orient(struct stream *stream, int mode)
{
    FILE *file = atomic_load(&stream->file);
    if (stream->wide != NULL) {
        return 1;
    }
    if (mode < 0) {
        stream->has_bytes = true;
    }
    if (has_bytes(stream, file)) {
        return -1;
    }
    if (mode > 0) {
        forget_block(stream, file);
        stream->wide = wide_begin(file, &stream->fd, NULL);
        return stream->wide == NULL ? 0 : 1;
    }
    return 0;
}

/* The stream as a wide one, locked; NULL where it is one of bytes, not locked. */
static struct wide *enter(struct stream *stream)
{
    FILE *file = atomic_load(&stream->file);
    flockfile(file);
    if (stream_orient(stream, 1) > 0) {
        return stream->wide;
    }
    funlockfile(file);
    return NULL;
}

static void leave_wide(struct stream *stream)
{
    funlockfile(atomic_load(&stream->file));
}

/* A hook of one function by two names, of which one leaves the lock out: taking it twice harms nobody. */
#define GET(name)                                                                                  \
    HOOK wint_t name(FILE *file)                                                                   \
    {                                                                                              \
        struct stream *stream = stream_find(file);                                                 \
        return stream == NULL ? REAL(name)(file) : get(stream);                                    \
    }
#define PUT(name)                                                                                  \
    HOOK wint_t name(wchar_t character, FILE *file)                                                \
    {                                                                                              \
        struct stream *stream = stream_find(file);                                                 \
        return stream == NULL ? REAL(name)(character, file) : put(stream, character);              \
    }
#define GETS(name)                                                                                 \
    HOOK wchar_t *name(wchar_t *line, int count, FILE *file)                                       \
    {                                                                                              \
        struct stream *stream = stream_find(file);                                                 \
        return stream == NULL ? REAL(name)(line, count, file) : gets_wide(stream, line, count);    \
    }
#define GETS_CHECKED(name)                                                                         \
    extern wchar_t *name(wchar_t *line, size_t room, int count, FILE *file);                       \
    HOOK wchar_t *name(wchar_t *line, size_t room, int count, FILE *file)                          \
    {                                                                                              \
        struct stream *stream = stream_find(file);                                                 \
        if (stream == NULL) {                                                                      \
            return REAL(name)(line, room, count, file);                                            \
        }                                                                                          \
        if (count > 0 && (size_t) count > room) {                                                  \
            __chk_fail();                                                                          \
        }                                                                                          \
        return gets_wide(stream, line, count);                                                     \
    }
#define PUTS(name)                                                                                 \
    HOOK int name(const wchar_t *text, FILE *file)                                                 \
    {                                                                                              \
        struct stream *stream = stream_find(file);                                                 \
        return stream == NULL ? REAL(name)(text, file) : puts_wide(stream, text);                  \
    }

static wint_t get(struct stream *stream)
{
    struct wide *wide = enter(stream);
    if (wide == NULL) {
        return WEOF;
    }
    wint_t result = wide_get(wide);
    leave_wide(stream);
    return result;
}

static wint_t put(struct stream *stream, wchar_t character)
{
    struct wide *wide = enter(stream);
    if (wide == NULL) {
        return WEOF;
    }
    wint_t result = wide_put(wide, character);
    leave_wide(stream);
    return result;
}

/* NULL where nothing came, and where what came ends in an error. */
static wchar_t *gets_wide(struct stream *stream, wchar_t *line, int count)
{
    struct wide *wide = count <= 0 ? NULL : enter(stream);
    int length = 0;
    wint_t character = L'\0';
    if (wide == NULL) {
        return NULL;
    }
    int error = errno;
    errno = 0;
    while (length < count - 1 && character != L'\n' && (character = wide_get(wide)) != WEOF) {
        line[length++] = (wchar_t) character;
    }
    bool has_failed = character == WEOF && errno != 0 && errno != EAGAIN;
    errno = errno == 0 ? error : errno;
    line[length] = L'\0';
    leave_wide(stream);
    return (length == 0 && count > 1) || has_failed ? NULL : line;
}

static int puts_wide(struct stream *stream, const wchar_t *text)
{
    struct wide *wide = enter(stream);
    int result = wide == NULL ? EOF : 1;
    for (; *text != L'\0' && result > 0; text++) {
        result = wide_put(wide, *text) == WEOF ? EOF : 1;
    }
    if (wide != NULL) {
        leave_wide(stream);
    }
    return result;
}

GET(fgetwc)
GET(fgetwc_unlocked)
PUT(fputwc)
PUT(fputwc_unlocked)
GETS(fgetws)
GETS(fgetws_unlocked)
GETS_CHECKED(__fgetws_chk)
GETS_CHECKED(__fgetws_unlocked_chk)
PUTS(fputws)
PUTS(fputws_unlocked)
ALIAS(getwc, fgetwc);
ALIAS(getwc_unlocked, fgetwc_unlocked);
ALIAS(putwc, fputwc);
ALIAS(putwc_unlocked, fputwc_unlocked);

HOOK wint_t getwchar(void)
{
    struct stream *stream = stream_find(stdin);
    return stream == NULL ? REAL(getwchar)() : get(stream);
}

HOOK wint_t getwchar_unlocked(void)
{
    struct stream *stream = stream_find(stdin);
    return stream == NULL ? REAL(getwchar_unlocked)() : get(stream);
}

HOOK wint_t putwchar(wchar_t character)
{
    struct stream *stream = stream_find(stdout);
    return stream == NULL ? REAL(putwchar)(character) : put(stream, character);
}

HOOK wint_t putwchar_unlocked(wchar_t character)
{
    struct stream *stream = stream_find(stdout);
    return stream == NULL ? REAL(putwchar_unlocked)(character) : put(stream, character);
}

HOOK wint_t ungetwc(wint_t character, FILE *file)
{
    struct stream *stream = stream_find(file);
    if (stream == NULL) {
        return REAL(ungetwc)(character, file);
    }
    struct wide *wide = enter(stream);
    if (wide == NULL) {
        return WEOF;
    }
    wint_t result = wide_unget(wide, character);
    leave_wide(stream);
    return result;
}

HOOK int fwide(FILE *file, int mode)
{
    struct stream *stream = stream_find(file);
    if (stream == NULL) {
        return REAL(fwide)(file, mode);
    }
    flockfile(file);
    int orientation = stream_orient(stream, mode);
    funlockfile(file);
    return orientation;
}

/* flag: of the fortified forms, or -1. */
static int format_to(FILE *file, int flag, const wchar_t *format, va_list arguments)
{
    return flag < 0 ? REAL(vfwprintf)(file, format, arguments)
                    : REAL(__vfwprintf_chk)(file, flag, format, arguments);
}

/* The C library formats into memory, where it has a wide stream of its own. */
static int print_wide(FILE *file, int flag, const wchar_t *format, va_list arguments)
{
    struct stream *stream = stream_find(file);
    if (stream == NULL) {
        return format_to(file, flag, format, arguments);
    }
    wchar_t *text = NULL;
    size_t length = 0;
    struct wide *wide = enter(stream);
    FILE *memory = wide == NULL ? NULL : open_wmemstream(&text, &length);
    int result = memory == NULL ? -1 : format_to(memory, flag, format, arguments);
    int error = errno;
    if (memory != NULL && REAL(fclose)(memory) != 0) {
        result = -1;
    }
    errno = error;
    for (size_t i = 0; i < length && text != NULL; i++) {
        if (wide_put(wide, text[i]) == WEOF) {
            result = -1;
            break;
        }
    }
    error = errno;
    free(text);
    errno = error;
    if (wide != NULL) {
        leave_wide(stream);
    }
    return result;
}

HOOK int vfwprintf(FILE *file, const wchar_t *format, va_list arguments)
{
    return print_wide(file, -1, format, arguments);
}

HOOK int vwprintf(const wchar_t *format, va_list arguments)
{
    return print_wide(stdout, -1, format, arguments);
}

#define WITH_ARGUMENTS(result_of, last, call)                                                      \
    va_list arguments;                                                                             \
    va_start(arguments, last);                                                                     \
    result_of = call;                                                                              \
    va_end(arguments)

HOOK int fwprintf(FILE *file, const wchar_t *format, ...)
{
    int result;
    WITH_ARGUMENTS(result, format, print_wide(file, -1, format, arguments));
    return result;
}

HOOK int wprintf(const wchar_t *format, ...)
{
    int result;
    WITH_ARGUMENTS(result, format, print_wide(stdout, -1, format, arguments));
    return result;
}

extern int __vfwprintf_chk(FILE *file, int flag, const wchar_t *format, va_list arguments);
extern int __vwprintf_chk(int flag, const wchar_t *format, va_list arguments);
extern int __fwprintf_chk(FILE *file, int flag, const wchar_t *format, ...);
extern int __wprintf_chk(int flag, const wchar_t *format, ...);

HOOK int __vfwprintf_chk(FILE *file, int flag, const wchar_t *format, va_list arguments)
{
    return print_wide(file, flag, format, arguments);
}

HOOK int __vwprintf_chk(int flag, const wchar_t *format, va_list arguments)
{
    return print_wide(stdout, flag, format, arguments);
}

HOOK int __fwprintf_chk(FILE *file, int flag, const wchar_t *format, ...)
{
    int result;
    WITH_ARGUMENTS(result, format, print_wide(file, flag, format, arguments));
    return result;
}

HOOK int __wprintf_chk(int flag, const wchar_t *format, ...)
{
    int result;
    WITH_ARGUMENTS(result, format, print_wide(stdout, flag, format, arguments));
    return result;
}

static int scan_wide(FILE *file, wide_scan *scan, const wchar_t *format, va_list arguments)
{
    struct stream *stream = stream_find(file);
    if (stream == NULL) {
        return scan(file, format, arguments);
    }
    struct wide *wide = enter(stream);
    if (wide == NULL) {
        return EOF;
    }
    int result = wide_scan_with(wide, scan, format, arguments);
    leave_wide(stream);
    return result;
}

/* By the assembler's names: to the compiler, scanf itself is one of the others. */
#define SCAN(prefix)                                                                               \
    extern int hook_##prefix##vfwscanf(FILE *, const wchar_t *, va_list) __asm__(#prefix "vfwscanf"); \
    extern int hook_##prefix##vwscanf(const wchar_t *, va_list) __asm__(#prefix "vwscanf");        \
    extern int hook_##prefix##fwscanf(FILE *, const wchar_t *, ...) __asm__(#prefix "fwscanf");    \
    extern int hook_##prefix##wscanf(const wchar_t *, ...) __asm__(#prefix "wscanf");              \
    HOOK int hook_##prefix##vfwscanf(FILE *file, const wchar_t *format, va_list arguments)         \
    {                                                                                              \
        return scan_wide(file, REAL(prefix##vfwscanf), format, arguments);                         \
    }                                                                                              \
    HOOK int hook_##prefix##vwscanf(const wchar_t *format, va_list arguments)                      \
    {                                                                                              \
        return scan_wide(stdin, REAL(prefix##vfwscanf), format, arguments);                        \
    }                                                                                              \
    HOOK int hook_##prefix##fwscanf(FILE *file, const wchar_t *format, ...)                        \
    {                                                                                              \
        int result;                                                                                \
        WITH_ARGUMENTS(result, format,                                                             \
                       scan_wide(file, REAL(prefix##vfwscanf), format, arguments));                \
        return result;                                                                             \
    }                                                                                              \
    HOOK int hook_##prefix##wscanf(const wchar_t *format, ...)                                     \
    {                                                                                              \
        int result;                                                                                \
        WITH_ARGUMENTS(result, format,                                                             \
                       scan_wide(stdin, REAL(prefix##vfwscanf), format, arguments));               \
        return result;                                                                             \
    }

SCAN()
SCAN(__isoc99_)
SCAN(__isoc23_)

/* A seek decides on no orientation, though the C library reads a block of bytes in it. */
#define SEEK(name, parameters, arguments)                                                          \
    HOOK int name parameters                                                                       \
    {                                                                                              \
        struct stream *stream = stream_find(file);                                                 \
        if (stream == NULL) {                                                                      \
            return REAL(name) arguments;                                                           \
        }                                                                                          \
        flockfile(file);                                                                           \
        stream->is_seeking = true;                                                                 \
        int result = REAL(name) arguments;                                                         \
        stream->is_seeking = false;                                                                \
        funlockfile(file);                                                                         \
        return result;                                                                             \
    }

SEEK(fseek, (FILE * file, long offset, int whence), (file, offset, whence))
SEEK(fseeko, (FILE * file, off_t offset, int whence), (file, offset, whence))
SEEK(fsetpos, (FILE * file, const fpos_t *position), (file, position))
ALIAS(fseeko64, fseeko);
ALIAS(fsetpos64, fsetpos);

HOOK void rewind(FILE *file)
{
    struct stream *stream = stream_find(file);
    if (stream == NULL) {
        REAL(rewind)(file);
        return;
    }
    flockfile(file);
    stream->is_seeking = true;
    REAL(rewind)(file);
    stream->is_seeking = false;
    funlockfile(file);
}

static int flush_wide(FILE *file)
{
    struct stream *stream = stream_find(file);
    if (stream == NULL || stream->wide == NULL) {
        return 0;
    }
    flockfile(file);
    int result = wide_flush(stream->wide);
    funlockfile(file);
    return result;
}

HOOK int fflush(FILE *file)
{
    if (file == NULL) {
        stdio_flush_wide();
        return REAL(fflush)(NULL);
    }
    int result = flush_wide(file);
    return REAL(fflush)(file) == EOF ? EOF : result;
}

HOOK int fflush_unlocked(FILE *file)
{
    if (file == NULL) {
        stdio_flush_wide();
        return REAL(fflush_unlocked)(NULL);
    }
    int result = flush_wide(file);
    return REAL(fflush_unlocked)(file) == EOF ? EOF : result;
}

HOOK int fclose(FILE *file)
{
    struct stream *stream = stream_find(file);
    int result = 0;
    int error = errno;
    if (stream != NULL && stream->wide != NULL) {
        result = flush_wide(file);
        error = errno;
        stream_end_wide(stream);
    }
    int closed = REAL(fclose)(file);
    if (closed == 0 && result != 0) {
        errno = error;
    }
    return closed != 0 ? closed : result;
}
