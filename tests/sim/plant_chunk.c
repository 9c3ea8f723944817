/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What ksmd does with one chunk of pages: skip, compare, merge. */
#include "plant_chunk.h"

#include <math.h>

/* Costs of a page, in parts of page_cost_us, which is the cost of a page that is searched
 * for in both trees.  Measured on Linux 6.18 with regions of 128 MiB: searched for 5.4 us,
 * merged 8.0, checksum only 1.0, already merged 0.29. */
static const double cost_searched = 1;
static const double cost_merged_now = 1.5;
static const double cost_checksum = 0.2;
static const double cost_merged_before = 0.055;

/* ---- trees ------------------------------------------------------------------------------- */

static struct content *content_of(const struct plant_ksmd *k, uint32_t content)
{
	return content < k->ncontents ? &k->content[content] : NULL;
}

/* remove_rmap_item_from_tree(), but for merged ones. */
static void leave_unstable_tree(struct plant *p, struct chunk *c)
{
	struct content *same = content_of(p->ksmd, c->checksum);

	if (c->state != CHUNK_UNSTABLE)
		return;
	if (same && same->unstable == c)
		same->unstable = NULL;
	c->state = CHUNK_KNOWN;
	p->pages_unshared -= p->ksmd->chunk_pages;
}

static void enter_unstable_tree(struct plant *p, struct chunk *c)
{
	struct content *same = content_of(p->ksmd, c->content);

	if (same)
		same->unstable = c;
	c->state = CHUNK_UNSTABLE;
	c->pass = p->ksmd->pass;
	p->pages_unshared += p->ksmd->chunk_pages;
}

/* The whole tree is thrown away with each pass.  Chunks that changed while they were in
 * it are not found either. */
static struct chunk *find_unstable(const struct plant_ksmd *k, const struct chunk *c)
{
	struct chunk *found = k->content[c->content].unstable;

	if (!found || found->pass != k->pass || found->content != c->content)
		return NULL;
	return found;
}

/* One copy stays; zero pages are alike within their chunk, so theirs is next to nothing. */
static void count_merged(struct plant *p, struct chunk *c, int change)
{
	struct content *same = &p->ksmd->content[c->content];
	struct region *r = &p->ksmd->region[c->guest];
	uint32_t nmerged = same->nmerged + (change < 0 ? 0 : 1);
	uint64_t *count =
		nmerged == 1 && c->content != CONTENT_ZERO ? &p->pages_shared : &p->pages_sharing;

	*count += change < 0 ? -p->ksmd->chunk_pages : p->ksmd->chunk_pages;
	same->nmerged += (uint32_t)change;
	r->nmerged += (size_t)change;
	p->guest[c->guest].merged_kib = (double)r->nmerged * p->chunk_kib;
}

static void merge(struct plant *p, struct chunk *c)
{
	leave_unstable_tree(p, c);
	c->state = CHUNK_MERGED;
	count_merged(p, c, 1);
}

void chunk_unmerge(struct plant *p, struct chunk *c)
{
	if (c->state != CHUNK_MERGED)
		return;
	count_merged(p, c, -1);
	c->state = CHUNK_KNOWN;
}

/* ---- one chunk ----------------------------------------------------------------------------- */

static uint8_t skip_age(uint8_t age)
{
	if (age <= 3)
		return 1;
	if (age <= 5)
		return 2;
	return age <= 8 ? 4 : 8;
}

bool chunk_skip(struct plant *p, struct chunk *c)
{
	uint8_t age = c->age;

	if (!p->has_smart_scan || !p->smart_scan || c->state == CHUNK_MERGED)
		return false;
	if (age != UINT8_MAX)
		c->age++;
	if (age < 3)
		return false;
	if (c->skips == 0) {
		c->skips = skip_age(age);
		return false;
	}
	c->skips--;
	leave_unstable_tree(p, c);
	return true;
}

double chunk_compare(struct plant *p, struct chunk *c)
{
	struct content *same = content_of(p->ksmd, c->content);
	struct chunk *twin;

	if (c->state == CHUNK_MERGED)
		return cost_merged_before;
	leave_unstable_tree(p, c);
	p->ksmd->region[c->guest].nknown += c->state == CHUNK_NEW;
	c->state = CHUNK_KNOWN;
	if (c->content == CONTENT_VOLATILE || c->checksum != c->content) {
		c->checksum = c->content;
		return cost_checksum;
	}
	twin = same ? find_unstable(p->ksmd, c) : NULL;
	if (twin)
		merge(p, twin);
	if (twin || (same && same->nmerged > 0) || c->content == CONTENT_ZERO) {
		merge(p, c);
		return cost_merged_now;
	}
	enter_unstable_tree(p, c);
	return cost_searched;
}

/* ---- memory that comes and goes --------------------------------------------------------- */

/* Spreads the kinds evenly, and over the same chunks of every guest. */
static uint32_t first_content(struct plant *p, const struct plant_guest *g, size_t n)
{
	const double golden_ratio = 0.6180339887498949;
	double u = fmod(0.5 + (double)n * golden_ratio, 1);

	if (u < g->duplicate_share)
		return (uint32_t)n + 1;
	if (u < g->duplicate_share + g->zero_share)
		return CONTENT_ZERO;
	if (u >= 1 - g->volatile_share)
		return CONTENT_VOLATILE;
	return (uint32_t)(p->ksmd->ncontents + p->ksmd->nunique++);
}

void chunk_set_content(struct plant *p, struct chunk *c, uint32_t content)
{
	struct content *old = content_of(p->ksmd, c->content);
	struct content *new = content_of(p->ksmd, content);

	chunk_unmerge(p, c);
	if (old)
		p->ksmd->nmergeable -= c->content == CONTENT_ZERO || old->nchunks > 1;
	if (old)
		old->nchunks--;
	if (new)
		p->ksmd->nmergeable += content == CONTENT_ZERO || new->nchunks > 0;
	if (new)
		new->nchunks++;
	c->content = content;
}

void chunk_drop_last(struct plant *p, unsigned int guest)
{
	struct region *r = &p->ksmd->region[guest];
	struct chunk *c = &r->chunk[r->n - 1];

	leave_unstable_tree(p, c);
	chunk_set_content(p, c, CONTENT_NONE);
	r->nknown -= c->state != CHUNK_NEW;
	r->n--;
}

void chunk_add(struct plant *p, unsigned int guest)
{
	struct region *r = &p->ksmd->region[guest];
	struct chunk *c = &r->chunk[r->n];

	*c = (struct chunk){ .content = CONTENT_NONE,
			     .checksum = CONTENT_NONE,
			     .guest = (uint8_t)guest };
	chunk_set_content(p, c, first_content(p, &p->guest[guest], r->n));
	r->n++;
}
