#include "cpu_quota.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define UNLIMITED INT_MAX
#define MEMBERSHIP_SIZE 4096
#define FOLDER_SIZE 1024

static bool read_file(const char *path, char *into, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    ssize_t length = read(fd, into, size - 1);
    close(fd);
    if (length < 0) {
        return false;
    }
    into[length] = '\0';
    return true;
}

static bool read_in(const char *folder, const char *name, char *into, size_t size)
{
    char path[FOLDER_SIZE + 32];
    int length = snprintf(path, sizeof path, "%s/%s", folder, name);
    return length > 0 && (size_t) length < sizeof path && read_file(path, into, size);
}

static int cores(int64_t quota_us, int64_t period_us)
{
    if (quota_us <= 0 || period_us <= 0) {
        return UNLIMITED;
    }
    int64_t rounded_up = (quota_us + period_us - 1) / period_us;
    return rounded_up < UNLIMITED ? (int) rounded_up : UNLIMITED;
}

/* "max 100000" or "50000 100000". */
static int cores_of_v2(const char *folder)
{
    char text[64];
    if (!read_in(folder, "cpu.max", text, sizeof text)) {
        return UNLIMITED;
    }
    char *end;
    int64_t quota_us = strtoll(text, &end, 10);
    return end == text ? UNLIMITED : cores(quota_us, strtoll(end, NULL, 10));
}

static int cores_of_v1(const char *folder)
{
    char quota[64];
    char period[64];
    if (!read_in(folder, "cpu.cfs_quota_us", quota, sizeof quota)
        || !read_in(folder, "cpu.cfs_period_us", period, sizeof period)) {
        return UNLIMITED;
    }
    return cores(strtoll(quota, NULL, 10), strtoll(period, NULL, 10));
}

/* The least of a group's and of all above it, up to where the hierarchy is mounted: in a container its own group often
 * is the mount's root, and what it is called outside is not to be found there. */
static int least_of(const char *mount, const char *group, int (*cores_of)(const char *folder))
{
    char folder[FOLDER_SIZE];
    int length = snprintf(folder, sizeof folder, "%s%s", mount, group);
    if (length < 0 || (size_t) length >= sizeof folder) {
        return cores_of(mount);
    }
    int least = UNLIMITED;
    while (strlen(folder) >= strlen(mount)) {
        int here = cores_of(folder);
        least = here < least ? here : least;
        char *last = strrchr(folder, '/');
        if (last == NULL) {
            break;
        }
        *last = '\0';
    }
    return least;
}

/* Whether the controllers of a line of /proc/self/cgroup, "cpu,cpuacct" say, have this one. */
static bool has_controller(const char *controllers, const char *end, const char *wanted)
{
    size_t length = strlen(wanted);
    for (const char *at = controllers; at < end;) {
        const char *comma = memchr(at, ',', (size_t) (end - at));
        const char *stop = comma != NULL ? comma : end;
        if ((size_t) (stop - at) == length && memcmp(at, wanted, length) == 0) {
            return true;
        }
        at = stop + 1;
    }
    return false;
}

/* Of one line: "0::/group" for v2, "4:cpu,cpuacct:/group" for v1. */
static int cores_of_line(const char *root, char *line)
{
    char *controllers = strchr(line, ':');
    char *group = controllers == NULL ? NULL : strchr(controllers + 1, ':');
    if (group == NULL) {
        return UNLIMITED;
    }
    controllers++;
    const char *end = group;
    group++;
    if (strcmp(group, "/") == 0) {
        group = "";
    }
    char mount[FOLDER_SIZE];
    if (controllers == end) {
        int least = least_of(root, group, cores_of_v2);
        snprintf(mount, sizeof mount, "%s/unified", root); /* beside controllers of v1 */
        int beside = least_of(mount, group, cores_of_v2);
        return least < beside ? least : beside;
    }
    if (!has_controller(controllers, end, "cpu")) {
        return UNLIMITED;
    }
    snprintf(mount, sizeof mount, "%s/%.*s", root, (int) (end - controllers), controllers);
    int least = least_of(mount, group, cores_of_v1);
    snprintf(mount, sizeof mount, "%s/cpu", root); /* a link, where several are mounted together */
    int linked = least_of(mount, group, cores_of_v1);
    return least < linked ? least : linked;
}

int cpu_quota_in(const char *membership_file, const char *root)
{
    char membership[MEMBERSHIP_SIZE];
    if (!read_file(membership_file, membership, sizeof membership)) {
        return UNLIMITED;
    }
    int least = UNLIMITED;
    char *rest = membership;
    char *line;
    while ((line = strsep(&rest, "\n")) != NULL) {
        int here = cores_of_line(root, line);
        least = here < least ? here : least;
    }
    return least;
}

int cpu_quota_cores(void)
{
    return cpu_quota_in("/proc/self/cgroup", "/sys/fs/cgroup");
}
