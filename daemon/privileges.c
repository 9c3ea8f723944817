/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What may we do here, and what can this host tell? */
#include "privileges.h"

#include <linux/capability.h>
#include <string.h>
#include <sys/resource.h>

#include "log.h"

static const struct {
	unsigned int bit;
	const char *name, *off;
} needed[] = {
	{ CAP_SYS_NICE, "CAP_SYS_NICE",
	  "guests cannot be pinned ([placement] backend = affinity)" },
	{ CAP_SYS_PTRACE, "CAP_SYS_PTRACE",
	  "where a guest's memory lies is unknown if its cgroup does not tell" },
	{ CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH", "merged memory per guest is unknown" },
};

static uint64_t effective_capabilities(void)
{
	char line[128];
	unsigned long long caps = 0;
	KT_AUTOFCLOSE FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof line, f))
		if (strncmp(line, "CapEff:", 7) == 0)
			caps = strtoull(line + 7, NULL, 16);
	return caps;
}

static void missing(enum log_level level, const char *what, const char *off)
{
	log_emitf((struct log_event){ .level = level, .id = LOG_CAPABILITY_MISSING },
		  "missing: %s; %s", what, off);
}

void privileges_report(const struct hostfs *fs, const struct capabilities *host)
{
	uint64_t caps = effective_capabilities();

	if (fs->is_live) {
		for (size_t i = 0; i < KT_ARRAY_LEN(needed); i++)
			if (!(caps >> needed[i].bit & 1))
				missing(LOG_LEVEL_WARNING, needed[i].name, needed[i].off);
		if (geteuid() != 0)
			missing(LOG_LEVEL_WARNING, "root", "KSM cannot be written");
	}
	if (!host->ksm)
		missing(LOG_LEVEL_INFO, "KSM in this kernel", "the ksm loop is off");
	if (!host->psi_memory)
		missing(LOG_LEVEL_INFO, "pressure stall information (psi=1)",
			"pressure is judged by free memory alone");
	if (!host->memory_cgroup)
		missing(LOG_LEVEL_INFO, "memory cgroups", "the memory loop is off");
	else if (!host->cgroup_numa_stat)
		missing(LOG_LEVEL_INFO, "memory.numa_stat",
			"the memory of small guests is looked up in numa_maps");
	if (!host->schedstat)
		missing(LOG_LEVEL_INFO, "schedstat", "the load of guests is unknown");
	if (host->ksm && !host->ksm_per_process)
		missing(LOG_LEVEL_INFO, "ksm_stat of processes",
			"merged memory per guest is unknown");
}

void privileges_raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit); /* fewer guests can then be read */
}
