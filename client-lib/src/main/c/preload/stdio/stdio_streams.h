/* Streams on images. The C library opens, reads and writes the files of its streams inside itself,
 * past any hook; so a stream on an image is made by fopencookie(3), and its callbacks call read,
 * write, lseek and close here. What its wide functions do is in wide.h.
 *
 * stdin, stdout and stderr follow descriptors 0, 1 and 2: as long as one of these is an image's, the
 * variable holds such a stream instead of the C library's own. A program that has copied the variable
 * before gets EBADF from it. */

#ifndef RBDW_STDIO_STREAMS_H
#define RBDW_STDIO_STREAMS_H

/* Descriptor 0, 1 or 2 has become an image's or has ceased to be one. */
void stdio_on_descriptor_changed(int fd);

/* Writes out what streams on images hold. */
void stdio_flush(void);

/* The same, of those that are used for wide characters only. */
void stdio_flush_wide(void);

#endif
