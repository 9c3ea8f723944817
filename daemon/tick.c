/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sense -> model -> policy -> act: the one file that sees every layer. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "answer.h"
#include "audit_run.h"
#include "http.h"
#include "journal.h"
#include "kvmtuned.h"
#include "service.h"
#include "trouble.h"

enum {
	MISSES_MAX = 3, /* bad samples in a row before the originals come back */
	MISS_SAID_EVERY_S = 600,
	BALLOON_INTERVAL_S = 5,
};

/* A file may come and go with every tick. */
static bool was_said_lately(const struct kvmtuned *k, uint64_t now_ns)
{
	return k->miss_said_ns && now_ns - k->miss_said_ns < MISS_SAID_EVERY_S * KT_NS_PER_S;
}

/* The last plan stays in force for a while; then a host that we cannot see must not
 * keep what we set. */
static int hold_or_let_go(struct kvmtuned *k, uint64_t now_ns, int error)
{
	uint64_t patience_ns = (MISSES_MAX - 1) * KT_MIN(k->conf.interval_s, 5) * KT_NS_PER_S;

	if (++k->misses == 1)
		k->missed_since_ns = now_ns;
	if (k->misses == 1 && !was_said_lately(k, now_ns)) {
		k->miss_said_ns = now_ns;
		log_emitf((struct log_event){ .level = LOG_LEVEL_WARNING,
					      .id = LOG_SENSE_FAILED,
					      .error = -error },
			  "the host's counters cannot be read (%s: %s); the last plan holds",
			  sense_failed_at(k->sense), strerror(-error));
	}
	/* Looks may be fractions of a second apart. */
	if (k->misses >= MISSES_MAX && now_ns - k->missed_since_ns >= patience_ns && !k->let_go) {
		k->let_go = true;
		log_emitf((struct log_event){ .level = LOG_LEVEL_ERR,
					      .id = LOG_SENSE_FAILED,
					      .error = -error },
			  "%d readings failed in a row (%s: %s): original values are restored, and "
			  "nothing is changed until the host can be read again",
			  MISSES_MAX, sense_failed_at(k->sense), strerror(-error));
	}
	/* Again and again: what waits for libvirt gets back when libvirt answers. */
	if (k->let_go)
		(void)act_restore(k->act, now_ns);
	service_status("degraded: the host's counters cannot be read (%s: %s)",
		       sense_failed_at(k->sense), strerror(-error));
	return error;
}

static void bind_new_guests(struct kvmtuned *k)
{
	for (size_t i = 0; i < k->domains->nslots; i++) {
		const struct domain_slot *slot = &k->domains->slot[i];

		if (slot->used && k->sample->guest[i].present && k->bound[i] != slot->incarnation)
			guests_bind(k, i);
	}
}

/* Nothing is written by a run that only looks. */
static void make_harmless(struct plan *plan)
{
	plan->ksm.dry_run = true;
	plan->host.dry_run = true;
	for (size_t i = 0; i < plan->nslots; i++) {
		plan->guest[i].placement.dry_run = true;
		plan->guest[i].memory.dry_run = true;
	}
}

/* A squeeze may be near: the floors of guests are to be known by then. */
static bool is_pressed(const struct kvmtuned *k)
{
	const struct memory_conf *conf = &k->policy_now.memory;
	const struct memory_host_plan *m = &k->plan->memory;

	return conf->mode != LOOP_OFF && conf->mode != LOOP_PAUSED &&
	       k->sample->host.swap_total_kib > 0 &&
	       (m->squeezing || m->shortage * 100 >= (double)conf->calm_price);
}

/* Balloon figures cost a call into libvirt, which asks each guest; they matter only to a
 * squeeze, and guests renew them every few seconds at best, however fast we tick. */
static void ask_for_balloons(struct kvmtuned *k)
{
	uint64_t now_ns = k->plan->now_ns;

	if (k->view->npresent == 0 || !is_pressed(k) ||
	    (k->balloons_asked_ns &&
	     now_ns - k->balloons_asked_ns < BALLOON_INTERVAL_S * KT_NS_PER_S))
		return;
	k->balloons_asked_ns = now_ns;
	guests_ask_statistics(k, now_ns);
}

static void show_status(const struct kvmtuned *k)
{
	const struct in_force *f = act_in_force(k->act);
	unsigned int pinned = 0, limited = 0;
	char reclaimed[48] = "", wrong[80] = "";
	size_t nproblems = problems_count(k);

	if (nproblems)
		(void)snprintf(wrong, sizeof wrong,
			       "; problems: %zu, see kvmtunectl status or the journal", nproblems);
	if (f->memory.reclaimed_kib >= 1024)
		(void)snprintf(reclaimed, sizeof reclaimed, ", %" PRIu64 " MiB reclaimed",
			       f->memory.reclaimed_kib / 1024);
	for (size_t i = 0; i < k->plan->nslots; i++) {
		pinned += k->plan->guest[i].present && f->guest[i].pinned;
		limited += k->plan->guest[i].present && f->guest[i].limited;
	}
	service_status("%s; %zu guests, %u pinned, %u limited%s; KSM %s (%s), %" PRIu64
		       " MiB merged; libvirt %s%s",
		       kvmtuned_observes(k) ? "observing" : "active", k->view->npresent, pinned,
		       limited, reclaimed, k->sample->host.ksm.run == 1 ? "scanning" : "resting",
		       why_str(k->plan->ksm.why), k->view->merged_kib / 1024,
		       k->link_up ? "connected" : "not connected", wrong);
}

static bool is_recording(const struct kvmtuned *k)
{
	return k->record_file || http_has_followers(k->http, STREAM_RECORD);
}

/* Whoever records gets what this tick has decided by: all of it is still as it was. */
static void record(struct kvmtuned *k, int64_t unix_us)
{
	char *line;

	if (!is_recording(k)) {
		recorder_restart(k->recorder); /* costs nothing from now on */
		return;
	}
	line = recorder_line(k->recorder,
			     &(struct recorded_tick){ .now_ns = k->plan->now_ns,
						      .unix_us = unix_us,
						      .kicked = k->view->kicked,
						      .guests_known = k->guests_known,
						      .tuned_has_ksm = k->tuned_has_ksm,
						      .first = k->view->nsamples == 1,
						      .reloads = k->reloads,
						      .conf = &k->conf,
						      .policy = &k->policy_now,
						      .topology = &k->topology,
						      .capabilities = sense_capabilities(k->sense),
						      .domains = k->domains,
						      .sample = k->sample,
						      .in_force = act_in_force(k->act),
						      .plan = k->plan });
	if (line) {
		http_stream(k->http, STREAM_RECORD, line);
		record_file_write(k, line);
	}
	free(line);
}

/* What is taken from guests changes what they have although they do not run. */
static enum sense_scope scope_of(const struct kvmtuned *k, uint64_t now_ns)
{
	enum sense_scope scope = k->by_event ? SENSE_NEW : SENSE_DUE;

	/* Events may come faster than the timer, which starts anew after each; and who replays
	 * a recording has no plan of before. */
	if (now_ns - k->looked_ns >= k->conf.interval_s * KT_NS_PER_S || is_recording(k))
		scope = SENSE_DUE;
	if (is_pressed(k))
		scope = SENSE_ALL;
	return KT_MIN(scope, k->look);
}

/* So does what is moved, of one guest at a time. */
static void watch_the_moved(struct kvmtuned *k)
{
	const struct move_plan *move = &k->plan->move;

	if (!k->by_event && move->go && move->slot < k->domains->nslots)
		domains_touch(k->domains, move->slot);
}

int kvmtuned_tick(struct kvmtuned *k, uint64_t now_ns)
{
	int64_t unix_us = now_unix_us();
	int r;

	journal_set_cycle(++k->ticks);
	hotplug_look(k, now_ns);
	watch_the_moved(k);
	r = sense_read_some(k->sense, k->domains, scope_of(k, now_ns), now_ns, k->sample);
	if (r < 0)
		return hold_or_let_go(k, now_ns, r);
	k->by_event = false;
	k->look = SENSE_NEW;
	k->misses = 0;
	k->let_go = false;
	trouble_say(k, now_ns);

	act_refresh(k->act);
	k->view->guests_known = k->guests_known;
	k->view->tuned_has_ksm = k->tuned_has_ksm;
	host_view_update(k->view, &k->topology, sense_capabilities(k->sense), k->domains, k->sample,
			 k->kicked);
	k->kicked = false;
	if (k->view->nunseen == 0)
		k->looked_ns = now_ns;
	bind_new_guests(k);
	guests_note_vcpu_threads(k);
	guests_recheck_limits(k, now_ns);
	lift_marked_pins(k);
	guests_apply_pauses(k, now_ns);
	arbiter_step(k->arbiter, &k->policy_now, k->view, act_in_force(k->act), k->plan);
	record(k, unix_us);
	audit_apply(k, now_ns);
	if (k->dry_run)
		make_harmless(k->plan);
	verdicts_say(k->verdicts, &k->policy_now, k->view, k->plan);
	act_apply(k->act, k->plan);

	history_tick(k->history, k->view, k->plan, act_in_force(k->act), unix_us / 1000000);
	ask_for_balloons(k);
	show_status(k);
	return 0;
}
