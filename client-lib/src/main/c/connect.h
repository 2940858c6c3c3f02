/* How a session finds its broker. Signal-safe. */

#ifndef RBDW_CONNECT_H
#define RBDW_CONNECT_H

#include <stdint.h>

/* Connects to the first broker that runs and whose user is trusted (broker_trust.h); no other has been sent anything. 0, or an
 * error with its text: -ECONNREFUSED with where it was looked for, -EACCES and others where no run directory may be used.
 *
 * patience_ns: a broker that gives no answer for so long is taken for one that is gone; 0: none is.
 * connected: close-on-exec, the caller's. */
int connect_to_broker(int64_t patience_ns, int *connected);

/* Why the first run directory was not used that this process has passed over, in one sentence; NULL where it has not. */
const char *connect_passed_over(void);

#endif
