/*
 * A network cable with a delay: joins two TAP devices, each in a network namespace, and carries every frame from one to the
 * other after a fixed time. For kernels that lack sch_netem.
 *
 *   delay-link MICROSECONDS NAMESPACE:DEVICE NAMESPACE:DEVICE     NAMESPACE: as ip netns has it, or - for this one
 *
 * Makes the devices, prints "ready" when both are there, and carries until it is killed, with which they go. Frames are as long
 * as the kernel hands them over (segmentation is left to the other end, as between veth devices), so that long transfers cost
 * little here. Where more is under way than QUEUE frames, the reader stops and the kernel's queue fills: nothing is dropped here.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define QUEUE 256 /* a power of two */
#define MAX_FRAME (68 * 1024)

struct frame {
    long due;
    ssize_t length;
    char *bytes;
};

/* One direction. Frames between head and tail are under way. */
struct direction {
    int from;
    int to;
    unsigned long head;
    unsigned long tail;
    struct frame frames[QUEUE];
};

static long now_nanos(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000L + now.tv_nsec;
}

/* A TAP device of this name; its name is changed in the end. */
static int open_tap(char *where) {
    char *device = strchr(where, ':');
    if (device == NULL) {
        errx(2, "give NAMESPACE:DEVICE, not '%s'", where);
    }
    *device++ = 0;
    int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (strcmp(where, "-") != 0) {
        char path[256];
        snprintf(path, sizeof(path), "/run/netns/%s", where);
        int there = open(path, O_RDONLY | O_CLOEXEC);
        if (there < 0 || setns(there, CLONE_NEWNET) < 0) {
            err(1, "network namespace %s", where);
        }
        close(there);
    }
    int tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
    snprintf(request.ifr_name, sizeof(request.ifr_name), "%.15s", device);
    if (tap < 0 || ioctl(tap, TUNSETIFF, &request) < 0) {
        err(1, "device %s", device);
    }
    if (ioctl(tap, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) < 0) {
        err(1, "offload of device %s", device);
    }
    if (setns(here, CLONE_NEWNET) < 0) {
        err(1, "back to the first network namespace");
    }
    close(here);
    return tap;
}

static void take(struct direction *way, long delay) {
    while (way->tail - way->head < QUEUE) {
        struct frame *frame = &way->frames[way->tail % QUEUE];
        frame->length = read(way->from, frame->bytes, MAX_FRAME);
        if (frame->length < 0) {
            return; /* EAGAIN; EIO while the device is down */
        }
        frame->due = now_nanos() + delay;
        way->tail++;
    }
}

static void give(struct direction *way) {
    while (way->head != way->tail) {
        struct frame *frame = &way->frames[way->head % QUEUE];
        if (frame->due > now_nanos()) {
            return;
        }
        if (write(way->to, frame->bytes, (size_t)frame->length) < 0 && errno == EAGAIN) {
            return;
        }
        way->head++; /* another failure: the device is down, and the frame lost as on a cable */
    }
}

static struct direction ways[2];

int main(int argc, char **argv) {
    char *end = NULL;
    long delay = argc == 4 ? strtol(argv[1], &end, 10) * 1000 : -1;
    if (delay < 0 || *end != 0) {
        errx(2, "usage: delay-link MICROSECONDS NAMESPACE:DEVICE NAMESPACE:DEVICE");
    }
    prctl(PR_SET_TIMERSLACK, 1);
    int left = open_tap(argv[2]);
    int right = open_tap(argv[3]);
    ways[0] = (struct direction){.from = left, .to = right};
    ways[1] = (struct direction){.from = right, .to = left};
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < QUEUE; j++) {
            ways[i].frames[j].bytes = malloc(MAX_FRAME);
            if (ways[i].frames[j].bytes == NULL) {
                errx(1, "out of memory");
            }
        }
    }
    puts("ready");
    fflush(stdout);
    for (;;) {
        long next = -1;
        struct pollfd ready[2];
        for (int i = 0; i < 2; i++) {
            take(&ways[i], delay);
            give(&ways[i]);
            struct direction *way = &ways[i];
            if (way->head != way->tail) {
                long due = way->frames[way->head % QUEUE].due;
                next = next < 0 || due < next ? due : next;
            }
            /* one that is full is not asked */
            ready[i] = (struct pollfd){.fd = way->tail - way->head < QUEUE ? way->from : -1, .events = POLLIN};
        }
        long wait = next < 0 ? 0 : next - now_nanos();
        if (next >= 0 && wait <= 0) {
            continue;
        }
        struct timespec timeout = {wait / 1000000000L, wait % 1000000000L};
        if (ppoll(ready, 2, next < 0 ? NULL : &timeout, NULL) < 0 && errno != EINTR) {
            err(1, "poll");
        }
    }
}
