/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known of one guest? */
#include "answer_private.h"
#include "str.h"

struct known_guest known_guest_of(const struct kvmtuned *k, size_t slot)
{
	static const struct guest_in_force nothing = { 0 };
	const struct domain_slot *s = &k->domains->slot[slot];
	struct known_guest g = { .in_force = &nothing };

	if (slot >= k->domains->nslots || !s->used)
		return g;
	g.domain = &s->domain;
	if (slot < k->view->nslots && k->view->guest[slot].domain &&
	    k->view->guest[slot].incarnation == s->incarnation)
		g.view = &k->view->guest[slot];
	if (g.view && g.view->present)
		g.sample = g.view->sample;
	if (slot < k->plan->nslots && k->plan->guest[slot].present &&
	    k->plan->guest[slot].incarnation == s->incarnation)
		g.plan = &k->plan->guest[slot];
	if (act_in_force(k->act)->guest[slot].incarnation == s->incarnation)
		g.in_force = &act_in_force(k->act)->guest[slot];
	return g;
}

bool host_is_known(const struct kvmtuned *k)
{
	return k->view->nsamples > 0;
}

/* ---- is it managed? -------------------------------------------------------------------- */

/* Not now, which ends by itself, but not at all. */
static bool is_left_alone(enum why why)
{
	switch ((unsigned int)why) {
	case WHY_NONE:
	case WHY_SWITCHED_OFF:
	case WHY_PAUSED:
	case WHY_RELEASED:
	case WHY_CEDED:
	case WHY_NOT_SAMPLED:
	case WHY_ACTUATOR_OFF:
	case WHY_NO_KSM:
	case WHY_KERNEL_ADVISOR:
	case WHY_OWNED_ELSEWHERE:
	case WHY_MERGE_NEVER:
	case WHY_SHARED_MEMORY:
	case WHY_HUGEPAGES:
	case WHY_LOCKED:
	case WHY_DEVICE_MEMORY:
	case WHY_CONFIDENTIAL:
	case WHY_NOSHAREPAGES:
	case WHY_OPTED_OUT:
	case WHY_SINGLE_NODE_HOST:
	case WHY_PINNED_BY_ADMIN:
	case WHY_PLACEMENT_AUTO:
	case WHY_REALTIME:
	case WHY_MEMORY_UNKNOWN:
	case WHY_WIDER_THAN_NODE:
	case WHY_NUMAD_RUNNING:
	case WHY_NO_CPUS:
	case WHY_PREDICTIONS_FAIL:
	case WHY_NO_SWAP:
	case WHY_NO_CGROUP:
	case WHY_UNRECLAIMABLE:
	case WHY_LIMITED_BY_ADMIN:
	case WHY_NO_RECLAIM:
		return true;
	default:
		return false;
	}
}

bool guest_is_managed(const struct kvmtuned *k, const struct known_guest *g)
{
	const struct ksm_plan *ksm = &k->plan->ksm;
	const struct guest_plan *p = g->plan;

	if (!p)
		return false;
	return (!ksm->dry_run && !is_left_alone(ksm->why) && !is_left_alone(p->ksm)) ||
	       (!p->placement.dry_run && !is_left_alone(p->placement.why)) ||
	       (!p->memory.dry_run && !is_left_alone(p->memory.why));
}

/* ---- the answer ------------------------------------------------------------------------ */

static void put_facts(const struct known_guest *g, struct json_object *o)
{
	const struct domain *d = g->domain;
	char uuid[KT_UUID_STR];

	json_put_name(o, "name", d->name);
	json_put_text(o, "uuid", uuid_str(&d->uuid, uuid));
	json_put_known(o, "id", true, d->id);
	json_put_bool(o, "running", d->running);
	json_put_bool(o, "busy", d->busy);
	json_put_count(o, "vcpus", d->vcpus);
	json_put_count(o, "memory_kib", d->memory_kib);
}

static void put_node_memory(const struct kvmtuned *k, const struct guest_sample *s,
			    struct json_object *o)
{
	struct json_object *nodes = NULL;
	char id[16];

	if (s && s->has_node_memory)
		nodes = json_object_new_object();
	for (unsigned int n = 0; nodes && n < KT_NODES_MAX; n++) {
		if (!k->topology.node[n].present && s->node_memory_kib[n] == 0)
			continue;
		(void)snprintf(id, sizeof id, "%u", n);
		json_put_count(nodes, id, s->node_memory_kib[n]);
	}
	json_put_object(o, "node_memory_kib", nodes);
}

static void put_measured(const struct kvmtuned *k, const struct known_guest *g,
			 struct json_object *o)
{
	const struct guest_view *v = g->view;
	struct locality l = v ? locality_of(v, g->in_force) : (struct locality){ 0 };
	bool fed = v && v->demand_cpus.age_s > 0;

	json_put_known(o, "resident_kib", g->sample, g->sample ? (double)g->sample->rss_kib : 0);
	json_put_nodes(o, "home", g->in_force->pinned ? g->in_force->nodes : 0);
	put_node_memory(k, g->sample, o);
	json_put_known(o, "local_percent", l.all_kib > 0, locality_pct(&l));
	json_put_known(o, "steal_percent", fed, fed ? 100 * v->steal_share.value : 0);
	json_put_known(o, "demand_cpus", fed, fed ? v->demand_cpus.value : 0);
	json_put_known(o, "merged_kib", g->sample && g->sample->has_ksm,
		       v ? (double)v->merged_kib : 0);
	json_put_known(o, "limit_kib", g->in_force->limited, (double)g->in_force->soft_limit_kib);
	json_put_count(o, "reclaimed_kib", g->in_force->reclaimed_kib);
}

static void put_hold(const struct kvmtuned *k, const struct known_guest *g, struct json_object *o)
{
	uint64_t until_ns = UINT64_MAX;
	enum guest_hold hold = pauses_of_guest(&k->pauses, &g->domain->uuid, &until_ns);
	bool ends = hold != GUEST_HOLD_NONE && until_ns != UINT64_MAX;

	json_put_text(o, "hold",
		      hold == GUEST_HOLD_PAUSED     ? "paused"
		      : hold == GUEST_HOLD_RELEASED ? "released"
						    : NULL);
	json_put_known(o, "hold_until_unix_s", ends, ends ? answer_unix_s(until_ns) : 0);
	json_put_bool(o, "managed", hold == GUEST_HOLD_NONE && guest_is_managed(k, g));
}

static struct json_object *decision_of(enum wish wish, enum why why, bool dry_run)
{
	struct json_object *o = json_object_new_object();

	json_put_text(o, "wish", wish_str(wish));
	json_put_why(o, why);
	json_put_bool(o, "dry_run", dry_run);
	return o;
}

static void put_decisions(const struct guest_plan *plan, struct json_object *o)
{
	static const struct guest_plan none = { 0 };
	const struct guest_plan *p = plan ? plan : &none;
	struct json_object *ksm = json_object_new_object();

	json_put_why(ksm, p->ksm);
	json_put_object(o, "ksm", ksm);
	json_put_object(o, "placement",
			decision_of(p->placement.wish, p->placement.why, p->placement.dry_run));
	json_put_object(o, "memory", decision_of(p->memory.wish, p->memory.why, p->memory.dry_run));
}

static void put_last_decision(const struct kvmtuned *k, const struct uuid *uuid,
			      struct json_object *o)
{
	struct decision d;

	json_put_said(o, "last_decision", history_last_of(k->history, uuid, &d) ? &d : NULL);
}

struct json_object *answer_guest(const struct kvmtuned *k, size_t slot)
{
	struct known_guest g = known_guest_of(k, slot);
	struct json_object *o = g.domain ? json_object_new_object() : NULL;

	if (!o)
		return NULL;
	put_facts(&g, o);
	put_measured(k, &g, o);
	put_hold(k, &g, o);
	put_decisions(g.plan, o);
	put_last_decision(k, &g.domain->uuid, o);
	return o;
}
