/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines over time, each named at its end. */
#ifndef KT_REPORT_PLOT_H
#define KT_REPORT_PLOT_H

#include "report.h"

enum { PLOT_LINES_MAX = 8 };

struct plot_line {
	const char *name;    /* "": the plot's title says it */
	const char *color;   /* a class of the style sheet */
	const double *value; /* of each point of the past; NAN: not known */
	bool filled;
};

struct plot {
	const char *title, *unit, *note; /* note: what it means, in a few words */
	unsigned int height;
	int decimals;
	double low, high; /* the axis reaches at least from here to there */
	struct plot_line line[PLOT_LINES_MAX];
	size_t nlines;
};

void plot_write(FILE *to, const struct report_past *past, const struct plot *plot);

#endif
