/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is what was decided remembered in order, bounded and at no cost? */
#include <pthread.h>

#include "history_fixture.h"

#include "allocations.h"

static void hear(struct log_event event)
{
	event.message = event.message ? event.message : "something was done";
	history_listen(&event, h);
}

static struct decision decision(uint64_t seq)
{
	struct decision d;

	ck_assert_msg(history_decision(h, seq, &d), "no decision %llu", (unsigned long long)seq);
	ck_assert_uint_eq(d.seq, seq);
	return d;
}

static const struct {
	struct log_event event;
	bool kept;
} heard[] = {
	{ { .level = LOG_LEVEL_NOTICE, .id = LOG_KSM_CHANGED, .actuator = "ksm" }, true },
	{ { .level = LOG_LEVEL_DEBUG, .id = LOG_KSM_CHANGED, .actuator = "ksm" }, false },
	{ { .level = LOG_LEVEL_WARNING, .id = LOG_LIBVIRT_LOST }, true },
	{ { .level = LOG_LEVEL_INFO, .id = LOG_CONFIG_RELOADED }, true },
	{ { .level = LOG_LEVEL_INFO, .id = LOG_PLAIN, .actuator = "memory" }, true },
	{ { .level = LOG_LEVEL_INFO, .id = LOG_PLAIN, .uuid = &web }, true },
	{ { .level = LOG_LEVEL_WARNING, .id = LOG_PLAIN }, false },
};

START_TEST(what_is_decided_is_kept_and_talk_is_not)
{
	hear(heard[_i].event);
	ck_assert_uint_eq(history_last(h), heard[_i].kept);
}
END_TEST

START_TEST(all_that_was_said_of_it_comes_back)
{
	struct decision d;

	hear((struct log_event){ .level = LOG_LEVEL_NOTICE,
				 .id = LOG_PIN_CHANGED,
				 .guest = "web",
				 .uuid = &web,
				 .actuator = "placement",
				 .action = "pin",
				 .reason = "home-by-memory",
				 .from = "0-7",
				 .to = "0-3",
				 .dry_run = true,
				 .message = "web: pinned" });
	d = decision(1);
	ck_assert(d.level == LOG_LEVEL_NOTICE && d.id == LOG_PIN_CHANGED && d.dry_run);
	ck_assert(d.has_guest && uuid_equal(&d.uuid, &web) && d.unix_us > 0);
	ck_assert_str_eq(d.guest, "web");
	ck_assert_str_eq(d.actuator, "placement");
	ck_assert_str_eq(d.action, "pin");
	ck_assert_str_eq(d.reason, "home-by-memory");
	ck_assert_str_eq(d.from, "0-7");
	ck_assert_str_eq(d.to, "0-3");
	ck_assert_str_eq(d.message, "web: pinned");
}
END_TEST

START_TEST(texts_are_cut_and_printable)
{
	char longer[2 * HISTORY_MESSAGE_MAX];
	struct decision d;

	memset(longer, 'x', sizeof longer);
	longer[sizeof longer - 1] = '\0';
	memcpy(longer, "a\n\x1b\xff%n", 6);
	hear((struct log_event){ .level = LOG_LEVEL_INFO,
				 .id = LOG_GUEST,
				 .guest = longer,
				 .from = longer,
				 .message = longer });
	d = decision(1);
	ck_assert_uint_eq(strlen(d.message), HISTORY_MESSAGE_MAX - 1);
	ck_assert_uint_eq(strlen(d.guest), HISTORY_NAME_MAX - 1);
	ck_assert_int_eq(strncmp(d.message, "a???%nxx", 8), 0);
	ck_assert_str_eq(d.message + HISTORY_MESSAGE_MAX - 4, "x..");
	ck_assert_str_eq(d.from + sizeof d.from - 4, "x..");
	memcpy(longer + HISTORY_MESSAGE_MAX - 1, "", 1);
	hear((struct log_event){ .level = LOG_LEVEL_INFO, .id = LOG_GUEST, .message = longer });
	ck_assert_str_eq(decision(2).message + HISTORY_MESSAGE_MAX - 4, "xxx");
}
END_TEST

START_TEST(the_oldest_go_first)
{
	struct decision d;

	for (unsigned int i = 0; i < HISTORY_DECISIONS + 10; i++)
		hear((struct log_event){
			.level = LOG_LEVEL_INFO, .id = LOG_GUEST, .uuid = i == 9 ? &db : &web });
	ck_assert_uint_eq(history_last(h), HISTORY_DECISIONS + 10);
	ck_assert(!history_decision(h, 0, &d) && !history_decision(h, 10, &d));
	(void)decision(11);
	(void)decision(HISTORY_DECISIONS + 10);
	ck_assert(!history_decision(h, HISTORY_DECISIONS + 11, &d));
	ck_assert(!history_decision(h, UINT64_MAX, &d));
	ck_assert(!history_last_of(h, &db, &d)); /* the tenth has just gone */
}
END_TEST

START_TEST(the_last_one_about_a_guest_is_found)
{
	static const struct uuid nobody;
	struct decision d;

	ck_assert(!history_last_of(h, &web, &d));
	hear((struct log_event){ .level = LOG_LEVEL_INFO, .id = LOG_GUEST, .uuid = &web });
	hear((struct log_event){ .level = LOG_LEVEL_INFO, .id = LOG_GUEST, .uuid = &db });
	hear((struct log_event){ .level = LOG_LEVEL_INFO, .id = LOG_VERDICT, .uuid = &web });
	hear((struct log_event){ .level = LOG_LEVEL_INFO, .id = LOG_LIBVIRT_BACK });
	ck_assert(history_last_of(h, &web, &d) && d.seq == 3);
	ck_assert(history_last_of(h, &db, &d) && d.seq == 2);
	ck_assert(!history_last_of(h, &nobody, &d));
}
END_TEST

START_TEST(a_change_of_a_loop_outlives_its_place_in_the_ring)
{
	struct decision d;

	hear((struct log_event){ .level = LOG_LEVEL_NOTICE,
				 .id = LOG_BALANCING_CHANGED,
				 .actuator = "numa_balancing" });
	for (unsigned int i = 0; i < HISTORY_DECISIONS; i++)
		hear((struct log_event){
			.level = LOG_LEVEL_INFO, .id = LOG_VERDICT, .actuator = "ksm" });
	ck_assert(history_last_change(h, LOOP_PLACEMENT, &d) && d.seq == 1);
	ck_assert(!history_last_change(h, LOOP_KSM, &d)); /* nothing but words */
	hear((struct log_event){ .level = LOG_LEVEL_WARNING, .id = LOG_CEDED, .actuator = "ksm" });
	ck_assert(history_last_change(h, LOOP_KSM, &d) && d.seq == HISTORY_DECISIONS + 2);
	ck_assert(!history_last_change(h, LOOP_MEMORY, &d));
}
END_TEST

START_TEST(each_combination_of_words_is_counted)
{
	static struct decision_count counts[HISTORY_COUNTS];
	char same[] = "ksm"; /* another address */

	ck_assert_uint_eq(history_counts(h, counts), 0);
	hear((struct log_event){ .level = LOG_LEVEL_INFO, .actuator = "ksm", .action = "decide" });
	hear((struct log_event){ .level = LOG_LEVEL_INFO, .actuator = same, .action = "decide" });
	hear((struct log_event){ .level = LOG_LEVEL_INFO, .actuator = "ksm", .reason = "burst" });
	ck_assert_uint_eq(history_counts(h, counts), 2);
	ck_assert_str_eq(counts[0].action, "decide");
	ck_assert_str_eq(counts[0].reason, "");
	ck_assert_uint_eq(counts[0].n, 2);
	ck_assert_str_eq(counts[1].reason, "burst");
	ck_assert_uint_eq(counts[1].n, 1);
}
END_TEST

START_TEST(words_beyond_the_table_are_not_counted)
{
	static struct decision_count counts[HISTORY_COUNTS];
	static char words[HISTORY_COUNTS + 2][8];

	for (size_t i = 0; i < KT_ARRAY_LEN(words); i++) {
		snprintf(words[i], sizeof words[i], "w%zu", i);
		hear((struct log_event){ .level = LOG_LEVEL_INFO, .actuator = words[i] });
	}
	hear((struct log_event){ .level = LOG_LEVEL_INFO, .actuator = words[0] });
	ck_assert_uint_eq(history_counts(h, counts), HISTORY_COUNTS);
	ck_assert_uint_eq(counts[0].n, 2);
	ck_assert_uint_eq(counts[HISTORY_COUNTS - 1].n, 1);
	ck_assert_uint_eq(history_last(h), HISTORY_COUNTS + 3);
}
END_TEST

enum { EACH = 5000 };

static void *speaks(void *unused)
{
	(void)unused;
	for (unsigned int i = 0; i < EACH; i++)
		hear((struct log_event){ .level = LOG_LEVEL_INFO,
					 .id = LOG_GUEST,
					 .uuid = &web,
					 .actuator = "ksm" });
	return NULL;
}

START_TEST(two_threads_may_speak_at_once)
{
	static struct decision_count counts[HISTORY_COUNTS];
	pthread_t other;

	ck_assert_int_eq(pthread_create(&other, NULL, speaks, NULL), 0);
	(void)speaks(NULL);
	ck_assert_int_eq(pthread_join(other, NULL), 0);
	ck_assert_uint_eq(history_last(h), 2 * EACH);
	for (uint64_t seq = 2 * EACH; seq > 2 * EACH - HISTORY_DECISIONS; seq--)
		(void)decision(seq);
	ck_assert_uint_eq(history_counts(h, counts), 1);
	ck_assert_uint_eq(counts[0].n, 2 * EACH);
}
END_TEST

START_TEST(remembering_costs_no_allocation)
{
	static struct decision_count counts[HISTORY_COUNTS];
	struct decision d;
	size_t before, after;
	bool found;

	count_allocations();
	before = nallocations;
	for (int64_t i = 0; i < 100; i++) {
		hear((struct log_event){
			.level = LOG_LEVEL_INFO, .actuator = "ksm", .uuid = &web });
		history_tick(h, view, plan, in_force, i);
	}
	found = history_last_of(h, &web, &d);
	(void)history_counts(h, counts);
	after = nallocations; /* Check allocates too */
	ck_assert(found);
	ck_assert_uint_eq(after, before);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("history");
	TCase *c = tcase_create("decisions");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, what_is_decided_is_kept_and_talk_is_not, 0, KT_ARRAY_LEN(heard));
	tcase_add_test(c, all_that_was_said_of_it_comes_back);
	tcase_add_test(c, texts_are_cut_and_printable);
	tcase_add_test(c, the_oldest_go_first);
	tcase_add_test(c, the_last_one_about_a_guest_is_found);
	tcase_add_test(c, a_change_of_a_loop_outlives_its_place_in_the_ring);
	tcase_add_test(c, each_combination_of_words_is_counted);
	tcase_add_test(c, words_beyond_the_table_are_not_counted);
	tcase_add_test(c, two_threads_may_speak_at_once);
	tcase_add_test(c, remembering_costs_no_allocation);
	suite_add_tcase(s, c);
	return kt_run(s);
}
