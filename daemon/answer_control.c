/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does root change by the socket, and what is said about it?
 *
 * Each change is logged once, remembered, and looked at by a tick at once. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "answer.h"
#include "str.h"

/* What a change is about: a guest, else a loop, else everything. */
struct subject {
	const struct uuid *uuid; /* NULL: no guest */
	const char *loop;        /* NULL: no loop */
	char name[4 * KT_NAME_MAX];
};

static struct subject subject_guest(const struct kvmtuned *k, const struct uuid *uuid)
{
	struct subject s = { .uuid = uuid };
	int slot = domains_find(k->domains, uuid);

	if (slot >= 0)
		str_escape(k->domains->slot[slot].domain.name, s.name, sizeof s.name);
	else
		uuid_str(uuid, s.name); /* it has gone */
	return s;
}

static struct subject subject_loop(enum kt_loop loop)
{
	struct subject s = { .loop = loop_str(loop) };

	strcpy(s.name, s.loop);
	return s;
}

static struct subject subject_all(const char *name)
{
	struct subject s = { 0 };

	strcpy(s.name, name);
	return s;
}

static void say(enum log_event_id id, const struct subject *s, const char *action,
		const char *sentence)
{
	log_emit(&(struct log_event){ .level = LOG_LEVEL_NOTICE,
				      .id = id,
				      .message = sentence,
				      .guest = s->uuid ? s->name : NULL,
				      .uuid = s->uuid,
				      .actuator = s->loop,
				      .action = action });
}

static void done(struct answer *ret, const char *text)
{
	ret->json = answer_new();
	json_put_text(ret->json, "done", text);
}

/* A run without the lock would overwrite what the daemon beside it has paused. */
void control_remember_pauses(const struct kvmtuned *k)
{
	int r = k->dry_run ? 0 : pauses_save(&k->pauses, k->conf.run_dir);

	if (r < 0)
		log_emitf((struct log_event){ .level = LOG_LEVEL_WARNING, .error = -r },
			  "%s/pauses cannot be written (%s): a restart of kvmtuned will not know "
			  "of what was paused or resumed now",
			  k->conf.run_dir, strerror(-r));
}

void control_say_ended(const struct kvmtuned *k, const struct ended_pause *ended)
{
	struct subject s = ended->is_of_loop ? subject_loop(ended->loop)
					     : subject_guest(k, &ended->guest.uuid);

	char sentence[4 * KT_NAME_MAX + 96];

	(void)snprintf(sentence, sizeof sentence, "%s is resumed: the time of its pause is over",
		       s.name);
	say(LOG_RESUMED, &s, "resume", sentence);
}

static void changed(struct kvmtuned *k)
{
	control_remember_pauses(k);
	loop_kick(k);
}

/* ---- pause, release ------------------------------------------------------------------------ */

static uint64_t end_of(const struct question *q)
{
	return q->given & ASKS_FOR_S ? now_monotonic_ns() + q->for_s * KT_NS_PER_S : UINT64_MAX;
}

/* In the largest unit that says it whole. */
static void duration_str(uint64_t s, char *buf, size_t size)
{
	static const struct {
		uint64_t seconds;
		const char *unit;
	} units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
	size_t i = 0;

	while (s % units[i].seconds != 0)
		i++;
	(void)snprintf(buf, size, "for %" PRIu64 " %s", s / units[i].seconds, units[i].unit);
}

static void say_paused(const struct question *q, const struct subject *s, const char *action,
		       const char *how, struct answer *ret)
{
	char sentence[4 * KT_NAME_MAX + 96], until[32] = "until it is resumed";

	if (q->given & ASKS_FOR_S)
		duration_str(q->for_s, until, sizeof until);
	(void)snprintf(sentence, sizeof sentence, "%s %s %s", s->name, how, until);
	say(LOG_PAUSED, s, action, sentence);
	done(ret, sentence);
}

/* Room for one more, by forgetting the guest that has gone longest ago. */
static bool forget_a_gone_guest(struct kvmtuned *k)
{
	for (size_t i = 0; k->guests_known && i < k->pauses.n; i++) {
		struct uuid uuid = k->pauses.guest[i].uuid;

		if (domains_find(k->domains, &uuid) >= 0)
			continue;
		pauses_clear_guest(&k->pauses, &uuid);
		return true;
	}
	return false;
}

static void hold_guest(struct kvmtuned *k, const struct question *q, enum guest_hold hold,
		       struct answer *ret)
{
	bool releases = hold == GUEST_HOLD_RELEASED;
	int slot = answer_find_guest(k, q, ret);
	struct subject s;
	int r;

	if (slot < 0)
		return;
	s = subject_guest(k, &k->domains->slot[slot].domain.uuid);
	r = pauses_set_guest(&k->pauses, s.uuid, hold, end_of(q));
	if (r == -ENOSPC && forget_a_gone_guest(k))
		r = pauses_set_guest(&k->pauses, s.uuid, hold, end_of(q));
	if (r < 0) {
		answer_error(ret, 503, "busy",
			     "%d guests are paused or released already: resume some of them first, "
			     "or pause the loops",
			     PAUSES_MAX);
		return;
	}
	say_paused(q, &s, releases ? "release" : "pause",
		   releases ? "is released, and left alone" : "is paused", ret);
	changed(k);
}

static void pause_loops(struct kvmtuned *k, const struct question *q, struct answer *ret)
{
	struct subject s = q->given & ASKS_LOOP ? subject_loop(q->loop) : subject_all("every loop");

	for (unsigned int loop = 0; loop < _LOOP_MAX; loop++)
		if (!s.loop || loop == q->loop)
			k->pauses.loop_until_ns[loop] = end_of(q);
	say_paused(q, &s, "pause", "is paused", ret);
	changed(k);
}

void answer_pause(struct kvmtuned *k, const struct question *q, struct answer *ret)
{
	if (q->given & ASKS_GUEST)
		hold_guest(k, q, GUEST_HOLD_PAUSED, ret);
	else
		pause_loops(k, q, ret);
}

void answer_release(struct kvmtuned *k, const struct question *q, struct answer *ret)
{
	hold_guest(k, q, GUEST_HOLD_RELEASED, ret);
}

/* ---- resume -------------------------------------------------------------------------------- */

static void say_resumed(struct kvmtuned *k, const struct subject *s, bool was_paused,
			struct answer *ret)
{
	char sentence[4 * KT_NAME_MAX + 96];

	if (was_paused || s->uuid || s->loop)
		(void)snprintf(sentence, sizeof sentence, "%s %s", s->name,
			       was_paused ? "is resumed" : "was not paused");
	else
		strcpy(sentence, "nothing was paused");
	done(ret, sentence);
	if (!was_paused)
		return;
	say(LOG_RESUMED, s, "resume", sentence);
	changed(k);
}

static void resume_guest(struct kvmtuned *k, const struct question *q, struct answer *ret)
{
	uint64_t until_ns;
	struct subject s;
	struct uuid uuid;
	bool was_held = uuid_parse(q->guest, &uuid) == 0 &&
			pauses_of_guest(&k->pauses, &uuid, &until_ns) != GUEST_HOLD_NONE;
	int slot;

	/* One that has gone is known by its UUID only. */
	if (!was_held) {
		slot = answer_find_guest(k, q, ret);
		if (slot < 0)
			return;
		uuid = k->domains->slot[slot].domain.uuid;
		was_held = pauses_of_guest(&k->pauses, &uuid, &until_ns) != GUEST_HOLD_NONE;
	}
	s = subject_guest(k, &uuid);
	pauses_clear_guest(&k->pauses, &uuid);
	say_resumed(k, &s, was_held, ret);
}

static void resume_loop(struct kvmtuned *k, enum kt_loop loop, struct answer *ret)
{
	struct subject s = subject_loop(loop);
	bool was_paused = k->pauses.loop_until_ns[loop] != 0;

	k->pauses.loop_until_ns[loop] = 0;
	say_resumed(k, &s, was_paused, ret);
}

static void resume_all(struct kvmtuned *k, struct answer *ret)
{
	struct subject s = subject_all("everything");
	bool was_paused = k->pauses.n > 0;

	for (size_t loop = 0; loop < _LOOP_MAX; loop++)
		was_paused |= k->pauses.loop_until_ns[loop] != 0;
	k->pauses = (struct pauses){ 0 };
	say_resumed(k, &s, was_paused, ret);
}

void answer_resume(struct kvmtuned *k, const struct question *q, struct answer *ret)
{
	if (q->given & ASKS_GUEST)
		resume_guest(k, q, ret);
	else if (q->given & ASKS_LOOP)
		resume_loop(k, q->loop, ret);
	else
		resume_all(k, ret);
}

/* ---- reload, tick -------------------------------------------------------------------------- */

void answer_reload(struct kvmtuned *k, const struct question *q, struct answer *ret)
{
	int r = loop_reload(k);

	(void)q;
	if (r == 0)
		done(ret, "the configuration was read and is in force");
	else
		answer_error(ret, 500, "failed", "%s, and the one of before stays in force: %s",
			     conf_error_what(r), conf_error_advice(r));
}

void answer_tick(struct kvmtuned *k, const struct question *q, struct answer *ret)
{
	(void)q;
	loop_kick(k);
	done(ret, "a tick comes at once");
}
