/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A host so small and quiet that every pass of ksmd can be looked at: regions of a few
 * pages, as tests/live/test_ksmd_calibration.py makes them for the real one. */
#ifndef KT_PLANT_TWINS_H
#define KT_PLANT_TWINS_H

#include "plant_ksmd.h"

enum { TWIN_PAGES = 256 };

void twins_host(struct plant *p);

/* A guest that has all of its memory at once.  ksmd sees it in the next pass. */
struct plant_guest *twins_start(struct plant *p, double duplicate_share);

/* Until ksmd has finished so many passes. */
void twins_pass(struct plant *p, unsigned int n);

/* The first twin is seen in pass 0, the second in pass `offset`.  In the pass before
 * `rewrite`, counted from 0 too, both get the same content; 0: they were born with it.
 * Ends when that pass is to begin. */
void twins_play(struct plant *p, unsigned int offset, unsigned int rewrite);

uint64_t twins_merged_pages(const struct plant *p, unsigned int guest);

#endif
