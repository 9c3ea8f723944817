/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is memory worth now?
 *
 * The price rises smoothly from 0, where more than `plenty_percent` is available, to 1,
 * where less than `short_percent` is: no cliff at which a scanner starts and stops.  Stalls
 * and swapping raise it further; they count only where memory is not plentiful, for a
 * cgroup that meets its own limit stalls on any host. */
#include "capped.h"
#include "ksm_private.h"

static const double swapping_mib_s = 4; /* out: each page that was merged need not go */
static const double stalled_percent = 10;
static const double overcommitted_price = 0.1;
static const double rest_margin_percent = 5; /* what KSM has freed must not stop it */

/* Merging for its own sake: what it may cost does not follow the need. */
static const double always_price = 0.5;

static double available_percent(const struct host_view *view)
{
	if (view->host->mem_total_kib == 0)
		return 100;
	return 100.0 * (double)view->available_kib / (double)view->host->mem_total_kib;
}

/* What all guests may use at most does not fit. */
static bool is_overcommitted(const struct host_view *view)
{
	uint64_t sum_kib = 0;

	for (size_t i = 0; i < view->nslots; i++)
		if (view->guest[i].present)
			sum_kib = add_capped(sum_kib, view->guest[i].domain->memory_kib);
	return sum_kib > view->host->mem_total_kib;
}

static double stress(const struct host_view *view)
{
	double out_mib_s = view->swap_out_per_s * KT_PAGE_KIB / 1024;
	double swapping = KT_MIN(out_mib_s / swapping_mib_s, 1.0);
	double stalled = KT_MIN(view->psi_memory_some_pct / stalled_percent, 1.0);

	return KT_MAX(swapping, stalled);
}

static double shortage(const struct ksm_conf *conf, const struct host_view *view)
{
	double plenty = (double)conf->plenty_percent, least = (double)conf->short_percent;
	double x, available = available_percent(view);

	if (available >= plenty)
		return 0;
	x = plenty > least ? (plenty - available) / (plenty - least) : 1;
	x = KT_MIN(x, 1.0);
	x = x * x * (3 - 2 * x);
	return x + (1 - x) * stress(view);
}

double ksm_price(const struct ksm_conf *conf, const struct host_view *view)
{
	double price = shortage(conf, view);

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
	       available_percent(view) < (double)conf->plenty_percent + rest_margin_percent;
}
