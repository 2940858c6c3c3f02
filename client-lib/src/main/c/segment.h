/* The shared segment as the broker hands it over: checked, and mapped. */

#ifndef RBDW_SEGMENT_MAP_H
#define RBDW_SEGMENT_MAP_H

#include <stdint.h>

#include "rbdw_segment.h"

/* Maps the memory of this descriptor, which may be closed afterwards. A child does not inherit the
 * mapping. 0, or an error with its text: -EPROTO for memory that could be taken away below us (which
 * would end the program by SIGBUS) or whose header does not fit. */
int segment_map(int memory, int64_t length, struct segment_header **segment,
                struct segment_geometry *geometry);

/* Maps a page for reading; otherwise likewise, but a child inherits it. */
int segment_map_page(int memory, const void **page);

void segment_unmap(struct segment_header *segment, uint64_t length);

#endif
