/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is plotted over time? */
#include <errno.h>
#include <math.h>

#include "report_plot.h"
#include "report_unit.h"

/* One number of each point. */
static double *column(const struct report_past *past, const char *key, double unit)
{
	double *value = calloc(KT_MAX(past->end, 1), sizeof *value);

	for (size_t i = past->first; value && i < past->end; i++)
		value[i] = get_number(array_element(past->points, i), key) / unit;
	return value;
}

static double largest(const struct report_past *past, const double *value)
{
	double most = 0;

	for (size_t i = past->first; i < past->end; i++)
		if (value[i] > most)
			most = value[i];
	return most;
}

static void plot_one(FILE *to, const struct report_past *past, const char *key, struct plot plot)
{
	KT_AUTOFREE double *value = column(past, key, 1);

	if (!value)
		return;
	plot.line[0].value = value;
	plot.nlines = 1;
	plot_write(to, past, &plot);
}

static void plot_available(FILE *to, const struct report_past *past)
{
	KT_AUTOFREE double *value = column(past, "available_kib", 1);
	struct unit unit;

	if (!value)
		return;
	unit = report_unit_for(largest(past, value));
	for (size_t i = past->first; i < past->end; i++)
		value[i] /= unit.kib;
	plot_write(to, past,
		   &(struct plot){ .title = "Memory available",
				   .unit = unit.name,
				   .note = "what the host can still give without swapping",
				   .height = 110,
				   .decimals = 1,
				   .line = { { "", "blue", value, true } },
				   .nlines = 1 });
}

/* Reclaiming is drawn only where there was any. */
static void plot_merged(FILE *to, const struct report_past *past)
{
	KT_AUTOFREE double *merged = column(past, "merged_kib", 1);
	KT_AUTOFREE double *reclaimed = column(past, "reclaimed_kib", 1);
	struct plot plot = { .title = "Memory gained",
			     .note = "merged by KSM, and given back by idle guests",
			     .height = 110,
			     .decimals = 1 };
	struct unit unit;

	if (!merged || !reclaimed)
		return;
	unit = report_unit_for(fmax(largest(past, merged), largest(past, reclaimed)));
	for (size_t i = past->first; i < past->end; i++) {
		merged[i] /= unit.kib;
		reclaimed[i] /= unit.kib;
	}
	plot.unit = unit.name;
	plot.line[plot.nlines++] = (struct plot_line){ "merged", "teal", merged, true };
	if (largest(past, reclaimed) > 0)
		plot.line[plot.nlines++] =
			(struct plot_line){ "reclaimed", "plum", reclaimed, false };
	plot_write(to, past, &plot);
}

void report_plots(FILE *to, const struct report_past *past)
{
	plot_available(to, past);
	plot_merged(to, past);
	plot_one(to, past, "ksmd_cpu_percent",
		 (struct plot){ .title = "CPU time of ksmd",
				.unit = "%",
				.note = "of one CPU: what merging costs",
				.height = 64,
				.decimals = 1,
				.high = 1,
				.line = { { "", "teal", NULL, true } } });
	plot_one(to, past, "price",
		 (struct plot){ .title = "Price of memory",
				.unit = "",
				.note = "0: plenty; 1: the host is short of it",
				.height = 64,
				.decimals = 2,
				.high = 1,
				.line = { { "", "blue", NULL, false } } });
	plot_one(to, past, "psi_memory_some_percent",
		 (struct plot){ .title = "Memory pressure",
				.unit = "%",
				.note = "of the time in which something waited for memory",
				.height = 64,
				.decimals = 1,
				.high = 1,
				.line = { { "", "red", NULL, true } } });
}
