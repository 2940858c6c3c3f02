/* The kernel's side of an open image: an O_PATH descriptor of the broker's making (image_share), on a
 * socket's name that has been removed. It is a real number that the kernel duplicates, passes to children
 * and keeps over exec; a call on it that no hook caught fails with EBADF instead of going astray, and no
 * program can open it anew, whoever it is (ENXIO). By its inode the broker knows what it stands for, so
 * whoever has it has the open file; one that somebody has made himself stands for nothing.
 *
 *     descriptor 3 ──┐                        the broker knows the inode: which image, with which rights
 *     descriptor 7 ──┼── O_PATH ── inode ──▶
 *     a child's 0  ──┘                        one page that those share who have it: position, flags
 *
 * What is the same in all of them is a private copy in each process, which nobody else can change:
 *
 *     private memory, up to a page's end                       shared page
 *     +----------------------------------------------------+---------------------------------+
 *     | partition, base, length, path, image ...           | flags, position                 |
 *     +----------------------------------------------------+---------------------------------+
 *     struct open_state                                     open_state.flags */

#ifndef RBDW_PLACEHOLDER_H
#define RBDW_PLACEHOLDER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "image.h"

/* Which descriptor it is, in whatever process. */
struct placeholder_id {
    dev_t device;
    ino_t inode;
};

/* What an open file description is: shared by dup, fork and exec. */
struct open_state {
    struct placeholder_id id;
    uint32_t partition; /* its number; 0: the whole image */
    int64_t base;       /* bytes: where in the image this begins */
    int64_t length;     /* bytes of the partition; -1: the whole image, whatever its size */
    char path[IMAGE_MAX_PATH];  /* as a program names it: /rbdw/NAME or /rbdw/NAME-partN */
    char image[IMAGE_MAX_PATH]; /* /rbdw/NAME */

    /* From here on in the shared page. */
    _Alignas(64) _Atomic uint32_t flags; /* of open(2) and F_SETFL */
    uint32_t opened_with;                /* of open(2)'s flags: O_CREAT, which F_GETFL does not tell */
    _Atomic int64_t position;            /* bytes */
    _Atomic int64_t told; /* the position, where SEEK_END has told it: nothing was skipped up to there; else 0 */
    _Atomic int64_t end; /* bytes: how far it was written since it was truncated; -1: it was not */
};

/* Makes a placeholder of an open image under the lowest free number, and maps its state, which is as
 * initial is, but for the id. close_on_exec: 0 or O_CLOEXEC. The number or an error. */
int placeholder_make(rbdw_file *image, const struct open_state *initial, int close_on_exec,
                     struct open_state **state);

/* Whether a descriptor may be one; what it stands for is not asked. Some system calls. */
bool placeholder_may_be(int fd, struct placeholder_id *id);

/* Opens what a placeholder stands for, as this process does not know it yet. 0; -EBADF: it is none. */
int placeholder_attach(int fd, const struct placeholder_id *id, rbdw_file **image,
                       struct open_state **state);

void placeholder_unmap(struct open_state *state);

#endif
