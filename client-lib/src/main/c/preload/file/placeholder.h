/* The kernel's side of an open image: an O_PATH descriptor of a memfd. It is a real number that the
 * kernel duplicates, passes to children and keeps over exec, and a call on it that no hook caught
 * fails with EBADF instead of going astray. The memfd's first page holds what all descriptors of one
 * open share; whoever has one maps it, through /proc/self/fd.
 *
 *     descriptor 3 ──┐                      ┌───────────────────────────────┐
 *     descriptor 7 ──┼── O_PATH ── memfd ──▶│ struct open_state             │
 *     a child's 0  ──┘                      │ a hole as long as the image   │
 *                                           └───────────────────────────────┘
 *
 * The memfd is as long as the image when it was opened, so that an fstat past every hook is right. */

#ifndef RBDW_PLACEHOLDER_H
#define RBDW_PLACEHOLDER_H

#include <stdatomic.h>
#include <stdint.h>

#define OPEN_STATE_MAX_PATH 1024

/* What an open file description is: shared by dup, fork and exec. */
struct open_state {
    uint64_t magic;
    _Atomic uint32_t flags;    /* of open(2) and F_SETFL */
    uint32_t partition;        /* its number; 0: the whole image */
    uint32_t opened_with;      /* of open(2)'s flags: O_CREAT, which F_GETFL does not tell */
    _Atomic int64_t position;  /* bytes */
    _Atomic int64_t end;       /* bytes: how far it was written since it was truncated; -1: it was not */
    int64_t base;              /* bytes: where in the image this begins */
    int64_t length;            /* bytes of the partition; -1: the whole image, whatever its size */
    char path[OPEN_STATE_MAX_PATH];  /* as a program names it: /rbdw/NAME or /rbdw/NAME-partN */
    char image[OPEN_STATE_MAX_PATH]; /* /rbdw/NAME */
};

/* Makes a placeholder under the lowest free number, and maps its state, which begins as a copy of
 * initial. size: of the image, bytes. close_on_exec: 0 or O_CLOEXEC. The number or an error. */
int placeholder_make(const struct open_state *initial, int64_t size, int close_on_exec,
                     struct open_state **state);

/* Maps the state of a descriptor that may be a placeholder. 0; -EBADF where it is none. */
int placeholder_map(int fd, struct open_state **state);

void placeholder_unmap(struct open_state *state);

#endif
