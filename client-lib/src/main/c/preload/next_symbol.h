/* The functions of the libraries after this one, found without the dynamic linker's help: dlsym(3) takes
 * its lock, and allocates the text of its error where a name is missing. In the middle of an allocator's
 * own initialisation, which may call a hook, both are deadlocks. */

#ifndef RBDW_NEXT_SYMBOL_H
#define RBDW_NEXT_SYMBOL_H

#include <stddef.h>

/* As dlsym(RTLD_NEXT, name) for each of count names; what no library has stays as it is in found. In the
 * order of loading, which is that of the search. Before the program has a second thread that loads
 * libraries. */
void next_symbols_find(const char *const names[], void *found[], size_t count);

#endif
