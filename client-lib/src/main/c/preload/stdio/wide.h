/* Wide characters of streams on images. The C library's streams of fopencookie(3) are byte-oriented from the
 * start and have nothing that wide functions could work on; so these are hooked, and work on a buffer of bytes
 * of their own:
 *
 *     fgetwc, fwscanf ...            getc, fread ...
 *          |                              |
 *     struct wide (bytes, charset)   the C library's buffer       a stream has the one or the other
 *          |                              |
 *          +---- read, write, lseek ------+
 *
 * The C library sees a stream that is wide-oriented and whose buffers are empty: so its byte functions
 * refuse it, and ftell, fseek, rewind, feof, ferror and clearerr work (a seek comes to wide_seek). All
 * functions here are called with the stream's lock, as the C library takes it. */

#ifndef RBDW_WIDE_H
#define RBDW_WIDE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <wchar.h>

struct wide;

/* For the stream, by descriptor *fd; charset: of "ccs=", or NULL for the locale's, as it is now. NULL with
 * errno: EINVAL where there is no such charset. From now on the stream is wide-oriented. */
struct wide *wide_begin(FILE *file, const int *fd, const char *charset);

/* The stream is as it was made, and what was not flushed is lost. */
void wide_end(struct wide *wide);

/* Writes out, or gives back what was read ahead. 0 or EOF with errno, and the stream has failed. */
int wide_flush(struct wide *wide);

/* As the function of fopencookie(3). */
int wide_seek(struct wide *wide, off_t *offset, int whence);

/* As the functions of their names. */
wint_t wide_get(struct wide *wide);
wint_t wide_put(struct wide *wide, wchar_t character);
wint_t wide_unget(struct wide *wide, wint_t character);

typedef int wide_scan(FILE *file, const wchar_t *format, va_list arguments);

/* scan: the C library's, which is given a file of its own with the bytes that follow. */
int wide_scan_with(struct wide *wide, wide_scan *scan, const wchar_t *format, va_list arguments);

#endif
