/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is worth a line about memory: that a guest is squeezed, and not each step. */
#include <inttypes.h>

#include "str.h"
#include "verdict_private.h"

enum { SWAP_AGAIN_MIB = 2 * SQUEEZE_SWAP_MIB };

/* ---- a guest ------------------------------------------------------------------------- */

/* Until it is let go, a pause between two steps is no change, and a limit in force stays. */
static bool is_between_steps(const struct memory_verdict *v, const struct memory_plan *m)
{
	return v->wish == WISH_SET && m->wish == WISH_HOLD;
}

static void say_decision(struct memory_verdict *v, const struct guest_plan *g, bool first)
{
	const struct memory_plan *m = &g->memory;
	bool between = !first && is_between_steps(v, m);
	bool changed = first || (!between && v->wish != m->wish) ||
		       (m->wish == WISH_SET && v->means != m->means);
	char decision[64] = "not squeezed";

	if (!changed && v->why == m->why)
		return;
	if (m->wish == WISH_SET)
		(void)snprintf(decision, sizeof decision, "%s %" PRIu64 " MiB",
			       m->means == MEMORY_RECLAIM ? "reclaimed down to" : "soft limit",
			       m->target_kib / 1024);
	else if (m->wish == WISH_HOLD)
		(void)snprintf(decision, sizeof decision, "left as it is");
	verdict_emit(g, "memory", changed, m->why, m->dry_run, decision);
	v->why = m->why;
	if (between)
		return;
	v->wish = m->wish;
	if (m->wish == WISH_SET)
		v->means = m->means;
}

static void emit_runaway(const struct guest_plan *g, enum log_level level, const char *text)
{
	char name[4 * KT_NAME_MAX];

	str_escape(g->name, name, sizeof name);
	log_emitf((struct log_event){ .level = level,
				      .id = LOG_VERDICT,
				      .guest = name,
				      .uuid = &g->uuid,
				      .actuator = "memory",
				      .action = "guard",
				      .reason = why_str(WHY_RUNAWAY) },
		  "%s: memory: %s", name, text);
}

/* A bound of 0: not watched now, so that nothing is known. */
static void say_runaway(struct memory_verdict *v, const struct guest_plan *g,
			const struct memory_conf *conf)
{
	const struct memory_plan *m = &g->memory;
	uint64_t mib = m->overhead_kib / 1024, bound_mib = m->overhead_bound_kib / 1024;
	char text[320];

	if (m->runaway && !v->runaway) {
		v->runaway = true;
		(void)snprintf(text, sizeof text,
			       "QEMU uses %" PRIu64 " MiB beyond its guest's memory, and %" PRIu64
			       " MiB are to be expected ([memory] overhead_mib = %" PRIu64
			       ", and for this guest's memory, vCPUs, I/O threads, passthrough and "
			       "emulation %" PRIu64 " MiB): does it leak?",
			       mib, bound_mib, conf->overhead_mib,
			       bound_mib - KT_MIN(bound_mib, conf->overhead_mib));
		emit_runaway(g, LOG_LEVEL_WARNING, text);
	} else if (v->runaway && !m->runaway && m->overhead_bound_kib &&
		   m->overhead_kib <= m->overhead_bound_kib / 100 * RUNAWAY_OVER_PERCENT) {
		v->runaway = false;
		(void)snprintf(text, sizeof text,
			       "QEMU uses %" PRIu64
			       " MiB beyond its guest's memory again, of %" PRIu64
			       " MiB to be expected",
			       mib, bound_mib);
		emit_runaway(g, LOG_LEVEL_INFO, text);
	}
}

void verdict_memory(struct memory_verdict *v, const struct guest_plan *g,
		    const struct memory_conf *conf, bool first)
{
	say_decision(v, g, first);
	say_runaway(v, g, conf);
}

/* ---- the host -------------------------------------------------------------------------- */

static void say_of_host(const char *reason, const char *text)
{
	log_emitf((struct log_event){ .level = LOG_LEVEL_INFO,
				      .id = LOG_VERDICT,
				      .actuator = "memory",
				      .action = "decide",
				      .reason = reason },
		  "memory: %s", text);
}

/* As the policy sees it, and well above that when it is to be said again. */
static void say_swap(struct memory_host_verdict *v, const struct host_sample *host)
{
	uint64_t free_mib = host->swap_free_kib / 1024;

	if (!v->no_swap && free_mib < SQUEEZE_SWAP_MIB) {
		v->no_swap = true;
		say_of_host(why_str(WHY_NO_SWAP), "no swap: guest memory cannot be reclaimed; the "
						  "memory loop rests");
	} else if (v->no_swap && free_mib >= SWAP_AGAIN_MIB) {
		v->no_swap = false;
		say_of_host(NULL, "there is swap with room: the memory loop works again");
	}
}

static void say_squeezing(struct memory_host_verdict *v, const struct memory_host_plan *m)
{
	char text[128];

	if (v->squeezing == m->squeezing)
		return;
	v->squeezing = m->squeezing;
	(void)snprintf(text, sizeof text,
		       "%s: price of memory %.2f, %" PRIu64 " MiB still to be found",
		       m->squeezing ? "idle guests are squeezed" : "no guest is squeezed any more",
		       m->price, m->deficit_kib / 1024);
	say_of_host(NULL, text);
}

void verdict_memory_of_host(struct memory_host_verdict *v, const struct memory_conf *conf,
			    const struct host_view *view, const struct plan *plan)
{
	if (conf->mode != LOOP_OFF && conf->mode != LOOP_PAUSED && view->npresent > 0)
		say_swap(v, view->host);
	say_squeezing(v, &plan->memory);
}
