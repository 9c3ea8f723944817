/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How do numbers and texts fit into a page? */
#include "report_unit.h"

#include <math.h>
#include <string.h>

#include "limits.h"

struct unit report_unit_for(double kib)
{
	static const struct unit units[] = {
		{ "TiB", 1024.0 * 1024 * 1024 },
		{ "GiB", 1024.0 * 1024 },
		{ "MiB", 1024 },
	};
	size_t i = 0;

	while (i + 1 < KT_ARRAY_LEN(units) && !(kib >= units[i].kib))
		i++;
	return units[i];
}

struct shown report_with_unit(double number, int decimals, const char *unit)
{
	struct shown shown = show_number(number, decimals);
	size_t length = strlen(shown.text);

	if (*unit && !isnan(number))
		(void)snprintf(shown.text + length, sizeof shown.text - length, " %s", unit);
	return shown;
}

size_t report_fits(const char *text, double characters)
{
	size_t length = strlen(text);

	if (!(characters >= 1))
		return 0;
	if ((double)length <= characters)
		return length;
	return characters >= 6 ? (size_t)characters - 1 : 0; /* fewer say nothing */
}

unsigned int report_node_id(struct json_object *node)
{
	double id = get_number(node, "id");

	return id >= 0 && id < KT_NODES_MAX ? (unsigned int)id : KT_NODES_MAX;
}

double report_on_node(struct json_object *guest, unsigned int node)
{
	char key[16];
	double kib;

	(void)snprintf(key, sizeof key, "%u", node);
	kib = get_number(get_member(guest, "node_memory_kib"), key);
	return kib > 0 && isfinite(kib) ? kib : 0;
}

bool report_list_has(const char *list, unsigned int node)
{
	while (*list) {
		char *end;
		unsigned long first = strtoul(list, &end, 10), last = first;

		if (end == list)
			return false;
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		if (node >= first && node <= last)
			return true;
		list = *end == ',' ? end + 1 : "";
	}
	return false;
}
