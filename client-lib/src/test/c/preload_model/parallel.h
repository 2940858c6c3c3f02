/* Threads and processes side by side on one image. */

#ifndef PARALLEL_H
#define PARALLEL_H

#include <stdint.h>

/* Several processes of several threads, each with descriptors of its own and an inherited one, and each
 * against a model of its own part of the image. 0, or 1 after a line about what differs. */
int parallel_run(const char *path, long seconds, uint32_t seed);

#endif
