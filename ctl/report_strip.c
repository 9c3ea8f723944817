/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much of the guests' memory was near them, over time? */
#include <math.h>
#include <string.h>

#include "report_html.h"
#include "report_plot.h"
#include "report_unit.h"

/* Lines for a few; a strip of colour each for more; the worst ones for very many. */
enum { STRIPS_MAX = 60, CELLS_MAX = 240, STRIP_HEIGHT = 11, STRIP_STEP = 15, NAME_FITS = 14 };

struct strip {
	const char *name;
	double *percent; /* of each point */
	double mean;     /* NAN: never known */
};

static const char *const line_colors[PLOT_LINES_MAX] = { "c0", "c1", "c2", "c3",
							 "c4", "c5", "c6", "c7" };

const char *report_local_class(double percent)
{
	return percent >= 95   ? "l4"
	       : percent >= 80 ? "l3"
	       : percent >= 60 ? "l2"
	       : percent >= 40 ? "l1"
			       : "l0";
}

static void read_strip(const struct report_past *past, struct json_object *guest,
		       struct strip *strip)
{
	struct json_object *percent = get_member(guest, "local_percent");
	double sum = 0;
	size_t known = 0;

	strip->name = get_text_or_none(guest, "name");
	for (size_t i = past->first; strip->percent && i < past->end; i++) {
		double value = number_of(array_element(percent, i));

		strip->percent[i] = value >= 0 && value <= 100 ? value : (double)NAN;
		if (!isfinite(strip->percent[i]) || !time_axis_has(&past->axis, past->unix_s[i]))
			continue;
		sum += value;
		known++;
	}
	strip->mean = known ? sum / (double)known : (double)NAN;
}

/* The worst first, those that nobody knows at the end, the rest by name. */
static int by_mean(const void *left, const void *right)
{
	const struct strip *a = left, *b = right;
	double first = isfinite(a->mean) ? round(a->mean) : 101;
	double second = isfinite(b->mean) ? round(b->mean) : 101;

	return first < second ? -1 : first > second ? 1 : strcmp(a->name, b->name);
}

static void plot_strips(FILE *to, const struct report_past *past, const struct strip *strips,
			size_t count)
{
	struct plot plot = { .title = "Locality",
			     .unit = "%",
			     .note = "of each guest's memory is where its CPUs are",
			     .height = 120,
			     .low = 100,
			     .high = 100,
			     .nlines = count };

	for (size_t i = 0; i < count; i++)
		plot.line[i] = (struct plot_line){ strips[i].name, line_colors[i],
						   strips[i].percent, false };
	plot_write(to, past, &plot);
}

/* The class of a cell, by its worst minute; NULL: nothing is known of it. */
static const char *cell_class(const struct report_past *past, const struct strip *strip,
			      size_t first, size_t end)
{
	double worst = (double)NAN;

	for (size_t i = first; i < end; i++)
		if (time_axis_has(&past->axis, past->unix_s[i]))
			worst = fmin(worst, strip->percent[i]);
	return isfinite(worst) ? report_local_class(worst) : NULL;
}

static double cell_end(const struct report_past *past, size_t first, size_t end)
{
	double last = past->unix_s[end - 1];
	double next = end < past->end ? past->unix_s[end] : (double)NAN;

	/* Up to the next cell, but not across a gap. */
	if (isfinite(next) && next - last <= past->gap_s)
		return report_time_place(&past->axis, next);
	return fmax(report_time_place(&past->axis, last),
		    report_time_place(&past->axis, past->unix_s[first]) + 1);
}

/* Neighbours of one colour are one box. */
static void write_cells(FILE *to, const struct report_past *past, const struct strip *strip,
			double y)
{
	size_t per_cell = (past->end - past->first + CELLS_MAX - 1) / CELLS_MAX;
	const char *color = NULL;
	double from = 0, until = 0;

	for (size_t i = past->first; i < past->end; i += per_cell) {
		size_t end = KT_MIN(i + per_cell, past->end);
		const char *now = cell_class(past, strip, i, end);
		double x = report_time_place(&past->axis, past->unix_s[i]);

		if (color && (color != now || x > until + 0.5)) {
			html(to, "<path class=\"%s\" d=\"M%.1f %.1fH%.1fv%dH%.1fz\"/>", color, from,
			     y, until, STRIP_HEIGHT, from);
			color = NULL;
		}
		if (now && !color)
			from = x;
		color = now;
		until = cell_end(past, i, end);
	}
	if (color)
		html(to, "<path class=\"%s\" d=\"M%.1f %.1fH%.1fv%dH%.1fz\"/>", color, from, y,
		     until, STRIP_HEIGHT, from);
}

static void write_strip(FILE *to, const struct report_past *past, const struct strip *strip,
			double y)
{
	size_t fits = report_fits(strip->name, NAME_FITS);
	struct shown mean = report_with_unit(strip->mean, 0, "%");

	html(to, "<g><title>%s: %s on average</title>", strip->name, mean.text);
	write_cells(to, past, strip, y);
	html(to, "<text class=\"name\" x=\"%d\" y=\"%.1f\">", REPORT_PLOT_RIGHT + 8, y + 9.5);
	html_cut(to, strip->name, fits);
	html(to, " <tspan class=\"quiet\">%s</tspan></text></g>\n", mean.text);
}

static void write_key(FILE *to)
{
	static const struct {
		const char *color, *text;
	} key[] = {
		{ "l4", "95 % and more" }, { "l3", "80 to 95 %" },     { "l2", "60 to 80 %" },
		{ "l1", "40 to 60 %" },    { "l0", "less than 40 %" },
	};

	html(to, "<p class=\"key\">");
	for (size_t i = 0; i < KT_ARRAY_LEN(key); i++)
		html(to, "<span><i class=\"%s\"></i>%s</span>", key[i].color, key[i].text);
	html(to, "</p>");
}

static void write_strips(FILE *to, const struct report_past *past, const struct strip *strips,
			 size_t count)
{
	size_t shown = KT_MIN(count, (size_t)STRIPS_MAX);
	double bottom = 4 + (double)(STRIP_STEP * shown);
	double best = shown < count ? strips[shown].mean : (double)NAN;

	html(to, "<figure><figcaption><b>Locality</b> <span class=\"unit\">%%</span> "
		 "<span class=\"note\">of each guest's memory is where its CPUs are; the worst on "
		 "average first</span></figcaption>");
	write_key(to);
	html(to,
	     "<svg role=\"img\" viewBox=\"0 0 %d %.0f\"><title>Locality of %zu guests</title>"
	     "<desc>A strip of colour for each guest over time; the worst: %s.</desc>",
	     REPORT_WIDTH, bottom + 22, shown, strips[0].name);
	report_time_axis(to, &past->axis, 0, bottom);
	for (size_t i = 0; i < shown; i++)
		write_strip(to, past, &strips[i], 2 + (double)(STRIP_STEP * i));
	html(to, "</svg>");
	if (shown < count)
		html(to, "<p class=\"note\">Not shown: %zu more, %s%s.</p>", count - shown,
		     isnan(best) ? "of which nothing is known" : "on average at least ",
		     isnan(best) ? "" : report_with_unit(best, 0, "%").text);
	html(to, "</figure>\n");
}

void report_locality(FILE *to, const struct report_past *past)
{
	size_t count = array_length(past->guests);
	KT_AUTOFREE struct strip *strips = calloc(KT_MAX(count, 1), sizeof *strips);
	KT_AUTOFREE double *percent = calloc(KT_MAX(count * past->end, 1), sizeof *percent);

	if (!strips || !percent || !count)
		return;
	for (size_t i = 0; i < count; i++) {
		strips[i].percent = percent + i * past->end;
		read_strip(past, array_element(past->guests, i), &strips[i]);
	}
	qsort(strips, count, sizeof *strips, by_mean);
	if (count <= PLOT_LINES_MAX)
		plot_strips(to, past, strips, count);
	else
		write_strips(to, past, strips, count);
}
