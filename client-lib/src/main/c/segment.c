#include "segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "error.h"

static int check_memory(int memory, int64_t length)
{
    struct stat status;
    int seals = fcntl(memory, F_GET_SEALS);
    if (seals < 0 || (seals & F_SEAL_SHRINK) == 0) {
        return error_set(EPROTO, "the broker's shared memory is not sealed against shrinking");
    }
    if (fstat(memory, &status) < 0 || status.st_size != length) {
        return error_set(EPROTO, "the broker's shared memory has another length than it said");
    }
    return 0;
}

static bool is_within(uint32_t value, uint32_t min, uint32_t max)
{
    return value >= min && value <= max;
}

static int read_geometry(const struct segment_header *header, int64_t length,
                         struct segment_geometry *geometry)
{
    if (header->magic != SEGMENT_MAGIC || header->layout != SEGMENT_LAYOUT_VERSION) {
        return error_set(EPROTO, "the broker's segment has another layout: install the same"
                                 " release of broker and client");
    }
    geometry->channels = header->channels;
    geometry->depth = header->depth;
    geometry->arena_length = header->arena_length;
    if (!is_within(geometry->channels, 1, SEGMENT_MAX_CHANNELS)
        || !is_within(geometry->depth, SEGMENT_MIN_DEPTH, SEGMENT_MAX_DEPTH)
        || (geometry->depth & (geometry->depth - 1)) != 0
        || !is_within(geometry->arena_length, SEGMENT_MIN_ARENA_LENGTH, SEGMENT_MAX_ARENA_LENGTH)
        || geometry->arena_length % SEGMENT_PAGE != 0
        || header->channel_stride != segment_channel_stride(geometry)
        || header->segment_length != segment_length(geometry)
        || (uint64_t) length != segment_length(geometry)) {
        return error_set(EPROTO, "the broker's segment has lengths that do not fit together");
    }
    return 0;
}

int segment_map(int memory, int64_t length, struct segment_header **segment,
                struct segment_geometry *geometry)
{
    int error = check_memory(memory, length);
    if (error < 0) {
        return error;
    }
    if (length < (int64_t) sizeof(struct segment_header)) {
        return error_set(EPROTO, "the broker's shared memory has no header");
    }
    size_t bytes = (size_t) length;
    void *address = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    if (address == MAP_FAILED) {
        return error_set(errno, "mapping the broker's shared memory");
    }
    error = read_geometry(address, length, geometry);
    if (error < 0) {
        munmap(address, bytes);
        return error;
    }
    madvise(address, bytes, MADV_DONTFORK);
    *segment = address;
    return 0;
}

int segment_map_page(int memory, const void **page)
{
    int error = check_memory(memory, SEGMENT_PAGE);
    if (error < 0) {
        return error;
    }
    void *address = mmap(NULL, SEGMENT_PAGE, PROT_READ, MAP_SHARED, memory, 0);
    if (address == MAP_FAILED) {
        return error_set(errno, "mapping a page of the broker");
    }
    *page = address;
    return 0;
}

void segment_unmap(struct segment_header *segment, uint64_t length)
{
    munmap(segment, length);
}
