/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much memory is there, who waits for it, and is our own CPU time stolen? */
#include <errno.h>

#include "sense_private.h"

static int read_meminfo(struct sense *s, struct host_sample *h)
{
	const struct parse_key keys[] = {
		{ "MemTotal", &h->mem_total_kib },
		{ "MemFree", &h->mem_free_kib },
		{ "MemAvailable", &h->mem_available_kib },
		{ "Buffers", &h->buffers_kib },
		{ "Cached", &h->cached_kib },
		{ "SwapTotal", &h->swap_total_kib },
		{ "SwapFree", &h->swap_free_kib },
		{ "Shmem", &h->shmem_kib },
	};
	ssize_t n = sense_text(s, &s->meminfo, "proc/meminfo");

	if (n < 0)
		return (int)n;
	h->mem_available_kib = UINT64_MAX;
	(void)parse_keys(s->text, keys, KT_ARRAY_LEN(keys));
	/* MemAvailable is there since 3.14. */
	return h->mem_total_kib && h->mem_available_kib <= h->mem_total_kib ? 0 : -EINVAL;
}

/* The one file here that comes in pieces: the first piece would end in the middle. */
static int read_vmstat(struct sense *s, struct host_sample *h)
{
	const struct parse_key keys[] = {
		{ "pswpin", &h->pswpin_total },
		{ "pswpout", &h->pswpout_total },
		{ "pgmajfault", &h->pgmajfault_total },
		{ "oom_kill", &h->oom_kill_total },
		{ "pgmigrate_success", &h->pgmigrate_success_total },
		{ "pgmigrate_fail", &h->pgmigrate_fail_total },
		{ "cow_ksm", &h->cow_ksm_total },
	};
	ssize_t n = hostfile_read(s->fs, &s->vmstat, "proc/vmstat", s->text, sizeof s->text);

	if (n < 0)
		return (int)n;
	return parse_keys(s->text, keys, KT_ARRAY_LEN(keys)) > 0 ? 0 : -EINVAL;
}

/* Most hosts have no ZFS, and it may be loaded later: looked for now and then. */
static void read_arc(struct sense *s, struct host_sample *h)
{
	uint64_t size, min;

	if (s->arc.fd < 0 && s->nsamples % SAMPLES_BETWEEN_LOOKS != 0)
		return;
	if (sense_text(s, &s->arc, "proc/spl/kstat/zfs/arcstats") <= 0 ||
	    !parse_kstat(s->text, "size", &size) || !parse_kstat(s->text, "c_min", &min))
		return;
	h->arc_kib = size / 1024;
	h->arc_min_kib = min / 1024;
}

static void read_psi(struct sense *s, struct hostfile *file, const char *what,
		     struct psi_sample *ret)
{
	if (!s->capabilities.psi_memory || sense_text(s, file, "proc/pressure/%s", what) <= 0 ||
	    parse_psi(s->text, ret) == 0)
		return;
	*ret = (struct psi_sample){ 0 };
	sense_note(s, -EINVAL, "proc/pressure/%s", what);
}

static void read_cpus(struct sense *s, struct host_sample *h)
{
	if (sense_text(s, &s->stat, "proc/stat") <= 0)
		return;
	if (parse_cpu_ticks(s->text, &h->cpu_user_hz_total, &h->cpu_idle_hz_total,
			    &h->cpu_steal_hz_total) < 0)
		h->cpu_steal_hz_total = 0; /* no CPU line: nothing is known to be stolen */
	parse_cpus_idle(s->text, h->idle_hz_of_cpu);
}

int sense_host_read(struct sense *s, enum sense_scope scope, struct host_sample *ret)
{
	int r;

	*ret = (struct host_sample){ 0 };
	s->trouble[0] = '\0';
	s->failed_at = "/proc/meminfo";
	r = read_meminfo(s, ret);
	if (r < 0)
		return r;
	s->failed_at = "/proc/vmstat";
	r = read_vmstat(s, ret);
	if (r < 0)
		return r;
	s->failed_at = "";
	s->is_at_host = true;
	read_cpus(s, ret);
	read_arc(s, ret);
	read_psi(s, &s->psi_cpu, "cpu", &ret->psi_cpu);
	read_psi(s, &s->psi_memory, "memory", &ret->psi_memory);
	read_psi(s, &s->psi_io, "io", &ret->psi_io);
	sense_ksm_read(s, &ret->ksm);
	sense_nodes_read(s, ret);
	s->is_at_host = false;
	sense_tuners_read(s, scope, ret);
	return 0;
}
