/* Runs a fuzzer on inputs that are kept: where the compiler is not clang. Files and folders of files. */

#include <dirent.h>
#include <err.h>
#include <sys/stat.h>

#include "fuzz.h"

static unsigned long inputs;

static void run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat status;
    if (file == NULL || fstat(fileno(file), &status) < 0) {
        err(1, "%s", path);
    }
    size_t length = (size_t) status.st_size;
    uint8_t *bytes = malloc(length + 1);
    if (bytes == NULL || fread(bytes, 1, length, file) != length) {
        err(1, "%s", path);
    }
    fclose(file);
    uint8_t *exact = malloc(length > 0 ? length : 1); /* so that a byte behind it is found */
    if (exact == NULL) {
        err(1, "%s", path);
    }
    memcpy(exact, bytes, length);
    free(bytes);
    fprintf(stderr, "Running: %s\n", path); /* the last line names the culprit */
    LLVMFuzzerTestOneInput(exact, length);
    free(exact);
    inputs++;
}

static void run(const char *path)
{
    DIR *folder = opendir(path);
    if (folder == NULL) {
        run_file(path);
        return;
    }
    struct dirent *entry;
    char inner[4096];
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] != '.') {
            snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
            run_file(inner);
        }
    }
    closedir(folder);
}

int main(int count, char **arguments)
{
    for (int i = 1; i < count; i++) {
        if (arguments[i][0] != '-') {
            run(arguments[i]);
        }
    }
    printf("%lu inputs\n", inputs);
    return inputs > 0 ? 0 : 1;
}
