/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where is the memory of the guests? */
#include <math.h>
#include <string.h>

#include "limits.h"
#include "report.h"
#include "report_html.h"
#include "report_treemap.h"
#include "report_unit.h"

enum { GAP = 16, HEAD = 72, MAP = 220, FOOT = 18 };

/* As wide as one is on average in the fonts of browsers, rather wider. */
#define CHARACTER       6.6
#define CHARACTER_SMALL 5.4

/* One node's picture. */
struct cell {
	struct json_object *node;
	double x, y, width;
};

static double at_least_0(double number)
{
	return number > 0 ? number : 0; /* NAN too */
}

static const char *piece_color(struct json_object *guest, unsigned int node)
{
	const char *home = get_text_or_none(guest, "home");

	if (!*home)
		return "free-guest";
	return report_list_has(home, node) ? "home" : "away";
}

static size_t pieces_of(struct json_object *guests, unsigned int node, struct piece *ret_pieces)
{
	size_t count = 0;

	for (size_t i = 0; i < array_length(guests); i++) {
		struct json_object *guest = array_element(guests, i);
		double kib = report_on_node(guest, node);

		if (kib > 0)
			ret_pieces[count++] =
				(struct piece){ .size = kib,
						.name = get_text_or_none(guest, "name"),
						.color = piece_color(guest, node) };
	}
	return count;
}

/* In a small box the name is smaller, and it is left out where too little of it would be left. */
static void write_label(FILE *to, const struct piece *piece, const char *size)
{
	const struct box *box = &piece->box;
	bool small = report_fits(piece->name, (box->width - 8) / CHARACTER) < strlen(piece->name);
	double character = small ? CHARACTER_SMALL : CHARACTER;
	size_t fits = report_fits(piece->name, (box->width - 6) / character);
	double x = box->x + (small ? 3 : 5);

	if (!fits || box->height < 15)
		return;
	html(to, "<text class=\"inside%s\" x=\"%.1f\" y=\"%.1f\">", small ? " small" : "", x,
	     box->y + 13);
	html_cut(to, piece->name, fits);
	html(to, "</text>");
	if (box->height >= 30 && (double)strlen(size) * character < box->width - 6)
		html(to, "<text class=\"inside%s\" x=\"%.1f\" y=\"%.1f\">%s</text>",
		     small ? " small" : "", x, box->y + 26, size);
}

static void write_piece(FILE *to, const struct piece *piece)
{
	const struct box *box = &piece->box;
	struct shown size = show_kib(piece->size);

	html(to,
	     "<g><title>%s: %s%s</title><rect class=\"piece %s\" x=\"%.1f\" y=\"%.1f\" "
	     "width=\"%.1f\" height=\"%.1f\"/>",
	     piece->name, size.text,
	     strcmp(piece->color, "away") == 0 ? ", away from its home" : "", piece->color, box->x,
	     box->y, box->width, box->height);
	write_label(to, piece, size.text);
	html(to, "</g>\n");
}

/* A part of the node that no guest has. */
static void write_rest(FILE *to, const struct cell *cell, double y, double height,
		       const char *color, const char *what, double kib)
{
	struct shown size = show_kib(kib);

	html(to,
	     "<g><title>%s: %s</title><rect class=\"piece %s\" x=\"%.1f\" y=\"%.1f\" "
	     "width=\"%.1f\" height=\"%.1f\"/>",
	     what, size.text, color, cell->x, y, cell->width, height);
	if (height >= 15)
		html(to, "<text class=\"inside quiet\" x=\"%.1f\" y=\"%.1f\">%s %s</text>",
		     cell->x + 5, y + height / 2 + 4, what, size.text);
	html(to, "</g>\n");
}

/* Free memory on top, what the host itself has at the bottom: the node is full when guests
 * reach the top. */
static void write_map(FILE *to, const struct cell *cell, struct json_object *guests,
		      struct piece *pieces)
{
	unsigned int id = report_node_id(cell->node);
	double all = at_least_0(get_number(cell->node, "memory_kib"));
	double unused = at_least_0(get_number(cell->node, "free_kib")), used = 0, host, scale;
	size_t count = pieces_of(guests, id, pieces);
	double top = cell->y + HEAD;

	for (size_t i = 0; i < count; i++)
		used += pieces[i].size;
	host = at_least_0(all - unused - used);
	scale = MAP / fmax(unused + used + host, 1); /* they are not read in one moment */
	write_rest(to, cell, top, unused * scale, "unused", "free", unused);
	write_rest(to, cell, top + MAP - host * scale, host * scale, "host", "host", host);
	treemap_fill(pieces, count,
		     (struct box){ cell->x, top + unused * scale, cell->width,
				   fmax(used * scale, 0.1) });
	for (size_t i = 0; i < count; i++)
		write_piece(to, &pieces[i]);
	html(to, "<rect class=\"frame\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\"/>\n",
	     cell->x, top, cell->width, MAP);
}

static void write_meter(FILE *to, const struct cell *cell, double y, double part, const char *color)
{
	html(to, "<rect class=\"meter\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"3\"/>",
	     cell->x, y, cell->width);
	html(to, "<rect class=\"bar %s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"3\"/>",
	     color, cell->x, y, cell->width * KT_CLAMP(at_least_0(part), 0.0, 1.0));
}

static void write_head(FILE *to, const struct cell *cell)
{
	double all = get_number(cell->node, "memory_kib"), cpus = get_number(cell->node, "ncpus");
	double used = all - get_number(cell->node, "free_kib");
	double busy = get_number(cell->node, "busy_cpus");
	const char *list = get_text_or_none(cell->node, "cpus");
	size_t fits = report_fits(list, (cell->width - 60) / 6.5 - 5);

	html(to, "<text class=\"strong\" x=\"%.1f\" y=\"%.1f\">Node %.0f</text>", cell->x,
	     cell->y + 12, get_number(cell->node, "id"));
	if (*list && fits) {
		html(to, "<text class=\"tick\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">CPUs ",
		     cell->x + cell->width, cell->y + 12);
		html_cut(to, list, fits);
		html(to, "</text>");
	}
	html(to, "<text class=\"tick\" x=\"%.1f\" y=\"%.1f\">%s of %s busy</text>", cell->x,
	     cell->y + 30, show_number(busy, 1).text, report_with_unit(cpus, 0, "CPUs").text);
	write_meter(to, cell, cell->y + 35, busy / cpus, "blue");
	html(to, "<text class=\"tick\" x=\"%.1f\" y=\"%.1f\">%s of %s used</text>", cell->x,
	     cell->y + 55, show_kib(used).text, show_kib(all).text);
	write_meter(to, cell, cell->y + 60, used / all, "teal");
}

/* Many guests need room for their names. */
static size_t columns_for(size_t nodes, size_t guests)
{
	size_t most = nodes > 8 ? 8 : guests > 12 * nodes ? 2 : 4;
	size_t rows = (nodes + most - 1) / most;

	return (nodes + rows - 1) / rows;
}

/* Where they have memory is not known for all: a guest may just have started. */
static void say_unknown(FILE *to, struct json_object *guests)
{
	size_t unknown = 0;

	for (size_t i = 0; i < array_length(guests); i++)
		unknown += get_bool(array_element(guests, i), "running") &&
			   !get_member(array_element(guests, i), "node_memory_kib");
	if (unknown)
		html(to,
		     "<p class=\"note\">Not drawn, because it is not known yet where their memory is: "
		     "%zu running guests.</p>",
		     unknown);
}

static void write_key(FILE *to)
{
	html(to, "<p class=\"key\"><span><i class=\"home\"></i>guest, at its home</span>"
		 "<span><i class=\"away\"></i>guest, away from its home</span>"
		 "<span><i class=\"free-guest\"></i>guest without a home</span>"
		 "<span><i class=\"host\"></i>the host and its caches</span>"
		 "<span><i class=\"unused\"></i>free</span></p>");
}

void report_nodes(FILE *to, struct json_object *status)
{
	struct json_object *nodes = get_member(get_member(status, "host"), "nodes");
	struct json_object *guests = get_member(status, "guests");
	size_t count = KT_MIN(array_length(nodes), (size_t)KT_NODES_MAX);
	KT_AUTOFREE struct piece *pieces = calloc(array_length(guests) + 1, sizeof *pieces);
	size_t columns = count ? columns_for(count, array_length(guests)) : 1;
	double width = (double)(REPORT_WIDTH - GAP * (int)(columns - 1)) / (double)columns;
	double rows = ceil((double)count / (double)columns), step = HEAD + MAP + FOOT;

	if (!count || !pieces) {
		html(to, "<p class=\"empty\">Nothing is known of the host's nodes yet.</p>\n");
		return;
	}
	html(to, "<figure><figcaption><b>Memory of the nodes</b> <span class=\"note\">areas are to "
		 "scale within a node</span></figcaption>");
	write_key(to);
	html(to,
	     "<svg role=\"img\" viewBox=\"0 0 %d %.0f\"><title>NUMA nodes and the guests on them"
	     "</title><desc>Nodes: %zu; guests: %zu.  The table of guests has the "
	     "numbers.</desc>\n<defs><pattern id=\"hatch\" width=\"6\" height=\"6\" "
	     "patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><rect class=\"ground\" "
	     "width=\"6\" height=\"6\"/><path d=\"M0 0V6\"/></pattern></defs>\n",
	     REPORT_WIDTH, rows * step - FOOT + 2, count, array_length(guests));
	for (size_t i = 0; i < count; i++) {
		struct cell cell = { .node = array_element(nodes, i),
				     .x = (double)(i % columns) * (width + GAP),
				     .y = (double)(i / columns) * step,
				     .width = width };

		write_head(to, &cell);
		write_map(to, &cell, guests, pieces);
	}
	html(to, "</svg>");
	say_unknown(to, guests);
	html(to, "</figure>\n");
}
