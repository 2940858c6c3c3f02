/* What RBDW_REPORT=1 prints on stderr when the program ends: which calls were intercepted, how
 * often, their bytes, and which reached an image's descriptor and could not be served; and which run
 * directory was passed over, and why. Any thread. */

#ifndef RBDW_REPORT_H
#define RBDW_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "calls.h"

extern bool report_is_wanted;

void report_add(enum call call, long bytes);
void report_add_fallen_through(enum call call);

/* One line at once, without a newline in it, with the program's name and pid. */
void report_print_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The table, if there is something to tell; what was told is forgotten. */
void report_print(void);

static inline void report_count(enum call call)
{
    if (__builtin_expect(report_is_wanted, false)) {
        report_add(call, -1);
    }
}

/* Beside report_count. Fewer than 0: an error, not counted. */
static inline void report_bytes(enum call call, long bytes)
{
    if (__builtin_expect(report_is_wanted, false) && bytes > 0) {
        report_add(call, bytes);
    }
}

/* The call was made on an image's descriptor with something that images do not have. */
static inline void report_fell_through(enum call call)
{
    if (__builtin_expect(report_is_wanted, false)) {
        report_add_fallen_through(call);
    }
}

#define report_line(...) (report_is_wanted ? report_print_line(__VA_ARGS__) : (void) 0)

#endif
