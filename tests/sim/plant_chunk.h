/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of the simulated ksmd: chunks, contents, trees, and the cursor. */
#ifndef KT_PLANT_CHUNK_H
#define KT_PLANT_CHUNK_H

#include "plant_ksmd.h"

enum chunk_state {
	CHUNK_NEW, /* no rmap_item yet */
	CHUNK_KNOWN,
	CHUNK_UNSTABLE,
	CHUNK_MERGED,
};

/* Contents that have no entry in the table, because nothing else is equal to them. */
#define CONTENT_VOLATILE UINT32_MAX /* another one at each look */
#define CONTENT_NONE     (UINT32_MAX - 1)
#define CONTENT_ZERO     0

struct chunk {
	uint32_t content, checksum; /* now; when ksmd last looked */
	uint32_t pass;              /* in which it went into the unstable tree */
	uint8_t guest, state, age, skips;
};

/* Of one content: nodes of both trees. */
struct content {
	uint32_t nchunks, nmerged;
	struct chunk *unstable; /* of this pass, if its chunk says so too */
};

struct region {
	bool offered; /* is in ksmd's list */
	struct chunk *chunk;
	size_t n, nknown, nmerged;
	double rewrites; /* that are still to be made, in chunks */
};

struct plant_ksmd {
	size_t max_chunks; /* of a guest */
	uint64_t chunk_pages, ncontents, nunique, nmergeable, seed;
	struct content *content;
	struct region region[PLANT_GUESTS];

	/* ksm_scan: the list of guests, and the cursor */
	unsigned int order[PLANT_GUESTS], nlisted, at;
	size_t at_chunk;
	bool in_pass;
	uint32_t pass;
	uint64_t batch_left; /* pages */
	bool napped;         /* the next page begins a batch */

	/* begun, but not paid for yet */
	double owed_cpu_s, owed_sleep_s;
};

/* should_skip_rmap_item() */
bool chunk_skip(struct plant *p, struct chunk *c);

/* cmp_and_merge_page().  Returns the cost in parts of page_cost_us. */
double chunk_compare(struct plant *p, struct chunk *c);

/* Copy on write. */
void chunk_unmerge(struct plant *p, struct chunk *c);

/* Something is written to it; ksmd does not know yet. */
void chunk_set_content(struct plant *p, struct chunk *c, uint32_t content);

/* A guest's memory grows and shrinks at its end. */
void chunk_add(struct plant *p, unsigned int guest);
void chunk_drop_last(struct plant *p, unsigned int guest);

#endif
