/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is a pin, a limit and its original safe whatever request for memory fails?  The threads and
 * the kernel that moves them are real. */
#include "nomem.h"

#include "act_guest.h"

static char good[4096];

static void set_limit(void)
{
	plan->guest[SLOT].memory = (struct memory_plan){ .wish = WISH_SET,
							 .means = MEMORY_SOFT_LIMIT,
							 .target_kib = 1000000 };
}

static size_t errors_said(void)
{
	size_t n = 0;

	for (size_t i = 0; i < nsaid; i++)
		n += said[i].level <= LOG_LEVEL_ERR;
	return n;
}

/* ---- the undo file is read ------------------------------------------------------------- */

static void write_good(void)
{
	set_limit();
	pin_to_first();
	(void)get(at(run_dir, "undo"), good, sizeof good);
	act_ends();
}

/* A line is understood or the file is refused; but what there was no memory for is neither. */
START_TEST(originals_on_file_are_not_thrown_away)
{
	unsigned int nfailed = 1;
	char text[sizeof good];
	int r = 0;

	write_good();
	for (long at_ = 1; nfailed > 0; at_++) {
		act_begins();
		nomem_begin(at_, (enum nomem_kind)_i);
		r = act_load(act);
		nfailed = nomem_end();
		ck_assert_msg(r == -ENOMEM || r == THREADS + 1, "request %ld: %d", at_, r);
		ck_assert_msg(exists(at(run_dir, "undo")), "request %ld", at_);
		ck_assert_msg(!exists(at(run_dir, "undo.bad")), "request %ld", at_);
		(void)get(at(run_dir, "undo"), text, sizeof text);
		ck_assert_str_eq(text, good);
		if (nfailed > 0)
			act_ends();
	}
	ck_assert_int_eq(r, THREADS + 1);
	bind();
	ck_assert_uint_eq(act_restore(act, 0), 1); /* the limit waits for libvirt */
	assert_all_on(&all);
}
END_TEST

/* ---- a plan is carried out ------------------------------------------------------------- */

static void forget_all(void)
{
	act_ends();
	for (size_t i = 0; i < guest.nthreads; i++)
		set_mask(guest.thread[i].tid, &all);
	(void)unlink(at(run_dir, "undo"));
	nsaid = nrequests = 0;
	plan->guest[SLOT].memory = (struct memory_plan){ 0 };
	plan->now_ns = 1000;
	act_begins();
}

static bool is_on_file(const struct guest_thread *t)
{
	char text[8192], words[32];

	if (!exists(at(run_dir, "undo")))
		return false;
	(void)get(at(run_dir, "undo"), text, sizeof text);
	snprintf(words, sizeof words, "\npin %d ", t->tid);
	return strstr(text, words) != NULL;
}

/* Whoever is moved is on file with what it had, and so is the limit. */
static void assert_undoable(long request_number)
{
	for (size_t i = 0; i < guest.nthreads; i++)
		ck_assert_msg(runs_on(i, &all) || is_on_file(&guest.thread[i]),
			      "request %ld, thread %zu", request_number, i);
	for (size_t i = 0; i < nrequests; i++)
		ck_assert(request[i].was_on_file);
	ck_assert_uint_le(errors_said(), 1);
}

START_TEST(what_is_changed_is_on_file)
{
	unsigned int nfailed = 1;

	for (long at_ = 1; nfailed > 0; at_++) {
		forget_all();
		nomem_begin(at_, (enum nomem_kind)_i);
		act_bind(act, SLOT, INCARNATION, &guest_uuid, guest.pid,
			 guest.thread[0].start_ticks);
		set_limit();
		wish_cpus(&first, 0);
		act_apply(act, plan);
		plan->now_ns++;
		act_apply(act, plan);
		nfailed = nomem_end();
		assert_undoable(at_);
		bind();
		plan->now_ns++;
		apply();
		assert_all_on(&first); /* works again */
		ck_assert_uint_eq(nrequests, 1);
	}
}
END_TEST

/* Nothing is forgotten that is in force: what is not given back now is given back next time. */
START_TEST(what_is_given_back_is_given_back_whole)
{
	unsigned int nfailed = 1;

	for (long at_ = 1; nfailed > 0; at_++) {
		forget_all();
		bind();
		pin_to_first();
		nomem_begin(at_, (enum nomem_kind)_i);
		(void)act_restore(act, 2000);
		nfailed = nomem_end();
		assert_undoable(at_);
		ck_assert_uint_eq(act_restore(act, 3000), 0);
		assert_all_on(&all);
		ck_assert(!exists(at(run_dir, "undo")));
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("nomem_act");
	TCase *c = tcase_create("nomem_act");

	tcase_add_checked_fixture(c, setup_guest, teardown_guest);
	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, originals_on_file_are_not_thrown_away, 0, NOMEM_KINDS);
	tcase_add_loop_test(c, what_is_changed_is_on_file, 0, NOMEM_KINDS);
	tcase_add_loop_test(c, what_is_given_back_is_given_back_whole, 0, NOMEM_KINDS);
	suite_add_tcase(s, c);
	return kt_run(s);
}
