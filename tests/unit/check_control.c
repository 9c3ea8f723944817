/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is what root asks for done, remembered, and said once? */
#include <string.h>

#include "answer.h"
#include "scratch.h"

static struct kvmtuned *k;
static struct answer answer;
static char said[4096]; /* "ACTION ACTUATOR GUEST: MESSAGE", a line each */

static void hear(const struct log_event *e, void *context)
{
	size_t n = strlen(said);

	(void)context;
	(void)snprintf(said + n, sizeof said - n, "%s %s %s: %s\n", e->action ? e->action : "-",
		       e->actuator ? e->actuator : "-", e->guest ? e->guest : "-", e->message);
}

static struct uuid uuid_of(unsigned int number)
{
	return (struct uuid){ { (uint8_t)number, (uint8_t)(number >> 8), [15] = 1 } };
}

static void put_guest(unsigned int number, const char *name)
{
	struct domain d = { .uuid = uuid_of(number), .id = (int)number + 1 };

	strcpy(d.name, name);
	ck_assert_int_ge(domains_put(k->domains, &d), 0);
}

static void setup(void)
{
	k = kvmtuned_new();
	ck_assert_ptr_nonnull(k);
	k->guests_known = true;
	scratch_make(k->conf.run_dir, sizeof k->conf.run_dir);
	put_guest(1, "web");
	put_guest(2, "d\nb");
	said[0] = '\0';
	log_set_sink(hear, NULL, LOG_LEVEL_DEBUG);
}

static void teardown(void)
{
	ck_assert_int_eq(scratch_remove(k->conf.run_dir), 0);
	kvmtuned_free(k);
}

/* What is said of it, or the error's word.  for_s 0: not given. */
static const char *ask(answer_fn *fn, const char *guest, int loop, uint64_t for_s)
{
	struct question q = { .guest = guest, .for_s = for_s };
	struct json_object *text;

	q.given = (guest ? ASKS_GUEST : 0U) | (loop >= 0 ? ASKS_LOOP : 0U) |
		  (for_s ? ASKS_FOR_S : 0U);
	q.loop = loop >= 0 ? (enum kt_loop)loop : LOOP_KSM;
	json_object_put(answer.json);
	answer = (struct answer){ .status = 200 };
	said[0] = '\0';
	k->kicked = false;
	fn(k, &q, &answer);
	ck_assert(json_object_object_get_ex(answer.json, "done", &text) ||
		  json_object_object_get_ex(answer.json, "error", &text));
	return json_object_get_string(text);
}

static struct pauses remembered(void)
{
	struct pauses p;

	pauses_load(&p, k->conf.run_dir);
	return p;
}

static enum guest_hold held(unsigned int number, uint64_t *ret_until_ns)
{
	struct pauses p = remembered();
	struct uuid uuid = uuid_of(number);

	return pauses_of_guest(&p, &uuid, ret_until_ns);
}

START_TEST(a_guest_is_paused_released_and_resumed)
{
	uint64_t until_ns = 0, before_ns;

	ck_assert_str_eq(ask(answer_pause, "web", -1, 0), "web is paused until it is resumed");
	ck_assert_str_eq(said, "pause - web: web is paused until it is resumed\n");
	ck_assert(k->kicked);
	ck_assert_int_eq(held(1, &until_ns), GUEST_HOLD_PAUSED);
	ck_assert_uint_eq(until_ns, UINT64_MAX);
	before_ns = now_monotonic_ns();
	ck_assert_str_eq(ask(answer_release, "web", -1, 7200),
			 "web is released, and left alone for 2 h");
	ck_assert_str_eq(said, "release - web: web is released, and left alone for 2 h\n");
	ck_assert_int_eq(held(1, &until_ns), GUEST_HOLD_RELEASED);
	ck_assert_uint_ge(until_ns, before_ns + 7200 * KT_NS_PER_S);
	ck_assert_uint_le(until_ns, now_monotonic_ns() + 7200 * KT_NS_PER_S);
	ck_assert_str_eq(ask(answer_resume, "web", -1, 0), "web is resumed");
	ck_assert_str_eq(said, "resume - web: web is resumed\n");
	ck_assert_int_eq(held(1, &until_ns), GUEST_HOLD_NONE);
	ck_assert_str_eq(ask(answer_resume, "web", -1, 0), "web was not paused");
	ck_assert_str_eq(said, "");
	ck_assert(!k->kicked);
}
END_TEST

START_TEST(a_hostile_name_is_escaped)
{
	ck_assert_str_eq(ask(answer_pause, "d\nb", -1, 5), "d\\x0ab is paused for 5 s");
	ck_assert_str_eq(said, "pause - d\\x0ab: d\\x0ab is paused for 5 s\n");
}
END_TEST

static const struct {
	uint64_t for_s;
	const char *said;
} durations[] = {
	{ 1, "for 1 s" },          { 61, "for 61 s" },    { 900, "for 15 min" },
	{ 5400, "for 90 min" },    { 36000, "for 10 h" }, { 86400, "for 1 d" },
	{ 31622400, "for 366 d" },
};

START_TEST(how_long_is_said_in_the_largest_unit)
{
	const char *text = ask(answer_pause, "web", -1, durations[_i].for_s);

	ck_assert_msg(strstr(text, durations[_i].said) != NULL, "%s", text);
}
END_TEST

START_TEST(a_guest_that_nobody_knows_is_an_error)
{
	ck_assert_str_eq(ask(answer_pause, "nobody", -1, 0), "no-such-guest");
	ck_assert_str_eq(ask(answer_release, "nobody", -1, 0), "no-such-guest");
	ck_assert_str_eq(ask(answer_resume, "nobody", -1, 0), "no-such-guest");
	ck_assert_int_eq(answer.status, 404);
	ck_assert_str_eq(said, "");
}
END_TEST

START_TEST(a_guest_that_has_gone_is_resumed_by_its_uuid)
{
	struct uuid uuid = uuid_of(1);
	char text[KT_UUID_STR], wanted[80];
	uint64_t until_ns;

	(void)ask(answer_pause, "web", -1, 0);
	domains_remove(k->domains, &uuid);
	ck_assert_str_eq(ask(answer_resume, "web", -1, 0), "no-such-guest");
	(void)snprintf(wanted, sizeof wanted, "%s is resumed", uuid_str(&uuid, text));
	ck_assert_str_eq(ask(answer_resume, text, -1, 0), wanted);
	ck_assert_int_eq(held(1, &until_ns), GUEST_HOLD_NONE);
	ck_assert_str_eq(ask(answer_resume, text, -1, 0), "no-such-guest");
}
END_TEST

START_TEST(a_loop_is_paused_by_itself)
{
	ck_assert_str_eq(ask(answer_pause, NULL, LOOP_MEMORY, 0),
			 "memory is paused until it is resumed");
	ck_assert_str_eq(said, "pause memory -: memory is paused until it is resumed\n");
	ck_assert_uint_eq(remembered().loop_until_ns[LOOP_KSM], 0);
	ck_assert_uint_eq(remembered().loop_until_ns[LOOP_MEMORY], UINT64_MAX);
	ck_assert_str_eq(ask(answer_resume, NULL, LOOP_KSM, 0), "ksm was not paused");
	ck_assert_str_eq(ask(answer_resume, NULL, LOOP_MEMORY, 0), "memory is resumed");
	ck_assert_str_eq(said, "resume memory -: memory is resumed\n");
	ck_assert_uint_eq(remembered().loop_until_ns[LOOP_MEMORY], 0);
}
END_TEST

START_TEST(all_loops_are_paused_at_once_and_everything_is_resumed)
{
	(void)ask(answer_release, "web", -1, 0);
	ck_assert_str_eq(ask(answer_pause, NULL, -1, 60), "every loop is paused for 1 min");
	ck_assert_str_eq(said, "pause - -: every loop is paused for 1 min\n");
	for (size_t i = 0; i < _LOOP_MAX; i++)
		ck_assert_uint_ne(remembered().loop_until_ns[i], 0);
	ck_assert_str_eq(ask(answer_resume, NULL, -1, 0), "everything is resumed");
	ck_assert_str_eq(said, "resume - -: everything is resumed\n");
	ck_assert_mem_eq(&k->pauses, &(struct pauses){ 0 }, sizeof k->pauses);
	ck_assert_uint_eq(remembered().n, 0);
	ck_assert_str_eq(ask(answer_resume, NULL, -1, 0), "nothing was paused");
}
END_TEST

START_TEST(guests_that_have_gone_make_room)
{
	char name[16];

	for (unsigned int i = 1; i <= PAUSES_MAX; i++) {
		(void)snprintf(name, sizeof name, "g%u", i);
		put_guest(i, name);
		(void)ask(answer_pause, name, -1, 0);
	}
	put_guest(PAUSES_MAX + 1, "one-more");
	ck_assert_str_eq(ask(answer_pause, "one-more", -1, 0), "busy");
	ck_assert_int_eq(answer.status, 503);
	domains_remove(k->domains, &(struct uuid){ { 7, [15] = 1 } });
	k->guests_known = false; /* nobody knows who has gone */
	ck_assert_str_eq(ask(answer_pause, "one-more", -1, 0), "busy");
	k->guests_known = true;
	(void)ask(answer_pause, "one-more", -1, 0);
	ck_assert_int_eq(answer.status, 200);
	ck_assert_int_eq(held(7, &(uint64_t){ 0 }), GUEST_HOLD_NONE);
	ck_assert_int_eq(held(8, &(uint64_t){ 0 }), GUEST_HOLD_PAUSED);
}
END_TEST

START_TEST(a_dry_run_remembers_nothing)
{
	k->dry_run = true;
	(void)ask(answer_pause, "web", -1, 0);
	ck_assert_uint_eq(k->pauses.n, 1);
	ck_assert_uint_eq(remembered().n, 0);
}
END_TEST

START_TEST(what_cannot_be_remembered_is_said)
{
	char run_dir[CONF_TEXT_MAX];

	strcpy(run_dir, k->conf.run_dir);
	strcpy(k->conf.run_dir, "/nonexistent");
	ck_assert_str_eq(ask(answer_pause, "web", -1, 0), "web is paused until it is resumed");
	ck_assert_ptr_nonnull(strstr(said, "/nonexistent/pauses cannot be written"));
	strcpy(k->conf.run_dir, run_dir);
}
END_TEST

START_TEST(a_pause_whose_time_is_over_is_said_at_the_next_tick)
{
	uint64_t end_ns;

	(void)ask(answer_pause, "web", -1, 5);
	(void)ask(answer_pause, NULL, LOOP_KSM, 5);
	end_ns = now_monotonic_ns() + 5 * KT_NS_PER_S;
	said[0] = '\0';
	guests_apply_pauses(k, end_ns - 2 * KT_NS_PER_S);
	ck_assert_str_eq(said, "");
	ck_assert_int_eq(k->domains->slot[0].domain.hold, GUEST_HOLD_PAUSED);
	ck_assert_int_eq(k->policy_now.ksm.mode, LOOP_PAUSED);
	guests_apply_pauses(k, end_ns);
	ck_assert_str_eq(said, "resume ksm -: ksm is resumed: the time of its pause is over\n"
			       "resume - web: web is resumed: the time of its pause is over\n");
	ck_assert_int_eq(k->domains->slot[0].domain.hold, GUEST_HOLD_NONE);
	ck_assert_int_eq(k->policy_now.ksm.mode, LOOP_ACTIVE);
	ck_assert_uint_eq(remembered().n, 0);
}
END_TEST

START_TEST(a_tick_is_asked_for)
{
	(void)ask(answer_tick, NULL, -1, 0);
	ck_assert_int_eq(answer.status, 200);
	ck_assert(k->kicked);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("control");
	TCase *c = tcase_create("control");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_guest_is_paused_released_and_resumed);
	tcase_add_test(c, a_hostile_name_is_escaped);
	tcase_add_loop_test(c, how_long_is_said_in_the_largest_unit, 0, KT_ARRAY_LEN(durations));
	tcase_add_test(c, a_guest_that_nobody_knows_is_an_error);
	tcase_add_test(c, a_guest_that_has_gone_is_resumed_by_its_uuid);
	tcase_add_test(c, a_loop_is_paused_by_itself);
	tcase_add_test(c, all_loops_are_paused_at_once_and_everything_is_resumed);
	tcase_add_test(c, guests_that_have_gone_make_room);
	tcase_add_test(c, a_dry_run_remembers_nothing);
	tcase_add_test(c, what_cannot_be_remembered_is_said);
	tcase_add_test(c, a_pause_whose_time_is_over_is_said_at_the_next_tick);
	tcase_add_test(c, a_tick_is_asked_for);
	suite_add_tcase(s, c);
	return kt_run(s);
}
