/* A stream on an image, for the files that make it what it is. */

#ifndef RBDW_STREAM_H
#define RBDW_STREAM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

#include "wide.h"

struct stream {
    _Atomic(FILE *) file; /* NULL: free, or being made */
    _Atomic bool used;
    int fd;
    char *buffer;
    bool has_bytes;    /* the program has read or written bytes: it stays byte-oriented */
    bool is_seeking;   /* what the C library reads is for itself */
    struct wide *wide; /* NULL until it is used for wide characters */
};

/* NULL: it is the C library's. One comparison where there is no stream on an image. */
struct stream *stream_find(const FILE *file);

/* As fwide(3). */
int stream_orient(struct stream *stream, int mode);

/* The stream is not wide-oriented any more; what it holds is lost. */
void stream_end_wide(struct stream *stream);

#endif
