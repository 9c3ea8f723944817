/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where do the marks of an axis go? */
#include "report_scale.h"

#include <errno.h>
#include <math.h>
#include <time.h>

#include "util.h"

enum { TIME_STEPS = 12, SECONDS_MAX = 8 * 86400 };

/* 1, 2 or 5 of a power of ten, at least as large. */
static double round_up(double step)
{
	static const double steps[] = { 1, 2, 5 };
	double power = pow(10, floor(log10(step)));

	for (size_t i = 0; i < KT_ARRAY_LEN(steps); i++)
		if (step <= steps[i] * power * 1.000001)
			return steps[i] * power;
	return 10 * power;
}

struct scale scale_around(double low, double high, unsigned int steps)
{
	double step;

	/* Beyond 1e18 a step may be lost in the number that it is added to. */
	low = isfinite(low) ? KT_CLAMP(low, -1e18, 1e18) : 0;
	high = isfinite(high) ? KT_CLAMP(high, -1e18, 1e18) : low;
	if (high - low < fabs(low) * 1e-9 || high - low < 1e-9)
		high = low + KT_MAX(fabs(low) * 1e-6, 1);
	step = round_up((high - low) / steps);
	return (struct scale){ .low = floor(low / step + 1e-6) * step,
			       .high = ceil(high / step - 1e-6) * step,
			       .step = step };
}

int scale_decimals(const struct scale *scale)
{
	return scale->step >= 1 ? 0 : (int)KT_MIN(ceil(-log10(scale->step) - 1e-6), 6.0);
}

double scale_place(const struct scale *scale, double value, double at_low, double at_high)
{
	double part = (value - scale->low) / (scale->high - scale->low);

	return at_low + KT_CLAMP(part, 0.0, 1.0) * (at_high - at_low);
}

int time_axis_between(double first_s, double last_s, struct time_axis *ret)
{
	static const int steps_s[] = { 60,   120,      300,      600,      900,       1800,
				       3600, 2 * 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86400 };
	struct time_axis axis = { .first_s = first_s, .last_s = last_s };

	if (!(first_s >= 0 && last_s < 1e11 && last_s >= first_s &&
	      last_s - first_s <= SECONDS_MAX))
		return -ERANGE;
	if (last_s - first_s < 60)
		axis.first_s = KT_MAX(0, last_s - 60);
	axis.last_s = KT_MAX(last_s, axis.first_s + 60);
	for (size_t i = 0; i < KT_ARRAY_LEN(steps_s); i++) {
		axis.step_s = steps_s[i];
		if ((axis.last_s - axis.first_s) / axis.step_s <= TIME_STEPS)
			break;
	}
	*ret = axis;
	return 0;
}

bool time_axis_has(const struct time_axis *axis, double unix_s)
{
	return unix_s >= axis->first_s && unix_s <= axis->last_s;
}

/* Minute by minute: hours are not always round in seconds since 1970, and may change on the
 * way (daylight saving time). */
bool time_axis_next(const struct time_axis *axis, double after_s, double *ret_s)
{
	time_t minute = ((time_t)KT_MAX(after_s, axis->first_s - 1) / 60 + 1) * 60;

	for (; (double)minute <= axis->last_s; minute += 60) {
		struct tm when;

		if (!localtime_r(&minute, &when))
			return false;
		if ((when.tm_hour * 3600 + when.tm_min * 60) % axis->step_s == 0) {
			*ret_s = (double)minute;
			return true;
		}
	}
	return false;
}
