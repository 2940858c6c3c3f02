/* opendir(3) and its kin on /rbdw: the mapped images. The list is fetched when the directory is
 * opened or rewound. */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hook.h"
#include "image.h"
#include "image_path.h"
#include "image_stat.h"
#include "working_directory.h"

/* readdir_r(3), which programs should not use and do. */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

#define MAX_DIRECTORIES 256 /* of ours, open at a time */

/* What a DIR * of ours points to. */
struct directory {
    int fd; /* the stand-in */
    size_t count;
    size_t next;
    struct dirent *entries; /* count of them */
};

static _Atomic(struct directory *) directories[MAX_DIRECTORIES];
static _Atomic int directories_open; /* none: no pointer is looked for */

static struct directory *find(const DIR *stream)
{
    if (atomic_load_explicit(&directories_open, memory_order_relaxed) == 0) {
        return NULL;
    }
    for (int i = 0; i < MAX_DIRECTORIES; i++) {
        struct directory *directory = atomic_load(&directories[i]);
        if (directory != NULL && (const void *) directory == (const void *) stream) {
            return directory;
        }
    }
    return NULL;
}

static int add_entry(struct directory *directory, const char *name, ino_t inode, int type)
{
    struct dirent *entries =
        realloc(directory->entries, (directory->count + 1) * sizeof *entries);
    if (entries == NULL) {
        return -ENOMEM;
    }
    struct dirent *entry = &entries[directory->count];
    memset(entry, 0, sizeof *entry);
    entry->d_ino = inode;
    entry->d_off = (off_t) ++directory->count;
    entry->d_reclen = sizeof *entry;
    entry->d_type = (unsigned char) type;
    strncpy(entry->d_name, name, sizeof entry->d_name - 1);
    directory->entries = entries;
    return 0;
}

static int on_mapping(void *directory, const char *path, const struct image_stat *known)
{
    const char *name = path + sizeof IMAGE_ROOT; /* after the slash */
    if (strncmp(path, IMAGE_ROOT "/", sizeof IMAGE_ROOT) != 0 || *name == '\0'
        || strchr(name, '/') != NULL || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        return 0; /* no broker of ours has such a mapping */
    }
    return add_entry(directory, name, image_stat_inode(known->mapping_id, 0), DT_REG);
}

static int fill(struct directory *directory)
{
    directory->count = 0;
    directory->next = 0;
    int error = add_entry(directory, ".", IMAGE_ROOT_INODE, DT_DIR);
    if (error == 0) {
        error = add_entry(directory, "..", IMAGE_ROOT_INODE, DT_DIR);
    }
    if (error == 0) {
        error = image_list(on_mapping, directory);
    }
    if (error == -ECONNREFUSED) {
        report_line("open %s: %s", IMAGE_ROOT, rbdw_error_text());
        return -ENXIO;
    }
    return error;
}

/* Takes the descriptor over where it succeeds. NULL with errno. */
static DIR *make(int fd)
{
    struct directory *directory = calloc(1, sizeof *directory);
    int error = directory == NULL ? -ENOMEM : fill(directory);
    if (error == 0) {
        directory->fd = fd;
        for (int i = 0; i < MAX_DIRECTORIES; i++) {
            struct directory *none = NULL;
            if (atomic_compare_exchange_strong(&directories[i], &none, directory)) {
                atomic_fetch_add(&directories_open, 1);
                return (DIR *) directory;
            }
        }
        error = -EMFILE;
    }
    if (directory != NULL) {
        free(directory->entries);
        free(directory);
    }
    errno = -error;
    return NULL;
}

static DIR *open_root(const struct image_path *target)
{
    report_count(CALL_opendir);
    if (target->kind != PATH_ROOT) {
        struct stat status;
        int error = image_stat_of_path(target, &status);
        errno = error < 0 ? -error : ENOTDIR;
        return NULL;
    }
    int fd = root_directory_open(O_CLOEXEC);
    if (fd < 0) {
        errno = -fd;
        return NULL;
    }
    DIR *stream = make(fd);
    if (stream == NULL) {
        int error = errno;
        close(fd);
        errno = error;
    }
    return stream;
}

HOOK DIR *opendir(const char *path)
{
    struct image_path target;
    if (path_is_image(path, PATH_FOLLOW, &target)) {
        return open_root(&target);
    }
    DIR *stream = REAL(opendir)(path);
    if (stream == NULL) {
        if (errno == ENOENT && path_leads_to_image(AT_FDCWD, path, PATH_FOLLOW, &target)) {
            return target.kind == PATH_HOST ? REAL(opendir)(target.path) : open_root(&target);
        }
        return NULL;
    }
    if (strcmp(path, ".") == 0 && root_directory_is(dirfd(stream))) {
        closedir(stream);
        return open_root(&(struct image_path) {.kind = PATH_ROOT});
    }
    return stream;
}

HOOK DIR *fdopendir(int fd)
{
    struct stat status;
    if (descriptor_is_image(fd)) {
        errno = ENOTDIR;
        return NULL;
    }
    /* an unlinked directory: the stand-in, or some other that nobody lists */
    if (REAL(fstat)(fd, &status) == 0 && S_ISDIR(status.st_mode) && status.st_nlink == 0
        && root_directory_is(fd)) {
        report_count(CALL_opendir);
        return make(fd);
    }
    return REAL(fdopendir)(fd);
}

HOOK struct dirent *readdir(DIR *stream)
{
    struct directory *directory = find(stream);
    if (directory == NULL) {
        return REAL(readdir)(stream);
    }
    return directory->next < directory->count ? &directory->entries[directory->next++] : NULL;
}

HOOK int readdir_r(DIR *stream, struct dirent *entry, struct dirent **result)
{
    struct directory *directory = find(stream);
    if (directory == NULL) {
        return REAL(readdir_r)(stream, entry, result);
    }
    struct dirent *next = readdir(stream);
    *result = NULL;
    if (next != NULL) {
        *entry = *next;
        *result = entry;
    }
    return 0;
}

HOOK int closedir(DIR *stream)
{
    struct directory *directory = find(stream);
    if (directory == NULL) {
        return REAL(closedir)(stream);
    }
    for (int i = 0; i < MAX_DIRECTORIES; i++) {
        struct directory *found = directory;
        if (atomic_compare_exchange_strong(&directories[i], &found, NULL)) {
            atomic_fetch_sub(&directories_open, 1);
        }
    }
    int result = close(directory->fd);
    free(directory->entries);
    free(directory);
    return result;
}

HOOK void rewinddir(DIR *stream)
{
    struct directory *directory = find(stream);
    if (directory == NULL) {
        REAL(rewinddir)(stream);
    } else if (fill(directory) < 0) {
        directory->count = 0; /* the call has no way to say it: nothing is listed */
    }
}

HOOK long telldir(DIR *stream)
{
    struct directory *directory = find(stream);
    return directory == NULL ? REAL(telldir)(stream) : (long) directory->next;
}

HOOK void seekdir(DIR *stream, long position)
{
    struct directory *directory = find(stream);
    if (directory == NULL) {
        REAL(seekdir)(stream, position);
    } else if (position >= 0 && (size_t) position <= directory->count) {
        directory->next = (size_t) position;
    }
}

HOOK int dirfd(DIR *stream)
{
    struct directory *directory = find(stream);
    return directory == NULL ? REAL(dirfd)(stream) : directory->fd;
}

/* scandir(3) opens inside the C library. */
static int scan(struct dirent ***list, int (*filter)(const struct dirent *),
                int (*compare)(const struct dirent **, const struct dirent **))
{
    struct dirent *entry;
    struct dirent **found = NULL;
    int count = 0;
    DIR *stream = open_root(&(struct image_path) {.kind = PATH_ROOT});
    if (stream == NULL) {
        return -1;
    }
    while ((entry = readdir(stream)) != NULL) {
        if (filter != NULL && filter(entry) == 0) {
            continue;
        }
        struct dirent **more = realloc(found, ((size_t) count + 1) * sizeof *more);
        struct dirent *copy = more == NULL ? NULL : malloc(sizeof *copy);
        found = more == NULL ? found : more;
        if (copy == NULL) {
            while (count > 0) {
                free(found[--count]);
            }
            free(found);
            closedir(stream);
            errno = ENOMEM;
            return -1;
        }
        *copy = *entry;
        found[count++] = copy;
    }
    closedir(stream);
    if (compare != NULL && count > 1) {
        qsort(found, (size_t) count, sizeof *found,
              (int (*)(const void *, const void *)) (void (*)(void)) compare);
    }
    *list = found;
    return count;
}

HOOK int scandirat(int directory, const char *path, struct dirent ***list,
                   int (*filter)(const struct dirent *),
                   int (*compare)(const struct dirent **, const struct dirent **))
{
    struct image_path target;
    if (path_is_image(path, PATH_FOLLOW, &target) && target.kind == PATH_ROOT) {
        return scan(list, filter, compare);
    }
    int result = REAL(scandirat)(directory, path, list, filter, compare);
    if (result < 0 && errno == ENOENT
        && path_leads_to_image(directory, path, PATH_FOLLOW, &target)
        && target.kind == PATH_ROOT) {
        return scan(list, filter, compare);
    }
    return result;
}

HOOK int scandir(const char *path, struct dirent ***list, int (*filter)(const struct dirent *),
                 int (*compare)(const struct dirent **, const struct dirent **))
{
    return scandirat(AT_FDCWD, path, list, filter, compare);
}

ALIAS(readdir64, readdir);
ALIAS(readdir64_r, readdir_r);
ALIAS(scandir64, scandir);
ALIAS(scandirat64, scandirat);
