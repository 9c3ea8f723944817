/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How is it: the daemon, libvirt, the host, the loops, and each guest? */
#include "answer_private.h"
#include "audit_run.h"

const char *ksm_advisor_str(enum ksm_advisor advisor)
{
	return advisor == KSM_ADVISOR_SCAN_TIME ? "scan-time"
	       : advisor == KSM_ADVISOR_NONE    ? "none"
						: "absent";
}

/* ---- the daemon, libvirt, the host ------------------------------------------------------- */

static void put_daemon(const struct kvmtuned *k, struct json_object *o)
{
	struct json_object *problems = problems_of(k);

	json_put_text(o, "version", KT_VERSION);
	json_put_number(o, "unix_s", (double)now_unix_us() / 1e6);
	json_put_number(o, "started_unix_s", answer_unix_s(k->started_ns));
	json_put_text(o, "mode", k->conf.policy.mode == DAEMON_OBSERVE ? "observe" : "active");
	json_put_bool(o, "dry_run", k->dry_run);
	json_put_text(o, "state",
		      problems && json_object_array_length(problems) ? "degraded" : "ok");
	json_put_object(o, "problems", problems);
}

static struct json_object *libvirt_of(const struct kvmtuned *k)
{
	struct json_object *o = json_object_new_object();
	double s = libvirt_waiting_s(k);

	json_put_bool(o, "connected", k->link_up);
	json_put_name(o, "uri", k->conf.libvirt_uri);
	json_put_text(o, "version", k->libvirt_version[0] ? k->libvirt_version : NULL);
	json_put_known(o, "waiting_s", s > 0, s);
	json_put_count(o, "links", k->links);
	return o;
}

static struct json_object *tick_of(const struct kvmtuned *k)
{
	struct json_object *o = json_object_new_object();
	uint64_t now_ns = now_monotonic_ns();
	bool ticked = k->tick_began_ns > 0;

	json_put_count(o, "count", k->ticks);
	json_put_known(o, "last_unix_s", ticked, answer_unix_s(k->tick_began_ns));
	json_put_known(o, "took_s", ticked, (double)k->tick_took_ns / 1e9);
	json_put_known(o, "next_in_s", k->next_tick_ns > 0,
		       k->next_tick_ns > now_ns ? (double)(k->next_tick_ns - now_ns) / 1e9 : 0);
	return o;
}

static uint64_t guests_kib(const struct kvmtuned *k, unsigned int node)
{
	uint64_t kib = 0;

	for (size_t i = 0; i < k->view->nslots; i++)
		if (k->view->guest[i].present)
			kib += k->view->guest[i].sample->node_memory_kib[node];
	return kib;
}

static struct json_object *node_of(const struct kvmtuned *k, unsigned int id)
{
	const struct node_topology *t = &k->topology.node[id];
	const struct node_sample *s = &k->sample->host.node[id];
	struct json_object *o = json_object_new_object();
	char cpus[KT_CPULIST_MAX];

	json_put_count(o, "id", id);
	json_put_text(o, "cpus", cpumask_str(&t->cpus, cpus, sizeof cpus));
	json_put_count(o, "ncpus", cpumask_count(&t->cpus));
	json_put_known(o, "memory_kib", s->present, (double)s->mem_total_kib);
	json_put_known(o, "free_kib", s->present, (double)s->mem_free_kib);
	json_put_count(o, "guests_kib", guests_kib(k, id));
	json_put_known(o, "busy_cpus", host_is_known(k), k->view->node_busy_cpus[id]);
	return o;
}

static struct json_object *host_of(const struct kvmtuned *k)
{
	const struct host_sample *h = &k->sample->host;
	const struct host_view *v = k->view;
	struct json_object *o = json_object_new_object(), *nodes = json_object_new_array();
	bool known = host_is_known(k), has_psi = known && h->psi_memory.present;

	for (unsigned int n = 0; n < KT_NODES_MAX; n++)
		if (k->topology.node[n].present)
			json_add(nodes, node_of(k, n));
	json_put_object(o, "nodes", nodes);
	json_put_known(o, "memory_kib", known, (double)h->mem_total_kib);
	json_put_known(o, "available_kib", known, (double)v->available_kib);
	json_put_known(o, "swap_total_kib", known, (double)h->swap_total_kib);
	json_put_known(o, "swap_free_kib", known, (double)h->swap_free_kib);
	json_put_known(o, "price", known, k->plan->memory.price);
	json_put_known(o, "psi_memory_some_percent", has_psi, v->psi_memory_some_pct);
	json_put_known(o, "psi_memory_full_percent", has_psi, v->psi_memory_full_pct);
	json_put_known(o, "steal_percent", known, 100 * v->steal_share);
	json_put_known(o, "idle_cpus", known, v->idle_cpus);
	return o;
}

/* ---- the loops ------------------------------------------------------------------------- */

static struct json_object *loop_of(const struct kvmtuned *k, enum kt_loop loop)
{
	struct json_object *o = json_object_new_object();
	uint64_t until_ns = k->pauses.loop_until_ns[loop];
	bool ends = loop_is_paused(k, loop) && until_ns != UINT64_MAX;
	struct decision d;

	json_put_text(o, "state", loop_state_str(answer_loop_state(k, loop)));
	json_put_loop_why(k, loop, o);
	json_put_known(o, "paused_until_unix_s", ends, ends ? answer_unix_s(until_ns) : 0);
	json_put_said(o, "last_change", history_last_change(k->history, loop, &d) ? &d : NULL);
	return o;
}

const struct ksm_sample *known_ksm(const struct kvmtuned *k)
{
	const struct ksm_sample *s = &k->sample->host.ksm;

	return host_is_known(k) && s->present ? s : NULL;
}

static struct json_object *ksm_of(const struct kvmtuned *k)
{
	struct json_object *o = loop_of(k, LOOP_KSM);
	struct ksm_sample s;
	bool known = ksm_now(k, &s);

	json_put_known(o, "run", known, (double)s.run);
	json_put_known(o, "pages_to_scan", known, (double)s.pages_to_scan);
	json_put_known(o, "sleep_ms", known, (double)s.sleep_ms);
	json_put_known(o, "ksmd_cpu_percent", s.has_ksmd, k->view->ksmd_cpu_pct);
	json_put_known(o, "merged_kib", known, (double)k->view->merged_kib);
	json_put_known(o, "profit_kib", s.has_profit, (double)(s.profit_bytes / 1024));
	json_put_text(o, "advisor", known ? ksm_advisor_str(s.advisor) : NULL);
	return o;
}

static struct json_object *move_of(const struct kvmtuned *k)
{
	const struct move_in_force *m = &act_in_force(k->act)->move;
	struct known_guest g = { 0 };
	struct json_object *o;

	if (m->active)
		g = known_guest_of(k, m->slot);
	if (!g.domain)
		return NULL;
	o = json_object_new_object();
	json_put_name(o, "guest", g.domain->name);
	json_put_count(o, "moved_kib", g.in_force->moved_kib);
	json_put_count(o, "kib_per_s", m->kib_per_s);
	return o;
}

static unsigned int count(const struct kvmtuned *k, bool (*is)(const struct guest_in_force *f))
{
	unsigned int n = 0;

	for (size_t i = 0; i < k->domains->nslots; i++)
		n += is(known_guest_of(k, i).in_force);
	return n;
}

static bool is_pinned(const struct guest_in_force *f)
{
	return f->pinned;
}

static bool is_limited(const struct guest_in_force *f)
{
	return f->limited;
}

static struct json_object *loops_of(const struct kvmtuned *k)
{
	struct json_object *o = json_object_new_object();
	struct json_object *placement = loop_of(k, LOOP_PLACEMENT), *memory;

	json_put_object(o, "ksm", ksm_of(k));
	json_put_count(placement, "pinned", count(k, is_pinned));
	json_put_object(placement, "moving", move_of(k));
	json_put_object(o, "placement", placement);
	memory = loop_of(k, LOOP_MEMORY);
	json_put_count(memory, "limited", count(k, is_limited));
	json_put_count(memory, "reclaimed_kib", act_in_force(k->act)->memory.reclaimed_kib);
	json_put_count(memory, "deficit_kib", k->plan->memory.deficit_kib);
	json_put_bool(memory, "squeezing", k->plan->memory.squeezing);
	json_put_object(o, "memory", memory);
	return o;
}

/* Of the last audit; NULL: there was none. */
static struct json_object *audit_of(const struct kvmtuned *k)
{
	struct audit_counts counts = audit_counts_of(k);
	struct json_object *o = counts.known ? json_object_new_object() : NULL;

	if (!o)
		return NULL;
	json_put_count(o, "unix_s", (uint64_t)counts.unix_s);
	for (int severity = _AUDIT_SEVERITY_MAX - 1; severity >= 0; severity--)
		json_put_count(o, audit_severity_str((enum audit_severity)severity),
			       counts.findings[severity]);
	json_put_count(o, "unknown", counts.unknown);
	return o;
}

/* ---- the answer ------------------------------------------------------------------------ */

void answer_status(struct kvmtuned *k, const struct question *q, struct answer *ret)
{
	struct json_object *guests;
	bool one = q->given & ASKS_GUEST;
	int asked = one ? answer_find_guest(k, q, ret) : 0;

	if (asked < 0)
		return;
	guests = json_object_new_array();
	for (size_t i = 0; i < k->domains->nslots; i++)
		if (k->domains->slot[i].used && (!one || i == (size_t)asked))
			json_add(guests, answer_guest(k, i));
	ret->json = answer_new();
	put_daemon(k, ret->json);
	json_put_object(ret->json, "libvirt", libvirt_of(k));
	json_put_object(ret->json, "tick", tick_of(k));
	json_put_object(ret->json, "host", host_of(k));
	json_put_object(ret->json, "loops", loops_of(k));
	json_put_object(ret->json, "audit", audit_of(k));
	json_put_object(ret->json, "guests", guests);
}
