/* The list of mappings as a folder, and the image behind a path, of whatever a broker says they are.
 *
 * Input: u8 what is asked (bit 0: stat, else the folder; bit 1: scandir, else readdir), then all that the broker
 * sends (broker_socket.h). */

/* The C library's own names stay the C library's: libFuzzer itself lists folders. */
#define opendir folder_opendir
#define fdopendir folder_fdopendir
#define readdir folder_readdir
#define readdir_r folder_readdir_r
#define closedir folder_closedir
#define rewinddir folder_rewinddir
#define telldir folder_telldir
#define seekdir folder_seekdir
#define dirfd folder_dirfd
#define scandir folder_scandir
#define scandirat folder_scandirat
#include "hook.h"
#undef ALIAS
#define ALIAS(other, name) extern int no_alias_##other
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#include "preload/calls/directory.c"
#include "preload/path/image_stat.c"

#include "broker_socket.h"

/* What the rest of the library would give. */
struct real_calls real_calls;
bool real_calls_found = true;
bool report_is_wanted;
_Atomic(struct open_file *) descriptor_table[DESCRIPTORS_MAX];

void real_find_calls(void)
{
    abort();
}

void report_add(enum call call, long bytes)
{
    (void) call;
    (void) bytes;
}

void report_print_line(const char *format, ...)
{
    (void) format;
}

int root_directory_open(int flags)
{
    return open("/", O_RDONLY | O_DIRECTORY | flags);
}

bool root_directory_is(int fd)
{
    (void) fd;
    return false;
}

bool path_is_image(const char *path, enum path_follow follow, struct image_path *target)
{
    (void) follow;
    *target = (struct image_path) {.kind = PATH_ROOT};
    strcpy(target->path, path);
    return true;
}

bool path_leads_to_image(int directory, const char *path, enum path_follow follow,
                         struct image_path *target)
{
    (void) directory;
    return path_is_image(path, follow, target);
}

int open_file_image(struct open_file *file, rbdw_file **image)
{
    (void) file;
    *image = NULL;
    return 0;
}

int image_open_part(const char *path, const char *identity, int access_mode, struct image_part *part,
                    rbdw_file **image)
{
    (void) path;
    (void) identity;
    (void) access_mode;
    (void) part;
    *image = NULL;
    return -ENOENT;
}

static void check_name(const struct dirent *entry, size_t index)
{
    REQUIRE(memchr(entry->d_name, 0, sizeof entry->d_name) != NULL);
    REQUIRE(strlen(entry->d_name) > 0 && strchr(entry->d_name, '/') == NULL);
    bool is_dots = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    REQUIRE(is_dots == (index < 2)); /* who descends into folders would not end */
}

static void look_at_folder(void)
{
    DIR *folder = opendir(IMAGE_ROOT);
    struct dirent *entry;
    struct dirent copy;
    size_t count = 0;
    if (folder == NULL) {
        REQUIRE(errno != 0);
        return;
    }
    for (; (entry = readdir(folder)) != NULL; count++) {
        check_name(entry, count);
    }
    seekdir(folder, (long) count / 2);
    REQUIRE(telldir(folder) == (long) count / 2);
    REQUIRE(readdir_r(folder, &copy, &entry) == 0);
    rewinddir(folder); /* the broker has gone, or says something else */
    for (count = 0; (entry = readdir(folder)) != NULL; count++) {
        check_name(entry, count);
    }
    REQUIRE(closedir(folder) == 0);
}

static int is_image(const struct dirent *entry)
{
    return entry->d_type == DT_REG;
}

static void scan_folder(void)
{
    struct dirent **list;
    int count = scandir(IMAGE_ROOT, &list, is_image, alphasort);
    for (int i = 0; i < count; i++) {
        check_name(list[i], 2);
        free(list[i]);
    }
    if (count >= 0) {
        free(list);
    }
}

static void stat_image(void)
{
    struct image_path target = {.kind = PATH_IMAGE, .path = "/rbdw/img0"};
    struct stat status;
    int error = image_stat_of_path(&target, &status);
    REQUIRE(error <= 0);
    if (error == 0) {
        REQUIRE(S_ISREG(status.st_mode) && status.st_size >= 0 && status.st_blocks >= 0);
        REQUIRE(status.st_mtim.tv_nsec >= 0 && status.st_mtim.tv_nsec < 1000000000);
        image_stat_access(&target, R_OK | W_OK | X_OK, true);
    }
}

/* The client's, on this socket. */
int image_list(int (*visit)(void *context, const char *path, const struct image_stat *known),
               void *context)
{
    return control.broken ? -ENXIO : control_list(&control, visit, context);
}

int image_stat_path(const char *path, struct image_stat *stat)
{
    return control.broken ? -ENXIO : control_stat(&control, 0, path, stat);
}

int image_stat_file(rbdw_file *file, struct image_stat *stat)
{
    (void) file;
    return control.broken ? -ENXIO : control_stat(&control, 1, NULL, stat);
}

int open_file_before_size(struct open_file *file, int64_t size)
{
    (void) file;
    return size < 0 ? (int) size : 0;
}

int64_t rbdw_size(rbdw_file *file)
{
    (void) file;
    return 0;
}

int rbdw_close(rbdw_file *file)
{
    (void) file;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    unsigned asked = input_u8(&input);
    uint64_t before = open_descriptors();
    broker_say(&input, 0, MAX_STREAM / 2, NULL);
    if ((asked & 1) != 0) {
        stat_image();
    } else if ((asked & 2) != 0) {
        scan_folder();
    } else {
        look_at_folder();
    }
    broker_end_talk();
    REQUIRE(open_descriptors() == before);
    return 0;
}
