/* utimensat(2) and its kin. The times are the image's, and kept by the broker, which decides who may
 * set them, as the kernel does; those of /rbdw itself are nobody's to set. */

#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "by_path.h"
#include "fault.h"
#include "image.h"
#include "image_open.h"
#include "image_stat.h"

#define NANOSECONDS 1000000000 /* of a second */
#define MICROSECONDS 1000000   /* of a second */
#define MAX_SECONDS (INT64_MAX / NANOSECONDS - 1) /* the year 2262; times beyond become that */

/* What is asked for: of reading and of writing, as image.h has it. */
struct new_times {
    int64_t accessed;
    int64_t modified;
};

static bool is_valid(struct timespec time)
{
    return time.tv_nsec == UTIME_NOW || time.tv_nsec == UTIME_OMIT
           || (time.tv_nsec >= 0 && time.tv_nsec < NANOSECONDS);
}

static int64_t to_epoch(struct timespec time)
{
    if (time.tv_nsec == UTIME_NOW) {
        return IMAGE_TIME_NOW;
    }
    if (time.tv_nsec == UTIME_OMIT) {
        return IMAGE_TIME_OMIT;
    }
    int64_t seconds = time.tv_sec > MAX_SECONDS    ? MAX_SECONDS
                      : time.tv_sec < -MAX_SECONDS ? -MAX_SECONDS
                                                   : time.tv_sec;
    return seconds * NANOSECONDS + time.tv_nsec;
}

/* times: NULL is now, for both. */
static int choose(const struct timespec *times, struct new_times *chosen)
{
    *chosen = (struct new_times) {IMAGE_TIME_NOW, IMAGE_TIME_NOW};
    if (times == NULL) {
        return 0;
    }
    if (!is_valid(times[0]) || !is_valid(times[1])) {
        return -EINVAL;
    }
    *chosen = (struct new_times) {to_epoch(times[0]), to_epoch(times[1])};
    return 0;
}

/* What the program gives; NULL: now. false where it cannot be read. */
static bool take_times(const struct timespec *given, struct timespec taken[2],
                       const struct timespec **times)
{
    *times = given == NULL ? NULL : taken;
    return given == NULL || fault_copy(taken, given, 2 * sizeof *taken) == 0;
}

static bool asks_for_nothing(const struct timespec *times)
{
    return times != NULL && times[0].tv_nsec == UTIME_OMIT && times[1].tv_nsec == UTIME_OMIT;
}

/* A partition's are its image's. */
static int set_on_partition(const char *path, const struct new_times *times)
{
    struct image_part part;
    rbdw_file *image;
    int error = image_open_part(path, "", O_RDONLY, &part, &image);
    if (error == 0) {
        error = image_set_times_file(image, times->accessed, times->modified);
        rbdw_close(image);
    }
    return error;
}

static int set_on_path(const struct image_path *target, const struct timespec *given)
{
    struct stat status;
    struct new_times chosen;
    struct timespec taken[2];
    const struct timespec *times;
    if (!take_times(given, taken, &times)) {
        return -EFAULT;
    }
    if (asks_for_nothing(times)) {
        return 0; /* and whether there is such a file, the kernel does not ask */
    }
    int error = image_stat_of_path(target, &status);
    if (error == 0) {
        error = choose(times, &chosen);
    }
    if (error == 0 && target->kind == PATH_ROOT) {
        return -EPERM;
    }
    if (error == 0) {
        error = image_set_times_path(target->path, chosen.accessed, chosen.modified);
        if (error == -ENOENT) {
            error = set_on_partition(target->path, &chosen);
        }
    }
    return error;
}

static int set_on_file(struct open_file *file, const struct timespec *given)
{
    struct new_times chosen;
    rbdw_file *image;
    struct timespec taken[2];
    const struct timespec *times;
    if (!take_times(given, taken, &times)) {
        return -EFAULT;
    }
    if (asks_for_nothing(times)) {
        return 0;
    }
    int error = choose(times, &chosen);
    if (error == 0) {
        error = open_file_image(file, &image);
    }
    return error < 0 ? error : image_set_times_file(image, chosen.accessed, chosen.modified);
}

/* No program has anything there: as given to what copies it, it is EFAULT. */
#define NOT_READABLE ((const struct timespec *) 1)

/* The same times as timespecs, or NULL. What is out of range stays so. */
static const struct timespec *from_timevals(const struct timeval *given, struct timespec *converted)
{
    struct timeval times[2];
    if (given == NULL) {
        return NULL;
    }
    if (fault_copy(times, given, sizeof times) < 0) {
        return NOT_READABLE;
    }
    for (int i = 0; i < 2; i++) {
        bool is_in_range = times[i].tv_usec >= 0 && times[i].tv_usec < MICROSECONDS;
        converted[i].tv_sec = times[i].tv_sec;
        converted[i].tv_nsec = is_in_range ? times[i].tv_usec * 1000 : -1;
    }
    return converted;
}

static const struct timespec *from_utimbuf(const struct utimbuf *given, struct timespec *converted)
{
    struct utimbuf times;
    if (given == NULL) {
        return NULL;
    }
    if (fault_copy(&times, given, sizeof times) < 0) {
        return NOT_READABLE;
    }
    converted[0] = (struct timespec) {.tv_sec = times.actime};
    converted[1] = (struct timespec) {.tv_sec = times.modtime};
    return converted;
}

static long set_on_path_by_timevals(const struct image_path *target, const struct timeval *times)
{
    struct timespec converted[2];
    return set_on_path(target, from_timevals(times, converted));
}

static long set_on_path_by_utimbuf(const struct image_path *target, const struct utimbuf *times)
{
    struct timespec converted[2];
    return set_on_path(target, from_utimbuf(times, converted));
}

HOOK int futimens(int fd, const struct timespec times[2])
{
    struct open_file *file = descriptor_enter(fd);
    if (file == NULL) {
        return REAL(futimens)(fd, times);
    }
    return (int) leave(file, CALL_futimens, set_on_file(file, times));
}

HOOK int futimes(int fd, const struct timeval times[2])
{
    struct timespec converted[2];
    struct open_file *file = descriptor_enter(fd);
    if (file == NULL) {
        return REAL(futimes)(fd, times);
    }
    return (int) leave(file, CALL_futimes, set_on_file(file, from_timevals(times, converted)));
}

HOOK int utimensat(int directory, const char *path, const struct timespec times[2], int flags)
{
    if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0) {
        return REAL(utimensat)(directory, path, times, flags); /* EINVAL, whatever it concerns */
    }
    if ((flags & AT_EMPTY_PATH) != 0 && path != NULL && *path == '\0'
        && descriptor_is_image(directory)) {
        return futimens(directory, times);
    }
    BY_PATH(utimensat, directory, path,
            (flags & AT_SYMLINK_NOFOLLOW) != 0 ? PATH_NOFOLLOW : PATH_FOLLOW,
            REAL(utimensat)(directory, path, times, flags), set_on_path(&target, times));
}

HOOK int futimesat(int directory, const char *path, const struct timeval times[2])
{
    if (path == NULL && descriptor_is_image(directory)) {
        return futimes(directory, times);
    }
    BY_PATH(futimesat, directory, path, PATH_FOLLOW, REAL(futimesat)(directory, path, times),
            set_on_path_by_timevals(&target, times));
}

HOOK int utime(const char *path, const struct utimbuf *times)
{
    BY_PATH(utime, AT_FDCWD, path, PATH_FOLLOW, REAL(utime)(path, times),
            set_on_path_by_utimbuf(&target, times));
}

HOOK int utimes(const char *path, const struct timeval times[2])
{
    BY_PATH(utimes, AT_FDCWD, path, PATH_FOLLOW, REAL(utimes)(path, times),
            set_on_path_by_timevals(&target, times));
}

HOOK int lutimes(const char *path, const struct timeval times[2])
{
    BY_PATH(lutimes, AT_FDCWD, path, PATH_NOFOLLOW, REAL(lutimes)(path, times),
            set_on_path_by_timevals(&target, times));
}
