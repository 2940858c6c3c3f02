/* Which pages of a channel's arena are in use, where requests of many lengths share it. One thread
 * at a time. */

#ifndef RBDW_ARENA_H
#define RBDW_ARENA_H

#include <stdint.h>

#include "rbdw_segment.h"

#define ARENA_WORDS (SEGMENT_MAX_ARENA_LENGTH / SEGMENT_PAGE / 64)

struct arena {
    uint32_t pages;
    uint32_t lowest; /* none below is free */
    uint64_t used[ARENA_WORDS];
};

/* length: bytes of the whole arena. */
void arena_init(struct arena *arena, uint32_t length);

/* Takes so many pages in a row, the lowest that are free: they are likely to be in a cache. Returns
 * the first, or -1. */
int arena_take(struct arena *arena, uint32_t pages);

void arena_give_back(struct arena *arena, uint32_t first, uint32_t pages);

#endif
