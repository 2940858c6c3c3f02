/* The standard streams on images: stdin, stdout and stderr follow descriptors 0, 1 and 2. */

#ifndef RBDW_STDIO_STREAMS_H
#define RBDW_STDIO_STREAMS_H

/* Descriptor 0, 1 or 2 has become an image's or has ceased to be one. */
void stdio_on_descriptor_changed(int fd);

#endif
