/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A history of a host with two guests. */
#ifndef KT_HISTORY_FIXTURE_H
#define KT_HISTORY_FIXTURE_H

#include <string.h>

#include "history.h"
#include "kt_check.h"

static struct history *h;
static struct host_view *view;
static struct plan *plan;
static struct in_force *in_force;
static struct domain domain;
static struct guest_sample sample[2];

static const struct uuid web = { { 1 } }, db = { { 2 } };

static inline void setup(void)
{
	h = history_new();
	view = host_view_new();
	plan = calloc(1, sizeof *plan);
	in_force = calloc(1, sizeof *in_force);
	ck_assert(h && view && plan && in_force);
	view->nslots = 2;
	for (uint32_t i = 0; i < 2; i++) {
		sample[i] = (struct guest_sample){ .present = true };
		view->guest[i] = (struct guest_view){ .present = true,
						      .incarnation = i + 1,
						      .domain = &domain,
						      .sample = &sample[i] };
		in_force->guest[i].incarnation = i + 1;
	}
}

static inline void teardown(void)
{
	history_free(h);
	host_view_free(view);
	free(plan);
	free(in_force);
}

#endif
