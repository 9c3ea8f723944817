/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What may we do here, and what can this host tell? */
#include "privileges.h"

#include <linux/capability.h>
#include <string.h>
#include <sys/resource.h>

#include "log.h"

enum { NO_CAPABILITY = -1 };

static const struct {
	int capability; /* NO_CAPABILITY: to be root */
	struct privilege privilege;
} needed[] = {
	{ CAP_SYS_NICE,
	  { "CAP_SYS_NICE", "guests cannot be pinned ([placement] backend = affinity)" } },
	{ CAP_SYS_PTRACE,
	  { "CAP_SYS_PTRACE",
	    "memory of guests cannot be moved, and where it lies is unknown if the cgroup does "
	    "not tell" } },
	{ CAP_DAC_READ_SEARCH, { "CAP_DAC_READ_SEARCH", "merged memory per guest is unknown" } },
	{ NO_CAPABILITY, { "root", "KSM cannot be written" } },
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

unsigned int privileges_missing(void)
{
	uint64_t caps = effective_capabilities();
	unsigned int missing = 0;

	for (unsigned int i = 0; i < KT_ARRAY_LEN(needed); i++) {
		bool has = needed[i].capability == NO_CAPABILITY ? geteuid() == 0
								 : caps >> needed[i].capability & 1;

		missing |= has ? 0 : 1U << i;
	}
	return missing;
}

const struct privilege *privilege_of(unsigned int bit)
{
	return bit < KT_ARRAY_LEN(needed) ? &needed[bit].privilege : NULL;
}

static void missing(enum log_level level, const char *what, const char *off)
{
	log_emitf((struct log_event){ .level = level, .id = LOG_CAPABILITY_MISSING },
		  "missing: %s; %s", what, off);
}

void privileges_report(unsigned int lacking, const struct capabilities *host)
{
	const struct privilege *p;

	for (unsigned int i = 0; (p = privilege_of(i)); i++)
		if (lacking >> i & 1)
			missing(LOG_LEVEL_WARNING, p->name, p->off);
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
