#include "wide.h"

#include <errno.h>
#include <iconv.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hook.h"

#define FIRST_ROOM 65536          /* bytes */
#define MOST_SCANNED (64 << 20)   /* bytes that one scanf may look at */
#define PUT_BACK_ROOM 256         /* bytes before the first, for ungetwc */
#define NO_CONVERSION ((iconv_t) -1)

/* Of FILE's flags, which are part of its layout and so of the C library's binary interface. */
#define FLAG_UNBUFFERED 0x0002
#define FLAG_NO_READS 0x0004
#define FLAG_NO_WRITES 0x0008
#define FLAG_EOF 0x0010
#define FLAG_ERROR 0x0020
#define FLAG_LINE_BUFFERED 0x0200

struct wide {
    FILE *file;
    const int *fd;
    char *bytes; /* read and not taken: from at to end; or, where is_writing, to be written: up to end */
    size_t room;
    size_t at;
    size_t end;
    bool is_writing;
    char *charset;   /* NULL: the locale's */
    locale_t locale; /* of when the stream became wide */
    iconv_t decode;  /* of charset */
    iconv_t encode;  /* of charset; of the locale once something has to be transliterated */
    mbstate_t decoding;
    mbstate_t encoding;
    wint_t last;        /* what wide_get has taken, */
    size_t last_length; /* and how many bytes that was: 0 where something has happened since */
};

/* In the place of the C library's own, of which it only looks whether something is buffered there, and whether
 * the charset's steps of conversion, to which the other one points, have a state. */
static long no_wide_data[512];
static void *no_conversion[64] = {[0 ... 63] = no_wide_data};

static void fail(struct wide *wide, int error)
{
    wide->file->_flags |= FLAG_ERROR;
    errno = error;
}

static bool open_conversions(struct wide *wide, const char *charset)
{
    char name[64];
    if (strlen(charset) + sizeof "//TRANSLIT" > sizeof name) {
        return false;
    }
    strcpy(name, charset);
    wide->charset = strdup(charset);
    wide->decode = iconv_open("WCHAR_T", name);
    strcat(name, "//TRANSLIT"); /* as the C library does for streams */
    wide->encode = iconv_open(name, "WCHAR_T");
    return wide->charset != NULL && wide->decode != NO_CONVERSION && wide->encode != NO_CONVERSION;
}

static void free_wide(struct wide *wide)
{
    if (wide->decode != NO_CONVERSION) {
        iconv_close(wide->decode);
    }
    if (wide->encode != NO_CONVERSION) {
        iconv_close(wide->encode);
    }
    if (wide->locale != (locale_t) 0) {
        freelocale(wide->locale);
    }
    free(wide->charset);
    free(wide->bytes);
    free(wide);
}

struct wide *wide_begin(FILE *file, const int *fd, const char *charset)
{
    struct wide *wide = calloc(1, sizeof *wide);
    if (wide == NULL) {
        return NULL;
    }
    wide->decode = wide->encode = NO_CONVERSION;
    wide->file = file;
    wide->fd = fd;
    wide->room = FIRST_ROOM;
    wide->at = wide->end = PUT_BACK_ROOM;
    wide->bytes = malloc(wide->room);
    wide->locale = duplocale(uselocale((locale_t) 0));
    if (wide->bytes == NULL || wide->locale == (locale_t) 0) {
        free_wide(wide);
        errno = ENOMEM;
        return NULL;
    }
    if (charset != NULL && !open_conversions(wide, charset)) {
        free_wide(wide);
        errno = EINVAL;
        return NULL;
    }
    file->_mode = 1;
    file->_wide_data = (struct _IO_wide_data *) no_wide_data;
    file->_codecvt = (struct _IO_codecvt *) no_conversion;
    return wide;
}

void wide_end(struct wide *wide)
{
    wide->file->_mode = -1;
    wide->file->_wide_data = (struct _IO_wide_data *) -1L;
    wide->file->_codecvt = NULL;
    free_wide(wide);
}

static void forget_bytes(struct wide *wide)
{
    wide->at = wide->end = PUT_BACK_ROOM;
    wide->is_writing = false;
    wide->last_length = 0;
}

static int write_out(struct wide *wide)
{
    size_t done = PUT_BACK_ROOM;
    int result = 0;
    while (done < wide->end && result == 0) {
        ssize_t written = write(*wide->fd, wide->bytes + done, wide->end - done);
        if (written <= 0) {
            fail(wide, written < 0 ? errno : EIO);
            result = EOF;
        } else {
            done += (size_t) written;
        }
    }
    forget_bytes(wide);
    return result;
}

int wide_flush(struct wide *wide)
{
    if (wide->is_writing) {
        return write_out(wide);
    }
    if (wide->end > wide->at) {
        off_t unread = (off_t) (wide->end - wide->at);
        int error = errno;
        if (lseek(*wide->fd, -unread, SEEK_CUR) < 0) {
            errno = error; /* what cannot be read again is lost, as with any stream */
        }
        forget_bytes(wide);
    }
    return 0;
}

int wide_seek(struct wide *wide, off_t *offset, int whence)
{
    if (wide->is_writing && write_out(wide) == EOF) {
        return -1;
    }
    off_t unread = (off_t) (wide->end - wide->at);
    if (whence == SEEK_CUR && *offset == 0) {
        off_t position = lseek(*wide->fd, 0, SEEK_CUR);
        if (position < 0) {
            return -1;
        }
        *offset = position - unread;
        return 0;
    }
    off_t position = lseek(*wide->fd, whence == SEEK_CUR ? *offset - unread : *offset, whence);
    if (position < 0) {
        return -1;
    }
    forget_bytes(wide);
    memset(&wide->decoding, 0, sizeof wide->decoding);
    memset(&wide->encoding, 0, sizeof wide->encoding);
    if (wide->decode != NO_CONVERSION) {
        iconv(wide->decode, NULL, NULL, NULL, NULL);
    }
    *offset = position;
    return 0;
}

/* Room for so many bytes more. */
static bool grow(struct wide *wide, size_t more)
{
    if (wide->at > PUT_BACK_ROOM && wide->room - wide->end < more) {
        memmove(wide->bytes + PUT_BACK_ROOM, wide->bytes + wide->at, wide->end - wide->at);
        wide->end -= wide->at - PUT_BACK_ROOM;
        wide->at = PUT_BACK_ROOM;
        wide->last_length = 0;
    }
    if (wide->room - wide->end >= more) {
        return true;
    }
    char *bytes = realloc(wide->bytes, wide->end + more);
    if (bytes == NULL) {
        fail(wide, ENOMEM);
        return false;
    }
    wide->bytes = bytes;
    wide->room = wide->end + more;
    return true;
}

/* Reads more bytes. False at the end, and after an error. */
static bool read_more(struct wide *wide)
{
    if ((wide->file->_flags & FLAG_EOF) != 0 || !grow(wide, FIRST_ROOM / 2)) {
        return false;
    }
    ssize_t count = read(*wide->fd, wide->bytes + wide->end, wide->room - wide->end);
    if (count < 0) {
        fail(wide, errno);
        return false;
    }
    if (count == 0) {
        wide->file->_flags |= FLAG_EOF;
        return false;
    }
    wide->end += (size_t) count;
    return true;
}

static bool begin_reading(struct wide *wide)
{
    if ((wide->file->_flags & FLAG_NO_READS) != 0) {
        fail(wide, EBADF);
        return false;
    }
    return !wide->is_writing || write_out(wide) == 0;
}

#define INCOMPLETE ((size_t) -2)
#define INVALID ((size_t) -1)

/* How many bytes the next character has; INVALID or INCOMPLETE. */
static size_t decode_by_charset(struct wide *wide, wchar_t *character)
{
    char *in = wide->bytes + wide->at;
    char *out = (char *) character;
    size_t in_left = wide->end - wide->at;
    size_t out_left = sizeof *character;
    size_t result = iconv(wide->decode, &in, &in_left, &out, &out_left);
    size_t length = (size_t) (in - (wide->bytes + wide->at));
    if (out_left == 0) {
        return length;
    }
    if (result == (size_t) -1 && errno == EILSEQ) {
        return INVALID;
    }
    wide->at += length; /* a byte order mark, or a change of state */
    return INCOMPLETE;
}

static size_t decode_by_locale(struct wide *wide, wchar_t *character)
{
    mbstate_t state = wide->decoding;
    locale_t before = uselocale(wide->locale);
    size_t length = mbrtowc(character, wide->bytes + wide->at, wide->end - wide->at, &state);
    uselocale(before);
    if (length == INVALID || length == INCOMPLETE) {
        return length;
    }
    wide->decoding = state;
    return length == 0 ? 1 : length;
}

wint_t wide_get(struct wide *wide)
{
    wchar_t character;
    int error = errno;
    if (!begin_reading(wide)) {
        return WEOF;
    }
    while (true) {
        size_t length = INCOMPLETE;
        if (wide->end > wide->at) {
            length = wide->charset != NULL ? decode_by_charset(wide, &character)
                                           : decode_by_locale(wide, &character);
        }
        if (length == INVALID) {
            fail(wide, EILSEQ);
            return WEOF;
        }
        if (length != INCOMPLETE) {
            wide->at += length;
            wide->last = (wint_t) character;
            wide->last_length = length;
            errno = error;
            return wide->last;
        }
        if (!read_more(wide)) {
            if (wide->end > wide->at && (wide->file->_flags & FLAG_ERROR) == 0) {
                fail(wide, EILSEQ); /* the end is in the middle of a character */
            }
            return WEOF;
        }
    }
}

/* The locale's charset cannot say it: what stands for it there. */
static size_t transliterate(struct wide *wide, wchar_t character, char *bytes, size_t room)
{
    if (wide->encode == NO_CONVERSION) {
        char name[64];
        snprintf(name, sizeof name, "%s//TRANSLIT", nl_langinfo_l(CODESET, wide->locale));
        wide->encode = iconv_open(name, "WCHAR_T");
        if (wide->encode == NO_CONVERSION) {
            return INVALID;
        }
    }
    char *in = (char *) &character;
    char *out = bytes;
    size_t in_left = sizeof character;
    size_t out_left = room;
    if (iconv(wide->encode, &in, &in_left, &out, &out_left) == (size_t) -1) {
        return INVALID;
    }
    return room - out_left;
}

static size_t encode(struct wide *wide, wchar_t character, char *bytes, size_t room)
{
    locale_t before = uselocale(wide->locale);
    size_t length = wide->charset != NULL ? INVALID : wcrtomb(bytes, character, &wide->encoding);
    if (length == INVALID) {
        memset(&wide->encoding, 0, sizeof wide->encoding);
        length = transliterate(wide, character, bytes, room);
    }
    uselocale(before);
    return length;
}

wint_t wide_put(struct wide *wide, wchar_t character)
{
    char bytes[4 * MB_LEN_MAX];
    int error = errno;
    int flags = wide->file->_flags;
    if ((flags & FLAG_NO_WRITES) != 0) {
        fail(wide, EBADF);
        return WEOF;
    }
    if (!wide->is_writing) {
        wide_flush(wide);
        wide->is_writing = true;
    }
    size_t length = encode(wide, character, bytes, sizeof bytes);
    if (length == INVALID) {
        fail(wide, EILSEQ);
        return WEOF;
    }
    if (wide->room - wide->end < length && write_out(wide) == EOF) {
        return WEOF;
    }
    wide->is_writing = true;
    memcpy(wide->bytes + wide->end, bytes, length);
    wide->end += length;
    bool at_once = (flags & FLAG_UNBUFFERED) != 0
                   || ((flags & FLAG_LINE_BUFFERED) != 0 && character == L'\n');
    if (at_once && write_out(wide) == EOF) {
        return WEOF;
    }
    errno = error;
    return (wint_t) character;
}

wint_t wide_unget(struct wide *wide, wint_t character)
{
    char bytes[4 * MB_LEN_MAX];
    if (character == WEOF || !begin_reading(wide)) {
        return WEOF;
    }
    size_t length = wide->last_length;
    if (length == 0 || character != wide->last) {
        length = encode(wide, (wchar_t) character, bytes, sizeof bytes);
        if (length == INVALID || length > wide->at) {
            return WEOF;
        }
        memcpy(wide->bytes + wide->at - length, bytes, length);
    }
    wide->at -= length;
    wide->last_length = 0;
    wide->file->_flags &= ~FLAG_EOF;
    return character;
}

/* A file of the C library's own, with the bytes that have been read and not taken. */
static FILE *open_copy(const struct wide *wide)
{
    char mode[80] = "r";
    int fd = memfd_create("rbdw-scan", MFD_CLOEXEC);
    size_t length = wide->end - wide->at;
    if (fd < 0) {
        return NULL;
    }
    char link[40];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (wide->charset != NULL) {
        snprintf(mode, sizeof mode, "r,ccs=%s", wide->charset);
    }
    bool has_all = REAL(write)(fd, wide->bytes + wide->at, length) == (ssize_t) length;
    FILE *file = has_all ? REAL(fopen)(link, mode) : NULL; /* fdopen does not know of "ccs=" */
    REAL(close)(fd);
    return file;
}

/* Where it has seen the end of the copy, which is not the image's, it does it again with a longer one. */
int wide_scan_with(struct wide *wide, wide_scan *scan, const wchar_t *format, va_list arguments)
{
    if (!begin_reading(wide)) {
        return EOF;
    }
    size_t wanted = FIRST_ROOM;
    while (true) {
        while (wide->end - wide->at < wanted && read_more(wide)) {
        }
        bool has_all = wide->end - wide->at < wanted || wanted >= MOST_SCANNED;
        FILE *copy = open_copy(wide);
        if (copy == NULL) {
            fail(wide, errno);
            return EOF;
        }
        va_list again;
        va_copy(again, arguments);
        locale_t before = uselocale(wide->locale);
        int result = scan(copy, format, again);
        uselocale(before);
        va_end(again);
        bool is_at_end = feof(copy) != 0;
        bool has_failed = ferror(copy) != 0;
        off_t taken = ftello(copy);
        int error = errno;
        REAL(fclose)(copy);
        if (is_at_end && !has_all) {
            wanted *= 4;
            continue;
        }
        wide->at += taken > 0 ? (size_t) taken : 0;
        wide->last_length = 0;
        wide->file->_flags &= ~FLAG_EOF;
        wide->file->_flags |= (is_at_end ? FLAG_EOF : 0) | (has_failed ? FLAG_ERROR : 0);
        errno = error;
        return result;
    }
}
