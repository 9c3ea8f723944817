/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is what the daemon sent what it should have sent, and what is in it?
 *
 * Only root can put another program behind the socket; still no answer may make a terminal
 * do something, or us crash. */
#include "ctl.h"

#include <math.h>
#include <string.h>

/* Our daemon escapes names by itself, so its JSON has no escapes but of '"', '\\' and '/'.
 * What would become a control character, or a character of more than one byte, is made
 * visible.  Never longer than it was. */
static void defuse(char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		if (text[i] != '\\' || i + 1 >= bytes)
			continue;
		if (!strchr("\"\\/", text[i + 1]) || !text[i + 1])
			text[i] = text[i + 1] = '?';
		i++;
	}
}

struct json_object *ctl_parse(char *text, size_t bytes)
{
	enum { DEPTH = 16 };
	struct json_tokener *tokener = json_tokener_new_ex(DEPTH);
	struct json_object *object;

	if (!tokener) {
		ctl_say("no memory for the answer");
		return NULL;
	}
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	defuse(text, bytes);
	object = json_tokener_parse_ex(tokener, text, (int)bytes);
	json_tokener_free(tokener);
	if (!json_object_is_type(object, json_type_object)) {
		ctl_say("the answer is not understood: it is no JSON object; is it kvmtuned that "
			"answers, and of this version?");
		json_object_put(object);
		return NULL;
	}
	if (get_number(object, "schema") != CTL_SCHEMA) {
		ctl_say("the answer is not understood: its schema is not %d; kvmtuned and "
			"kvmtunectl must be of one version",
			CTL_SCHEMA);
		json_object_put(object);
		return NULL;
	}
	return object;
}

static bool is_number(struct json_object *value)
{
	return json_object_is_type(value, json_type_double) ||
	       json_object_is_type(value, json_type_int);
}

static bool has_type(struct json_object *value, char type)
{
	switch (type) {
	case 's':
		return json_object_is_type(value, json_type_string);
	case 'n':
		return is_number(value);
	case 'b':
		return json_object_is_type(value, json_type_boolean);
	case 'o':
		return json_object_is_type(value, json_type_object);
	default:
		return json_object_is_type(value, json_type_array);
	}
}

bool ctl_has_shape(struct json_object *object, const char *shape, const char *what)
{
	for (const char *at = shape; *at; at += strspn(at, " ")) {
		int length = (int)strcspn(at, ":");
		char key[48], type = at[length + 1];
		bool optional = at[length + 2] == '?';
		struct json_object *value;

		(void)snprintf(key, sizeof key, "%.*s", length, at);
		value = get_member(object, key);
		if (!(value ? has_type(value, type) : optional)) {
			ctl_say("the answer is not understood: %s has no proper \"%s\"; kvmtuned "
				"and kvmtunectl must be of one version",
				what, key);
			return false;
		}
		at += length + 2 + optional;
	}
	return true;
}

bool ctl_elements_have_shape(struct json_object *object, const char *key, const char *shape,
			     const char *what)
{
	for (size_t i = 0; i < get_length(object, key); i++)
		if (!ctl_has_shape(get_element(object, key, i), shape, what))
			return false;
	return true;
}

struct json_object *get_member(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;

	if (json_object_is_type(object, json_type_object))
		(void)json_object_object_get_ex(object, key, &value);
	return value;
}

const char *get_text(struct json_object *object, const char *key)
{
	struct json_object *value = get_member(object, key);

	return has_type(value, 's') ? json_object_get_string(value) : NULL;
}

const char *get_text_or_none(struct json_object *object, const char *key)
{
	const char *text = get_text(object, key);

	return text ? text : "";
}

double number_of(struct json_object *value)
{
	return is_number(value) ? json_object_get_double(value) : (double)NAN;
}

double get_number(struct json_object *object, const char *key)
{
	return number_of(get_member(object, key));
}

bool get_bool(struct json_object *object, const char *key)
{
	struct json_object *value = get_member(object, key);

	return has_type(value, 'b') && json_object_get_boolean(value);
}

size_t array_length(struct json_object *array)
{
	return has_type(array, 'a') ? json_object_array_length(array) : 0;
}

struct json_object *array_element(struct json_object *array, size_t index)
{
	return index < array_length(array) ? json_object_array_get_idx(array, index) : NULL;
}

size_t get_length(struct json_object *object, const char *key)
{
	return array_length(get_member(object, key));
}

struct json_object *get_element(struct json_object *object, const char *key, size_t index)
{
	return array_element(get_member(object, key), index);
}
