/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What do the tables of rules have in common, and how are they shown?
 *
 * A table is asked for a decision and for an explanation: both see the same rows. */
#ifndef KT_RULE_H
#define KT_RULE_H

#include "explain.h"

enum rule_about {
	ABOUT_GUEST,
	ABOUT_PROCESS, /* of a guest: it can only be asked when that was sampled */
	ABOUT_HOST,    /* the same for every guest, but for the guest's own switches */
};

/* Nobody in particular, of whom nothing is in force: what still forbids is of the host. */
extern const struct guest_view rule_nobody;
extern const struct guest_in_force rule_nothing_in_force;

void explanation_add(struct explanation *e, struct rule_answer answer, uint64_t until_ns);

/* All has been added: an end that lies behind is none. */
void explanation_end(struct explanation *e, uint64_t now_ns);

#endif
