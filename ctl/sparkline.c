/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does a row of numbers look in one line? */
#include <math.h>
#include <string.h>

#include "top.h"

void sparkline(const double *values, size_t n, bool utf8, char *buf)
{
	static const char *const blocks[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char *const letters[] = { "_", ".", ":", "-", "=", "+", "*", "#" };
	double largest = 0;

	for (size_t i = 0; i < n; i++)
		if (values[i] > largest && isfinite(values[i]))
			largest = values[i];
	*buf = '\0';
	for (size_t i = 0; i < n; i++) {
		double share = largest > 0 ? KT_CLAMP(values[i] / largest, 0, 1) : 0;
		size_t level = (size_t)(share * (KT_ARRAY_LEN(blocks) - 1) + 0.5);
		const char *bar = !isfinite(values[i]) ? " "
				  : utf8               ? blocks[level]
						       : letters[level];

		buf = stpcpy(buf, bar);
	}
}
