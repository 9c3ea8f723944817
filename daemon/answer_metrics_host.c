/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was done to the host and its guests as a whole, and why? */
#include <math.h>
#include <string.h>

#include "answer_metrics.h"

void metric_decisions(struct metrics_text *t, const struct kvmtuned *k)
{
	struct decision_count counts[HISTORY_COUNTS];
	size_t n = history_counts(k->history, counts);

	for (size_t i = 0; i < n; i++) {
		metrics_name(t, "");
		metrics_label(t, "actuator", counts[i].actuator);
		metrics_label(t, "action", counts[i].action);
		metrics_label(t, "reason", counts[i].reason);
		metrics_value(t, (double)counts[i].n);
	}
}

static const char *const actuators[] = { "ksm", "placement", "memory", "numa_balancing", "host" };

void metric_errors(struct metrics_text *t, const struct kvmtuned *k)
{
	struct decision_count counts[HISTORY_COUNTS];
	size_t n = history_counts(k->history, counts);

	for (size_t a = 0; a < KT_ARRAY_LEN(actuators); a++) {
		uint64_t errors = 0;

		for (size_t i = 0; i < n; i++)
			if (strcmp(counts[i].action, "refuse") == 0 &&
			    strcmp(counts[i].actuator, actuators[a]) == 0)
				errors += counts[i].n;
		metrics_put_labelled(t, "actuator", actuators[a], (double)errors);
	}
}

void metric_ceded(struct metrics_text *t, const struct kvmtuned *k)
{
	const struct in_force *f = act_in_force(k->act);
	unsigned int pins = 0, limits = 0;

	for (size_t i = 0; i < k->domains->nslots; i++) {
		const struct guest_in_force *of_guest = known_guest_of(k, i).in_force;

		pins += of_guest->pin_ceded;
		limits += of_guest->limit_ceded;
	}
	metrics_put_labelled(t, "actuator", actuators[0],
			     answer_loop_state(k, LOOP_KSM) == LOOP_IS_CEDED);
	metrics_put_labelled(t, "actuator", actuators[1], pins);
	metrics_put_labelled(t, "actuator", actuators[2], limits);
	metrics_put_labelled(t, "actuator", actuators[3], f->balancing.ceded);
	metrics_put_labelled(t, "actuator", actuators[4], __builtin_popcountll(f->host.ceded));
}

void metric_price(struct metrics_text *t, const struct kvmtuned *k)
{
	metrics_put(t, k->plan->memory.price);
}

void metric_target(struct metrics_text *t, const struct kvmtuned *k)
{
	const struct ksm_plan *p = &k->plan->ksm;

	metrics_put(t, p->wish == WISH_SET && p->run ? (double)p->pages_to_scan : 0);
}

void metric_ksmd_cpu(struct metrics_text *t, const struct kvmtuned *k)
{
	const struct ksm_sample *s = &k->sample->host.ksm;

	if (s->has_ksmd)
		metrics_put(t, (double)s->ksmd_cpu_ns_total / 1e9);
}

void metric_moved(struct metrics_text *t, const struct kvmtuned *k)
{
	metrics_put(t, (double)act_in_force(k->act)->move.moved_kib * 1024);
}

void metric_reclaimed(struct metrics_text *t, const struct kvmtuned *k)
{
	metrics_put(t, (double)act_in_force(k->act)->memory.reclaimed_kib * 1024);
}

/* As of the last tick; nothing before the first one. */
static bool last_point(const struct kvmtuned *k, struct history_point *ret)
{
	size_t n = history_npoints(k->history, true);

	if (n > 0)
		history_point(k->history, true, n - 1, ret);
	return n > 0;
}

void metric_locality(struct metrics_text *t, const struct kvmtuned *k)
{
	struct history_point p;

	if (last_point(k, &p) && p.local_pct >= 0)
		metrics_put(t, round((double)p.local_pct * 100) / 1e4);
}

void metric_domains(struct metrics_text *t, const struct kvmtuned *k)
{
	metrics_put(t, (double)k->domains->nused);
}

void metric_domains_pinned(struct metrics_text *t, const struct kvmtuned *k)
{
	struct history_point p = { 0 };

	(void)last_point(k, &p);
	metrics_put(t, p.npinned);
}

void metric_domains_limited(struct metrics_text *t, const struct kvmtuned *k)
{
	struct history_point p = { 0 };

	(void)last_point(k, &p);
	metrics_put(t, p.nlimited);
}
