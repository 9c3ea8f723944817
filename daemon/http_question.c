/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is being asked, by query or by body, and may it be asked so? */
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <string.h>
#include <sys/queue.h>

#include "http_private.h"
#include "str.h"

enum parameter_kind {
	A_GUEST,
	A_LOOP,
	A_NUMBER,
	A_SWITCH, /* 1 */
};

static const struct parameter {
	const char *name;
	enum question_part part;
	enum parameter_kind kind;
	uint64_t min, max;
	size_t offset; /* of a number, in struct question */
} parameters[] = {
	{ "guest", ASKS_GUEST, A_GUEST, 0, 0, 0 },
	{ "loop", ASKS_LOOP, A_LOOP, 0, 0, 0 },
	{ "after", ASKS_AFTER, A_NUMBER, 0, UINT64_MAX, offsetof(struct question, after) },
	{ "vcpus", ASKS_VCPUS, A_NUMBER, 1, KT_THREADS_MAX, offsetof(struct question, vcpus) },
	{ "mib", ASKS_MIB, A_NUMBER, 1, KT_GUARANTEE_MIB_MAX, offsetof(struct question, mib) },
	{ "for_s", ASKS_FOR_S, A_NUMBER, 1, 366 * 86400, offsetof(struct question, for_s) },
	{ "recent", ASKS_RECENT, A_SWITCH, 1, 1, 0 },
	{ "follow", ASKS_FOLLOW, A_SWITCH, 1, 1, 0 },
	{ "all", ASKS_ALL, A_SWITCH, 1, 1, 0 },
};

/* A value as it has come. */
struct given {
	const char *name; /* raw */
	const char *text; /* NULL: it is the number */
	uint64_t number;
	bool is_in_range; /* the number: it may have been negative, broken, too large */
};

static int refuse(struct answer *error, const struct given *g, const char *what)
{
	char name[64];

	answer_error(error, 400, "bad-request", "%s: %s", str_escape(g->name, name, sizeof name),
		     what);
	return -1;
}

/* "a, b, c": the names of parts. */
static const char *list_names(unsigned int parts, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < KT_ARRAY_LEN(parameters); i++)
		if (parts & parameters[i].part)
			used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? ", " : "",
						 parameters[i].name);
	return buf;
}

static const struct parameter *find_parameter(const char *name, unsigned int allowed)
{
	for (size_t i = 0; i < KT_ARRAY_LEN(parameters); i++)
		if ((allowed & parameters[i].part) && strcmp(parameters[i].name, name) == 0)
			return &parameters[i];
	return NULL;
}

static int take_guest(const struct given *g, struct asked *a, struct answer *error)
{
	if (!g->text || !*g->text || strlen(g->text) >= sizeof a->guest)
		return refuse(error, g, "has to be a guest's name, UUID or id, as a text");
	strcpy(a->guest, g->text);
	a->question.guest = a->guest;
	return 0;
}

static int take_loop(const struct given *g, struct asked *a, struct answer *error)
{
	enum kt_loop loop = g->text ? loop_of_str(g->text) : _LOOP_MAX;

	if (loop == _LOOP_MAX)
		return refuse(error, g, "has to be ksm, placement or memory");
	a->question.loop = loop;
	return 0;
}

static int take_number(const struct parameter *p, const struct given *g, struct asked *a,
		       struct answer *error)
{
	char allowed[80];

	if (!g->text && g->is_in_range && g->number >= p->min && g->number <= p->max) {
		if (p->kind == A_NUMBER)
			*(uint64_t *)(void *)((char *)&a->question + p->offset) = g->number;
		return 0;
	}
	if (p->kind == A_SWITCH)
		return refuse(error, g, "has to be 1");
	(void)snprintf(allowed, sizeof allowed, "has to be a whole number from %llu to %llu",
		       (unsigned long long)p->min, (unsigned long long)p->max);
	return refuse(error, g, allowed);
}

static int take(const struct given *g, unsigned int allowed, struct asked *a, struct answer *error)
{
	const struct parameter *p = find_parameter(g->name, allowed);
	char what[160], names[96];
	int r;

	if (!p) {
		(void)snprintf(what, sizeof what, "cannot be asked here; allowed: %s",
			       allowed ? list_names(allowed, names, sizeof names) : "nothing");
		return refuse(error, g, what);
	}
	if (a->question.given & p->part)
		return refuse(error, g, "is given more than once");
	if (p->kind == A_GUEST)
		r = take_guest(g, a, error);
	else if (p->kind == A_LOOP)
		r = take_loop(g, a, error);
	else
		r = take_number(p, g, a, error);
	a->question.given |= p->part;
	return r;
}

/* ---- a query ------------------------------------------------------------------------------ */

/* All of a query is text; what has to be a number is read as one. */
static int take_text(const char *name, const char *value, unsigned int allowed, struct asked *a,
		     struct answer *error)
{
	const struct parameter *p = find_parameter(name, allowed);
	struct given g = { .name = name, .text = value };

	if (p && (p->kind == A_NUMBER || p->kind == A_SWITCH)) {
		g.text = NULL;
		g.is_in_range = value[strspn(value, "0123456789")] == '\0' &&
				str_u64(value, &g.number) == 0;
	}
	return take(&g, allowed, a, error);
}

int question_of_query(const char *query, unsigned int allowed, struct asked *ret,
		      struct answer *error)
{
	struct evkeyvalq pairs;
	const struct evkeyval *pair;
	int r = 0;

	*ret = (struct asked){ 0 };
	if (!query || !*query)
		return 0;
	/* evhttp would cut the value there. */
	if (strstr(query, "%00") || evhttp_parse_query_str(query, &pairs) < 0) {
		answer_error(error, 400, "bad-request",
			     "the query has to be NAME=VALUE&NAME=VALUE..., without NUL bytes");
		return -1;
	}
	TAILQ_FOREACH(pair, &pairs, next)
	if (r == 0)
		r = take_text(pair->key, pair->value, allowed, ret, error);
	evhttp_clear_headers(&pairs);
	return r;
}

/* ---- a body ------------------------------------------------------------------------------- */

/* json-c keeps the last of two members of one name, and loses one that it has no memory for: the
 * rest would ask for something else.  In an object without objects and lists in it there is one if
 * there is a name, and each comma outside of texts is one more. */
static bool lacks_member(const char *text, struct json_object *o)
{
	int members = strchr(text, '"') != NULL;
	bool within = false;

	for (; *text; text++) {
		if (within && *text == '\\' && text[1])
			text++;
		else if (*text == '"')
			within = !within;
		else if (*text == ',' && !within)
			members++;
	}
	return members != json_object_object_length(o);
}

/* NULL: not an object.  Without lists and objects in it, but for empty ones. */
static struct json_object *parse_object(const char *text, size_t length)
{
	enum { FLAT = 2 };
	struct json_tokener *tokener = json_tokener_new_ex(FLAT);
	struct json_object *o;

	if (!tokener)
		return NULL;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	o = json_tokener_parse_ex(tokener, text, (int)length + 1); /* with its end */
	if (json_tokener_get_error(tokener) != json_tokener_success ||
	    !json_object_is_type(o, json_type_object)) {
		json_object_put(o);
		o = NULL;
	}
	json_tokener_free(tokener);
	return o;
}

static int take_member(const char *name, struct json_object *value, unsigned int allowed,
		       struct asked *a, struct answer *error)
{
	struct given g = { .name = name };

	if (json_object_is_type(value, json_type_string)) {
		g.text = json_object_get_string(value);
		if (strlen(g.text) != (size_t)json_object_get_string_len(value))
			return refuse(error, &g, "has a NUL byte");
	} else if (json_object_is_type(value, json_type_int)) {
		g.is_in_range = json_object_get_int64(value) >= 0;
		g.number = json_object_get_uint64(value);
	}
	return take(&g, allowed, a, error);
}

static int take_members(struct json_object *o, unsigned int allowed, struct asked *a,
			struct answer *error)
{
	json_object_object_foreach(o, name, value)
	{
		if (take_member(name, value, allowed, a, error) < 0)
			return -1;
	}
	return 0;
}

int question_of_body(const char *body, size_t length, unsigned int allowed, struct asked *ret,
		     struct answer *error)
{
	struct json_object *o;
	int r;

	*ret = (struct asked){ 0 };
	if (length == 0)
		return 0;
	o = strlen(body) == length ? parse_object(body, length) : NULL;
	if (!o || lacks_member(body, o)) {
		answer_error(error, 400, "bad-request",
			     "the body has to be one JSON object with texts and numbers, such as "
			     "{\"guest\": \"web\"}, each member once");
		json_object_put(o);
		return -1;
	}
	r = take_members(o, allowed, ret, error);
	json_object_put(o);
	return r;
}

int question_check(const struct question *q, unsigned int needs, struct answer *error)
{
	char names[96];

	if ((q->given & ASKS_GUEST) && (q->given & ASKS_LOOP)) {
		answer_error(error, 400, "bad-request", "either guest or loop, not both");
		return -1;
	}
	if (needs && !(q->given & needs)) {
		answer_error(error, 400, "bad-request", "one of these has to be given: %s",
			     list_names(needs, names, sizeof names));
		return -1;
	}
	return 0;
}
