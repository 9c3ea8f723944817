/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An exponentially weighted mean that knows its age, so that the first samples
 * are a plain mean and not a slow climb from zero. */
#ifndef KT_EWMA_H
#define KT_EWMA_H

#include <stdint.h>

struct ewma {
	double value;
	double age_s; /* how long it has been fed; 0: never */
};

static inline void ewma_add(struct ewma *e, double x, double dt_s, double tau_s)
{
	double weight;

	if (dt_s <= 0)
		return;
	e->age_s += dt_s;
	weight = dt_s / (e->age_s < tau_s ? e->age_s : tau_s);
	e->value += (weight < 1 ? weight : 1) * (x - e->value);
}

#endif
