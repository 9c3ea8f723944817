/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is begun at the start, and what runs beside the ticks: is each of it there, or refused,
 * whatever request for memory fails, and is nothing lost or left behind? */
#include "nomem.h"

#include "loop_fixture.h"
#include "mover.h"
#include "reclaimer.h"

static enum nomem_kind kind_of(int i)
{
	return (enum nomem_kind)i;
}

/* ---- the state --------------------------------------------------------------------------------
 */

START_TEST(the_state_is_whole_or_none)
{
	unsigned int nfailed = 1;
	long at;

	for (at = 1; nfailed > 0; at++) {
		struct kvmtuned *one;

		nomem_begin(at, kind_of(_i));
		one = kvmtuned_new();
		nfailed = nomem_end();
		ck_assert_msg((one == NULL) == (nfailed > 0), "request %ld", at);
		kvmtuned_free(one);
	}
	ck_assert_int_gt(at, 9);
}
END_TEST

START_TEST(sense_and_act_are_there_or_refused)
{
	const struct vm_ops ops = { 0 };
	struct hostfs here;
	unsigned int nfailed = 1;

	ck_assert_int_eq(hostfs_open("/", &here), 0);
	for (long at = 1; nfailed > 0; at++) {
		struct sense *sense = NULL;
		struct act *act = NULL;
		DIR *dir = NULL;
		int senses, acts, opens;

		nomem_begin(at, kind_of(_i));
		senses = sense_new(&here, &sense);
		acts = act_new(&here, NULL, &ops, &act);
		opens = hostfs_opendir(&here, "proc", &dir);
		nfailed = nomem_end();
		ck_assert_msg((senses == 0) == (sense != NULL), "request %ld: %d", at, senses);
		ck_assert_msg((acts == 0) == (act != NULL), "request %ld: %d", at, acts);
		ck_assert_msg(opens == (dir ? 0 : -ENOMEM), "request %ld: %d", at, opens);
		ck_assert((senses < 0) + (acts < 0) + (opens < 0) <= (int)nfailed);
		sense_free(sense);
		act_free(act);
		if (dir)
			closedir(dir);
	}
	hostfs_close(&here);
}
END_TEST

/* ---- threads -----------------------------------------------------------------------------------
 */

START_TEST(a_thread_is_there_or_refused)
{
	struct hostfs here;
	unsigned int nfailed = 1;

	ck_assert_int_eq(hostfs_open("/", &here), 0);
	/* libevent's threads are made ready in whole: a start that fails in there ends the daemon.
	 */
	ck_assert_int_eq(virt_stop(start("test:///default"), 10000), 0);
	for (long at = 1; nfailed > 0; at++) {
		struct virt_options options = { .uri = "test:///default" };
		struct mover *mover = NULL;
		struct reclaimer *reclaimer = NULL;
		struct virt *thread = NULL;
		struct mover_answer last;
		int moves, reclaims, links;

		nomem_begin(at, kind_of(_i));
		moves = mover_new(&here, NULL, &mover);
		reclaims = reclaimer_new(&here, NULL, &reclaimer);
		links = virt_start(&options, &thread);
		nfailed = nomem_end();
		ck_assert_msg(moves == (mover ? 0 : -ENOMEM) || moves == -EAGAIN, "%ld: %d", at,
			      moves);
		ck_assert_msg(reclaims == (reclaimer ? 0 : -ENOMEM) || reclaims == -EAGAIN,
			      "%ld: %d", at, reclaims);
		ck_assert_msg((links == 0) == (thread != NULL), "%ld: %d", at, links);
		if (mover)
			mover_free(mover, &last);
		if (reclaimer)
			reclaimer_free(reclaimer);
		if (thread)
			ck_assert_int_eq(virt_stop(thread, 10000), 0);
	}
	hostfs_close(&here);
}
END_TEST

/* ---- the loop
 * ------------------------------------------------------------------------------------- */

static unsigned int nticks;

/* A few ticks with guests, which ask for a timer and a trigger of pressure each. */
void arbiter_step(struct arbiter *state, const struct policy_conf *conf,
		  const struct host_view *view, const struct in_force *in_force, struct plan *ret)
{
	(void)state, (void)conf, (void)in_force;
	*ret = (struct plan){ .now_ns = view->now_ns, .look_again_ns = KT_NS_PER_MS };
	ret->memory.squeezing = nticks++ % 2;
	if (nticks >= 4)
		(void)raise(SIGTERM);
}

/* It ends, with a reason or because it is told to. */
START_TEST(the_loop_runs_or_says_why_not)
{
	unsigned int nfailed = 1;

	loop_begin();
	strcpy(k->conf.run_dir, "/nonexistent");
	for (long at = 1; nfailed > 0; at++) {
		int r;

		nticks = 0;
		loop_hold_signals();
		nomem_begin(at, kind_of(_i));
		r = loop_run(k);
		nfailed = nomem_end();
		ck_assert_msg(r == 0 || r == -ENOMEM || r == -EIO, "request %ld: %d", at, r);
		ck_assert_msg(r != 0 || nticks >= 4, "request %ld: %u ticks", at, nticks);
		ck_assert_ptr_null(k->loop);
		ck_assert_ptr_null(k->http);
	}
	loop_end();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("nomem_start");
	TCase *c = tcase_create("nomem_start");

	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, the_state_is_whole_or_none, 0, NOMEM_KINDS);
	tcase_add_loop_test(c, sense_and_act_are_there_or_refused, 0, NOMEM_KINDS);
	tcase_add_loop_test(c, a_thread_is_there_or_refused, 0, NOMEM_KINDS);
	tcase_add_loop_test(c, the_loop_runs_or_says_why_not, 0, NOMEM_KINDS);
	suite_add_tcase(s, c);
	return kt_run(s);
}
