/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How are CPUs and KVM of this host set, and how busy are they? */
#include <errno.h>
#include <string.h>

#include "parse.h"
#include "sense_audit_private.h"

#define CPUS "sys/devices/system/cpu/"

enum {
	STATES_MAX = 16, /* cpuidle's own limit is 10 */
	BUSY_HZ_MIN = 100,
};

/* -ENOENT: no such file; -errno: it cannot be read or understood. */
static int read_list(const struct hostfs *fs, const char *path, struct cpumask *ret)
{
	char text[KT_CPULIST_MAX];
	ssize_t n = hostfs_read(fs, path, text, sizeof text);

	if (n < 0)
		return (int)n;
	if (strstr(text, "(null)")) /* nohz_full, when it is empty */
		text[0] = '\0';
	return cpumask_parse(text, ret);
}

static void read_isolation(const struct hostfs *fs, struct audit_cpus *c)
{
	int isolated = read_list(fs, CPUS "isolated", &c->isolated);
	int tickless = read_list(fs, CPUS "nohz_full", &c->nohz_full);
	struct cpumask either = cpumask_or(&c->isolated, &c->nohz_full);

	if (isolated == -ENOENT && tickless == -ENOENT)
		return;
	if (isolated < 0 && isolated != -ENOENT)
		c->isolation = audit_failed(isolated);
	else if (tickless < 0 && tickless != -ENOENT)
		c->isolation = audit_failed(tickless);
	else
		c->isolation = audit_known(cpumask_count(&either));
}

/* What is known of one CPU, added to what is known of those before it: what cannot be told
 * of one is not known of all.  False: no more is to be told. */
static bool add(struct fact *sum, struct fact one)
{
	if (sum->state == FACT_UNKNOWN || one.state == FACT_ABSENT)
		return false;
	if (one.state == FACT_UNKNOWN)
		*sum = one;
	else
		sum->state = FACT_KNOWN;
	return one.state == FACT_KNOWN;
}

static void add_governor(const struct hostfs *fs, unsigned int cpu, struct audit_cpus *c)
{
	struct word_fact w = audit_word(fs, CPUS "cpu%u/cpufreq/scaling_governor", cpu);
	struct fact f = { .state = w.state, .error = w.error };

	(void)add(&c->not_performance, f);
	if (!add(&c->governors, f))
		return;
	c->governors.value++;
	if (strcmp(w.word, "performance") == 0)
		return;
	if (c->not_performance.value++ == 0)
		memcpy(c->first_governor, w.word, sizeof w.word);
}

/* `disable` is read only of states that would be the deepest: of the first CPU's, on most
 * hosts. */
static void add_states(const struct hostfs *fs, unsigned int cpu, struct fact *deepest_us)
{
	for (unsigned int i = 0; i < STATES_MAX; i++) {
		struct fact us = audit_number(fs, CPUS "cpu%u/cpuidle/state%u/latency", cpu, i);
		struct fact disabled;

		if (!add(deepest_us, us))
			return;
		if (us.value <= deepest_us->value)
			continue;
		disabled = audit_number(fs, CPUS "cpu%u/cpuidle/state%u/disable", cpu, i);
		if (disabled.state == FACT_UNKNOWN)
			*deepest_us = disabled;
		else if (disabled.value == 0)
			deepest_us->value = us.value;
	}
}

/* What all who opened the device ask for together, as the kernel's own int. */
static struct fact read_latency_limit(const struct hostfs *fs)
{
	char bytes[sizeof(int32_t) + 2];
	ssize_t n = hostfs_read(fs, "dev/cpu_dma_latency", bytes, sizeof bytes);
	int32_t us;

	if (n < 0)
		return audit_failed((int)n);
	if (n != sizeof us)
		return audit_failed(-EINVAL);
	memcpy(&us, bytes, sizeof us);
	return us < 0 ? audit_failed(-EINVAL) : audit_known((uint64_t)us);
}

static void read_kvm(const struct hostfs *fs, struct audit_cpus *c)
{
	c->halt_poll_ns = audit_number(fs, "sys/module/kvm/parameters/halt_poll_ns");
	c->ept = audit_switch(fs, "sys/module/kvm_intel/parameters/ept");
	c->npt = audit_switch(fs, "sys/module/kvm_amd/parameters/npt");
	c->nested = audit_switch(fs, "sys/module/kvm_intel/parameters/nested");
	if (c->nested.state == FACT_ABSENT)
		c->nested = audit_switch(fs, "sys/module/kvm_amd/parameters/nested");
}

void sense_audit_cpus(const struct hostfs *fs, struct audit_cpus *ret)
{
	struct cpumask online = { 0 };
	int r = read_list(fs, CPUS "online", &online);

	read_isolation(fs, ret);
	ret->cstate_limit_us = read_latency_limit(fs);
	read_kvm(fs, ret);
	if (r < 0)
		ret->governors = ret->not_performance = ret->deepest_cstate_us = audit_failed(r);
	for (unsigned int cpu = 0; cpu < KT_CPUS_MAX; cpu++) {
		if (!cpumask_test(&online, cpu))
			continue;
		add_governor(fs, cpu, ret);
		add_states(fs, cpu, &ret->deepest_cstate_us);
	}
}

/* Audits that follow each other at once would judge by a handful of ticks: then what was
 * known before still is. */
void sense_audit_busy(const struct hostfs *fs, struct audit_host *h)
{
	uint64_t busy, idle, steal, all;
	char text[512]; /* the first line is all that matters */
	ssize_t n = hostfs_read(fs, "proc/stat", text, sizeof text);

	if ((n < 0 && n != -EFBIG) || parse_cpu_ticks(text, &busy, &idle, &steal) < 0) {
		h->busy_share = -1;
		h->all_hz_total = 0;
		return;
	}
	all = busy + idle + steal;
	if (h->all_hz_total == 0 || all < h->all_hz_total || busy < h->busy_hz_total)
		h->busy_share = -1;
	else if (all - h->all_hz_total < BUSY_HZ_MIN)
		return;
	else
		h->busy_share = (double)(busy - h->busy_hz_total) / (double)(all - h->all_hz_total);
	h->busy_hz_total = busy;
	h->all_hz_total = all;
}
