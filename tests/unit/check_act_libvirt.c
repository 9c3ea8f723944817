/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pins through libvirt: asked for once, answered some time, given back the same way.
 * libvirt is a list of requests here; its answers move the threads of a real process. */
#include "act_guest.h"
#include "act_private.h"

/* Main thread, vCPU 0 and vCPU 1; the emulator's worker has no address in libvirt. */
enum { PINS = 3 };

static bool moves_workers; /* with the emulator, through its cgroup */

static void setup(void)
{
	setup_guest();
	moves_workers = false;
	plan->guest[SLOT].placement.backend = PLACEMENT_LIBVIRT;
}

static size_t thread_of(const struct request *r)
{
	for (size_t i = 0; i < guest.nthreads; i++)
		if (guest.thread[i].role == r->role && guest.thread[i].number == r->number)
			return i;
	ck_abort_msg("a pin for no thread");
	return 0;
}

static void reply(const struct request *r, int error)
{
	struct vm_reply answer = { .uuid = r->uuid,
				   .is_pin = true,
				   .role = r->role,
				   .number = r->number,
				   .error = error,
				   .cpus = r->cpus };

	act_reply(act, &answer, 2000);
}

/* libvirt does what it was asked for. */
static void answer_all(void)
{
	for (size_t i = 0; i < nrequests; i++) {
		set_mask(guest.thread[thread_of(&request[i])].tid, &request[i].cpus);
		if (moves_workers && request[i].role == THREAD_EMULATOR)
			set_mask(guest.thread[1].tid, &request[i].cpus);
		reply(&request[i], 0);
	}
	nrequests = 0;
}

/* What the policy wishes for a guest that it may not touch. */
static void hold(void)
{
	plan->guest[SLOT].placement.wish = WISH_HOLD;
	apply();
}

static bool asks(size_t i, enum thread_role role, unsigned int number, const struct cpumask *cpus)
{
	return request[i].is_pin && request[i].role == role && request[i].number == number &&
	       cpumask_equal(&request[i].cpus, cpus) && uuid_equal(&request[i].uuid, &guest_uuid);
}

START_TEST(each_thread_that_libvirt_knows_is_asked_for_once)
{
	pin_to_first();
	ck_assert_uint_eq(nrequests, PINS);
	ck_assert(asks(0, THREAD_EMULATOR, 0, &first));
	ck_assert(asks(1, THREAD_VCPU, 0, &first));
	ck_assert(asks(2, THREAD_VCPU, 1, &first));
	ck_assert(request[0].was_on_file);
	pin_to_first();
	pin_to_second(); /* not before the answers */
	ck_assert_uint_eq(nrequests, PINS);
	ck_assert_uint_eq(nsaid, 0);

	answer_all();
	ck_assert(in_force()->pinned);
	ck_assert_uint_eq(in_force()->nodes, 1);
	ck_assert_uint_eq(in_force()->pin_changed_ns, 2000);
	ck_assert_uint_eq(count_said(LOG_PIN_CHANGED), 1);
	pin_to_first();
	ck_assert_uint_eq(nrequests, 0);
	pin_to_second();
	ck_assert_uint_eq(nrequests, PINS);
}
END_TEST

/* The plan would take its masks for somebody else's. */
START_TEST(a_guest_that_is_being_pinned_counts_as_pinned)
{
	struct cpumask cpus;

	pin_to_first();
	cpus = in_force()->cpus;
	ck_assert(in_force()->pinned && cpumask_equal(&cpus, &first));
	ck_assert_uint_eq(in_force()->nodes, 1);
	ck_assert_uint_eq(in_force()->ncells, 1);
	ck_assert_uint_eq(in_force()->cell_nodes[0], 1);
	ck_assert_uint_eq(in_force()->pin_changed_ns, 0); /* which it has not yet */
	for (size_t i = 0; i < PINS; i++) {
		ck_assert(in_force()->pinned);
		reply(&request[i], -ENOTSUP);
	}
	ck_assert(!in_force()->pinned);
	ck_assert_uint_eq(in_force()->nodes, 0);
}
END_TEST

START_TEST(a_guest_that_is_being_given_back_is_pinned_until_it_has_been)
{
	pin_to_first();
	plan->guest[SLOT].placement.wish = WISH_RELEASE;
	apply(); /* what is asked for comes first */
	ck_assert_uint_eq(nrequests, PINS);
	answer_all();
	ck_assert(in_force()->pinned);
	apply();
	ck_assert_uint_eq(nrequests, PINS);
	ck_assert(in_force()->pinned);
	answer_all();
	ck_assert(!in_force()->pinned);
	ck_assert(runs_on(0, &all) && runs_on(2, &all) && runs_on(3, &all));
}
END_TEST

START_TEST(memory_waits_for_the_vcpus)
{
	plan->move = (struct move_plan){ .go = true, .slot = SLOT, .kib_per_s = 1024 };
	fs.is_live = false; /* it is only said then */
	pin_to_first();
	ck_assert_uint_eq(count_said(LOG_MEMORY_MOVED), 0);
	for (size_t i = 0; i < PINS; i++)
		reply(&request[i], 0);
	pin_to_first();
	ck_assert_uint_eq(count_said(LOG_MEMORY_MOVED), 1);
}
END_TEST

START_TEST(originals_are_asked_for_at_the_end)
{
	set_mask(guest.thread[2].tid, &second);
	guest.thread[2].first_allowed = second;
	pin_to_first();
	answer_all();
	(void)new_thread(); /* a worker, with our mask */
	ck_assert_uint_eq(act_restore(act, 0), PINS);
	ck_assert_uint_eq(act_restore(act, 0), PINS);
	ck_assert_uint_eq(nrequests, PINS);
	ck_assert(asks(1, THREAD_VCPU, 0, &second));
	ck_assert(exists(at(run_dir, "undo")));
	answer_all();
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert(runs_on(0, &all) && runs_on(2, &second) && runs_on(3, &all));
	ck_assert(!in_force()->pinned);
	ck_assert(!exists(at(run_dir, "undo")));
	ck_assert_ptr_nonnull(strstr(the_one(LOG_RESTORED)->message, "4 threads"));
}
END_TEST

START_TEST(a_thread_that_no_plan_named_is_known_to_the_next_life)
{
	struct cpumask now;
	pid_t tid;

	pin_to_first();
	answer_all();
	tid = new_thread(); /* a worker, with the mask of the main thread */
	(void)act_restore(act, 0);
	ck_assert(asks(0, THREAD_EMULATOR, 0, &all));
	set_mask(guest.thread[0].tid, &all);
	reply(&request[0], 0);
	(void)act_restore(act, 0);
	nrequests = 0; /* libvirt does no more for that life */
	ck_assert_int_gt(act_again(), 0);
	bind();
	for (int i = 0; i < 3 && act_restore(act, 0) > 0; i++)
		answer_all();
	now = mask_of(tid);
	ck_assert(cpumask_equal(&now, &all));
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

START_TEST(what_libvirt_never_did_need_not_be_undone)
{
	pin_to_first();
	for (size_t i = 0; i < PINS; i++)
		reply(&request[i], -ETIMEDOUT);
	nrequests = 0;
	ck_assert(!in_force()->pinned);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert_uint_eq(nrequests, 0);
	ck_assert(!exists(at(run_dir, "undo")));
	ck_assert_uint_eq(nsaid, 0);
}
END_TEST

START_TEST(a_full_queue_is_asked_again_without_another_undo_file)
{
	answer_now = -EAGAIN;
	pin_to_first();
	make_old(at(run_dir, "undo"));
	pin_to_first();
	ck_assert(is_old(at(run_dir, "undo")));
	answer_now = 0;
	pin_to_first();
	ck_assert(is_old(at(run_dir, "undo")));
	ck_assert_uint_eq(nrequests, PINS);
	ck_assert_uint_eq(nsaid, 0);
}
END_TEST

static const int passing[] = { -EAGAIN, -ENOTCONN, -ETIMEDOUT, -EBUSY };

START_TEST(an_error_that_passes_is_asked_again)
{
	pin_to_first();
	for (size_t i = 0; i < PINS; i++)
		reply(&request[i], i == 1 ? passing[_i] : 0);
	set_mask(guest.thread[0].tid, &first);
	set_mask(guest.thread[3].tid, &first);
	nrequests = 0;
	pin_to_first();
	ck_assert_uint_eq(nrequests, 1);
	ck_assert(asks(0, THREAD_VCPU, 0, &first));
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 0);
}
END_TEST

/* Until it is known, the guest is not asked to go anywhere else: the undo file would have
 * to name one mask more. */
START_TEST(a_lost_answer_may_have_been_a_yes)
{
	pin_to_first();
	for (size_t i = 0; i < PINS; i++)
		reply(&request[i], -ENOTCONN);
	nrequests = 0;
	set_mask(guest.thread[2].tid, &first); /* done, but nobody heard of it */
	pin_to_second();
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	ck_assert_uint_eq(nrequests, PINS);
	ck_assert(asks(0, THREAD_EMULATOR, 0, &first) && asks(1, THREAD_VCPU, 0, &first));
	for (size_t i = 0; i < PINS; i++)
		reply(&request[i], -ENOTCONN);
	nrequests = 0;

	ck_assert_int_eq(act_again(), PINS);
	ck_assert_uint_eq(act_restore(act, 0), 1);
	ck_assert(asks(0, THREAD_VCPU, 0, &all));
	answer_all();
	ck_assert_uint_eq(act_restore(act, 0), 0);
}
END_TEST

START_TEST(a_guest_goes_on_when_it_has_arrived)
{
	pin_to_first();
	for (size_t i = 0; i < PINS; i++)
		reply(&request[i], -ETIMEDOUT);
	nrequests = 0;
	pin_to_second();
	answer_all();
	ck_assert_uint_eq(in_force()->nodes, 1);
	pin_to_second();
	ck_assert_uint_eq(nrequests, PINS);
	answer_all();
	ck_assert_uint_eq(in_force()->nodes, 2);
	ck_assert(runs_on(0, &second) && runs_on(3, &second));
	act_restore(act, 0);
	answer_all();
	ck_assert(runs_on(0, &all) && runs_on(3, &all));
}
END_TEST

START_TEST(a_refusal_ends_it_for_this_guest_and_gives_back)
{
	pin_to_first();
	set_mask(guest.thread[0].tid, &first);
	reply(&request[0], 0);
	reply(&request[1], -ENOTSUP);
	reply(&request[2], -ENOTSUP);
	nrequests = 0;
	ck_assert(in_force()->pin_off);
	ck_assert_int_eq(the_one(LOG_WRITE_REFUSED)->error, ENOTSUP);
	pin_to_first();
	ck_assert_uint_eq(nrequests, 1);
	ck_assert(asks(0, THREAD_EMULATOR, 0, &all));
	answer_all();
	pin_to_first();
	ck_assert_uint_eq(nrequests, 0);
	ck_assert(!in_force()->pinned);
	ck_assert(!exists(at(run_dir, "undo")));
	act_forgive(act);
	pin_to_first();
	ck_assert_uint_eq(nrequests, PINS);
}
END_TEST

/* libvirt moves the thread, fails later, and says so. */
START_TEST(a_refusal_of_what_was_done_is_undone)
{
	pin_to_first();
	for (size_t i = 0; i < PINS; i++)
		set_mask(guest.thread[thread_of(&request[i])].tid, &first);
	for (size_t i = 0; i < PINS; i++)
		reply(&request[i], -EIO);
	nrequests = 0;
	hold();
	ck_assert_uint_eq(nrequests, PINS);
	ck_assert(asks(1, THREAD_VCPU, 0, &all));
	answer_all();
	ck_assert(runs_on(0, &all) && runs_on(2, &all) && runs_on(3, &all));
	hold();
	ck_assert(!exists(at(run_dir, "undo")));
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}
END_TEST

START_TEST(a_failure_is_tried_again_later_and_ever_later)
{
	static const uint64_t wait_s[] = { 10, 20, 40, 80, 160, 320, 600, 600 };

	for (size_t i = 0; i < KT_ARRAY_LEN(wait_s); i++) {
		plan->now_ns = 0;
		pin_to_first();
		ck_assert_uint_eq(nrequests, PINS);
		reply(&request[1], -EIO); /* the moment is 2000 ns */
		reply(&request[0], -EIO);
		reply(&request[2], -EIO);
		nrequests = 0;
		ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), i + 1);
		plan->now_ns = wait_s[i] * KT_NS_PER_S + 1999;
		hold();
		ck_assert(in_force()->pin_off);
		plan->now_ns++;
		hold();
		ck_assert(!in_force()->pin_off);
	}
	pin_to_first();
	answer_all();
	pin_to_second();
	reply(&request[0], -EIO);
	plan->now_ns = wait_s[0] * KT_NS_PER_S + 2000;
	hold();
	ck_assert(!in_force()->pin_off);
}
END_TEST

static const int final[] = { -ENOTSUP, -EACCES, -EPERM };

START_TEST(what_libvirt_cannot_or_may_not_do_is_not_tried_again)
{
	pin_to_first();
	reply(&request[0], final[_i]);
	plan->now_ns = 3600 * KT_NS_PER_S;
	hold();
	ck_assert(in_force()->pin_off);
}
END_TEST

START_TEST(an_original_that_is_refused_is_tried_again)
{
	pin_to_first();
	answer_all();
	plan->guest[SLOT].placement.wish = WISH_RELEASE;
	apply();
	for (size_t i = 0; i < PINS; i++)
		reply(&request[i], -EIO);
	nrequests = 0;
	apply();
	ck_assert_uint_eq(nrequests, 0);
	plan->now_ns = 10 * KT_NS_PER_S + 2000;
	apply();
	ck_assert_uint_eq(nrequests, PINS);
	answer_all();
	ck_assert(runs_on(0, &all) && runs_on(2, &all) && runs_on(3, &all));
	apply();
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

/* What libvirt has no memory for has not been refused. */
START_TEST(an_original_that_there_was_no_memory_for_is_asked_for_by_the_next_plan)
{
	pin_to_first();
	answer_all();
	plan->guest[SLOT].placement.wish = WISH_RELEASE;
	apply();
	reply(&request[1], -ENOMEM);
	for (size_t i = 0; i < PINS; i++)
		if (i != 1) {
			set_mask(guest.thread[thread_of(&request[i])].tid, &all);
			reply(&request[i], 0);
		}
	nrequests = 0;
	ck_assert(!in_force()->pin_off && act_owes(act));
	apply();
	ck_assert_uint_eq(nrequests, 1);
	ck_assert(asks(0, THREAD_VCPU, 0, &all));
	answer_all();
	ck_assert(runs_on(2, &all) && !act_owes(act));
	apply();
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

static const int of_a_give_back[] = { -EIO, -ENOTCONN };

/* It was given back, and said not to have been; then the plan wants it pinned again. */
START_TEST(a_give_back_that_was_made_unheard_is_nobody_elses)
{
	pin_to_first();
	answer_all();
	plan->guest[SLOT].placement.wish = WISH_RELEASE;
	apply();
	for (size_t i = 0; i < PINS; i++) {
		set_mask(guest.thread[thread_of(&request[i])].tid, &all);
		reply(&request[i], of_a_give_back[_i]);
	}
	nrequests = 0;
	act_forgive(act);
	pin_to_first();
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	ck_assert_uint_eq(nrequests, PINS);
	answer_all();
	set_mask(guest.thread[3].tid, &all); /* and now it is somebody else */
	pin_to_first();
	ck_assert_uint_eq(count_said(LOG_CEDED), 1);
}
END_TEST

/* The policy holds a guest that was ceded or is off; half of it must not stay where it was. */
START_TEST(what_goes_back_goes_on_doing_so_without_a_wish)
{
	pin_to_first();
	answer_all();
	set_mask(guest.thread[3].tid, &second); /* virsh vcpupin */
	pin_to_first();
	ck_assert(in_force()->pin_ceded);
	reply(&request[0], -EBUSY);
	reply(&request[1], -EBUSY);
	nrequests = 0;
	hold();
	ck_assert_uint_eq(nrequests, 2);
	answer_all();
	ck_assert(runs_on(0, &all) && runs_on(2, &all) && runs_on(3, &second));
}
END_TEST

START_TEST(what_was_to_be_released_is_released_without_a_wish)
{
	pin_to_first();
	answer_all();
	plan->guest[SLOT].placement.wish = WISH_RELEASE;
	apply();
	ck_assert_uint_eq(nrequests, PINS);
	for (size_t i = 0; i < PINS; i++)
		reply(&request[i], -EBUSY);
	nrequests = 0;
	hold();
	ck_assert_uint_eq(nrequests, PINS);
	answer_all();
	ck_assert(runs_on(0, &all) && runs_on(2, &all) && runs_on(3, &all));
	hold();
	ck_assert_uint_eq(nrequests, 0);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

/* None of it has been done, so there is nothing to be written, and nothing to go on with. */
START_TEST(what_was_to_be_released_and_is_wished_again_stays)
{
	pin_to_first();
	answer_all();
	plan->guest[SLOT].placement.wish = WISH_RELEASE;
	apply();
	for (size_t i = 0; i < PINS; i++)
		reply(&request[i], -EBUSY);
	nrequests = 0;
	pin_to_first();
	answer_all();
	hold();
	ck_assert_uint_eq(nrequests, 0);
	ck_assert(runs_on(0, &first) && runs_on(2, &first) && runs_on(3, &first));
}
END_TEST

START_TEST(an_original_that_is_refused_stays_on_file)
{
	pin_to_first();
	answer_all();
	ck_assert_uint_eq(act_restore(act, 0), PINS);
	for (size_t i = 0; i < PINS; i++)
		reply(&request[i], -EIO);
	nrequests = 0;
	ck_assert_uint_eq(act_restore(act, 0), 0); /* nothing to wait for */
	ck_assert_uint_eq(nrequests, 0);
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 1);
	ck_assert_int_eq(act_again(), PINS);
	ck_assert_uint_eq(act_restore(act, 0), PINS);
}
END_TEST

START_TEST(an_original_that_was_refused_for_a_while_is_asked_for_once_more_at_the_stop)
{
	pin_to_first();
	answer_all();
	plan->guest[SLOT].placement.wish = WISH_RELEASE;
	apply();
	for (size_t i = 0; i < PINS; i++)
		reply(&request[i], -EIO);
	nrequests = 0;
	ck_assert_uint_eq(act_restore(act, 3000), PINS);
	ck_assert_uint_eq(nrequests, PINS);
	reply(&request[0], -EIO);
	request[0] = request[1];
	request[1] = request[2];
	nrequests = PINS - 1;
	answer_all();
	ck_assert(runs_on(0, &first) && runs_on(2, &all) && runs_on(3, &all));
	ck_assert_uint_eq(act_restore(act, 3000), 0);
	ck_assert_uint_eq(nrequests, 0);
	ck_assert(exists(at(run_dir, "undo")));
}
END_TEST

/* What libvirt makes of a process that died under its hands depends on the moment. */
static const int of_the_dead[] = { -ENOENT, -EIO, -ENOTSUP, -EBUSY };

START_TEST(a_guest_that_has_gone_is_nobodys_error)
{
	pin_to_first();
	guest_ends();
	for (size_t i = 0; i < PINS; i++)
		reply(&request[i], of_the_dead[_i]);
	nrequests = 0;
	ck_assert(!in_force()->pinned && !in_force()->pin_off);
	ck_assert_uint_eq(nsaid, 0);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert(!exists(at(run_dir, "undo")));
	guest_starts();
}
END_TEST

START_TEST(a_vcpu_that_has_gone_is_nobodys_error)
{
	see_thread(new_thread(), THREAD_VCPU, 2);
	pin_to_first();
	end_last_thread();
	for (size_t i = 0; i < PINS; i++) {
		set_mask(guest.thread[thread_of(&request[i])].tid, &first);
		reply(&request[i], 0);
	}
	reply(&request[PINS], -EIO);
	nrequests = 0;
	guest.nthreads--;
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 0);
	pin_to_first();
	ck_assert(in_force()->pinned && !in_force()->pin_off);
	ck_assert_uint_eq(nrequests, 0);
}
END_TEST

START_TEST(a_guest_that_only_libvirt_has_lost_keeps_its_originals)
{
	pin_to_first();
	answer_all();
	pin_to_second();
	for (size_t i = 0; i < PINS; i++)
		reply(&request[i], -ENOENT);
	nrequests = 0;
	ck_assert(in_force()->pinned && !in_force()->pin_off);
	ck_assert_uint_eq(act_restore(act, 0), PINS);
	answer_all();
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert(runs_on(0, &all) && runs_on(2, &all) && runs_on(3, &all));
}
END_TEST

START_TEST(a_pin_by_virsh_cedes_the_guest)
{
	pin_to_first();
	answer_all();
	set_mask(guest.thread[3].tid, &second); /* virsh vcpupin */
	pin_to_first();
	ck_assert(in_force()->pin_ceded);
	ck_assert_uint_eq(count_said(LOG_CEDED), 1);
	ck_assert_uint_eq(nrequests, 2);
	ck_assert(asks(0, THREAD_EMULATOR, 0, &all) && asks(1, THREAD_VCPU, 0, &all));
	answer_all();
	pin_to_first();
	ck_assert(runs_on(3, &second));
	ck_assert_uint_eq(nrequests, 0);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

START_TEST(a_vcpu_plugged_in_is_pinned_too)
{
	pin_to_first();
	answer_all();
	see_thread(new_thread(), THREAD_VCPU, 2);
	set_mask(guest.thread[4].tid, &all);
	pin_to_first();
	ck_assert_uint_eq(nrequests, 1);
	ck_assert(asks(0, THREAD_VCPU, 2, &first));
	answer_all();
	act_restore(act, 0);
	ck_assert_uint_eq(nrequests, PINS + 1);
}
END_TEST

START_TEST(what_the_cpuset_takes_away_is_not_foreign)
{
	struct cpumask now;
	pid_t worker;

	set_mask(guest.thread[0].tid, &second);
	guest.thread[0].first_allowed = second;
	wish_cpus(&all, 0);
	apply();
	ck_assert_uint_eq(nrequests, 1); /* the others are there */
	request[0].cpus = first;
	answer_all();
	apply();
	ck_assert(!in_force()->pin_ceded);
	ck_assert_uint_eq(nrequests, 0);
	worker = new_thread(); /* with what was left of the mask */
	ck_assert_uint_eq(act_restore(act, 0), 1);
	ck_assert(asks(0, THREAD_EMULATOR, 0, &second));
	answer_all();
	now = mask_of(worker);
	ck_assert(cpumask_equal(&now, &second));
}
END_TEST

START_TEST(an_answer_that_is_not_what_was_asked_is_somebody_elses)
{
	pin_to_first();
	for (size_t i = 0; i < PINS; i++)
		request[i].cpus = all;
	answer_all();
	pin_to_first();
	ck_assert(in_force()->pin_ceded && !in_force()->pinned);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

START_TEST(a_request_that_the_queue_refuses_is_a_refusal)
{
	answer_now = -EINVAL;
	pin_to_first();
	pin_to_first();
	ck_assert_int_eq(the_one(LOG_WRITE_REFUSED)->error, EINVAL);
	ck_assert(in_force()->pin_off && !in_force()->pinned);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

/* On a recorded host nobody can be asked where a thread runs. */
START_TEST(without_the_threads_the_answers_are_believed)
{
	fs.is_live = false;
	pin_to_first();
	ck_assert_uint_eq(nrequests, PINS);
	for (size_t i = 0; i < PINS; i++)
		reply(&request[i], 0);
	nrequests = 0;
	pin_to_first();
	ck_assert_uint_eq(nrequests, 0);
	ck_assert(in_force()->pinned);
	ck_assert_uint_eq(act_restore(act, 0), PINS);
	ck_assert(asks(2, THREAD_VCPU, 1, &all));
}
END_TEST

/* vCPU 0 is cell 0, vCPU 1 is cell 1; `swapped`: on each other's CPUs. */
static void pin_cells(bool swapped)
{
	struct placement_plan *wish = &plan->guest[SLOT].placement;

	wish_cpus(swapped ? &second : &first, 0);
	wish->nodes = 3;
	wish->ncells = 2;
	wish->cell[0].vcpus = wish->cell[1].vcpus = (struct cpumask){ 0 };
	cpumask_set(&wish->cell[0].vcpus, 0);
	cpumask_set(&wish->cell[1].vcpus, 1);
	wish->cell[1].nodes = 2;
	wish->cell[1].cpus = swapped ? first : second;
	apply();
}

START_TEST(each_cell_is_asked_for_its_cpus)
{
	see_thread(new_thread(), THREAD_VHOST, 0); /* has no address */
	pin_cells(false);
	ck_assert_uint_eq(nrequests, PINS);
	ck_assert(asks(0, THREAD_EMULATOR, 0, &first));
	ck_assert(asks(1, THREAD_VCPU, 0, &first) && asks(2, THREAD_VCPU, 1, &second));
	answer_all();
	ck_assert_uint_eq(in_force()->ncells, 2);
	pin_cells(false);
	ck_assert_uint_eq(nrequests, 0);
	act_restore(act, 0);
	ck_assert(asks(2, THREAD_VCPU, 1, &all));
}
END_TEST

START_TEST(cells_move_on_when_the_last_move_is_known)
{
	pin_cells(false);
	answer_all();
	pin_cells(true);
	for (size_t i = 0; i < PINS; i++)
		reply(&request[i], -ETIMEDOUT);
	nrequests = 0;
	pin_cells(false); /* first the other one again */
	ck_assert_uint_eq(nrequests, PINS);
	ck_assert(asks(1, THREAD_VCPU, 0, &second) && asks(2, THREAD_VCPU, 1, &first));
	answer_all();
	pin_cells(false);
	ck_assert(asks(1, THREAD_VCPU, 0, &first) && asks(2, THREAD_VCPU, 1, &second));
	answer_all();
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}
END_TEST

START_TEST(a_restart_asks_for_nothing)
{
	pin_to_first();
	answer_all();
	ck_assert_int_eq(act_again(), PINS);
	bind();
	ck_assert(in_force()->pinned);
	pin_to_first();
	ck_assert_uint_eq(nrequests, 0);
	ck_assert_uint_eq(act_restore(act, 0), PINS);
	answer_all();
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert(runs_on(0, &all) && runs_on(2, &all) && runs_on(3, &all));
}
END_TEST

START_TEST(another_backend_first_gives_back)
{
	plan->guest[SLOT].placement.backend = PLACEMENT_AFFINITY;
	pin_to_first();
	ck_assert(runs_on(1, &first));
	plan->guest[SLOT].placement.backend = PLACEMENT_LIBVIRT;
	pin_to_first();
	ck_assert_uint_eq(nrequests, 0);
	ck_assert(runs_on(0, &all) && runs_on(1, &all));
	pin_to_first();
	ck_assert_uint_eq(nrequests, PINS);
}
END_TEST

/* libvirt has pinned a worker that we had pinned, and given back, before; then somebody pins
 * the main thread, so that libvirt is not asked to give the emulator back. */
static void pin_twice_and_cede(void)
{
	plan->guest[SLOT].placement.backend = PLACEMENT_AFFINITY;
	pin_to_first();
	plan->guest[SLOT].placement.backend = PLACEMENT_LIBVIRT;
	pin_to_first(); /* gives back */
	moves_workers = true;
	pin_to_first();
	answer_all();
	ck_assert(runs_on(1, &first));
	set_mask(guest.thread[0].tid, &second);
	pin_to_first();
	ck_assert(in_force()->pin_ceded);
}

START_TEST(a_worker_that_libvirt_moved_along_is_given_back_without_it)
{
	pin_twice_and_cede();
	answer_all();
	ck_assert(runs_on(0, &second) && runs_on(1, &all) && runs_on(2, &all));
	hold();
	ck_assert(!act_owes(act) && !exists(at(run_dir, "undo")));
}
END_TEST

START_TEST(a_worker_that_somebody_pinned_since_is_his)
{
	pin_twice_and_cede();
	set_mask(guest.thread[1].tid, &second);
	answer_all();
	ck_assert(runs_on(0, &second) && runs_on(1, &second) && runs_on(2, &all));
}
END_TEST

static bool saw(size_t i, const struct cpumask *mask)
{
	return cpumask_equal(&request[i].seen, mask);
}

START_TEST(libvirt_is_told_what_was_seen)
{
	set_mask(guest.thread[2].tid, &second);
	guest.thread[2].first_allowed = second;
	pin_to_first();
	ck_assert(saw(0, &all) && saw(1, &second) && saw(2, &all));
	ck_assert_int_eq(request[1].tid, guest.thread[2].tid);
	answer_all();
	(void)act_restore(act, 0);
	ck_assert(saw(0, &first) && saw(1, &first) && saw(2, &first));
}
END_TEST

/* What libvirt was asked for and did not do is asked for again: but not of a thread that has
 * another mask by then. */
START_TEST(who_has_been_pinned_since_it_was_looked_at_is_not_asked_for)
{
	struct cpumask nothing = { 0 };

	pin_to_first();
	reply(&request[0], 0);
	reply(&request[1], -EAGAIN);
	reply(&request[2], 0);
	set_mask(guest.thread[0].tid, &first);
	set_mask(guest.thread[3].tid, &first);
	set_mask(guest.thread[2].tid, &second);
	nrequests = 0;
	pin_to_first();
	ck_assert(in_force()->pin_ceded);
	for (size_t i = 0; i < nrequests; i++)
		ck_assert(request[i].number != 0 || request[i].role != THREAD_VCPU);
	ck_assert(!saw(0, &nothing));
	answer_all();
	ck_assert(runs_on(2, &second) && runs_on(3, &all));
}
END_TEST

static int ask_while_somebody_pins(void *context, const struct uuid *asked_of,
				   const struct pin_order *order)
{
	set_mask(guest.thread[2].tid, &second);
	return ask_pin(context, asked_of, order);
}

/* Nor of one that is pinned while the others are asked for. */
START_TEST(who_is_pinned_after_it_was_looked_at_is_not_asked_for)
{
	static const struct vm_ops meddling = { .pin = ask_while_somebody_pins };

	act->ops = &meddling;
	pin_to_first();
	act->ops = &ops;
	ck_assert_uint_eq(nrequests, 1);
	answer_all();
	pin_to_first();
	ck_assert(in_force()->pin_ceded);
	answer_all();
	ck_assert(runs_on(2, &second) && runs_on(0, &all) && runs_on(3, &all));
}
END_TEST

START_TEST(answers_that_nobody_waits_for_are_ignored)
{
	struct request stray = {
		.uuid = guest_uuid, .role = THREAD_VCPU, .number = 1, .cpus = second
	};

	reply(&stray, 0);
	stray.uuid.byte[0] ^= 1;
	reply(&stray, -EIO);
	pin_to_first();
	answer_all();
	reply(&stray, 0);
	stray.uuid = guest_uuid;
	reply(&stray, -EIO);
	ck_assert(in_force()->pinned && !in_force()->pin_off);
	pin_to_first();
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}
END_TEST

/* What libvirt was asked for and has done, before it lost the guest, is nobody's answer. */
START_TEST(a_guest_that_is_lost_while_it_is_asked_for_gets_its_masks_back)
{
	pin_to_first();
	for (size_t i = 0; i < PINS; i++)
		set_mask(guest.thread[thread_of(&request[i])].tid, &first);
	act_forget(act, &guest_uuid);
	for (size_t i = 0; i < PINS; i++)
		reply(&request[i], -ENOENT);
	plan->guest[SLOT].present = false;
	apply();
	assert_all_on(&all);
	ck_assert(!act_owes(act) && !exists(at(run_dir, "undo")));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("act_libvirt");
	TCase *c = tcase_create("pins");

	tcase_add_checked_fixture(c, setup, teardown_guest);
	tcase_add_test(c, each_thread_that_libvirt_knows_is_asked_for_once);
	tcase_add_test(c, a_guest_that_is_being_pinned_counts_as_pinned);
	tcase_add_test(c, a_guest_that_is_being_given_back_is_pinned_until_it_has_been);
	tcase_add_test(c, memory_waits_for_the_vcpus);
	tcase_add_test(c, originals_are_asked_for_at_the_end);
	tcase_add_test(c, what_libvirt_never_did_need_not_be_undone);
	tcase_add_test(c, a_thread_that_no_plan_named_is_known_to_the_next_life);
	tcase_add_test(c, a_full_queue_is_asked_again_without_another_undo_file);
	tcase_add_loop_test(c, an_error_that_passes_is_asked_again, 0, KT_ARRAY_LEN(passing));
	tcase_add_test(c, a_lost_answer_may_have_been_a_yes);
	tcase_add_test(c, a_guest_goes_on_when_it_has_arrived);
	tcase_add_test(c, a_refusal_ends_it_for_this_guest_and_gives_back);
	tcase_add_test(c, a_refusal_of_what_was_done_is_undone);
	tcase_add_test(c, a_failure_is_tried_again_later_and_ever_later);
	tcase_add_loop_test(c, what_libvirt_cannot_or_may_not_do_is_not_tried_again, 0,
			    KT_ARRAY_LEN(final));
	tcase_add_test(c, an_original_that_is_refused_is_tried_again);
	tcase_add_test(c, an_original_that_there_was_no_memory_for_is_asked_for_by_the_next_plan);
	tcase_add_loop_test(c, a_give_back_that_was_made_unheard_is_nobody_elses, 0,
			    KT_ARRAY_LEN(of_a_give_back));
	tcase_add_test(c, what_goes_back_goes_on_doing_so_without_a_wish);
	tcase_add_test(c, what_was_to_be_released_is_released_without_a_wish);
	tcase_add_test(c, what_was_to_be_released_and_is_wished_again_stays);
	tcase_add_test(c, an_original_that_is_refused_stays_on_file);
	tcase_add_test(c,
		       an_original_that_was_refused_for_a_while_is_asked_for_once_more_at_the_stop);
	tcase_add_loop_test(c, a_guest_that_has_gone_is_nobodys_error, 0,
			    KT_ARRAY_LEN(of_the_dead));
	tcase_add_test(c, a_vcpu_that_has_gone_is_nobodys_error);
	tcase_add_test(c, a_guest_that_only_libvirt_has_lost_keeps_its_originals);
	tcase_add_test(c, a_pin_by_virsh_cedes_the_guest);
	tcase_add_test(c, a_vcpu_plugged_in_is_pinned_too);
	tcase_add_test(c, what_the_cpuset_takes_away_is_not_foreign);
	tcase_add_test(c, an_answer_that_is_not_what_was_asked_is_somebody_elses);
	tcase_add_test(c, a_request_that_the_queue_refuses_is_a_refusal);
	tcase_add_test(c, without_the_threads_the_answers_are_believed);
	tcase_add_test(c, each_cell_is_asked_for_its_cpus);
	tcase_add_test(c, cells_move_on_when_the_last_move_is_known);
	tcase_add_test(c, a_restart_asks_for_nothing);
	tcase_add_test(c, another_backend_first_gives_back);
	tcase_add_test(c, a_worker_that_libvirt_moved_along_is_given_back_without_it);
	tcase_add_test(c, a_worker_that_somebody_pinned_since_is_his);
	tcase_add_test(c, libvirt_is_told_what_was_seen);
	tcase_add_test(c, who_has_been_pinned_since_it_was_looked_at_is_not_asked_for);
	tcase_add_test(c, who_is_pinned_after_it_was_looked_at_is_not_asked_for);
	tcase_add_test(c, answers_that_nobody_waits_for_are_ignored);
	tcase_add_test(c, a_guest_that_is_lost_while_it_is_asked_for_gets_its_masks_back);
	suite_add_tcase(s, c);
	return kt_run(s);
}
