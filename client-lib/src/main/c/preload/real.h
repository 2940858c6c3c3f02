/* The calls as the next library has them, which is the C library unless another one is preloaded. */

#ifndef RBDW_REAL_H
#define RBDW_REAL_H

#include <stdbool.h>

#include "calls.h"

struct real_calls {
#define CALL(result, name, parameters) result(*name) parameters;
    FOR_EACH_CALL(CALL)
#undef CALL
};

extern struct real_calls real_calls;
extern bool real_calls_found;

/* Other libraries' constructors may run, and call a hook, before ours. */
void real_find_calls(void);

/* REAL(read)(fd, buffer, count). One that the C library does not have gives ENOSYS. */
#define REAL(name)                                                                                 \
    ((__builtin_expect(real_calls_found, true) ? (void) 0 : real_find_calls()), real_calls.name)

/* "read" */
extern const char *const call_names[CALLS];

#endif
