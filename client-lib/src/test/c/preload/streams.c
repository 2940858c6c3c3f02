/* streams FILE: uses the C library's streams on it in all ways, and prints what it saw. The output is
 * to be the same for an image and for a plain file. FILE is standard input, too. */

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE 200 /* bytes between the newlines that are written first */

static const char *path;

static uint32_t sum(const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    uint32_t result = 7;
    for (size_t i = 0; i < length; i++) {
        result = result * 31 + at[i];
    }
    return result;
}

static void show(const char *what, long long value)
{
    printf("%s %lld\n", what, value);
}

static FILE *must_open(const char *mode)
{
    FILE *stream = fopen(path, mode);
    if (stream == NULL) {
        perror(mode);
        exit(1);
    }
    return stream;
}

static void write_lines(void)
{
    FILE *stream = must_open("r+");
    for (int i = 0; i < 100; i++) {
        fprintf(stream, "%0*d\n", LINE - 1, i);
    }
    show("fflush", fflush(stream));
    show("fclose", fclose(stream));
}

static void read_in_all_ways(void)
{
    FILE *stream = must_open("r");
    char bytes[1000];
    char *line = NULL;
    size_t room = 0;
    int number = -1;
    fpos_t place;
    show("fread", (long long) fread(bytes, 10, 7, stream));
    show("sum", sum(bytes, 70));
    show("fgets", fgets(bytes, sizeof bytes, stream) != NULL);
    show("strlen", (long long) strlen(bytes));
    show("getline", getline(&line, &room, stream));
    show("fscanf", fscanf(stream, "%d", &number));
    show("number", number);
    show("ungetc", ungetc('x', stream));
    show("fgetc", fgetc(stream));
    show("fgetpos", fgetpos(stream, &place));
    show("ftell", ftell(stream));
    show("ftello", ftello(stream));
    show("fseek", fseek(stream, -300, SEEK_END));
    show("ftell", ftell(stream));
    show("fread", (long long) fread(bytes, 1, sizeof bytes, stream));
    show("feof", feof(stream) != 0);
    show("fsetpos", fsetpos(stream, &place));
    show("ftell", ftell(stream));
    show("feof", feof(stream) != 0);
    rewind(stream);
    show("fgetc", fgetc(stream));
    show("fputc", fputc('x', stream));
    show("errno", errno);
    show("ferror", ferror(stream) != 0);
    show("fclose", fclose(stream));
    free(line);
}

static void write_in_all_ways(void)
{
    char bytes[9000];
    FILE *stream = must_open("r+");
    setvbuf(stream, NULL, _IONBF, 0);
    show("fputs", fputs("first", stream) >= 0);
    show("fseek", fseek(stream, 0, SEEK_CUR));
    show("fgetc", fgetc(stream));
    show("fclose", fclose(stream));
    stream = must_open("r+");
    setvbuf(stream, NULL, _IOLBF, 0);
    show("fputs", fputs("line buffered\nrest", stream) >= 0);
    show("fclose", fclose(stream));
    stream = must_open("r+");
    memset(bytes, 'b', sizeof bytes);
    show("fseek", fseek(stream, 50000, SEEK_SET));
    show("fwrite", (long long) fwrite(bytes, 1, sizeof bytes, stream));
    show("fseek", fseek(stream, -10, SEEK_CUR));
    show("fread", (long long) fread(bytes, 1, 20, stream));
    show("sum", sum(bytes, 20));
    show("fseek", fseek(stream, 0, SEEK_CUR));
    show("fprintf", fprintf(stream, "%5.2f|%-10s|", 3.14159, "left"));
    show("fflush", fflush(stream));
    show("ftell", ftell(stream));
    show("fclose", fclose(stream));
}

static void use_descriptors(void)
{
    char bytes[100];
    int fd = open(path, O_RDWR);
    FILE *stream = fdopen(fd, "r+");
    show("fileno", fileno(stream) == fd);
    show("fdopen of a bad one", fdopen(900, "r") == NULL && errno == EBADF);
    int reader = open(path, O_RDONLY);
    show("fdopen to write", fdopen(reader, "w") == NULL);
    show("errno", errno);
    show("close", close(reader));
    show("lseek", lseek(fd, 400, SEEK_SET));
    show("fread", (long long) fread(bytes, 1, 100, stream));
    show("sum", sum(bytes, 100));
    show("fclose", fclose(stream));
    show("close", close(fd));
    show("errno", errno);
}

static void use_standard_streams(void)
{
    char bytes[100] = {0};
    show("scanf", scanf("%99s", bytes));
    show("sum", sum(bytes, strlen(bytes)));
    show("getchar", getchar());
    FILE *again = freopen(path, "r", stdin);
    show("freopen", again == stdin);
    show("fileno", fileno(stdin));
    show("getchar", getchar());
    int fd = open(path, O_RDONLY);
    show("lseek", lseek(fd, 1000, SEEK_SET));
    fflush(stdin);
    show("dup2", dup2(fd, STDIN_FILENO));
    show("close", close(fd));
    show("lseek", lseek(STDIN_FILENO, 0, SEEK_CUR));
    again = freopen("/dev/null", "r", stdin);
    show("freopen elsewhere", again == stdin);
    show("getchar", getchar());
}

/* Last: standard output itself becomes the file, from 100000 on. */
static void print_to_file(void)
{
    int before = dup(STDOUT_FILENO);
    fflush(stdout);
    int fd = open(path, O_RDWR);
    lseek(fd, 100000, SEEK_SET);
    dup2(fd, STDOUT_FILENO);
    printf("printed to the file\n");
    puts("and put");
    putchar('c');
    fwrite("bytes", 1, 5, stdout);
    fflush(stdout);
    dup2(before, STDOUT_FILENO);
    char bytes[100] = {0};
    ssize_t got = pread(fd, bytes, 50, 100000);
    show("back", got);
    show("sum", sum(bytes, sizeof bytes));
    close(fd);
    close(before);
}

int main(int count, char **arguments)
{
    if (count != 2) {
        fprintf(stderr, "usage: streams FILE < FILE\n");
        return 2;
    }
    path = arguments[1];
    write_lines();
    read_in_all_ways();
    write_in_all_ways();
    use_descriptors();
    use_standard_streams();
    print_to_file();
    show("no such mode", fopen(path, "q") == NULL);
    show("errno", errno);
    show("exclusive", fopen(path, "w+x") == NULL);
    show("errno", errno);
    return 0;
}
