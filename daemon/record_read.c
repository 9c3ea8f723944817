/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does a line of a recording say?  It may be anybody's: everything is bounded, and what
 * is refused is refused with the reason. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "record_private.h"
#include "str.h"

static int KT_PRINTF(2, 3) refuse(struct record_reader *r, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(r->problem, sizeof r->problem, fmt, args);
	va_end(args);
	return -EBADMSG;
}

int record_reader_open(struct record_reader *r)
{
	*r = (struct record_reader){ .tokener = json_tokener_new_ex(RECORD_DEPTH),
				     .now = calloc(1, sizeof *r->now) };
	if (r->tokener && r->now) {
		json_tokener_set_flags(r->tokener, JSON_TOKENER_STRICT);
		return 0;
	}
	record_reader_close(r);
	return -ENOMEM;
}

void record_reader_close(struct record_reader *r)
{
	if (r->tokener)
		json_tokener_free(r->tokener);
	record_layout_clear(&r->layout);
	free(r->now);
	*r = (struct record_reader){ 0 };
}

/* ---- from text to a tree ---------------------------------------------------------------- */

/* A tree takes much more memory than its text. */
static bool has_too_many_parts(const char *line, size_t bytes)
{
	size_t n = 0;

	for (size_t i = 0; i < bytes; i++)
		n += line[i] == ',' || line[i] == '[' || line[i] == '{';
	return n > RECORD_LINE_PARTS;
}

static int parse(struct record_reader *r, const char *line, size_t bytes, struct json_object **ret)
{
	struct json_object *o;

	if (strlen(line) != bytes)
		return refuse(r, "it has a byte 0, which is not JSON");
	if (bytes > RECORD_LINE_BYTES || has_too_many_parts(line, bytes))
		return refuse(r, "the line is larger than any that kvmtuned writes");
	json_tokener_reset(r->tokener);
	o = json_tokener_parse_ex(r->tokener, line, (int)bytes + 1); /* with its NUL */
	if (json_tokener_get_error(r->tokener) != json_tokener_success)
		return refuse(r, "it is not JSON (%s), or the line was cut",
			      json_tokener_error_desc(json_tokener_get_error(r->tokener)));
	if (!json_object_is_type(o, json_type_object)) {
		json_object_put(o);
		return refuse(r, "it is no JSON object");
	}
	*ret = o;
	return 0;
}

/* NULL: there is none of this type. */
static struct json_object *member(struct json_object *o, const char *key, enum json_type type)
{
	struct json_object *child = NULL;

	return json_object_object_get_ex(o, key, &child) && json_object_is_type(child, type) ? child
											     : NULL;
}

static bool has_schema(struct json_object *o)
{
	struct json_object *schema = member(o, "schema", json_type_int);

	return schema && json_object_get_int64(schema) == RECORD_SCHEMA;
}

/* ---- the header --------------------------------------------------------------------------- */

/* "name[64]": 64 words.  0, or no number: there is no such field. */
static size_t words_of(const char *name)
{
	const char *bracket = strchr(name, '[');
	size_t n = bracket && strspn(bracket + 1, "0123456789") <= 5
			   ? (size_t)strtoul(bracket + 1, NULL, 10)
			   : 1;

	return bracket && strchr(bracket, ']') && strchr(bracket, ']')[1] == '\0' ? n : 1;
}

/* NULL: this version has no such field.  Looked for from `place` on, where this version has it. */
static const struct record_field *find_field(const struct record_table *t, const char *name,
					     size_t place)
{
	char ours[RECORD_NAME_MAX];

	for (size_t i = 0; i < t->nfields; i++) {
		const struct record_field *f = &t->field[(place + i) % t->nfields];

		if (strcmp(record_field_name(f, ours, sizeof ours), name) == 0)
			return f;
	}
	return NULL;
}

static int take_field(struct record_reader *r, enum record_table_id table, struct json_object *o,
		      size_t place)
{
	const char *name =
		json_object_is_type(o, json_type_string) ? json_object_get_string(o) : NULL;
	const struct record_field *field =
		name ? find_field(&record_tables[table], name, place) : NULL;
	size_t nwords = field ? field->nwords : name ? words_of(name) : 0;
	int e;

	if (nwords == 0)
		return refuse(r, "\"fields\" has something that is no name");
	r->is_strange |= !field;
	e = record_layout_add(&r->layout, table, field, nwords);
	return e == -E2BIG ? refuse(r, "\"fields\" has more than %d words", RECORD_WORDS_MAX) : e;
}

static int take_fields(struct record_reader *r, enum record_table_id table,
		       struct json_object *names)
{
	size_t n = json_object_array_length(names);
	int e = 0;

	for (size_t i = 0; i < n && e == 0; i++)
		e = take_field(r, table, json_object_array_get_idx(names, i), i);
	r->is_strange |= n != record_tables[table].nfields;
	return e;
}

static int take_header(struct record_reader *r, struct json_object *o)
{
	struct json_object *kind = member(o, "kind", json_type_string);
	struct json_object *fields = member(o, "fields", json_type_object);
	int e = 0;

	if (!kind || strcmp(json_object_get_string(kind), RECORD_KIND) != 0 || !fields)
		return refuse(r, "it is no recording of kvmtuned: the first line has no \"kind\": "
				 "\"" RECORD_KIND "\" and \"fields\"");
	if (!has_schema(o))
		return refuse(r, "this version of kvmtuned reads recordings of schema %d only",
			      RECORD_SCHEMA);
	for (enum record_table_id t = 0; t < _TABLE_MAX && e == 0; t++) {
		struct json_object *names = member(fields, record_tables[t].name, json_type_array);

		if (!names)
			return refuse(r, "\"fields\" has no \"%s\"", record_tables[t].name);
		e = take_fields(r, t, names);
	}
	r->begun = e == 0;
	return e;
}

/* ---- a tick ------------------------------------------------------------------------------- */

static int number_at(struct record_reader *r, struct json_object *list, size_t i, int64_t *ret)
{
	struct json_object *o = json_object_array_get_idx(list, i);

	if (!json_object_is_type(o, json_type_int))
		return refuse(r, "there is something else than a whole number in a list");
	*ret = json_object_get_int64(o);
	return 0;
}

static int add_to_word(struct record_reader *r, const struct record_word *w, void *to,
		       int64_t growth)
{
	uint64_t value;

	if (w->size == 0)
		return 0;
	value = record_word_get(w, to) + (uint64_t)growth;
	if (value > w->max)
		return refuse(r, "%" PRIu64 " is more than can be (%" PRIu64 ")", value, w->max);
	record_word_set(w, to, value);
	return 0;
}

static int refuse_list(struct record_reader *r, enum record_table_id table)
{
	return refuse(r, "a list in \"%s\" is longer than the header's \"fields\"",
		      record_tables[table].name);
}

/* From the list's i-th number on. */
static int add_list(struct record_reader *r, enum record_table_id table, struct json_object *list,
		    size_t i, void *to)
{
	size_t n = json_object_array_length(list), nwords = r->layout.nwords[table], at = 0;

	for (; i < n; i++) {
		int64_t growth = 0, nzeros = 0;
		int e = number_at(r, list, i, &growth);

		if (e == 0 && growth == 0)
			e = number_at(r, list, ++i, &nzeros);
		if (e < 0)
			return e;
		if (at >= nwords || nzeros < 0 || (uint64_t)nzeros > nwords - at)
			return refuse_list(r, table);
		if (growth != 0)
			e = add_to_word(r, &r->layout.word[table][at++], to, growth);
		if (e < 0)
			return e;
		at += (size_t)nzeros;
	}
	return 0;
}

static int element_of(struct record_reader *r, const char *name, size_t nelements,
		      struct json_object *list, size_t *ret)
{
	int64_t number;

	if (!json_object_is_type(list, json_type_array) || json_object_array_length(list) == 0)
		return refuse(r, "\"%s\" has something that is no list", name);
	if (number_at(r, list, 0, &number) < 0 || number < 0 || (uint64_t)number >= nelements)
		return refuse(r, "\"%s\" has more than %zu", name, nelements);
	*ret = (size_t)number;
	return 0;
}

static int take_table(struct record_reader *r, enum record_table_id t, struct json_object *o)
{
	size_t nelements = record_tables[t].nelements, element;
	int e = 0;

	if (!json_object_is_type(o, json_type_array))
		return refuse(r, "\"%s\" is no list", record_tables[t].name);
	if (nelements == 0)
		return add_list(r, t, o, 0, recording_struct(r->now, t, 0));
	for (size_t i = 0; i < json_object_array_length(o) && e == 0; i++) {
		struct json_object *list = json_object_array_get_idx(o, i);

		e = element_of(r, record_tables[t].name, nelements, list, &element);
		if (e == 0)
			e = add_list(r, t, list, 1, recording_struct(r->now, t, element));
	}
	return e;
}

static int take_identity(struct record_reader *r, struct json_object *list)
{
	struct json_object *name, *uuid;
	struct domain *d;
	size_t slot;
	int e = element_of(r, "identities", KT_GUESTS_MAX, list, &slot);

	if (e < 0)
		return e;
	name = json_object_array_get_idx(list, 1);
	uuid = json_object_array_get_idx(list, 2);
	d = &r->now->domains.slot[slot].domain;
	if (!json_object_is_type(name, json_type_string) ||
	    !json_object_is_type(uuid, json_type_string) ||
	    str_unescape(json_object_get_string(name), d->name, sizeof d->name) < 0 ||
	    uuid_parse(json_object_get_string(uuid), &d->uuid) < 0)
		return refuse(r, "the name or UUID of the guest in slot %zu is none", slot);
	return 0;
}

static int take_option(struct record_reader *r, struct json_object *list)
{
	const char *part[3];

	for (size_t i = 0; i < KT_ARRAY_LEN(part); i++) {
		struct json_object *o = json_object_is_type(list, json_type_array)
						? json_object_array_get_idx(list, i)
						: NULL;

		if (!json_object_is_type(o, json_type_string))
			return refuse(r, "\"options\" has something else than section, key, value");
		part[i] = json_object_get_string(o);
	}
	r->nstrange += !record_conf_take(&r->now->conf, part[0], part[1], part[2]);
	return 0;
}

static int for_each(struct record_reader *r, struct json_object *o, const char *key,
		    int (*take)(struct record_reader *r, struct json_object *element))
{
	struct json_object *list = member(o, key, json_type_array);
	size_t n = list ? json_object_array_length(list) : 0;
	int e = 0;

	for (size_t i = 0; i < n && e == 0; i++)
		e = take(r, json_object_array_get_idx(list, i));
	return e;
}

static int take_parts(struct record_reader *r, struct json_object *o)
{
	struct json_object *lists;
	int e;

	if (member(o, "options", json_type_array)) {
		conf_defaults(&r->now->conf);
		r->nstrange = 0;
	}
	e = for_each(r, o, "options", take_option);
	if (e == 0)
		e = for_each(r, o, "identities", take_identity);
	for (enum record_table_id t = 0; t < _TABLE_MAX && e == 0; t++)
		if (json_object_object_get_ex(o, record_tables[t].name, &lists))
			e = take_table(r, t, lists);
	return e;
}

static int take_tick(struct record_reader *r, struct json_object *o)
{
	struct json_object *whole = member(o, "whole", json_type_boolean);
	int e;

	if (!has_schema(o))
		return refuse(r, "it is no tick of a recording of schema %d", RECORD_SCHEMA);
	if (whole && json_object_get_boolean(whole)) {
		memset(r->now, 0, sizeof *r->now);
		r->ticked = true;
	} else if (!r->ticked) {
		return refuse(r, "the beginning is missing: the first tick is no whole one");
	}
	e = take_parts(r, o);
	r->now->domains.nslots = (size_t)r->now->head.nslots;
	return e < 0 ? e : 1;
}

int record_reader_take(struct record_reader *r, const char *line, size_t bytes)
{
	struct json_object *o;
	int e = parse(r, line, bytes, &o);

	if (e < 0)
		return e;
	if (r->begun && member(o, "kind", json_type_string))
		e = refuse(r, "another recording begins here: replay them one by one");
	else
		e = r->begun ? take_tick(r, o) : take_header(r, o);
	json_object_put(o);
	return e;
}
