/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How do files of the host that audit rules are about become what they were, and what of an
 * earlier life's is still true? */
#include <errno.h>
#include <string.h>

#include "act_private.h"

/* 1: given back; 0: nothing to do; -errno.  Somebody else's value stays. */
static int restore(struct act *a, struct host_value *v, char ret_found[HOST_TEXT_MAX])
{
	char now[HOST_TEXT_MAX], path[KT_PATH_MAX];
	int r = act_host_read(a, v, ret_found);

	if (r < 0)
		return act_file_has_gone(a, act_host_path(v, path), r) ? 0 : r;
	if (strcmp(ret_found, v->original) == 0)
		return 0;
	if (!act_host_recognise(a, v, ret_found)) {
		act_host_cede(a, v, ret_found);
		return 0;
	}
	strcpy(v->before, v->original);
	v->doubt = true; /* until it has been read back */
	r = act_host_write(a, v, v->original, now);
	if (r == -ESTALE)
		act_host_cede(a, v, now);
	return r == -ESTALE ? 0 : r < 0 ? r : 1;
}

static void give_back_value(struct act *a, struct host_value *v, struct host_tally *tally)
{
	char found[HOST_TEXT_MAX];
	int r;

	if (v->todo)
		act_host_forget(v); /* another value of its rule is somebody else's */
	if (v->theirs && act_host_read(a, v, found) == -ENOENT)
		v->theirs = false; /* its device has gone */
	if (!v->ours || v->gave_up)
		return;
	a->undo_stale = true;
	r = restore(a, v, found);
	v->gave_up = r < 0 && !act_error_is_ours(r);
	v->ours = r < 0;
	if (r > 0)
		act_host_count(tally, v, found, v->original);
	if (r < 0)
		act_host_refused(a, v, r);
}

void act_host_hand_over(struct act *a, unsigned int rule)
{
	for (size_t i = 0; i < a->host.nvalues; i++) {
		struct host_value *v = &a->host.value[i];

		a->undo_stale |= v->rule == rule && v->ours;
		v->ours &= v->rule != rule;
	}
}

void act_host_give_back_rule(struct act *a, unsigned int rule, enum why why,
			     const struct host_plan *keep)
{
	struct host_tally tally = { 0 };

	for (size_t i = 0; i < a->host.nvalues; i++) {
		struct host_value *v = &a->host.value[i];
		bool wished = false;

		for (size_t n = 0; keep && n < keep->nirqs && !wished; n++)
			wished = keep->irq[n] == v->irq;
		if (v->rule == rule && !wished)
			give_back_value(a, v, &tally);
	}
	if (tally.n)
		act_host_say((struct log_event){ .id = LOG_RESTORED }, rule, why, &tally);
}

/* Should there be another plan, it finds them as they were. */
void act_host_give_back(struct act *a, enum why why)
{
	a->host.again = true;
	for (unsigned int rule = 0; rule < HOST_RULES_MAX; rule++)
		act_host_give_back_rule(a, rule, why, NULL);
	act_host_drop(&a->host);
	act_host_publish(a);
}

/* ---- another life ---------------------------------------------------------- */

size_t act_host_check(struct act *a)
{
	size_t n = 0;

	for (size_t i = 0; i < a->host.nvalues; i++) {
		struct host_value *v = &a->host.value[i];
		char found[HOST_TEXT_MAX], path[KT_PATH_MAX];
		int r = act_host_read(a, v, found);

		v->doubt = true; /* that life may have ended before it wrote, or gave back last */
		if (act_file_has_gone(a, act_host_path(v, path), r))
			v->ours = false;
		else if (r == 0 && !act_host_recognise(a, v, found))
			act_host_cede(a, v, found);
		n += v->ours;
	}
	act_host_drop(&a->host);
	act_host_publish(a);
	return n;
}
