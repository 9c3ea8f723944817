/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is on the page, and in which order? */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "report.h"
#include "report_html.h"
#include "report_unit.h"

/* The browser itself is told to load nothing and to run nothing. */
static void write_begin(FILE *to, const struct report *report)
{
	html(to,
	     "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	     "<meta http-equiv=\"Content-Security-Policy\" "
	     "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
	     "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	     "<meta name=\"color-scheme\" content=\"light dark\">\n"
	     "<title>%s: kvmtuned report</title>\n<style>\n",
	     report->hostname);
	report_style(to);
	html(to, "</style>\n</head>\n<body>\n");
}

static void write_title(FILE *to, const struct report *report, double now_s)
{
	struct json_object *status = report->status;
	const char *mode = get_text_or_none(status, "mode"),
		   *state = get_text_or_none(status, "state");

	html(to, "<header><p class=\"eyebrow\">kvmtuned report</p><h1>%s ", report->hostname);
	html(to, "<span class=\"badge %s\">%s</span> ",
	     strcmp(mode, "active") == 0 ? "good" : "other",
	     strcmp(mode, "active") == 0 ? "active" : "observes only");
	html(to, "<span class=\"badge %s\">%s</span></h1>",
	     strcmp(state, "ok") == 0 ? "good" : "bad", state);
	html(to, "<p class=\"quiet\">%s, kvmtuned %s, up %s; libvirt %s</p>",
	     show_time(now_s, TIME_WHOLE).text, get_text_or_none(status, "version"),
	     show_seconds(now_s - get_number(status, "started_unix_s")).text,
	     get_bool(get_member(status, "libvirt"), "connected") ? "connected" : "not connected");
}

static void write_problems(FILE *to, struct json_object *problems)
{
	if (!array_length(problems))
		return;
	html(to, "<ul class=\"problems\">");
	for (size_t i = 0; i < array_length(problems); i++)
		if (json_object_is_type(array_element(problems, i), json_type_string))
			html(to, "<li>%s</li>", json_object_get_string(array_element(problems, i)));
	html(to, "</ul>");
}

static void write_figure(FILE *to, const char *what, struct shown number, const char *beside,
			 struct shown more)
{
	bool known = strcmp(more.text, "-") != 0;

	html(to, "<div><dt>%s</dt><dd>%s <small>%s %s</small></dd></div>", what, number.text,
	     known ? beside : "", known ? more.text : "");
}

static void write_figures(FILE *to, struct json_object *status)
{
	struct json_object *host = get_member(status, "host");
	struct json_object *ksm = get_member(get_member(status, "loops"), "ksm");
	struct json_object *placement = get_member(get_member(status, "loops"), "placement");

	html(to, "<dl class=\"figures\">");
	write_figure(to, "Memory available", show_kib(get_number(host, "available_kib")), "of",
		     show_kib(get_number(host, "memory_kib")));
	write_figure(to, "Merged by KSM", show_kib(get_number(ksm, "merged_kib")), "for",
		     report_with_unit(get_number(ksm, "ksmd_cpu_percent"), 1, "% of a CPU"));
	write_figure(to, "Price of memory", show_number(get_number(host, "price"), 2), "of",
		     show_number(1, 0));
	write_figure(to, "Memory pressure",
		     report_with_unit(get_number(host, "psi_memory_some_percent"), 1, "%"), "full",
		     report_with_unit(get_number(host, "psi_memory_full_percent"), 1, "%"));
	write_figure(to, "Idle CPUs", show_number(get_number(host, "idle_cpus"), 1), "steal",
		     report_with_unit(get_number(host, "steal_percent"), 1, "%"));
	write_figure(to, "Guests", show_number((double)get_length(status, "guests"), 0), "pinned",
		     show_number(get_number(placement, "pinned"), 0));
	html(to, "</dl></header>\n");
}

/* A clock that was set back makes two points of one time: what was before is left out. */
static void read_times(struct report_past *past)
{
	double before_s = -INFINITY;

	past->first = 0;
	for (size_t i = 0; i < past->end; i++) {
		past->unix_s[i] = get_number(array_element(past->points, i), "unix_s");
		if (!(past->unix_s[i] > before_s))
			past->first = i;
		before_s = past->unix_s[i];
	}
	while (past->first < past->end && !time_axis_has(&past->axis, past->unix_s[past->first]))
		past->first++;
	while (past->first < past->end && !time_axis_has(&past->axis, past->unix_s[past->end - 1]))
		past->end--;
}

static int read_past(const struct report *report, double now_s, struct report_past *ret)
{
	double started_s = get_number(report->status, "started_unix_s");
	double first_s = fmax(now_s - report->since_s, 0);
	struct report_past past = { .points = get_member(report->history, "points"),
				    .guests = get_member(report->history, "guests") };

	if (started_s > first_s && started_s <= now_s)
		first_s = started_s;
	if (time_axis_between(first_s, now_s, &past.axis) < 0)
		return -EBADMSG;
	past.end = array_length(past.points);
	past.unix_s = calloc(past.end + 1, sizeof *past.unix_s);
	if (!past.unix_s)
		return -ENOMEM;
	read_times(&past);
	past.gap_s = 150; /* two of the daemon's minutes, and a tick that was late */
	if (past.end - past.first > 1)
		past.gap_s = fmax(past.gap_s,
				  2.5 * (past.unix_s[past.end - 1] - past.unix_s[past.first]) /
					  (double)(past.end - past.first - 1));
	*ret = past;
	return 0;
}

static void write_past(FILE *to, const struct report *report, const struct report_past *past)
{
	double seconds = past->axis.last_s - past->axis.first_s;

	html(to, "<section><h2>The last %s</h2>\n", show_seconds(seconds).text);
	report_marks(to, &past->axis, get_member(report->decisions, "decisions"));
	if (past->end - past->first < 2) {
		html(to,
		     "<p class=\"empty\">There is nothing to plot yet: kvmtuned keeps one point "
		     "per minute, and has fewer than two of this time.  Make the report again in "
		     "a few minutes.</p>");
	} else {
		report_plots(to, past);
		report_locality(to, past);
	}
	html(to, "</section>\n");
}

int report_write(const struct report *report, FILE *to)
{
	double now_s = get_number(report->status, "unix_s");
	struct report_past past;
	int r = read_past(report, now_s, &past);

	if (r < 0)
		return r;
	write_begin(to, report);
	write_title(to, report, now_s);
	write_problems(to, get_member(report->status, "problems"));
	write_figures(to, report->status);
	html(to, "<main><section><h2>Loops</h2>\n");
	report_loops(to, get_member(report->status, "loops"));
	html(to, "</section>\n<section><h2>Nodes</h2>\n");
	report_nodes(to, report->status);
	report_spread(to, report->status);
	html(to, "</section>\n");
	write_past(to, report, &past);
	html(to, "<section><h2>Guests</h2>\n");
	report_guests(to, get_member(report->status, "guests"));
	report_audit(to, report->audit);
	html(to, "</section>\n<section><h2>Decisions</h2>\n");
	report_decisions(to, get_member(report->decisions, "decisions"), past.axis.first_s);
	html(to, "</section></main>\n</body>\n</html>\n");
	free(past.unix_s);
	return 0;
}
