/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Are all of KSM's files written in the one order that does no harm, and said as loudly as
 * they deserve?  And what if we die on the way? */
#include "ksm_kernel.h"

#define ALL           "advisor_mode merge_across_nodes use_zero_pages smart_scan " SPEED
#define SPEED         "pages_to_scan sleep_millisecs run "
#define ALL_BACK      "run sleep_millisecs pages_to_scan " SWITCHES_BACK
#define SWITCHES_BACK "smart_scan use_zero_pages merge_across_nodes advisor_mode "

static void apply_all(void)
{
	wish(true, 1250, 10);
	plan->ksm.sweep = plan->ksm.stops_advisor = true;
	plan->ksm.use_zero_pages = KSM_SWITCH_ON;
	plan->ksm.merge_across_nodes = KSM_SWITCH_OFF;
	apply();
}

/* 800 is what the advisor has come to. */
static void put_advisor(void)
{
	put(knob("advisor_mode"), "none [scan-time]\n");
	put(knob("pages_to_scan"), "800\n");
}

static void assert_originals(void)
{
	assert_file("run", "0\n");
	assert_file("sleep_millisecs", "20\n");
	assert_file("smart_scan", "1\n");
	assert_file("use_zero_pages", "0\n");
	assert_file("merge_across_nodes", "1\n");
}

START_TEST(a_scan_starts_last_and_stops_first)
{
	put_advisor();
	apply_all();
	assert_written(ALL);
	assert_file("pages_to_scan", "1250\n");
	ck_assert_str_eq(the_one(LOG_KSM_CHANGED)->to,
			 "run=1 pages_to_scan=1250 sleep_millisecs=10 smart_scan=0 "
			 "advisor_mode=none merge_across_nodes=0 use_zero_pages=1");
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_written(ALL_BACK);
	assert_originals();
	assert_file("advisor_mode", "none [scan-time]\n");
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

START_TEST(a_refusal_half_way_leaves_the_switches_restorable)
{
	put_advisor();
	kernel.refuse = "pages_to_scan";
	kernel.error = EINVAL;
	apply_all();
	ck_assert(act_in_force(act)->ksm.off && act_in_force(act)->ksm.sweeping);
	ck_assert(undo_names("ksm smart_scan") && !undo_names("ksm pages_to_scan"));
	ck_assert_ptr_nonnull(strstr(the_one(LOG_WRITE_REFUSED)->message, "advisor_mode is not"));
	assert_file("run", "0\n");
	kernel.written[0] = '\0';
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_written(SWITCHES_BACK);
	assert_originals();
}
END_TEST

START_TEST(only_the_sweep_ends_when_it_ends)
{
	apply_all();
	kernel.written[0] = '\0';
	plan->ksm.sweep = false;
	apply();
	assert_written("smart_scan ");
	ck_assert(act_in_force(act)->ksm.ours && !act_in_force(act)->ksm.sweeping);
	ck_assert(undo_names("ksm use_zero_pages") && !undo_names("ksm smart_scan"));
}
END_TEST

/* The kernel has set pages_to_scan to 100 on the way. */
START_TEST(the_speed_is_written_again_when_the_advisor_stops)
{
	put(knob("advisor_mode"), "none [scan-time]\n");
	put(knob("pages_to_scan"), "1250\n");
	put(knob("sleep_millisecs"), "10\n");
	put(knob("run"), "1\n");
	wish(true, 1250, 10);
	plan->ksm.stops_advisor = true;
	apply();
	assert_written("advisor_mode pages_to_scan ");
	assert_file("pages_to_scan", "1250\n");
	apply();
	assert_written("");
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}
END_TEST

/* As when the administrator leaves KSM to the advisor again and reloads: from then on its
 * speed is nobody else's. */
START_TEST(an_advisor_that_is_back_while_ksm_runs_has_its_speed)
{
	put_advisor();
	wish(true, 1250, 10);
	plan->ksm.stops_advisor = true;
	apply();
	plan->ksm.stops_advisor = false;
	apply();
	assert_file("advisor_mode", "none [scan-time]\n");
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 0);
	ck_assert(!act_in_force(act)->ksm.off && !act_in_force(act)->ksm.advisor_stopped);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 0);
	assert_file("run", "0\n");
}
END_TEST

/* And so it is when it could not be given back before. */
START_TEST(a_speed_that_is_kept_goes_to_the_advisor_that_is_back)
{
	static const char *const speed[] = { "500\n", "1250\n", "100\n", "500\n" };

	put_advisor();
	wish(true, 1250, 10);
	plan->ksm.stops_advisor = true;
	apply();
	kernel.refuse = "pages_to_scan";
	kernel.error = EIO;
	(void)act_restore(act, 0);
	assert_file("advisor_mode", "none [scan-time]\n");
	kernel.refuse = NULL;
	plan->now_ns += 60 * KT_NS_PER_S;
	plan->ksm.run = _i < 2;
	for (int i = 0; i < _i % 3; i++)
		apply();
	if (_i == 3)
		ck_assert_int_eq(act_again(), 0);
	assert_file("pages_to_scan", speed[_i]);
	ck_assert_uint_eq(act_restore(act, plan->now_ns), 0);
	ck_assert(!act_owes(act) && !exists(at(run_dir, "undo")));
	assert_file("pages_to_scan", "500\n");
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}
END_TEST

START_TEST(nor_is_it_somebody_elses_before_the_advisor_is_seen)
{
	put_advisor();
	wish(true, 1250, 10);
	plan->ksm.stops_advisor = true;
	apply();
	kernel.refuse = "pages_to_scan";
	kernel.error = EIO;
	kernel.garbles = "advisor_mode";
	(void)act_restore(act, 0);
	assert_file("pages_to_scan", "500\n");
	ck_assert(act_owes(act));
	kernel.refuse = kernel.garbles = NULL;
	for (int i = _i; i < 2; i++) {
		plan->now_ns += 60 * KT_NS_PER_S;
		if (i == 1)
			put(knob("advisor_mode"), "none [scan-time]\n");
		(void)act_restore(act, plan->now_ns);
		assert_file("pages_to_scan", "500\n");
	}
	ck_assert(!act_owes(act) && !exists(at(run_dir, "undo")));
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}
END_TEST

/* Something was merged after we looked: the next plan looks again. */
START_TEST(a_setting_that_is_busy_is_asked_for_again)
{
	kernel.merges_meanwhile = true;
	wish(true, 1250, 10);
	plan->ksm.merge_across_nodes = KSM_SWITCH_OFF;
	apply();
	ck_assert(!act_in_force(act)->ksm.off);
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 0);
	assert_file("run", "1\n");
	assert_file("merge_across_nodes", "1\n");
	kernel.merges_meanwhile = false;
	apply();
	assert_file("merge_across_nodes", "0\n");
	ck_assert(undo_names("ksm merge_across_nodes 1 1 0\n"));
}
END_TEST

START_TEST(a_setting_that_is_busy_leaves_nothing_on_file)
{
	kernel.merges_meanwhile = true;
	wish(false, 100, 20);
	plan->ksm.merge_across_nodes = KSM_SWITCH_OFF;
	apply();
	ck_assert(!act_owes(act));
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

/* ---- how loud ---------------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum log_level level;
	struct ksm_plan plan; /* after 1250 pages every 10 ms for want of memory */
} changes[] = {
	{ "speed",
	  LOG_LEVEL_DEBUG,
	  { .why = WHY_MEMORY_SHORT, .run = true, .pages_to_scan = 950 } },
	{ "pause",
	  LOG_LEVEL_DEBUG,
	  { .why = WHY_MEMORY_SHORT, .run = true, .pages_to_scan = 1250, .sleep_ms = 30 } },
	{ "speed, for another reason",
	  LOG_LEVEL_NOTICE,
	  { .why = WHY_BURST, .run = true, .pages_to_scan = 950 } },
	{ "speed, and a sweep",
	  LOG_LEVEL_NOTICE,
	  { .why = WHY_MEMORY_SHORT, .run = true, .pages_to_scan = 950, .sweep = true } },
	{ "zero pages",
	  LOG_LEVEL_NOTICE,
	  { .why = WHY_MEMORY_SHORT, .run = true, .use_zero_pages = KSM_SWITCH_ON } },
	{ "a stop", LOG_LEVEL_NOTICE, { .why = WHY_MEMORY_SHORT } },
	/* 2 means something in run, and nothing here */
	{ "two pages",
	  LOG_LEVEL_DEBUG,
	  { .why = WHY_MEMORY_SHORT, .run = true, .pages_to_scan = 2 } },
	{ "a pause of two",
	  LOG_LEVEL_DEBUG,
	  { .why = WHY_MEMORY_SHORT, .run = true, .sleep_ms = 2 } },
};

START_TEST(mere_speed_is_a_detail)
{
	log_set_level(LOG_LEVEL_DEBUG);
	wish(true, 1250, 10);
	apply();
	ck_assert_int_eq(the_one(LOG_KSM_CHANGED)->level, LOG_LEVEL_NOTICE);
	nsaid = 0;
	plan->ksm = changes[_i].plan;
	plan->ksm.wish = WISH_SET;
	plan->ksm.pages_to_scan = plan->ksm.pages_to_scan ? plan->ksm.pages_to_scan : 1250;
	plan->ksm.sleep_ms = plan->ksm.sleep_ms ? plan->ksm.sleep_ms : 10;
	apply();
	ck_assert_msg(nsaid == 1, "%s: %zu events", changes[_i].name, nsaid);
	ck_assert_msg(said[0].level == changes[_i].level, "%s: level %d", changes[_i].name,
		      said[0].level);
}
END_TEST

/* ---- death at every write ------------------------------------------------------------------ */

static void all_is_back(void)
{
	ck_assert_int_ge(act_again(), 0);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_originals();
	ck_assert(!exists(at(run_dir, "undo")));
	ck_assert(!exists(at(run_dir, "undo.bad")));
}

START_TEST(who_dies_in_a_start_leaves_all_restorable)
{
	ck_assert(dies_at_write(_i, apply_all) == (_i <= 6)); /* without an advisor */
	all_is_back();
	assert_file("pages_to_scan", "100\n");
}
END_TEST

START_TEST(who_dies_in_restoring_leaves_all_restorable)
{
	apply_all();
	ck_assert(dies_at_write(_i, restore) == (_i <= 6));
	all_is_back();
	assert_file("pages_to_scan", "100\n");
}
END_TEST

START_TEST(who_dies_while_the_advisor_stops_leaves_all_restorable)
{
	put_advisor();
	ck_assert(dies_at_write(_i, apply_all) == (_i <= 7));
	all_is_back();
	assert_file("advisor_mode", "none [scan-time]\n");
}
END_TEST

START_TEST(who_dies_while_the_advisor_returns_leaves_all_restorable)
{
	put_advisor();
	apply_all();
	ck_assert(dies_at_write(_i, restore) == (_i <= 7));
	all_is_back();
	assert_file("advisor_mode", "none [scan-time]\n");
}
END_TEST

/* All is back, pages_to_scan is the advisor's, and the undo file does not know. */
START_TEST(who_dies_before_the_file_goes_leaves_the_advisor_its_speed)
{
	char undo[1024];

	put_advisor();
	apply_all();
	(void)get(at(run_dir, "undo"), undo, sizeof undo);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	put(at(run_dir, "undo"), undo);
	all_is_back();
	assert_file("pages_to_scan", "500\n");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("act_ksm_order");
	TCase *c = tcase_create("order");

	tcase_add_checked_fixture(c, setup_kernel, teardown_kernel);
	tcase_add_test(c, a_scan_starts_last_and_stops_first);
	tcase_add_test(c, a_refusal_half_way_leaves_the_switches_restorable);
	tcase_add_test(c, only_the_sweep_ends_when_it_ends);
	tcase_add_test(c, the_speed_is_written_again_when_the_advisor_stops);
	tcase_add_test(c, an_advisor_that_is_back_while_ksm_runs_has_its_speed);
	tcase_add_loop_test(c, a_speed_that_is_kept_goes_to_the_advisor_that_is_back, 0, 4);
	tcase_add_loop_test(c, nor_is_it_somebody_elses_before_the_advisor_is_seen, 0, 2);
	tcase_add_test(c, a_setting_that_is_busy_is_asked_for_again);
	tcase_add_test(c, a_setting_that_is_busy_leaves_nothing_on_file);
	tcase_add_loop_test(c, mere_speed_is_a_detail, 0, KT_ARRAY_LEN(changes));
	tcase_add_loop_test(c, who_dies_in_a_start_leaves_all_restorable, 1, 8);
	tcase_add_loop_test(c, who_dies_in_restoring_leaves_all_restorable, 1, 8);
	tcase_add_loop_test(c, who_dies_while_the_advisor_stops_leaves_all_restorable, 1, 9);
	tcase_add_loop_test(c, who_dies_while_the_advisor_returns_leaves_all_restorable, 1, 8);
	tcase_add_test(c, who_dies_before_the_file_goes_leaves_the_advisor_its_speed);
	suite_add_tcase(s, c);
	return kt_run(s);
}
