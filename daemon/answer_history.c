/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What has been decided and done, and how was the host then? */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "answer_private.h"
#include "http.h"
#include "message_ids.h"

enum { EVENT_WORD_MAX = 32 };

/* LOG_KSM_CHANGED is ksm-changed. */
static char *event_word(enum log_event_id id, char word[EVENT_WORD_MAX])
{
#define X(event, message_id) [event] = #event,
	static const char *const names[_LOG_EVENT_MAX] = { KT_MESSAGE_ID_LIST(X) };
#undef X
	const char *name = names[id] ? names[id] : "LOG_PLAIN";
	size_t n = 0;

	for (name += strlen("LOG_"); *name && n + 1 < EVENT_WORD_MAX; name++)
		word[n++] = *name == '_' ? '-' : (char)tolower((unsigned char)*name);
	word[n] = '\0';
	return word;
}

static const char *level_word(enum log_level level)
{
	return level == LOG_LEVEL_ERR       ? "error"
	       : level == LOG_LEVEL_WARNING ? "warning"
	       : level == LOG_LEVEL_NOTICE  ? "notice"
					    : "info";
}

static const char *or_null(const char *text)
{
	return text[0] ? text : NULL;
}

/* ---- decisions ------------------------------------------------------------------------- */

static struct json_object *decision_json(const struct decision *d)
{
	struct json_object *o = answer_new();
	char word[EVENT_WORD_MAX], uuid[KT_UUID_STR];

	json_put_count(o, "seq", d->seq);
	json_put_number(o, "unix_s", (double)d->unix_us / 1e6);
	json_put_text(o, "level", level_word(d->level));
	json_put_text(o, "event", event_word(d->id, word));
	json_put_text(o, "guest", or_null(d->guest));
	json_put_text(o, "uuid", d->has_guest ? uuid_str(&d->uuid, uuid) : NULL);
	json_put_text(o, "loop", loop_str(history_loop_of(d->actuator)));
	json_put_text(o, "action", d->action);
	json_put_text(o, "reason", d->reason);
	json_put_text(o, "from", or_null(d->from));
	json_put_text(o, "to", or_null(d->to));
	json_put_bool(o, "dry_run", d->dry_run);
	json_put_text(o, "message", d->message);
	return o;
}

void json_put_said(struct json_object *o, const char *key, const struct decision *d)
{
	struct json_object *said = d ? json_object_new_object() : NULL;

	if (said) {
		json_put_number(said, "unix_s", (double)d->unix_us / 1e6);
		json_put_text(said, "message", d->message);
	}
	json_put_object(o, key, said);
}

static void stream_decision(struct kvmtuned *k, uint64_t seq)
{
	struct decision d;
	struct json_object *o;

	if (!history_decision(k->history, seq, &d))
		return;
	o = decision_json(&d);
	if (o)
		http_stream(k->http, STREAM_DECISIONS, answer_text(o));
	json_object_put(o);
}

void decisions_flush(struct kvmtuned *k)
{
	uint64_t last = history_last(k->history), seq = k->decisions_flushed;

	/* A follower that comes later asks for what was before. */
	k->decisions_flushed = last;
	if (!http_has_followers(k->http, STREAM_DECISIONS))
		return;
	while (seq < last)
		stream_decision(k, ++seq);
}

/* Those that are left of the ones after `after`, up to `last`, each given to `take`. */
static void select_decisions(const struct kvmtuned *k, uint64_t after, uint64_t last,
			     void (*take)(struct json_object *decision, void *context),
			     void *context)
{
	uint64_t oldest = last > HISTORY_DECISIONS ? last - HISTORY_DECISIONS : 0;
	struct decision d;

	for (uint64_t seq = KT_MAX(after, oldest); seq < last;)
		if (history_decision(k->history, ++seq, &d))
			take(decision_json(&d), context);
}

static void print_line(struct json_object *decision, void *context)
{
	if (decision)
		fprintf(context, "%s\n", answer_text(decision));
	json_object_put(decision);
}

/* Those that followers have been sent, so that this one gets each exactly once. */
static void follow(struct kvmtuned *k, const struct question *q, struct answer *ret)
{
	char *text = NULL;
	size_t size;
	FILE *out;

	decisions_flush(k);
	ret->stream = STREAM_DECISIONS;
	if (!(q->given & ASKS_AFTER))
		return;
	out = open_memstream(&text, &size);
	if (!out) {
		answer_error(ret, 500, "failed", "there is no memory left for the answer");
		return;
	}
	select_decisions(k, q->after, k->decisions_flushed, print_line, out);
	(void)fclose(out); /* lines that did not fit are lost, as for a follower who is late */
	ret->text = text;
}

static void add_to_array(struct json_object *decision, void *context)
{
	json_add(context, decision);
}

void answer_decisions(struct kvmtuned *k, const struct question *q, struct answer *ret)
{
	uint64_t last = history_last(k->history);
	struct json_object *all;

	if (q->given & ASKS_FOLLOW) {
		follow(k, q, ret);
		return;
	}
	all = json_object_new_array();
	select_decisions(k, q->after, last, add_to_array, all);
	ret->json = answer_new();
	json_put_count(ret->json, "first",
		       last > HISTORY_DECISIONS ? last - HISTORY_DECISIONS + 1 : 1);
	json_put_count(ret->json, "last", last);
	json_put_object(ret->json, "decisions", all);
}

/* ---- points ---------------------------------------------------------------------------- */

static struct json_object *point_json(const struct history_point *p)
{
	struct json_object *o = json_object_new_object();

	json_put_number(o, "unix_s", (double)p->unix_s);
	json_put_count(o, "available_kib", p->available_kib);
	json_put_count(o, "merged_kib", p->merged_kib);
	json_put_count(o, "reclaimed_kib", p->reclaimed_kib);
	json_put_number(o, "ksmd_cpu_percent", (double)p->ksmd_cpu_pct);
	json_put_number(o, "price", (double)p->price);
	json_put_number(o, "psi_memory_some_percent", (double)p->psi_some_pct);
	json_put_number(o, "swap_in_per_s", (double)p->swap_in_per_s);
	json_put_known(o, "local_percent", p->local_pct >= 0, (double)p->local_pct);
	json_put_count(o, "guests", p->nguests);
	json_put_count(o, "pinned", p->npinned);
	json_put_count(o, "limited", p->nlimited);
	return o;
}

/* A day of a thousand guests is more than a million numbers, and an object for each would
 * take a hundred MiB: the text of the array is made at once. */
static struct json_object *local_percents(const struct kvmtuned *k, size_t slot)
{
	size_t n = history_npoints(k->history, false), used = 1;
	char *text = malloc(n * sizeof "null," + sizeof "[]");
	struct json_object *array = json_object_new_array();

	if (!text || !array) {
		free(text);
		return array;
	}
	text[0] = '[';
	for (size_t i = 0; i < n; i++) {
		unsigned int percent =
			history_local_pct(k->history, slot, k->domains->slot[slot].incarnation, i);

		used += (size_t)(percent > 100 ? sprintf(text + used, "null,")
					       : sprintf(text + used, "%u,", percent));
	}
	strcpy(text + used - (n > 0), "]");
	json_object_set_serializer(array, json_object_userdata_to_json_string, text,
				   json_object_free_userdata);
	return array;
}

static struct json_object *guests_json(const struct kvmtuned *k)
{
	struct json_object *all = json_object_new_array();

	for (size_t i = 0; i < k->domains->nslots; i++) {
		struct json_object *o;
		char uuid[KT_UUID_STR];

		if (!k->domains->slot[i].used)
			continue;
		o = json_object_new_object();
		json_put_name(o, "name", k->domains->slot[i].domain.name);
		json_put_text(o, "uuid", uuid_str(&k->domains->slot[i].domain.uuid, uuid));
		json_put_object(o, "local_percent", local_percents(k, i));
		json_add(all, o);
	}
	return all;
}

void answer_history(struct kvmtuned *k, const struct question *q, struct answer *ret)
{
	bool recent = q->given & ASKS_RECENT;
	struct json_object *points = json_object_new_array();
	struct history_point p;

	for (size_t i = 0; i < history_npoints(k->history, recent); i++) {
		history_point(k->history, recent, i, &p);
		json_add(points, point_json(&p));
	}
	ret->json = answer_new();
	json_put_bool(ret->json, "recent", recent);
	json_put_object(ret->json, "points", points);
	if (!recent)
		json_put_object(ret->json, "guests", guests_json(k));
}
