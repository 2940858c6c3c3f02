/* Paths, on a host whose symbolic links anybody may have made.
 *
 * Input: u8 flags (below), u16 length of the path, the path, then what the host answers, one look after another:
 * u8 (below 128: it is no link; else a link: u16 length, its text). */

#include <errno.h>
#include <fcntl.h>

#include "descriptors.h"
#include "image_path.h"
#include "open_file.h"
#include "partition.h"
#include "real.h"
#include "working_directory.h"

#include "fuzz.h"

#define FOLLOW 1
#define IN_ROOT 2     /* the working directory is /rbdw */
#define PARENT_IS 4   /* the directory before the last component is there */
#define BY_DIRECTORY 8 /* relative to a descriptor */

#define IMAGES_FD 5

/* A path has fewer components than bytes, and so have 40 links. */
#define MAX_LOOKS (41 * PATH_MAX)

static struct input host;
static uint8_t flags;
static unsigned looks;

/* What the rest of the library would give. */
struct real_calls real_calls;
bool real_calls_found;
_Atomic(struct open_file *) descriptor_table[DESCRIPTORS_MAX];

static struct open_state state = {.path = "/rbdw/img0-part1"};
static struct open_file file = {.state = &state};
static rbdw_file *const opened_image = (rbdw_file *) &state;

struct open_file *descriptor_acquire_image(int fd, struct taken_mark *mark, enum taken_kind kind)
{
    (void) mark;
    (void) kind;
    return fd == IMAGES_FD ? &file : NULL;
}

void open_file_release(struct open_file *released)
{
    REQUIRE(released == &file);
}

int open_file_image(struct open_file *asked, rbdw_file **found)
{
    REQUIRE(asked == &file);
    *found = opened_image;
    return 0;
}

const char *image_identity(const rbdw_file *asked)
{
    REQUIRE(asked == opened_image);
    return "1";
}

bool placeholder_may_be(int fd, struct placeholder_id *id)
{
    (void) fd;
    (void) id;
    return false;
}

int image_open_shared(int placeholder, struct image_share *share, rbdw_file **opened)
{
    (void) placeholder;
    (void) share;
    (void) opened;
    abort(); /* none may be one */
}

int rbdw_close(rbdw_file *closed)
{
    REQUIRE(closed == NULL);
    return 0;
}

static int open_others(int directory, const char *path, int how, ...)
{
    REQUIRE(directory == AT_FDCWD && strncmp(path, "/proc/", 6) == 0 && (how & O_PATH) != 0);
    errno = ENOENT;
    return -1;
}

bool root_directory_is(int fd)
{
    return (fd == AT_FDCWD || fd == IMAGES_FD + 1) && (flags & IN_ROOT) != 0;
}

void real_find_calls(void)
{
    abort(); /* they are set */
}

static ssize_t look(const char *path, char *buffer, size_t room)
{
    REQUIRE(strlen(path) < 2 * PATH_MAX);
    REQUIRE(++looks <= MAX_LOOKS);
    if (host.left == 0 || input_u8(&host) < 128) {
        errno = EINVAL;
        return -1;
    }
    const uint8_t *text;
    size_t length = input_take(&host, (size_t) input_number(&host, 2), &text);
    length = length < room ? length : room;
    for (size_t i = 0; i < length; i++) {
        buffer[i] = text[i] == 0 ? 'x' : (char) text[i]; /* a kernel's link has no zero */
    }
    return (ssize_t) length;
}

static ssize_t look_at_link(const char *path, char *buffer, size_t room)
{
    return look(path, buffer, room);
}

static ssize_t look_at_link_in(int directory, const char *path, char *buffer, size_t room)
{
    (void) directory;
    return look(path, buffer, room);
}

static int look_for_file(int directory, const char *path, int mode, int how)
{
    (void) directory;
    (void) mode;
    (void) how;
    REQUIRE(strlen(path) < PATH_MAX);
    errno = ENOENT;
    return (flags & PARENT_IS) != 0 ? 0 : -1;
}

static void check(const struct image_path *target)
{
    REQUIRE(memchr(target->path, 0, sizeof target->path) != NULL);
    REQUIRE(target->path[0] == '/');
    if (target->kind == PATH_HOST) {
        return;
    }
    REQUIRE(strncmp(target->path, IMAGE_ROOT, strlen(IMAGE_ROOT)) == 0);
    const char *rest = target->path + strlen(IMAGE_ROOT);
    REQUIRE((*rest == '\0') == (target->kind == PATH_ROOT));
    while (*rest != '\0') {
        REQUIRE(*rest == '/');
        rest++;
        size_t length = strcspn(rest, "/");
        REQUIRE(length > 0);
        REQUIRE(!(length == 1 && rest[0] == '.'));
        REQUIRE(!(length == 2 && rest[0] == '.' && rest[1] == '.'));
        rest += length;
    }
    char image[PATH_MAX];
    unsigned number;
    if (partition_split(target->path, image, &number)) {
        REQUIRE(number >= 1 && number <= PARTITION_MAX_NUMBER);
        REQUIRE(strncmp(image, target->path, strlen(image)) == 0);
        REQUIRE(strlen(image) > 0 && strlen(image) < strlen(target->path));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    struct image_path target;
    real_calls.readlink = look_at_link;
    real_calls.readlinkat = look_at_link_in;
    real_calls.faccessat = look_for_file;
    real_calls.openat = open_others;
    real_calls_found = true;
    atomic_store(&descriptor_table[IMAGES_FD], &file);

    flags = input_u8(&input);
    const uint8_t *bytes;
    size_t length = input_take(&input, (size_t) input_number(&input, 2), &bytes);
    char *path = malloc(length + 1);
    REQUIRE(path != NULL);
    memcpy(path, bytes, length);
    path[length] = '\0';
    enum path_follow follow = (flags & FOLLOW) != 0 ? PATH_FOLLOW : PATH_NOFOLLOW;

    host = input;
    looks = 0;
    memset(&target, 0x7f, sizeof target);
    if (path_is_image(path, follow, &target)) {
        check(&target);
        REQUIRE(target.kind != PATH_HOST);
    }
    REQUIRE(looks == 0); /* from its spelling alone */
    int fd = path_descriptor(path);
    REQUIRE(fd >= -1 && fd < DESCRIPTORS_MAX);
    memset(&target, 0x7f, sizeof target);
    errno = EILSEQ;
    int directory = (flags & BY_DIRECTORY) != 0 ? IMAGES_FD + 1 : AT_FDCWD;
    if (path_leads_to_image(directory, path, follow, &target)) {
        check(&target);
    }
    REQUIRE(errno == EILSEQ); /* as before */
    char image[PATH_MAX];
    unsigned number;
    if (length < sizeof image && partition_split(path, image, &number)) {
        REQUIRE(number >= 1 && number <= PARTITION_MAX_NUMBER && strlen(image) < length);
    }
    free(path);
    return 0;
}
