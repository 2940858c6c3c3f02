/* dup(2) and its kin. The kernel duplicates the placeholder; the table follows. */

#include <unistd.h>

#include "descriptor.h"
#include "duplicate.h"
#include "hook.h"
#include "locks.h"

int duplicate_note(struct open_file *file, int fd)
{
    if (fd >= DESCRIPTORS_MAX) {
        REAL(close)(fd);
        errno = EMFILE;
        fd = -1;
    }
    if (fd < 0) {
        open_file_release(file);
        return fd;
    }
    descriptor_set(fd, file);
    return fd;
}

HOOK int dup(int fd)
{
    struct open_file *file = descriptor_enter_number(fd);
    if (file == NULL) {
        return REAL(dup)(fd);
    }
    report_count(CALL_dup);
    return duplicate_note(file, REAL(dup)(fd));
}

/* What is replaced is closed by the kernel. result: of the call. */
static int replaced(struct open_file *file, int to, int result)
{
    if (result < 0) {
        if (file != NULL) {
            open_file_release(file);
        }
        return result;
    }
    if (file != NULL) {
        return duplicate_note(file, to);
    }
    if (descriptor_is_image(to)) {
        descriptor_set(to, NULL);
    }
    return result;
}

static void before_replaced(int to)
{
    struct open_file *file = descriptor_enter_number(to);
    if (file != NULL) {
        open_file_before_close(file, to);
        open_file_release(file);
    }
}

HOOK int dup2(int fd, int to)
{
    if (fd == to) {
        return REAL(dup2)(fd, to);
    }
    if (descriptor_is_kept(to)) {
        return (int) as_result(-EBADF); /* as if the limit of open files lay below */
    }
    struct open_file *file = descriptor_enter_number(fd);
    before_replaced(to);
    if (file != NULL) {
        report_count(CALL_dup2);
    }
    return replaced(file, to, REAL(dup2)(fd, to));
}

HOOK int dup3(int fd, int to, int flags)
{
    if (fd != to && descriptor_is_kept(to)) {
        return (int) as_result(-EBADF);
    }
    struct open_file *file = fd == to ? NULL : descriptor_enter_number(fd);
    before_replaced(to);
    if (file != NULL) {
        report_count(CALL_dup3);
    }
    return replaced(file, to, REAL(dup3)(fd, to, flags));
}

ALIAS(__dup2, dup2);

/* The C library puts /dev/null under 0, 1 and 2 by itself. */
HOOK int daemon(int keep_directory, int keep_descriptors)
{
    int result = REAL(daemon)(keep_directory, keep_descriptors);
    for (int fd = 0; fd <= STDERR_FILENO; fd++) {
        if (descriptor_is_image(fd)) {
            descriptor_check_again(fd);
        }
    }
    return result;
}
