/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is what changed said, once, and nothing else? */
#include <stdio.h>
#include <string.h>

#include "kt_check.h"
#include "log.h"
#include "standard_conf.h"
#include "verdict.h"

static struct policy_conf conf;
static struct host_view *view;
static struct host_sample host;
static struct topology topology;
static struct plan *plan;
static struct verdicts *verdicts;
static char said[8192]; /* one line for each, with its level as a digit in front */

static void hear(const struct log_event *event, void *context)
{
	size_t n = strlen(said);

	(void)context;
	if (event->actuator && strcmp(event->actuator, "memory") == 0)
		(void)snprintf(said + n, sizeof said - n, "%d %s\n", (int)event->level,
			       event->message);
}

static void setup(void)
{
	conf = standard_policy_conf();
	view = host_view_new();
	plan = calloc(1, sizeof *plan);
	verdicts = verdicts_new();
	ck_assert(view && plan && verdicts);
	view->host = &host;
	view->topology = &topology;
	view->npresent = 1;
	host = (struct host_sample){ .swap_free_kib = UINT64_C(1) << 30 };
	plan->nslots = 1;
	plan->guest[0] = (struct guest_plan){ .present = true, .incarnation = 1, .name = "we\nb" };
	log_set_sink(hear, NULL, LOG_LEVEL_DEBUG);
}

static void teardown(void)
{
	log_set_sink(NULL, NULL, LOG_LEVEL_DEBUG);
	verdicts_free(verdicts);
	host_view_free(view);
	free(plan);
}

/* What is said of this state of affairs. */
static const char *say(void)
{
	said[0] = '\0';
	verdicts_say(verdicts, &conf, view, plan);
	return said;
}

static const char *decide(enum wish wish, enum why why, enum memory_means means, uint64_t mib)
{
	struct memory_plan *m = &plan->guest[0].memory;

	m->wish = wish;
	m->why = why;
	m->means = means;
	m->target_kib = mib * 1024;
	return say();
}

static void says(const char *what, const char *wanted)
{
	ck_assert_msg(strstr(what, wanted) != NULL, "said \"%s\", not \"%s\"", what, wanted);
}

static unsigned int lines_above_debug(const char *text)
{
	unsigned int n = 0;

	for (; *text; text = strchr(text, '\n') + 1)
		n += *text < '0' + LOG_LEVEL_DEBUG;
	return n;
}

START_TEST(a_step_says_by_which_means)
{
	says(decide(WISH_SET, WHY_IDLEST_UNDER_PRESSURE, MEMORY_RECLAIM, 900),
	     "6 we\\x0ab: memory: reclaimed down to 900 MiB (idlest-under-pressure)");
	says(decide(WISH_SET, WHY_IDLEST_UNDER_PRESSURE, MEMORY_SOFT_LIMIT, 800),
	     "6 we\\x0ab: memory: soft limit 800 MiB (idlest-under-pressure)");
	says(decide(WISH_RELEASE, WHY_HOST_CALM, MEMORY_RECLAIM, 0),
	     "6 we\\x0ab: memory: not squeezed");
}
END_TEST

static const enum why pauses[] = { WHY_COOLING_DOWN, WHY_NOT_IDLEST, WHY_AT_FLOOR, WHY_HOST_BETWEEN,
				   WHY_GUEST_ACTIVE };

START_TEST(a_guest_that_is_reclaimed_step_by_step_is_one_line)
{
	(void)decide(WISH_SET, WHY_IDLEST_UNDER_PRESSURE, MEMORY_RECLAIM, 900);
	for (uint64_t mib = 900; mib > 800; mib -= 10) {
		ck_assert_uint_eq(lines_above_debug(decide(WISH_HOLD, pauses[_i], 0, 0)), 0);
		ck_assert_uint_eq(lines_above_debug(decide(WISH_SET, WHY_IDLEST_UNDER_PRESSURE,
							   MEMORY_RECLAIM, mib)),
				  0);
	}
	(void)decide(WISH_HOLD, pauses[_i], 0, 0);
	says(decide(WISH_RELEASE, WHY_GUEST_SUFFERS, 0, 0), "6 we\\x0ab: memory: not squeezed");
	says(decide(WISH_SET, WHY_IDLEST_UNDER_PRESSURE, MEMORY_RECLAIM, 700), "6 we\\x0ab");
}
END_TEST

/* The price wavers about the one at which guests are squeezed, and with it all their plans. */
START_TEST(a_limit_that_stays_is_one_line)
{
	(void)decide(WISH_SET, WHY_IDLEST_UNDER_PRESSURE, MEMORY_SOFT_LIMIT, 900);
	ck_assert_str_eq(decide(WISH_SET, WHY_IDLEST_UNDER_PRESSURE, MEMORY_SOFT_LIMIT, 890), "");
	for (int i = 0; i < 5; i++) {
		ck_assert_uint_eq(lines_above_debug(decide(WISH_HOLD, WHY_HOST_BETWEEN, 0, 0)), 0);
		ck_assert_uint_eq(lines_above_debug(decide(WISH_SET, WHY_COOLING_DOWN,
							   MEMORY_SOFT_LIMIT, 890)),
				  0);
	}
	says(decide(WISH_RELEASE, WHY_HOST_CALM, 0, 0), "6 we\\x0ab: memory: not squeezed");
}
END_TEST

static const char *overhead(uint64_t mib, bool runaway)
{
	struct memory_plan *m = &plan->guest[0].memory;

	m->overhead_kib = mib * 1024;
	m->overhead_bound_kib = UINT64_C(300) * 1024;
	m->runaway = runaway;
	return say();
}

START_TEST(a_runaway_is_said_once_until_it_is_well_below_its_bound)
{
	(void)overhead(300, false);
	says(overhead(301, true),
	     "4 we\\x0ab: memory: QEMU uses 301 MiB beyond its guest's memory, "
	     "and 300 MiB are to be expected ([memory] overhead_mib = 256");
	says(said, "emulation 44 MiB)");
	ck_assert_str_eq(overhead(5000, true), "");
	ck_assert_str_eq(overhead(300, false), "");
	ck_assert_str_eq(overhead(301, true), "");
	ck_assert_str_eq(overhead(271, false), "");
	says(overhead(270, false), "6 we\\x0ab: memory: QEMU uses 270 MiB");
	ck_assert_str_eq(overhead(1, false), "");
	says(overhead(301, true), "4 we\\x0ab: memory: QEMU uses 301 MiB");
}
END_TEST

START_TEST(a_guest_that_is_not_watched_has_not_come_back_to_its_bound)
{
	(void)overhead(301, true);
	plan->guest[0].memory.overhead_kib = plan->guest[0].memory.overhead_bound_kib = 0;
	plan->guest[0].memory.runaway = false;
	ck_assert_str_eq(say(), "");
	ck_assert_str_eq(overhead(301, true), "");
	plan->guest[0].incarnation++; /* another guest in its place */
	says(overhead(301, true), "4 we\\x0ab: memory: QEMU uses 301 MiB");
}
END_TEST

static const char *swap_free(uint64_t kib)
{
	host.swap_free_kib = kib;
	return say();
}

START_TEST(a_host_without_swap_is_said_once)
{
	static const char none[] = "6 memory: no swap: guest memory cannot be reclaimed";

	(void)say();
	ck_assert_str_eq(swap_free(64 * 1024), "");
	says(swap_free(64 * 1024 - 1), none);
	ck_assert_str_eq(swap_free(0), "");
	ck_assert_str_eq(swap_free(128 * 1024 - 1), "");
	ck_assert_str_eq(swap_free(0), "");
	says(swap_free(128 * 1024), "6 memory: there is swap with room");
	says(swap_free(0), none);
}
END_TEST

START_TEST(swap_is_of_no_interest_without_guests_or_without_the_loop)
{
	view->npresent = 0;
	(void)say();
	ck_assert_str_eq(swap_free(0), "");
	view->npresent = 1;
	conf.memory.mode = LOOP_OFF;
	ck_assert_str_eq(swap_free(0), "");
}
END_TEST

START_TEST(a_squeeze_is_said_when_it_begins_and_ends)
{
	(void)say();
	plan->memory = (struct memory_host_plan){ .squeezing = true,
						  .price = 0.834,
						  .deficit_kib = 2000 * 1024 };
	says(say(), "6 memory: idle guests are squeezed: price of memory 0.83, 2000 MiB still");
	plan->memory.price = 0.9;
	ck_assert_str_eq(say(), "");
	plan->memory = (struct memory_host_plan){ .price = 0.4 };
	says(say(), "6 memory: no guest is squeezed any more: price of memory 0.40, 0 MiB");
	ck_assert_str_eq(say(), "");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("verdict");
	TCase *c = tcase_create("memory");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_step_says_by_which_means);
	tcase_add_loop_test(c, a_guest_that_is_reclaimed_step_by_step_is_one_line, 0,
			    KT_ARRAY_LEN(pauses));
	tcase_add_test(c, a_limit_that_stays_is_one_line);
	tcase_add_test(c, a_runaway_is_said_once_until_it_is_well_below_its_bound);
	tcase_add_test(c, a_guest_that_is_not_watched_has_not_come_back_to_its_bound);
	tcase_add_test(c, a_host_without_swap_is_said_once);
	tcase_add_test(c, swap_is_of_no_interest_without_guests_or_without_the_loop);
	tcase_add_test(c, a_squeeze_is_said_when_it_begins_and_ends);
	suite_add_tcase(s, c);
	return kt_run(s);
}
