/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does a guest's cgroup say of its memory?
 *
 * v1: /machine/qemu-1-web.libvirt-qemu, the same path in every hierarchy, with
 * emulator and vcpuN below it for CPUs.  v2 with machined:
 * /machine.slice/machine-qemu\x2d1\x2dweb.scope/libvirt/emulator, and memory at
 * "libvirt".  A component that names QEMU is the guest's own; what is above it belongs
 * to others. */
#include <errno.h>
#include <string.h>

#include "sense_private.h"
#include "str.h"

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

/* The last component of the path is the guest's outermost folder.  virtqemud.service is
 * the daemon's: guests are left in it where libvirt may not make groups. */
static bool ends_at_guest(const char *path)
{
	const char *last = strrchr(path, '/');

	last = last ? last : path;
	return strstr(last, "qemu") && !ends_with(last, ".service") && !ends_with(last, ".slice");
}

/* Cuts the path behind the guest's outermost folder.  False: it is in none. */
static bool cut_to_guest(char *path)
{
	for (char *last; !ends_at_guest(path); *last = '\0') {
		last = strrchr(path, '/');
		if (!last)
			return false;
	}
	return true;
}

static bool path_of(struct sense *s, const struct guest_source *g, const char *controller,
		    const char *mount, char ret[KT_PATH_MAX])
{
	char path[64], below[KT_PATH_MAX];

	return str_format(path, sizeof path, "proc/%d/cgroup", g->pid) == 0 &&
	       hostfs_read(s->fs, path, s->text, sizeof s->text) > 0 &&
	       parse_cgroup_path(s->text, controller, below, sizeof below) == 0 &&
	       below[0] == '/' && !strstr(below, "/..") &&
	       str_format(ret, KT_PATH_MAX, "%s%s", mount, below) == 0;
}

static bool has_file(struct sense *s, const char *folder, const char *file)
{
	char path[KT_PATH_MAX + 64];

	return str_format(path, sizeof path, "%s/%s", folder, file) == 0 &&
	       hostfs_exists(s->fs, path);
}

/* Up to the first folder that has the file, at most to the one of this length. */
static bool climb_to_file(struct sense *s, char *path, size_t shortest, const char *file)
{
	while (!has_file(s, path, file)) {
		char *last = strrchr(path, '/');

		if (!last || (size_t)(last - path) < shortest)
			return false;
		*last = '\0';
	}
	return true;
}

static bool find_memory(struct sense *s, const struct guest_source *g, char path[KT_PATH_MAX])
{
	const struct capabilities *c = &s->capabilities;
	char own[KT_PATH_MAX];

	if (!c->memory_cgroup ||
	    !path_of(s, g, c->cgroup_v2 ? "" : "memory", c->memory_mount, path))
		return false;
	strcpy(own, path);
	return cut_to_guest(own) && climb_to_file(s, path, strlen(own), "memory.stat");
}

/* The leaves may hold pins of ours; the guest as a whole is what others confine.  A v2
 * group without the file is confined as the one above it. */
static bool find_cpuset(struct sense *s, const struct guest_source *g, char path[KT_PATH_MAX])
{
	const char *mount = s->capabilities.cpuset_mount;
	char own[KT_PATH_MAX];

	if (!mount[0] || !path_of(s, g, s->cpuset_v2 ? "" : "cpuset", mount, path))
		return false;
	strcpy(own, path);
	if (cut_to_guest(own))
		strcpy(path, own);
	return climb_to_file(s, path, strlen(mount),
			     s->cpuset_v2 ? "cpuset.cpus.effective" : "cpuset.cpus");
}

/* Paths may be long, and hardly any is: each guest has room for its own. */
static int keep(char **kept, bool found, const char *path)
{
	free(*kept);
	*kept = found ? strdup(path) : NULL;
	return found && !*kept ? -ENOMEM : 0;
}

int sense_cgroup_find(struct sense *s, struct guest_source *g)
{
	char path[KT_PATH_MAX];
	int r = keep(&g->cgroup, find_memory(s, g, path), path);

	g->has_cgroup = g->cgroup != NULL;
	g->has_reclaim = g->has_cgroup && has_file(s, g->cgroup, "memory.reclaim");
	return r < 0 ? r : keep(&g->cpuset, find_cpuset(s, g, path), path);
}

void sense_cgroup_each_task(struct sense *s, struct guest_source *g, hostfs_line_fn *each,
			    void *context)
{
	const char *mount = s->capabilities.cpuset_mount;
	char folder[KT_PATH_MAX], own[KT_PATH_MAX], path[KT_PATH_MAX + 32], lines[4096];

	if (!mount[0] || !path_of(s, g, s->cpuset_v2 ? "" : "cpuset", mount, folder))
		return;
	strcpy(own, folder);
	if (!cut_to_guest(own) || str_format(path, sizeof path, "%s/%s", folder,
					     s->cpuset_v2 ? "cgroup.threads" : "tasks") < 0)
		return;
	/* s->text is for whatever is read about each of them. */
	if (hostfs_each_line(s->fs, path, lines, sizeof lines, each, context) < 0)
		return; /* gone */
}

static bool read_list(struct sense *s, struct cpumask *ret, const char *folder, const char *file)
{
	char path[KT_PATH_MAX + 64];
	struct cpumask cpus;

	if (str_format(path, sizeof path, "%s/%s", folder, file) < 0 ||
	    hostfs_read(s->fs, path, s->text, sizeof s->text) < 0 ||
	    cpumask_parse(s->text, &cpus) < 0 || cpumask_empty(&cpus))
		return false;
	*ret = cpus;
	return true;
}

void sense_cpuset_read(struct sense *s, struct guest_source *g)
{
	if (g->cpuset && (read_list(s, &g->cpus, g->cpuset, "cpuset.cpus.effective") ||
			  read_list(s, &g->cpus, g->cpuset, "cpuset.effective_cpus") ||
			  read_list(s, &g->cpus, g->cpuset, "cpuset.cpus")))
		return;
	(void)read_list(s, &g->cpus, "sys/devices/system/cpu", "online"); /* else as before */
}

static bool text_of(struct sense *s, struct guest_source *g, enum guest_file f, const char *file)
{
	ssize_t n;

	if (g->lacks[f])
		return false;
	n = sense_text(s, &g->file[f], "%s/%s", g->cgroup, file);
	g->lacks[f] = n == -ENOENT;
	return n > 0;
}

/* v1 counts pages of the LRU lists, where shmem is anonymous; v2 counts bytes, and shmem
 * by itself.  Neither counts hugetlb. */
static bool read_nodes(struct sense *s, struct guest_source *g, struct guest_sample *ret)
{
	bool v2 = s->capabilities.cgroup_v2;
	uint64_t unit_bytes = v2 ? 1 : (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t kib[KT_NODES_MAX] = { 0 };

	if (!s->capabilities.cgroup_numa_stat ||
	    !text_of(s, g, GUEST_NUMA_STAT, "memory.numa_stat") ||
	    !parse_node_counts(s->text, "anon", unit_bytes, kib) ||
	    !parse_node_counts(s->text, v2 ? "shmem" : "unevictable", unit_bytes, kib))
		return false;
	memcpy(ret->node_memory_kib, kib, sizeof kib);
	return true;
}

static void read_stat(struct sense *s, struct guest_source *g, struct guest_sample *ret)
{
	uint64_t anon = 0, file = 0, shmem = 0, huge = 0, swap = 0, back_anon = 0, back_file = 0;
	const struct parse_key v1[] = { { "cache", &file },
					{ "rss", &anon },
					{ "rss_huge", &huge },
					{ "shmem", &shmem },
					{ "workingset_refault_anon", &back_anon },
					{ "workingset_refault_file", &back_file },
					{ "swap", &swap },
					{ "pgmajfault", &ret->pgmajfault_total } };
	const struct parse_key v2[] = { { "anon", &anon },
					{ "file", &file },
					{ "shmem", &shmem },
					{ "anon_thp", &huge },
					{ "workingset_refault_anon", &back_anon },
					{ "workingset_refault_file", &back_file },
					{ "pgmajfault", &ret->pgmajfault_total } };

	if (!text_of(s, g, GUEST_MEMORY_STAT, "memory.stat"))
		return;
	if (s->capabilities.cgroup_v2)
		(void)parse_keys(s->text, v2, KT_ARRAY_LEN(v2));
	else
		(void)parse_keys(s->text, v1, KT_ARRAY_LEN(v1));
	ret->anon_kib = anon / 1024;
	ret->file_kib = file / 1024;
	ret->shmem_kib = shmem / 1024;
	ret->anon_huge_kib = huge / 1024;
	ret->swap_kib = swap / 1024;
	ret->refault_total = back_anon + back_file;
}

/* "max", or bytes; v1 has a number beyond all memory for "none". */
static uint64_t read_limit(struct sense *s, struct guest_source *g, enum guest_file f,
			   const char *file)
{
	uint64_t bytes;

	if (!text_of(s, g, f, file) || str_u64(s->text, &bytes) < 0)
		return KT_UNLIMITED_KIB;
	return bytes / 1024;
}

static bool number_below(struct sense *s, const char *folder, const char *file, uint64_t *ret)
{
	char path[KT_PATH_MAX + 32];

	return str_format(path, sizeof path, "%s/%s", folder, file) == 0 &&
	       hostfs_read(s->fs, path, s->text, sizeof s->text) > 0 && str_u64(s->text, ret) == 0;
}

/* Set by administrators, hardly ever: read seldom, and not kept open.  v1 has no limit of swap
 * alone, and a swappiness of each group: at 0 hardly anything but its file cache is taken. */
static void look_up_swap_max(struct sense *s, struct guest_source *g)
{
	uint64_t value;

	g->swap_max_kib = KT_UNLIMITED_KIB;
	if (s->capabilities.cgroup_v2) {
		if (number_below(s, g->cgroup, "memory.swap.max", &value))
			g->swap_max_kib = value / 1024;
	} else if (number_below(s, g->cgroup, "memory.swappiness", &value) && value == 0) {
		g->swap_max_kib = 0;
	}
}

/* The soft limit of v1 only says who is to be reclaimed first: no limit. */
static uint64_t read_limits(struct sense *s, struct guest_source *g)
{
	uint64_t max_kib, high_kib;

	if (!s->capabilities.cgroup_v2)
		return read_limit(s, g, GUEST_LIMIT, "memory.limit_in_bytes");
	max_kib = read_limit(s, g, GUEST_LIMIT, "memory.max");
	high_kib = read_limit(s, g, GUEST_HIGH, "memory.high");
	return KT_MIN(max_kib, high_kib);
}

void sense_cgroup_read(struct sense *s, struct guest_source *g, struct guest_sample *ret)
{
	bool v2 = s->capabilities.cgroup_v2;

	if (sense_is_seldom(s, g))
		look_up_swap_max(s, g);
	ret->cgroup_v2 = v2;
	ret->has_node_memory = read_nodes(s, g, ret);
	ret->has_cgroup =
		text_of(s, g, GUEST_USAGE, v2 ? "memory.current" : "memory.usage_in_bytes") &&
		str_u64(s->text, &ret->usage_kib) == 0;
	ret->usage_kib /= 1024;
	ret->cgroup = ret->has_cgroup ? g->cgroup : NULL;
	ret->has_reclaim = ret->has_cgroup && g->has_reclaim;
	ret->swap_max_kib = g->swap_max_kib;
	read_stat(s, g, ret);
	ret->limit_kib = read_limits(s, g);
	if (v2 && text_of(s, g, GUEST_SWAP, "memory.swap.current") &&
	    str_u64(s->text, &ret->swap_kib) == 0)
		ret->swap_kib /= 1024;
	if (v2 && s->capabilities.psi_cgroup && text_of(s, g, GUEST_PRESSURE, "memory.pressure") &&
	    parse_psi(s->text, &ret->psi_memory) < 0)
		ret->psi_memory = (struct psi_sample){ 0 };
}
