/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is it well, in which state is it, and what does it cost? */
#include <math.h>
#include <sys/resource.h>

#include "answer_metrics.h"
#include "audit_run.h"

void metric_build_info(struct metrics_text *t, const struct kvmtuned *k)
{
	metrics_name(t, "");
	metrics_label(t, "version", KT_VERSION);
	metrics_label(t, "libvirt_version", k->libvirt_version);
	metrics_value(t, 1);
}

void metric_mode(struct metrics_text *t, const struct kvmtuned *k)
{
	bool observes = kvmtuned_observes(k), paused = true;

	for (enum kt_loop loop = 0; loop < _LOOP_MAX; loop++)
		paused &= answer_loop_state(k, loop) == LOOP_IS_PAUSED;
	metrics_put_labelled(t, "mode", "active", !paused && !observes);
	metrics_put_labelled(t, "mode", "observe", !paused && observes);
	metrics_put_labelled(t, "mode", "paused", paused);
}

void metric_loop_state(struct metrics_text *t, const struct kvmtuned *k)
{
	for (enum kt_loop loop = 0; loop < _LOOP_MAX; loop++) {
		enum loop_state is = answer_loop_state(k, loop);

		for (enum loop_state state = 0; state < _LOOP_STATE_MAX; state++) {
			metrics_name(t, "");
			metrics_label(t, "loop", loop_str(loop));
			metrics_label(t, "state", loop_state_str(state));
			metrics_value(t, state == is);
		}
	}
}

void metric_config_ok(struct metrics_text *t, const struct kvmtuned *k)
{
	metrics_put(t, k->conf_error == 0);
}

void metric_connected(struct metrics_text *t, const struct kvmtuned *k)
{
	metrics_put(t, k->link_up);
}

void metric_reconnects(struct metrics_text *t, const struct kvmtuned *k)
{
	metrics_put(t, k->links ? k->links - 1 : 0);
}

void metric_cycle_duration(struct metrics_text *t, const struct kvmtuned *k)
{
	const struct histogram *h = &k->tick_times;
	uint64_t n = 0;
	char upto[32];

	for (size_t i = 0; i <= HISTOGRAM_BUCKETS; i++) {
		n += h->count[i];
		(void)snprintf(upto, sizeof upto, "%g", histogram_upto_s[i % HISTOGRAM_BUCKETS]);
		metrics_name(t, "_bucket");
		metrics_label(t, "le", i < HISTOGRAM_BUCKETS ? upto : "+Inf");
		metrics_value(t, (double)n);
	}
	metrics_name(t, "_sum");
	metrics_value(t, (double)h->sum_ns / 1e9);
	metrics_name(t, "_count");
	metrics_value(t, (double)n);
}

/* One that could read the host; milliseconds, for it is worked out from two clocks. */
void metric_last_cycle(struct metrics_text *t, const struct kvmtuned *k)
{
	metrics_put(t, k->plan->now_ns ? round(answer_unix_s(k->plan->now_ns) * 1e3) / 1e3 : 0);
}

void metric_cpu(struct metrics_text *t, const struct kvmtuned *k)
{
	struct rusage u = { 0 };

	(void)k;
	(void)getrusage(RUSAGE_SELF, &u); /* cannot fail */
	metrics_put(t, (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
			       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6);
}

void metric_resident(struct metrics_text *t, const struct kvmtuned *k)
{
	KT_AUTOFCLOSE FILE *f = fopen("/proc/self/statm", "re");
	unsigned long pages;

	(void)k;
	if (f && fscanf(f, "%*u %lu", &pages) == 1)
		metrics_put(t, (double)pages * (double)sysconf(_SC_PAGESIZE));
}

void metric_audit_findings(struct metrics_text *t, const struct kvmtuned *k)
{
	struct audit_counts counts = audit_counts_of(k);

	for (enum audit_severity s = 0; counts.known && s < _AUDIT_SEVERITY_MAX; s++)
		metrics_put_labelled(t, "severity", audit_severity_str(s), counts.findings[s]);
}
