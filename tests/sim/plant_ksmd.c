/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ksmd's loop: one round robin over all guests, in batches with a nap after each. */
#include "plant_ksmd.h"

#include <math.h>
#include <stdlib.h>

#include "plant_chunk.h"

/* In parts of page_cost_us.  Measured on Linux 6.18: 0.21 us, where a search takes 5.4. */
static const double cost_skipped = 0.04;

/* ksmd has nice 5: 335 against the 1024 of a vCPU (kernel/sched/core.c). */
static const double least_cpu_share = 335.0 / (335 + 1024);

static void *zeroed(size_t n, size_t size)
{
	void *memory = calloc(n, size);

	if (!memory)
		abort();
	return memory;
}

/* Not before it is needed: a scenario may have set chunk_kib meanwhile. */
static struct plant_ksmd *ksmd_of(struct plant *p)
{
	struct plant_ksmd *k = p->ksmd;

	if (k)
		return k;
	k = p->ksmd = zeroed(1, sizeof *k);
	k->max_chunks = (size_t)(plant_total_kib(p) / p->chunk_kib) + 1;
	k->chunk_pages = (uint64_t)(p->chunk_kib / KT_PAGE_KIB);
	k->ncontents = PLANT_POOLS * k->max_chunks + 1;
	k->content = zeroed(k->ncontents, sizeof *k->content);
	k->napped = true;
	k->seed = p->seed;
	return k;
}

void plant_ksmd_free(struct plant *p)
{
	for (unsigned int i = 0; i < p->nguests; i++)
		plant_ksmd_forget(p, i);
	if (p->ksmd)
		free(p->ksmd->content);
	free(p->ksmd);
	p->ksmd = NULL;
}

/* ---- the list of guests ------------------------------------------------------------------ */

/* __ksm_enter(): just behind the cursor, so that it waits for up to a pass. */
static void offer(struct plant *p, unsigned int guest)
{
	struct plant_ksmd *k = p->ksmd;
	struct region *r = &k->region[guest];
	unsigned int to = k->in_pass ? k->at++ : k->nlisted;

	for (unsigned int i = k->nlisted++; i > to; i--)
		k->order[i] = k->order[i - 1];
	k->order[to] = guest;
	r->chunk = zeroed(k->max_chunks, sizeof *r->chunk);
	r->offered = true;
}

static void unlist(struct plant_ksmd *k, unsigned int guest)
{
	unsigned int i = 0;

	while (k->order[i] != guest)
		i++;
	if (i == k->at)
		k->at_chunk = 0;
	if (i < k->at)
		k->at--;
	for (k->nlisted--; i < k->nlisted; i++)
		k->order[i] = k->order[i + 1];
}

void plant_ksmd_forget(struct plant *p, unsigned int guest)
{
	struct plant_ksmd *k = p->ksmd;

	if (!k || !k->region[guest].offered)
		return;
	while (k->region[guest].n)
		chunk_drop_last(p, guest);
	unlist(k, guest);
	free(k->region[guest].chunk);
	k->region[guest] = (struct region){ 0 };
}

static bool is_mergeable(const struct plant_guest *g)
{
	const struct domain *d = &g->domain;

	return g->running && !d->hugepages && !d->locked && !d->vfio && !d->nosharepages &&
	       !d->shared_memory && !d->confidential;
}

static void fit_to_resident(struct plant *p, unsigned int guest)
{
	struct region *r = &p->ksmd->region[guest];
	size_t n = (size_t)(plant_resident_kib(&p->guest[guest]) / p->chunk_kib);

	if (n > p->ksmd->max_chunks)
		n = p->ksmd->max_chunks;
	while (r->n > n)
		chunk_drop_last(p, guest);
	while (r->n < n)
		chunk_add(p, guest);
}

static void look_at_guests(struct plant *p)
{
	struct plant_ksmd *k = ksmd_of(p);

	for (unsigned int i = 0; i < p->nguests; i++) {
		if (!is_mergeable(&p->guest[i])) {
			plant_ksmd_forget(p, i);
			continue;
		}
		if (!k->region[i].offered)
			offer(p, i);
		fit_to_resident(p, i);
	}
}

/* ---- writes of the guests --------------------------------------------------------------- */

static size_t random_below(struct plant_ksmd *k, size_t n)
{
	k->seed = k->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (size_t)(k->seed >> 33) % n;
}

/* Written to and back again, with a look of ksmd's in between: it is equal, but needs two
 * looks more. */
static void rewrite_some(struct plant *p, unsigned int guest, double seconds)
{
	struct region *r = &p->ksmd->region[guest];

	r->rewrites += p->guest[guest].rewrite_per_s * seconds * (double)r->nmerged;
	for (; r->rewrites >= 1 && r->nmerged; r->rewrites--) {
		size_t i = random_below(p->ksmd, r->n);

		while (r->chunk[i].state != CHUNK_MERGED)
			i = (i + 1) % r->n;
		chunk_unmerge(p, &r->chunk[i]);
		r->chunk[i].checksum = CONTENT_NONE;
	}
}

void plant_rewrite(struct plant *p, unsigned int guest, double first_share, int pool)
{
	struct plant_ksmd *k = ksmd_of(p);
	struct region *r = &k->region[guest];
	size_t n;

	look_at_guests(p);
	n = (size_t)round((double)r->n * first_share);
	for (size_t i = 0; i < n; i++)
		chunk_set_content(p, &r->chunk[i],
				  (uint32_t)(pool == PLANT_UNIQUE
						     ? k->ncontents + k->nunique++
						     : (size_t)pool * k->max_chunks + i + 1));
}

/* ---- the loop ------------------------------------------------------------------------------ */

static uint64_t batch_pages(const struct plant *p)
{
	return p->pages_to_scan < 1 ? 1 : (uint64_t)p->pages_to_scan;
}

static void owe_cpu(struct plant *p, double cost_us)
{
	p->ksmd->owed_cpu_s += cost_us / 1e6;
}

static void owe_sleeps(struct plant *p, uint64_t n)
{
	p->ksmd->owed_sleep_s += (double)n * p->sleep_ms / 1000;
}

/* Only what is really scanned uses up the batch. */
static void count_scanned(struct plant *p, uint64_t pages)
{
	struct plant_ksmd *k = p->ksmd;
	uint64_t batch = batch_pages(p), more, batches;

	if (k->napped)
		k->batch_left = batch;
	k->napped = false;
	p->pages_scanned += pages;
	more = pages > k->batch_left ? pages - k->batch_left : 0;
	batches = (more + batch - 1) / batch;
	k->batch_left += batches * batch - pages;
	owe_sleeps(p, batches);
}

static void scan_chunk(struct plant *p, struct chunk *c)
{
	double pages = (double)p->ksmd->chunk_pages;

	if (chunk_skip(p, c)) {
		p->pages_skipped += p->ksmd->chunk_pages;
		owe_cpu(p, pages * p->page_cost_us * cost_skipped);
		return;
	}
	owe_cpu(p, pages * p->page_cost_us * chunk_compare(p, c));
	count_scanned(p, p->ksmd->chunk_pages);
}

/* lru_add_drain_all(), and a new unstable tree. */
static void begin_pass(struct plant *p)
{
	struct plant_ksmd *k = p->ksmd;

	k->in_pass = true;
	k->at = 0;
	k->at_chunk = 0;
	k->pass++;
	owe_cpu(p, p->pass_cost_us);
}

static void nap(struct plant *p)
{
	owe_sleeps(p, 1);
	p->ksmd->napped = true;
}

/* Ends the batch too. */
static void end_pass(struct plant *p)
{
	nap(p);
	p->ksmd->in_pass = false;
	p->full_scans++;
}

static void scan_next(struct plant *p)
{
	struct plant_ksmd *k = p->ksmd;
	struct region *r;

	if (!k->napped && k->batch_left == 0) {
		nap(p);
		return;
	}
	if (!k->in_pass)
		begin_pass(p);
	if (k->at == k->nlisted) {
		end_pass(p);
		return;
	}
	r = &k->region[k->order[k->at]];
	if (k->at_chunk < r->n) {
		scan_chunk(p, &r->chunk[k->at_chunk++]);
		return;
	}
	k->at++;
	k->at_chunk = 0;
}

/* What was begun is paid for before the next is begun.  Returns the time that is left. */
static double pay(struct plant *p, double seconds)
{
	struct plant_ksmd *k = p->ksmd;
	double owed_s = k->owed_cpu_s / p->ksmd_cpu_share + k->owed_sleep_s;
	double part = owed_s > seconds ? seconds / owed_s : 1;

	p->ksmd_s += k->owed_cpu_s * part;
	k->owed_cpu_s *= 1 - part;
	k->owed_sleep_s *= 1 - part;
	return part < 1 ? 0 : seconds - owed_s;
}

/* It gets a CPU while there is an idle one. */
static double cpu_share(const struct plant *p)
{
	double idle_cpus = 0;

	for (unsigned int n = 0; n < p->nnodes; n++)
		idle_cpus += fmax(0, p->node[n].ncpus - p->node[n].load_cpus);
	return fmin(1, fmax(least_cpu_share, idle_cpus));
}

void plant_run_ksmd(struct plant *p, double seconds)
{
	look_at_guests(p);
	for (unsigned int i = 0; i < p->nguests; i++)
		if (p->ksmd->region[i].offered && !p->guest[i].paused)
			rewrite_some(p, i, seconds);
	p->ksmd_cpu_share = cpu_share(p);
	if (!p->ksm_run || p->ksmd->nlisted == 0)
		return;
	for (seconds = pay(p, seconds); seconds > 0; seconds = pay(p, seconds))
		scan_next(p);
}

/* ---- what can be asked ---------------------------------------------------------------------- */

double plant_mergeable_kib(const struct plant *p)
{
	return p->ksmd ? (double)p->ksmd->nmergeable * p->chunk_kib : 0;
}

uint64_t plant_rmap_pages(const struct plant *p, unsigned int guest)
{
	return p->ksmd ? p->ksmd->region[guest].nknown * p->ksmd->chunk_pages : 0;
}
