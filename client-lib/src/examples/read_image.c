/* Copies the first LENGTH bytes of an image to standard output: read_image /rbdw/NAME LENGTH
 * cc read_image.c -I include -L lib -lrbdw -Wl,-rpath,lib */
#include <fcntl.h>
#include <rbdw.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    static char buffer[1 << 20];
    rbdw_file *file;

    if (argc != 3) {
        fprintf(stderr, "usage: read_image /rbdw/NAME LENGTH\n");
        return 2;
    }
    if (rbdw_open(argv[1], O_RDONLY, &file) < 0) {
        fprintf(stderr, "read_image: %s\n", rbdw_error_text());
        return 1;
    }
    long long length = atoll(argv[2]);
    for (long long position = 0; position < length;) {
        size_t wanted = length - position < (long long)sizeof(buffer) ? (size_t)(length - position) : sizeof(buffer);
        ssize_t n = rbdw_pread(file, buffer, wanted, position);
        if (n < 0) {
            fprintf(stderr, "read_image: %s\n", rbdw_error_text());
            return 1;
        }
        if (n == 0 || fwrite(buffer, 1, n, stdout) != (size_t)n)
            break;
        position += n;
    }
    return rbdw_close(file) < 0;
}
