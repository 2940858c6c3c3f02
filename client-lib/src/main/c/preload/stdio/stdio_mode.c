#include "stdio_mode.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

bool stdio_mode_parse(const char *text, struct stdio_mode *mode)
{
    int access = *text == 'r' ? O_RDONLY : O_WRONLY;
    int flags = *text == 'w' ? O_CREAT | O_TRUNC : *text == 'a' ? O_CREAT | O_APPEND : 0;
    *mode = (struct stdio_mode) {.cookie = {*text}};
    if (*text != 'r' && *text != 'w' && *text != 'a') {
        errno = EINVAL;
        return false;
    }
    /* up to a comma, after which a charset may follow */
    for (const char *c = text + 1; *c != '\0' && *c != ','; c++) {
        if (*c == '+') {
            access = O_RDWR;
            mode->cookie[1] = '+';
        } else if (*c == 'x') {
            flags |= O_EXCL;
        } else if (*c == 'e') {
            flags |= O_CLOEXEC;
        }
    }
    mode->flags = access | flags;
    const char *charset = strstr(text, ",ccs=");
    if (charset != NULL) {
        charset += strlen(",ccs=");
        size_t length = strcspn(charset, ",");
        if (length == 0 || length >= sizeof mode->charset) {
            errno = EINVAL;
            return false;
        }
        memcpy(mode->charset, charset, length);
    }
    return true;
}
