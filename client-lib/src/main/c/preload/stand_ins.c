/* Temporary: parts that are written elsewhere at this moment. */
#include <errno.h>
#include "image.h"
int image_lock_file(rbdw_file *file, int *fd) { (void)file; (void)fd; return -ENOLCK; }
