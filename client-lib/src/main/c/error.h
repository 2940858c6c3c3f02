/* The text of a thread's last error. Any thread, each its own; safe in signal handlers. */

#ifndef RBDW_ERROR_H
#define RBDW_ERROR_H

/* Remembers one line for rbdw_error_text() and returns -error. The line says what failed, on which
 * image, and perhaps what to do; the number's text and symbol are put behind it here:
 * "open /rbdw/x: no such file or directory (ENOENT)". */
int error_set(int error, const char *what, ...) __attribute__((format(printf, 2, 3)));

#endif
