/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One HTML page that shows a host: no script, nothing from elsewhere, the same page for the same
 * answers (in the same time zone). */
#ifndef KT_REPORT_H
#define KT_REPORT_H

#include "ctl.h"
#include "report_scale.h"
#include "util.h"

struct report {
	const char *hostname;
	double since_s; /* how far it looks back */
	/* Answers of the daemon: /v1/status, /v1/history, /v1/decisions. */
	struct json_object *status, *history, *decisions;
	struct json_object *audit; /* NULL: there was none; else as audit_is_proper wants it */
};

/* -EBADMSG: the answers do not say what time it is.  Whether all was written, ferror() knows. */
int report_write(const struct report *report, FILE *to) KT_MUST_USE;

/* ---- the parts of the page; all are as wide ---- */

/* Units of every drawing. */
enum { REPORT_WIDTH = 1040, REPORT_PLOT_LEFT = 64, REPORT_PLOT_RIGHT = 900 };

/* What has been sampled, within the time axis. */
struct report_past {
	struct time_axis axis;
	struct json_object *points, *guests;
	size_t first, end; /* of the points */
	double *unix_s;    /* of each point; NAN: not in its place */
	double gap_s;      /* that far apart, there was nobody to sample */
};

void report_style(FILE *to);
void report_nodes(FILE *to, struct json_object *status);
void report_spread(FILE *to, struct json_object *status);
void report_loops(FILE *to, struct json_object *loops);
void report_guests(FILE *to, struct json_object *guests);
void report_audit(FILE *to, struct json_object *audit);
void report_decisions(FILE *to, struct json_object *decisions, double since_s);
/* The time axis at the foot of a drawing, and its lines through it. */
void report_time_axis(FILE *to, const struct time_axis *axis, double top, double bottom);
double report_time_place(const struct time_axis *axis, double unix_s);
void report_plots(FILE *to, const struct report_past *past);
void report_locality(FILE *to, const struct report_past *past);
void report_marks(FILE *to, const struct time_axis *axis, struct json_object *decisions);

/* Percent local, as a class of the style sheet: l4 (all) .. l0 (hardly any). */
const char *report_local_class(double percent);

#endif
