/* What a control group lets this process use of the processors. Any thread; reads files. */

#ifndef RBDW_CPU_QUOTA_H
#define RBDW_CPU_QUOTA_H

/* Cores, rounded up, that the quotas of this process's control group and of those above it leave it; a very large
 * number where there is none. Of cgroup v2 (cpu.max) and v1 (cpu.cfs_quota_us). Who uses more is stopped until the next
 * period, which is some 100 ms: whoever waits by looking for an answer brings that about. */
int cpu_quota_cores(void);

/* The same, of what these say: a file such as /proc/self/cgroup, and the folder where control groups are mounted. */
int cpu_quota_in(const char *membership_file, const char *root);

#endif
