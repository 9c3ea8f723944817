/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packings, made by hand or by chance. */
#ifndef KT_PACK_FIXTURE_H
#define KT_PACK_FIXTURE_H

#include <math.h>

#include "kt_check.h"
#include "pack.h"
#include "random_fixture.h"

static struct pack pack, before;

static inline void bins(size_t n, double cores, double room_gib)
{
	pack_begin(&pack);
	pack.nbins = n;
	pack.turn = 0;
	for (size_t i = 0; i < n; i++)
		pack.bin[i] =
			(struct pack_bin){ .cores = cores, .threads = cores, .room_gib = room_gib };
}

static inline void holds(const char *name, size_t bin, double cpus, double variance, double gib)
{
	const struct pack_bin *b = &pack.bin[bin];

	ck_assert_msg(fabs(b->cpus - cpus) < 1e-9 && fabs(b->variance - variance) < 1e-9 &&
			      fabs(b->gib - gib) < 1e-9,
		      "%s: bin %zu has %g CPUs, variance %g, %g GiB", name, bin, b->cpus,
		      b->variance, b->gib);
}

static inline uint64_t random_bins(uint64_t *seed)
{
	uint64_t all = pack.nbins == 64 ? UINT64_MAX : (UINT64_C(1) << pack.nbins) - 1;
	uint64_t set = fixture_random(seed) & all;

	if (fixture_below(seed, 3) || !set)
		return UINT64_C(1) << fixture_below(seed, pack.nbins);
	return set;
}

static inline void random_item(uint64_t *seed)
{
	size_t noptions = 1 + fixture_below(seed, 6);
	struct pack_item *item = pack_add_item(&pack, fixture_share(seed) * 6, fixture_share(seed),
					       fixture_share(seed) * 12);
	double gib = item->gib * fixture_share(seed);

	for (size_t n = 0; n < 2; n++)
		item->gib_on[fixture_below(seed, pack.nbins)] = (float)(gib / 2);
	for (size_t o = 0; o < noptions; o++)
		ck_assert(pack_add_option(&pack, random_bins(seed), !fixture_below(seed, 2),
					  fixture_share(seed) / 2));
}

static inline void random_pack(uint64_t *seed, size_t bins_max, size_t items_max)
{
	bins(1 + fixture_below(seed, bins_max), 4, 20);
	for (size_t i = 0; i < pack.nbins; i++) {
		pack.bin[i].threads *= (double)(1 + fixture_below(seed, 2));
		pack.bin[i].base_cpus = fixture_share(seed) * 2;
	}
	for (size_t i = 1 + fixture_below(seed, items_max); i > 0; i--)
		random_item(seed);
	pack_settle(&pack);
}

static inline size_t random_option(uint64_t *seed, const struct pack_item *item)
{
	return item->first_option + fixture_below(seed, item->noptions);
}

static inline struct pack_change change_to(size_t i, size_t option)
{
	const struct pack_item *item = &pack.item[i];

	return (struct pack_change){ item, &pack.option[item->chosen], &pack.option[option] };
}

#endif
