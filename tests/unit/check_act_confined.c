/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libvirt has pinned a guest through cpusets, too, and no longer knows it: is it said truly which
 * threads got their CPUs back, and which cannot?
 *
 * The threads are real; the kernel that has cpusets is played by the test. */
#include "act_guest.h"

/* ---- a kernel with cpusets ------------------------------------------------------------------ */

static struct cpumask cpuset;     /* empty: none */
static pid_t unconfined[THREADS]; /* these have none either */
static pid_t refused_tid;         /* its mask cannot be set; 0: of none */

static bool is_confined(pid_t tid)
{
	for (size_t i = 0; i < THREADS; i++)
		if (tid == unconfined[i])
			return false;
	return tid != 0 && !cpumask_empty(&cpuset);
}

int sched_setaffinity(pid_t tid, size_t size, const cpu_set_t *set)
{
	cpu_set_t within = *set;

	if (tid != 0 && tid == refused_tid) {
		errno = EBUSY;
		return -1;
	}
	for (unsigned int cpu = 0; is_confined(tid) && cpu < CPU_SETSIZE; cpu++)
		if (!cpumask_test(&cpuset, cpu))
			CPU_CLR(cpu, &within);
	return syscall(SYS_sched_setaffinity, tid, size, &within) < 0 ? -1 : 0;
}

/* ---- a libvirt that does what it is asked for ----------------------------------------------- */

static void answer(const struct request *r)
{
	struct vm_reply reply = { .uuid = r->uuid,
				  .is_pin = true,
				  .role = r->role,
				  .number = r->number,
				  .cpus = r->cpus };

	for (size_t i = 0; i < guest.nthreads; i++)
		if (guest.thread[i].role == r->role &&
		    (guest.thread[i].number == r->number || r->role == THREAD_EMULATOR))
			set_mask(guest.thread[i].tid, &r->cpus);
	act_reply(act, &reply, plan->now_ns);
}

static void is_pinned_and_confined(void)
{
	plan->guest[SLOT].placement.backend = PLACEMENT_LIBVIRT;
	pin_to_first();
	for (size_t i = 0; i < nrequests; i++)
		answer(&request[i]);
	assert_all_on(&first);
	nsaid = 0;
	cpuset = first;
}

static void is_lost(void)
{
	act_forget(act, &guest_uuid);
	plan->guest[SLOT].present = false;
}

static void setup(void)
{
	setup_guest();
	cpuset = (struct cpumask){ 0 };
	memset(unconfined, 0, sizeof unconfined);
	refused_tid = 0;
}

/* ---- questions --------------------------------------------------------------------------------
 */

static void stay(unsigned int nthreads)
{
	const struct said *told = the_one(LOG_WRITE_REFUSED);
	char from[KT_CPULIST_MAX], to[KT_CPULIST_MAX], text[512];

	cpumask_str(&first, from, sizeof from);
	cpumask_str(&all, to, sizeof to);
	(void)snprintf(text, sizeof text,
		       "its process (%d) lives: %u threads stay on CPUs %s "
		       "(were on %s)",
		       guest.pid, nthreads, from, to);
	ck_assert_msg(strstr(told->message, text) != NULL, "%s", told->message);
	ck_assert_str_eq(told->reason, "guest-lost");
	ck_assert_str_eq(told->from, from);
	ck_assert_str_eq(told->to, to);
}

static void is_let_go(void)
{
	apply();
	ck_assert(!act_owes(act) && !exists(at(run_dir, "undo")));
}

START_TEST(threads_that_a_cpuset_keeps_are_not_said_to_be_back)
{
	is_pinned_and_confined();
	is_lost();
	assert_all_on(&first);
	ck_assert_uint_eq(count_said(LOG_RESTORED), 0);
	stay(THREADS);
	is_let_go();
}
END_TEST

/* As where libvirt has made cpusets for the vCPUs alone. */
START_TEST(those_that_are_back_are_told_from_those_that_are_not)
{
	is_pinned_and_confined();
	unconfined[0] = guest.thread[0].tid;
	unconfined[1] = guest.thread[1].tid;
	is_lost();
	ck_assert(runs_on(0, &all) && runs_on(1, &all) && runs_on(2, &first));
	ck_assert(strstr(the_one(LOG_RESTORED)->message, "2 threads have") != NULL);
	stay(2);
	is_let_go();
}
END_TEST

START_TEST(who_has_always_been_there_does_not_count)
{
	set_mask(guest.thread[2].tid, &first);
	guest.thread[2].first_allowed = first;
	is_pinned_and_confined();
	is_lost();
	stay(THREADS - 1);
	is_let_go();
}
END_TEST

START_TEST(who_was_born_there_counts)
{
	is_pinned_and_confined();
	(void)new_thread();
	is_lost();
	stay(THREADS + 1);
	is_let_go();
}
END_TEST

/* What can be given back only later is said when it is. */
START_TEST(it_is_said_once)
{
	is_pinned_and_confined();
	refused_tid = guest.thread[3].tid;
	is_lost();
	ck_assert(act_owes(act));
	ck_assert_uint_eq(count_said(LOG_RESTORED), 0);
	ck_assert(strstr(the_one(LOG_WRITE_REFUSED)->message, "stay") == NULL);
	refused_tid = 0;
	nsaid = 0;
	for (int i = 0; i < 3; i++) {
		plan->now_ns += 60 * KT_NS_PER_S;
		act_apply(act, plan);
	}
	ck_assert_uint_eq(count_said(LOG_RESTORED), 0);
	stay(THREADS);
	is_let_go();
}
END_TEST

START_TEST(who_has_yet_to_be_given_back_is_not_counted)
{
	is_pinned_and_confined();
	cpuset = (struct cpumask){ 0 };
	refused_tid = guest.thread[3].tid;
	is_lost();
	ck_assert(strstr(the_one(LOG_RESTORED)->message, "3 threads have") != NULL);
}
END_TEST

/* The cpuset is that of somebody who is there, and widens it when he wants to. */
START_TEST(of_a_guest_that_is_known_it_is_not_said)
{
	pin_to_first();
	nsaid = 0;
	cpuset = first;
	plan->guest[SLOT].placement.wish = WISH_RELEASE;
	apply();
	ck_assert_uint_eq(count_said(LOG_RESTORED), 1);
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("act_confined");
	TCase *c = tcase_create("cpusets");

	tcase_add_checked_fixture(c, setup, teardown_guest);
	tcase_add_test(c, threads_that_a_cpuset_keeps_are_not_said_to_be_back);
	tcase_add_test(c, those_that_are_back_are_told_from_those_that_are_not);
	tcase_add_test(c, who_has_always_been_there_does_not_count);
	tcase_add_test(c, who_was_born_there_counts);
	tcase_add_test(c, it_is_said_once);
	tcase_add_test(c, who_has_yet_to_be_given_back_is_not_counted);
	tcase_add_test(c, of_a_guest_that_is_known_it_is_not_said);
	suite_add_tcase(s, c);
	return kt_run(s);
}
