/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is a guest known whatever request for memory has failed, once there is memory again? */
#include "nomem.h"

#include "sense_fixture.h"

enum { GUEST = 1, OTHER = 2, PID = 100, TID = PID + 1, LOOKS = 3 };

static void put_quiet_guest(void)
{
	put_guest(GUEST, PID);
	put(cgroup_of(GUEST, "memory.swap.max"), "4096\n");
	announce(OTHER); /* by its slot our guest is not due all the same */
	announce(GUEST);
}

static uint64_t now_ns;

static int look(void)
{
	return sense_read_some(sense, ds, SENSE_DUE, ++now_ns, &sample);
}

/* In each look one request, or all that follow. */
static unsigned int look_without_memory(long at, enum nomem_kind kind)
{
	unsigned int nfailed = 0;

	for (int i = 0; i < LOOKS; i++) {
		int r;

		nomem_begin(at, kind);
		r = look();
		nfailed += nomem_end();
		ck_assert_int_eq(r, 0);
	}
	return nfailed;
}

/* It does not run: but for what is missing, nobody would look at it a third time. */
static void look_with_memory(void)
{
	for (int i = 0; i < LOOKS; i++)
		ck_assert_int_eq(look(), 0);
}

static void assert_known(long at)
{
	const struct guest_sample *g = guest(GUEST);
	struct cpumask confined;

	ck_assert_int_eq(cpumask_parse("1-2", &confined), 0);
	ck_assert_msg(g->present && g->has_cgroup && g->cgroup, "request %ld", at);
	ck_assert_msg(cpumask_equal(&g->cpuset, &confined), "request %ld", at);
	ck_assert_uint_eq(g->swap_max_kib, 4);
	ck_assert_uint_eq(g->usage_kib, 8);
	ck_assert_uint_eq(g->nthreads, 2);
	ck_assert(has_thread(GUEST, PID) && has_thread(GUEST, TID));
}

START_TEST(a_guest_is_known_once_there_is_memory)
{
	unsigned int nfailed = 1;
	long at;

	put_quiet_guest();
	for (at = 1; nfailed > 0; at++) {
		start();
		nfailed = look_without_memory(at, (enum nomem_kind)_i);
		look_with_memory();
		assert_known(at);
		sense_free(sense);
		sense = NULL;
	}
	ck_assert_int_gt(at, 3); /* the test is one of something */
}
END_TEST

int main(void)
{
	Suite *s = suite_create("nomem_sense");
	TCase *tc = tcase_create("guests");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, a_guest_is_known_once_there_is_memory, 0, NOMEM_KINDS);
	suite_add_tcase(s, tc);
	return kt_run(s);
}
