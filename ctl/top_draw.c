/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is on the screen of top? */
#include <langinfo.h>
#include <math.h>
#include <string.h>

#include "top.h"

const char *const top_orders[_TOP_MAX] = { "name", "node", "steal", "ksm", "memory" };

enum { BARS = 50 };

static void draw_history(struct json_object *history, const char *heading, const char *key,
			 bool is_size, FILE *out)
{
	double values[BARS], largest = 0;
	char bars[3 * BARS + 1];
	size_t points = get_length(history, "points"), n = KT_MIN(points, (size_t)BARS);

	for (size_t i = 0; i < n; i++) {
		values[i] = get_number(get_element(history, "points", points - n + i), key);
		largest = fmax(largest, values[i]); /* NAN is passed over */
	}
	if (n == 0)
		return;
	sparkline(values, n, strcmp(nl_langinfo(CODESET), "UTF-8") == 0, bars);
	fprintf(out, "  %-8s %s  now %s%s, at most %s%s\n", heading, bars,
		is_size ? show_kib(values[n - 1]).text : show_number(values[n - 1], 1).text,
		is_size ? "" : " %",
		is_size ? show_kib(largest).text : show_number(largest, 1).text,
		is_size ? "" : " %");
}

static int by_number(struct json_object *a, struct json_object *b, const char *key)
{
	double x = get_number(a, key), y = get_number(b, key);

	/* The largest first; what is not known comes last. */
	x = isnan(x) ? -1 : x;
	y = isnan(y) ? -1 : y;
	return (x < y) - (x > y);
}

static int by_node(struct json_object *a, struct json_object *b)
{
	const char *x = get_text(a, "home"), *y = get_text(b, "home");

	if (!x || !y)
		return (x == NULL) - (y == NULL);
	return strverscmp(x, y);
}

static int compare(const void *left, const void *right, void *context)
{
	struct json_object *a = *(struct json_object *const *)left;
	struct json_object *b = *(struct json_object *const *)right;
	enum top_order order = *(const enum top_order *)context;
	static const char *const keys[_TOP_MAX] = {
		[TOP_STEAL] = "steal_percent",
		[TOP_KSM] = "merged_kib",
		[TOP_MEMORY] = "memory_kib",
	};
	int r = 0;

	if (keys[order])
		r = by_number(a, b, keys[order]);
	else if (order == TOP_NODE)
		r = by_node(a, b);
	return r ? r : strverscmp(get_text(a, "name"), get_text(b, "name"));
}

static int draw_guests(const struct options *o, enum top_order order, struct json_object *status,
		       FILE *out)
{
	size_t n = get_length(status, "guests");
	KT_AUTOFREE struct json_object **guests = calloc(n + 1, sizeof(struct json_object *));
	KT_AUTOFREE char *text = NULL;
	struct table t;

	if (!guests)
		return -1;
	for (size_t i = 0; i < n; i++)
		guests[i] = get_element(status, "guests", i);
	qsort_r(guests, n, sizeof guests[0], compare, &order);
	t = status_guests(o, guests, n);
	text = table_text(&t);
	if (text)
		fprintf(out, "\n%s guests by %s\n%s", show_number((double)n, 0).text,
			top_orders[order], n ? text : "");
	return text ? 0 : -1;
}

static int draw(const struct options *o, enum top_order order, struct json_object *status,
		struct json_object *history, FILE *out)
{
	KT_AUTOFREE char *text = NULL;
	struct table loops;

	status_print_header(status, out);
	draw_history(history, "pressure", "psi_memory_some_percent", false, out);
	draw_history(history, "merged", "merged_kib", true, out);
	draw_history(history, "ksmd CPU", "ksmd_cpu_percent", false, out);
	loops = status_loops(o, status);
	text = table_text(&loops);
	if (!text)
		return -1;
	fprintf(out, "\n%s", text);
	return draw_guests(o, order, status, out);
}

char *top_draw(const struct options *o, enum top_order order, struct json_object *status,
	       struct json_object *history)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int r;

	if (!out) {
		ctl_say("no memory for the picture");
		return NULL;
	}
	r = draw(o, order, status, history, out);
	if (fclose(out) == 0 && r == 0)
		return text;
	free(text);
	return NULL;
}
