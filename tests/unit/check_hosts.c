/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Do we read real machines as they are?
 *
 * Each folder of tests/hosts is one: recorded by tests/hosts/record, or made by hand in the
 * same form.  Everything that sense says of it, printed as "key = value" where the value
 * is not zero, must be its expect.txt.  With a folder as argument this program prints that
 * text instead of testing; read the difference before believing it. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "audit_print.h"
#include "kt_check.h"
#include "sense.h"
#include "str.h"

#define HOSTS KT_TESTS_DIR "/hosts"

enum { HOSTS_MIN = 7 };

/* ---- structs as text ---------------------------------------------------------------------- */

struct field {
	const char *name;
	size_t offset;
	char kind;
};

#define FIELD(type, member)                                                                        \
	{                                                                                          \
#member, offsetof(struct type, member),                                            \
			_Generic(((struct type *)0)->member, uint64_t                              \
				 : 'u', int64_t                                                    \
				 : 'i', int                                                        \
				 : 'd', unsigned int                                               \
				 : 'n', bool                                                       \
				 : 'b')                                                            \
	}
#define H(member) FIELD(host_sample, member)
#define G(member) FIELD(guest_sample, member)
#define C(member) FIELD(capabilities, member)
#define T(member) FIELD(topology, member)

static const struct field capability_fields[] = {
	C(psi_memory),       C(psi_cgroup),      C(ksm),           C(ksm_advisor),
	C(ksm_smart_scan),   C(ksm_per_process), C(memory_cgroup), C(cgroup_v2),
	C(cgroup_numa_stat), C(node_numastat),   C(schedstat),
};

static const struct field topology_fields[] = { T(nnodes), T(ncpu_nodes), T(ncores), T(ncaches) };

static const struct field host_fields[] = {
	H(mem_total_kib),
	H(mem_free_kib),
	H(mem_available_kib),
	H(buffers_kib),
	H(cached_kib),
	H(shmem_kib),
	H(swap_total_kib),
	H(swap_free_kib),
	H(pswpin_total),
	H(pswpout_total),
	H(pgmajfault_total),
	H(oom_kill_total),
	H(cow_ksm_total),
	H(pgmigrate_success_total),
	H(pgmigrate_fail_total),
	H(cpu_user_hz_total),
	H(cpu_idle_hz_total),
	H(cpu_steal_hz_total),
	H(numad_runs),
	H(has_numa_balancing),
	H(numa_balancing),
	H(psi_cpu.present),
	H(psi_cpu.some_us_total),
	H(psi_cpu.full_us_total),
	H(psi_memory.present),
	H(psi_memory.some_us_total),
	H(psi_memory.full_us_total),
	H(psi_io.present),
	H(psi_io.some_us_total),
	H(psi_io.full_us_total),
	H(ksm.present),
	H(ksm.run),
	H(ksm.pages_to_scan),
	H(ksm.sleep_ms),
	H(ksm.shared_pages),
	H(ksm.sharing_pages),
	H(ksm.unshared_pages),
	H(ksm.volatile_pages),
	H(ksm.full_scans),
	H(ksm.merge_across_nodes),
	H(ksm.use_zero_pages),
	H(ksm.advisor),
	H(ksm.has_smart_scan),
	H(ksm.smart_scan),
	H(ksm.has_zero_pages),
	H(ksm.zero_pages),
	H(ksm.has_scanned),
	H(ksm.scanned_total),
	H(ksm.skipped_total),
	H(ksm.has_profit),
	H(ksm.profit_bytes),
	H(ksm.has_ksmd),
	H(ksm.ksmd_cpu_ns_total),
};

#define N(member) FIELD(node_sample, member)

static const struct field node_fields[] = {
	N(present),          N(mem_total_kib),    N(mem_free_kib),    N(file_kib),
	N(has_numastat),     N(numa_hit_total),   N(numa_miss_total), N(numa_foreign_total),
	N(local_node_total), N(other_node_total),
};

static const struct field guest_fields[] = {
	G(present),
	G(pid),
	G(start_ticks),
	G(rss_kib),
	G(nthreads),
	G(cpu_hz_total),
	G(device_nodes),
	G(pci_nodes),
	G(has_node_memory),
	G(has_cgroup),
	G(cgroup_v2),
	G(usage_kib),
	G(anon_kib),
	G(file_kib),
	G(shmem_kib),
	G(has_reclaim),
	G(swap_kib),
	G(pgmajfault_total),
	G(refault_total),
	G(psi_memory.present),
	G(psi_memory.some_us_total),
	G(psi_memory.full_us_total),
	G(has_ksm),
	G(ksm_rmap_pages),
	G(ksm_merging_pages),
	G(ksm_zero_pages),
	G(ksm_profit_bytes),
};

static void print_field(FILE *out, const char *prefix, const char *object, const struct field *f)
{
	const void *p = object + f->offset;
	int64_t value = 0;

	switch (f->kind) {
	case 'u':
		if (*(const uint64_t *)p)
			fprintf(out, "%s%s = %" PRIu64 "\n", prefix, f->name, *(const uint64_t *)p);
		return;
	case 'i':
		value = *(const int64_t *)p;
		break;
	case 'd':
	case 'n':
		value = *(const int *)p;
		break;
	default:
		value = *(const bool *)p;
	}
	if (value)
		fprintf(out, "%s%s = %" PRId64 "\n", prefix, f->name, value);
}

#define PRINT(out, prefix, object, fields)                                                         \
	for (size_t i_ = 0; i_ < KT_ARRAY_LEN(fields); i_++)                                       \
	print_field(out, prefix, (const char *)(object), &(fields)[i_])

static void print_cpus(FILE *out, const char *prefix, const char *name, const struct cpumask *m)
{
	char text[KT_CPULIST_MAX];

	if (!cpumask_empty(m))
		fprintf(out, "%s%s = %s\n", prefix, name, cpumask_str(m, text, sizeof text));
}

static void print_distances(FILE *out, unsigned int node, const struct node_topology *n)
{
	fprintf(out, "topology.node%u.distance =", node);
	for (unsigned int to = 0; to < KT_NODES_MAX; to++)
		if (n->distance[to])
			fprintf(out, " %u:%u", to, n->distance[to]);
	fputc('\n', out);
}

static void print_topology(FILE *out, const struct topology *t)
{
	char prefix[32];

	PRINT(out, "topology.", t, topology_fields);
	print_cpus(out, "topology.", "online", &t->online);
	print_cpus(out, "topology.", "usable", &t->usable);
	for (unsigned int id = 0; id < KT_NODES_MAX; id++) {
		if (!t->node[id].present)
			continue;
		snprintf(prefix, sizeof prefix, "topology.node%u.", id);
		print_cpus(out, prefix, "cpus", &t->node[id].cpus);
		fprintf(out, "%sncores = %u\n", prefix, t->node[id].ncores);
		fprintf(out, "%smem_total_kib = %" PRIu64 "\n", prefix, t->node[id].mem_total_kib);
		print_distances(out, id, &t->node[id]);
	}
	for (unsigned int i = 0; i < t->ncaches; i++) {
		snprintf(prefix, sizeof prefix, "topology.cache%u.", i);
		fprintf(out, "%snode = %u\n%sncores = %u\n", prefix, t->cache[i].node, prefix,
			t->cache[i].ncores);
		print_cpus(out, prefix, "cpus", &t->cache[i].cpus);
	}
	fprintf(out, "topology.core_of =");
	for (unsigned int cpu = 0; cpu < KT_CPUS_MAX; cpu++)
		if (cpumask_test(&t->online, cpu))
			fprintf(out, " %u:%u", cpu, t->core_of[cpu]);
	fputc('\n', out);
}

static void print_host(FILE *out, const struct host_sample *h)
{
	char prefix[32];

	PRINT(out, "host.", h, host_fields);
	for (unsigned int cpu = 0; cpu < KT_CPUS_MAX; cpu++)
		if (h->idle_hz_of_cpu[cpu])
			fprintf(out, "host.cpu%u.idle_hz_total = %" PRIu64 "\n", cpu,
				h->idle_hz_of_cpu[cpu]);
	for (unsigned int id = 0; id < KT_NODES_MAX; id++) {
		snprintf(prefix, sizeof prefix, "host.node%u.", id);
		PRINT(out, prefix, &h->node[id], node_fields);
	}
}

static void print_thread(FILE *out, const char *guest, const struct guest_thread *t)
{
	static const char *const roles[] = { "emulator", "vcpu", "iothread", "vhost" };
	char text[KT_CPULIST_MAX];

	fprintf(out,
		"%sthread%d = %s %u start %" PRIu64 " run %" PRIu64 " delay %" PRIu64 " on %s\n",
		guest, t->tid, roles[t->role], t->number, t->start_ticks, t->run_ns_total,
		t->delay_ns_total, cpumask_str(&t->first_allowed, text, sizeof text));
}

static int by_tid(const void *a, const void *b)
{
	return ((const struct guest_thread *)a)->tid - ((const struct guest_thread *)b)->tid;
}

/* The order of a folder is the file system's. */
static void print_threads(FILE *out, const char *prefix, const struct guest_sample *g)
{
	KT_AUTOFREE struct guest_thread *sorted = calloc(g->nthreads + 1, sizeof *sorted);

	if (!sorted)
		abort();
	if (g->nthreads)
		memcpy(sorted, g->threads, g->nthreads * sizeof *sorted);
	qsort(sorted, g->nthreads, sizeof *sorted, by_tid);
	for (size_t i = 0; i < g->nthreads; i++)
		print_thread(out, prefix, &sorted[i]);
}

static void print_guest(FILE *out, const char *name, const struct guest_sample *g)
{
	char prefix[KT_NAME_MAX + 2];

	snprintf(prefix, sizeof prefix, "%s.", name);
	if (!g->present)
		fprintf(out, "%spresent = 0\n", prefix);
	PRINT(out, prefix, g, guest_fields);
	print_cpus(out, prefix, "cpuset", &g->cpuset);
	for (unsigned int id = 0; id < KT_NODES_MAX; id++)
		if (g->node_memory_kib[id])
			fprintf(out, "%snode%u.memory_kib = %" PRIu64 "\n", prefix, id,
				g->node_memory_kib[id]);
	print_threads(out, prefix, g);
}

/* ---- a recorded host ------------------------------------------------------------------------ */

/* "UUID NAME ID VCPUS MEMORY_KIB FLAGS" */
static int add_domain(void *context, char *line)
{
	struct domain d = { 0 };
	char uuid[64], flags[128];

	if (sscanf(line, "%63s %255s %d %u %" SCNu64 " %127s", uuid, d.name, &d.id, &d.vcpus,
		   &d.memory_kib, flags) != 6 ||
	    uuid_parse(uuid, &d.uuid) < 0)
		return -EINVAL;
	d.running = strstr(flags, "running");
	d.hugepages = strstr(flags, "hugepages");
	return domains_put(context, &d) < 0 ? -ENOSPC : 0;
}

static int print_samples(FILE *out, const struct hostfs *fs, const struct domains *ds)
{
	static struct sample sample;
	struct sense *sense;
	int r = sense_new(fs, &sense);

	if (r < 0)
		return r;
	/* Twice: from files that are being opened, and from open ones. */
	r = sense_read(sense, ds, 1, &sample);
	if (r == 0)
		r = sense_read(sense, ds, 2, &sample);
	PRINT(out, "capabilities.", sense_capabilities(sense), capability_fields);
	if (r == 0) {
		print_host(out, &sample.host);
		for (size_t i = 0; i < ds->nslots; i++)
			print_guest(out, ds->slot[i].domain.name, &sample.guest[i]);
	}
	sense_free(sense);
	return r;
}

/* The whole text about the host in this folder; -errno of whatever failed. */
static int print_all(FILE *out, const char *folder)
{
	static struct audit_host audit;
	static struct topology topology;
	struct domains *ds = domains_new();
	struct hostfs fs;
	char line[512];
	int r = ds ? hostfs_open(folder, &fs) : -ENOMEM;

	if (r < 0) {
		domains_free(ds);
		return r;
	}
	r = hostfs_each_line(&fs, "domains.txt", line, sizeof line, add_domain, ds);
	if (r == 0)
		r = sense_topology(&fs, &topology);
	if (r == 0)
		print_topology(out, &topology);
	if (r == 0)
		r = print_samples(out, &fs, ds);
	if (r == 0) {
		sense_audit(&fs, &audit);
		print_audit(out, &audit);
	}
	hostfs_close(&fs);
	domains_free(ds);
	return r;
}

static char *hosts[64];
static int nhosts;

static int is_host(const struct dirent *e)
{
	return e->d_name[0] >= '0' && e->d_name[0] <= '9';
}

static void find_hosts(void)
{
	struct dirent **entry;
	int n = scandir(HOSTS, &entry, is_host, alphasort);

	for (int i = 0; i < n; i++) {
		if (nhosts < (int)KT_ARRAY_LEN(hosts))
			hosts[nhosts++] = strdup(entry[i]->d_name);
		free(entry[i]);
	}
	if (n >= 0)
		free(entry);
}

static void forget_hosts(void)
{
	while (nhosts > 0)
		free(hosts[--nhosts]);
}

/* Line by line, so that the message is the first line that differs. */
static void compare(const char *host, char *said, char *expected)
{
	char *rest_said, *rest_expected;
	char *a = strtok_r(said, "\n", &rest_said), *b = strtok_r(expected, "\n", &rest_expected);

	while (a && b && strcmp(a, b) == 0) {
		a = strtok_r(NULL, "\n", &rest_said);
		b = strtok_r(NULL, "\n", &rest_expected);
	}
	ck_assert_msg(!a && !b, "%s: said \"%s\", expected \"%s\"", host, a ? a : "(end)",
		      b ? b : "(end)");
}

START_TEST(a_host_is_read_as_it_is)
{
	static char expected[KT_FILE_MAX];
	KT_AUTOFREE char *said = NULL;
	size_t length;
	FILE *out = open_memstream(&said, &length);
	struct hostfs fs;
	char folder[512];

	ck_assert_ptr_nonnull(out);
	snprintf(folder, sizeof folder, HOSTS "/%s", hosts[_i]);
	ck_assert_msg(print_all(out, folder) == 0, "%s", folder);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_int_eq(hostfs_open(folder, &fs), 0);
	ck_assert_int_gt(hostfs_read(&fs, "expect.txt", expected, sizeof expected), 0);
	hostfs_close(&fs);
	compare(hosts[_i], said, expected);
}
END_TEST

START_TEST(there_are_enough_hosts)
{
	ck_assert_int_ge(nhosts, HOSTS_MIN);
}
END_TEST

int main(int argc, char **argv)
{
	TCase *tc;
	Suite *s;
	int r;

	if (argc > 1)
		return print_all(stdout, argv[1]) < 0;
	find_hosts();
	tc = tcase_create("hosts");
	tcase_add_test(tc, there_are_enough_hosts);
	tcase_add_loop_test(tc, a_host_is_read_as_it_is, 0, nhosts);
	s = suite_create("hosts");
	suite_add_tcase(s, tc);
	r = kt_run(s);
	forget_hosts();
	return r;
}
