/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How is everything? */
#include <string.h>

#include "status.h"

static int ask_for_guest(const struct options *o, const char *guest, struct json_object **ret)
{
	KT_AUTOFREE char *question = ctl_question_about("/v1/status?guest=", guest);

	return question ? ctl_get(o, question, ret) : EXIT_FAILURE;
}

/* The daemon knows one guest or all: the status of several is that of the first, with the
 * other guests beside it. */
static int add_guests(const struct options *o, int argc, char **argv, struct json_object *status)
{
	for (int i = 2; i < argc; i++) {
		struct json_object *other = NULL, *guest;
		int r = ask_for_guest(o, argv[i], &other);

		if (r != EXIT_SUCCESS)
			return r;
		guest = get_element(other, "guests", 0);
		if (guest &&
		    json_object_array_add(get_member(status, "guests"), json_object_get(guest)) < 0)
			json_object_put(guest);
		json_object_put(other);
	}
	return EXIT_SUCCESS;
}

static int by_name(const void *left, const void *right)
{
	return strverscmp(get_text(*(struct json_object *const *)left, "name"),
			  get_text(*(struct json_object *const *)right, "name"));
}

/* All of them by name, those that were asked for as they were asked for. */
static int show_guests(const struct options *o, bool only_guests, struct json_object *status)
{
	size_t n = get_length(status, "guests");
	KT_AUTOFREE struct json_object **guests = calloc(n + 1, sizeof(struct json_object *));
	struct table t;

	if (!guests) {
		ctl_say("no memory for the guests");
		return EXIT_FAILURE;
	}
	for (size_t i = 0; i < n; i++)
		guests[i] = get_element(status, "guests", i);
	if (!only_guests)
		qsort(guests, n, sizeof guests[0], by_name);
	for (size_t i = 0; o->quiet && i < n; i++)
		puts(get_text(guests[i], "name"));
	if (o->quiet)
		return EXIT_SUCCESS;
	if (n == 0) {
		puts("no guests");
		return EXIT_SUCCESS;
	}
	t = status_guests(o, guests, n);
	return table_print(&t);
}

static int show(const struct options *o, bool only_guests, struct json_object *status)
{
	struct table loops;
	int r = EXIT_SUCCESS;

	if (o->json) {
		ctl_print_json(status);
		return EXIT_SUCCESS;
	}
	if (!only_guests && !o->quiet) {
		status_print_header(status, stdout);
		putchar('\n');
		loops = status_loops(o, status);
		r = table_print(&loops);
		putchar('\n');
	}
	return r == EXIT_SUCCESS ? show_guests(o, only_guests, status) : r;
}

int verb_status(const struct options *o, int argc, char **argv)
{
	struct json_object *status = NULL;
	int r = argc > 1 ? ask_for_guest(o, argv[1], &status) : ctl_get(o, "/v1/status", &status);

	if (r == EXIT_SUCCESS && !ctl_has_shape(status, "guests:a", "the status"))
		r = EXIT_FAILURE;
	if (r == EXIT_SUCCESS)
		r = add_guests(o, argc, argv, status);
	if (r == EXIT_SUCCESS && !status_is_proper(status))
		r = EXIT_FAILURE;
	if (r == EXIT_SUCCESS)
		r = show(o, argc > 1, status);
	if (r == EXIT_SUCCESS && strcmp(get_text(status, "state"), "ok") != 0)
		r = EXIT_DEGRADED;
	json_object_put(status);
	return r;
}
