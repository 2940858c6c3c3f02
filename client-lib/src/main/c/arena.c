#include "arena.h"

#include <stdbool.h>

void arena_init(struct arena *arena, uint32_t length)
{
    *arena = (struct arena) {.pages = length / SEGMENT_PAGE};
}

/* The first page from here on that is in use (or free), or end. */
static uint32_t find(const struct arena *arena, uint32_t from, uint32_t end, bool in_use)
{
    uint64_t flip = in_use ? 0 : ~UINT64_C(0);
    while (from < end) {
        uint64_t word = (arena->used[from / 64] ^ flip) >> from % 64;
        if (word != 0) {
            from += (uint32_t) __builtin_ctzll(word);
            break;
        }
        from = (from / 64 + 1) * 64;
    }
    return from < end ? from : end;
}

static void mark(struct arena *arena, uint32_t first, uint32_t pages, bool in_use)
{
    for (uint32_t page = first; page < first + pages;) {
        uint32_t bit = page % 64;
        uint32_t left = first + pages - page;
        uint32_t count = left < 64 - bit ? left : 64 - bit;
        uint64_t bits = (count == 64 ? ~UINT64_C(0) : (UINT64_C(1) << count) - 1) << bit;
        if (in_use) {
            arena->used[page / 64] |= bits;
        } else {
            arena->used[page / 64] &= ~bits;
        }
        page += count;
    }
}

int arena_take(struct arena *arena, uint32_t pages)
{
    uint32_t first = find(arena, arena->lowest, arena->pages, false);
    arena->lowest = first;
    while (pages <= arena->pages - first) {
        uint32_t end = find(arena, first, first + pages, true);
        if (end == first + pages) {
            mark(arena, first, pages, true);
            return (int) first;
        }
        first = find(arena, end, arena->pages, false);
    }
    return -1;
}

void arena_give_back(struct arena *arena, uint32_t first, uint32_t pages)
{
    mark(arena, first, pages, false);
    if (first < arena->lowest) {
        arena->lowest = first;
    }
}
