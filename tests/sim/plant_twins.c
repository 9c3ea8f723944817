/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plant_twins.h"

void twins_host(struct plant *p)
{
	plant_init(p, 1, 1, 4, 1);
	p->os_kib = p->cache_kib = 0;
	p->chunk_kib = KT_PAGE_KIB;
	p->pages_to_scan = 100 * TWIN_PAGES;
	p->ksm_run = true;
}

struct plant_guest *twins_start(struct plant *p, double duplicate_share)
{
	struct plant_guest *g = plant_start(p, 1, TWIN_PAGES * KT_PAGE_KIB / PLANT_GIB);

	g->on_node_kib[0] = g->target_kib;
	g->duplicate_share = duplicate_share;
	return g;
}

void twins_pass(struct plant *p, unsigned int n)
{
	uint64_t end = p->full_scans + n;

	while (p->full_scans < end)
		plant_advance(p, 0.001);
}

void twins_play(struct plant *p, unsigned int offset, unsigned int rewrite)
{
	double duplicate_share = rewrite ? 0 : 1;

	twins_start(p, duplicate_share);
	twins_pass(p, offset);
	twins_start(p, duplicate_share);
	if (rewrite <= offset)
		return;
	twins_pass(p, rewrite - offset);
	plant_rewrite(p, 0, 1, PLANT_DUPLICATES);
	plant_rewrite(p, 1, 1, PLANT_DUPLICATES);
}

uint64_t twins_merged_pages(const struct plant *p, unsigned int guest)
{
	return (uint64_t)(p->guest[guest].merged_kib / KT_PAGE_KIB);
}
