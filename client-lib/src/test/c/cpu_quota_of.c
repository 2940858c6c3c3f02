/* cpu_quota_of MEMBERSHIP ROOT: how many cores the control groups of a file such as /proc/self/cgroup leave, by the files below a
 * folder such as /sys/fs/cgroup. */
#include <stdio.h>

#include "cpu_quota.h"

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: cpu_quota_of MEMBERSHIP ROOT\n");
        return 2;
    }
    printf("%d\n", cpu_quota_in(argv[1], argv[2]));
    return 0;
}
