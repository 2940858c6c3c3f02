/* copy_at_end IMAGE FILE: copies that find no room at the image's end take no more than they give.
 * FILE holds 1000 bytes or more. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <unistd.h>

static int failures;

static void expect(const char *what, long result, long expected)
{
    if (result != expected) {
        printf("%s: %ld and not %ld (%s)\n", what, result, expected, strerror(errno));
        failures++;
    }
}

static void expect_no_space(const char *what, long result)
{
    int error = errno;
    expect(what, result, -1);
    expect(what, error, ENOSPC);
}

static long left_in(int end)
{
    int left = -1;
    return ioctl(end, FIONREAD, &left) == 0 ? left : -1;
}

int main(int count, char **arguments)
{
    static char bytes[100];
    int ends[2];
    if (count != 3 || pipe(ends) < 0) {
        return 2;
    }
    int image = open(arguments[1], O_RDWR);
    int file = open(arguments[2], O_RDONLY);
    off_t size = lseek(image, 0, SEEK_END);
    if (image < 0 || file < 0 || write(ends[1], bytes, sizeof bytes) != sizeof bytes) {
        return 2;
    }
    lseek(image, -40, SEEK_END);
    expect("splice across the end", splice(ends[0], NULL, image, NULL, 100, 0), 40);
    expect("left in the pipe", left_in(ends[0]), 60);
    expect_no_space("splice at the end", splice(ends[0], NULL, image, NULL, 100, 0));
    expect("still left in the pipe", left_in(ends[0]), 60);
    off_t to = size - 10;
    expect("splice at an offset", splice(ends[0], NULL, image, &to, 100, 0), 10);
    expect("its offset", to, size);
    expect("left at last", left_in(ends[0]), 50);

    lseek(image, -300, SEEK_END);
    expect("sendfile across the end", sendfile(image, file, NULL, 1000), 300);
    expect("position of its source", lseek(file, 0, SEEK_CUR), 300);
    expect_no_space("sendfile at the end", sendfile(image, file, NULL, 1000));
    expect("position still", lseek(file, 0, SEEK_CUR), 300);

    off_t from = 0;
    to = size - 500;
    expect("copy across the end", copy_file_range(file, &from, image, &to, 1000, 0), 500);
    expect("offset in", from, 500);
    expect("offset out", to, size);
    expect_no_space("copy at the end", copy_file_range(file, &from, image, &to, 1000, 0));
    expect("offset in still", from, 500);
    return failures == 0 ? 0 : 1;
}
