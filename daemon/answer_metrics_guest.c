/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of a guest does nobody else export? */
#include "answer_metrics.h"
#include "nodemask.h"

static void begin(struct metrics_text *t, const struct known_guest *g)
{
	metrics_name(t, "");
	/* What libvirt's exporters call it, so that both can be joined. */
	metrics_label(t, "domain", g->domain->name);
}

static void label_node(struct metrics_text *t, unsigned int node)
{
	char text[16];

	(void)snprintf(text, sizeof text, "%u", node);
	metrics_label(t, "node", text);
}

static bool is_managed(const struct kvmtuned *k, const struct known_guest *g)
{
	return g->domain->hold == GUEST_HOLD_NONE && guest_is_managed(k, g);
}

void metric_domains_managed(struct metrics_text *t, const struct kvmtuned *k)
{
	unsigned int n = 0;

	for (size_t i = 0; i < k->domains->nslots; i++) {
		struct known_guest g = known_guest_of(k, i);

		n += g.domain && is_managed(k, &g);
	}
	metrics_put(t, n);
}

/* An empty label is none: a guest that is managed has no reason. */
void metric_domain_info(struct metrics_text *t, const struct kvmtuned *k,
			const struct known_guest *g)
{
	bool managed = is_managed(k, g);
	enum why why = g->plan ? g->plan->placement.why : WHY_NOT_SAMPLED;
	char uuid[KT_UUID_STR];

	begin(t, g);
	metrics_label(t, "uuid", uuid_str(&g->domain->uuid, uuid));
	metrics_label(t, "managed", managed ? "yes" : "no");
	metrics_label(t, "reason", managed ? "" : why_str(why));
	metrics_value(t, 1);
}

void metric_domain_hold(struct metrics_text *t, const struct kvmtuned *k,
			const struct known_guest *g)
{
	enum guest_hold hold = g->domain->hold;

	(void)k;
	if (hold == GUEST_HOLD_NONE)
		return;
	begin(t, g);
	metrics_label(t, "hold", why_str(hold == GUEST_HOLD_PAUSED ? WHY_PAUSED : WHY_RELEASED));
	metrics_value(t, 1);
}

void metric_domain_home(struct metrics_text *t, const struct kvmtuned *k,
			const struct known_guest *g)
{
	const struct guest_in_force *f = g->in_force;

	(void)k;
	for (uint64_t left = f->pinned ? f->nodes : 0; left; left &= left - 1) {
		begin(t, g);
		label_node(t, nodemask_first(left));
		metrics_value(t, 1);
	}
}

void metric_domain_memory(struct metrics_text *t, const struct kvmtuned *k,
			  const struct known_guest *g)
{
	const struct guest_sample *s = g->sample;

	if (!s || !s->has_node_memory)
		return;
	for (unsigned int n = 0; n < KT_NODES_MAX; n++) {
		if (!k->topology.node[n].present)
			continue;
		begin(t, g);
		label_node(t, n);
		metrics_value(t, (double)s->node_memory_kib[n] * 1024);
	}
}

void metric_domain_locality(struct metrics_text *t, const struct kvmtuned *k,
			    const struct known_guest *g)
{
	struct locality l = g->view ? locality_of(g->view, g->in_force) : (struct locality){ 0 };

	(void)k;
	if (l.all_kib == 0)
		return;
	begin(t, g);
	metrics_value(t, locality_pct(&l) / 100);
}

void metric_domain_steal(struct metrics_text *t, const struct kvmtuned *k,
			 const struct known_guest *g)
{
	(void)k;
	if (!g->sample || !g->view->delay_ns.known)
		return;
	begin(t, g);
	metrics_value(t, (double)g->view->delay_ns.total / 1e9);
}

void metric_domain_merged(struct metrics_text *t, const struct kvmtuned *k,
			  const struct known_guest *g)
{
	const struct guest_sample *s = g->sample;

	(void)k;
	if (!s || !s->has_ksm)
		return;
	begin(t, g);
	metrics_value(t, (double)g->view->merged_kib * 1024);
}

void metric_domain_reclaimed(struct metrics_text *t, const struct kvmtuned *k,
			     const struct known_guest *g)
{
	(void)k;
	begin(t, g);
	metrics_value(t, (double)g->in_force->reclaimed_kib * 1024);
}
