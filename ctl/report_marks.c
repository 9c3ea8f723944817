/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When was something decided? */
#include <string.h>

#include "report.h"
#include "report_html.h"
#include "report_unit.h"

enum { LANE = 22, MARK = 14 };

static const char *const lanes[] = { "ksm", "placement", "memory", "" };

static bool is_in_lane(struct json_object *decision, const char *lane)
{
	const char *loop = get_text_or_none(decision, "loop");

	if (*lane)
		return strcmp(loop, lane) == 0;
	for (size_t i = 0; *lanes[i]; i++)
		if (strcmp(loop, lanes[i]) == 0)
			return false;
	return true;
}

/* What was done is tall, what was only decided is short, and a warning has a colour too. */
static const char *mark_class(const char *level)
{
	if (strcmp(level, "notice") == 0)
		return "done";
	return strcmp(level, "info") == 0 || strcmp(level, "debug") == 0 ? "said" : "warned";
}

static void write_mark(FILE *to, const struct time_axis *axis, struct json_object *decision,
		       double y)
{
	double unix_s = get_number(decision, "unix_s");
	const char *class = mark_class(get_text_or_none(decision, "level"));
	double height = strcmp(class, "said") == 0 ? MARK / 2.0 : MARK;

	html(to,
	     "<rect class=\"mark %s\" x=\"%.1f\" y=\"%.1f\" width=\"3\" height=\"%.0f\"><title>%s "
	     "%s</title></rect>\n",
	     class, report_time_place(axis, unix_s) - 1.5, y + MARK - height, height,
	     show_time(unix_s, TIME_SECOND).text, get_text_or_none(decision, "message"));
}

static void write_lane(FILE *to, const struct time_axis *axis, struct json_object *decisions,
		       const char *lane, double y)
{
	size_t count = 0;

	html(to, "<path class=\"base\" d=\"M%d %.1fH%d\"/>", REPORT_PLOT_LEFT, y + MARK + 0.5,
	     REPORT_PLOT_RIGHT);
	html(to, "<text class=\"tick\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>",
	     REPORT_PLOT_LEFT - 8, y + MARK, *lane ? lane : "kvmtuned");
	for (size_t i = 0; i < array_length(decisions); i++) {
		struct json_object *decision = array_element(decisions, i);

		if (!is_in_lane(decision, lane) ||
		    !time_axis_has(axis, get_number(decision, "unix_s")))
			continue;
		write_mark(to, axis, decision, y);
		count++;
	}
	html(to,
	     "<text class=\"name\" x=\"%d\" y=\"%.1f\"><tspan class=\"value\">%zu</tspan></text>",
	     REPORT_PLOT_RIGHT + 8, y + MARK, count);
}

static bool any_within(const struct time_axis *axis, struct json_object *decisions)
{
	for (size_t i = 0; i < array_length(decisions); i++)
		if (time_axis_has(axis, get_number(array_element(decisions, i), "unix_s")))
			return true;
	return false;
}

void report_marks(FILE *to, const struct time_axis *axis, struct json_object *decisions)
{
	size_t count = KT_ARRAY_LEN(lanes);
	double bottom = 2 + (double)(LANE * count);

	if (!any_within(axis, decisions))
		return;
	html(to, "<figure><figcaption><b>Decisions</b> <span class=\"note\">tall: something was "
		 "changed; short: something was decided; red: a warning</span></figcaption>");
	html(to,
	     "<svg role=\"img\" viewBox=\"0 0 %d %.0f\"><title>Decisions over time</title>"
	     "<desc>A mark for each decision; the table of decisions has their texts.</desc>",
	     REPORT_WIDTH, bottom + 22);
	report_time_axis(to, axis, 0, bottom);
	for (size_t i = 0; i < count; i++)
		write_lane(to, axis, decisions, lanes[i], 2 + (double)(LANE * i));
	html(to, "</svg></figure>\n");
}
