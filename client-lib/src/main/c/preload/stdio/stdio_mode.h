/* fopen(3)'s modes. */

#ifndef RBDW_STDIO_MODE_H
#define RBDW_STDIO_MODE_H

#include <stdbool.h>

#define STDIO_MAX_CHARSET 48

struct stdio_mode {
    int flags;      /* of open(2) */
    char cookie[3]; /* what fopencookie(3) takes: r, r+, w, w+, a, a+ */
    char charset[STDIO_MAX_CHARSET]; /* of "ccs="; empty: the locale's */
};

/* False with EINVAL where it is none. */
bool stdio_mode_parse(const char *text, struct stdio_mode *mode);

#endif
