/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which guests lie on more than one node? */
#include <math.h>
#include <string.h>

#include "limits.h"
#include "report.h"
#include "report_html.h"
#include "report_unit.h"

enum { ROWS_MAX = 24, ROW = 22, LEFT = 200, NAME_FITS = 24, HEAD = 20, RADIUS = 8 };

struct spread {
	struct json_object *guest;
	double kib; /* on all nodes */
	unsigned int homes, nodes;
};

static double share_on(const struct spread *spread, unsigned int node)
{
	return spread->kib > 0 ? report_on_node(spread->guest, node) / spread->kib : 0;
}

static struct spread spread_of(struct json_object *guest)
{
	struct spread spread = { .guest = guest };

	for (unsigned int node = 0; node < KT_NODES_MAX; node++) {
		spread.kib += report_on_node(guest, node);
		spread.homes += report_list_has(get_text_or_none(guest, "home"), node);
	}
	for (unsigned int node = 0; node < KT_NODES_MAX; node++)
		spread.nodes += share_on(&spread, node) >= 0.05; /* less is not worth a row */
	return spread;
}

static int by_size(const void *left, const void *right)
{
	const struct spread *a = left, *b = right;

	return a->kib > b->kib   ? -1
	       : a->kib < b->kib ? 1
				 : strcmp(get_text_or_none(a->guest, "name"),
					  get_text_or_none(b->guest, "name"));
}

static double column_at(size_t i, size_t count)
{
	return LEFT + (REPORT_PLOT_RIGHT - LEFT) * ((double)i + 0.5) / (double)count;
}

static void write_name(FILE *to, const struct spread *spread, double y)
{
	const char *name = get_text_or_none(spread->guest, "name");
	size_t fits = report_fits(name, NAME_FITS);

	html(to, "<text class=\"name\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">", LEFT - 16, y + 4);
	html_cut(to, name, fits);
	html(to, "</text><text class=\"tick\" x=\"%d\" y=\"%.1f\">%s local</text>\n",
	     REPORT_PLOT_RIGHT + 8, y + 4,
	     report_with_unit(get_number(spread->guest, "local_percent"), 0, "%").text);
}

/* A dot on each node, as large as what is there; a line from the first to the last. */
static void write_row(FILE *to, const struct spread *spread, struct json_object *nodes, double y)
{
	size_t count = array_length(nodes), first = count, last = 0;
	const char *home = get_text_or_none(spread->guest, "home");

	for (size_t i = 0; i < count; i++) {
		unsigned int id = report_node_id(array_element(nodes, i));

		if (share_on(spread, id) >= 0.005 || report_list_has(home, id)) {
			first = KT_MIN(first, i);
			last = i;
		}
	}
	if (first < last)
		html(to, "<path class=\"span\" d=\"M%.1f %.1fH%.1f\"/>", column_at(first, count), y,
		     column_at(last, count));
	for (size_t i = first; i <= last && i < count; i++) {
		unsigned int id = report_node_id(array_element(nodes, i));
		double share = share_on(spread, id);
		const char *color = !*home                      ? "free-guest"
				    : report_list_has(home, id) ? "home"
								: "away";

		if (share < 0.005 && strcmp(color, "home") != 0)
			continue;
		html(to,
		     "<circle class=\"dot %s\" cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"><title>node %zu: "
		     "%s</title></circle>",
		     color, column_at(i, count), y, fmax(RADIUS * sqrt(share), 1.5), (size_t)id,
		     show_kib(share * spread->kib).text);
		if (count <= 8)
			html(to, "<text class=\"tick over\" x=\"%.1f\" y=\"%.1f\">%.0f%%</text>",
			     column_at(i, count) + RADIUS + 4, y + 4, 100 * share);
	}
	write_name(to, spread, y);
}

static void write_rows(FILE *to, const struct spread *spread, size_t count,
		       struct json_object *nodes)
{
	size_t shown = KT_MIN(count, (size_t)ROWS_MAX), columns = array_length(nodes);

	html(to,
	     "<figure><figcaption><b>Guests on several nodes</b> <span class=\"note\">the share "
	     "of their memory on each; the largest first</span></figcaption>");
	html(to,
	     "<svg role=\"img\" viewBox=\"0 0 %d %zu\"><title>Guests on several nodes</title>"
	     "<desc>%zu guests have memory on more than one node.</desc>",
	     REPORT_WIDTH, (size_t)HEAD + ROW * shown + 4, count);
	for (size_t i = 0; i < columns; i++)
		html(to,
		     "<text class=\"tick\" x=\"%.1f\" y=\"11\" text-anchor=\"middle\">%s%.0f</text>",
		     column_at(i, columns), columns <= 8 ? "node " : "",
		     get_number(array_element(nodes, i), "id"));
	for (size_t i = 0; i < shown; i++)
		write_row(to, &spread[i], nodes, HEAD + ROW * ((double)i + 0.5));
	html(to, "</svg>");
	if (shown < count)
		html(to, "<p class=\"note\">Not shown: %zu smaller guests.</p>", count - shown);
	html(to, "</figure>\n");
}

void report_spread(FILE *to, struct json_object *status)
{
	struct json_object *nodes = get_member(get_member(status, "host"), "nodes");
	struct json_object *guests = get_member(status, "guests");
	KT_AUTOFREE struct spread *spread = calloc(array_length(guests) + 1, sizeof *spread);
	size_t count = 0;

	for (size_t i = 0; spread && i < array_length(guests); i++) {
		spread[count] = spread_of(array_element(guests, i));
		count += spread[count].nodes > 1 || spread[count].homes > 1;
	}
	if (!count || !array_length(nodes) || array_length(nodes) > KT_NODES_MAX)
		return;
	qsort(spread, count, sizeof *spread, by_size);
	write_rows(to, spread, count, nodes);
}
