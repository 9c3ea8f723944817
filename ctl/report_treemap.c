/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How is a box divided among many, to scale?
 *
 * The squarified treemap of Bruls, Huizing and van Wijk (2000): rows along the shorter side, each
 * as long as one piece more makes the worst of its boxes squarer. */
#include "report_treemap.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int by_size(const void *left, const void *right)
{
	const struct piece *a = left, *b = right;

	return a->size > b->size ? -1 : a->size < b->size ? 1 : strcmp(a->name, b->name);
}

static double sum_of(const struct piece *pieces, size_t count)
{
	double sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += pieces[i].size;
	return sum;
}

/* Of the longest and the shortest box in a row of so many; areas in square units of the side. */
static double worst_ratio(const struct piece *pieces, size_t count, double area_of_one, double side)
{
	double thickness = sum_of(pieces, count) * area_of_one / side;
	double longest = pieces[0].size * area_of_one / thickness;
	double shortest = pieces[count - 1].size * area_of_one / thickness;

	return fmax(longest / thickness, thickness / shortest);
}

static void place_row(struct piece *pieces, size_t count, double area_of_one, struct box *left)
{
	bool upright = left->width >= left->height;
	double side = upright ? left->height : left->width;
	double thickness = sum_of(pieces, count) * area_of_one / side;
	double at = 0;

	for (size_t i = 0; i < count; i++) {
		double length = pieces[i].size * area_of_one / thickness;

		if (upright)
			pieces[i].box = (struct box){ left->x, left->y + at, thickness, length };
		else
			pieces[i].box = (struct box){ left->x + at, left->y, length, thickness };
		at += length;
	}
	left->x += upright ? thickness : 0;
	left->width -= upright ? thickness : 0;
	left->y += upright ? 0 : thickness;
	left->height -= upright ? 0 : thickness;
}

void treemap_fill(struct piece *pieces, size_t count, struct box box)
{
	double area_of_one;

	if (!count)
		return;
	qsort(pieces, count, sizeof *pieces, by_size);
	area_of_one = box.width * box.height / sum_of(pieces, count);
	while (count) {
		double side = fmax(fmin(box.width, box.height), 1e-6);
		size_t row = 1;

		while (row < count && worst_ratio(pieces, row + 1, area_of_one, side) <=
					      worst_ratio(pieces, row, area_of_one, side))
			row++;
		place_row(pieces, row, area_of_one, &box);
		pieces += row;
		count -= row;
	}
}
