/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is memory worth now?  One price for all loops: what is worth a scan by KSM is worth
 * it for the same reason for which idle guests are squeezed, later. */
#ifndef KT_PRICE_H
#define KT_PRICE_H

#include "policy_conf.h"
#include "view.h"

struct memory_price {
	double price;    /* 0..1: shortage, and what stalls and swapping add to it */
	double shortage; /* 0 where more than plenty_percent is available, 1 where less than
			    short_percent is, smooth between: no cliff at which anything starts
			    and stops */
	double stalled;  /* 0..1: the stress by stalls alone */
};

struct memory_price memory_price(const struct ksm_conf *conf, const struct host_view *view);

/* Of all memory, what is available: 100 where nothing is known. */
double memory_available_percent(const struct host_view *view);

/* The shortage at which the price is this, as long as the host stalls as it does now.  Swapping
 * does not count: our own reclaiming looks the same, and would call for more of itself. */
double memory_shortage_at(const struct memory_price *now, double price);

/* How much has to become available until the shortage is no more than this. */
uint64_t memory_deficit_kib(const struct ksm_conf *conf, const struct host_view *view,
			    double shortage);

#endif
