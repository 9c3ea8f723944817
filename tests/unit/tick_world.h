/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A whole daemon but for its loop, over a scratch host of two nodes that is short of memory,
 * with two guests on the wrong CPUs and a libvirt that does what it is asked for. */
#ifndef KT_TICK_WORLD_H
#define KT_TICK_WORLD_H

#include "audit_run.h"
#include "kvmtuned.h"
#include "sense_root.h"
#include "tick_files.h"

#include "faulty.h"

#define BALANCING  "proc/sys/kernel/numa_balancing"
#define SWAPPINESS "proc/sys/vm/swappiness"

#define IRQ "proc/irq/40"

enum { TICK_S = 5, AUDIT_S = 300, GUESTS = 2, THREADS = 2, LINES = 64 };

/* Which world there is. */
static enum world {
	WORLD_V2,
	WORLD_V1,       /* cgroups of v1 */
	WORLD_SWITCHES, /* nobody is placed, and what is off by default is written */
	WORLDS
} world;

static struct kvmtuned *k;
static uint64_t now_ns;
static char run_dir[64];

/* ---- what is said -------------------------------------------------------------------------- */

/* Warnings and errors. */
static struct {
	size_t n;
	char text[LINES][512];
	enum log_event_id id[LINES];
} lines;

static inline void keep_line(const struct log_event *e, void *context)
{
	(void)context;
	if (e->level > LOG_LEVEL_WARNING || lines.n == LINES)
		return;
	lines.id[lines.n] = e->id;
	snprintf(lines.text[lines.n++], sizeof lines.text[0], "%s", e->message);
}

/* ---- a libvirt ----------------------------------------------------------------------------- */

static struct {
	size_t nreplies;
	struct vm_reply reply[256];
	struct cpumask cpus[GUESTS + 1][THREADS]; /* by number of the guest; of all, and vCPU 0 */
} libvirt;

static inline int libvirt_pins(void *context, const struct uuid *uuid,
			       const struct pin_order *order)
{
	(void)context;
	ck_assert_uint_lt(libvirt.nreplies, KT_ARRAY_LEN(libvirt.reply));
	libvirt.cpus[uuid->byte[15]][order->role == THREAD_VCPU] = order->cpus;
	libvirt.reply[libvirt.nreplies++] = (struct vm_reply){ .uuid = *uuid,
							       .is_pin = true,
							       .role = order->role,
							       .number = order->number,
							       .cpus = order->cpus };
	return 0;
}

static inline int libvirt_limits(void *context, const struct uuid *uuid,
				 const struct limit_order *order)
{
	(void)context;
	libvirt.reply[libvirt.nreplies++] =
		(struct vm_reply){ .uuid = *uuid, .soft_limit_kib = order->kib };
	return 0;
}

static inline void libvirt_answers(void)
{
	for (size_t i = 0; i < libvirt.nreplies; i++)
		act_reply(k->act, &libvirt.reply[i], now_ns);
	libvirt.nreplies = 0;
}

/* ---- the host ------------------------------------------------------------------------------ */

/* An administrator who likes neither pages of two nodes merged, nor interrupts everywhere. */
static inline void put_switches(void)
{
	put(KSM "/pages_shared", "0\n"); /* else busy */
	put(KSM "/pages_sharing", "0\n");
	put(KSM "/use_zero_pages", "0\n");
	put(KSM "/advisor_mode", "none [scan-time]\n");
	put(IRQ "/nvme0q0/x", "");
	put(IRQ "/smp_affinity_list", "0-3\n");
	put(IRQ "/effective_affinity_list", "2\n");
}

static inline void put_world(void)
{
	put("proc/meminfo", "MemTotal: 16777216 kB\nMemFree: 1048576 kB\nMemAvailable: 1258291 kB\n"
			    "Buffers: 0 kB\nCached: 0 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n");
	put("proc/stat", "cpu  1 0 2 30000 0 0 0 4 0 0\ncpu0 1 0 1 7500\ncpu1 1 0 1 7500\n"
			 "cpu2 1 0 1 7500\ncpu3 1 0 1 7500\n");
	put("sys/devices/system/node/online", "0-1\n");
	for (unsigned int cpu = 0; cpu < 4; cpu++)
		put_cpu(cpu);
	put_node(0, 600);
	put_node(1, 2600);
	put(KSM "/run", "0\n");
	put(BALANCING, "1\n");
	put(SWAPPINESS, "60\n");
	put_audit_files(world == WORLD_V1);
	if (world == WORLD_V1) {
		put("proc/self/mountinfo",
		    "31 23 0:26 / /" CGROUPS "/memory rw - cgroup cgroup rw,memory\n"
		    "32 23 0:27 / /" CGROUPS "/cpuset rw - cgroup cgroup rw,cpuset\n");
		put(CGROUPS "/memory/memory.numa_stat", "");
	}
	if (world == WORLD_SWITCHES)
		put_switches();
}

static inline const char *v1_cgroup_of(unsigned int number, const char *controller,
				       const char *file)
{
	static char path[192];

	snprintf(path, sizeof path, CGROUPS "/%s/machine/qemu-%u-guest.libvirt-qemu/%s", controller,
		 number, file);
	return path;
}

static inline void put_v1_cgroups(unsigned int number, pid_t pid, unsigned int node)
{
	char path[64];

	drop(cgroup_of(number, ".."));
	snprintf(path, sizeof path, "proc/%d/cgroup", pid);
	putf(path,
	     "5:cpuset:/machine/qemu-%u-guest.libvirt-qemu/emulator\n"
	     "4:memory:/machine/qemu-%u-guest.libvirt-qemu\n",
	     number, number);
	putf(v1_cgroup_of(number, "memory", "memory.numa_stat"),
	     "anon=524288 N%u=524288 N%u=0\nunevictable=0 N0=0 N1=0\n", node, !node);
	put(v1_cgroup_of(number, "memory", "memory.stat"),
	    "cache 2048\nrss 2147483648\nrss_huge 0\nshmem 0\nswap 0\npgmajfault 8\n");
	put(v1_cgroup_of(number, "memory", "memory.usage_in_bytes"), "2147483648\n");
	put(v1_cgroup_of(number, "memory", "memory.limit_in_bytes"), "9223372036854771712\n");
	put(v1_cgroup_of(number, "memory", "memory.swappiness"), "60\n");
	put(v1_cgroup_of(number, "cpuset", "cpuset.cpus"), "0-3\n");
	put(v1_cgroup_of(number, "cpuset", "cpuset.effective_cpus"), "0-3\n");
	put(v1_cgroup_of(number, "cpuset", "emulator/cpuset.cpus"), "0-3\n");
	putf(v1_cgroup_of(number, "cpuset", "emulator/tasks"), "%d\n%d\n", pid, pid + 1);
}

/* Its memory is on one node, and nobody has pinned it. */
static inline void put_world_guest(unsigned int number, unsigned int node)
{
	pid_t pid = (pid_t)(1000 + 10 * number);
	struct domain d = domain_of(number);
	char path[64];

	put_guest(number, pid);
	putf(cgroup_of(number, "memory.numa_stat"),
	     "anon N%u=2147483648 N%u=0\nfile N0=0 N1=0\nshmem N0=0 N1=0\n", node, !node);
	put(cgroup_of(number, "memory.stat"),
	    "anon 2147483648\nfile 2048\nworkingset_refault_anon 7\npgmajfault 8\n");
	put(cgroup_of(number, "memory.current"), "2147483648\n");
	put(cgroup_of(number, "emulator/cpuset.cpus.effective"), "0-3\n");
	put(cgroup_of(number, "../cpuset.cpus.effective"), "0-3\n");
	putf(cgroup_of(number, "emulator/cgroup.threads"), "%d\n%d\n", pid, pid + 1);
	put_limits(number);
	snprintf(path, sizeof path, "proc/%d/comm", pid);
	put(path, "qemu-system-x86\n");
	if (world == WORLD_V1) {
		put_v1_cgroups(number, pid, node);
		put_pid_file(number, pid);
	}
	d.memory_kib = 2 * 1024 * 1024;
	d.soft_limit_kib = d.hard_limit_kib = KT_UNLIMITED_KIB;
	ck_assert_int_ge(domains_put(k->domains, &d), 0);
}

static inline bool is_on_file(const char *path)
{
	char undo[80];

	(void)path;
	snprintf(undo, sizeof undo, "%s/undo", run_dir);
	return access(undo, F_OK) == 0;
}

static inline void apply_rule(const char *id)
{
	for (unsigned int i = 0; host_rule_id(i); i++)
		if (strcmp(host_rule_id(i), id) == 0)
			k->conf.policy.host.apply |= UINT64_C(1) << i;
}

static inline void configure(void)
{
	struct policy_conf *p = &k->conf.policy;

	conf_defaults(&k->conf);
	p->ksm.policy = KSM_POLICY_KSMTUNED;
	p->ksm.interval_s = TICK_S;
	p->placement.backend = PLACEMENT_LIBVIRT;
	p->placement.memory = MEMORY_LEAVE;
	p->placement.cooldown_s = 60;
	p->placement.numa_balancing = BALANCING_OFF;
	k->conf.audit_interval_s = AUDIT_S;
	apply_rule("host-swappiness");
	if (world != WORLD_SWITCHES)
		return;
	p->ksm.merge_across_nodes = KSM_NODES_APART;
	p->ksm.use_zero_pages = KSM_SWITCH_ON;
	p->ksm.advisor = KSM_ADVISOR_TAKE_OVER;
	p->placement.mode = LOOP_OFF;
	cpumask_set(&p->placement.reserved_cpus, 0);
	apply_rule("host-irq-affinity");
}

/* A hundred files, written anew for each of thousands of rows: on a disk that takes ten times as
 * long as all else. */
static inline void host_begins(void)
{
	if (access("/dev/shm", W_OK) == 0)
		(void)setenv("TMPDIR", "/dev/shm", 0);
	root_setup();
	put_world();
	snprintf(run_dir, sizeof run_dir, "%s/run-kvmtuned", root);
	lines.n = 0;
	memset(&libvirt, 0, sizeof libvirt);
	now_ns = 1000 * KT_NS_PER_S;
	k = kvmtuned_new();
	ck_assert_ptr_nonnull(k);
	ck_assert_int_eq(hostfs_open(root, &k->fs), 0);
	configure();
	log_set_sink(keep_line, NULL, LOG_LEVEL_WARNING);
	ck_assert_int_eq(sense_topology(&k->fs, &k->topology), 0);
	faulty_begin(k->fs.root_fd);
	faulty_may_write = is_on_file;
}

static inline void daemon_begins(void)
{
	ck_assert_int_eq(sense_new(&k->fs, &k->sense), 0);
	k->vm_ops = (struct vm_ops){ .pin = libvirt_pins, .set_soft_limit = libvirt_limits };
	ck_assert_int_eq(act_new(&k->fs, run_dir, &k->vm_ops, &k->act), 0);
	k->guests_known = k->link_told = k->link_up = true;
	for (unsigned int n = 1; n <= GUESTS; n++)
		put_world_guest(n, n - 1);
}

static inline void world_begins(void)
{
	host_begins();
	daemon_begins();
}

static inline void world_ends(void)
{
	faulty_ends();
	ck_assert_msg(!faulty_unfiled, "written before it was on file");
	faulty_root_fd = -1;
	kvmtuned_free(k);
	root_teardown();
}

static inline int tick(void)
{
	int r;

	now_ns += TICK_S * KT_NS_PER_S;
	r = kvmtuned_tick(k, now_ns);
	audit_tick(k, now_ns);
	libvirt_answers();
	return r;
}

static inline void ticks(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		(void)tick();
}

/* ---- what is in force ---------------------------------------------------------------------- */

static inline const char *text_of(const char *path)
{
	static char text[4][256];
	static unsigned int next;
	char *t = text[next++ % 4], whole[KT_PATH_MAX];
	FILE *f;
	size_t n;

	snprintf(whole, sizeof whole, "%s/%s", root, path);
	f = fopen(whole, "r");
	if (!f)
		return "";
	n = fread(t, 1, sizeof text[0] - 1, f);
	t[n] = '\0';
	fclose(f);
	return t;
}

static const char *const switch_files[] = { KSM "/merge_across_nodes", KSM "/use_zero_pages",
					    KSM "/advisor_mode", IRQ "/smp_affinity_list" };

/* What only WORLD_SWITCHES changes. */
static inline const char *switches(void)
{
	static char text[256];
	size_t n = 0;

	for (size_t i = 0; i < KT_ARRAY_LEN(switch_files); i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%.*s ",
				      (int)strcspn(text_of(switch_files[i]), "\n"),
				      text_of(switch_files[i]));
	return text;
}

/* On one line. */
static inline const char *in_force(void)
{
	static char text[512];
	char cpus[KT_CPULIST_MAX];
	const char *const files[] = { KSM "/run", KSM "/pages_to_scan", KSM "/sleep_millisecs",
				      BALANCING, SWAPPINESS };
	size_t n = 0;

	for (size_t i = 0; i < KT_ARRAY_LEN(files); i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%.*s ",
				      (int)strcspn(text_of(files[i]), "\n"), text_of(files[i]));
	for (unsigned int g = 1; g <= GUESTS; g++)
		for (unsigned int t = 0; t < THREADS; t++)
			n += (size_t)snprintf(text + n, sizeof text - n, "%s ",
					      cpumask_str(&libvirt.cpus[g][t], cpus, sizeof cpus));
	if (world == WORLD_SWITCHES)
		snprintf(text + n, sizeof text - n, "%s", switches());
	return text;
}

#endif
