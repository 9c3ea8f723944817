/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What changed in the loops' minds since the last tick?
 *
 * A wish that changed is worth a line; another reason for the same wish is debugging.
 * So a quiet host says nothing. */
#include "verdict.h"

#include <inttypes.h>

#include "str.h"
#include "verdict_private.h"

struct guest_verdict {
	uint32_t incarnation;
	enum wish placement_wish;
	enum why placement_why;
	struct memory_verdict memory;
	uint64_t nodes;
	enum why ksm;
	bool counts; /* for KSM */
};

struct verdicts {
	bool ksm_said;
	enum wish ksm_wish;
	enum why ksm_why;
	bool ksm_run;
	enum ksm_probe probe;
	uint64_t merged_kib;
	bool observes;
	uint64_t numa_balancing; /* as last said */
	uint64_t reserved_nodes; /* without a CPU left for vCPUs; the same */
	struct memory_host_verdict memory;
	struct guest_verdict guest[KT_GUESTS_MAX];
};

struct verdicts *verdicts_new(void)
{
	return calloc(1, sizeof(struct verdicts));
}

void verdicts_free(struct verdicts *v)
{
	free(v);
}

/* What the automatic policy has decided by; others have no price. */
static void describe_inputs(const struct ksm_plan *p, char *buf, size_t size)
{
	buf[0] = '\0';
	if (p->budget_cpus > 0)
		(void)snprintf(
			buf, size,
			"; price of memory %.2f, ksmd may use %.1f %% of a CPU, a page costs "
			"%.1f us, the last pass brought %.0f MiB per second of CPU",
			p->price, 100 * p->budget_cpus, p->ns_per_page / 1000, p->mib_per_cpu_s);
}

static void say_ksm(struct verdicts *v, const struct ksm_plan *p)
{
	bool changed = !v->ksm_said || v->ksm_wish != p->wish || v->ksm_run != p->run ||
		       (p->budget_cpus > 0 && v->ksm_why != p->why);
	char inputs[192];

	if (!changed && v->ksm_why == p->why)
		return;
	describe_inputs(p, inputs, sizeof inputs);
	log_emitf((struct log_event){ .level = changed ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG,
				      .id = LOG_VERDICT,
				      .actuator = "ksm",
				      .action = "decide",
				      .reason = why_str(p->why),
				      .dry_run = p->dry_run },
		  "ksm: %s (%s): %s%s",
		  p->wish == WISH_HOLD      ? "left as it is"
		  : p->wish == WISH_RELEASE ? "not used"
		  : p->run                  ? "scan"
					    : "rest",
		  why_str(p->why), why_sentence(p->why), inputs);
	v->ksm_said = true;
	v->ksm_wish = p->wish;
	v->ksm_run = p->run;
	v->ksm_why = p->why;
}

static void say_probe(struct verdicts *v, enum ksm_probe probe)
{
	if (v->probe == probe)
		return;
	v->probe = probe;
	log_emitf(
		(struct log_event){ .level = LOG_LEVEL_INFO,
				    .id = LOG_VERDICT,
				    .actuator = "ksm",
				    .action = "probe" },
		"ksm: %s",
		probe == KSM_PROBE_STARVES
			? "this kernel's smart_scan leaves late duplicates apart: sweeps find them"
			: "this kernel merges late duplicates by itself: no sweeps are needed");
}

/* Said when it changed by a tenth and a MiB: some 20 lines from nothing to all. */
static void say_merged(struct verdicts *v, const struct host_view *view)
{
	uint64_t now = view->merged_kib, was = v->merged_kib;
	uint64_t change = now > was ? now - was : was - now;
	char cost[48] = ""; /* unknown in a PID namespace */

	if (change < 1024 || change < was / 10)
		return;
	v->merged_kib = now;
	if (view->host->ksm.has_ksmd)
		(void)snprintf(cost, sizeof cost, "; ksmd uses %.1f %% of a CPU",
			       view->ksmd_cpu_pct);
	log_emitf(
		(struct log_event){ .level = LOG_LEVEL_INFO, .id = LOG_MERGED, .actuator = "ksm" },
		"ksm: %" PRIu64 " MiB merged%s", now / 1024, cost);
}

void verdict_emit(const struct guest_plan *g, const char *actuator, bool changed, enum why why,
		  bool dry_run, const char *decision)
{
	char name[4 * KT_NAME_MAX];

	str_escape(g->name, name, sizeof name);
	log_emitf((struct log_event){ .level = changed ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG,
				      .id = LOG_VERDICT,
				      .guest = name,
				      .uuid = &g->uuid,
				      .actuator = actuator,
				      .action = "decide",
				      .reason = why_str(why),
				      .dry_run = dry_run },
		  "%s: %s: %s (%s): %s", name, actuator, decision, why_str(why), why_sentence(why));
}

static void say_placement(struct guest_verdict *v, const struct guest_plan *g, bool first)
{
	const struct placement_plan *p = &g->placement;
	bool changed = first || v->placement_wish != p->wish || v->nodes != p->nodes;
	char decision[KT_NODELIST_MAX + 16] = "not pinned", nodes[KT_NODELIST_MAX];

	if (!changed && v->placement_why == p->why)
		return;
	if (p->wish == WISH_SET)
		(void)snprintf(decision, sizeof decision, "home is node %s",
			       nodemask_str(p->nodes, nodes, sizeof nodes));
	else if (p->wish == WISH_HOLD)
		(void)snprintf(decision, sizeof decision, "left as it is");
	verdict_emit(g, "placement", changed, p->why, p->dry_run, decision);
	v->placement_wish = p->wish;
	v->placement_why = p->why;
	v->nodes = p->nodes;
}

/* Whether it counts is news, and so is what has come of it at first; later it may waver. */
static void say_guest_ksm(struct guest_verdict *v, const struct guest_plan *g,
			  const struct guest_view *view)
{
	bool counts = ksm_guest_mergeable(view), first = v->ksm == WHY_NONE;
	bool news = first || v->ksm == WHY_MERGEABLE || counts != v->counts;

	if (v->ksm == g->ksm || g->ksm == WHY_NOT_SAMPLED)
		return;
	v->ksm = g->ksm;
	v->counts = counts;
	verdict_emit(g, "ksm", news, g->ksm, false, counts ? "counted" : "not counted");
}

static void say_placement_of_host(enum log_level level, const char *reason, const char *text)
{
	log_emitf((struct log_event){ .level = level,
				      .id = LOG_VERDICT,
				      .actuator = "placement",
				      .action = "decide",
				      .reason = reason },
		  "placement: %s", text);
}

static void say_observes(struct verdicts *v, const struct plan *plan)
{
	if (plan->placement_observes && !v->observes)
		say_placement_of_host(LOG_LEVEL_WARNING, why_str(WHY_PREDICTIONS_FAIL),
				      why_sentence(WHY_PREDICTIONS_FAIL));
	v->observes = plan->placement_observes;
}

static bool anybody_is_placed(const struct plan *plan)
{
	for (size_t i = 0; i < plan->nslots; i++)
		if (plan->guest[i].present && plan->guest[i].placement.wish == WISH_SET)
			return true;
	return false;
}

/* Bit 0 moves memory to where it is used; bit 1 is about tiers of memory. */
static void say_balancing(struct verdicts *v, const struct host_view *view, const struct plan *plan)
{
	uint64_t now = view->host->has_numa_balancing ? view->host->numa_balancing & 1 : 0;

	if (now == v->numa_balancing || !anybody_is_placed(plan))
		return;
	v->numa_balancing = now;
	say_placement_of_host(LOG_LEVEL_INFO, NULL,
			      now ? "kernel.numa_balancing is on: the kernel moves memory of "
				    "guests to their homes too, at their cost; sysctl "
				    "kernel.numa_balancing=0 leaves it to kvmtuned"
				  : "kernel.numa_balancing is off: only kvmtuned moves memory");
}

static void say_reserved(struct verdicts *v, const struct placement_conf *conf,
			 const struct host_view *view)
{
	uint64_t nodes = 0;
	char text[128 + KT_NODELIST_MAX], list[KT_NODELIST_MAX];

	for (unsigned int n = 0; n < KT_NODES_MAX; n++) {
		const struct cpumask *cpus = &view->topology->node[n].cpus;
		struct cpumask left = cpumask_andnot(cpus, &conf->reserved_cpus);

		if (!cpumask_empty(cpus) && cpumask_empty(&left))
			nodes |= nodemask_of(n);
	}
	if (nodes && nodes != v->reserved_nodes) {
		(void)snprintf(text, sizeof text,
			       "reserved_cpus leaves no CPU of node %s to guests: none is placed "
			       "there",
			       nodemask_str(nodes, list, sizeof list));
		say_placement_of_host(LOG_LEVEL_WARNING, NULL, text);
	}
	v->reserved_nodes = nodes;
}

void verdicts_say(struct verdicts *v, const struct policy_conf *conf, const struct host_view *view,
		  const struct plan *plan)
{
	say_observes(v, plan);
	say_balancing(v, view, plan);
	say_reserved(v, &conf->placement, view);
	say_ksm(v, &plan->ksm);
	say_probe(v, view->host->ksm.probe);
	say_merged(v, view);
	verdict_memory_of_host(&v->memory, &conf->memory, view, plan);
	for (size_t i = 0; i < plan->nslots; i++) {
		const struct guest_plan *g = &plan->guest[i];
		bool first = v->guest[i].incarnation != g->incarnation;

		if (!g->present)
			continue;
		if (first)
			v->guest[i] = (struct guest_verdict){ .incarnation = g->incarnation };
		say_guest_ksm(&v->guest[i], g, &view->guest[i]);
		say_placement(&v->guest[i], g, first);
		verdict_memory(&v->guest[i].memory, g, &conf->memory, first);
	}
}
