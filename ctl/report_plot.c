/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How is a number over time drawn? */
#include "report_plot.h"

#include <math.h>
#include <string.h>

#include "report_html.h"
#include "report_unit.h"

enum { TOP = 8, AXIS_HEIGHT = 22, LABEL_HEIGHT = 14, NAME_FITS = 14 };

struct range {
	double low, high, last;
	bool any;
};

double report_time_place(const struct time_axis *axis, double unix_s)
{
	struct scale scale = { .low = axis->first_s, .high = axis->last_s };

	return scale_place(&scale, unix_s, REPORT_PLOT_LEFT, REPORT_PLOT_RIGHT);
}

void report_time_axis(FILE *to, const struct time_axis *axis, double top, double bottom)
{
	double at_s = axis->first_s - 1;

	while (time_axis_next(axis, at_s, &at_s)) {
		double x = report_time_place(axis, at_s);
		struct shown time = show_time(at_s, TIME_MINUTE);
		bool midnight = strcmp(time.text, "00:00") == 0;

		html(to, "<path class=\"%s\" d=\"M%.1f %.1fV%.1f\"/>", midnight ? "day" : "grid", x,
		     top, bottom);
		html(to,
		     "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>",
		     midnight ? "tick strong" : "tick", x, bottom + 15,
		     midnight ? show_time(at_s, TIME_DAY).text : time.text);
	}
}

static bool is_there(const struct report_past *past, const struct plot_line *line, size_t i)
{
	return time_axis_has(&past->axis, past->unix_s[i]) && isfinite(line->value[i]);
}

static struct range range_of(const struct report_past *past, const struct plot_line *line)
{
	struct range range = { .low = INFINITY, .high = -INFINITY };

	for (size_t i = past->first; i < past->end; i++) {
		if (!is_there(past, line, i))
			continue;
		range.low = fmin(range.low, line->value[i]);
		range.high = fmax(range.high, line->value[i]);
		range.last = line->value[i];
		range.any = true;
	}
	return range;
}

static struct scale scale_of(const struct report_past *past, const struct plot *plot)
{
	double low = plot->low, high = plot->high;

	for (size_t i = 0; i < plot->nlines; i++) {
		struct range range = range_of(past, &plot->line[i]);

		low = range.any ? fmin(low, range.low) : low;
		high = range.any ? fmax(high, range.high) : high;
	}
	return scale_around(low, high, plot->height / 30);
}

static void write_value_axis(FILE *to, const struct scale *scale, double bottom)
{
	int decimals = (int)scale_decimals(scale);
	size_t steps = (size_t)lround((scale->high - scale->low) / scale->step);

	for (size_t i = 0; i <= steps; i++) {
		double value = scale->low + (double)i * scale->step;
		double y = scale_place(scale, value, bottom, TOP);

		html(to, "<path class=\"%s\" d=\"M%d %.1fH%d\"/>", i ? "grid" : "base",
		     REPORT_PLOT_LEFT, y, REPORT_PLOT_RIGHT);
		html(to, "<text class=\"tick\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>",
		     REPORT_PLOT_LEFT - 8, y + 4, show_number(value, decimals).text);
	}
}

static bool goes_on(const struct report_past *past, const struct plot_line *line, size_t i)
{
	return i < past->end && is_there(past, line, i) &&
	       past->unix_s[i] - past->unix_s[i - 1] <= past->gap_s;
}

/* From this point to the last one before a gap; returns the one behind it. */
static size_t write_stretch(FILE *to, const struct report_past *past, const struct plot_line *line,
			    const struct scale *scale, double bottom, size_t from, bool area)
{
	double x = report_time_place(&past->axis, past->unix_s[from]);
	size_t i = from;

	html(to, "<path class=\"%s %s\" d=\"M", area ? "area" : "line", line->color);
	if (area)
		html(to, "%.1f %.1fL", x, bottom);
	do {
		x = report_time_place(&past->axis, past->unix_s[i]);
		html(to, "%.1f %.1f ", x, scale_place(scale, line->value[i], bottom, TOP));
	} while (goes_on(past, line, ++i));
	if (area)
		html(to, "%.1f %.1fz", x, bottom);
	else if (i == from + 1)
		html(to, "h0"); /* one point between gaps: the round cap of a line without length */
	html(to, "\"/>");
	return i;
}

static void write_line(FILE *to, const struct report_past *past, const struct plot_line *line,
		       const struct scale *scale, double bottom)
{
	size_t i = past->first;

	while (i < past->end) {
		if (!is_there(past, line, i)) {
			i++;
			continue;
		}
		if (line->filled)
			(void)write_stretch(to, past, line, scale, bottom, i, true);
		i = write_stretch(to, past, line, scale, bottom, i, false);
	}
}

static size_t highest_left(const struct range *range, const bool *done, size_t nlines)
{
	size_t highest = nlines;

	for (size_t i = 0; i < nlines; i++)
		if (!done[i] && range[i].any &&
		    (highest == nlines || range[i].last > range[highest].last))
			highest = i;
	return highest;
}

static void write_name(FILE *to, const struct plot *plot, const struct plot_line *line, double last,
		       double y)
{
	size_t fits = report_fits(line->name, NAME_FITS);

	html(to, "<text class=\"name %s\" x=\"%d\" y=\"%.1f\">", line->color, REPORT_PLOT_RIGHT + 8,
	     y + 4);
	html_cut(to, line->name, fits);
	html(to, "%s<tspan class=\"value\">%s</tspan></text>", fits ? " " : "",
	     report_with_unit(last, plot->decimals, plot->unit).text);
}

/* At the ends of the lines, from the top, moved as far as they would touch. */
static void write_names(FILE *to, const struct report_past *past, const struct plot *plot,
			const struct scale *scale, double bottom)
{
	struct range range[PLOT_LINES_MAX];
	bool done[PLOT_LINES_MAX] = { false };
	double above = TOP - LABEL_HEIGHT, y;
	size_t left = 0, i;

	for (i = 0; i < plot->nlines; i++) {
		range[i] = range_of(past, &plot->line[i]);
		left += range[i].any;
	}
	for (; left; left--) {
		i = highest_left(range, done, plot->nlines);
		done[i] = true;
		y = scale_place(scale, range[i].last, bottom, TOP);
		y = fmin(y, bottom - LABEL_HEIGHT * (double)(left - 1));
		y = fmax(y, above + LABEL_HEIGHT);
		above = y;
		write_name(to, plot, &plot->line[i], range[i].last, y);
	}
}

static void describe(FILE *to, const struct report_past *past, const struct plot *plot)
{
	html(to, "<title>%s</title><desc>", plot->title);
	for (size_t i = 0; i < plot->nlines; i++) {
		struct range range = range_of(past, &plot->line[i]);
		const char *name = *plot->line[i].name ? plot->line[i].name : plot->title;

		if (!range.any) {
			html(to, "%s: not known. ", name);
			continue;
		}
		html(to, "%s: from %s to %s %s, at last %s. ", name,
		     show_number(range.low, plot->decimals).text,
		     show_number(range.high, plot->decimals).text, plot->unit,
		     show_number(range.last, plot->decimals).text);
	}
	html(to, "</desc>");
}

void plot_write(FILE *to, const struct report_past *past, const struct plot *plot)
{
	struct scale scale = scale_of(past, plot);
	double bottom = TOP + plot->height;

	html(to,
	     "<figure><figcaption><b>%s</b> <span class=\"unit\">%s</span> "
	     "<span class=\"note\">%s</span></figcaption>",
	     plot->title, plot->unit, plot->note);
	html(to, "<svg role=\"img\" viewBox=\"0 0 %d %.0f\">", REPORT_WIDTH, bottom + AXIS_HEIGHT);
	describe(to, past, plot);
	write_value_axis(to, &scale, bottom);
	report_time_axis(to, &past->axis, TOP, bottom);
	for (size_t i = 0; i < plot->nlines; i++)
		write_line(to, past, &plot->line[i], &scale, bottom);
	write_names(to, past, plot, &scale, bottom);
	html(to, "</svg></figure>\n");
}
