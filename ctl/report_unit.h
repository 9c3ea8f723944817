/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers, lists and texts as a page needs them.  Nothing here fails: what is not known is a
 * dash. */
#ifndef KT_REPORT_UNIT_H
#define KT_REPORT_UNIT_H

#include "ctl.h"

struct unit {
	const char *name;
	double kib;
};

/* MiB, GiB or TiB: in which so much is a number that one can read. */
struct unit report_unit_for(double kib);
struct shown report_with_unit(double number, int decimals, const char *unit); /* "98.2 %" */
/* Of text that has room for so many characters: how many are shown beside an ellipsis. */
size_t report_fits(const char *text, double characters);

unsigned int report_node_id(struct json_object *node);               /* KT_NODES_MAX: it has none */
double report_on_node(struct json_object *guest, unsigned int node); /* KiB; 0 */
/* "0-1,3" has 1. */
bool report_list_has(const char *list, unsigned int node);

#endif
