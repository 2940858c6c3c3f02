/* /rbdw as a directory: the kernel has none, so an empty directory that was unlinked at once stands
 * for it. It is a real descriptor and a real working directory, which children inherit; whatever is
 * looked for in it does not exist (ENOENT), and then the search of image_path.h knows what to do. */

#ifndef RBDW_WORKING_DIRECTORY_H
#define RBDW_WORKING_DIRECTORY_H

#include <stdbool.h>

/* flags: 0 or O_CLOEXEC. A descriptor under the lowest free number, or an error. */
int root_directory_open(int flags);

/* Whether a descriptor, or AT_FDCWD, is the stand-in. */
bool root_directory_is(int fd);

#endif
