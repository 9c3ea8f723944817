/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does one guest do, and where is its memory? */
#include <errno.h>
#include <string.h>

#include "sense_private.h"
#include "str.h"

/* numa_maps walks the page tables under the mmap lock, 39 ns for each 4 KiB page (82 ms
 * at 8 GiB): small guests only, seldom, if their pages may not be asked for one by one, and
 * those with huge pages, which are few. */
static const uint64_t numa_maps_max_kib = 2 * 1024 * 1024;
static const uint64_t ns_per_hz = KT_NS_PER_S / 100;

void sense_guest_begin(struct guest_source *g, uint32_t incarnation)
{
	*g = (struct guest_source){ .incarnation = incarnation };
	for (size_t i = 0; i < _GUEST_FILE_MAX; i++)
		g->file[i] = HOSTFILE_CLOSED;
}

void sense_guest_end(struct guest_source *g)
{
	for (size_t i = 0; i < _GUEST_FILE_MAX; i++)
		hostfile_close(&g->file[i]);
	sense_threads_end(g);
	free(g->cgroup);
	free(g->cpuset);
	free(g->nodes_kib);
	*g = (struct guest_source){ 0 };
}

/* Guests that were found in one tick take turns, those of all the host were when we started. */
bool sense_is_seldom(const struct sense *s, const struct guest_source *g)
{
	return g->nsamples == 0 ||
	       (g->nsamples + (size_t)(g - s->guest)) % SAMPLES_BETWEEN_LOOKS == 0;
}

/* Its process has gone.  libvirt will say so, or it was another's and is sought anew. */
static void lose_process(struct guest_source *g)
{
	uint32_t incarnation = g->incarnation;

	sense_guest_end(g);
	sense_guest_begin(g, incarnation);
	g->next_search = 1;
}

/* Through a file that was opened when the process was found: a recycled number is
 * another process, and reading this one says ESRCH. */
static bool read_process(struct sense *s, struct guest_source *g, const struct domain *d,
			 struct pid_stat *ret)
{
	if (sense_text(s, &g->file[GUEST_STAT], "proc/%d/stat", g->pid) < 0 ||
	    parse_pid_stat(s->text, ret) < 0)
		return false;
	if (!g->start_ticks) { /* the number may have been recycled since it was found */
		if (!sense_process_is(s, g->pid, d))
			return false;
		g->start_ticks = ret->start_ticks;
	}
	return g->start_ticks == ret->start_ticks;
}

static int add_numa_maps_line(void *context, char *line)
{
	parse_numa_maps_line(line, context);
	return 0;
}

static void read_numa_maps(struct sense *s, struct guest_source *g)
{
	uint64_t kib[KT_NODES_MAX] = { 0 };
	char path[64];

	if (str_format(path, sizeof path, "proc/%d/numa_maps", g->pid) < 0 ||
	    hostfs_each_line(s->fs, path, s->text, sizeof s->text, add_numa_maps_line, kib) < 0)
		return; /* without CAP_SYS_PTRACE, or gone */
	memcpy(g->nodes_kib, kib, sizeof kib);
	g->has_nodes = true;
}

/* Most guests' cgroups tell. */
static bool has_room(struct guest_source *g)
{
	if (!g->nodes_kib)
		g->nodes_kib = calloc(KT_NODES_MAX, sizeof *g->nodes_kib);
	return g->nodes_kib;
}

/* Pages of hugetlb are not in the resident size, which a sample is scaled to.  Guests that
 * were found in one tick take turns. */
static void look_up_nodes(struct sense *s, struct guest_source *g, bool hugepages, uint64_t rss_kib)
{
	bool turn = (g->nsamples + (unsigned int)g->pid) % SAMPLES_BETWEEN_PAGES == 0;

	if (!hugepages && (turn || g->nsamples == 0))
		g->has_pages = sense_pages_read(s, g->pid, rss_kib, g->nodes_kib) == 0;
	g->has_nodes |= g->has_pages;
	if (!g->has_pages && sense_is_seldom(s, g) && (hugepages || rss_kib <= numa_maps_max_kib))
		read_numa_maps(s, g);
}

/* Where the cgroup does not tell: hugetlb is not counted there, and old v2 kernels have
 * no numa_stat. */
static void read_nodes(struct sense *s, struct guest_source *g, const struct domain *d,
		       struct guest_sample *ret)
{
	if ((ret->has_node_memory && !d->hugepages) || !has_room(g))
		return;
	look_up_nodes(s, g, d->hugepages, ret->rss_kib);
	if (!g->has_nodes)
		return;
	memcpy(ret->node_memory_kib, g->nodes_kib, sizeof ret->node_memory_kib);
	ret->has_node_memory = true;
}

/* ksm_stat has that line since 6.4; before, the number has a file of its own (5.19). */
static void read_merging(struct sense *s, struct guest_source *g, struct guest_sample *ret)
{
	if (g->lacks[GUEST_KSM_MERGING])
		return;
	if (sense_text(s, &g->file[GUEST_KSM_MERGING], "proc/%d/ksm_merging_pages", g->pid) < 0 ||
	    str_u64(s->text, &ret->ksm_merging_pages) < 0)
		g->lacks[GUEST_KSM_MERGING] = true;
}

static void read_ksm(struct sense *s, struct guest_source *g, struct guest_sample *ret)
{
	static const char key[] = "ksm_process_profit";
	const struct parse_key keys[] = { { "ksm_rmap_items", &ret->ksm_rmap_pages },
					  { "ksm_zero_pages", &ret->ksm_zero_pages },
					  { "ksm_merging_pages", &ret->ksm_merging_pages } };
	char *profit;
	ssize_t n;

	if (g->lacks[GUEST_KSM])
		return;
	n = sense_text(s, &g->file[GUEST_KSM], "proc/%d/ksm_stat", g->pid);
	if (n < 0) { /* 6.1; and not without CAP_DAC_READ_SEARCH */
		g->lacks[GUEST_KSM] = n == -ENOENT || n == -EACCES || n == -EPERM;
		return;
	}
	ret->has_ksm = parse_keys(s->text, keys, KT_ARRAY_LEN(keys)) > 0;
	profit = strstr(s->text, key); /* may be negative; 6.4, as the merged pages */
	if (!profit) {
		read_merging(s, g, ret);
		return;
	}
	profit += sizeof key - 1;
	profit += strspn(profit, " ");
	profit[strcspn(profit, "\n")] = '\0';
	if (parse_i64(profit, &ret->ksm_profit_bytes) < 0)
		ret->ksm_profit_bytes = 0;
}

static void look_around(struct sense *s, struct guest_source *g, const struct domain *d,
			const struct pid_stat *stat)
{
	bool seldom = sense_is_seldom(s, g), whole = true;

	if (!g->knows_folders)
		g->knows_folders = sense_cgroup_find(s, g) == 0;
	g->nexpected = KT_MIN(stat->nthreads, (uint64_t)KT_THREADS_MAX);
	if (seldom)
		sense_cpuset_read(s, g);
	if (seldom || stat->nthreads != g->nthreads_seen || g->nnamed < g->nthreads)
		whole = sense_threads_list(s, g);
	g->nthreads_seen = whole ? stat->nthreads : 0; /* 0: listed again next time */
	if (seldom || d->ndevices != g->ndevices_seen)
		sense_device_nodes(s, d, &g->device_nodes, &g->pci_nodes);
	g->ndevices_seen = d->ndevices;
}

static uint64_t rss_kib_of(const struct pid_stat *stat)
{
	return stat->rss_pages * ((uint64_t)sysconf(_SC_PAGESIZE) / 1024);
}

/* What is read seldom is read then. */
static bool is_due(const struct guest_source *g, size_t slot)
{
	return !g->knows_folders || (g->nsamples + slot) % SAMPLES_BETWEEN_QUIET == 0 ||
	       (g->has_pages && (g->nsamples + (unsigned int)g->pid) % SAMPLES_BETWEEN_PAGES == 0);
}

/* Who does not run touches no memory, makes no threads and waits for nothing.  Rates need two
 * full looks; names of threads are read twice as well. */
static bool is_quiet(const struct guest_source *g, const struct pid_stat *stat)
{
	return g->nlooks >= 2 && g->nnamed == g->nthreads && stat->nthreads == g->nthreads_seen &&
	       stat->cpu_hz == g->cpu_hz && rss_kib_of(stat) == g->rss_kib;
}

static void read_whole(struct sense *s, struct guest_source *g, const struct domain *d,
		       const struct pid_stat *stat, struct guest_sample *ret)
{
	uint64_t outside_ns;
	unsigned int nvcpus;

	look_around(s, g, d, stat);
	outside_ns = sense_threads_read(s, g, &nvcpus);
	ret->present = true;
	ret->pid = g->pid;
	ret->start_ticks = g->start_ticks;
	ret->rss_kib = g->rss_kib;
	ret->cpu_hz_total = stat->cpu_hz + outside_ns / ns_per_hz;
	ret->lacks_vcpu_times = nvcpus < d->vcpus;
	ret->nthreads = g->nthreads;
	ret->threads = g->thread;
	ret->device_nodes = g->device_nodes;
	ret->pci_nodes = g->pci_nodes;
	ret->cpuset = g->cpus;
	ret->limit_kib = ret->swap_max_kib = KT_UNLIMITED_KIB;
	if (g->has_cgroup)
		sense_cgroup_read(s, g, ret);
	read_nodes(s, g, d, ret);
	read_ksm(s, g, ret);
}

/* By libvirt's word, since it was looked at last.  What KSM has found is judged when it has ended a
 * pass; that it merges meanwhile, as it does at most ticks while it scans, can wait for the next
 * look at all. */
static bool is_as_it_was(const struct sense *s, const struct guest_source *g,
			 const struct domain_slot *guest)
{
	return g->revision == guest->revision && g->full_scans == s->ksm_full_scans;
}

static void look(struct sense *s, size_t slot, const struct domain_slot *guest,
		 enum sense_scope scope, struct guest_sample *ret)
{
	struct guest_source *g = &s->guest[slot];
	struct pid_stat stat;

	if (!read_process(s, g, &guest->domain, &stat)) {
		lose_process(g);
		*ret = (struct guest_sample){ 0 };
		return;
	}
	if (g->next_search) { /* found just now: what was counted was the search */
		g->next_search = 0;
		g->nsamples = 0;
	}
	if (scope == SENSE_DUE && is_as_it_was(s, g, guest) && g->merging == s->merging &&
	    !is_due(g, slot) && is_quiet(g, &stat)) {
		ret->look = GUEST_LOOK_QUIET;
	} else {
		*ret = (struct guest_sample){ 0 };
		g->revision = guest->revision;
		g->merging = s->merging;
		g->full_scans = s->ksm_full_scans;
		g->cpu_hz = stat.cpu_hz;
		g->rss_kib = rss_kib_of(&stat);
		read_whole(s, g, &guest->domain, &stat, ret);
		g->nlooks++;
	}
	g->nsamples += g->knows_folders; /* until then each is the first */
}

void sense_guest_read(struct sense *s, size_t slot, const struct domain_slot *guest,
		      enum sense_scope scope, struct guest_sample *ret)
{
	struct guest_source *g = &s->guest[slot];

	if (!g->pid) {
		*ret = (struct guest_sample){ 0 };
		g->nsamples++;
	} else if (scope == SENSE_NEW && g->nlooks && is_as_it_was(s, g, guest)) {
		ret->look = GUEST_LOOK_NONE;
	} else {
		look(s, slot, guest, scope, ret);
	}
}
