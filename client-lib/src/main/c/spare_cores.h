/* Whether a thread that waits may look for what it waits for, since nobody else wants its core: no task of the
 * host has waited for a core lately (/proc/pressure/cpu), or cores idle (/proc/stat). The second alone would not do:
 * where all who look keep all cores busy, none idles. Looked at 20 times a second at most. Any thread, no lock,
 * signal handlers. */

#ifndef RBDW_SPARE_CORES_H
#define RBDW_SPARE_CORES_H

#include <stdbool.h>
#include <stdint.h>

/* now_ns: of futex_now_ns. False for a while, each time longer, where tasks waited and all cores were busy;
 * always where neither can be read. */
bool spare_cores_left(int64_t now_ns);

/* Who looked was interrupted for long: others need the core, or this process has used its share. */
void spare_cores_interrupted(int64_t now_ns);

/* False where RBDW_SPIN is off, or where this process may use no more than one core: by its affinity, or by a quota. */
bool spare_cores_wanted(void);

#endif
