/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is memory worth now?
 *
 * Stalls and swapping raise the price; they count only where memory is not plentiful, for a
 * cgroup that meets its own limit stalls on any host. */
#include "price.h"

#include "capped.h"

static const double swapping_mib_s = 4; /* out: each page that was merged need not go */
static const double stalled_percent = 10;

double memory_available_percent(const struct host_view *view)
{
	if (view->host->mem_total_kib == 0)
		return 100;
	return 100.0 * (double)view->available_kib / (double)view->host->mem_total_kib;
}

static double smooth(double x)
{
	return x * x * (3 - 2 * x);
}

/* 0 at plenty, 1 at short. */
static double depth(const struct ksm_conf *conf, double available_percent)
{
	double plenty = (double)conf->plenty_percent, least = (double)conf->short_percent;

	if (available_percent >= plenty)
		return 0;
	return plenty > least ? KT_MIN((plenty - available_percent) / (plenty - least), 1.0) : 1;
}

static double stalled(const struct host_view *view)
{
	return KT_MIN(view->psi_memory_some_pct / stalled_percent, 1.0);
}

static double swapping(const struct host_view *view)
{
	return KT_MIN(view->swap_out_per_s * KT_PAGE_KIB / 1024 / swapping_mib_s, 1.0);
}

struct memory_price memory_price(const struct ksm_conf *conf, const struct host_view *view)
{
	double x = smooth(depth(conf, memory_available_percent(view)));
	double stress = KT_MAX(swapping(view), stalled(view));

	return (struct memory_price){ .shortage = x,
				      .price = x > 0 ? x + (1 - x) * stress : 0,
				      .stalled = stalled(view) };
}

double memory_shortage_at(const struct memory_price *now, double price)
{
	return now->stalled < price ? (price - now->stalled) / (1 - now->stalled) : 0;
}

/* The inverse of smooth: it is steep enough everywhere for halving. */
static double depth_of(double shortage)
{
	double low = 0, high = 1;

	for (int i = 0; i < 30; i++) {
		double middle = (low + high) / 2;

		*(smooth(middle) < shortage ? &low : &high) = middle;
	}
	return high;
}

uint64_t memory_deficit_kib(const struct ksm_conf *conf, const struct host_view *view,
			    double shortage)
{
	double plenty = (double)conf->plenty_percent, least = (double)conf->short_percent;
	double wanted_percent = plenty - depth_of(shortage) * (plenty - least);
	double wanted_kib = wanted_percent / 100 * (double)view->host->mem_total_kib;

	return sub_capped((uint64_t)KT_MAX(wanted_kib, 0.0), view->available_kib);
}
