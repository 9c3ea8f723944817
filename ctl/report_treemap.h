/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Boxes whose areas are to scale. */
#ifndef KT_REPORT_TREEMAP_H
#define KT_REPORT_TREEMAP_H

#include <stddef.h>

struct box {
	double x, y, width, height;
};

struct piece {
	double size; /* above 0 */
	const char *name, *color;
	struct box box;
};

/* Sorts the pieces by size and then name, and gives each its box, nearly square where that can be.
 */
void treemap_fill(struct piece *pieces, size_t count, struct box box);

#endif
