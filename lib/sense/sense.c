/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What can this host tell, and what does it say now? */
#include "sense_private.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "str.h"

/* A feature that this kernel lacks, or has switched off (psi=0), is not missed. */
static bool is_absence(ssize_t error)
{
	return error == -ENOENT || error == -ENOTDIR || error == -ESRCH || error == -ENODEV ||
	       error == -EOPNOTSUPP;
}

void sense_note(struct sense *s, ssize_t error, const char *fmt, ...)
{
	va_list args;

	if (error >= 0 || is_absence(error) || !s->is_at_host || s->trouble[0])
		return;
	s->trouble[0] = '/';
	s->trouble_error = (int)error;
	va_start(args, fmt);
	(void)vsnprintf(s->trouble + 1, sizeof s->trouble - 1, fmt, args);
	va_end(args);
}

/* Hardly ever, and with a large name on the stack: apart from what is done at each tick. */
static __attribute__((noinline)) KT_PRINTF(3, 0) ssize_t
	open_text(struct sense *s, struct hostfile *file, const char *fmt, va_list args)
{
	char path[KT_PATH_MAX + 64];
	int n = vsnprintf(path, sizeof path, fmt, args);
	ssize_t length;

	if (n < 0 || (size_t)n >= sizeof path)
		return -ENAMETOOLONG;
	length = hostfile_read_first(s->fs, file, path, s->text, sizeof s->text);
	sense_note(s, length, "%s", path);
	return length;
}

/* A file that fails is closed; if it fails again when it is opened anew, it is noted. */
ssize_t sense_text(struct sense *s, struct hostfile *file, const char *fmt, ...)
{
	va_list args;
	ssize_t n;

	if (file->fd >= 0)
		return hostfile_read_first(s->fs, file, NULL, s->text, sizeof s->text);
	va_start(args, fmt);
	n = open_text(s, file, fmt, args);
	va_end(args);
	return n;
}

/* ---- what this host can tell ----------------------------------------------------- */

struct mounts {
	struct capabilities *c;
	char v2[KT_PATH_MAX];
};

static int take_mount(void *context, char *line)
{
	struct mounts *m = context;
	char path[KT_PATH_MAX];

	if (!m->c->memory_cgroup && parse_cgroup_mount(line, "memory", path, sizeof path) == 0) {
		strcpy(m->c->memory_mount, path + (path[0] == '/'));
		m->c->memory_cgroup = true;
	}
	if (!m->c->cpuset_mount[0] && parse_cgroup_mount(line, "cpuset", path, sizeof path) == 0)
		strcpy(m->c->cpuset_mount, path + (path[0] == '/'));
	if (!m->v2[0] && parse_cgroup_mount(line, "", path, sizeof path) == 0)
		strcpy(m->v2, path + (path[0] == '/'));
	return 0;
}

/* A v2 hierarchy beside v1 ones has only the controllers that v1 has not. */
static bool v2_has_memory(const struct hostfs *fs, const char *mount)
{
	char path[KT_PATH_MAX + 32], text[256];

	return str_format(path, sizeof path, "%s/cgroup.controllers", mount) == 0 &&
	       hostfs_read(fs, path, text, sizeof text) > 0 && strstr(text, "memory");
}

static bool has_below(const struct hostfs *fs, const char *mount, const char *file)
{
	char path[KT_PATH_MAX + 32];

	return str_format(path, sizeof path, "%s/%s", mount, file) == 0 && hostfs_exists(fs, path);
}

static void find_cgroups(struct sense *s)
{
	struct capabilities *c = &s->capabilities;
	struct mounts m = { .c = c };

	if (hostfs_each_line(s->fs, "proc/self/mountinfo", s->text, sizeof s->text, take_mount,
			     &m) < 0)
		return;
	if (!c->memory_cgroup && m.v2[0] && v2_has_memory(s->fs, m.v2)) {
		c->memory_cgroup = c->cgroup_v2 = true;
		strcpy(c->memory_mount, m.v2);
	}
	if (!c->cpuset_mount[0] && m.v2[0]) { /* with or without memory */
		s->cpuset_v2 = true;
		strcpy(c->cpuset_mount, m.v2);
	}
	if (!c->memory_cgroup)
		return;
	c->cgroup_numa_stat = has_below(s->fs, c->memory_mount, "memory.numa_stat");
	c->psi_cgroup = c->cgroup_v2 && has_below(s->fs, c->memory_mount, "memory.pressure");
}

/* Node ids are sparse on some machines, and 0 need not be one. */
static bool has_numastat(const struct hostfs *fs)
{
	char path[64];

	for (unsigned int id = 0; id < KT_NODES_MAX; id++)
		if (str_format(path, sizeof path, "sys/devices/system/node/node%u/numastat", id) ==
			    0 &&
		    hostfs_exists(fs, path))
			return true;
	return false;
}

static void find_capabilities(struct sense *s)
{
	struct capabilities *c = &s->capabilities;

	c->psi_memory = hostfs_exists(s->fs, "proc/pressure/memory");
	c->ksm = hostfs_exists(s->fs, "sys/kernel/mm/ksm/run");
	c->ksm_advisor = hostfs_exists(s->fs, "sys/kernel/mm/ksm/advisor_mode");
	c->ksm_smart_scan = hostfs_exists(s->fs, "sys/kernel/mm/ksm/smart_scan");
	c->ksm_per_process = hostfs_exists(s->fs, "proc/self/ksm_stat");
	c->node_numastat = has_numastat(s->fs);
	c->schedstat = hostfs_exists(s->fs, "proc/self/schedstat");
	find_cgroups(s);
}

const char *sense_failed_at(const struct sense *s)
{
	return s->failed_at;
}

const char *sense_trouble(const struct sense *s, int *ret_error)
{
	*ret_error = s->trouble_error;
	return s->trouble[0] ? s->trouble : NULL;
}

const struct capabilities *sense_capabilities(const struct sense *s)
{
	return &s->capabilities;
}

/* ---- life ------------------------------------------------------------------------- */

static void close_all(struct hostfile *file, size_t n)
{
	for (size_t i = 0; i < n; i++)
		hostfile_close(&file[i]);
}

static void mark_closed(struct sense *s)
{
	struct hostfile *single[] = { &s->meminfo, &s->vmstat,        &s->stat,   &s->arc,
				      &s->psi_cpu, &s->psi_memory,    &s->psi_io, &s->nodes_online,
				      &s->ksmd,    &s->numa_balancing };

	for (size_t i = 0; i < KT_ARRAY_LEN(single); i++)
		*single[i] = HOSTFILE_CLOSED;
	for (size_t i = 0; i < _KSM_FILE_MAX; i++)
		s->ksm[i] = HOSTFILE_CLOSED;
	for (size_t i = 0; i < KT_NODES_MAX; i++)
		s->node_meminfo[i] = s->node_numastat[i] = HOSTFILE_CLOSED;
}

int sense_new(const struct hostfs *fs, struct sense **ret)
{
	struct sense *s = calloc(1, sizeof *s);

	if (!s)
		return -ENOMEM;
	s->fs = fs;
	s->failed_at = "";
	mark_closed(s);
	find_capabilities(s);
	*ret = s;
	return 0;
}

void sense_free(struct sense *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < KT_GUESTS_MAX; i++)
		if (s->guest[i].incarnation)
			sense_guest_end(&s->guest[i]);
	ksm_probe_end(&s->ksm_probe);
	close_all(s->ksm, _KSM_FILE_MAX);
	close_all(s->node_meminfo, KT_NODES_MAX);
	close_all(s->node_numastat, KT_NODES_MAX);
	close_all((struct hostfile[]){ s->meminfo, s->vmstat, s->stat, s->arc, s->psi_cpu,
				       s->psi_memory, s->psi_io, s->nodes_online, s->ksmd,
				       s->numa_balancing },
		  10);
	free(s);
}

/* ---- one reading --------------------------------------------------------------------- */

static void follow_slots(struct sense *s, const struct domains *ds)
{
	for (size_t i = 0; i < KT_GUESTS_MAX; i++) {
		struct guest_source *g = &s->guest[i];
		uint32_t now = i < ds->nslots && ds->slot[i].used ? ds->slot[i].incarnation : 0;

		if (g->incarnation == now)
			continue;
		if (g->incarnation)
			sense_guest_end(g);
		if (now)
			sense_guest_begin(g, now);
	}
}

static bool is_last_sample(const struct sense *s, const struct sample *sample)
{
	return s->given == sample && s->given_ns == sample->now_ns;
}

/* It changes what guests have although they do not run. */
static void note_merging(struct sense *s, const struct ksm_sample *k)
{
	s->merging +=
		k->sharing_pages != s->ksm_sharing_pages || k->full_scans != s->ksm_full_scans;
	s->ksm_sharing_pages = k->sharing_pages;
	s->ksm_full_scans = k->full_scans;
}

int sense_read_some(struct sense *s, const struct domains *ds, enum sense_scope scope,
		    uint64_t now_ns, struct sample *ret)
{
	int r;

	if (!is_last_sample(s, ret))
		scope = SENSE_ALL;
	s->given = NULL;
	ret->now_ns = now_ns;
	r = sense_host_read(s, scope, &ret->host);
	if (r < 0)
		return r;
	note_merging(s, &ret->host.ksm);
	follow_slots(s, ds);
	sense_find_processes(s, ds);
	for (size_t i = 0; i < ds->nslots; i++) {
		if (ds->slot[i].used)
			sense_guest_read(s, i, &ds->slot[i], scope, &ret->guest[i]);
		else
			ret->guest[i] = (struct guest_sample){ 0 };
	}
	s->nsamples++;
	s->given = ret;
	s->given_ns = now_ns;
	return 0;
}

int sense_read(struct sense *s, const struct domains *ds, uint64_t now_ns, struct sample *ret)
{
	return sense_read_some(s, ds, SENSE_ALL, now_ns, ret);
}
