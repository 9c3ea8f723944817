/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the answers about the host and its guests share.  Nobody else includes it.
 *
 *	answer_status.c   the whole host
 *	answer_guest.c    one guest
 *	answer_loops.c    what state a loop is in, and why
 *	answer_problems.c what is wrong
 *	answer_explain.c  rule by rule
 *	answer_plan.c     what the next tick would do
 *	answer_history.c  what was done
 *	answer_audit.c    rules of tuning */
#ifndef KT_ANSWER_PRIVATE_H
#define KT_ANSWER_PRIVATE_H

#include "answer.h"
#include "explain.h"

/* Between two ticks a guest may come, or go and another one take its slot: what is known of
 * it is of the last tick, or NULL. */
struct known_guest {
	const struct domain *domain; /* NULL: nobody is there */
	const struct guest_view *view;
	const struct guest_sample *sample; /* NULL without a process that could be read */
	const struct guest_plan *plan;
	const struct guest_in_force *in_force; /* never NULL */
};

struct known_guest known_guest_of(const struct kvmtuned *k, size_t slot);

/* The host has been sampled at least once. */
bool host_is_known(const struct kvmtuned *k);

/* Sentences that say what to do. */
struct json_object *problems_of(const struct kvmtuned *k);
/* Since when libvirt owes an answer; 0: it does not. */
double libvirt_waiting_s(const struct kvmtuned *k);

/* NULL: no KSM here, or not sampled yet. */
const struct ksm_sample *known_ksm(const struct kvmtuned *k);
/* As the last tick saw it, but with the settings as they are now: that tick may have written
 * some.  False: not known. */
bool ksm_now(const struct kvmtuned *k, struct ksm_sample *ret);

/* Whether any of the loops may act on this guest. */
bool guest_is_managed(const struct kvmtuned *k, const struct known_guest *g);

/* What was said then, and when; NULL: null. */
void json_put_said(struct json_object *o, const char *key, const struct decision *d);

const char *ksm_advisor_str(enum ksm_advisor advisor);

bool loop_is_paused(const struct kvmtuned *k, enum kt_loop loop);
void json_put_loop_why(const struct kvmtuned *k, enum kt_loop loop, struct json_object *o);

/* What keeps it from all it does.  False: the host was never sampled. */
bool loop_explain(const struct kvmtuned *k, enum kt_loop loop, struct explanation *ret);

#endif
