/* The descriptors that this library keeps open in somebody else's program: put out of the way of its
 * low numbers, and known, so that the preload library can keep a program that closes "all"
 * descriptors from closing them. Any thread, no lock. */

#ifndef RBDW_DESCRIPTOR_H
#define RBDW_DESCRIPTOR_H

#include <stdbool.h>

/* No kept descriptor has this number or a higher one, if numbers below were free. */
#define DESCRIPTOR_KEPT_END 1024

/* Moves fd up where it is low, close-on-exec, and remembers it. Returns the new number, or fd itself where there is
 * no room above. */
int descriptor_keep(int fd);

/* Takes all free numbers below those of kept descriptors, so that the next that is made is high at
 * once, and needs not be moved. Returns how many stand in numbers; at most DESCRIPTOR_KEPT_END. */
int descriptor_take_low(int *numbers);
void descriptor_give_low_back(const int *numbers, int count);

/* Forgets and closes it. */
void descriptor_drop(int fd);

/* One look where fd is low. */
bool descriptor_is_kept(int fd);

#endif
