/* What is written through a shared mapping makes no system call. So each file that was ever mapped
 * for writing is read at every call that is recorded, and what differs from the last time was
 * written in between. The recorder has its own descriptor: the file may be renamed or deleted. */

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recorder.h"

#define MAX_MAPPED 64
#define SECTOR     512

static struct mapped {
    int fd;
    uint64_t inode;
    uint8_t *contents;
    size_t length;
} mapped[MAX_MAPPED];
static int count;

static size_t read_all(struct mapped *file, uint8_t **contents)
{
    struct stat status;

    if (fstat(file->fd, &status) != 0)
        fail("fstat of a mapped file: %m");
    *contents = calloc(1, status.st_size + SECTOR);
    if (*contents == NULL)
        fail("no memory for a mapped file");
    if (pread(file->fd, *contents, status.st_size, 0) != status.st_size)
        fail("a mapped file cannot be read: %m");
    return status.st_size;
}

static void forget(struct mapped *file)
{
    close(file->fd);
    free(file->contents);
    *file = mapped[--count];
}

static bool is_deleted(const struct mapped *file)
{
    struct stat status;

    return fstat(file->fd, &status) == 0 && status.st_nlink == 0;
}

void mappings_add(const char *path, uint64_t inode)
{
    for (int i = 0; i < count; i++)
        if (mapped[i].inode == inode)
            return;
    if (count == MAX_MAPPED)
        fail("more than %d files are mapped", MAX_MAPPED);
    struct mapped *file = &mapped[count++];
    file->inode = inode;
    file->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (file->fd < 0)
        fail("%s cannot be opened: %m", path);
    file->length = read_all(file, &file->contents);
}

static void record_differences(struct mapped *file, const uint8_t *now, size_t length)
{
    size_t both = length < file->length ? length : file->length;

    for (size_t at = 0; at < both; at += SECTOR) {
        size_t part = both - at < SECTOR ? both - at : SECTOR;
        if (memcmp(file->contents + at, now + at, part) != 0)
            record((struct event){
                .kind = EVENT_WRITE, .inode = file->inode, .a = at, .data = now + at, .length = part});
    }
}

void mappings_look(void)
{
    for (int i = 0; i < count; i++) {
        struct mapped *file = &mapped[i];
        if (is_deleted(file)) {
            forget(file);
            i--;
            continue;
        }
        uint8_t *now;
        size_t length = read_all(file, &now);
        record_differences(file, now, length);
        free(file->contents);
        file->contents = now;
        file->length = length;
    }
}

void mappings_reload(uint64_t inode)
{
    for (int i = 0; i < count; i++) {
        if (mapped[i].inode == inode) {
            free(mapped[i].contents);
            mapped[i].length = read_all(&mapped[i], &mapped[i].contents);
        }
    }
}
