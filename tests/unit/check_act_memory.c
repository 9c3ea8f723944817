/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does a soft limit reach the guest once, and is it lifted, whatever order answers and
 * facts come in? */
#include "act_fixture.h"

enum { SLOT = 5, INCARNATION = 9 };

static const struct uuid uuid = { .byte = { 1, 2, 3 } };

/* This process stands in for the guest's; its entry below the root's /proc is made up. */
static void setup(void)
{
	setup_at(NULL);
	ck_assert_int_eq(mkdir(at(root, "proc"), 0755), 0);
	ck_assert_int_eq(mkdir(at(root, "proc/42"), 0755), 0);
	put(at(root, "proc/42/stat"),
	    "42 (a ) R 1) S 1 42 42 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 777 0 0\n");
	plan->nslots = SLOT + 1;
	plan->guest[SLOT] = (struct guest_plan){ .present = true,
						 .incarnation = INCARNATION,
						 .uuid = uuid,
						 .name = "db-1",
						 .pid = 42,
						 .start_ticks = 777,
						 .soft_limit_kib = KT_UNLIMITED_KIB };
}

static void bind(void)
{
	act_bind(act, SLOT, INCARNATION, &uuid, 42, 777);
}

static const struct guest_in_force *in_force(void)
{
	return &act_in_force(act)->guest[SLOT];
}

/* What libvirt's facts say, from the next plan on. */
static void fact(uint64_t kib)
{
	plan->guest[SLOT].soft_limit_kib = kib;
}

static void limit(uint64_t kib)
{
	plan->guest[SLOT].memory = (struct memory_plan){ .wish = WISH_SET,
							 .why = WHY_IDLEST_UNDER_PRESSURE,
							 .means = MEMORY_SOFT_LIMIT,
							 .target_kib = kib };
	act_apply(act, plan);
}

static void release(void)
{
	plan->guest[SLOT].memory =
		(struct memory_plan){ .wish = WISH_RELEASE, .why = WHY_HOST_CALM };
	act_apply(act, plan);
}

/* As it came: saved or migrated with a limit of a kvmtuned's. */
static void adopt(uint64_t kib, uint64_t original_kib)
{
	act_adopt_soft_limit(act, &uuid, kib, original_kib);
	fact(kib);
}

static void reply(uint64_t kib, int error)
{
	struct vm_reply answer = { .uuid = uuid, .error = error, .soft_limit_kib = kib };

	act_reply(act, &answer, 2000);
}

/* The only request since the last one, and libvirt did it. */
#define assert_asked(kib_)                                                                         \
	do {                                                                                       \
		ck_assert_uint_eq(nrequests, 1);                                                   \
		ck_assert(!request[0].is_pin);                                                     \
		ck_assert_uint_eq(request[0].kib, kib_);                                           \
		nrequests = 0;                                                                     \
	} while (0)

#define assert_done(kib_)                                                                          \
	do {                                                                                       \
		assert_asked(kib_);                                                                \
		reply(kib_, 0);                                                                    \
	} while (0)

START_TEST(a_limit_is_on_file_then_asked_for_then_in_force)
{
	const struct said *s;

	limit(1000000);
	ck_assert(request[0].was_on_file);
	ck_assert(in_force()->limit_pending && !in_force()->limited);
	limit(1000000);
	limit(900000); /* not before the answer */
	assert_asked(1000000);
	ck_assert_uint_eq(nsaid, 0);
	ck_assert_uint_eq(in_force()->pending_limit_kib, 1000000);

	reply(1000000, 0);
	ck_assert(!in_force()->limit_pending && in_force()->limited);
	ck_assert_uint_eq(in_force()->pending_limit_kib, 0);
	ck_assert_uint_eq(in_force()->soft_limit_kib, 1000000);
	s = the_one(LOG_MEMTUNE_CHANGED);
	ck_assert_str_eq(s->from, "unlimited");
	ck_assert_str_eq(s->to, "1000000 KiB");
	ck_assert_str_eq(s->reason, "idlest-under-pressure");
	limit(1000000);
	ck_assert_uint_eq(nrequests, 0);
}
END_TEST

START_TEST(the_original_is_the_first_one_and_comes_back)
{
	fact(5000000);
	limit(1000000);
	assert_done(1000000);
	fact(1000000);
	limit(900000);
	assert_done(900000);
	fact(900000);
	release();
	release();
	ck_assert(in_force()->limit_pending);
	ck_assert_uint_eq(in_force()->pending_limit_kib, 0);
	assert_done(5000000);
	ck_assert(!in_force()->limited);
	ck_assert_str_eq(the_one(LOG_RESTORED)->reason, "host-calm");
	fact(5000000);
	release();
	ck_assert_uint_eq(nrequests, 0);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

START_TEST(a_page_that_the_kernel_rounds_off_is_no_foreigner)
{
	limit(1000003);
	assert_asked(1000003);
	reply(1000000, 0);
	ck_assert_uint_eq(in_force()->soft_limit_kib, 1000000);
	fact(1000000);
	limit(1000003);
	limit(1000000);
	ck_assert_uint_eq(nrequests, 0);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}
END_TEST

START_TEST(hold_asks_for_nothing)
{
	limit(1000000);
	assert_done(1000000);
	plan->guest[SLOT].memory.wish = WISH_HOLD;
	fact(777);
	act_apply(act, plan);
	ck_assert_uint_eq(nrequests, 0);
	ck_assert(in_force()->limited);
}
END_TEST

/* ---- late facts and foreign ones --------------------------------------- */

START_TEST(facts_may_be_late)
{
	limit(1000000);
	assert_done(1000000);
	limit(900000); /* the fact is still "unlimited" */
	assert_done(900000);
	fact(1000000);
	limit(800000);
	assert_done(800000);
	limit(800000);
	fact(900000);
	limit(800000);
	fact(800000);
	limit(800000);
	ck_assert_uint_eq(nrequests, 0);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}
END_TEST

static const struct {
	uint64_t confirmed, foreign; /* facts */
	const char *what;
} foreign[] = {
	{ 1000000, 2000000, "another limit" },
	{ 1000000, 999900, "a little less" },
	{ 1000000, 1000001, "a little more" },
	{ 1000000, KT_UNLIMITED_KIB, "none, as before us, after a fact showed ours" },
	{ KT_UNLIMITED_KIB, 2000000, "another limit, before any fact showed ours" },
};

START_TEST(a_foreign_limit_is_ceded_once_and_stays)
{
	limit(1000000);
	assert_done(1000000);
	fact(foreign[_i].confirmed);
	limit(1000000);
	fact(foreign[_i].foreign);
	limit(900000);
	limit(800000);
	ck_assert_msg(in_force()->limit_ceded && !in_force()->limited, "%s", foreign[_i].what);
	ck_assert_int_eq(the_one(LOG_CEDED)->level, LOG_LEVEL_WARNING);
	release();
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert_msg(nrequests == 0, "%s", foreign[_i].what);
	ck_assert(!exists(at(run_dir, "undo")));

	act_forgive(act);
	limit(700000);
	assert_done(700000);
	release();
	assert_asked(foreign[_i].foreign);
}
END_TEST

START_TEST(an_answer_that_is_not_what_was_asked_is_somebody_elses)
{
	limit(1000000);
	assert_asked(1000000);
	reply(3000000, 0);
	ck_assert(in_force()->limit_ceded && !in_force()->limited);
	ck_assert_str_eq(the_one(LOG_CEDED)->to, "3000000 KiB");
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert_uint_eq(nrequests, 0);
}
END_TEST

START_TEST(a_foreign_limit_of_the_last_facts_is_seen_at_the_end)
{
	limit(1000000);
	assert_done(1000000);
	fact(1000000);
	limit(1000000);
	fact(2000000);
	plan->guest[SLOT].memory.wish = WISH_HOLD;
	act_apply(act, plan);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert_uint_eq(nrequests, 0);
	ck_assert_uint_eq(count_said(LOG_CEDED), 1);
}
END_TEST

START_TEST(a_lifted_limit_that_facts_still_show_is_no_original)
{
	limit(1000000);
	assert_done(1000000);
	fact(1000000);
	release();
	assert_done(KT_UNLIMITED_KIB);
	limit(900000);
	assert_done(900000);
	release();
	assert_done(KT_UNLIMITED_KIB);
}
END_TEST

/* ---- errors ------------------------------------------------------------ */

START_TEST(a_request_that_was_never_sent_is_sent_again)
{
	answer_now = -ENOTCONN;
	limit(1000000);
	make_old(at(run_dir, "undo"));
	limit(1000000);
	ck_assert(is_old(at(run_dir, "undo")));
	ck_assert(!in_force()->limit_pending);
	answer_now = 0;
	limit(1000000);
	assert_asked(1000000);
	reply(0, -ETIMEDOUT);
	limit(1000000);
	assert_done(1000000);
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 0);
}
END_TEST

START_TEST(what_was_never_sent_need_not_be_lifted)
{
	limit(1000000);
	assert_asked(1000000);
	reply(0, -ETIMEDOUT);
	release();
	ck_assert_uint_eq(nrequests, 0);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

START_TEST(a_lost_answer_may_have_been_a_yes)
{
	limit(1000000);
	assert_asked(1000000);
	reply(0, -ENOTCONN);
	ck_assert(exists(at(run_dir, "undo")));
	limit(1000000); /* the fact is of before */
	assert_asked(1000000);
	reply(0, -ENOTCONN);
	release();
	assert_done(KT_UNLIMITED_KIB);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}
END_TEST

/* The undo file names what may be in force; to ask for that again could squeeze a guest that
 * has grown since. */
START_TEST(after_a_lost_answer_another_limit_begins_with_none)
{
	limit(1000000);
	assert_asked(1000000);
	reply(0, -ENOTCONN);
	limit(1100000);
	assert_done(KT_UNLIMITED_KIB);
	ck_assert_str_eq(the_one(LOG_RESTORED)->from, "1000000 KiB");
	limit(1100000);
	assert_done(1100000);
	release();
	assert_done(KT_UNLIMITED_KIB);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}
END_TEST

START_TEST(what_a_fact_shows_after_a_lost_answer_is_not_asked_again)
{
	limit(1000000);
	assert_asked(1000000);
	reply(0, -ENOTCONN);
	fact(1000000);
	limit(1000000);
	ck_assert_uint_eq(nrequests, 0);
	ck_assert(in_force()->limited);
	limit(900000);
	assert_done(900000);
	release();
	assert_done(KT_UNLIMITED_KIB);
}
END_TEST

static void lose_the_answer_to_a_lift(void)
{
	limit(1000000);
	assert_done(1000000);
	fact(1000000);
	limit(1000000);
	release();
	assert_asked(KT_UNLIMITED_KIB);
	reply(0, -ENOTCONN);
}

START_TEST(a_lift_whose_answer_is_lost_is_seen_in_the_facts)
{
	lose_the_answer_to_a_lift();
	fact(KT_UNLIMITED_KIB);
	release();
	ck_assert_uint_eq(nrequests, 0);
	ck_assert(!in_force()->limited && !in_force()->limit_ceded);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	ck_assert(!exists(at(run_dir, "undo")));
	limit(900000);
	assert_done(900000);
}
END_TEST

START_TEST(or_asked_for_again)
{
	lose_the_answer_to_a_lift();
	release(); /* facts may be late */
	assert_done(KT_UNLIMITED_KIB);
	ck_assert(!in_force()->limited);
	ck_assert_uint_eq(act_restore(act, 0), 0);
}
END_TEST

START_TEST(a_limit_whose_lift_may_be_done_is_set_again)
{
	lose_the_answer_to_a_lift();
	limit(1000000);
	assert_done(1000000);
	ck_assert(in_force()->limited);
	fact(KT_UNLIMITED_KIB); /* late */
	limit(1000000);
	fact(1000000);
	limit(1000000);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	ck_assert_uint_eq(nrequests, 0);
}
END_TEST

START_TEST(facts_of_before_the_question_are_no_answer)
{
	limit(1000000);
	assert_asked(1000000);
	reply(0, -ENOTCONN);
	for (int i = 0; i < 3; i++) {
		release();
		assert_asked(KT_UNLIMITED_KIB);
		reply(0, -ENOTCONN);
	}
	ck_assert(exists(at(run_dir, "undo")));
	ck_assert_uint_eq(act_restore(act, 0), 1);
	assert_done(KT_UNLIMITED_KIB);
	ck_assert_uint_eq(act_restore(act, 0), 0);
}
END_TEST

START_TEST(nor_if_they_are_the_same)
{
	limit(1000000);
	assert_done(1000000);
	fact(1000000);
	limit(900000);
	assert_done(900000);
	limit(1000000); /* facts show the first one still */
	assert_asked(1000000);
	reply(0, -ENOTCONN);
	limit(1000000);
	assert_asked(1000000);
	reply(1000000, 0);
	fact(900000);
	limit(1000000);
	fact(1000000);
	limit(1000000);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	ck_assert_uint_eq(nrequests, 0);
}
END_TEST

START_TEST(somebody_elses_limit_is_seen_after_a_lost_answer)
{
	lose_the_answer_to_a_lift();
	fact(5000000);
	release();
	ck_assert_uint_eq(nrequests, 0);
	ck_assert_str_eq(the_one(LOG_CEDED)->to, "5000000 KiB");
}
END_TEST

START_TEST(a_lift_that_is_refused_by_the_queue_is_not_repeated)
{
	limit(1000000);
	assert_done(1000000);
	answer_now = -EINVAL;
	release();
	answer_now = 0;
	release();
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert_uint_eq(nrequests, 0);
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 1);
	ck_assert(exists(at(run_dir, "undo")));
	act_forgive(act);
	release();
	assert_done(KT_UNLIMITED_KIB);
}
END_TEST

START_TEST(a_lift_that_ends_elsewhere_is_somebody_elses)
{
	limit(1000000);
	assert_done(1000000);
	release();
	assert_asked(KT_UNLIMITED_KIB);
	reply(4000000, 0);
	ck_assert_str_eq(the_one(LOG_CEDED)->to, "4000000 KiB");
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert_uint_eq(nrequests, 0);
}
END_TEST

START_TEST(an_answer_that_nobody_waits_for_is_ignored)
{
	struct uuid other = uuid;

	bind();
	reply(1000000, 0);
	reply(0, -EIO);
	ck_assert(!in_force()->limited && !in_force()->limit_off);
	other.byte[15] = 1;
	act_reply(act, &(struct vm_reply){ .uuid = other, .soft_limit_kib = 1 }, 1);
	act_forget(act, &other);
	ck_assert_uint_eq(nsaid, 0);
}
END_TEST

START_TEST(a_limit_of_a_guest_that_libvirt_loses_is_told_of)
{
	limit(1000000);
	assert_done(1000000);
	act_forget(act, &uuid);
	ck_assert_str_eq(the_one(LOG_WRITE_REFUSED)->reason, "guest-lost");
	ck_assert_ptr_nonnull(strstr(the_one(LOG_WRITE_REFUSED)->message, "process (42) lives"));
	ck_assert_uint_eq(act_restore(act, 0), 0);
}
END_TEST

START_TEST(a_limit_of_a_guest_that_has_gone_went_with_it)
{
	limit(1000000);
	assert_done(1000000);
	ck_assert_int_eq(unlink(at(root, "proc/42/stat")), 0);
	nsaid = 0;
	act_forget(act, &uuid);
	ck_assert_uint_eq(nsaid, 0);
}
END_TEST

START_TEST(a_guest_that_is_not_there_is_left_alone)
{
	plan->guest[SLOT].present = false;
	limit(1000000);
	ck_assert_uint_eq(nrequests, 0);
	plan->guest[SLOT].present = true;
	plan->nslots = SLOT;
	limit(1000000);
	ck_assert_uint_eq(nrequests, 0);
}
END_TEST

START_TEST(a_refusal_is_said_once_and_ends_it)
{
	limit(1000000);
	assert_asked(1000000);
	reply(0, -ENOTSUP);
	limit(900000);
	limit(800000);
	ck_assert_uint_eq(nrequests, 0);
	ck_assert(in_force()->limit_off && !in_force()->limited);
	ck_assert_int_eq(the_one(LOG_WRITE_REFUSED)->error, ENOTSUP);
	ck_assert(!exists(at(run_dir, "undo")));
	act_forgive(act);
	limit(900000);
	assert_done(900000);
}
END_TEST

START_TEST(what_was_set_before_a_refusal_is_given_back)
{
	limit(1000000);
	assert_done(1000000);
	fact(1000000);
	limit(900000);
	assert_asked(900000);
	reply(0, -EIO);
	ck_assert(in_force()->limit_off && in_force()->limited);
	release();
	assert_done(KT_UNLIMITED_KIB);
	ck_assert(!in_force()->limited);
}
END_TEST

START_TEST(a_refused_request_is_a_refusal_too)
{
	answer_now = -EINVAL;
	limit(0);
	limit(0);
	ck_assert(in_force()->limit_off);
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 1);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

START_TEST(an_original_that_is_refused_stays_on_file)
{
	limit(1000000);
	assert_done(1000000);
	ck_assert_uint_eq(act_restore(act, 0), 1);
	assert_asked(KT_UNLIMITED_KIB);
	reply(0, -EIO);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert_uint_eq(nrequests, 0);
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 1);
	ck_assert_int_eq(act_again(), 1);
	ck_assert_uint_eq(act_restore(act, 0), 1);
	assert_done(KT_UNLIMITED_KIB);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

START_TEST(a_guest_that_has_gone_is_nobodys_error)
{
	limit(1000000);
	assert_done(1000000);
	limit(900000);
	reply(0, -ENOENT); /* only libvirt does not know it */
	ck_assert(in_force()->limited && !in_force()->limit_off);
	limit(900000);
	ck_assert_int_eq(unlink(at(root, "proc/42/stat")), 0);
	reply(0, -ENOENT);
	ck_assert(!in_force()->limited && !in_force()->limit_off && !in_force()->limit_pending);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

START_TEST(what_cannot_be_remembered_is_not_asked_for)
{
	ck_assert_int_eq(mkdir(at(run_dir, "undo.tmp"), 0700), 0);
	limit(1000000);
	ck_assert_uint_eq(nrequests, 0);
	ck_assert(!in_force()->limit_pending);
	ck_assert_int_eq(rmdir(at(run_dir, "undo.tmp")), 0);
	limit(1000000);
	assert_done(1000000);
	release();
	assert_done(KT_UNLIMITED_KIB);
}
END_TEST

static void limit_by_dry_run(uint64_t kib)
{
	plan->guest[SLOT].memory = (struct memory_plan){ .wish = WISH_SET,
							 .why = WHY_IDLEST_UNDER_PRESSURE,
							 .dry_run = true,
							 .means = MEMORY_SOFT_LIMIT,
							 .target_kib = kib };
	act_apply(act, plan);
}

static void release_by_dry_run(void)
{
	plan->guest[SLOT].memory = (struct memory_plan){ .wish = WISH_RELEASE, .dry_run = true };
	act_apply(act, plan);
}

static void hold(void)
{
	plan->guest[SLOT].memory.wish = WISH_HOLD;
	act_apply(act, plan);
}

START_TEST(a_dry_run_asks_for_nothing_and_repeats_nothing)
{
	limit_by_dry_run(1000000);
	limit_by_dry_run(1000000);
	ck_assert_uint_eq(nrequests, 0);
	ck_assert(!exists(at(run_dir, "undo")));
	ck_assert(the_one(LOG_MEMTUNE_CHANGED)->dry_run);
	ck_assert_str_eq(the_one(LOG_MEMTUNE_CHANGED)->to, "1000000 KiB");
	ck_assert_str_eq(the_one(LOG_MEMTUNE_CHANGED)->reason, "idlest-under-pressure");
}
END_TEST

/* Usage changes all the time, and with it the target of a step that is never made. */
START_TEST(a_dry_run_tells_once_until_it_would_let_go)
{
	for (uint64_t kib = 1000000; kib > 999000; kib -= 64) {
		limit_by_dry_run(kib);
		hold();
	}
	ck_assert_uint_eq(nsaid, 1);
	release_by_dry_run();
	ck_assert_uint_eq(nsaid, 1);
	limit_by_dry_run(1000000);
	ck_assert_uint_eq(nsaid, 2);
}
END_TEST

/* Else a squeeze of a thousand guests would be 160 lines a second. */
/* As after a reload: nobody would lift it when it does harm. */
START_TEST(a_limit_that_is_only_observed_is_lifted)
{
	limit(1000000);
	assert_done(1000000);
	fact(1000000);
	plan->guest[SLOT].memory = (struct memory_plan){ .wish = WISH_HOLD, .dry_run = true };
	act_apply(act, plan);
	assert_done(KT_UNLIMITED_KIB);
	ck_assert(!in_force()->limited);
	ck_assert_str_eq(the_one(LOG_RESTORED)->reason, "switched-off");
	act_apply(act, plan);
	ck_assert_uint_eq(nrequests, 0);
}
END_TEST

START_TEST(the_first_limit_is_told_and_its_end)
{
	for (uint64_t kib = 1000000; kib > 900000; kib -= 10000) {
		limit(kib);
		assert_done(kib);
		fact(kib);
		ck_assert_int_eq(said[nsaid - 1].id, LOG_MEMTUNE_CHANGED);
		ck_assert_int_eq(said[nsaid - 1].level,
				 nsaid == 1 ? LOG_LEVEL_NOTICE : LOG_LEVEL_DEBUG);
	}
	release();
	assert_done(KT_UNLIMITED_KIB);
	ck_assert_int_eq(the_one(LOG_RESTORED)->level, LOG_LEVEL_NOTICE);
	ck_assert_str_eq(the_one(LOG_RESTORED)->from, "910000 KiB");
}
END_TEST

/* ---- lives ------------------------------------------------------------- */

static const struct {
	uint64_t fact;
	bool ceded;
	size_t asked; /* by the same plan */
	const char *what;
} found[] = {
	{ 900000, false, 0, "as asked for" },
	{ 1000000, false, 1, "as before the last request: it was never done" },
	{ KT_UNLIMITED_KIB, false, 1, "as in the beginning" },
	{ 2000000, true, 0, "somebody else's" },
};

START_TEST(a_restart_believes_libvirts_first_fact)
{
	limit(1000000);
	assert_done(1000000);
	limit(900000);
	assert_asked(900000); /* and then the daemon dies */
	ck_assert_int_eq(act_again(), 1);
	bind();
	ck_assert(in_force()->limited);
	ck_assert_uint_eq(in_force()->soft_limit_kib, 900000);
	fact(found[_i].fact);
	limit(900000);
	ck_assert_msg(nrequests == found[_i].asked, "%s", found[_i].what);
	ck_assert_msg(in_force()->limit_ceded == found[_i].ceded, "%s", found[_i].what);
	for (size_t i = 0; i < nrequests; i++)
		reply(900000, 0);
	nrequests = 0;
	ck_assert_uint_eq(act_restore(act, 0), !found[_i].ceded);
	if (!found[_i].ceded)
		assert_done(KT_UNLIMITED_KIB);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

START_TEST(a_limit_comes_back_without_any_plan)
{
	limit(1000000);
	assert_done(1000000);
	ck_assert_int_eq(act_again(), 1);
	answer_now = -ENOTCONN;
	ck_assert_uint_eq(act_restore(act, 0), 1);
	answer_now = 0;
	ck_assert_uint_eq(act_restore(act, 0), 1);
	assert_done(KT_UNLIMITED_KIB);
	ck_assert_uint_eq(act_restore(act, 0), 0);
}
END_TEST

START_TEST(a_restore_without_any_plan_leaves_what_libvirt_says_is_somebody_elses)
{
	limit(1000000);
	assert_done(1000000);
	ck_assert_int_eq(act_again(), 1);
	ck_assert(act_owes(act));
	answer_now = -ENOTCONN;
	ck_assert_uint_eq(act_restore(act, 0), 1);
	answer_now = 0;
	act_note_soft_limit(act, &uuid, 2000000);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert_uint_eq(nrequests, 0);
	ck_assert(!act_owes(act));
}
END_TEST

START_TEST(a_guest_that_went_between_two_lives_is_dropped)
{
	limit(1000000);
	assert_done(1000000);
	put(at(root, "proc/42/stat"),
	    "42 (another) S 1 42 42 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 778 0 0\n");
	ck_assert_int_eq(act_again(), 0);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert_uint_eq(nrequests, 0);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

START_TEST(a_guest_not_sampled_yet_keeps_what_is_in_force)
{
	limit(1000000);
	assert_done(1000000);
	ck_assert_int_eq(act_again(), 1);
	act_bind(act, SLOT, INCARNATION, &uuid, 0, 0);
	ck_assert(in_force()->limited);
	act_bind(act, SLOT, INCARNATION, &uuid, 42, 777);
	ck_assert(in_force()->limited);
	act_bind(act, SLOT, INCARNATION + 1, &uuid, 42, 778);
	ck_assert(!in_force()->limited);
}
END_TEST

START_TEST(a_slot_shows_its_own_guest_only)
{
	struct uuid other = { .byte = { 9 } };

	limit(1000000);
	assert_done(1000000);
	act_bind(act, SLOT, INCARNATION + 1, &other, 50, 1);
	ck_assert(!in_force()->limited);
	ck_assert_uint_eq(in_force()->incarnation, INCARNATION + 1);
	act_bind(act, SLOT + 1, INCARNATION, &uuid, 42, 777);
	ck_assert(act_in_force(act)->guest[SLOT + 1].limited);
	act_bind(act, KT_GUESTS_MAX, 1, &uuid, 42, 777);
	act_bind(act, SLOT, INCARNATION, &uuid, 42, 777);
	ck_assert(in_force()->limited);
	ck_assert(!act_in_force(act)->guest[SLOT + 1].limited);
}
END_TEST

/* ---- limits that came along --------------------------------------------- */

START_TEST(a_limit_that_came_along_is_ours)
{
	bind();
	adopt(1000000, 5000000);
	ck_assert(in_force()->limited);
	ck_assert_uint_eq(in_force()->soft_limit_kib, 1000000);
	limit(1000000);
	ck_assert_uint_eq(nrequests, 0);
	ck_assert(exists(at(run_dir, "undo")));
	limit(900000);
	assert_done(900000);
	adopt(900000, 6000000); /* as the facts say again and again */
	release();
	assert_done(5000000);
	ck_assert(!in_force()->limited);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	adopt(900000, 5000000); /* late */
	release();
	ck_assert_uint_eq(nrequests, 0);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

START_TEST(a_limit_that_came_along_is_lifted_by_the_next_life)
{
	bind();
	adopt(1000000, KT_UNLIMITED_KIB);
	plan->guest[SLOT].memory.wish = WISH_HOLD;
	act_apply(act, plan);
	ck_assert_int_eq(act_again(), 1);
	ck_assert_uint_eq(act_restore(act, 0), 1);
	assert_done(KT_UNLIMITED_KIB);
	ck_assert_uint_eq(act_restore(act, 0), 0);
}
END_TEST

START_TEST(a_limit_that_came_along_and_was_changed_since_is_somebody_elses)
{
	bind();
	adopt(1000000, KT_UNLIMITED_KIB);
	fact(2000000);
	release();
	ck_assert_uint_eq(nrequests, 0);
	ck_assert_str_eq(the_one(LOG_CEDED)->to, "2000000 KiB");
	adopt(2000000, KT_UNLIMITED_KIB);
	ck_assert(!in_force()->limited && !act_owes(act));
}
END_TEST

static void adopt_a_limit_of_a_stranger(void)
{
	act_adopt_soft_limit(act, &(struct uuid){ .byte = { 7 } }, 1000000, KT_UNLIMITED_KIB);
}

static void adopt_what_is_no_limit(void)
{
	bind();
	adopt(1000000, 1000000);
}

static void adopt_before_the_process_is_known(void)
{
	act_bind(act, SLOT, INCARNATION, &uuid, 0, 0);
	adopt(1000000, KT_UNLIMITED_KIB);
}

static void adopt_without_an_undo_file(void)
{
	act_ends();
	ck_assert_int_eq(act_new(&fs, NULL, &ops, &act), 0);
	bind();
	adopt(1000000, KT_UNLIMITED_KIB);
}

static void (*const not_adopted[])(void) = { adopt_a_limit_of_a_stranger, adopt_what_is_no_limit,
					     adopt_before_the_process_is_known,
					     adopt_without_an_undo_file };

START_TEST(what_cannot_be_undone_is_not_adopted)
{
	not_adopted[_i]();
	ck_assert(!in_force()->limited && !act_owes(act));
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert_uint_eq(nrequests, 0);
}
END_TEST

START_TEST(a_refusal_that_was_none_can_be_adopted)
{
	limit(1000000);
	assert_asked(1000000);
	reply(0, -EIO);
	ck_assert(!in_force()->limited);
	adopt(1000000, KT_UNLIMITED_KIB); /* the facts and the mark agree */
	release();
	assert_done(KT_UNLIMITED_KIB);
}
END_TEST

START_TEST(of_a_guest_that_was_saved_nothing_is_on_file)
{
	bind();
	adopt(1000000, KT_UNLIMITED_KIB);
	limit(900000);
	ck_assert(exists(at(run_dir, "undo")));
	ck_assert_int_eq(unlink(at(root, "proc/42/stat")), 0);
	act_forget(act, &uuid);
	plan->guest[SLOT].present = false;
	act_apply(act, plan);
	ck_assert(!exists(at(run_dir, "undo")));
	ck_assert_uint_eq(nsaid, 0);

	put(at(root, "proc/42/stat"), /* it is resumed, in another process */
	    "42 (a) R 1 42 42 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 999 0 0\n");
	act_bind(act, SLOT, INCARNATION + 1, &uuid, 42, 999);
	adopt(1000000, KT_UNLIMITED_KIB);
	ck_assert(in_force()->limited);
}
END_TEST

static void add_adoption(TCase *c)
{
	tcase_add_test(c, a_limit_that_came_along_is_ours);
	tcase_add_test(c, a_limit_that_came_along_is_lifted_by_the_next_life);
	tcase_add_test(c, a_limit_that_came_along_and_was_changed_since_is_somebody_elses);
	tcase_add_loop_test(c, what_cannot_be_undone_is_not_adopted, 0, KT_ARRAY_LEN(not_adopted));
	tcase_add_test(c, a_refusal_that_was_none_can_be_adopted);
	tcase_add_test(c, of_a_guest_that_was_saved_nothing_is_on_file);
}

int main(void)
{
	Suite *s = suite_create("act_memory");
	TCase *c = tcase_create("limit");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_limit_is_on_file_then_asked_for_then_in_force);
	tcase_add_test(c, the_original_is_the_first_one_and_comes_back);
	tcase_add_test(c, a_page_that_the_kernel_rounds_off_is_no_foreigner);
	tcase_add_test(c, hold_asks_for_nothing);
	tcase_add_test(c, facts_may_be_late);
	tcase_add_loop_test(c, a_foreign_limit_is_ceded_once_and_stays, 0, KT_ARRAY_LEN(foreign));
	tcase_add_test(c, an_answer_that_is_not_what_was_asked_is_somebody_elses);
	tcase_add_test(c, a_foreign_limit_of_the_last_facts_is_seen_at_the_end);
	tcase_add_test(c, a_lifted_limit_that_facts_still_show_is_no_original);
	tcase_add_test(c, a_request_that_was_never_sent_is_sent_again);
	tcase_add_test(c, what_was_never_sent_need_not_be_lifted);
	tcase_add_test(c, a_lost_answer_may_have_been_a_yes);
	tcase_add_test(c, after_a_lost_answer_another_limit_begins_with_none);
	tcase_add_test(c, what_a_fact_shows_after_a_lost_answer_is_not_asked_again);
	tcase_add_test(c, a_lift_whose_answer_is_lost_is_seen_in_the_facts);
	tcase_add_test(c, or_asked_for_again);
	tcase_add_test(c, a_limit_whose_lift_may_be_done_is_set_again);
	tcase_add_test(c, facts_of_before_the_question_are_no_answer);
	tcase_add_test(c, nor_if_they_are_the_same);
	tcase_add_test(c, somebody_elses_limit_is_seen_after_a_lost_answer);
	tcase_add_test(c, a_lift_that_is_refused_by_the_queue_is_not_repeated);
	tcase_add_test(c, a_lift_that_ends_elsewhere_is_somebody_elses);
	tcase_add_test(c, an_answer_that_nobody_waits_for_is_ignored);
	tcase_add_test(c, a_limit_of_a_guest_that_libvirt_loses_is_told_of);
	tcase_add_test(c, a_limit_of_a_guest_that_has_gone_went_with_it);
	tcase_add_test(c, a_guest_that_is_not_there_is_left_alone);
	tcase_add_test(c, a_refusal_is_said_once_and_ends_it);
	tcase_add_test(c, what_was_set_before_a_refusal_is_given_back);
	tcase_add_test(c, a_refused_request_is_a_refusal_too);
	tcase_add_test(c, an_original_that_is_refused_stays_on_file);
	tcase_add_test(c, a_guest_that_has_gone_is_nobodys_error);
	tcase_add_test(c, what_cannot_be_remembered_is_not_asked_for);
	tcase_add_test(c, a_dry_run_asks_for_nothing_and_repeats_nothing);
	tcase_add_test(c, a_dry_run_tells_once_until_it_would_let_go);
	tcase_add_test(c, a_limit_that_is_only_observed_is_lifted);
	tcase_add_test(c, the_first_limit_is_told_and_its_end);
	tcase_add_loop_test(c, a_restart_believes_libvirts_first_fact, 0, KT_ARRAY_LEN(found));
	tcase_add_test(c, a_limit_comes_back_without_any_plan);
	tcase_add_test(c, a_restore_without_any_plan_leaves_what_libvirt_says_is_somebody_elses);
	tcase_add_test(c, a_guest_that_went_between_two_lives_is_dropped);
	tcase_add_test(c, a_guest_not_sampled_yet_keeps_what_is_in_force);
	tcase_add_test(c, a_slot_shows_its_own_guest_only);
	add_adoption(c);
	suite_add_tcase(s, c);
	return kt_run(s);
}
