/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does a host of 1,024 CPUs look like? */
#include "scale_host.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util.h"

static char text[256 * 1024];

static const unsigned int vcpus_of[] = { 1, 2, 2, 4, 4, 8 };
static const uint64_t node_kib = UINT64_C(384) * 1024 * 1024;

/* ---- files ------------------------------------------------------------------------------ */

static void make_folders(const struct scale_host *h, char *path)
{
	for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdirat(h->root_fd, path, 0700) < 0 && errno != EEXIST)
			err(1, "%s", path);
		*slash = '/';
	}
}

static void put_bytes(const struct scale_host *h, const char *path, const char *bytes, size_t n)
{
	const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
	char copy[512];
	int fd = openat(h->root_fd, path, flags, 0600);

	if (fd < 0) {
		(void)snprintf(copy, sizeof copy, "%s", path);
		make_folders(h, copy);
		fd = openat(h->root_fd, path, flags, 0600);
	}
	if (fd < 0 || write(fd, bytes, n) != (ssize_t)n)
		err(1, "%s", path);
	close(fd);
}

static void put(const struct scale_host *h, const char *path, const char *contents)
{
	put_bytes(h, path, contents, strlen(contents));
}

static size_t KT_PRINTF(2, 3) append(size_t used, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(text + used, sizeof text - used, fmt, args);
	va_end(args);
	if (n < 0 || used + (size_t)n >= sizeof text)
		errx(1, "a file is too long");
	return used + (size_t)n;
}

/* ---- the host ---------------------------------------------------------------------------- */

/* As many lines as a kernel of today has, of which few are asked for. */
static void put_vmstat(const struct scale_host *h)
{
	static const char *const asked[] = { "pswpin",   "pswpout",           "pgmajfault",
					     "oom_kill", "pgmigrate_success", "pgmigrate_fail",
					     "cow_ksm" };
	size_t used = 0;

	for (unsigned int i = 0; i < 190; i++)
		used = i % 27 == 26 ? append(used, "%s 0\n", asked[i / 27 % KT_ARRAY_LEN(asked)])
				    : append(used, "nr_some_counter_%u %u\n", i, 1000 * i);
	put(h, "proc/vmstat", text);
}

static void put_nodes(const struct scale_host *h)
{
	char path[96];

	for (unsigned int n = 0; n < SCALE_NODES; n++) {
		size_t used = append(0, "Node %u MemTotal:  %" PRIu64 " kB\n", n, node_kib);

		used = append(used, "Node %u MemFree:  %" PRIu64 " kB\n", n, node_kib / 4);
		used = append(used, "Node %u FilePages:  4096 kB\nNode %u Shmem:  0 kB\n", n, n);
		for (unsigned int i = 0; i < 36; i++)
			used = append(used, "Node %u Something%u:  123456 kB\n", n, i);
		(void)snprintf(path, sizeof path, "sys/devices/system/node/node%u/meminfo", n);
		put(h, path, text);
		(void)snprintf(path, sizeof path, "sys/devices/system/node/node%u/numastat", n);
		put(h, path,
		    "numa_hit 1000000\nnuma_miss 0\nnuma_foreign 0\ninterleave_hit 1\n"
		    "local_node 1000000\nother_node 0\n");
		used = 0;
		for (unsigned int to = 0; to < SCALE_NODES; to++)
			used = append(used, "%s%u", to ? " " : "",
				      to == n           ? 10U
				      : to / 4 == n / 4 ? 16U
							: 32U);
		(void)snprintf(path, sizeof path, "sys/devices/system/node/node%u/distance", n);
		put(h, path, text);
	}
}

static void put_ksm(const struct scale_host *h)
{
	static const char *const zero[] = { "run",
					    "pages_shared",
					    "pages_sharing",
					    "pages_unshared",
					    "pages_volatile",
					    "full_scans",
					    "use_zero_pages",
					    "ksm_zero_pages",
					    "pages_scanned",
					    "pages_skipped",
					    "general_profit" };
	char path[96];

	for (size_t i = 0; i < KT_ARRAY_LEN(zero); i++) {
		(void)snprintf(path, sizeof path, "sys/kernel/mm/ksm/%s", zero[i]);
		put(h, path, "0\n");
	}
	put(h, "sys/kernel/mm/ksm/pages_to_scan", "100\n");
	put(h, "sys/kernel/mm/ksm/sleep_millisecs", "20\n");
	put(h, "sys/kernel/mm/ksm/merge_across_nodes", "1\n");
	put(h, "sys/kernel/mm/ksm/smart_scan", "1\n");
	put(h, "sys/kernel/mm/ksm/advisor_mode", "[none] scan-time\n");
}

static void put_stat(const struct scale_host *h)
{
	unsigned long idle = 100000 + h->ticks * (SCALE_HZ_PER_TICK * 3UL / 4);
	unsigned long busy = 100000 + h->ticks * (SCALE_HZ_PER_TICK / 4UL);
	size_t used =
		append(0, "cpu  %lu 0 0 %lu 0 0 0 0 0 0\n", SCALE_CPUS * busy, SCALE_CPUS * idle);

	for (unsigned int cpu = 0; cpu < SCALE_CPUS; cpu++)
		used = append(used, "cpu%u %lu 0 0 %lu 0 0 0 0 0 0\n", cpu, busy, idle);
	put(h, "proc/stat", text);
}

static void put_host(const struct scale_host *h)
{
	uint64_t all_kib = SCALE_NODES * node_kib;

	(void)append(0,
		     "MemTotal: %" PRIu64 " kB\nMemFree: %" PRIu64 " kB\nMemAvailable: %" PRIu64
		     " kB\nBuffers: 0 kB\nCached: 65536 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n"
		     "Shmem: 0 kB\n",
		     all_kib, all_kib / 4, all_kib / 4);
	put(h, "proc/meminfo", text);
	put(h, "proc/pressure/cpu", "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n");
	put(h, "proc/pressure/memory", "some avg10=0.00 total=0\nfull avg10=0.00 total=0\n");
	put(h, "proc/pressure/io", "some avg10=0.00 total=0\nfull avg10=0.00 total=0\n");
	put(h, "proc/self/schedstat", "1 2 3\n");
	put(h, "proc/self/ksm_stat", "ksm_rmap_items 0\n");
	put(h, "proc/self/mountinfo", "31 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
	put(h, "proc/sys/kernel/numa_balancing", "0\n");
	put(h, "proc/37/stat", "37 (ksmd) S 2 0 0 0 -1 0 0 0 0 0 0 0 0 0 25 5 1 0 9 0 0\n");
	put(h, "proc/37/cmdline", "");
	put(h, "proc/37/schedstat", "4000 1 1\n");
	put(h, "sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n");
	put(h, "sys/fs/cgroup/memory.numa_stat", "");
	put(h, "sys/fs/cgroup/memory.pressure", "");
	put(h, "sys/devices/system/node/online", "0-15\n");
	put(h, "sys/devices/system/cpu/online", "0-1023\n");
	put_vmstat(h);
	put_stat(h);
	put_nodes(h);
	put_ksm(h);
}

/* ---- guests ------------------------------------------------------------------------------- */

struct place {
	unsigned int number;
	pid_t pid;
	unsigned int vcpus, node;
	uint64_t start_hz, ran_hz; /* since the host's start; each of its vCPUs */
	char cgroup[96];
};

static struct place place_of(const struct scale_host *h, unsigned int number)
{
	struct place g = { .number = number,
			   .pid = (pid_t)(SCALE_PID_FIRST + SCALE_PIDS_PER_GUEST * number),
			   .vcpus = vcpus_of[number % KT_ARRAY_LEN(vcpus_of)],
			   .node = number % SCALE_NODES,
			   .start_hz = h->born[number] * (uint64_t)SCALE_HZ_PER_TICK };

	(void)snprintf(g.cgroup, sizeof g.cgroup,
		       "sys/fs/cgroup/machine.slice/machine-qemu\\x2d%u\\x2dguest.scope", number);
	if (number % h->busy_one_in == 0)
		g.ran_hz = (h->ticks - h->born[number]) * UINT64_C(100);
	return g;
}

static void put_task(const struct scale_host *h, const struct place *g, unsigned int i,
		     const char *comm)
{
	char path[96];
	pid_t tid = g->pid + (pid_t)i;
	size_t base = (size_t)snprintf(path, sizeof path, "proc/%d/task/%d/", g->pid, tid);

	(void)append(0, "%d (x) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 %" PRIu64 " 0 25 0 0 0\n",
		     tid, g->start_hz);
	strcpy(path + base, "stat");
	put(h, path, text);
	(void)append(0, "%s\n", comm);
	strcpy(path + base, "comm");
	put(h, path, text);
	strcpy(path + base, "schedstat");
	put(h, path, "1000000 1000 1\n");
	strcpy(path + base, "status");
	put(h, path, "Name:\tx\nCpus_allowed_list:\t0-1023\n");
}

static void put_tasks(const struct scale_host *h, const struct place *g)
{
	char comm[32];

	put_task(h, g, 0, "qemu-system-x86");
	for (unsigned int v = 0; v < g->vcpus; v++) {
		(void)snprintf(comm, sizeof comm, "CPU %u/KVM", v);
		put_task(h, g, 1 + v, comm);
	}
	put_task(h, g, g->vcpus + 1, "call_rcu");
	put_task(h, g, g->vcpus + 2, "IO iothread1");
	(void)snprintf(comm, sizeof comm, "vhost-%d", g->pid);
	put_task(h, g, g->vcpus + 3, comm);
}

static void put_in_cgroup(const struct scale_host *h, const struct place *g, const char *file,
			  const char *contents)
{
	char path[192];

	(void)snprintf(path, sizeof path, "%s/%s", g->cgroup, file);
	put(h, path, contents);
}

/* One line for each kind of memory, with 16 numbers: some 5 KiB. */
static void put_numa_stat(const struct scale_host *h, const struct place *g)
{
	static const char *const kind[] = {
		"anon",           "file",          "kernel_stack",     "pagetables",
		"sec_pagetables", "shmem",         "file_mapped",      "file_dirty",
		"file_writeback", "swapcached",    "anon_thp",         "file_thp",
		"shmem_thp",      "inactive_anon", "active_anon",      "inactive_file",
		"active_file",    "unevictable",   "slab_reclaimable", "slab_unreclaimable"
	};
	size_t used = 0;

	for (size_t k = 0; k < KT_ARRAY_LEN(kind); k++) {
		used = append(used, "%s", kind[k]);
		for (unsigned int n = 0; n < SCALE_NODES; n++)
			used = append(used, " N%u=%u", n,
				      k == 0 && n == g->node ? 3000000000U
				      : k == 0               ? 1048576U
							     : 0U);
		used = append(used, "\n");
	}
	put_in_cgroup(h, g, "libvirt/memory.numa_stat", text);
}

static void put_memory_stat(const struct scale_host *h, const struct place *g)
{
	size_t used = append(0, "anon 3015728640\nfile 1048576\nshmem 0\nanon_thp 0\n");

	for (unsigned int i = 0; i < 45; i++)
		used = append(used, "some_other_counter_%u 12345\n", i);
	(void)append(used, "workingset_refault_anon 0\nworkingset_refault_file 0\npgmajfault 8\n");
	put_in_cgroup(h, g, "libvirt/memory.stat", text);
}

static void put_cgroup(const struct scale_host *h, const struct place *g)
{
	put_memory_stat(h, g);
	put_numa_stat(h, g);
	put_in_cgroup(h, g, "libvirt/memory.current", "3016777216\n");
	put_in_cgroup(h, g, "libvirt/memory.swap.current", "0\n");
	put_in_cgroup(h, g, "libvirt/memory.swap.max", "max\n");
	put_in_cgroup(h, g, "libvirt/memory.max", "max\n");
	put_in_cgroup(h, g, "libvirt/memory.high", "max\n");
	put_in_cgroup(h, g, "libvirt/memory.reclaim", "");
	put_in_cgroup(h, g, "libvirt/memory.pressure",
		      "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
		      "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n");
	put_in_cgroup(h, g, "cpuset.cpus.effective", "0-1023\n");
}

/* The process, which changes; its vCPUs have run the same each. */
static void put_process_stat(const struct scale_host *h, const struct place *g)
{
	char path[64];

	(void)snprintf(path, sizeof path, "proc/%d/stat", g->pid);
	(void)append(0,
		     "%d (qemu-system-x86) S 1 1 1 0 -1 0 0 0 0 0 %" PRIu64
		     " 7 0 0 20 0 %u 0 %" PRIu64 " 0 750000 0 0 0\n",
		     g->pid, g->vcpus * g->ran_hz, g->vcpus + 4, g->start_hz);
	put(h, path, text);
}

static void put_run(const struct scale_host *h, const struct place *g)
{
	char path[96];

	put_process_stat(h, g);
	(void)append(0, "%" PRIu64 " %" PRIu64 " %u\n", 1000000 + g->ran_hz * 10000000,
		     1000 + g->ran_hz * 100000, h->ticks);
	for (unsigned int v = 0; v < g->vcpus; v++) {
		(void)snprintf(path, sizeof path, "proc/%d/task/%d/schedstat", g->pid,
			       g->pid + 1 + (pid_t)v);
		put(h, path, text);
	}
}

static void put_process(const struct scale_host *h, const struct place *g, const char *name)
{
	char path[KT_NAME_MAX + 32];
	size_t n;

	put_process_stat(h, g);
	(void)snprintf(path, sizeof path, "proc/%d/cmdline", g->pid);
	n = append(0, "/usr/bin/qemu-system-x86_64%c-uuid%c00000000-0000-0000-0000-%012x", 0, 0,
		   g->number);
	put_bytes(h, path, text, n + 1);
	(void)snprintf(path, sizeof path, "proc/%d/cgroup", g->pid);
	(void)append(0, "0::/%s/libvirt/emulator\n", g->cgroup + strlen("sys/fs/cgroup/"));
	put(h, path, text);
	(void)snprintf(path, sizeof path, "proc/%d/ksm_stat", g->pid);
	put(h, path,
	    "ksm_rmap_items 0\nksm_zero_pages 0\nksm_merging_pages 0\n"
	    "ksm_process_profit 0\n");
	(void)snprintf(path, sizeof path, "run/libvirt/qemu/%s.pid", name);
	(void)append(0, "%d\n", g->pid);
	put(h, path, text);
}

struct domain scale_host_add_guest(struct scale_host *h)
{
	struct place g;
	struct domain d;

	h->born[h->nguests + 1] = h->ticks;
	g = place_of(h, h->nguests + 1);
	d = (struct domain){ .id = (int)g.number,
			     .running = true,
			     .vcpus = g.vcpus,
			     .memory_kib = UINT64_C(4) * 1024 * 1024,
			     .soft_limit_kib = KT_UNLIMITED_KIB,
			     .hard_limit_kib = KT_UNLIMITED_KIB };

	for (unsigned int i = 0; i < sizeof g.number; i++)
		d.uuid.byte[15 - i] = (uint8_t)(g.number >> 8 * i);
	(void)snprintf(d.name, sizeof d.name, "guest-%u", g.number);
	put_process(h, &g, d.name);
	put_tasks(h, &g);
	put_cgroup(h, &g);
	h->nguests++;
	return d;
}

void scale_host_run(struct scale_host *h)
{
	h->ticks++;
	put_stat(h);
	for (unsigned int i = 1; i <= h->nguests; i++) {
		struct place g = place_of(h, i);

		if (g.ran_hz)
			put_run(h, &g);
	}
}

/* ---- life ---------------------------------------------------------------------------------- */

void scale_host_make(struct scale_host *h, unsigned int busy_one_in)
{
	*h = (struct scale_host){ .busy_one_in = busy_one_in };
	(void)snprintf(h->root, sizeof h->root, "/dev/shm/kvmtuned-scale-XXXXXX");
	if (!mkdtemp(h->root))
		err(1, "%s", h->root);
	h->root_fd = open(h->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (h->root_fd < 0)
		err(1, "%s", h->root);
	put_host(h);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

void scale_host_remove(const struct scale_host *h)
{
	if (nftw(h->root, remove_one, 16, FTW_DEPTH | FTW_PHYS) < 0)
		warn("%s", h->root);
}
