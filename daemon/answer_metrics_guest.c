/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of a guest does nobody else export? */
#include "answer_metrics.h"
#include "nodemask.h"
#include "recall.h"

static void begin(struct metrics_text *t, const struct kvmtuned *k, size_t slot)
{
	metrics_name(t, "");
	/* What libvirt's exporters call it, so that both can be joined. */
	metrics_label(t, "domain", k->domains->slot[slot].domain.name);
}

static const struct guest_in_force *in_force_of(const struct kvmtuned *k, size_t slot)
{
	return recall_guest(act_in_force(k->act), slot, &k->view->guest[slot]);
}

/* NULL: its process could not be read. */
static const struct guest_sample *sample_of(const struct kvmtuned *k, size_t slot)
{
	return k->view->guest[slot].present ? k->view->guest[slot].sample : NULL;
}

static void label_node(struct metrics_text *t, unsigned int node)
{
	char text[16];

	(void)snprintf(text, sizeof text, "%u", node);
	metrics_label(t, "node", text);
}

/* An empty label is none: a guest that is managed has no reason. */
void metric_domain_info(struct metrics_text *t, const struct kvmtuned *k, size_t slot)
{
	enum why why = answer_guest_obstacle(k, slot);
	char uuid[KT_UUID_STR];

	begin(t, k, slot);
	metrics_label(t, "uuid", uuid_str(&k->domains->slot[slot].domain.uuid, uuid));
	metrics_label(t, "managed", why == WHY_NONE ? "yes" : "no");
	metrics_label(t, "reason", why == WHY_NONE ? "" : why_str(why));
	metrics_value(t, 1);
}

void metric_domain_hold(struct metrics_text *t, const struct kvmtuned *k, size_t slot)
{
	enum guest_hold hold = k->domains->slot[slot].domain.hold;

	if (hold == GUEST_HOLD_NONE)
		return;
	begin(t, k, slot);
	metrics_label(t, "hold", why_str(hold == GUEST_HOLD_PAUSED ? WHY_PAUSED : WHY_RELEASED));
	metrics_value(t, 1);
}

void metric_domain_home(struct metrics_text *t, const struct kvmtuned *k, size_t slot)
{
	const struct guest_in_force *f = in_force_of(k, slot);

	for (uint64_t left = f->pinned ? f->nodes : 0; left; left &= left - 1) {
		begin(t, k, slot);
		label_node(t, nodemask_first(left));
		metrics_value(t, 1);
	}
}

void metric_domain_memory(struct metrics_text *t, const struct kvmtuned *k, size_t slot)
{
	const struct guest_sample *s = sample_of(k, slot);

	if (!s || !s->has_node_memory)
		return;
	for (unsigned int n = 0; n < KT_NODES_MAX; n++) {
		if (!k->topology.node[n].present)
			continue;
		begin(t, k, slot);
		label_node(t, n);
		metrics_value(t, (double)s->node_memory_kib[n] * 1024);
	}
}

void metric_domain_locality(struct metrics_text *t, const struct kvmtuned *k, size_t slot)
{
	struct locality l = locality_of(&k->view->guest[slot], in_force_of(k, slot));

	if (l.all_kib == 0)
		return;
	begin(t, k, slot);
	metrics_value(t, locality_pct(&l) / 100);
}

void metric_domain_steal(struct metrics_text *t, const struct kvmtuned *k, size_t slot)
{
	const struct counter *delay = &k->view->guest[slot].delay_ns;

	if (!sample_of(k, slot) || !delay->known)
		return;
	begin(t, k, slot);
	metrics_value(t, (double)delay->total / 1e9);
}

void metric_domain_merged(struct metrics_text *t, const struct kvmtuned *k, size_t slot)
{
	const struct guest_sample *s = sample_of(k, slot);

	if (!s || !s->has_ksm)
		return;
	begin(t, k, slot);
	metrics_value(t, (double)k->view->guest[slot].merged_kib * 1024);
}

void metric_domain_reclaimed(struct metrics_text *t, const struct kvmtuned *k, size_t slot)
{
	begin(t, k, slot);
	metrics_value(t, (double)in_force_of(k, slot)->reclaimed_kib * 1024);
}
