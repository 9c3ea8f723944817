/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What do the loops, the guests and the decisions say for themselves? */
#include <math.h>
#include <string.h>

#include "report.h"
#include "report_html.h"
#include "report_unit.h"

enum { DECISIONS_MAX = 200 };

static const char *loop_title(const char *loop)
{
	return strcmp(loop, "ksm") == 0      ? "Merging (ksm)"
	       : strcmp(loop, "memory") == 0 ? "Squeezing (memory)"
					     : "Placing (placement)";
}

static void write_numbers_of_loop(FILE *to, struct json_object *loop, const char *name)
{
	if (strcmp(name, "ksm") == 0) {
		html(to, "%s merged, a profit of %s", show_kib(get_number(loop, "merged_kib")).text,
		     show_kib(get_number(loop, "profit_kib")).text);
		if (!isnan(get_number(loop, "ksmd_cpu_percent")))
			html(to, "; ksmd uses %s of a CPU",
			     report_with_unit(get_number(loop, "ksmd_cpu_percent"), 1, "%").text);
		html(to, "; run %s, pages_to_scan %s, sleep %s",
		     show_number(get_number(loop, "run"), 0).text,
		     show_number(get_number(loop, "pages_to_scan"), 0).text,
		     report_with_unit(get_number(loop, "sleep_ms"), 0, "ms").text);
	} else if (strcmp(name, "placement") == 0) {
		struct json_object *moving = get_member(loop, "moving");

		html(to, "%s pinned", show_number(get_number(loop, "pinned"), 0).text);
		if (moving)
			html(to, "; moving memory of %s, %s so far",
			     get_text_or_none(moving, "guest"),
			     show_kib(get_number(moving, "moved_kib")).text);
	} else {
		html(to, "%s limited, %s given back",
		     show_number(get_number(loop, "limited"), 0).text,
		     show_kib(get_number(loop, "reclaimed_kib")).text);
		if (get_number(loop, "deficit_kib") > 0)
			html(to, "; the host lacks %s",
			     show_kib(get_number(loop, "deficit_kib")).text);
	}
}

static void write_loop(FILE *to, struct json_object *loop, const char *name)
{
	struct json_object *change = get_member(loop, "last_change");
	const char *state = get_text_or_none(loop, "state");
	double until_s = get_number(loop, "paused_until_unix_s");

	html(to, "<section class=\"card\"><h3>%s <span class=\"badge %s\">%s</span></h3>",
	     loop_title(name), strcmp(state, "active") == 0 ? "good" : "other", state);
	html(to, "<p><code>%s</code> %s</p><p class=\"quiet\">", get_text_or_none(loop, "reason"),
	     get_text_or_none(loop, "sentence"));
	write_numbers_of_loop(to, loop, name);
	html(to, ".</p>");
	if (isfinite(until_s))
		html(to, "<p class=\"quiet\">Paused until %s.</p>",
		     show_time(until_s, TIME_DAY_AND_SECOND).text);
	if (change)
		html(to, "<p class=\"quiet\">Last change %s: %s</p>",
		     show_time(get_number(change, "unix_s"), TIME_DAY_AND_SECOND).text,
		     get_text_or_none(change, "message"));
	html(to, "</section>\n");
}

void report_loops(FILE *to, struct json_object *loops)
{
	html(to, "<div class=\"cards\">");
	for (size_t i = 0; i < LOOPS; i++)
		if (get_member(loops, ctl_loops[i]))
			write_loop(to, get_member(loops, ctl_loops[i]), ctl_loops[i]);
	html(to, "</div>\n");
}

/* Who acts on it, or who keeps kvmtuned from it. */
static void write_managed(FILE *to, struct json_object *guest)
{
	const char *hold = get_text_or_none(guest, "hold");

	if (*hold)
		html(to, "<td>%s</td>", hold);
	else if (get_bool(guest, "managed"))
		html(to, "<td>yes</td>");
	else
		html(to, "<td>no: %s</td>",
		     get_text_or_none(get_member(guest, "placement"), "sentence"));
}

static void write_local(FILE *to, double percent)
{
	if (isfinite(percent))
		html(to, "<td class=\"n\"><i class=\"%s\"></i>%s</td>", report_local_class(percent),
		     show_number(percent, 1).text);
	else
		html(to, "<td class=\"n\">-</td>");
}

static void write_guest(FILE *to, struct json_object *guest)
{
	struct json_object *last = get_member(guest, "last_decision");
	const char *home = get_text_or_none(guest, "home"), *name = get_text_or_none(guest, "name");

	html(to, "<tr><th scope=\"row\">%s%s</th>", name,
	     get_bool(guest, "running") ? "" : " (not running)");
	html(to, "<td class=\"n\">%s</td>", show_number(get_number(guest, "vcpus"), 0).text);
	html(to, "<td class=\"n\">%s</td><td class=\"n\">%s</td>",
	     show_kib(get_number(guest, "memory_kib")).text,
	     show_kib(get_number(guest, "resident_kib")).text);
	html(to, "<td class=\"n\">%s</td>", *home ? home : "-");
	write_local(to, get_number(guest, "local_percent"));
	html(to, "<td class=\"n\">%s</td><td class=\"n\">%s</td>",
	     show_number(get_number(guest, "steal_percent"), 1).text,
	     show_kib(get_number(guest, "merged_kib")).text);
	html(to, "<td class=\"n\">%s</td>", show_kib(get_number(guest, "limit_kib")).text);
	write_managed(to, guest);
	html(to, "<td>%s</td></tr>\n",
	     last ? show_without_name(get_text_or_none(last, "message"), name) : "-");
}

void report_guests(FILE *to, struct json_object *guests)
{
	if (!array_length(guests)) {
		html(to, "<p class=\"empty\">No guest is running.</p>\n");
		return;
	}
	html(to,
	     "<div class=\"wide\"><table><caption>As they are now: %zu</caption><thead><tr>"
	     "<th scope=\"col\">Guest</th><th scope=\"col\" class=\"n\">vCPUs</th>"
	     "<th scope=\"col\" class=\"n\">Memory</th><th scope=\"col\" class=\"n\">Resident</th>"
	     "<th scope=\"col\" class=\"n\">Home</th><th scope=\"col\" class=\"n\">Local %%</th>"
	     "<th scope=\"col\" class=\"n\">Steal %%</th><th scope=\"col\" class=\"n\">Merged</th>"
	     "<th scope=\"col\" class=\"n\">Limit</th><th scope=\"col\">Managed</th>"
	     "<th scope=\"col\">Last decision</th></tr></thead><tbody>\n",
	     array_length(guests));
	for (size_t i = 0; i < array_length(guests); i++)
		write_guest(to, array_element(guests, i));
	html(to, "</tbody></table></div>\n");
}

static void write_decision(FILE *to, struct json_object *decision)
{
	const char *level = get_text_or_none(decision, "level");
	const char *guest = get_text_or_none(decision, "guest");
	bool loud = strcmp(level, "info") != 0 && strcmp(level, "notice") != 0 &&
		    strcmp(level, "debug") != 0;

	html(to, "<tr%s><td class=\"n\">%s</td><td>%s</td><td>%s</td>", loud ? " class=loud" : "",
	     show_time(get_number(decision, "unix_s"), TIME_DAY_AND_SECOND).text,
	     get_text_or_none(decision, "loop"), guest);
	html(to, "<td><code>%s</code></td><td>%s%s</td></tr>\n",
	     get_text_or_none(decision, "reason"),
	     get_bool(decision, "dry_run") ? "(not done, only observed) " : "",
	     show_without_name(get_text_or_none(decision, "message"), guest));
}

/* They are in order: the first one of those that are shown. */
static size_t first_shown(struct json_object *decisions, double since_s)
{
	size_t count = array_length(decisions), first = count;

	while (first && count - first < DECISIONS_MAX &&
	       get_number(array_element(decisions, first - 1), "unix_s") >= since_s)
		first--;
	return first;
}

void report_decisions(FILE *to, struct json_object *decisions, double since_s)
{
	size_t first = first_shown(decisions, since_s), count = array_length(decisions);

	if (first == count) {
		html(to, "<p class=\"empty\">Nothing was decided in this time.</p>\n");
		return;
	}
	html(to,
	     "<div class=\"wide\"><table class=\"decisions\"><caption>The last %zu, the "
	     "latest first</caption><thead><tr><th scope=\"col\" class=\"n\">Time</th>"
	     "<th scope=\"col\">Loop</th><th scope=\"col\">Guest</th><th scope=\"col\">Reason</th>"
	     "<th scope=\"col\">Message</th></tr></thead><tbody>\n",
	     count - first);
	for (size_t i = count; i > first; i--)
		write_decision(to, array_element(decisions, i - 1));
	html(to, "</tbody></table></div>\n");
}
