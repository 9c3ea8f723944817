/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text of metrics, in either of its two forms: Prometheus' own (version 0.0.4) and
 * OpenMetrics 1.0, which differ in the names of counters' families and in the last line.
 *
 *	metrics_family(t, "kvmtuned_moved_bytes_total", METRIC_COUNTER, "Memory moved.");
 *	metrics_name(t, "");
 *	metrics_label(t, "domain", name);
 *	metrics_value(t, 4096);
 */
#ifndef KT_METRICS_TEXT_H
#define KT_METRICS_TEXT_H

#include <stdbool.h>
#include <stdio.h>

enum metric_kind { METRIC_GAUGE, METRIC_COUNTER, METRIC_HISTOGRAM };

struct metrics_text {
	FILE *out; /* whether all could be written is told by ferror(), in the end */
	bool openmetrics;
	const char *family; /* NULL: none yet */
	bool labelled;      /* the present sample, at least once */
};

/* Names of counters end in _total.  All samples of a family follow it at once. */
void metrics_family(struct metrics_text *t, const char *name, enum metric_kind kind,
		    const char *help);

/* A sample of it: its name, with what a histogram adds; its labels, if any; its value. */
void metrics_name(struct metrics_text *t, const char *suffix);
/* `value` may be anything.  Text stays as it is, so that it is the same as what others export
 * of the guest; control characters and what is not UTF-8 are shown as \xNN. */
void metrics_label(struct metrics_text *t, const char *name, const char *value);
void metrics_value(struct metrics_text *t, double value);

/* All of it at once, with no label or one. */
void metrics_put(struct metrics_text *t, double value);
void metrics_put_labelled(struct metrics_text *t, const char *label, const char *word,
			  double value);

void metrics_end(struct metrics_text *t);

#endif
