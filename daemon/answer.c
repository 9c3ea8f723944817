/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What do all answers share: how is a member written, an error said, a guest found? */
#include "answer.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "str.h"

void json_put_text(struct json_object *o, const char *key, const char *ascii)
{
	json_put_object(o, key, ascii ? json_object_new_string(ascii) : NULL);
}

/* Millionths of all our units are noise, and json-c itself would print 0.7 with 17 digits. */
void json_put_number(struct json_object *o, const char *key, double value)
{
	char text[32];

	if (fabs(value) < 1e9)
		value = round(value * 1e6) / 1e6 + 0.0; /* not -0 */
	(void)snprintf(text, sizeof text, "%.15g", value);
	json_put_object(o, key, isfinite(value) ? json_object_new_double_s(value, text) : NULL);
}

void json_put_count(struct json_object *o, const char *key, uint64_t value)
{
	json_put_object(o, key, json_object_new_uint64(value));
}

void json_put_bool(struct json_object *o, const char *key, bool value)
{
	json_put_object(o, key, json_object_new_boolean(value));
}

void json_put_known(struct json_object *o, const char *key, bool known, double value)
{
	json_put_number(o, key, known ? value : (double)NAN);
}

void json_put_name(struct json_object *o, const char *key, const char *raw)
{
	char name[4 * KT_NAME_MAX];

	json_put_text(o, key, raw ? str_escape(raw, name, sizeof name) : NULL);
}

void json_put_nodes(struct json_object *o, const char *key, uint64_t nodes)
{
	char text[KT_NODELIST_MAX];

	json_put_text(o, key, nodes ? nodemask_str(nodes, text, sizeof text) : NULL);
}

void json_put_why(struct json_object *o, enum why why)
{
	json_put_text(o, "reason", why_str(why));
	json_put_text(o, "sentence", why_sentence(why));
}

struct json_object *answer_new(void)
{
	struct json_object *o = json_object_new_object();

	json_put_count(o, "schema", ANSWER_SCHEMA);
	return o;
}

const char *answer_text(struct json_object *o)
{
	return json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
							 JSON_C_TO_STRING_NOSLASHESCAPE);
}

double answer_unix_s(uint64_t monotonic_ns)
{
	double now_s = (double)now_unix_us() / 1e6;

	return now_s + ((double)monotonic_ns - (double)now_monotonic_ns()) / 1e9;
}

void answer_error(struct answer *ret, int status, const char *word, const char *fmt, ...)
{
	char message[1536];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(message, sizeof message, fmt, args); /* a cut sentence still helps */
	va_end(args);
	json_object_put(ret->json);
	free(ret->text);
	*ret = (struct answer){ .status = status, .json = answer_new() };
	json_put_text(ret->json, "error", word);
	json_put_text(ret->json, "message", message);
}

/* ---- guests ------------------------------------------------------------------------------ */

static bool fits(const struct domain *d, const char *asked, const struct uuid *uuid,
		 const uint64_t *id)
{
	char name[4 * KT_NAME_MAX];

	return strcmp(d->name, asked) == 0 || (uuid && uuid_equal(&d->uuid, uuid)) ||
	       (id && d->id > 0 && (uint64_t)d->id == *id) ||
	       strcmp(str_escape(d->name, name, sizeof name), asked) == 0;
}

int answer_find_guest(const struct kvmtuned *k, const struct question *q, struct answer *ret)
{
	char shown[4 * KT_NAME_MAX];
	struct uuid uuid;
	uint64_t id;
	bool is_uuid = uuid_parse(q->guest, &uuid) == 0, is_id = str_u64(q->guest, &id) == 0;
	int found = -1;

	str_escape(q->guest, shown, sizeof shown);
	for (size_t i = 0; i < k->domains->nslots; i++) {
		const struct domain_slot *slot = &k->domains->slot[i];

		if (!slot->used ||
		    !fits(&slot->domain, q->guest, is_uuid ? &uuid : NULL, is_id ? &id : NULL))
			continue;
		if (found >= 0) {
			answer_error(ret, 409, "ambiguous-guest",
				     "\"%s\" is more than one guest: ask by UUID", shown);
			return -1;
		}
		found = (int)i;
	}
	if (found < 0)
		answer_error(ret, 404, "no-such-guest",
			     "no guest is called \"%s\"; kvmtunectl status lists them", shown);
	return found;
}
