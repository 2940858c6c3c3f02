/* What a broker answers on its socket, and the memory that it sends.
 *
 * Input: u8 counts of descriptors (broker_socket.h), u16 where the second part of what it sends begins, u8
 * length of the memory in pages, u8 whether it is sealed, 64 bytes of its header, u8 how many requests are made,
 * a u8 for each, then all that the broker sends. */

#include <errno.h>

#include "segment.h"

#include "broker_socket.h"

#define SEGMENT_BYTES 64

static int memory;

static void make_memory(struct input *input)
{
    const uint8_t *header;
    unsigned pages = input_u8(input);
    bool is_sealed = input_u8(input) != 0;
    memory = memfd_create("fuzz", MFD_ALLOW_SEALING | MFD_CLOEXEC);
    REQUIRE(memory >= 0 && ftruncate(memory, (off_t) pages * SEGMENT_PAGE) == 0);
    size_t length = input_take(input, SEGMENT_BYTES, &header);
    REQUIRE(pages == 0 || pwrite(memory, header, length, 0) == (ssize_t) length);
    if (is_sealed) {
        REQUIRE(fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0);
    }
}

static void check_error(int result)
{
    REQUIRE(result <= 0 && result > -4096);
    REQUIRE(result == 0 || strlen(rbdw_error_text()) > 0);
    REQUIRE(strpbrk(rbdw_error_text(), "\n\r\033") == NULL);
}

static int hello(void)
{
    struct welcome welcome;
    struct segment_header *segment;
    struct segment_geometry geometry;
    int error = control_hello(&control, 4, 64, SEGMENT_MIN_ARENA_LENGTH, &welcome);
    if (error < 0) {
        REQUIRE(welcome.memory == -1 && welcome.doorbell == -1);
        return error;
    }
    error = segment_map(welcome.memory, welcome.segment_length, &segment, &geometry);
    if (error == 0) {
        REQUIRE((int64_t) segment_length(&geometry) == welcome.segment_length);
        ((volatile char *) segment)[welcome.segment_length - 1] = 1;
        segment_unmap(segment, (uint64_t) welcome.segment_length);
    }
    close(welcome.memory);
    close(welcome.doorbell);
    return error;
}

static int open_image(bool with_id)
{
    uint32_t handle;
    struct image_id id;
    struct open_source source = {.path = "/rbdw/img0", .access_mode = O_RDWR};
    int64_t size;
    int error = control_open(&control, &source, &handle, with_id ? &id : NULL, &size);
    REQUIRE(error < 0 || !with_id || memchr(id.text, 0, sizeof id.text) != NULL);
    return error;
}

static int share(void)
{
    struct image_share share = {.length = -1, .path = "/rbdw/img0"};
    int placeholder;
    int state;
    int error = control_share(&control, 1, &share, &placeholder, &state);
    REQUIRE((error == 0) == (placeholder >= 0) && (error == 0) == (state >= 0));
    if (error == 0) {
        close(placeholder);
        close(state);
    }
    return error;
}

static int attach(void)
{
    struct image_share share;
    struct image_id id;
    uint32_t handle;
    int error = control_attach(&control, memory, &handle, &id, &share);
    REQUIRE(error == 0 || share.state == -1);
    if (error == 0) {
        REQUIRE(share.base >= 0 && share.length >= -1);
        REQUIRE(memchr(share.path, 0, sizeof share.path) != NULL);
        REQUIRE(memchr(share.image, 0, sizeof share.image) != NULL);
        REQUIRE(memchr(id.text, 0, sizeof id.text) != NULL);
        if (share.state >= 0) {
            close(share.state);
        }
    }
    return error;
}

static int ask_for_stat(const char *path)
{
    struct image_stat stat;
    int error = control_stat(&control, 1, path, &stat);
    REQUIRE(error < 0 || (stat.size >= 0 && stat.mode <= 0777));
    return error;
}

static int take_memory(int (*ask)(struct control *control, uint32_t handle, int *memory))
{
    int taken;
    const void *page;
    int error = ask(&control, 1, &taken);
    REQUIRE((error == 0) == (taken >= 0));
    if (error == 0) {
        error = segment_map_page(taken, &page);
        if (error == 0) {
            (void) *(const volatile char *) page;
            munmap((void *) page, SEGMENT_PAGE);
        }
        close(taken);
    }
    return error;
}

static int on_mapping(void *context, const char *path, const struct image_stat *known)
{
    REQUIRE(strlen(path) > 0 && strlen(path) < 4096 && known->mode <= 0777);
    ++*(unsigned *) context;
    return 0;
}

static int list(void)
{
    unsigned mappings = 0;
    int error = control_list(&control, on_mapping, &mappings);
    REQUIRE(mappings <= UINT16_MAX);
    return error;
}

static int replay(bool closes_meanwhile)
{
    int error = control_send_replay_done(&control);
    if (error == 0 && closes_meanwhile) {
        error = control_close(&control, 1);
    }
    return error < 0 ? error : control_await_replay_done(&control);
}

static int ask(unsigned request)
{
    bool late;
    switch (request % 13) {
    case 0:
        return hello();
    case 1:
        return control_resume(&control, 1, 2, &late);
    case 2:
        return open_image(true);
    case 3:
        return open_image(false);
    case 4:
        return control_close(&control, 1);
    case 5:
        return ask_for_stat(NULL);
    case 6:
        return ask_for_stat("/rbdw/img0");
    case 7:
        return take_memory(control_open_lock_file);
    case 8:
        return take_memory(control_watch_changes);
    case 9:
        return list();
    case 10:
        return share();
    case 11:
        return attach();
    default:
        return replay(request / 13 % 2 == 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    unsigned counts = input_u8(&input);
    size_t split = (size_t) input_number(&input, 2);
    uint64_t before = open_descriptors();
    make_memory(&input);
    unsigned count = input_u8(&input) % 16;
    const uint8_t *requests;
    count = (unsigned) input_take(&input, count, &requests);
    broker_say(&input, counts, split, (int[]) {memory, memory, memory});
    for (unsigned i = 0; i < count && !control.broken; i++) {
        check_error(ask(requests[i]));
    }
    broker_end_talk();
    close(memory);
    REQUIRE(open_descriptors() == before); /* none was kept */
    return 0;
}
