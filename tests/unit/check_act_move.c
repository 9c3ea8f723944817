/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is memory moved as the plan says, is it told once, and does the plan hear of it?  The
 * guest's process is real; where a move has to succeed, its nodes are a table. */
#include "act_private.h"
#include "mover_fixture.h"

enum { NO_NODE = KT_NODES_MAX - 1, SIZE = 16 * MIB, PAGES = SIZE / PAGE };

static signed char node_of[PAGES]; /* by the table */
static bool is_busy;               /* all of it */
static bool is_hidden;             /* where it is */

static long table_call(pid_t pid, unsigned long count, void **pages, const int *nodes, int *status,
		       int flags)
{
	(void)pid, (void)flags;
	if (is_hidden) {
		errno = EIO;
		return -1;
	}
	for (unsigned long p = 0; p < count; p++) {
		size_t i = ((uintptr_t)pages[p] - area_at(0)) / PAGE;

		if (nodes && !is_busy)
			node_of[i % PAGES] = (signed char)nodes[p];
		status[p] = (signed char)(nodes && is_busy ? -EBUSY : node_of[i % PAGES]);
	}
	return 0;
}

/* Moves go to the table from now on. */
static void use_table(void)
{
	memset(node_of, 0, sizeof node_of);
	is_busy = is_hidden = false;
	ck_assert_int_eq(mover_new(&fs, table_call, &act->move.mover), 0);
	put_free(1, 1000000);
	put_free(2, 1000000);
}

static void setup_move(void)
{
	setup_at(NULL);
	furnish_host();
	fs.is_live = true; /* its processes are */
	process_starts(1, &(struct area){ .size = SIZE, .touch = true });
	guest = (struct guest){ .pid = process.pid };
	guest.thread[0].start_ticks = process.start_ticks;
	bind();
	plan_guest("web-1");
	nsaid = 0;
}

static void teardown_move(void)
{
	process_ends();
	teardown();
}

static void wish_memory_on(unsigned int node)
{
	struct cpumask mine = mask_of(0);

	wish_cpus(&mine, (int)node);
	plan->guest[SLOT].placement.nodes = nodemask_of(node);
	plan->guest[SLOT].placement.cell[0].nodes = nodemask_of(node);
	plan->move = (struct move_plan){ .go = true,
					 .why = WHY_HOME_BY_LOAD,
					 .slot = SLOT,
					 .from = UINT64_MAX,
					 .kib_per_s = UINT64_C(64) * MIB };
}

static const struct move_in_force *moving(void)
{
	return &act_in_force(act)->move;
}

/* Plans until its end has been seen. */
static void apply_until_it_ends(void)
{
	do {
		apply();
		(void)poll(NULL, 0, 1);
	} while (act->move.open);
}

static void apply_until_some_has_moved(void)
{
	do {
		apply();
		(void)poll(NULL, 0, 1);
	} while (!in_force()->moved_kib);
}

static void wish_slow_move(void)
{
	use_table();
	wish_memory_on(1);
	plan->move.kib_per_s = 1;
	apply_until_some_has_moved();
	ck_assert(moving()->active && moving()->slot == SLOT);
	ck_assert_uint_eq(in_force()->moved_kib, MOVER_CHUNK_MIN_KIB);
}

static bool was_said(const char *text)
{
	for (size_t i = 0; i < nsaid; i++)
		if (strstr(said[i].message, text))
			return true;
	return false;
}

/* ---- what comes of it ----------------------------------------------------------------------- */

START_TEST(a_move_is_told_when_it_begins_and_when_it_has_ended)
{
	char longest[64];

	use_table();
	wish_memory_on(1);
	apply_until_it_ends();
	ck_assert(moving()->done && !moving()->active && !moving()->full && !moving()->off);
	ck_assert_uint_eq(moving()->slot, SLOT);
	ck_assert_uint_eq(moving()->moved_kib, SIZE / 1024);
	ck_assert_uint_eq(in_force()->moved_kib, SIZE / 1024);
	ck_assert_uint_eq(moving()->failed_kib, 0);
	ck_assert_uint_eq(moving()->kib_per_s,
			  (uint64_t)((double)moving()->moved_kib * KT_NS_PER_S /
				     (double)act->move.answer.copying_ns));
	ck_assert_uint_gt(moving()->longest_call_ns, 0);
	ck_assert(!in_force()->move_failed);
	ck_assert_uint_eq(nsaid, 2);
	for (size_t i = 0; i < nsaid; i++) {
		ck_assert_int_eq(said[i].id, LOG_MEMORY_MOVED);
		ck_assert_int_eq(said[i].level, LOG_LEVEL_NOTICE);
		ck_assert_str_eq(said[i].from, "0");
		ck_assert_str_eq(said[i].to, "1");
		ck_assert_str_eq(said[i].reason, "home-by-load");
		ck_assert_str_eq(said[i].guest, "web-1");
		ck_assert_ptr_nonnull(strstr(said[i].message, "16 MiB"));
	}
	snprintf(longest, sizeof longest, "longest call %.1f ms;",
		 (double)moving()->longest_call_ns / 1e6);
	ck_assert(was_said(longest));
}
END_TEST

START_TEST(what_is_done_is_done_until_another_order)
{
	use_table();
	wish_memory_on(1);
	apply_until_it_ends();
	for (int i = 0; i < 3; i++) {
		apply();
		ck_assert(moving()->done && !act->move.open);
	}
	ck_assert_uint_eq(nsaid, 2);
	wish_memory_on(2);
	apply();
	ck_assert(moving()->active && !moving()->done);
	apply_until_it_ends();
	ck_assert(moving()->done);
	ck_assert_uint_eq(moving()->moved_kib, 2 * SIZE / 1024);
	plan->move.go = false;
	apply();
	ck_assert(!moving()->done && !moving()->active);
}
END_TEST

START_TEST(a_reload_looks_anew_where_memory_is)
{
	use_table();
	wish_memory_on(1);
	apply_until_it_ends();
	memset(node_of, 0, sizeof node_of);
	apply_until_it_ends();
	ck_assert_int_eq(node_of[0], 0);
	act_forgive(act);
	apply_until_it_ends();
	ck_assert_int_eq(node_of[0], 1);
	ck_assert(moving()->done);
}
END_TEST

START_TEST(without_an_order_there_is_no_thread)
{
	wish_memory_on(1);
	plan->move.go = false;
	apply();
	ck_assert_ptr_null(act->move.mover);
	wish_memory_on(1);
	plan->guest[SLOT].placement.wish = WISH_HOLD;
	apply();
	wish_memory_on(1);
	plan->move.slot = SLOT + 1;
	apply();
	wish_memory_on(1);
	plan->move.slot = KT_GUESTS_MAX;
	apply();
	wish_memory_on(1);
	plan->move.kib_per_s = 0;
	apply();
	ck_assert_ptr_null(act->move.mover);
	ck_assert(!moving()->active);
}
END_TEST

START_TEST(memory_that_is_home_is_not_talked_about)
{
	wish_memory_on(0);
	apply_until_it_ends();
	ck_assert(moving()->done);
	ck_assert_uint_eq(count_said(LOG_MEMORY_MOVED), 0);
}
END_TEST

/* ---- what ends it ---------------------------------------------------------------------------- */

static void end_by_no_go(void)
{
	plan->move.go = false;
	plan->move.why = WHY_MOVE_PRESSURE;
}

static void end_by_another_slot(void)
{
	plan->move.slot = 0;
}

static void end_by_release(void)
{
	plan->guest[SLOT].placement.wish = WISH_RELEASE;
	plan->guest[SLOT].placement.why = WHY_WIDER_THAN_NODE;
}

static void end_by_absence(void)
{
	plan->guest[SLOT].present = false;
}

static void end_by_restore(void)
{
	(void)act_restore(act, 0);
	plan->move.go = false;
}

static void end_by_leaving(void)
{
	act_leave(act);
	plan->move.go = false;
}

static const struct {
	void (*how)(void);
	enum why why; /* WHY_NONE: none is told */
} end_it[] = {
	{ end_by_no_go, WHY_MOVE_PRESSURE },     { end_by_another_slot, WHY_NONE },
	{ end_by_release, WHY_WIDER_THAN_NODE }, { end_by_absence, WHY_NONE },
	{ end_by_restore, WHY_STOPPING },        { end_by_leaving, WHY_STOPPING },
};

START_TEST(an_order_that_is_not_repeated_ends)
{
	char reason[256];

	wish_slow_move();
	end_it[_i].how();
	apply_until_it_ends();
	ck_assert(!moving()->active && !moving()->done);
	ck_assert_uint_eq(moving()->moved_kib, MOVER_CHUNK_MIN_KIB);
	ck_assert_uint_eq(count_said(LOG_MEMORY_MOVED), 2);
	ck_assert(was_said("stopped before the end"));
	snprintf(reason, sizeof reason, "stopped before the end: %s", why_sentence(end_it[_i].why));
	ck_assert_int_eq(was_said(reason), end_it[_i].why != WHY_NONE);
}
END_TEST

/* Only memory that is away from its home of before. */
START_TEST(memory_that_is_to_leave_other_nodes_is_another_order)
{
	wish_slow_move();
	plan->move.from = nodemask_of(0);
	plan->move.kib_per_s = UINT64_C(64) * MIB;
	apply_until_it_ends();
	ck_assert(moving()->done);
	ck_assert_uint_eq(act->move.order.from, nodemask_of(0));
	ck_assert(was_said("stopped before the end"));
	ck_assert_uint_eq(moving()->moved_kib, SIZE / 1024);
}
END_TEST

START_TEST(after_a_stop_the_same_order_is_given_again)
{
	wish_slow_move();
	act_leave(act);
	plan->move.kib_per_s = UINT64_C(64) * MIB;
	apply_until_it_ends();
	ck_assert(moving()->done);
	ck_assert_uint_eq(moving()->moved_kib, SIZE / 1024);
	ck_assert_uint_eq(count_said(LOG_MEMORY_MOVED), 4);
}
END_TEST

START_TEST(the_end_of_the_daemon_ends_it)
{
	wish_slow_move();
	act_ends();
	ck_assert_uint_eq(count_said(LOG_MEMORY_MOVED), 2);
	ck_assert(was_said("2 MiB of its memory moved to nodes 1"));
	act_begins();
}
END_TEST

/* No plan has seen it. */
START_TEST(a_move_that_is_done_at_the_end_of_the_daemon_is_told_as_done)
{
	struct mover_answer now;

	use_table();
	wish_memory_on(1);
	apply();
	do {
		(void)poll(NULL, 0, 1);
		mover_look(act->move.mover, &now);
	} while (now.state == MOVER_WORKS);
	act_ends();
	ck_assert(was_said("16 MiB of its memory moved to nodes 1"));
	ck_assert(!was_said("stopped before the end"));
	act_begins();
}
END_TEST

START_TEST(a_guest_that_is_forgotten_is_not_talked_about)
{
	wish_slow_move();
	nsaid = 0;
	process_ends();
	act_forget(act, &guest_uuid);
	plan->guest[SLOT].present = false;
	apply_until_it_ends();
	ck_assert_uint_eq(nsaid, 0);
	ck_assert_uint_eq(moving()->moved_kib, MOVER_CHUNK_MIN_KIB);
}
END_TEST

START_TEST(a_rate_may_change_in_the_middle)
{
	wish_slow_move();
	plan->move.kib_per_s = UINT64_C(64) * MIB;
	apply_until_it_ends();
	ck_assert(moving()->done);
	ck_assert_uint_eq(count_said(LOG_MEMORY_MOVED), 2);
}
END_TEST

/* As the plan does, which waits before it asks again. */
static void try_again(void)
{
	bool go = plan->move.go;

	plan->move.go = false;
	apply();
	plan->move.go = go;
	apply_until_it_ends();
}

/* ---- what goes wrong, by the kernel's word -----------------------------------------------------
 */

START_TEST(memory_that_does_not_move_is_given_up_for_now)
{
	put_free(NO_NODE, 1000000);
	wish_memory_on(NO_NODE);
	for (int i = 0; i < 3; i++)
		apply_until_it_ends();
	ck_assert(in_force()->move_failed && !moving()->done && !moving()->active);
	ck_assert_uint_eq(moving()->failed_kib, SIZE / 1024);
	ck_assert_int_eq(the_one(LOG_WRITE_REFUSED)->error, ENODEV);
	ck_assert_int_eq(the_one(LOG_WRITE_REFUSED)->level, LOG_LEVEL_WARNING);
	ck_assert_uint_eq(count_said(LOG_MEMORY_MOVED), 2);
	wish_memory_on(NO_NODE - 1);
	apply();
	ck_assert(!act->move.open && in_force()->move_failed);
	wish_memory_on(NO_NODE);
	act_forgive(act);
	ck_assert(!in_force()->move_failed);
	apply_until_it_ends();
	ck_assert(in_force()->move_failed);
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 2);
}
END_TEST

static void fails_until(uint64_t wait_s)
{
	plan->now_ns += wait_s * KT_NS_PER_S - 1;
	apply();
	ck_assert_msg(!act->move.open && in_force()->move_failed, "within %lu s", wait_s);
	plan->now_ns++;
	apply();
	ck_assert_msg(act->move.open && !in_force()->move_failed, "not after %lu s", wait_s);
	apply_until_it_ends();
}

START_TEST(memory_that_does_not_move_is_tried_ever_more_seldom)
{
	static const uint64_t wait_s[] = { 10, 20, 40, 80, 160, 320, 600, 600 };

	put_free(NO_NODE, 1000000);
	wish_memory_on(NO_NODE);
	apply_until_it_ends();
	for (size_t i = 0; i < KT_ARRAY_LEN(wait_s); i++)
		fails_until(wait_s[i]);
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 1);
	ck_assert_uint_eq(count_said(LOG_MEMORY_MOVED), 2);
	act_forgive(act);
	apply_until_it_ends();
	fails_until(10);
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 2);
}
END_TEST

START_TEST(memory_that_was_busy_moves_later)
{
	use_table();
	is_busy = true;
	wish_memory_on(1);
	apply_until_it_ends();
	fails_until(10);
	ck_assert_int_eq(the_one(LOG_WRITE_REFUSED)->error, EBUSY);
	is_busy = false;
	fails_until(20);
	ck_assert(moving()->done && !in_force()->move_failed);
	ck_assert_uint_eq(in_force()->moved_kib, SIZE / 1024);
	ck_assert_uint_eq(count_said(LOG_MEMORY_MOVED), 4);

	memset(node_of, 0, sizeof node_of);
	is_busy = true; /* once more: from the beginning, and told */
	try_again();
	fails_until(10);
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 2);
}
END_TEST

START_TEST(the_plan_hears_that_a_node_is_full)
{
	put_free(NO_NODE, 1000000);
	wish_memory_on(NO_NODE);
	plan->move.leave_free_kib = 1000000;
	for (int i = 0; i < 3; i++)
		apply_until_it_ends();
	ck_assert(moving()->full && !moving()->done && !moving()->active);
	ck_assert(!in_force()->move_failed);
	ck_assert_uint_eq(count_said(LOG_MEMORY_MOVED), 2);
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 0);
}
END_TEST

START_TEST(a_home_that_stays_full_is_told_once)
{
	use_table();
	put_free(1, 10);
	wish_memory_on(1);
	apply_until_it_ends();
	for (int i = 0; i < 3; i++)
		try_again();
	ck_assert(moving()->full);
	ck_assert_uint_eq(count_said(LOG_MEMORY_MOVED), 2);

	put_free(2, 10); /* another home */
	wish_memory_on(2);
	apply_until_it_ends();
	try_again();
	ck_assert_uint_eq(count_said(LOG_MEMORY_MOVED), 4);

	put_free(2, 1000000);
	try_again();
	ck_assert(moving()->done);
	ck_assert_uint_eq(count_said(LOG_MEMORY_MOVED), 6);
	memset(node_of, 0, sizeof node_of);
	put_free(2, 10); /* again */
	try_again();
	ck_assert_uint_eq(count_said(LOG_MEMORY_MOVED), 8);
}
END_TEST

START_TEST(cells_that_cannot_be_told_apart_stay)
{
	struct placement_plan *p = &plan->guest[SLOT].placement;

	wish_memory_on(1);
	p->ncells = 2;
	p->cell[0].memory_kib = p->cell[1].memory_kib = SIZE / 1024;
	p->cell[1] = p->cell[0];
	p->cell[1].nodes = nodemask_of(2);
	for (int i = 0; i < 3; i++)
		apply_until_it_ends();
	ck_assert(in_force()->move_failed);
	ck_assert_ptr_nonnull(strstr(the_one(LOG_WRITE_REFUSED)->message, "each of its cells"));
	ck_assert_uint_eq(count_said(LOG_MEMORY_MOVED), 0);
}
END_TEST

START_TEST(without_permission_no_guest_is_tried_again)
{
	if (geteuid() != 0)
		plan->guest[SLOT].pid = 1, plan->guest[SLOT].start_ticks = start_ticks_of(1, 1);
	else
		ck_assert_int_eq(seteuid(65534), 0);
	wish_memory_on(1);
	for (int i = 0; i < 3; i++)
		apply_until_it_ends();
	ck_assert(moving()->off && !moving()->active);
	ck_assert_int_eq(the_one(LOG_WRITE_REFUSED)->level, LOG_LEVEL_ERR);
	ck_assert(was_said("CapabilityBoundingSet="));
	act_forgive(act);
	ck_assert(!moving()->off);
	if (getuid() == 0)
		ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

static long no_such_call(pid_t pid, unsigned long count, void **pages, const int *nodes,
			 int *status, int flags)
{
	(void)pid, (void)count, (void)pages, (void)nodes, (void)status, (void)flags;
	errno = ENOSYS;
	return -1;
}

START_TEST(a_kernel_that_cannot_move_memory_is_not_asked_again)
{
	ck_assert_int_eq(mover_new(&fs, no_such_call, &act->move.mover), 0);
	wish_memory_on(1);
	for (int i = 0; i < 3; i++)
		apply_until_it_ends();
	ck_assert(moving()->off && !moving()->active);
	ck_assert_int_eq(the_one(LOG_WRITE_REFUSED)->error, ENOSYS);
	ck_assert(was_said("this kernel cannot move memory"));
}
END_TEST

START_TEST(another_process_of_that_number_is_not_touched)
{
	use_table();
	wish_memory_on(1);
	plan->guest[SLOT].start_ticks++;
	apply_until_it_ends();
	ck_assert_uint_eq(count_said(LOG_MEMORY_MOVED) + count_said(LOG_WRITE_REFUSED), 0);
	ck_assert_uint_eq(moving()->moved_kib, 0);
	ck_assert(!in_force()->move_failed && !moving()->done);
}
END_TEST

/* ---- what is only told
 * ---------------------------------------------------------------------------- */

START_TEST(a_dry_run_tells_once_and_moves_nothing)
{
	use_table();
	wish_memory_on(1);
	plan->guest[SLOT].placement.dry_run = true;
	for (int i = 0; i < 3; i++) {
		apply_until_it_ends();
		ck_assert(!moving()->active && !moving()->done && !moving()->full);
	}
	ck_assert(the_one(LOG_MEMORY_MOVED)->dry_run);
	ck_assert(was_said("16 MiB of its memory would be moved from nodes 0 to nodes 1"));
	ck_assert_uint_eq(moving()->moved_kib, 0);
	ck_assert_int_eq(node_of[0], 0);
}
END_TEST

START_TEST(a_dry_run_that_cannot_look_is_told_once)
{
	use_table();
	is_hidden = true;
	wish_memory_on(1);
	plan->guest[SLOT].placement.dry_run = true;
	apply_until_it_ends();
	for (uint64_t wait_s = 10; wait_s < 80; wait_s *= 2)
		fails_until(wait_s);
	ck_assert_int_eq(the_one(LOG_WRITE_REFUSED)->error, EIO);
	ck_assert_uint_eq(count_said(LOG_MEMORY_MOVED), 0);
}
END_TEST

START_TEST(without_an_undo_file_nothing_is_moved)
{
	act_ends();
	ck_assert_int_eq(act_new(&fs, NULL, &ops, &act), 0);
	use_table();
	wish_memory_on(1);
	apply_until_it_ends();
	ck_assert(the_one(LOG_MEMORY_MOVED)->dry_run);
	ck_assert_uint_eq(moving()->moved_kib, 0);
	ck_assert(!moving()->done);
}
END_TEST

START_TEST(of_a_recorded_host_it_is_only_said)
{
	fs.is_live = false;
	wish_memory_on(1);
	apply();
	apply();
	ck_assert_ptr_null(act->move.mover);
	ck_assert(!moving()->done);
	ck_assert(the_one(LOG_MEMORY_MOVED)->dry_run);
	ck_assert_str_eq(the_one(LOG_MEMORY_MOVED)->to, "1");
}
END_TEST

START_TEST(a_hostile_name_is_escaped)
{
	plan_guest("a\n\x1b[31m%s");
	use_table();
	wish_memory_on(1);
	apply_until_it_ends();
	ck_assert_uint_eq(count_said(LOG_MEMORY_MOVED), 2);
	for (size_t i = 0; i < nsaid; i++) {
		ck_assert_ptr_null(strpbrk(said[i].message, "\n\x1b"));
		ck_assert_str_eq(said[i].guest, "a\\x0a\\x1b[31m%s");
	}
}
END_TEST

static void add_ends(TCase *t)
{
	tcase_add_loop_test(t, an_order_that_is_not_repeated_ends, 0, KT_ARRAY_LEN(end_it));
	tcase_add_test(t, memory_that_is_to_leave_other_nodes_is_another_order);
	tcase_add_test(t, after_a_stop_the_same_order_is_given_again);
	tcase_add_test(t, the_end_of_the_daemon_ends_it);
	tcase_add_test(t, a_move_that_is_done_at_the_end_of_the_daemon_is_told_as_done);
	tcase_add_test(t, a_guest_that_is_forgotten_is_not_talked_about);
	tcase_add_test(t, a_rate_may_change_in_the_middle);
}

int main(void)
{
	Suite *s = suite_create("act_move");
	TCase *t = tcase_create("move");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup_move, teardown_move);
	tcase_add_test(t, a_move_is_told_when_it_begins_and_when_it_has_ended);
	tcase_add_test(t, what_is_done_is_done_until_another_order);
	tcase_add_test(t, a_reload_looks_anew_where_memory_is);
	tcase_add_test(t, without_an_order_there_is_no_thread);
	tcase_add_test(t, memory_that_is_home_is_not_talked_about);
	add_ends(t);
	tcase_add_test(t, memory_that_does_not_move_is_given_up_for_now);
	tcase_add_test(t, memory_that_does_not_move_is_tried_ever_more_seldom);
	tcase_add_test(t, memory_that_was_busy_moves_later);
	tcase_add_test(t, the_plan_hears_that_a_node_is_full);
	tcase_add_test(t, a_home_that_stays_full_is_told_once);
	tcase_add_test(t, cells_that_cannot_be_told_apart_stay);
	tcase_add_test(t, without_permission_no_guest_is_tried_again);
	tcase_add_test(t, a_kernel_that_cannot_move_memory_is_not_asked_again);
	tcase_add_test(t, another_process_of_that_number_is_not_touched);
	tcase_add_test(t, a_dry_run_tells_once_and_moves_nothing);
	tcase_add_test(t, a_dry_run_that_cannot_look_is_told_once);
	tcase_add_test(t, without_an_undo_file_nothing_is_moved);
	tcase_add_test(t, of_a_recorded_host_it_is_only_said);
	tcase_add_test(t, a_hostile_name_is_escaped);
	suite_add_tcase(s, t);
	return kt_run(s);
}
