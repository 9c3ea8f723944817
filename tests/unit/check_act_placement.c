/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Are the threads of a guest where the plan wishes them, and does each get back exactly
 * the mask that it had?  With threads of our own, moved by the kernel. */
#include "act_guest.h"

START_TEST(all_threads_are_pinned_and_it_is_said_once)
{
	char list[64];
	const struct said *s;

	pin_to_first();
	assert_all_on(&first);
	ck_assert(in_force()->pinned);
	ck_assert_uint_eq(in_force()->nodes, 1);
	ck_assert_uint_eq(in_force()->pin_changed_ns, 1000);
	ck_assert_uint_eq(in_force()->incarnation, INCARNATION);
	s = the_one(LOG_PIN_CHANGED);
	ck_assert_str_eq(s->guest, "web-1");
	ck_assert_str_eq(s->to, cpumask_str(&first, list, sizeof list));
	ck_assert_str_eq(s->from, cpumask_str(&all, list, sizeof list));
	ck_assert_str_eq(s->reason, "home-by-memory");
	ck_assert_ptr_nonnull(strstr(s->message, "4 threads"));
	ck_assert_uint_eq(nsaid, 1);
}
END_TEST

START_TEST(the_same_plan_again_changes_nothing)
{
	pin_to_first();
	make_old(at(run_dir, "undo"));
	plan->now_ns = 2000;
	pin_to_first();
	ck_assert(is_old(at(run_dir, "undo")));
	ck_assert_uint_eq(nsaid, 1);
	ck_assert_uint_eq(in_force()->pin_changed_ns, 1000);
}
END_TEST

START_TEST(each_thread_gets_its_own_mask_back)
{
	set_mask(guest.thread[2].tid, &second);
	set_mask(guest.thread[3].tid, &first);
	guest.thread[2].first_allowed = second;
	guest.thread[3].first_allowed = first;
	pin_to_first();
	assert_all_on(&first);
	ck_assert_uint_eq(act_restore(act, 5), 0);
	ck_assert(runs_on(0, &all) && runs_on(1, &all));
	ck_assert(runs_on(2, &second) && runs_on(3, &first));
	ck_assert(!exists(at(run_dir, "undo")));
	ck_assert(!in_force()->pinned);
	ck_assert_uint_eq(in_force()->nodes, 0);
	ck_assert_uint_eq(count_said(LOG_RESTORED), 1);
	ck_assert_uint_eq(act_restore(act, 5), 0);
	ck_assert_uint_eq(count_said(LOG_RESTORED), 1);
}
END_TEST

START_TEST(a_guest_that_is_there_already_is_not_ours)
{
	wish_cpus(&all, 0);
	apply();
	ck_assert(!in_force()->pinned);
	ck_assert(!exists(at(run_dir, "undo")));
	ck_assert_uint_eq(nsaid, 0);
}
END_TEST

/* Of each time by itself. */
START_TEST(what_is_given_back_is_said_with_its_cpus)
{
	char own[64], ours[64], wanted[256];

	snprintf(wanted, sizeof wanted,
		 "web-1: 4 threads have their own CPUs back: %s (were pinned to %s)",
		 cpumask_str(&all, own, sizeof own), cpumask_str(&first, ours, sizeof ours));
	for (int i = 0; i < 2; i++) {
		pin_to_first();
		nsaid = 0;
		act_restore(act, 5);
		ck_assert_str_eq(the_one(LOG_RESTORED)->message, wanted);
		ck_assert_str_eq(the_one(LOG_RESTORED)->from, ours);
		ck_assert_str_eq(the_one(LOG_RESTORED)->to, own);
	}
}
END_TEST

START_TEST(a_guest_that_moves_twice_gets_its_first_masks_back)
{
	pin_to_first();
	pin_to_second();
	assert_all_on(&second);
	ck_assert_uint_eq(in_force()->nodes, 2);
	ck_assert_uint_eq(count_said(LOG_PIN_CHANGED), 2);
	act_restore(act, 0);
	assert_all_on(&all);
}
END_TEST

START_TEST(release_gives_back_and_hold_does_not)
{
	pin_to_first();
	plan->guest[SLOT].placement.wish = WISH_HOLD;
	apply();
	assert_all_on(&first);
	plan->guest[SLOT].placement =
		(struct placement_plan){ .wish = WISH_RELEASE, .why = WHY_WIDER_THAN_NODE };
	plan->now_ns = 3000;
	apply();
	assert_all_on(&all);
	ck_assert_str_eq(the_one(LOG_RESTORED)->reason, "wider-than-node");
	ck_assert_uint_eq(in_force()->pin_changed_ns, 3000);
	ck_assert(!exists(at(run_dir, "undo")));
	apply();
	ck_assert_uint_eq(count_said(LOG_RESTORED), 1);

	/* ... and it can be pinned again. */
	pin_to_second();
	assert_all_on(&second);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}
END_TEST

/* ---- threads come and go ----------------------------------------------- */

START_TEST(a_new_thread_has_our_mask_and_gets_the_guests_original)
{
	pin_to_first();
	see_thread(new_thread(), THREAD_EMULATOR, 0);
	ck_assert(runs_on(4, &first));
	pin_to_first();
	ck_assert_uint_eq(nsaid, 1); /* nothing to do */
	act_restore(act, 0);
	assert_all_on(&all);
}
END_TEST

START_TEST(a_new_thread_follows_the_guest_to_another_node)
{
	pin_to_first();
	see_thread(new_thread(), THREAD_VCPU, 2);
	pin_to_second();
	assert_all_on(&second);
	act_restore(act, 0);
	assert_all_on(&all);
}
END_TEST

START_TEST(a_thread_that_no_plan_named_is_given_back_too)
{
	pid_t tid;
	struct cpumask now;

	pin_to_first();
	tid = new_thread();
	act_restore(act, 0);
	now = mask_of(tid);
	ck_assert(cpumask_equal(&now, &all));
	ck_assert_ptr_nonnull(strstr(the_one(LOG_RESTORED)->message, "5 threads"));
}
END_TEST

START_TEST(a_new_thread_that_got_another_mask_is_pinned)
{
	char list[64];
	pid_t tid;

	pin_to_first();
	tid = new_thread();
	set_mask(tid, &second); /* as libvirt does with a vCPU that is plugged in */
	see_thread(tid, THREAD_VCPU, 2);
	pin_to_first();
	assert_all_on(&first);
	ck_assert_uint_eq(count_said(LOG_PIN_CHANGED), 2);
	ck_assert_str_eq(said[1].from, cpumask_str(&second, list, sizeof list));
	act_restore(act, 0);
	ck_assert(runs_on(0, &all) && runs_on(4, &second));
}
END_TEST

START_TEST(a_plugged_vcpu_may_be_seen_before_libvirt_sets_its_mask)
{
	pin_to_first();
	see_thread(new_thread(), THREAD_VCPU, 2);
	set_mask(guest.thread[4].tid, &all);
	pin_to_first();
	assert_all_on(&first);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}
END_TEST

START_TEST(threads_that_have_gone_are_forgotten)
{
	char text[4096];

	pin_to_first();
	end_last_thread();
	pin_to_second(); /* with the thread still in the sample */
	guest.nthreads--;
	assert_all_on(&second);
	pin_to_first();
	get(at(run_dir, "undo"), text, sizeof text);
	ck_assert_ptr_null(strstr(text, "vcpu 1 "));
	ck_assert_ptr_nonnull(strstr(text, "vcpu 0 "));
	act_restore(act, 0);
	assert_all_on(&all);
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 0);
}
END_TEST

START_TEST(a_recycled_thread_number_is_not_touched)
{
	guest.thread[2].start_ticks++;
	pin_to_first();
	ck_assert(runs_on(2, &all));
	ck_assert(runs_on(3, &first));
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 0);
}
END_TEST

START_TEST(more_threads_over_time_than_there_is_room_for)
{
	for (int i = 0; i < KT_THREADS_MAX + 10; i++) {
		see_thread(new_thread(), THREAD_EMULATOR, 0);
		wish_cpus(i % 2 ? &first : &second, i % 2);
		nsaid = 0;
		apply();
		assert_all_on(i % 2 ? &first : &second);
		end_last_thread();
		guest.nthreads--;
	}
	ck_assert_int_eq(act_again(), THREADS);
}
END_TEST

/* ---- somebody else ----------------------------------------------------- */

START_TEST(a_foreign_pin_cedes_the_guest_once_and_the_rest_goes_back)
{
	const struct cpumask *masks[] = { &second, &all };
	char list[64];

	pin_to_first();
	set_mask(guest.thread[2].tid, masks[_i]);
	for (int i = 0; i < 3; i++)
		pin_to_first();
	ck_assert(runs_on(0, &all) && runs_on(1, &all) && runs_on(3, &all));
	ck_assert(runs_on(2, masks[_i]));
	ck_assert(in_force()->pin_ceded && !in_force()->pinned);
	ck_assert_int_eq(the_one(LOG_CEDED)->level, LOG_LEVEL_WARNING);
	ck_assert_str_eq(the_one(LOG_CEDED)->to, cpumask_str(masks[_i], list, sizeof list));
	ck_assert(!exists(at(run_dir, "undo")));
	act_restore(act, 0);
	ck_assert(runs_on(2, masks[_i]));
	ck_assert_uint_eq(count_said(LOG_CEDED), 1);
}
END_TEST

/* Its threads cost a question each: they are asked when the guest is looked at. */
START_TEST(a_foreign_pin_of_a_quiet_guest_is_found_when_it_is_looked_at)
{
	pin_to_first();
	set_mask(guest.thread[2].tid, &second);
	plan->guest[SLOT].unseen = true;
	pin_to_first();
	ck_assert(in_force()->pinned && !in_force()->pin_ceded);
	ck_assert(runs_on(2, &second));
	plan->guest[SLOT].unseen = false;
	pin_to_first();
	ck_assert(in_force()->pin_ceded);
}
END_TEST

START_TEST(a_quiet_guest_goes_where_it_is_wished)
{
	plan->guest[SLOT].unseen = true;
	pin_to_first();
	assert_all_on(&first);
	pin_to_second();
	assert_all_on(&second);
	plan->guest[SLOT].placement.wish = WISH_RELEASE;
	apply();
	assert_all_on(&all);
}
END_TEST

START_TEST(a_pin_made_before_ours_is_respected)
{
	set_mask(guest.thread[2].tid, &second); /* after sense saw it first */
	pin_to_first();
	ck_assert(in_force()->pin_ceded);
	ck_assert(runs_on(0, &all) && runs_on(2, &second) && runs_on(3, &all));
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

START_TEST(a_reload_starts_again_from_the_foreign_pin)
{
	pin_to_first();
	set_mask(guest.thread[2].tid, &second);
	pin_to_first();
	act_forgive(act);
	ck_assert(!in_force()->pin_ceded);
	pin_to_first();
	assert_all_on(&first);
	act_restore(act, 0);
	ck_assert(runs_on(2, &second) && runs_on(3, &all));

	/* ... but not for ever. */
	set_mask(guest.thread[3].tid, &second);
	pin_to_first();
	ck_assert(in_force()->pin_ceded);
	ck_assert(runs_on(3, &second));
}
END_TEST

/* It may be hours until the guest is to be pinned again. */
START_TEST(a_pin_made_after_a_reload_is_respected)
{
	if (_i & 1) /* some are on file */
		pin_to_second();
	set_mask(guest.thread[2].tid, &first);
	pin_to_second();
	ck_assert(in_force()->pin_ceded);
	act_forgive(act);
	plan->guest[SLOT].placement.wish = _i & 2 ? WISH_HOLD : WISH_RELEASE;
	apply();
	set_mask(guest.thread[3].tid, &first);
	pin_to_second();
	ck_assert(in_force()->pin_ceded);
	ck_assert(runs_on(0, &all) && runs_on(2, &first) && runs_on(3, &first));

	act_forgive(act);
	apply();
	pin_to_second();
	assert_all_on(&second);
	act_restore(act, 0);
	ck_assert(runs_on(0, &all) && runs_on(2, &first) && runs_on(3, &first));
}
END_TEST

static void somebody_pins_and_reloads(void)
{
	pin_to_second();
	set_mask(guest.thread[2].tid, &first);
	pin_to_second();
	ck_assert(in_force()->pin_ceded);
	act_forgive(act);
	plan->guest[SLOT].placement.wish = WISH_HOLD;
}

START_TEST(a_reload_is_remembered_until_the_threads_are_known)
{
	size_t nthreads = plan->guest[SLOT].nthreads;

	somebody_pins_and_reloads();
	plan->guest[SLOT].nthreads = 0;
	apply();
	plan->guest[SLOT].nthreads = nthreads;
	pin_to_second();
	assert_all_on(&second);
}
END_TEST

START_TEST(threads_that_have_gone_are_forgotten_with_a_reload)
{
	for (int i = 0; i < KT_THREADS_MAX + 10; i++) {
		see_thread(new_thread(), THREAD_EMULATOR, 0);
		set_mask(guest.thread[2].tid, i % 2 ? &first : &second);
		wish_cpus(i % 2 ? &second : &first, !(i % 2));
		apply();
		ck_assert(in_force()->pin_ceded);
		act_forgive(act);
		plan->guest[SLOT].placement.wish = WISH_HOLD;
		nsaid = 0;
		apply();
		end_last_thread();
		guest.nthreads--;
	}
	see_thread(new_thread(), THREAD_EMULATOR, 0);
	pin_to_second();
	assert_all_on(&second);
}
END_TEST

START_TEST(a_pin_made_after_a_reload_is_respected_though_a_thread_has_gone)
{
	end_last_thread();
	somebody_pins_and_reloads();
	apply();
	set_mask(guest.thread[0].tid, &first);
	pin_to_second();
	ck_assert(in_force()->pin_ceded && runs_on(0, &first));
}
END_TEST

START_TEST(a_foreign_pin_is_seen_at_the_end_too)
{
	pin_to_first();
	set_mask(guest.thread[2].tid, &second);
	act_restore(act, 0);
	ck_assert(runs_on(0, &all) && runs_on(2, &second));
	ck_assert_uint_eq(count_said(LOG_CEDED), 1);
}
END_TEST

/* ---- refusals ---------------------------------------------------------- */

START_TEST(cpus_that_a_guest_may_not_use_end_it_for_this_guest)
{
	struct cpumask nowhere = { 0 };

	cpumask_set(&nowhere, KT_CPUS_MAX - 1);
	for (int i = 0; i < 3; i++) {
		wish_cpus(&nowhere, 1);
		apply();
	}
	assert_all_on(&all);
	ck_assert(in_force()->pin_off && !in_force()->pinned);
	ck_assert_int_eq(the_one(LOG_WRITE_REFUSED)->error, EINVAL);
	ck_assert_ptr_nonnull(strstr(the_one(LOG_WRITE_REFUSED)->message, "cpuset"));
	ck_assert(!exists(at(run_dir, "undo")));
	ck_assert_uint_eq(nsaid, 1);

	act_forgive(act);
	pin_to_first();
	assert_all_on(&first);
	/* A refusal gives back what was in force. */
	wish_cpus(&nowhere, 1);
	apply();
	assert_all_on(&all);
}
END_TEST

START_TEST(an_empty_or_homeless_wish_is_no_wish)
{
	wish_cpus(&first, -1);
	apply();
	wish_cpus(&first, KT_NODES_MAX);
	apply();
	wish_cpus(&(struct cpumask){ 0 }, 0);
	apply();
	assert_all_on(&all);
	ck_assert_uint_eq(nsaid, 0);
}
END_TEST

enum { NOBODY = 65534 };

/* Without CAP_SYS_NICE nobody moves other users' threads. */
static void lose_capability(void)
{
	ck_assert_int_eq(chown(run_dir, NOBODY, NOBODY), 0);
	ck_assert_int_eq(setresuid(NOBODY, NOBODY, 0), 0);
}

static void regain_capability(void)
{
	ck_assert_int_eq(setresuid(0, 0, 0), 0);
}

static void pin_two_guests(void)
{
	plan->nslots = SLOT + 2;
	wish_cpus(&first, 0);
	plan->guest[SLOT + 1] = plan->guest[SLOT];
	plan->guest[SLOT + 1].uuid.byte[0] ^= 1;
	apply();
}

START_TEST(without_the_capability_no_guest_is_tried_again)
{
	if (geteuid() != 0)
		return; /* our own threads we may always move */
	lose_capability();
	pin_two_guests();
	regain_capability();
	make_old(run_dir);
	lose_capability();
	pin_two_guests();
	regain_capability();
	ck_assert(is_old(run_dir)); /* not even tried */
	assert_all_on(&all);
	ck_assert_int_eq(the_one(LOG_WRITE_REFUSED)->error, EPERM);
	ck_assert_ptr_nonnull(strstr(the_one(LOG_WRITE_REFUSED)->message, "CAP_SYS_NICE"));
	ck_assert(in_force()->pin_off && !in_force()->pinned);
	ck_assert(act_in_force(act)->guest[SLOT + 1].pin_off);
	ck_assert(!exists(at(run_dir, "undo")));
	ck_assert_uint_eq(nsaid, 1);

	act_forgive(act);
	pin_to_first();
	assert_all_on(&first);
}
END_TEST

START_TEST(originals_that_may_not_be_written_stay_on_file)
{
	if (geteuid() != 0)
		return; /* our own threads we may always move */
	pin_to_first();
	lose_capability();
	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(act_restore(act, 0), 0);
	regain_capability();
	assert_all_on(&first);
	ck_assert_int_eq(the_one(LOG_WRITE_REFUSED)->error, EPERM);
	ck_assert_int_eq(act_again(), THREADS);
	act_restore(act, 0);
	assert_all_on(&all);
}
END_TEST

START_TEST(what_cannot_be_remembered_is_not_changed)
{
	ck_assert_int_eq(mkdir(at(run_dir, "undo.tmp"), 0700), 0);
	pin_to_first();
	pin_to_first();
	assert_all_on(&all);
	ck_assert(!in_force()->pinned);
	ck_assert_uint_eq(nsaid, 1);
	ck_assert(act_cannot_save(act));
	ck_assert_int_eq(rmdir(at(run_dir, "undo.tmp")), 0);
	pin_to_first();
	assert_all_on(&first);
	ck_assert(!act_cannot_save(act));

	/* Nor is a guest moved on, and it is still known for ours. */
	ck_assert_int_eq(mkdir(at(run_dir, "undo.tmp"), 0700), 0);
	pin_to_second();
	assert_all_on(&first);
	ck_assert_uint_eq(in_force()->nodes, 1);
	ck_assert_int_eq(rmdir(at(run_dir, "undo.tmp")), 0);
	pin_to_second();
	assert_all_on(&second);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	act_restore(act, 0);
	assert_all_on(&all);
}
END_TEST

START_TEST(a_dry_run_moves_nothing_and_repeats_nothing)
{
	char cpus[KT_CPULIST_MAX];

	plan->guest[SLOT].placement.dry_run = true;
	pin_to_first();
	pin_to_first();
	assert_all_on(&all);
	ck_assert(!exists(at(run_dir, "undo")));
	ck_assert(the_one(LOG_PIN_CHANGED)->dry_run);
	ck_assert_str_eq(the_one(LOG_PIN_CHANGED)->to, cpumask_str(&first, cpus, sizeof cpus));
	pin_to_second();
	ck_assert_uint_eq(count_said(LOG_PIN_CHANGED), 2);
	assert_all_on(&all);
	plan->guest[SLOT].placement.wish = WISH_RELEASE;
	apply();
	wish_cpus(&all, 0); /* they are there */
	apply();
	set_mask(guest.thread[2].tid, &second); /* somebody else pins */
	pin_to_first();
	ck_assert_uint_eq(nsaid, 2);
}
END_TEST

/* Between two dry runs there was an order: the second is told anew. */
START_TEST(a_dry_run_after_an_order_is_news)
{
	plan->guest[SLOT].placement.dry_run = true;
	pin_to_first();
	plan->guest[SLOT].placement.dry_run = false;
	plan->guest[SLOT].placement.wish = WISH_RELEASE;
	apply();
	plan->guest[SLOT].placement.dry_run = true;
	pin_to_first();
	ck_assert_uint_eq(count_said(LOG_PIN_CHANGED), 2);
	assert_all_on(&all);
}
END_TEST

START_TEST(a_recorded_hosts_threads_are_not_this_kernels)
{
	struct hostfs recorded;

	ck_assert_int_eq(hostfs_open(root, &recorded), 0);
	fs.is_live = recorded.is_live;
	ck_assert(!fs.is_live);
	pin_to_first();
	assert_all_on(&all);
	ck_assert_uint_eq(nsaid, 0);
	hostfs_close(&recorded);
}
END_TEST

/* ---- lives ------------------------------------------------------------- */

/* A new daemon sees every thread for the first time: with our mask. */
static void sense_again(void)
{
	for (size_t i = 0; i < guest.nthreads; i++)
		guest.thread[i].first_allowed = mask_of(guest.thread[i].tid);
}

START_TEST(a_restart_knows_what_is_pinned_and_changes_nothing)
{
	pin_to_first();
	make_old(at(run_dir, "undo"));
	ck_assert_int_eq(act_again(), THREADS);
	bind();
	sense_again();
	ck_assert(in_force()->pinned);
	ck_assert_uint_eq(in_force()->nodes, 1);
	pin_to_first();
	assert_all_on(&first);
	ck_assert_uint_eq(nsaid, 1);

	/* Threads born in between, and another home, and back, and home again. */
	see_thread(new_thread(), THREAD_EMULATOR, 0);
	pin_to_second();
	assert_all_on(&second);
	plan->guest[SLOT].placement.wish = WISH_RELEASE;
	apply();
	assert_all_on(&all);
	pin_to_first();
	assert_all_on(&first);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}
END_TEST

START_TEST(a_threads_own_mask_is_known_after_a_restart)
{
	set_mask(guest.thread[2].tid, &second);
	guest.thread[2].first_allowed = second;
	pin_to_first();
	ck_assert_int_eq(act_again(), THREADS);
	bind();
	sense_again();
	plan->guest[SLOT].placement.wish = WISH_RELEASE;
	apply();
	ck_assert(runs_on(2, &second));
	pin_to_first();
	assert_all_on(&first);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	act_restore(act, 0);
	ck_assert(runs_on(2, &second));
}
END_TEST

START_TEST(originals_come_back_without_libvirts_word)
{
	pin_to_first();
	(void)new_thread();
	ck_assert_int_eq(act_again(), THREADS);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_all_on(&all);
	ck_assert_ptr_nonnull(strstr(the_one(LOG_RESTORED)->message, "5 threads"));
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

START_TEST(a_pin_changed_between_two_lives_is_theirs)
{
	pin_to_first();
	set_mask(guest.thread[2].tid, &second);
	ck_assert_int_eq(act_again(), THREADS - 1);
	bind();
	ck_assert(in_force()->pin_ceded);
	ck_assert_uint_eq(count_said(LOG_CEDED), 1);
	pin_to_first();
	ck_assert(runs_on(0, &all) && runs_on(2, &second) && runs_on(3, &all));
	act_restore(act, 0);
	ck_assert(runs_on(2, &second));
}
END_TEST

static void edit_undo(const char *what, const char *with)
{
	char text[8192], edited[8192], *found;
	size_t before;

	get(at(run_dir, "undo"), text, sizeof text);
	found = strstr(text, what);
	ck_assert_msg(found != NULL, "%s not in %s", what, text);
	before = (size_t)(found - text);
	snprintf(edited, sizeof edited, "%.*s%s%s", (int)before, text, with, found + strlen(what));
	put(at(run_dir, "undo"), edited);
}

START_TEST(another_process_of_the_same_number_is_not_touched)
{
	char line[64], edited[64];

	pin_to_first();
	snprintf(line, sizeof line, " %d %" PRIu64 " web-1", guest.pid,
		 guest.thread[0].start_ticks);
	snprintf(edited, sizeof edited, " %d %" PRIu64 " web-1", guest.pid,
		 guest.thread[0].start_ticks + 1);
	edit_undo(line, edited);
	ck_assert_int_eq(act_again(), 0);
	act_restore(act, 0);
	assert_all_on(&first);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

START_TEST(another_thread_of_the_same_number_is_not_touched)
{
	char line[64], edited[64];

	pin_to_first();
	snprintf(line, sizeof line, "pin %d %" PRIu64 " ", guest.thread[3].tid,
		 guest.thread[3].start_ticks);
	snprintf(edited, sizeof edited, "pin %d %" PRIu64 " ", guest.thread[3].tid,
		 guest.thread[3].start_ticks + 1);
	edit_undo(line, edited);
	ck_assert_int_eq(act_again(), THREADS - 1);
	act_restore(act, 0);
	ck_assert(runs_on(0, &all) && runs_on(2, &all));
	/* It runs where we pinned its elders, so it is one of their children. */
	ck_assert(runs_on(3, &all));
}
END_TEST

START_TEST(a_guest_that_restarts_starts_anew)
{
	pin_to_first();
	guest_ends();
	guest_starts();
	plan_guest("web-1");
	plan->guest[SLOT].incarnation++;
	act_bind(act, SLOT, INCARNATION + 1, &guest_uuid, guest.pid, guest.thread[0].start_ticks);
	ck_assert(!in_force()->pinned);
	pin_to_second();
	assert_all_on(&second);
	act_restore(act, 0);
	assert_all_on(&all);
}
END_TEST

START_TEST(a_guest_that_has_gone_leaves_nothing)
{
	pin_to_first();
	guest_ends();
	act_forget(act, &guest_uuid);
	ck_assert(!in_force()->pinned);
	ck_assert_uint_eq(in_force()->incarnation, 0);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert(!exists(at(run_dir, "undo")));
	ck_assert_uint_eq(count_said(LOG_RESTORED), 0);
	guest_starts();
}
END_TEST

START_TEST(a_guest_that_libvirt_loses_gets_its_masks_back)
{
	pin_to_first();
	act_forget(act, &guest_uuid);
	assert_all_on(&all);
	ck_assert_str_eq(the_one(LOG_RESTORED)->reason, "guest-lost");
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

/* libvirt has lost it while nobody looked, and knows another process by its UUID. */
START_TEST(a_guest_whose_place_another_process_has_gets_its_masks_back)
{
	pin_to_first();
	if (_i == 0)
		ck_assert_int_gt(act_again(), 0);
	nsaid = 0;
	act_bind(act, SLOT, INCARNATION + 1, &guest_uuid, getpid(),
		 start_ticks_of(getpid(), getpid()));
	assert_all_on(&all);
	ck_assert_str_eq(the_one(LOG_RESTORED)->reason, "guest-lost");
	ck_assert(!in_force()->pinned && !act_owes(act));
}
END_TEST

static size_t nshown;

static void count_shown(void *context, const struct uuid *uuid)
{
	ck_assert(context == &nshown && uuid_equal(uuid, &guest_uuid));
	nshown++;
}

static size_t unbound(void)
{
	nshown = 0;
	act_each_unbound(act, count_shown, &nshown);
	return nshown;
}

START_TEST(a_guest_is_unbound_until_it_is_bound_and_no_more_when_it_has_gone)
{
	pin_to_first();
	ck_assert_uint_eq(unbound(), 0);
	ck_assert_int_gt(act_again(), 0);
	ck_assert_uint_eq(unbound(), 1);
	bind();
	ck_assert_uint_eq(unbound(), 0);
	(void)act_again();
	act_forget(act, &guest_uuid);
	ck_assert_uint_eq(unbound(), 0);
}
END_TEST

START_TEST(a_guest_that_is_dead_and_not_yet_reaped_has_gone)
{
	siginfo_t dead;

	pin_to_first();
	ck_assert_int_eq(kill(guest.pid, SIGKILL), 0);
	ck_assert_int_eq(waitid(P_PID, (id_t)guest.pid, &dead, WEXITED | WNOWAIT), 0);
	act_forget(act, &guest_uuid);
	ck_assert_uint_eq(count_said(LOG_RESTORED), 0);
}
END_TEST

START_TEST(a_hostile_name_is_harmless)
{
	const char *name = "a\nb \"%s%n\\\x1b[31m/../\xff end 1";
	char text[4096];

	plan_guest(name);
	pin_to_first();
	ck_assert_ptr_null(strchr(the_one(LOG_PIN_CHANGED)->message, '\n'));
	ck_assert_ptr_null(strchr(the_one(LOG_PIN_CHANGED)->message, '\x1b'));
	ck_assert_ptr_nonnull(strstr(the_one(LOG_PIN_CHANGED)->guest, "a\\x0ab "));
	get(at(run_dir, "undo"), text, sizeof text);
	ck_assert_ptr_null(strchr(text, '\x1b'));
	ck_assert_int_eq(act_again(), THREADS);
	act_restore(act, 0);
	assert_all_on(&all);
	ck_assert_str_eq(the_one(LOG_RESTORED)->guest, said[0].guest);
}
END_TEST

START_TEST(the_longest_hostile_name_is_written_and_read)
{
	char name[400];

	memset(name, '\xfe', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	plan_guest(name);
	pin_to_first();
	pin_to_first();
	ck_assert_int_eq(act_again(), THREADS);
	ck_assert_uint_eq(strspn(the_one(LOG_PIN_CHANGED)->guest, "\\xfe"), 4 * (KT_NAME_MAX - 1));
}
END_TEST

/* ---- CPUs come and go ---------------------------------------------------- */

/* The kernel hides off-line CPUs from every mask.  Here a file says which are on-line, and
 * we take them out of the masks ourselves. */
static void setup_hotplug(void)
{
	static const char *const folders[] = { "sys", "sys/devices", "sys/devices/system",
					       "sys/devices/system/cpu" };

	setup_guest();
	hostfs_close(&fs);
	ck_assert_int_eq(hostfs_open(root, &fs), 0);
	fs.is_live = true;
	ck_assert_int_eq(symlink("/proc", at(root, "proc")), 0);
	for (size_t i = 0; i < KT_ARRAY_LEN(folders); i++)
		ck_assert_int_eq(mkdir(at(root, folders[i]), 0755), 0);
}

static void online(const struct cpumask *cpus)
{
	char list[64];

	put(at(root, "sys/devices/system/cpu/online"), cpumask_str(cpus, list, sizeof list));
}

static void all_threads_on(const struct cpumask *cpus)
{
	for (size_t i = 0; i < guest.nthreads; i++)
		set_mask(guest.thread[i].tid, cpus);
}

/* A guest of the first CPU, pinned to both. */
static void pin_first_to_both(void)
{
	all_threads_on(&first);
	for (size_t i = 0; i < guest.nthreads; i++)
		guest.thread[i].first_allowed = first;
	online(&all);
	wish_cpus(&all, 0);
	apply();
	assert_all_on(&all);
}

START_TEST(a_cpu_that_is_switched_off_is_no_foreign_pin)
{
	pin_first_to_both();
	online(&second);
	all_threads_on(&second);
	apply();
	ck_assert_int_eq(act_again(), THREADS);
	bind();
	apply();
	ck_assert(in_force()->pinned && !in_force()->pin_ceded);
	ck_assert_uint_eq(nsaid, 1);
	online(&all);
	all_threads_on(&all); /* and on again */
	apply();
	ck_assert(in_force()->pinned && !in_force()->pin_ceded);
	act_restore(act, 0);
	assert_all_on(&first);
}
END_TEST

START_TEST(the_same_mask_with_the_cpu_on_is_a_foreign_pin)
{
	pin_first_to_both();
	online(&second);
	all_threads_on(&second);
	apply();
	ck_assert(!in_force()->pin_ceded);
	online(&all);
	apply();
	ck_assert(in_force()->pin_ceded);
	assert_all_on(&second);
}
END_TEST

START_TEST(a_cpu_switched_off_before_we_pin_is_no_foreign_pin)
{
	online(&first);
	all_threads_on(&first); /* sense saw both */
	wish_cpus(&first, 0);
	apply();
	ck_assert(!in_force()->pin_ceded);
	online(&all);
	for (size_t i = 0; i < guest.nthreads; i++)
		guest.thread[i].first_allowed = first;
	all_threads_on(&all); /* and now more than sense saw */
	pin_to_second();
	ck_assert(!in_force()->pin_ceded);
	assert_all_on(&second);
}
END_TEST

START_TEST(a_mask_that_only_looks_like_the_original_is_given_back)
{
	online(&all);
	pin_to_first();
	online(&first); /* all that is left of both masks is the first */
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_all_on(&every);
}
END_TEST

/* A CPU goes off-line and comes back, and the plan sees both. */
static void switch_off_and_on(void)
{
	online(&first);
	act_apply(act, plan);
	online(&all);
	act_apply(act, plan);
}

START_TEST(masks_that_the_kernel_reset_at_a_hotplug_are_written_again)
{
	online(&all);
	pin_to_first();
	switch_off_and_on();
	all_threads_on(&all); /* some milliseconds later */
	plan->now_ns += 15 * KT_NS_PER_S - 1;
	pin_to_first();
	assert_all_on(&first);
	ck_assert(in_force()->pinned && !in_force()->pin_ceded);
	ck_assert_uint_eq(count_said(LOG_PIN_CHANGED), 2);

	all_threads_on(&all); /* too late to be for that */
	plan->now_ns++;
	pin_to_first();
	ck_assert(in_force()->pin_ceded);
	assert_all_on(&all);
}
END_TEST

/* apply() asks for the guest's lines, by which it is settled no more. */
static void pin_quietly(void)
{
	wish_cpus(&first, 0);
	act_apply(act, plan);
}

START_TEST(masks_of_a_quiet_guest_that_the_kernel_reset_are_written_again)
{
	online(&all);
	plan->guest[SLOT].placement.version = 1;
	plan->guest[SLOT].unseen = true;
	pin_quietly();
	pin_quietly();
	switch_off_and_on();
	all_threads_on(&all);
	plan->now_ns += KT_NS_PER_S;
	pin_quietly();
	assert_all_on(&first);
}
END_TEST

START_TEST(a_narrow_mask_is_foreign_also_at_a_hotplug)
{
	online(&all);
	pin_to_first();
	switch_off_and_on();
	set_mask(guest.thread[2].tid, &second);
	pin_to_first();
	ck_assert(in_force()->pin_ceded);
	ck_assert(runs_on(2, &second));
}
END_TEST

/* What the cpuset allows is more than what the guest had. */
START_TEST(masks_that_the_kernel_reset_are_given_back)
{
	pin_first_to_both();
	pin_to_second();
	switch_off_and_on();
	all_threads_on(&all);
	ck_assert_uint_eq(act_restore(act, plan->now_ns + KT_NS_PER_S), 0);
	assert_all_on(&first);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

/* Half of the guest is wished elsewhere, which cannot be put on file: the other half is
 * written again at the next chance all the same. */
START_TEST(a_reset_mask_is_not_forgotten_when_nothing_may_be_written)
{
	struct placement_plan *wish = &plan->guest[SLOT].placement;

	online(&all);
	pin_to_first();
	switch_off_and_on();
	all_threads_on(&all);
	ck_assert_int_eq(mkdir(at(run_dir, "undo.tmp"), 0700), 0);
	wish->helpers = second;
	apply();
	assert_all_on(&all);
	ck_assert_int_eq(rmdir(at(run_dir, "undo.tmp")), 0);
	plan->now_ns += 60 * KT_NS_PER_S;
	for (int i = 0; i < 2; i++)
		apply();
	ck_assert(!in_force()->pin_ceded);
	ck_assert(runs_on(0, &second) && runs_on(1, &second));
	ck_assert(runs_on(2, &first) && runs_on(3, &first));
}
END_TEST

/* CPU 1000 is there, and off-line: the kernel shows it in no mask. */
START_TEST(cpus_that_are_off_line_are_among_the_originals)
{
	struct cpumask whole = all;
	char list[64], text[4096], original[80], one[256];

	cpumask_set(&whole, 1000);
	cpumask_str(&whole, list, sizeof list);
	put(at(root, "sys/devices/system/cpu/present"), list);
	snprintf(original, sizeof original, " %s ", list);
	online(&all);
	set_mask(guest.thread[2].tid, &first); /* somebody's own, which says what it says */
	guest.thread[2].first_allowed = first;
	pin_to_second();
	(void)get(at(run_dir, "undo"), text, sizeof text);
	for (size_t i = 0; i < guest.nthreads; i++) {
		char line[32];
		const char *pin;

		snprintf(line, sizeof line, "pin %d ", guest.thread[i].tid);
		pin = strstr(text, line);
		ck_assert_ptr_nonnull(pin);
		snprintf(one, sizeof one, "%.*s", (int)strcspn(pin, "\n"), pin);
		ck_assert_msg((strstr(one, original) != NULL) == (i != 2), "%s", one);
	}
}
END_TEST

/* A cpuset took some of what we asked for: CPU 1000 is on-line and not to be had. */
START_TEST(a_mask_that_the_kernel_reset_needs_no_restoring)
{
	online(&all);
	pin_to_first();
	online(&second); /* none of ours is left */
	all_threads_on(&second);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_all_on(&second);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

START_TEST(a_mask_that_the_cpuset_narrowed_is_ours_in_the_next_life)
{
	char list[32], before[64], after[64];
	struct cpumask cpus = all;
	size_t edited = 0;

	online(&all);
	pin_to_second();
	cpumask_str(&second, list, sizeof list);
	snprintf(before, sizeof before, " %s -\n", list);
	snprintf(after, sizeof after, " %s,1000 -\n", list);
	for (; edited < THREADS; edited++)
		edit_undo(before, after);
	cpumask_set(&cpus, 1000);
	online(&cpus);
	ck_assert_int_eq(act_again(), THREADS);
	bind();
	ck_assert(in_force()->pinned && !in_force()->pin_ceded);
	online(&all);
	act_restore(act, 0);
	assert_all_on(&every);
}
END_TEST

/* ---- kill -9 ----------------------------------------------------------- */

START_TEST(killed_anywhere_in_pinning_all_comes_back)
{
	unsigned int n = 0;

	for (; killed_at(n, pin_to_first); n++)
		all_is_back();
	all_is_back();
	ck_assert_uint_ge(n, 8 * THREADS);
}
END_TEST

START_TEST(killed_anywhere_in_moving_all_comes_back)
{
	for (unsigned int n = 0, more = 1; more; n++) {
		pin_to_first();
		more = killed_at(n, pin_to_second);
		all_is_back();
	}
}
END_TEST

START_TEST(killed_anywhere_in_restoring_all_comes_back)
{
	/* Its mask is ours by birth only, so the last step of all is the one that counts. */
	pin_to_first();
	see_thread(new_thread(), THREAD_EMULATOR, 0);
	act_restore(act, 0);
	for (unsigned int n = 0, more = 1; more; n++) {
		pin_to_first();
		more = killed_at(n, restore);
		all_is_back();
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("act_placement");
	TCase *c = tcase_create("affinity"), *l = tcase_create("lives"),
	      *h = tcase_create("hotplug"), *k = tcase_create("kill");

	tcase_add_checked_fixture(c, setup_guest, teardown_guest);
	tcase_add_test(c, all_threads_are_pinned_and_it_is_said_once);
	tcase_add_test(c, the_same_plan_again_changes_nothing);
	tcase_add_test(c, each_thread_gets_its_own_mask_back);
	tcase_add_test(c, what_is_given_back_is_said_with_its_cpus);
	tcase_add_test(c, a_guest_that_is_there_already_is_not_ours);
	tcase_add_test(c, a_guest_that_moves_twice_gets_its_first_masks_back);
	tcase_add_test(c, release_gives_back_and_hold_does_not);
	tcase_add_test(c, a_new_thread_has_our_mask_and_gets_the_guests_original);
	tcase_add_test(c, a_new_thread_follows_the_guest_to_another_node);
	tcase_add_test(c, a_thread_that_no_plan_named_is_given_back_too);
	tcase_add_test(c, a_new_thread_that_got_another_mask_is_pinned);
	tcase_add_test(c, a_plugged_vcpu_may_be_seen_before_libvirt_sets_its_mask);
	tcase_add_test(c, threads_that_have_gone_are_forgotten);
	tcase_add_test(c, a_recycled_thread_number_is_not_touched);
	tcase_add_test(c, more_threads_over_time_than_there_is_room_for);
	tcase_add_loop_test(c, a_foreign_pin_cedes_the_guest_once_and_the_rest_goes_back, 0, 2);
	tcase_add_test(c, a_foreign_pin_of_a_quiet_guest_is_found_when_it_is_looked_at);
	tcase_add_test(c, a_quiet_guest_goes_where_it_is_wished);
	tcase_add_test(c, a_pin_made_before_ours_is_respected);
	tcase_add_test(c, a_reload_starts_again_from_the_foreign_pin);
	tcase_add_loop_test(c, a_pin_made_after_a_reload_is_respected, 0, 4);
	tcase_add_test(c, a_reload_is_remembered_until_the_threads_are_known);
	tcase_add_test(c, threads_that_have_gone_are_forgotten_with_a_reload);
	tcase_add_test(c, a_pin_made_after_a_reload_is_respected_though_a_thread_has_gone);
	tcase_add_test(c, a_foreign_pin_is_seen_at_the_end_too);
	tcase_add_test(c, cpus_that_a_guest_may_not_use_end_it_for_this_guest);
	tcase_add_test(c, an_empty_or_homeless_wish_is_no_wish);
	tcase_add_test(c, without_the_capability_no_guest_is_tried_again);
	tcase_add_test(c, originals_that_may_not_be_written_stay_on_file);
	tcase_add_test(c, what_cannot_be_remembered_is_not_changed);
	tcase_add_test(c, a_dry_run_moves_nothing_and_repeats_nothing);
	tcase_add_test(c, a_dry_run_after_an_order_is_news);
	tcase_add_test(c, a_recorded_hosts_threads_are_not_this_kernels);
	suite_add_tcase(s, c);
	tcase_add_checked_fixture(l, setup_guest, teardown_guest);
	tcase_add_test(l, a_restart_knows_what_is_pinned_and_changes_nothing);
	tcase_add_test(l, a_threads_own_mask_is_known_after_a_restart);
	tcase_add_test(l, originals_come_back_without_libvirts_word);
	tcase_add_test(l, a_pin_changed_between_two_lives_is_theirs);
	tcase_add_test(l, another_process_of_the_same_number_is_not_touched);
	tcase_add_test(l, another_thread_of_the_same_number_is_not_touched);
	tcase_add_test(l, a_guest_that_restarts_starts_anew);
	tcase_add_test(l, a_guest_that_has_gone_leaves_nothing);
	tcase_add_test(l, a_guest_that_libvirt_loses_gets_its_masks_back);
	tcase_add_test(l, a_guest_that_is_dead_and_not_yet_reaped_has_gone);
	tcase_add_test(l, a_hostile_name_is_harmless);
	tcase_add_test(l, the_longest_hostile_name_is_written_and_read);
	suite_add_tcase(s, l);
	tcase_add_checked_fixture(h, setup_hotplug, teardown_guest);
	tcase_add_test(h, a_cpu_that_is_switched_off_is_no_foreign_pin);
	tcase_add_test(h, the_same_mask_with_the_cpu_on_is_a_foreign_pin);
	tcase_add_test(h, a_cpu_switched_off_before_we_pin_is_no_foreign_pin);
	tcase_add_test(h, a_mask_that_only_looks_like_the_original_is_given_back);
	tcase_add_test(h, masks_that_the_kernel_reset_at_a_hotplug_are_written_again);
	tcase_add_test(h, masks_of_a_quiet_guest_that_the_kernel_reset_are_written_again);
	tcase_add_test(h, a_narrow_mask_is_foreign_also_at_a_hotplug);
	tcase_add_test(h, masks_that_the_kernel_reset_are_given_back);
	tcase_add_test(h, a_reset_mask_is_not_forgotten_when_nothing_may_be_written);
	tcase_add_test(h, a_mask_that_the_kernel_reset_needs_no_restoring);
	tcase_add_test(h, cpus_that_are_off_line_are_among_the_originals);
	tcase_add_test(h, a_mask_that_the_cpuset_narrowed_is_ours_in_the_next_life);
	suite_add_tcase(s, h);
	tcase_add_checked_fixture(k, setup_guest, teardown_guest);
	tcase_set_timeout(k, 60);
	tcase_add_test(k, killed_anywhere_in_pinning_all_comes_back);
	tcase_add_test(k, killed_anywhere_in_moving_all_comes_back);
	tcase_add_test(k, killed_anywhere_in_restoring_all_comes_back);
	tcase_add_test(c, a_guest_is_unbound_until_it_is_bound_and_no_more_when_it_has_gone);
	tcase_add_loop_test(c, a_guest_whose_place_another_process_has_gets_its_masks_back, 0, 2);
	suite_add_tcase(s, k);
	return kt_run(s);
}
