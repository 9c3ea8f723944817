/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A host that a test makes, changes and breaks: a scratch folder with /proc, /sys and
 * cgroup v2, and guests in it. */
#ifndef KT_SENSE_ROOT_H
#define KT_SENSE_ROOT_H

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "kt_check.h"
#include "scratch.h"
#include "sense.h"

static char root[64];
static struct hostfs fs;

static inline void make_folders(char *path)
{
	for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		ck_assert(mkdirat(fs.root_fd, path, 0700) == 0 || errno == EEXIST);
		*slash = '/';
	}
}

/* Makes the file, or writes it anew: who has it open sees the new text. */
static inline void put_bytes(const char *path, const char *bytes, size_t length)
{
	char copy[KT_PATH_MAX];
	int fd;

	snprintf(copy, sizeof copy, "%s", path);
	make_folders(copy);
	fd = openat(fs.root_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ck_assert_msg(fd >= 0, "%s", path);
	ck_assert_int_eq(write(fd, bytes, length), (ssize_t)length);
	close(fd);
}

static inline void put(const char *path, const char *text)
{
	put_bytes(path, text, strlen(text));
}

static inline void KT_PRINTF(2, 3) putf(const char *path, const char *fmt, ...)
{
	char text[4096];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	put(path, text);
}

/* A file or a folder with all in it; none is fine. */
static inline void drop(const char *path)
{
	char whole[KT_PATH_MAX];

	snprintf(whole, sizeof whole, "%s/%s", root, path);
	ck_assert(scratch_remove(whole) == 0 || errno == ENOENT);
}

/* As the kernel does with an open file of a cgroup or process that has gone: the file
 * stays open and can not be read any more.  Returns whether it was open. */
static inline bool spoil(const char *path)
{
	char link[32], target[KT_PATH_MAX], wanted[KT_PATH_MAX];
	int useless = open("/", O_PATH | O_CLOEXEC);
	bool found = false;

	snprintf(wanted, sizeof wanted, "%s/%s", root, path);
	for (int fd = 3; fd < 512; fd++) {
		ssize_t n;

		snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
		n = readlink(link, target, sizeof target - 1);
		if (n < 0)
			continue;
		target[n] = '\0';
		if (strcmp(target, wanted) != 0)
			continue;
		ck_assert_int_eq(dup3(useless, fd, O_CLOEXEC), fd);
		found = true;
	}
	close(useless);
	return found;
}

static inline size_t open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	ck_assert_ptr_nonnull(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* ---- a host ---------------------------------------------------------------------------- */

#define CGROUPS "sys/fs/cgroup"
#define NODE0   "sys/devices/system/node/node0"
#define KSM     "sys/kernel/mm/ksm"

static const struct {
	const char *path, *text;
} host_files[] = {
	{ "proc/meminfo", "MemTotal: 1000 kB\nMemFree: 300 kB\nMemAvailable: 400 kB\n" },
	{ "proc/vmstat", "pgmajfault 5\n" },
	{ "proc/stat", "cpu  1 0 2 3 0 0 0 4 0 0\n" },
	{ "proc/pressure/cpu", "some avg10=0.00 total=1\n" },
	{ "proc/pressure/memory", "some avg10=0.00 total=2\n" },
	{ "proc/pressure/io", "some avg10=0.00 total=3\n" },
	{ "proc/self/schedstat", "1 2 3\n" },
	{ "proc/self/ksm_stat", "ksm_rmap_items 0\n" },
	{ "proc/self/mountinfo", "31 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n" },
	{ "proc/sys/kernel/numa_balancing", "1\n" },
	{ "proc/spl/kstat/zfs/arcstats", "name type data\nc_min 4 1024\nsize 4 4096\n" },
	{ "proc/37/stat", "37 (ksmd) S 2 0 0 0 -1 0 0 0 0 0 0 0 0 0 25 5 1 0 9 0 0\n" },
	{ "proc/37/cmdline", "" },
	{ "proc/37/schedstat", "4000 1 1\n" },
	{ CGROUPS "/cgroup.controllers", "cpuset cpu io memory pids\n" },
	{ CGROUPS "/memory.numa_stat", "" },
	{ CGROUPS "/memory.pressure", "" },
	{ NODE0 "/meminfo",
	  "Node 0 MemTotal: 1000 kB\nNode 0 MemFree: 300 kB\nNode 0 FilePages: 90 kB\n" },
	{ NODE0 "/numastat",
	  "numa_hit 1\nnuma_miss 2\nnuma_foreign 3\nlocal_node 4\nother_node 5\n" },
	{ "sys/class/net/br0/lower_eth0/mtu", "1500\n" },
	{ "sys/devices/system/node/online", "0\n" },
	{ "sys/devices/system/cpu/online", "0-3\n" },
	{ KSM "/run", "1\n" },
	{ KSM "/pages_to_scan", "100\n" },
	{ KSM "/sleep_millisecs", "20\n" },
	{ KSM "/pages_shared", "10\n" },
	{ KSM "/pages_sharing", "70\n" },
	{ KSM "/pages_unshared", "30\n" },
	{ KSM "/pages_volatile", "4\n" },
	{ KSM "/full_scans", "6\n" },
	{ KSM "/merge_across_nodes", "1\n" },
	{ KSM "/use_zero_pages", "1\n" },
	{ KSM "/ksm_zero_pages", "8\n" },
	{ KSM "/pages_scanned", "900\n" },
	{ KSM "/pages_skipped", "9\n" },
	{ KSM "/smart_scan", "1\n" },
	{ KSM "/general_profit", "-4096\n" },
	{ KSM "/advisor_mode", "[none] scan-time\n" },
};

static inline void put_host(void)
{
	for (size_t i = 0; i < KT_ARRAY_LEN(host_files); i++)
		put(host_files[i].path, host_files[i].text);
}

static inline void root_setup(void)
{
	scratch_make(root, sizeof root);
	ck_assert_int_eq(hostfs_open(root, &fs), 0);
	put_host();
}

static inline void root_teardown(void)
{
	hostfs_close(&fs);
	ck_assert_int_eq(scratch_remove(root), 0);
}

/* ---- guests ------------------------------------------------------------------------------ */

static inline struct domain domain_of(unsigned int number)
{
	struct domain d = { .id = (int)number, .running = true, .vcpus = 1 };

	d.uuid.byte[14] = (uint8_t)(number >> 8);
	d.uuid.byte[15] = (uint8_t)number;
	snprintf(d.name, sizeof d.name, "guest-%u", number);
	return d;
}

static inline void put_stat(const char *path, pid_t pid, uint64_t nthreads, uint64_t start_ticks)
{
	putf(path,
	     "%d (qemu (x) y) S 1 1 1 0 -1 0 0 0 0 0 50 7 0 0 20 0 %" PRIu64 " 0 %" PRIu64
	     " 0 25 0 0 0\n",
	     pid, nthreads, start_ticks);
}

static inline void put_thread(pid_t pid, pid_t tid, uint64_t start_ticks, const char *comm)
{
	char path[96];

	snprintf(path, sizeof path, "proc/%d/task/%d/stat", pid, tid);
	put_stat(path, tid, 1, start_ticks);
	snprintf(path, sizeof path, "proc/%d/task/%d/comm", pid, tid);
	put(path, comm);
	snprintf(path, sizeof path, "proc/%d/task/%d/schedstat", pid, tid);
	putf(path, "%d0 %d 1\n", tid, tid);
	snprintf(path, sizeof path, "proc/%d/task/%d/status", pid, tid);
	put(path, "Name:\tx\nCpus_allowed:\tf\nCpus_allowed_list:\t0-3\n");
}

static inline void drop_thread(pid_t pid, pid_t tid)
{
	char path[64];

	snprintf(path, sizeof path, "proc/%d/task/%d", pid, tid);
	drop(path);
}

static inline void put_process_stat(pid_t pid, uint64_t nthreads, uint64_t start_ticks)
{
	char path[64];

	snprintf(path, sizeof path, "proc/%d/stat", pid);
	put_stat(path, pid, nthreads, start_ticks);
}

static inline void put_command_line(pid_t pid, unsigned int number)
{
	struct domain d = domain_of(number);
	char path[64], text[128], uuid[KT_UUID_STR];
	int n;

	n = snprintf(text, sizeof text, "/usr/bin/qemu-system-x86_64%c-uuid%c%s", 0, 0,
		     uuid_str(&d.uuid, uuid));
	snprintf(path, sizeof path, "proc/%d/cmdline", pid);
	put_bytes(path, text, (size_t)n + 1);
}

static inline const char *cgroup_of(unsigned int number, const char *file)
{
	static char path[192];

	snprintf(path, sizeof path,
		 CGROUPS "/machine.slice/machine-qemu\\x2d%u\\x2dguest.scope/libvirt/%s", number,
		 file);
	return path;
}

static inline void put_cgroup(unsigned int number)
{
	put(cgroup_of(number, "memory.stat"),
	    "anon 4096\nfile 2048\nworkingset_refault_anon 7\npgmajfault 8\n");
	put(cgroup_of(number, "memory.numa_stat"), "anon N0=4096\nfile N0=0\nshmem N0=1024\n");
	put(cgroup_of(number, "memory.current"), "8192\n");
	put(cgroup_of(number, "memory.pressure"), "some total=9\nfull avg10=0.00 total=10\n");
	put(cgroup_of(number, "emulator/cpuset.cpus.effective"), "3\n");
	put(cgroup_of(number, "../cpuset.cpus.effective"), "1-2\n");
}

/* With its main thread and vCPU 0, whose tid is the next; the pid is its start time. */
static inline void put_guest(unsigned int number, pid_t pid)
{
	char path[64];

	put_command_line(pid, number);
	put_process_stat(pid, 2, (uint64_t)pid);
	put_thread(pid, pid, (uint64_t)pid, "qemu-system-x86\n");
	put_thread(pid, pid + 1, (uint64_t)pid, "CPU 0/KVM\n");
	snprintf(path, sizeof path, "proc/%d/ksm_stat", pid);
	put(path, "ksm_rmap_items 5\nksm_merging_pages 6\nksm_process_profit -7\n");
	snprintf(path, sizeof path, "proc/%d/numa_maps", pid);
	put(path, "7f00 default anon=9 N9=9 kernelpagesize_kB=4\n");
	snprintf(path, sizeof path, "proc/%d/cgroup", pid);
	putf(path, "0::/machine.slice/machine-qemu\\x2d%u\\x2dguest.scope/libvirt/emulator\n",
	     number);
	put_cgroup(number);
}

static inline void drop_process(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof path, "proc/%d", pid);
	drop(path);
}

#endif
