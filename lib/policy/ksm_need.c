/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is merging worth now? */
#include "capped.h"
#include "ksm_private.h"
#include "price.h"

static const double overcommitted_price = 0.1;
static const double rest_margin_percent = 5; /* what KSM has freed must not stop it */

/* Merging for its own sake: what it may cost does not follow the need. */
static const double always_price = 0.5;

/* What all guests may use at most does not fit. */
static bool is_overcommitted(const struct host_view *view)
{
	uint64_t sum_kib = 0;

	for (size_t i = 0; i < view->nslots; i++)
		if (view->guest[i].present)
			sum_kib = add_capped(sum_kib, view->guest[i].domain->memory_kib);
	return sum_kib > view->host->mem_total_kib;
}

double ksm_price(const struct ksm_conf *conf, const struct host_view *view)
{
	double price = memory_price(conf, view).price;

	if (is_overcommitted(view))
		price = KT_MAX(price, overcommitted_price);
	if (conf->merge == KSM_MERGE_ALWAYS)
		price = KT_MAX(price, always_price);
	return price;
}

bool ksm_needed(const struct ksm_conf *conf, const struct host_view *view, double price,
		bool needed)
{
	if (conf->merge == KSM_MERGE_NEVER)
		return false;
	if (price > 0)
		return true;
	return needed &&
	       memory_available_percent(view) < (double)conf->plenty_percent + rest_margin_percent;
}
