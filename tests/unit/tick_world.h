/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A whole daemon but for its loop, over a scratch host of two nodes that is short of memory,
 * with two guests on the wrong CPUs and a libvirt that does what it is asked for. */
#ifndef KT_TICK_WORLD_H
#define KT_TICK_WORLD_H

#include "audit_run.h"
#include "kvmtuned.h"
#include "sense_root.h"
#include "tick_files.h"
#include "tick_guest.h"

#include "faulty.h"

#define BALANCING  "proc/sys/kernel/numa_balancing"
#define SWAPPINESS "proc/sys/vm/swappiness"

#define IRQ "proc/irq/40"

enum { TICK_S = 5, AUDIT_S = 300, GUESTS = 2, THREADS = 2, LINES = 64, SWAP_KIB = 8 << 20 };

/* Which world there is. */
static enum world {
	WORLD_V2,
	WORLD_V1,       /* cgroups of v1 */
	WORLD_SWITCHES, /* nobody is placed, what is off by default is written, and what the other
			   two limit is reclaimed */
	WORLDS
} world;

/* Without swap nobody's memory is taken. */
static uint64_t world_swap_kib;

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
	/* By number of the guest, from 1; one more may come along.  CPUs: of all, and vCPU 0. */
	struct cpumask cpus[GUESTS + 2][THREADS];
	uint64_t limit_kib[GUESTS + 2], usage_kib[GUESTS + 2];
	bool is_taken_from[GUESTS + 2]; /* a plan wishes to reclaim */
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
	ck_assert_uint_lt(libvirt.nreplies, KT_ARRAY_LEN(libvirt.reply));
	libvirt.limit_kib[uuid->byte[15]] = order->kib;
	libvirt.reply[libvirt.nreplies++] =
		(struct vm_reply){ .uuid = *uuid, .soft_limit_kib = order->kib };
	return 0;
}

static inline void guest_uses(unsigned int number, uint64_t kib)
{
	libvirt.usage_kib[number] = kib;
	put_usage(number, kib, GUEST_KIB - kib, world == WORLD_V1);
}

/* The kernel takes what is above it, and an event tells of it. */
static inline void limit_works(const struct uuid *uuid)
{
	int slot = domains_find(k->domains, uuid);
	uint64_t kib = libvirt.limit_kib[uuid->byte[15]];

	ck_assert_int_ge(slot, 0);
	k->domains->slot[slot].domain.soft_limit_kib = kib;
	domains_touch(k->domains, (size_t)slot);
	if (kib < libvirt.usage_kib[uuid->byte[15]])
		guest_uses(uuid->byte[15], kib);
}

static inline void libvirt_answers(void)
{
	for (size_t i = 0; i < libvirt.nreplies; i++) {
		if (!libvirt.reply[i].is_pin)
			limit_works(&libvirt.reply[i].uuid);
		act_reply(k->act, &libvirt.reply[i], now_ns);
	}
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
	putf("proc/meminfo",
	     "MemTotal: 16777216 kB\nMemFree: 1048576 kB\nMemAvailable: 1258291 kB\n"
	     "Buffers: 0 kB\nCached: 0 kB\nSwapTotal: %" PRIu64 " kB\nSwapFree: %" PRIu64 " kB\n",
	     world_swap_kib, world_swap_kib);
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

/* Its memory is on one node, and nobody has pinned it. */
static inline void put_world_guest(unsigned int number, unsigned int node)
{
	struct domain d = domain_of(number);

	put_tick_guest(number, node, world == WORLD_V1);
	if (world == WORLD_SWITCHES)
		put(cgroup_of(number, "memory.reclaim"), "");
	d.memory_kib = GUEST_KIB;
	d.soft_limit_kib = d.hard_limit_kib = KT_UNLIMITED_KIB;
	libvirt.limit_kib[number] = KT_UNLIMITED_KIB;
	libvirt.usage_kib[number] = GUEST_KIB;
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
	p->memory.backoff_s = 60;
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

/* Whose memory is nobody's to take; the other guest is idle. */
static inline unsigned int busy_guest(void)
{
	return world == WORLD_SWITCHES ? 1 : 2;
}

static uint64_t busy_ns;

/* Whom the reclaimer would be told to take memory from: of a scratch host it takes none. */
static inline void note_reclaim(void)
{
	for (size_t i = 0; i < k->plan->nslots; i++) {
		const struct guest_plan *g = &k->plan->guest[i];

		if (g->present && g->memory.wish == WISH_SET && g->memory.means == MEMORY_RECLAIM)
			libvirt.is_taken_from[g->uuid.byte[15]] = true;
	}
}

static inline int tick(void)
{
	int r;

	now_ns += TICK_S * KT_NS_PER_S;
	busy_ns += TICK_S * KT_NS_PER_S / 10 * 9;
	guest_runs(busy_guest(), busy_ns);
	r = kvmtuned_tick(k, now_ns);
	if (r == 0)
		note_reclaim();
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
	for (unsigned int g = 1; g <= GUESTS && world_swap_kib; g++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%s ",
				      libvirt.limit_kib[g] != KT_UNLIMITED_KIB ? "limited"
				      : libvirt.is_taken_from[g]               ? "taken-from"
									       : "whole");
	if (world == WORLD_SWITCHES)
		snprintf(text + n, sizeof text - n, "%s", switches());
	return text;
}

#endif
