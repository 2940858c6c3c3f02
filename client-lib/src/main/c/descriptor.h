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

/* Whether it is still what was kept: a program may have closed it by a system call of its own, and its number
 * may be another file's by now. True for one that is not known. One system call; errno stays. */
bool descriptor_is_intact(int fd);

/* Forgets and closes it, if it is still what was kept. */
void descriptor_drop(int fd);

/* One look where fd is low; a system call where it is kept. */
bool descriptor_is_kept(int fd);

#endif
