/* wide_streams FILE: wide characters through streams on FILE, and on standard input, which is the same file; prints
 * what came of it: the same for an image and for a plain file of the same bytes, of 256 KiB or more. */

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

static const char *path;

static void print(const char *what, long result)
{
    int error = errno;
    printf("%s: %ld %s\n", what, result, error == 0 ? "" : strerrorname_np(error));
    errno = 0;
}

static void print_stream(const char *what, FILE *file)
{
    printf("%s: at %ld, end %d, error %d, orientation %d\n", what, ftell(file), feof(file) != 0,
           ferror(file) != 0, fwide(file, 0));
    errno = 0;
}

static FILE *open_stream(const char *mode)
{
    FILE *file = fopen(path, mode);
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    errno = 0;
    return file;
}

/* The file's bytes from here on; what is behind them stays. */
static void put_bytes(long offset, const char *bytes)
{
    int fd = open(path, O_RDWR);
    if (fd < 0 || pwrite(fd, bytes, strlen(bytes), offset) != (ssize_t) strlen(bytes) || close(fd) < 0) {
        perror("pwrite");
        exit(1);
    }
}

static void read_characters(void)
{
    wchar_t line[40];
    put_bytes(0, "a\303\251\342\202\254\360\237\230\200z\nsecond line\nthird\n\377x\n");
    FILE *file = open_stream("r");
    print("fwide of a new stream", fwide(file, 0));
    for (int i = 0; i < 3; i++) {
        print("fgetwc", (long) fgetwc(file));
        print_stream("after it", file);
    }
    print("ungetwc of the last", (long) ungetwc(L'\u20ac', file));
    print_stream("after it", file);
    print("getwc", (long) getwc(file));
    print("fgetws", fgetws(line, 40, file) != NULL);
    print("its length", (long) wcslen(line));
    print("fgetws of few", fgetws(line, 4, file) != NULL);
    printf("%ls\n", line);
    print("fgetws of one", fgetws(line, 1, file) != NULL);
    print_stream("then", file);
    print("fgetws of the rest", fgetws(line, 40, file) != NULL);
    print("fgetws", fgetws(line, 40, file) != NULL);
    print("a byte that is no character", (long) fgetwc(file));
    print_stream("after it", file);
    clearerr(file);
    print("fseek behind it", fseek(file, 1, SEEK_CUR));
    print("fgetwc", (long) fgetwc(file));
    print("fseek to a character", fseek(file, 3, SEEK_SET));
    print("fgetwc", (long) fgetwc(file));
    rewind(file);
    print("fgetwc after rewind", (long) fgetwc(file));
    fpos_t position;
    print("fgetpos", fgetpos(file, &position));
    print("fgetwc", (long) fgetwc(file));
    print("fsetpos", fsetpos(file, &position));
    print("fgetwc again", (long) fgetwc(file));
    print("fseek to the end", fseek(file, 0, SEEK_END));
    print("fgetwc at the end", (long) fgetwc(file));
    print_stream("there", file);
    print("ungetwc at the end", (long) ungetwc(L'q', file));
    print("fgetwc", (long) fgetwc(file));
    print("fputwc where only reading", (long) fputwc(L'x', file));
    print_stream("after it", file);
    print("fclose", fclose(file));
}

static void mix(void)
{
    FILE *file = open_stream("r+");
    print("getc", getc(file));
    print("fwide of a stream of bytes", fwide(file, 1));
    print("fgetwc of it", (long) fgetwc(file));
    print("fputwc to it", (long) fputwc(L'x', file));
    print("fputws to it", fputws(L"x", file));
    print("fclose", fclose(file));
    file = open_stream("r+");
    print("fgetwc", (long) fgetwc(file));
    print("fwide of a wide stream", fwide(file, -1));
    print("fputs to it", fputs("abc", file));
    print("fgetwc", (long) fgetwc(file));
    print("fclose", fclose(file));
    file = open_stream("r");
    print("fwide to bytes", fwide(file, -1));
    print("fgetwc", (long) fgetwc(file));
    print("fclose", fclose(file));
    file = open_stream("r");
    print("fwide to wide", fwide(file, 1));
    print("getc", getc(file));
    print("fgetwc", (long) fgetwc(file));
    print("fclose", fclose(file));
}

static void write_characters(void)
{
    wchar_t line[80];
    FILE *file = open_stream("r+");
    print("fputwc", (long) fputwc(L'\u00e4', file));
    print_stream("after it", file);
    print("fputws", fputws(L"\u00f6\u20ac and more\n", file) >= 0);
    print("fwprintf", fwprintf(file, L"%d %ls %s %lc|%5.1f\n", 42, L"w\u00efde", "n\303\244rrow", L'\u20ac', 2.5));
    print_stream("after it", file);
    print("fflush", fflush(file));
    rewind(file);
    while (fgetws(line, 80, file) != NULL && wcslen(line) < 40 && ftell(file) < 60) {
        printf("%ls", line);
    }
    print("back", fseek(file, 0, SEEK_SET));
    print("fgetwc", (long) fgetwc(file));
    print("fseek between", fseek(file, 0, SEEK_CUR));
    print("fputwc after it", (long) fputwc(L'Z', file));
    print_stream("after it", file);
    print("fseek", fseek(file, 0, SEEK_CUR));
    print("fgetwc after that", (long) fgetwc(file));
    print_stream("after it", file);
    print("fclose", fclose(file));
    file = open_stream("r+");
    setvbuf(file, NULL, _IONBF, 0);
    print("unbuffered fputws", fputws(L"\u00e9x", file) >= 0);
    char bytes[4] = "";
    int fd = open(path, O_RDONLY);
    print("at once", pread(fd, bytes, 3, 0) == 3 && memcmp(bytes, "\303\251x", 3) == 0);
    close(fd);
    print("fclose", fclose(file));
    file = open_stream("r+");
    for (int i = 0; i < 60000; i++) {
        if (fputwc(i % 61 == 60 ? L'\n' : (wchar_t) (L'\u0100' + i % 61), file) == WEOF) {
            print("fputwc", i);
        }
    }
    print_stream("after many", file);
    print("fclose", fclose(file));
    file = open_stream("r");
    long sum = 0;
    for (int i = 0; i < 60000; i++) {
        sum = (sum * 31 + (long) fgetwc(file)) & 0xffffffff;
    }
    print("their sum", sum);
    print_stream("after many", file);
    print("fclose", fclose(file));
}

static void scan(void)
{
    int number = 0;
    double fraction = 0;
    wchar_t word[40] = L"";
    char narrow[40] = "";
    put_bytes(0, "  17 w\303\266rt narr\303\266w 2.5e1 rest 0x10 \n");
    FILE *file = open_stream("r");
    print("fwscanf", fwscanf(file, L"%d %ls %39s %lf", &number, word, narrow, &fraction));
    printf("%d %ls %s %.1f\n", number, word, narrow, fraction);
    print_stream("after it", file);
    print("fgetwc", (long) fgetwc(file));
    print("of what is no number", fwscanf(file, L"%d", &number));
    print_stream("after it", file);
    print("a literal and a number", fwscanf(file, L"rest %i", &number));
    print("which is", number);
    print_stream("after it", file);
    print("fclose", fclose(file));
    char *spaces = malloc(200001);
    memset(spaces, ' ', 200000);
    spaces[200000] = '\0';
    put_bytes(0, spaces);
    put_bytes(200000, "99 \n");
    free(spaces);
    file = open_stream("r");
    print("far away", fwscanf(file, L"%d", &number));
    print("which is", number);
    print_stream("after it", file);
    print("fclose", fclose(file));
}

static void use_charsets(void)
{
    wchar_t line[40];
    put_bytes(0, "caf\351 na\357ve\n");
    FILE *file = open_stream("r,ccs=ISO-8859-1");
    print("fwide with a charset", fwide(file, 0));
    print("fgetws", fgetws(line, 40, file) != NULL);
    printf("%ls", line);
    print_stream("after it", file);
    print("fclose", fclose(file));
    file = open_stream("r+,ccs=ISO-8859-15");
    print("fputws", fputws(L"\u20ac\u00e9!", file) >= 0);
    print_stream("after it", file);
    print("fclose", fclose(file));
    char bytes[4] = "";
    int fd = open(path, O_RDONLY);
    print("bytes", pread(fd, bytes, 3, 0));
    printf("%02x%02x%02x\n", bytes[0] & 255, bytes[1] & 255, bytes[2] & 255);
    close(fd);
    errno = 0;
    print("no such charset", fopen(path, "r,ccs=NO-SUCH") != NULL);
    put_bytes(0, "u\0n\0\254\040\n\0");
    fd = open(path, O_RDWR);
    print("pwrite", pwrite(fd, "u\0n\0\254\040\n\0", 8, 0));
    close(fd);
    file = open_stream("r,ccs=UTF-16LE");
    print("fgetws", fgetws(line, 40, file) != NULL);
    printf("%ls", line);
    print_stream("after it", file);
    print("fclose", fclose(file));
}

static void use_others(void)
{
    wchar_t line[40];
    put_bytes(0, "\303\244one\ntwo\nthree\nfour\nfive\n");
    int fd = open(path, O_RDWR);
    print("lseek", (long) lseek(fd, 2, SEEK_SET));
    FILE *file = fdopen(fd, "r+");
    errno = 0;
    print("fgetws of fdopen", fgetws(line, 40, file) != NULL);
    printf("%ls", line);
    print("the descriptor after fflush", fflush(file) + (long) lseek(fd, 0, SEEK_CUR));
    print("fgetws", fgetws(line, 40, file) != NULL);
    printf("%ls", line);
    file = freopen(path, "r", file);
    errno = 0;
    print("fwide after freopen", fwide(file, 0));
    print("getc", getc(file));
    print("fclose", fclose(file));
    errno = 0;
    print("getwchar", (long) getwchar());
    print("fwide of stdin", fwide(stdin, 0));
    print("getwchar", (long) getwchar());
    print("ungetwc", (long) ungetwc(L'o', stdin));
    int number = -1;
    print("wscanf", wscanf(L"%39ls", line));
    printf("%ls %d\n", line, number);
    print_stream("stdin", stdin);
    setlocale(LC_ALL, "C");
    put_bytes(0, "plain\n");
    file = open_stream("r+");
    print("fgetws in the C locale", fgetws(line, 40, file) != NULL);
    rewind(file);
    print("what it lacks", (long) fputwc(L'\u00e9', file));
    print("fputws", fputws(L"ab", file) >= 0);
    print_stream("after it", file);
    print("fclose", fclose(file));
    setlocale(LC_ALL, "");
}

/* Nobody closes it: what it holds is written when the program ends. */
static void leave_open(void)
{
    FILE *file = open_stream("r+");
    print("fseek", fseek(file, 100000, SEEK_SET));
    print("fputws", fputws(L"left \u20ac open\n", file) >= 0);
}

int main(int count, char **arguments)
{
    if (count != 2 || setlocale(LC_ALL, "") == NULL) {
        fprintf(stderr, "usage: wide_streams FILE < FILE\n");
        return 2;
    }
    path = arguments[1];
    read_characters();
    mix();
    write_characters();
    scan();
    use_charsets();
    use_others();
    leave_open();
    return 0;
}
