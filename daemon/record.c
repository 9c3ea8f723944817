/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does a tick become a line?
 *
 *	{"schema":1,"tick":[5000000000,5000012],"guests":[[3,4999123456,81234,0,1,12],...],...}
 *
 * A list has by how much each word of a struct has grown since the line before, in the order of
 * the header's "fields": zeros at the end are left out, and "0,7" stands for seven of them.  In a
 * list of lists the first number is the element's: a node, or a guest's slot. */
#include "record.h"

#include <inttypes.h>
#include <string.h>

#include "answer.h"
#include "record_private.h"
#include "str.h"

struct recorder {
	struct record_layout layout;
	struct recording *was; /* NULL: the next line is whole */
};

struct recorder *recorder_new(void)
{
	return calloc(1, sizeof(struct recorder));
}

void recorder_restart(struct recorder *r)
{
	if (!r)
		return;
	free(r->was);
	r->was = NULL;
}

void recorder_free(struct recorder *r)
{
	if (!r)
		return;
	recorder_restart(r);
	record_layout_clear(&r->layout);
	free(r);
}

void *recording_struct(struct recording *rec, enum record_table_id table, size_t element)
{
	void *const first[_TABLE_MAX] = {
		[TABLE_TICK] = &rec->head,
		[TABLE_CAPABILITIES] = &rec->capabilities,
		[TABLE_TOPOLOGY] = &rec->topology,
		[TABLE_NODES] = rec->topology.node,
		[TABLE_CACHES] = rec->topology.cache,
		[TABLE_HOST] = &rec->host,
		[TABLE_IN_FORCE] = &rec->in_force,
		[TABLE_PLAN] = &rec->plan,
		[TABLE_DOMAINS] = rec->domains.slot,
		[TABLE_GUESTS] = rec->guest,
		[TABLE_GUESTS_IN_FORCE] = rec->in_force.guest,
		[TABLE_GUEST_PLANS] = rec->guest_plan,
	};

	return (char *)first[table] + element * record_tables[table].stride;
}

/* ---- lists ------------------------------------------------------------------------------- */

/* A line that is being written. */
struct line {
	FILE *out;
	const struct record_layout *layout;
	struct recording *was;
	bool in_list; /* of lists, which is open */
};

static void begin_list(struct line *l, enum record_table_id table, size_t element)
{
	const struct record_table *t = &record_tables[table];

	if (t->nelements == 0) {
		fprintf(l->out, ",\"%s\":[", t->name);
		return;
	}
	if (l->in_list)
		fprintf(l->out, ",[%zu,", element);
	else
		fprintf(l->out, ",\"%s\":[[%zu,", t->name, element);
	l->in_list = true;
}

/* Nothing at all where nothing has changed. */
static void put(struct line *l, enum record_table_id table, size_t element, const void *now)
{
	void *was = recording_struct(l->was, table, element);
	const struct record_word *word = l->layout->word[table];
	size_t nzeros = 0;
	bool any = false;

	for (size_t i = 0; i < l->layout->nwords[table]; i++) {
		uint64_t value = record_word_get(&word[i], now);
		uint64_t growth = value - record_word_get(&word[i], was);

		if (growth == 0) {
			nzeros++;
			continue;
		}
		if (any)
			fputc(',', l->out);
		else
			begin_list(l, table, element);
		if (nzeros)
			fprintf(l->out, "0,%zu,", nzeros);
		fprintf(l->out, "%" PRId64, (int64_t)growth);
		record_word_set(&word[i], was, value);
		nzeros = 0;
		any = true;
	}
	if (any)
		fputc(']', l->out);
}

static void end_lists(struct line *l)
{
	if (l->in_list)
		fputc(']', l->out);
	l->in_list = false;
}

/* ---- the parts of a line ----------------------------------------------------------------- */

static void put_topology(struct line *l, const struct topology *t)
{
	if (memcmp(t, &l->was->topology, sizeof *t) == 0)
		return;
	put(l, TABLE_TOPOLOGY, 0, t);
	for (size_t n = 0; n < KT_NODES_MAX; n++)
		put(l, TABLE_NODES, n, &t->node[n]);
	end_lists(l);
	for (size_t c = 0; c < KT_CACHES_MAX; c++)
		put(l, TABLE_CACHES, c, &t->cache[c]);
	end_lists(l);
	l->was->topology = *t;
}

static void put_options(struct line *l, const struct conf *conf, bool whole)
{
	if (!whole && memcmp(conf, &l->was->conf, sizeof *conf) == 0)
		return;
	fputs(",\"options\":", l->out);
	record_conf_write(l->out, conf);
	l->was->conf = *conf;
}

static bool is_same(const struct domain_slot *a, const struct domain_slot *b)
{
	return !b->used || (a->used && a->incarnation == b->incarnation &&
			    uuid_equal(&a->domain.uuid, &b->domain.uuid) &&
			    strcmp(a->domain.name, b->domain.name) == 0);
}

/* The one place where a recording names anybody. */
static void put_identities(struct line *l, const struct domains *ds)
{
	char name[4 * KT_NAME_MAX], uuid[KT_UUID_STR];

	for (size_t i = 0; i < ds->nslots; i++) {
		const struct domain_slot *now = &ds->slot[i];
		struct domain_slot *was = &l->was->domains.slot[i];

		if (is_same(was, now))
			continue;
		fprintf(l->out, "%s[%zu,", l->in_list ? "," : ",\"identities\":[", i);
		record_write_text(l->out, str_escape(now->domain.name, name, sizeof name));
		fprintf(l->out, ",\"%s\"]", uuid_str(&now->domain.uuid, uuid));
		l->in_list = true;
		was->domain.uuid = now->domain.uuid;
		memcpy(was->domain.name, now->domain.name, sizeof was->domain.name);
	}
	end_lists(l);
}

static void put_guest(struct line *l, const struct recorded_tick *tick, size_t i)
{
	const struct guest_sample *s = &tick->sample->guest[i];
	struct recorded_guest g = { .sample = *s, .threads = summary_of_threads(s) };

	put(l, TABLE_GUESTS, i, &g);
}

static void put_guest_plan(struct line *l, const struct recorded_tick *tick, size_t i)
{
	struct decided_guest d = summary_of_guest_plan(&tick->plan->guest[i]);

	put(l, TABLE_GUEST_PLANS, i, &d);
}

static void put_guest_in_force(struct line *l, const struct recorded_tick *tick, size_t i)
{
	put(l, TABLE_GUESTS_IN_FORCE, i, &tick->in_force->guest[i]);
}

static void put_guests(struct line *l, const struct recorded_tick *tick,
		       void (*put_one)(struct line *l, const struct recorded_tick *tick, size_t i))
{
	for (size_t i = 0; i < tick->domains->nslots; i++)
		if (tick->domains->slot[i].used)
			put_one(l, tick, i);
	end_lists(l);
}

/* `nslots`: of this line or of the one before, for slots that are free now. */
static void put_domains(struct line *l, const struct domains *ds, size_t nslots)
{
	put_identities(l, ds);
	for (size_t i = 0; i < nslots; i++)
		put(l, TABLE_DOMAINS, i, &ds->slot[i]);
	end_lists(l);
}

static void put_tick(struct line *l, const struct recorded_tick *tick, bool whole)
{
	struct recorded_head head = summary_of_tick(tick);
	struct recorded_host host = summary_of_host(&tick->sample->host, tick->topology);
	struct decided_host plan = summary_of_plan(tick->plan);
	size_t nslots = KT_MAX(l->was->head.nslots, head.nslots);

	fprintf(l->out, "{\"schema\":%d%s", RECORD_SCHEMA, whole ? ",\"whole\":true" : "");
	put(l, TABLE_TICK, 0, &head);
	put_options(l, tick->conf, whole);
	put(l, TABLE_CAPABILITIES, 0, tick->capabilities);
	put_topology(l, tick->topology);
	put(l, TABLE_HOST, 0, &host);
	put_domains(l, tick->domains, nslots);
	put_guests(l, tick, put_guest);
	put(l, TABLE_IN_FORCE, 0, tick->in_force);
	put_guests(l, tick, put_guest_in_force);
	put(l, TABLE_PLAN, 0, &plan);
	put_guests(l, tick, put_guest_plan);
	fputc('}', l->out);
}

static int prepare(struct recorder *r)
{
	if (r->layout.nwords[TABLE_TICK] == 0 && record_layout_ours(&r->layout) < 0)
		return -1;
	r->was = calloc(1, sizeof *r->was);
	return r->was ? 0 : -1;
}

char *recorder_line(struct recorder *r, const struct recorded_tick *tick)
{
	struct line l = { .layout = &r->layout };
	bool whole = !r->was;
	char *text = NULL;
	size_t size;

	if (whole && prepare(r) < 0)
		return NULL;
	l.was = r->was;
	l.out = open_memstream(&text, &size);
	if (!l.out)
		return NULL;
	put_tick(&l, tick, whole);
	if (fclose(l.out) == 0 && text)
		return text;
	/* What is missing cannot be made up for by what follows. */
	recorder_restart(r);
	free(text);
	return NULL;
}

/* ---- the first line ------------------------------------------------------------------------ */

static struct json_object *names_of_fields(const struct record_table *t)
{
	struct json_object *names = json_object_new_array();
	char name[RECORD_NAME_MAX];

	for (size_t i = 0; names && i < t->nfields; i++)
		json_add(names, json_object_new_string(
					record_field_name(&t->field[i], name, sizeof name)));
	return names;
}

static struct json_object *names_of_identity(void)
{
	static const char *const parts[] = { "slot", "name", "uuid" };
	struct json_object *names = json_object_new_array();

	for (size_t i = 0; names && i < KT_ARRAY_LEN(parts); i++)
		json_add(names, json_object_new_string(parts[i]));
	return names;
}

struct json_object *recorder_header(void)
{
	struct json_object *header = json_object_new_object(), *fields = json_object_new_object();

	json_put_object(header, "schema", json_object_new_int(RECORD_SCHEMA));
	json_put_object(header, "kind", json_object_new_string(RECORD_KIND));
	json_put_object(header, "version", json_object_new_string(KT_VERSION));
	json_put_object(fields, "identities", names_of_identity());
	for (enum record_table_id t = 0; t < _TABLE_MAX; t++)
		json_put_object(fields, record_tables[t].name, names_of_fields(&record_tables[t]));
	json_put_object(header, "fields", fields);
	return header;
}

/* Whoever joins needs all; those who listen already get it once more. */
void answer_record(struct kvmtuned *k, const struct question *q, struct answer *ret)
{
	(void)q;
	recorder_restart(k->recorder);
	ret->json = recorder_header();
	ret->stream = STREAM_RECORD;
}
