/* The text of a thread's last error. Any thread, each its own; safe in signal handlers. */

#ifndef RBDW_ERROR_H
#define RBDW_ERROR_H

/* Remembers one line for rbdw_error_text() and returns -error. Where the number's name belongs in
 * it, ERROR_NAME(error) gives the arguments of "%s (%s)". */
int error_set(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "ENOENT" */
const char *error_symbol(int error);

/* "No such file or directory" */
const char *error_description(int error);

#define ERROR_NAME(error) error_symbol(error), error_description(error)

#endif
