/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What in a recording tells whose it is?
 *
 * Names and UUIDs are in one list, "identities", whose columns the header names.  Text that is
 * anywhere else, but for the words of the configuration, is dropped: what is not known to be
 * harmless is not. */
#include "anonymous.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct anonymous {
	bool begun;
	size_t name_at, uuid_at;    /* columns of identities */
	struct json_object *number; /* by UUID, from 1 */
};

struct anonymous *anonymous_new(void)
{
	struct anonymous *a = calloc(1, sizeof *a);

	if (!a)
		return NULL;
	a->number = json_object_new_object();
	if (a->number)
		return a;
	free(a);
	return NULL;
}

void anonymous_free(struct anonymous *a)
{
	if (!a)
		return;
	json_object_put(a->number);
	free(a);
}

static struct json_object *list_in(struct json_object *o, const char *key)
{
	struct json_object *list = NULL;

	return json_object_object_get_ex(o, key, &list) &&
			       json_object_is_type(list, json_type_array)
		       ? list
		       : NULL;
}

static const char *text_at(struct json_object *list, size_t i)
{
	struct json_object *o = json_object_is_type(list, json_type_array)
					? json_object_array_get_idx(list, i)
					: NULL;

	return json_object_is_type(o, json_type_string) ? json_object_get_string(o) : NULL;
}

/* ---- the header --------------------------------------------------------------------------- */

/* False: there is no such column. */
static bool find_column(struct json_object *names, const char *name, size_t *ret)
{
	for (size_t i = 0; names && i < json_object_array_length(names); i++) {
		const char *text = text_at(names, i);

		if (!text || strcmp(text, name) != 0)
			continue;
		*ret = i;
		return true;
	}
	return false;
}

static int take_header(struct anonymous *a, struct json_object *line)
{
	struct json_object *fields = NULL, *names;

	(void)json_object_object_get_ex(line, "fields", &fields);
	names = list_in(fields, "identities");
	a->begun =
		find_column(names, "name", &a->name_at) && find_column(names, "uuid", &a->uuid_at);
	return a->begun ? 0 : -EBADMSG;
}

/* ---- a tick ------------------------------------------------------------------------------- */

static int number_of(struct anonymous *a, const char *uuid, int64_t *ret)
{
	struct json_object *number = NULL;
	int64_t next = json_object_object_length(a->number) + 1;

	if (!json_object_object_get_ex(a->number, uuid, &number)) {
		number = json_object_new_int64(next);
		if (!number || json_object_object_add(a->number, uuid, number) < 0)
			return -ENOMEM;
	}
	*ret = json_object_get_int64(number);
	return 0;
}

static int rename_guest(struct anonymous *a, struct json_object *identity)
{
	const char *uuid = text_at(identity, a->uuid_at);
	char name[32], another[40];
	int64_t number;
	int r = uuid && text_at(identity, a->name_at) ? number_of(a, uuid, &number) : -EBADMSG;

	if (r < 0)
		return r;
	(void)snprintf(name, sizeof name, "guest-%" PRId64, number);
	(void)snprintf(another, sizeof another, "00000000-0000-0000-0000-%012" PRId64, number);
	/* Nothing but a number and these two: who knows what other columns say. */
	if (json_object_array_length(identity) != 3 ||
	    json_object_array_put_idx(identity, a->name_at, json_object_new_string(name)) < 0 ||
	    json_object_array_put_idx(identity, a->uuid_at, json_object_new_string(another)) < 0)
		return -EBADMSG;
	return 0;
}

/* [domain "web-*"] says what guests are called. */
static int drop_domains(struct json_object *line, struct json_object *options)
{
	struct json_object *kept = json_object_new_array();

	for (size_t i = 0; kept && i < json_object_array_length(options); i++) {
		struct json_object *option = json_object_array_get_idx(options, i);
		const char *section = text_at(option, 0);

		if (section && strcspn(section, " ") == strlen(section))
			json_object_array_add(kept, json_object_get(option));
	}
	return kept && json_object_object_add(line, "options", kept) == 0 ? 0 : -ENOMEM;
}

static bool has_text(struct json_object *o)
{
	if (json_object_is_type(o, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(o); i++)
			if (has_text(json_object_array_get_idx(o, i)))
				return true;
		return false;
	}
	/* The names of members are text, too. */
	return json_object_is_type(o, json_type_string) || json_object_is_type(o, json_type_object);
}

static void drop_other_text(struct json_object *line)
{
	struct json_object_iterator at = json_object_iter_begin(line);
	struct json_object_iterator end = json_object_iter_end(line);

	while (!json_object_iter_equal(&at, &end)) {
		const char *key = json_object_iter_peek_name(&at);
		bool drop = has_text(json_object_iter_peek_value(&at)) &&
			    strcmp(key, "identities") != 0 && strcmp(key, "options") != 0;

		json_object_iter_next(&at);
		if (drop)
			json_object_object_del(line, key);
	}
}

static int take_tick(struct anonymous *a, struct json_object *line)
{
	struct json_object *identities = list_in(line, "identities");
	struct json_object *options = list_in(line, "options");
	int r = 0;

	for (size_t i = 0; identities && i < json_object_array_length(identities) && r == 0; i++)
		r = rename_guest(a, json_object_array_get_idx(identities, i));
	if (r == 0 && options)
		r = drop_domains(line, options);
	drop_other_text(line);
	return r;
}

int anonymous_take(struct anonymous *a, struct json_object *line)
{
	return a->begun ? take_tick(a, line) : take_header(a, line);
}
