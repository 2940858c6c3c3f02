#ifndef RBDW_DESCRIPTOR_H
#define RBDW_DESCRIPTOR_H
#include <stdbool.h>
#define DESCRIPTOR_KEPT_END 1024
int descriptor_keep(int fd);
void descriptor_drop(int fd);
bool descriptor_is_kept(int fd);
#endif
