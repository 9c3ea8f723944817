/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What has been decided and done lately, and how the host was then: a ring of decisions, one
 * of ticks, one of minutes.  In memory only: Prometheus is the history of months.
 *
 * Everything is allocated at the start; nothing is written that nobody has reached yet, so a
 * quiet host pays with address space. */
#ifndef KT_HISTORY_H
#define KT_HISTORY_H

#include "log.h"
#include "policy.h"

enum {
	HISTORY_DECISIONS = 2048,
	HISTORY_TICKS = 360,
	HISTORY_MINUTES = 1440,
	HISTORY_COUNTS = 512,
	HISTORY_MESSAGE_MAX = 320,
	HISTORY_NAME_MAX = 160, /* escaped; longer ones end in ".." */
};

/* One thing that was said with an actuator, or of a guest: what `monitor` shows. */
struct decision {
	uint64_t seq; /* from 1, without gaps */
	int64_t unix_us;
	enum log_level level;
	enum log_event_id id;
	const char *actuator, *action, *reason; /* static words, or NULL */
	struct uuid uuid;
	bool has_guest, dry_run;
	char guest[HISTORY_NAME_MAX]; /* escaped */
	char from[48], to[48];        /* "": none */
	char message[HISTORY_MESSAGE_MAX];
};

/* How often: for metrics.  Words as above, "" for NULL. */
struct decision_count {
	const char *actuator, *action, *reason;
	uint64_t n;
};

struct history_point {
	int64_t unix_s;
	uint64_t available_kib, merged_kib, reclaimed_kib;
	float ksmd_cpu_pct, price, psi_some_pct, swap_in_per_s;
	float local_pct; /* of all guests' memory; < 0: nobody knows */
	uint16_t nguests, npinned, nlimited;
};

/* How much of a guest's memory lies on its home; where it is not pinned, on the node that has
 * the most of it. */
struct locality {
	uint64_t local_kib, all_kib; /* 0: not known */
};

struct locality locality_of(const struct guest_view *guest, const struct guest_in_force *f);
/* < 0: not known. */
double locality_pct(const struct locality *l);

struct history;

struct history *history_new(void); /* NULL: no memory */
void history_free(struct history *h);

/* For log_set_listener; from any thread. */
void history_listen(const struct log_event *event, void *history);

/* At the end of a tick. */
void history_tick(struct history *h, const struct host_view *view, const struct plan *plan,
		  const struct in_force *in_force, int64_t unix_s);

/* The last decision; 0: none. */
uint64_t history_last(const struct history *h);
/* False: there is no such decision any more, or yet. */
bool history_decision(const struct history *h, uint64_t seq, struct decision *ret);
/* The last one about this guest; false: none is left. */
bool history_last_of(const struct history *h, const struct uuid *uuid, struct decision *ret);

/* The last time that this loop has changed something, or was kept from it. */
bool history_last_change(const struct history *h, enum kt_loop loop, struct decision *ret);
/* _LOOP_MAX: none's. */
enum kt_loop history_loop_of(const char *actuator);

size_t history_counts(const struct history *h, struct decision_count ret[HISTORY_COUNTS]);

/* Oldest first: n points, the i-th.  Ticks when `recent`, else minutes. */
size_t history_npoints(const struct history *h, bool recent);
void history_point(const struct history *h, bool recent, size_t i, struct history_point *ret);
/* Percent of the guest's memory that is on its nodes, in that minute; 255: not known.  A slot
 * that had another guest then has nothing. */
unsigned int history_local_pct(const struct history *h, size_t slot, uint32_t incarnation,
			       size_t minute);

#endif
