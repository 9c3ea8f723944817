/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Axes with marks at round numbers and round times. */
#ifndef KT_REPORT_SCALE_H
#define KT_REPORT_SCALE_H

#include <stdbool.h>
#include <stddef.h>

/* low, low + step .. high, all of them round. */
struct scale {
	double low, high, step;
};

/* Contains both; about so many steps.  Never empty: high > low. */
struct scale scale_around(double low, double high, unsigned int steps);
/* How many digits behind the point its marks need. */
int scale_decimals(const struct scale *scale);
double scale_place(const struct scale *scale, double value, double at_low, double at_high);

struct time_axis {
	double first_s, last_s; /* Unix time; at least a minute apart, at most 8 days */
	int step_s;
};

/* -ERANGE: such times are no times. */
int time_axis_between(double first_s, double last_s, struct time_axis *ret);
bool time_axis_has(const struct time_axis *axis, double unix_s); /* false for NAN */
/* The first mark after that time, round in local time; false: there is none any more. */
bool time_axis_next(const struct time_axis *axis, double after_s, double *ret_s);

#endif
