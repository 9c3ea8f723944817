/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which rules of tuning are broken, and what mends that? */
#include <string.h>

#include "audit.h"
#include "report.h"
#include "report_html.h"
#include "report_unit.h"

enum { FINDINGS_MAX = 500 };

static void write_finding(FILE *to, struct json_object *result)
{
	const char *severity = get_text_or_none(result, "severity"),
		   *fix = get_text_or_none(result, "fix");
	const char *owner = get_text_or_none(result, "owner");

	html(to, "<tr%s><td>%s</td><td><code>%s</code></td><td>%s</td>",
	     strcmp(severity, "critical") == 0 ? " class=loud" : "", severity,
	     get_text_or_none(result, "id"), get_text_or_none(result, "guest"));
	html(to, "<td>%s%s%s</td><td>%s</td>", get_text_or_none(result, "is"),
	     *owner ? "; set by " : "", owner, get_text_or_none(result, "should"));
	html(to, "<td>%s <span class=\"quiet\">%s</span></td><td><code>%s</code></td></tr>\n",
	     get_text_or_none(result, "why"), get_text_or_none(result, "source"), *fix ? fix : "-");
}

/* In the order of their severity. */
static size_t write_findings(FILE *to, struct json_object *results, const char *severity,
			     size_t room)
{
	size_t written = 0;

	for (size_t i = 0; i < array_length(results) && written < room; i++) {
		struct json_object *result = array_element(results, i);

		if (!audit_is_finding(result) ||
		    strcmp(get_text_or_none(result, "severity"), severity) != 0)
			continue;
		write_finding(to, result);
		written++;
	}
	return written;
}

void report_audit(FILE *to, struct json_object *audit)
{
	static const char *const severities[] = { "critical", "warning", "note" };
	struct json_object *results = get_member(audit, "results");
	size_t n = audit ? audit_findings(results, NULL) : 0, written = 0;

	if (!audit)
		return;
	html(to, "</section>\n<section><h2>Audit</h2>\n");
	if (n == 0) {
		html(to, "<p class=\"empty\">No rule of tuning is broken.</p>\n");
		return;
	}
	html(to,
	     "<div class=\"wide\"><table class=\"decisions\"><caption>Findings: %zu</caption><thead>"
	     "<tr><th scope=\"col\">Severity</th><th scope=\"col\">Rule</th><th scope=\"col\">Guest"
	     "</th><th scope=\"col\">Is</th><th scope=\"col\">Should be</th><th scope=\"col\">Why"
	     "</th><th scope=\"col\">What mends it</th></tr></thead><tbody>\n",
	     n);
	for (size_t i = 0; i < KT_ARRAY_LEN(severities); i++)
		written += write_findings(to, results, severities[i], FINDINGS_MAX - written);
	html(to, "</tbody></table></div>\n");
	if (written < n)
		html(to, "<p class=\"quiet\">And %zu more, which kvmtunectl audit has.</p>\n",
		     n - written);
}
