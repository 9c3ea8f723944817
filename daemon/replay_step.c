/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What would be decided on what was recorded?
 *
 * The loop is open: what was in force is what the recording says, whatever is decided now.  So a
 * difference tells that the policies would have done otherwise, not what would have come of it. */
#include <errno.h>
#include <string.h>

#include "pause.h"
#include "replay.h"

struct replay *replay_new(const struct conf *conf)
{
	struct replay *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	r->conf = conf;
	r->view = host_view_new();
	if (r->view && record_reader_open(&r->reader) == 0)
		return r;
	replay_free(r);
	return NULL;
}

void replay_free(struct replay *r)
{
	for (size_t i = 0; i < KT_GUESTS_MAX; i++)
		free(r->thread[i]);
	record_reader_close(&r->reader);
	host_view_free(r->view);
	free(r);
}

static int take_guest(struct replay *r, size_t i)
{
	const struct recording *then = r->reader.now;
	const struct recorded_guest *g = &then->guest[i];
	struct domain_slot *slot = &r->domains.slot[i];
	size_t nthreads = 1 + (size_t)g->threads.niothreads;

	*slot = then->domains.slot[i];
	if (r->conf)
		slot->domain.wish =
			conf_guest_wish(r->conf, slot->domain.name, &slot->domain.metadata);
	if (nthreads > r->thread_room[i]) {
		free(r->thread[i]);
		r->thread[i] = calloc(nthreads, sizeof *r->thread[i]);
		r->thread_room[i] = r->thread[i] ? nthreads : 0;
		if (!r->thread[i])
			return -ENOMEM;
	}
	expand_threads(&g->threads, r->thread[i]);
	r->sample.guest[i] = g->sample;
	r->sample.guest[i].threads = r->thread[i];
	r->sample.guest[i].nthreads = nthreads;
	if (slot->incarnation != r->incarnation[i])
		r->nguests++;
	r->incarnation[i] = slot->incarnation;
	return 0;
}

static int take_guests(struct replay *r)
{
	const struct recording *then = r->reader.now;
	int e = 0;

	r->domains.nslots = then->domains.nslots;
	for (size_t i = 0; i < KT_GUESTS_MAX && e == 0; i++) {
		r->domains.slot[i].used = i < then->domains.nslots && then->domains.slot[i].used;
		if (r->domains.slot[i].used)
			e = take_guest(r, i);
	}
	return e;
}

static void take_policy(struct replay *r)
{
	const struct recording *then = r->reader.now;

	struct pauses pauses = { 0 };

	for (size_t loop = 0; loop < _LOOP_MAX; loop++)
		pauses.loop_until_ns[loop] = then->head.paused[loop] ? UINT64_MAX : 0;
	r->policy = r->conf ? r->conf->policy : then->conf.policy;
	pauses_apply(&pauses, &r->policy);
}

/* As kvmtuned_tick does it. */
static int decide_again(struct replay *r)
{
	const struct recording *then = r->reader.now;
	int e = take_guests(r);

	if (e < 0)
		return e;
	take_policy(r);
	r->sample.now_ns = then->head.now_ns;
	expand_host(&then->host, &then->topology, &r->sample.host);
	if (r->ticks && then->head.reloads != r->reloads)
		placement_policy_forgive(&r->arbiter.placement);
	r->reloads = then->head.reloads;
	r->view->guests_known = then->head.guests_known;
	r->view->tuned_has_ksm = then->head.tuned_has_ksm;
	host_view_update(r->view, &then->topology, &then->capabilities, &r->domains, &r->sample,
			 then->head.kicked);
	arbiter_step(&r->arbiter, &r->policy, r->view, &then->in_force, &r->plan);
	return 0;
}

int replay_take(struct replay *r, const char *line, size_t bytes)
{
	int e = record_reader_take(&r->reader, line, bytes);

	if (e <= 0)
		return e;
	e = decide_again(r);
	r->ticks += e == 0;
	return e < 0 ? e : 1;
}
