#include "image_stat.h"

#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "image.h"
#include "image_open.h"
#include "report.h"

/* A device that no kernel gives out, so that no file of the host is taken for an image. */
#define DEVICE makedev(4095, 2013)

#define BLOCK_SIZE 65536 /* bytes: what programs then take as the size of their buffers */
#define NANOSECONDS 1000000000 /* of a second */
#define FIRST_INODE (IMAGE_ROOT_INODE + 1) /* plus a mapping's id */

static struct timespec moment(int64_t epoch_ns)
{
    int64_t seconds = epoch_ns / NANOSECONDS;
    int64_t rest = epoch_ns % NANOSECONDS;
    if (rest < 0) { /* before 1970, says the broker */
        rest += NANOSECONDS;
        seconds--;
    }
    return (struct timespec) {seconds, rest};
}

ino_t image_stat_inode(unsigned mapping_id, unsigned partition)
{
    return ((ino_t) partition << 32) + mapping_id + FIRST_INODE;
}

/* created: NULL where nobody asks. */
static void put(struct stat *status, struct timespec *created, const struct image_stat *image,
                unsigned partition, int64_t size)
{
    memset(status, 0, sizeof *status);
    status->st_dev = DEVICE;
    status->st_ino = image_stat_inode(image->mapping_id, partition);
    status->st_mode = S_IFREG | image->mode;
    status->st_nlink = 1;
    status->st_uid = image->owner_uid;
    status->st_gid = image->owner_gid;
    status->st_size = size;
    status->st_blksize = BLOCK_SIZE;
    status->st_blocks = size / 512 + (size % 512 != 0);
    status->st_atim = moment(image->accessed_ns);
    status->st_mtim = moment(image->modified_ns);
    status->st_ctim = moment(image->changed_ns);
    if (created != NULL) {
        *created = moment(image->created_ns);
    }
}

void image_stat_of_root(struct stat *status)
{
    memset(status, 0, sizeof *status);
    status->st_dev = DEVICE;
    status->st_ino = IMAGE_ROOT_INODE;
    status->st_mode = S_IFDIR | 0555;
    status->st_nlink = 2;
    status->st_blksize = BLOCK_SIZE;
}

static int failed(const char *path, int error)
{
    if (error == -ECONNREFUSED) {
        report_line("stat %s: %s", path, rbdw_error_text());
        return -ENXIO;
    }
    return error;
}

/* A partition's length stands in the image. */
static int stat_of_partition(const char *path, struct stat *status, struct timespec *created)
{
    struct image_part part;
    struct image_stat known;
    rbdw_file *image;
    int error = image_open_part(path, "", O_RDONLY, &part, &image);
    if (error < 0) {
        return error;
    }
    error = image_stat_file(image, &known);
    rbdw_close(image);
    if (error == 0) {
        put(status, created, &known, part.partition, part.length >= 0 ? part.length : known.size);
    }
    return error;
}

int image_stat_with_birth_of_path(const struct image_path *target, struct stat *status,
                                  struct timespec *created)
{
    struct image_stat known;
    if (target->kind == PATH_ROOT) {
        image_stat_of_root(status);
        if (created != NULL) {
            *created = status->st_ctim;
        }
        return 0;
    }
    if (strchr(target->path + sizeof IMAGE_ROOT, '/') != NULL) {
        return -ENOTDIR;
    }
    int error = image_stat_path(target->path, &known);
    if (error == 0) {
        put(status, created, &known, 0, known.size);
    } else if (error == -ENOENT) {
        error = stat_of_partition(target->path, status, created);
    }
    if (error == 0 && target->ends_with_slash) {
        return -ENOTDIR;
    }
    return failed(target->path, error);
}

int image_stat_of_path(const struct image_path *target, struct stat *status)
{
    return image_stat_with_birth_of_path(target, status, NULL);
}

int image_stat_of_file(struct open_file *file, struct stat *status)
{
    return image_stat_with_birth_of_file(file, status, NULL);
}

int image_stat_with_birth_of_file(struct open_file *file, struct stat *status,
                                  struct timespec *created)
{
    struct image_stat known;
    rbdw_file *image;
    int error = open_file_image(file, &image);
    if (error == 0) {
        error = image_stat_file(image, &known);
    }
    if (error < 0) {
        return error;
    }
    const struct open_state *state = file->state;
    int64_t size = state->length >= 0 ? state->length : known.size;
    put(status, created, &known, state->partition, size);
    return open_file_before_size(file, size);
}

static bool is_in_group(gid_t group, bool effective)
{
    gid_t groups[256];
    if ((effective ? getegid() : getgid()) == group) {
        return true;
    }
    int count = getgroups(256, groups);
    for (int i = 0; i < count; i++) {
        if (groups[i] == group) {
            return true;
        }
    }
    return false;
}

int image_stat_access(const struct image_path *target, int mode, bool effective)
{
    struct stat status;
    int error = image_stat_of_path(target, &status);
    if (error < 0 || mode == F_OK) {
        return error;
    }
    if ((mode & ~(R_OK | W_OK | X_OK)) != 0) {
        return -EINVAL;
    }
    uid_t uid = effective ? geteuid() : getuid();
    unsigned allowed = status.st_mode & 7;
    if (uid == 0) {
        allowed = R_OK | W_OK | ((status.st_mode & 0111) != 0 ? X_OK : 0);
    } else if (uid == status.st_uid) {
        allowed = status.st_mode >> 6 & 7;
    } else if (is_in_group(status.st_gid, effective)) {
        allowed = status.st_mode >> 3 & 7;
    }
    return ((unsigned) mode & ~allowed) != 0 ? -EACCES : 0;
}
