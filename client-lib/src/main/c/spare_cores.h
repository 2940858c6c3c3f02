/* Whether cores of the host idle, which a thread that waits may then use to look for what it waits for.
 * By /proc/stat, looked at 20 times a second at most. Any thread, no lock, signal handlers. */

#ifndef RBDW_SPARE_CORES_H
#define RBDW_SPARE_CORES_H

#include <stdbool.h>
#include <stdint.h>

/* now_ns: of futex_now_ns. False for a while, each time longer, where all cores were busy; always where
 * /proc/stat cannot be read. */
bool spare_cores_left(int64_t now_ns);

/* Who looked was interrupted for long: others need the core, or this process has used its share. */
void spare_cores_interrupted(int64_t now_ns);

/* False where RBDW_SPIN is off, or where this process may run on one core only. */
bool spare_cores_wanted(void);

#endif
