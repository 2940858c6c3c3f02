/* Partition tables on an image that anybody may have written.
 *
 * Input: u8 what is right (below), i64 the image's size, u8 which of the reads fails, then pieces of the image:
 * u8 (0: from the begin on, else from the end back), u32 sector of 512 bytes, u16 length, bytes. The rest is
 * zeroes. The reader's own numbers are in partition.h. */

#include <errno.h>

#include "preload/path/partition.c"
#include "preload/path/partition_gpt.c"

#include "fuzz.h"

#define RIGHT_CHECKSUMS 1 /* a fuzzer does not find them, and whoever means harm has them */
#define SHORT_READ 2      /* the failing read is a short one */

/* More than any table makes the reader take: two headers and two tables twice, or a full chain, for each
 * size of sectors. */
#define MAX_READ (8U << 20)
#define MAX_PIECES 64
#define MAX_VISITS (4 + PARTITION_MAX_NUMBER)

struct piece {
    uint64_t begin;
    size_t length;
    uint8_t *bytes;
};

struct image {
    int64_t size;
    struct piece pieces[MAX_PIECES];
    unsigned count;
    uint64_t taken; /* bytes, of one look */
    unsigned reads;
    unsigned failing; /* this read fails; 0: none */
    bool is_short;
    unsigned visits;
    unsigned first_number; /* of the first partition, and what it is */
    struct partition first;
};

static void copy_out(const struct image *image, uint64_t offset, uint8_t *into, size_t length)
{
    memset(into, 0, length);
    for (unsigned i = 0; i < image->count; i++) {
        const struct piece *piece = &image->pieces[i];
        uint64_t begin = offset > piece->begin ? offset : piece->begin;
        uint64_t end = offset + length;
        if (end > piece->begin + piece->length) {
            end = piece->begin + piece->length;
        }
        if (begin < end) {
            memcpy(into + (begin - offset), piece->bytes + (begin - piece->begin), end - begin);
        }
    }
}

static ssize_t read_image(void *context, void *buffer, size_t length, off_t offset)
{
    struct image *image = context;
    REQUIRE(offset >= 0 && offset <= image->size && length <= (uint64_t) (image->size - offset));
    image->taken += length;
    REQUIRE(image->taken <= MAX_READ);
    if (++image->reads == image->failing) {
        return image->is_short ? (ssize_t) length - 1 : -EIO;
    }
    copy_out(image, (uint64_t) offset, buffer, length);
    return (ssize_t) length;
}

static void take_pieces(struct image *image, struct input *input)
{
    while (input->left > 0 && image->count < MAX_PIECES) {
        bool from_end = input_u8(input) != 0;
        uint64_t place = input_number(input, 4) * 512;
        const uint8_t *bytes;
        size_t length = input_take(input, (size_t) input_number(input, 2), &bytes);
        struct piece *piece = &image->pieces[image->count];
        if (from_end) {
            place = place <= (uint64_t) image->size ? (uint64_t) image->size - place : 0;
        }
        *piece = (struct piece) {place, length, malloc(length + 1)};
        REQUIRE(piece->bytes != NULL);
        memcpy(piece->bytes, bytes, length);
        image->count++;
    }
}

static void put_u32(uint8_t *at, uint32_t value)
{
    value = htole32(value);
    memcpy(at, &value, sizeof value);
}

/* Of each piece that begins as a header: of its entries, then its own. */
static void put_checksums(struct image *image, struct piece *header, uint64_t sector)
{
    if (header->length < GPT_MIN_HEADER || memcmp(header->bytes, GPT_SIGNATURE, 8) != 0) {
        return;
    }
    uint64_t length = (uint64_t) table_u32(header->bytes + 80) * table_u32(header->bytes + 84);
    uint64_t offset = table_u64(header->bytes + 72) % (UINT64_C(1) << 50) * sector;
    uint32_t own = table_u32(header->bytes + 12);
    if (length <= 1 << 17) {
        uint8_t *entries = malloc(length + 1);
        REQUIRE(entries != NULL);
        copy_out(image, offset, entries, length);
        put_u32(header->bytes + 88, ~crc32_add(~UINT32_C(0), entries, length));
        free(entries);
    }
    if (own <= SECTOR) {
        uint8_t bytes[SECTOR];
        put_u32(header->bytes + 16, 0);
        copy_out(image, header->begin, bytes, sizeof bytes);
        put_u32(header->bytes + 16, ~crc32_add(~UINT32_C(0), bytes, own));
    }
}

static bool on_partition(void *context, unsigned number, const struct partition *partition)
{
    struct image *image = context;
    REQUIRE(number >= 1 && number <= PARTITION_MAX_NUMBER);
    REQUIRE(partition->base >= 0 && partition->length > 0);
    REQUIRE(partition->base <= image->size && partition->length <= image->size - partition->base);
    REQUIRE(++image->visits <= MAX_VISITS);
    if (image->visits == 1) {
        image->first_number = number;
        image->first = *partition;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    struct image image = {0};
    uint8_t right = input_u8(&input);
    image.size = (int64_t) input_number(&input, 8);
    image.failing = input_u8(&input);
    image.is_short = (right & SHORT_READ) != 0;
    take_pieces(&image, &input);
    if ((right & RIGHT_CHECKSUMS) != 0) {
        for (unsigned i = 0; i < image.count; i++) {
            put_checksums(&image, &image.pieces[i], (right & 4) != 0 ? 4096 : 512);
        }
    }
    int result = partition_each(read_image, &image, image.size, on_partition, &image);
    REQUIRE(result == 0 || result == -EIO);
    REQUIRE(result == 0 || image.failing != 0);
    unsigned number = image.visits > 0 ? image.first_number : 1;
    struct partition found;
    image.taken = 0;
    image.reads = 0;
    image.failing = 0;
    result = partition_find(read_image, &image, image.size, number, &found);
    REQUIRE(result == 0 || result == -ENXIO);
    if (image.visits > 0) {
        REQUIRE(result == 0 && found.base == image.first.base
                && found.length == image.first.length);
    }
    for (unsigned i = 0; i < image.count; i++) {
        free(image.pieces[i].bytes);
    }
    return 0;
}
