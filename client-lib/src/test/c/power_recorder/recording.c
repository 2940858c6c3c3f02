/* The recording: events one after the other, in the byte order of the host. */

#include <stdio.h>
#include <string.h>

#include "recorder.h"

static FILE *out;

void recording_open(const char *file)
{
    out = fopen(file, "we");
    if (out == NULL)
        fail("%s cannot be made: %m", file);
}

static void put(const void *bytes, size_t length)
{
    if (length != 0 && fwrite(bytes, length, 1, out) != 1)
        fail("the recording cannot be written: %m");
}

void record(struct event event)
{
    const char *path = event.path == NULL ? "" : event.path;
    const char *other_path = event.other_path == NULL ? "" : event.other_path;
    struct {
        uint32_t kind, path_length, other_path_length, data_length;
        uint64_t inode, a, b;
    } header = {event.kind,  strlen(path), strlen(other_path), event.length,
                event.inode, event.a,      event.b};

    put(&header, sizeof(header));
    put(path, header.path_length);
    put(other_path, header.other_path_length);
    put(event.data, event.length);
}

void recording_close(void)
{
    if (fclose(out) != 0)
        fail("the recording cannot be written: %m");
}
