/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What has been decided and done lately?
 *
 * Both threads say it, the main thread asks. */
#include <string.h>

#include "clock.h"
#include "conf.h"
#include "history_private.h"

/* Paths of the command line and words of other programs may be in it: nothing but printable
 * ASCII leaves us. */
static void copy_text(char *to, size_t size, const char *from)
{
	size_t n = 0;

	for (; from && from[n] && n + 1 < size; n++)
		to[n] = from[n] >= 0x20 && from[n] < 0x7f ? from[n] : '?';
	to[n] = '\0';
	if (from && from[n])
		memcpy(to + n - 2, "..", 2);
}

/* Of a kind that the catalog knows, or about somebody; the rest is talk. */
static bool is_decision(const struct log_event *event)
{
	return event->level < LOG_LEVEL_DEBUG &&
	       (event->id != LOG_PLAIN || event->actuator || event->uuid);
}

static bool is_change(enum log_event_id id)
{
	switch ((unsigned int)id) {
	case LOG_KSM_CHANGED:
	case LOG_PIN_CHANGED:
	case LOG_MEMORY_MOVED:
	case LOG_MEMTUNE_CHANGED:
	case LOG_BALANCING_CHANGED:
	case LOG_HOST_CHANGED:
	case LOG_CEDED:
	case LOG_WRITE_REFUSED:
	case LOG_RESTORED:
		return true;
	default:
		return false;
	}
}

enum kt_loop history_loop_of(const char *actuator)
{
	if (!actuator)
		return _LOOP_MAX;
	return strcmp(actuator, "numa_balancing") == 0 ? LOOP_PLACEMENT : loop_of_str(actuator);
}

static void fill(struct decision *d, const struct log_event *event, uint64_t seq, int64_t unix_us)
{
	*d = (struct decision){ .seq = seq,
				.unix_us = unix_us,
				.level = event->level,
				.id = event->id,
				.actuator = event->actuator,
				.action = event->action,
				.reason = event->reason,
				.has_guest = event->uuid != NULL,
				.dry_run = event->dry_run };
	if (event->uuid)
		d->uuid = *event->uuid;
	copy_text(d->guest, sizeof d->guest, event->guest);
	copy_text(d->from, sizeof d->from, event->from);
	copy_text(d->to, sizeof d->to, event->to);
	copy_text(d->message, sizeof d->message, event->message);
}

static bool is_same(const char *word, const char *other)
{
	return strcmp(word, other ? other : "") == 0;
}

static const char *word_of(const char *word)
{
	return word ? word : "";
}

/* Words are few; should they ever be more than the table has, the new ones are not counted. */
static void count(struct history *h, const struct log_event *event)
{
	struct decision_count *c = h->count, *end = h->count + h->ncounts;

	while (c < end && !(is_same(c->actuator, event->actuator) &&
			    is_same(c->action, event->action) && is_same(c->reason, event->reason)))
		c++;
	if (c == h->count + HISTORY_COUNTS)
		return;
	if (c == end) {
		h->ncounts++;
		*c = (struct decision_count){ .actuator = word_of(event->actuator),
					      .action = word_of(event->action),
					      .reason = word_of(event->reason) };
	}
	c->n++;
}

void history_listen(const struct log_event *event, void *history)
{
	struct history *h = history;
	enum kt_loop loop = history_loop_of(event->actuator);
	int64_t unix_us = now_unix_us();
	struct decision *d;

	if (!is_decision(event))
		return;
	pthread_mutex_lock(&h->lock);
	h->last++;
	d = &h->decision[h->last % HISTORY_DECISIONS];
	fill(d, event, h->last, unix_us);
	h->about[h->last % HISTORY_DECISIONS] = d->uuid;
	if (is_change(d->id) && loop < _LOOP_MAX)
		h->change[loop] = *d;
	count(h, event);
	pthread_mutex_unlock(&h->lock);
}

/* The lock is no part of what is const. */
static void lock(const struct history *h)
{
	pthread_mutex_lock((pthread_mutex_t *)(uintptr_t)&h->lock);
}

static void unlock(const struct history *h)
{
	pthread_mutex_unlock((pthread_mutex_t *)(uintptr_t)&h->lock);
}

uint64_t history_last(const struct history *h)
{
	uint64_t last;

	lock(h);
	last = h->last;
	unlock(h);
	return last;
}

static bool is_kept(const struct history *h, uint64_t seq)
{
	return seq > 0 && seq <= h->last && seq + HISTORY_DECISIONS > h->last;
}

bool history_decision(const struct history *h, uint64_t seq, struct decision *ret)
{
	bool kept;

	lock(h);
	kept = is_kept(h, seq);
	if (kept)
		*ret = h->decision[seq % HISTORY_DECISIONS];
	unlock(h);
	return kept;
}

bool history_last_of(const struct history *h, const struct uuid *uuid, struct decision *ret)
{
	bool found = false;

	lock(h);
	for (uint64_t seq = h->last; is_kept(h, seq) && !found; seq--) {
		size_t i = seq % HISTORY_DECISIONS;

		found = uuid_equal(&h->about[i], uuid) && h->decision[i].has_guest;
		if (found)
			*ret = h->decision[i];
	}
	unlock(h);
	return found;
}

bool history_last_change(const struct history *h, enum kt_loop loop, struct decision *ret)
{
	bool found;

	lock(h);
	found = h->change[loop].seq > 0;
	if (found)
		*ret = h->change[loop];
	unlock(h);
	return found;
}

size_t history_counts(const struct history *h, struct decision_count ret[HISTORY_COUNTS])
{
	size_t n;

	lock(h);
	n = h->ncounts;
	memcpy(ret, h->count, n * sizeof *ret);
	unlock(h);
	return n;
}
