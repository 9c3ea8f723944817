/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does this kernel's smart_scan leave equal pages apart for ever?
 *
 * Since Linux 6.7 a page that has not merged for a while is looked at in one pass out of
 * nine only, counted from the pass in which it was first seen; and two pages that nothing
 * else equals merge only when they are looked at in the same pass.  So two mature pages
 * that become equal merge if they were first seen a multiple of nine passes apart, else
 * never.  A later kernel may do better; only an experiment tells:
 *
 *	offer    some pages, and the other one of each pair later, one by one
 *	mature   for so many passes that the nine are reached
 *	match    make each pair equal, and let passes go by that would be enough for it
 *
 * If every pair has merged then, this kernel needs no sweeps.  That all of them meet by
 * chance on one that does: 1 in 6,561.  The passes are those that ksmd makes for the guests;
 * the probe asks for none, and eight pages are what it costs. */
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "sense_private.h"
#include "str.h"

enum { PAIRS = KSM_PROBE_PAIRS, MATURE_PASSES = 24, MATCH_PASSES = 30 };

static char *page(const struct ksm_probe_source *p, size_t n)
{
	return p->memory + n * (size_t)sysconf(_SC_PAGESIZE);
}

/* Page n of either side: 0..PAIRS-1 come first, PAIRS..2*PAIRS-1 are their twins. */
static bool offer(const struct ksm_probe_source *p, size_t n, size_t npages)
{
	return madvise(page(p, n), npages * (size_t)sysconf(_SC_PAGESIZE), MADV_MERGEABLE) == 0;
}

/* Content that nobody else has. */
static bool fill(char *at)
{
	return getrandom(at, 64, 0) == 64;
}

static bool make_all_different(const struct ksm_probe_source *p)
{
	for (size_t n = 0; n < 2 * PAIRS; n++)
		if (!fill(page(p, n)))
			return false;
	return true;
}

static bool make_pairs_equal(const struct ksm_probe_source *p)
{
	for (size_t n = 0; n < PAIRS; n++) {
		if (!fill(page(p, n)))
			return false;
		memcpy(page(p, PAIRS + n), page(p, n), 64);
	}
	return true;
}

/* Of this process; other memory of it may be merged as well (MemoryKSM= of the unit). */
static uint64_t merged_pages(const struct hostfs *fs)
{
	uint64_t pages = 0;

	return hostfs_read_u64(fs, "proc/self/ksm_merging_pages", &pages) < 0 ? 0 : pages;
}

static bool begin(struct ksm_probe_source *p)
{
	size_t size = 2 * PAIRS * (size_t)sysconf(_SC_PAGESIZE);
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return false;
	p->memory = memory;
	(void)madvise(memory, size, MADV_NOHUGEPAGE); /* -EINVAL: no huge pages here */
	return make_all_different(p) && offer(p, 0, PAIRS);
}

void ksm_probe_end(struct ksm_probe_source *p)
{
	if (p->memory)
		munmap(p->memory, 2 * PAIRS * (size_t)sysconf(_SC_PAGESIZE));
	p->memory = NULL;
}

static void finish(struct ksm_probe_source *p, enum ksm_probe answer)
{
	ksm_probe_end(p);
	p->stage = KSM_PROBE_DONE;
	p->answer = answer;
}

/* Full passes with smart_scan since the stage began; a sweep in between does not count. */
static uint64_t count_passes(struct ksm_probe_source *p, const struct ksm_sample *k)
{
	if (p->was_smart && k->smart_scan && k->full_scans >= p->full_scans)
		p->passes += k->full_scans - p->full_scans;
	p->was_smart = k->smart_scan != 0;
	p->full_scans = k->full_scans;
	return p->passes;
}

static void next_stage(struct ksm_probe_source *p, enum ksm_probe_stage stage)
{
	p->stage = stage;
	p->passes = 0;
}

/* A new region waits for up to one pass; two have ended when it was seen for certain. */
static bool step_offer(struct ksm_probe_source *p, uint64_t passes)
{
	if (passes < 2)
		return true;
	if (!offer(p, PAIRS + p->noffered++, 1))
		return false;
	next_stage(p, p->noffered == PAIRS ? KSM_PROBE_MATURE : KSM_PROBE_OFFER);
	return true;
}

static bool step_mature(struct ksm_probe_source *p, const struct hostfs *fs, uint64_t passes)
{
	if (passes < MATURE_PASSES)
		return true;
	p->merged_before = merged_pages(fs);
	next_stage(p, KSM_PROBE_MATCH);
	return make_pairs_equal(p);
}

static bool step_match(struct ksm_probe_source *p, const struct hostfs *fs, uint64_t passes,
		       bool swept)
{
	if (swept) { /* it may have merged them, which says nothing: once more */
		next_stage(p, KSM_PROBE_MATURE);
		return make_all_different(p);
	}
	if (passes >= MATCH_PASSES)
		finish(p, merged_pages(fs) >= p->merged_before + 2 * PAIRS ? KSM_PROBE_COMPLETE
									   : KSM_PROBE_STARVES);
	return true;
}

static bool step(struct ksm_probe_source *p, const struct hostfs *fs, const struct ksm_sample *k)
{
	bool reset = k->full_scans < p->full_scans;
	uint64_t passes = count_passes(p, k);

	if (reset) { /* run=2: all pages will be seen for the first time, in one pass */
		ksm_probe_end(p);
		p->noffered = 0;
		p->stage = KSM_PROBE_WAIT;
	}
	switch (p->stage) {
	case KSM_PROBE_WAIT:
		if (k->run != 1 || !k->smart_scan)
			return true;
		next_stage(p, KSM_PROBE_OFFER);
		return begin(p);
	case KSM_PROBE_OFFER:
		return step_offer(p, passes);
	case KSM_PROBE_MATURE:
		return step_mature(p, fs, passes);
	case KSM_PROBE_MATCH:
		return step_match(p, fs, passes, !k->smart_scan);
	case KSM_PROBE_DONE:
	default:
		return true;
	}
}

/* What cannot be found out stays open: sweeps are made then. */
enum ksm_probe ksm_probe_look(struct ksm_probe_source *p, const struct hostfs *fs,
			      const struct ksm_sample *k)
{
	if (k->has_smart_scan && p->stage != KSM_PROBE_DONE && !step(p, fs, k))
		finish(p, KSM_PROBE_OPEN);
	return p->answer;
}
