/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A simulated ksmd: pass by pass and page by page as mm/ksm.c does it (Linux 6.12; 6.18
 * was measured and behaves alike), except that what it handles is a chunk: chunk_kib of
 * pages that are born, written to and scanned together.
 *
 * It is the kernel's part only: nothing here knows what a policy may be after. */
#ifndef KT_PLANT_KSMD_H
#define KT_PLANT_KSMD_H

#include "plant.h"

/* Where content comes from.  Chunk n of every guest has the same content in the same
 * pool; what is unique is equal to nothing else. */
enum { PLANT_UNIQUE = -1, PLANT_DUPLICATES = 0, PLANT_POOLS = 16 };

/* Writes to the first part of a guest's memory: it has content of that pool from now on.
 * What was merged of it is not any more; ksmd learns of it when it comes by. */
void plant_rewrite(struct plant *p, unsigned int guest, double first_share, int pool);

/* What could be saved at best: all equal memory that is not volatile, but for one copy. */
double plant_mergeable_kib(const struct plant *p);

/* Pages of a guest that ksmd has seen. */
uint64_t plant_rmap_pages(const struct plant *p, unsigned int guest);

/* ---- for the rest of the plant ---------------------------------------------------- */

/* Its memory is gone, or is no longer offered. */
void plant_ksmd_forget(struct plant *p, unsigned int guest);
void plant_ksmd_free(struct plant *p);

#endif
