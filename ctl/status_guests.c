/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How do guests look? */
#include <math.h>
#include <string.h>

#include "status.h"

enum { NAME_COLUMNS = 32 };

void status_managed(struct json_object *guest, char *buf, size_t size)
{
	const char *placement = get_text(get_member(guest, "placement"), "reason");
	const char *memory = get_text(get_member(guest, "memory"), "reason");
	const char *hold = get_text(guest, "hold");
	double until = get_number(guest, "hold_until_unix_s");

	if (hold)
		(void)snprintf(buf, size, "%s%s%s", hold, isnan(until) ? "" : " for ",
			       isnan(until) ? "" : show_age(until).text);
	else if (get_bool(guest, "managed"))
		(void)snprintf(buf, size, "yes");
	else if (strcmp(placement, memory) == 0)
		(void)snprintf(buf, size, "no: %s", placement);
	else
		(void)snprintf(buf, size, "no: %s, %s", placement, memory);
}

static void last_decision(struct json_object *guest, char *buf, size_t size)
{
	struct json_object *last = get_member(guest, "last_decision");
	const char *message = get_text(last, "message");

	buf[0] = '\0';
	if (message)
		(void)snprintf(buf, size, "%s ago: %s", show_age(get_number(last, "unix_s")).text,
			       show_without_name(message, get_text(guest, "name")));
}

/* A name of a thousand bytes would leave no room for anything else on a terminal. */
static void name_that_fits(struct json_object *guest, char *buf, size_t size)
{
	const char *name = get_text(guest, "name");
	bool fits = strlen(name) <= NAME_COLUMNS || !isatty(STDOUT_FILENO);

	(void)snprintf(buf, size, "%.*s%s", fits ? (int)size : NAME_COLUMNS - 2, name,
		       fits ? "" : "..");
}

static void add_guest(struct table *t, struct json_object *guest)
{
	char name[1100], managed[128], last[1024];

	name_that_fits(guest, name, sizeof name);
	status_managed(guest, managed, sizeof managed);
	last_decision(guest, last, sizeof last);
	table_color(table_row(t,
			      (const char *const[]){
				      name,
				      show_number(get_number(guest, "vcpus"), 0).text,
				      show_kib(get_number(guest, "memory_kib")).text,
				      get_text(guest, "home"),
				      show_number(get_number(guest, "local_percent"), 1).text,
				      show_number(get_number(guest, "steal_percent"), 1).text,
				      show_kib(get_number(guest, "merged_kib")).text,
				      show_kib(get_number(guest, "limit_kib")).text,
				      managed,
				      last,
			      }),
		    8, get_text(guest, "hold") ? "yellow" : NULL);
}

struct table status_guests(const struct options *o, struct json_object *const *guests, size_t n)
{
	static const struct column columns[] = {
		{ "NAME", COLUMN_TEXT },      { "VCPUS", COLUMN_NUMBER },
		{ "MEMORY", COLUMN_NUMBER },  { "NODES", COLUMN_TEXT },
		{ "LOCAL %", COLUMN_NUMBER }, { "STEAL %", COLUMN_NUMBER },
		{ "MERGED", COLUMN_NUMBER },  { "LIMIT", COLUMN_NUMBER },
		{ "MANAGED", COLUMN_LONG },   { "LAST DECISION", COLUMN_LONG },
	};
	struct table t = table_new(o, columns, KT_ARRAY_LEN(columns));

	for (size_t i = 0; i < n; i++)
		add_guest(&t, guests[i]);
	return t;
}
