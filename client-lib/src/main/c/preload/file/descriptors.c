#include "descriptors.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "held.h"
#include "placeholder.h"
#include "process.h"
#include "real.h"
#include "stdio_streams.h"

#define OUT_OF_THE_WAY 512 /* of the numbers that programs choose themselves */

_Atomic(struct open_file *) descriptor_table[DESCRIPTORS_MAX];

static _Atomic int end;

int descriptors_end(void)
{
    return atomic_load_explicit(&end, memory_order_relaxed);
}

static void raise_end(int fd)
{
    int seen = atomic_load(&end);
    while (seen <= fd && !atomic_compare_exchange_weak(&end, &seen, fd + 1)) {
    }
}

static struct open_file *acquire(int fd, struct taken_mark *mark, enum taken_kind kind)
{
    struct taken *taken = open_file_note(mark, kind);
    while (true) {
        struct open_file *file = atomic_load_explicit(&descriptor_table[fd], memory_order_acquire);
        if (file == NULL) {
            taken_pop(taken);
            return NULL;
        }
        if (open_file_try_acquire(file)) {
            if (atomic_load(&descriptor_table[fd]) == file) {
                if (taken != NULL) {
                    taken->of = file;
                }
                return file;
            }
            open_file_release(file); /* closed, and perhaps opened anew, in between */
        }
    }
}

struct open_file *descriptor_acquire_number(int fd, struct taken_mark *mark)
{
    return descriptor_is_image(fd) ? acquire(fd, mark, TAKEN_OTHER) : NULL;
}

struct open_file *descriptor_acquire_image(int fd, struct taken_mark *mark, enum taken_kind kind)
{
    struct open_file *file = acquire(fd, mark, kind);
    if (file == NULL || open_file_is_attached(file)) {
        return file;
    }
    held_begin();
    if (open_file_attach(file, fd) < 0) {
        open_file_release(file); /* it only looked like one */
        descriptor_set(fd, NULL);
        file = NULL;
    }
    held_end();
    return file;
}

int open_file_descriptor(void *context)
{
    const struct open_file *file = context;
    int count = descriptors_end();
    for (int fd = 0; fd < count; fd++) {
        struct placeholder_id id;
        if (atomic_load(&descriptor_table[fd]) != file) {
            continue;
        }
        int copy = REAL(fcntl)(fd, F_DUPFD_CLOEXEC, OUT_OF_THE_WAY);
        if (copy < 0) {
            copy = REAL(fcntl)(fd, F_DUPFD_CLOEXEC, 0);
        }
        const struct placeholder_id *wanted = &file->state->id;
        if (copy >= 0 && placeholder_may_be(copy, &id) && id.device == wanted->device
            && id.inode == wanted->inode) {
            return copy;
        }
        if (copy >= 0) {
            REAL(close)(copy); /* the number is somebody else's by now */
        }
    }
    return -1;
}

void descriptor_set(int fd, struct open_file *file)
{
    if (!process_owns_memory()) {
        if (file != NULL) {
            open_file_release(file);
        }
        return;
    }
    if (file != NULL) {
        open_file_disown(file);
    }
    raise_end(fd);
    struct open_file *before = atomic_exchange(&descriptor_table[fd], file);
    if (before != NULL) {
        open_file_release(before);
    }
    if (fd <= STDERR_FILENO && (before != NULL || file != NULL)) {
        stdio_on_descriptor_changed(fd);
    }
}

bool descriptor_adopt(int fd)
{
    struct placeholder_id id;
    if ((unsigned) fd >= DESCRIPTORS_MAX || descriptor_is_image(fd) || !process_owns_memory()
        || !placeholder_may_be(fd, &id)) {
        return false;
    }
    struct open_file *file = open_file_new(NULL, NULL);
    if (file == NULL) {
        return false;
    }
    descriptor_set(fd, file);
    return true;
}

bool descriptor_find(int fd)
{
    int error = errno;
    descriptor_adopt(fd);
    struct open_file *file = descriptor_enter(fd);
    if (file != NULL) {
        open_file_release(file);
    }
    errno = error;
    return file != NULL;
}

void descriptor_check_again(int fd)
{
    struct placeholder_id id;
    if (descriptor_is_image(fd) && !placeholder_may_be(fd, &id)) {
        descriptor_set(fd, NULL);
    }
}

/* What was inherited over exec. Few descriptors, and mostly none of them O_PATH: some microseconds. */
static void adopt_inherited(void)
{
    int directory = REAL(open)("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) {
        return;
    }
    char entries[2048] __attribute__((aligned(8)));
    long length;
    while ((length = REAL(syscall)(SYS_getdents64, directory, entries, sizeof entries)) > 0) {
        for (long at = 0; at < length;) {
            const struct dirent *entry = (const struct dirent *) (entries + at);
            at += entry->d_reclen;
            if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9') {
                descriptor_adopt(atoi(entry->d_name));
            }
        }
    }
    REAL(close)(directory);
}

/* In a child with memory of its own: the calls that other threads had under way do not exist here. */
static void count_references_anew(void)
{
    int count = descriptors_end();
    for (int fd = 0; fd < count; fd++) {
        struct open_file *file = atomic_load(&descriptor_table[fd]);
        if (file != NULL) {
            open_file_set_references(file, 0);
        }
    }
    for (int fd = 0; fd < count; fd++) {
        struct open_file *file = atomic_load(&descriptor_table[fd]);
        if (file != NULL) {
            open_file_add_reference(file);
        }
    }
}

__attribute__((constructor)) static void descriptors_begin(void)
{
    int error = errno;
    pthread_atfork(NULL, NULL, count_references_anew);
    adopt_inherited();
    errno = error;
}
