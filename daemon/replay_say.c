/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where is another decision taken than was recorded, and how is that told? */
#include "replay.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "nodemask.h"
#include "str.h"

struct replay_teller *replay_teller_new(FILE *out, bool json)
{
	struct replay_teller *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	t->out = out;
	t->json = json;
	if (record_layout_ours(&t->layout) == 0)
		return t;
	free(t);
	return NULL;
}

void replay_teller_free(struct replay_teller *t)
{
	if (!t)
		return;
	record_layout_clear(&t->layout);
	free(t);
}

/* ---- decisions in words --------------------------------------------------------------------- */

static const char *const switches[] = {
	[KSM_SWITCH_KEEP] = "kept",
	[KSM_SWITCH_OFF] = "off",
	[KSM_SWITCH_ON] = "on",
};

static void KT_PRINTF(2, 3) add(struct opinion *o, const char *fmt, ...)
{
	size_t n = strlen(o->text);
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(o->text + n, sizeof o->text - n, fmt, args);
	va_end(args);
}

static void begin(struct opinion *o, enum wish wish, enum why why, bool dry_run)
{
	*o = (struct opinion){ .wish = wish, .why = why, .detail = dry_run };
	add(o, "%s %s%s", wish_str(wish), why_str(why), dry_run ? ", only said" : "");
}

static void ksm_of_host(const struct decided_host *d, struct opinion *ret)
{
	begin(ret, d->ksm_wish, d->ksm_why, d->ksm_dry_run);
	if (d->ksm_wish != WISH_SET)
		return;
	ret->detail |= (uint64_t)d->ksm_run << 1 | (uint64_t)d->ksm_sweep << 2;
	if (d->ksm_run)
		add(ret, ", %" PRIu64 " pages each %" PRIu64 " ms%s", d->pages_to_scan, d->sleep_ms,
		    d->ksm_sweep ? ", sweep" : "");
	else
		add(ret, ", rest");
	if (d->stops_advisor)
		add(ret, ", advisor stopped");
	if (d->use_zero_pages != KSM_SWITCH_KEEP)
		add(ret, ", zero pages %s", switches[d->use_zero_pages]);
	if (d->merge_across_nodes != KSM_SWITCH_KEEP)
		add(ret, ", across nodes %s%s", switches[d->merge_across_nodes],
		    d->may_unmerge ? ", may unmerge" : "");
}

static void placement_of_host(const struct decided_host *d, struct opinion *ret)
{
	char nodes[KT_NODELIST_MAX];

	*ret = (struct opinion){ .why = d->move_why, .detail = d->move };
	if (d->move)
		add(ret, "move memory from nodes %s of slot %" PRIu64 ", %" PRIu64 " KiB/s: ",
		    nodemask_str(d->move_from, nodes, 32), d->move_slot, d->move_kib_per_s);
	add(ret, "%s", why_str(d->move_why));
	if (d->placement_observes)
		add(ret, ", placement only watches");
	if (d->numa_balancing != KSM_SWITCH_KEEP)
		add(ret, ", NUMA balancing %s", switches[d->numa_balancing]);
	ret->detail |= (uint64_t)d->placement_observes << 1 | (uint64_t)d->numa_balancing << 2;
}

static void memory_of_host(const struct decided_host *d, struct opinion *ret)
{
	*ret = (struct opinion){ .detail = d->squeezing };
	add(ret, "price %.4f %%, %" PRIu64 " KiB to be found%s", (double)d->price_ppm / 1e4,
	    d->deficit_kib, d->squeezing ? ", squeezing" : "");
}

static void timing_of_host(const struct decided_host *d, struct opinion *ret)
{
	*ret = (struct opinion){ .detail = d->look_again_ns == 0 };
	if (d->look_again_ns)
		add(ret, "next look in %" PRIu64 " ns", d->look_again_ns);
	else
		add(ret, "next look as usual");
}

static void ksm_of_guest(const struct decided_guest *d, struct opinion *ret)
{
	*ret = (struct opinion){ .why = d->ksm_why };
	add(ret, "%s", why_str(d->ksm_why));
}

static void placement_of_guest(const struct decided_guest *d, struct opinion *ret)
{
	char nodes[KT_NODELIST_MAX];

	begin(ret, d->placement_wish, d->placement_why, d->placement_dry_run);
	if (d->placement_wish == WISH_SET)
		add(ret, ", nodes %s, CPUs #%08" PRIx32, nodemask_str(d->nodes, nodes, 64),
		    (uint32_t)d->cpus_hash);
	if (d->settling)
		add(ret, ", settling");
	ret->detail ^= d->nodes << 1 ^ d->cpus_hash;
}

static void memory_of_guest(const struct decided_guest *d, struct opinion *ret)
{
	begin(ret, d->memory_wish, d->memory_why, d->memory_dry_run);
	if (d->memory_wish == WISH_SET)
		add(ret, ", %s %" PRIu64 " KiB",
		    d->means == MEMORY_RECLAIM ? "reclaim down to" : "soft limit", d->target_kib);
	if (d->runaway)
		add(ret, ", runaway");
	ret->detail |= (uint64_t)d->means << 1 | (uint64_t)d->runaway << 2;
}

/* ---- telling ----------------------------------------------------------------------------- */

static const char *const rows[_ROW_MAX] = {
	[ROW_KSM] = "ksm",
	[ROW_PLACEMENT] = "placement",
	[ROW_MEMORY] = "memory",
	[ROW_TIMING] = "time",
};

static void say_text(const struct replay_teller *t, const struct recording *then, const char *guest,
		     enum replay_row row, const struct replay_told *told)
{
	time_t seconds = (time_t)(then->head.unix_us / 1000000);
	char when[40];
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) || !strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &tm))
		(void)snprintf(when, sizeof when, "%" PRIu64, then->head.unix_us / 1000000);
	fprintf(t->out, "%s %s %s: %s -> %s\n", when, guest ? guest : "host", rows[row],
		told->recorded.text, told->now.text);
}

static void say_json(const struct replay_teller *t, const struct recording *then, const char *guest,
		     enum replay_row row, const struct replay_told *told)
{
	fprintf(t->out,
		"{\"schema\":%d,\"unix_s\":%" PRIu64 ".%06" PRIu64 ",\"guest\":", RECORD_SCHEMA,
		then->head.unix_us / 1000000, then->head.unix_us % 1000000);
	if (guest)
		record_write_text(t->out, guest);
	else
		fputs("null", t->out);
	fputs(",\"loop\":", t->out);
	if (row == ROW_TIMING)
		fputs("null", t->out);
	else
		record_write_text(t->out, rows[row]);
	fputs(",\"recorded\":", t->out);
	record_write_text(t->out, told->recorded.text);
	fputs(",\"now\":", t->out);
	record_write_text(t->out, told->now.text);
	fputs("}\n", t->out);
}

static bool is_alike(const struct opinion *a, const struct opinion *b)
{
	return a->wish == b->wish && a->why == b->why && a->detail == b->detail;
}

/* `slot` KT_GUESTS_MAX: the host. */
static void judge(struct replay_teller *t, const struct recording *then, size_t slot,
		  enum replay_row row, const struct opinion *recorded, const struct opinion *now)
{
	struct replay_told *told = &t->told[slot][row];
	char name[4 * KT_NAME_MAX];
	const char *guest = NULL;
	bool goes_on;

	if (strcmp(recorded->text, now->text) == 0)
		return;
	goes_on = told->tick && told->tick + 1 == t->ticks && is_alike(&told->recorded, recorded) &&
		  is_alike(&told->now, now);
	*told = (struct replay_told){ .tick = t->ticks, .recorded = *recorded, .now = *now };
	if (goes_on)
		return;
	t->differences++;
	if (slot < KT_GUESTS_MAX)
		guest = str_escape(then->domains.slot[slot].domain.name, name, sizeof name);
	(t->json ? say_json : say_text)(t, then, guest, row, told);
}

static bool is_equal(const struct replay_teller *t, enum record_table_id table, const void *a,
		     const void *b)
{
	const struct record_word *word = t->layout.word[table];

	for (size_t i = 0; i < t->layout.nwords[table]; i++)
		if (record_word_get(&word[i], a) != record_word_get(&word[i], b))
			return false;
	return true;
}

static bool compare_host(struct replay_teller *t, const struct recording *then,
			 const struct plan *plan)
{
	static void (*const describe[])(const struct decided_host *d, struct opinion *ret) = {
		[ROW_KSM] = ksm_of_host,
		[ROW_PLACEMENT] = placement_of_host,
		[ROW_MEMORY] = memory_of_host,
		[ROW_TIMING] = timing_of_host,
	};
	struct decided_host decided = summary_of_plan(plan);
	struct opinion recorded, now;

	if (is_equal(t, TABLE_PLAN, &then->plan, &decided))
		return true;
	for (enum replay_row row = 0; row < KT_ARRAY_LEN(describe); row++) {
		describe[row](&then->plan, &recorded);
		describe[row](&decided, &now);
		judge(t, then, KT_GUESTS_MAX, row, &recorded, &now);
	}
	return false;
}

static bool compare_guest(struct replay_teller *t, const struct recording *then,
			  const struct plan *plan, size_t slot)
{
	static void (*const describe[])(const struct decided_guest *d, struct opinion *ret) = {
		[ROW_KSM] = ksm_of_guest,
		[ROW_PLACEMENT] = placement_of_guest,
		[ROW_MEMORY] = memory_of_guest,
	};
	struct decided_guest decided = summary_of_guest_plan(&plan->guest[slot]);
	struct opinion recorded, now;

	if (is_equal(t, TABLE_GUEST_PLANS, &then->guest_plan[slot], &decided))
		return true;
	for (enum replay_row row = 0; row < KT_ARRAY_LEN(describe); row++) {
		describe[row](&then->guest_plan[slot], &recorded);
		describe[row](&decided, &now);
		judge(t, then, slot, row, &recorded, &now);
	}
	return false;
}

void replay_compare(struct replay_teller *t, const struct recording *then, const struct plan *now)
{
	bool same;

	t->ticks++;
	same = compare_host(t, then, now);
	for (size_t i = 0; i < then->domains.nslots; i++)
		if (then->domains.slot[i].used)
			same &= compare_guest(t, then, now, i);
	t->ticks_that_differ += !same;
}

void replay_sum_up(const struct replay_teller *t, uint64_t nguests, bool from_start)
{
	if (t->json)
		fprintf(t->out,
			"{\"schema\":%d,\"ticks\":%" PRIu64 ",\"guests\":%" PRIu64
			",\"differences\":%" PRIu64 ",\"ticks_that_differ\":%" PRIu64
			",\"from_start\":%s}\n",
			RECORD_SCHEMA, t->ticks, nguests, t->differences, t->ticks_that_differ,
			from_start ? "true" : "false");
	else
		fprintf(t->out,
			"%" PRIu64 " ticks, %" PRIu64 " guests, %" PRIu64
			" decisions differ, in %" PRIu64 " ticks\n",
			t->ticks, nguests, t->differences, t->ticks_that_differ);
}
