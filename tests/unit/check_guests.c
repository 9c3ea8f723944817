/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Are limits and pins that a guest brings along ours, and given back, and is libvirt asked in
 * time? */
#include "guests_fixture.h"

static const struct guest_in_force *bind_marked_guest(const char *mark)
{
	somebody_limits_to(65536);
	mark_is_set(mark);
	return bind_guest(see_guest(true));
}

/* What it knows of the guest is on file, and libvirt has yet to tell. */
static void a_new_life_begins(void)
{
	ck_assert_int_eq(virt_stop(virt, 10000), 0);
	act_free(k->act);
	domains_remove(k->domains, &uuid);
	ck_assert_int_eq(act_new(&k->fs, root, &k->vm_ops, &k->act), 0);
	ck_assert_int_gt(act_load(k->act), 0);
	ck_assert_int_eq(sense_new(&k->fs, &k->sense), 0);
	k->virt = virt = start("test:///default");
}

/* Libvirt has forgotten it meanwhile, and its process, this one, lives. */
START_TEST(who_is_on_file_and_unknown_to_libvirt_has_gone)
{
	const struct guest_in_force *f =
		bind_marked_guest("<limit soft_limit_kib='65536' original_kib='70000'/>");

	ck_assert(f->limited);
	act_apply(k->act, k->plan);
	ck_assert_int_eq(virDomainDestroy(guest), 0);
	a_new_life_begins();
	while (act_owes(k->act))
		(void)take_some_news();
}
END_TEST

START_TEST(who_is_on_file_and_known_to_libvirt_stays_on_file)
{
	(void)bind_marked_guest("<limit soft_limit_kib='65536' original_kib='70000'/>");
	act_apply(k->act, k->plan);
	a_new_life_begins();
	while (!k->guests_known)
		(void)take_some_news();
	(void)see_guest(true);
	ck_assert(act_owes(k->act));
}
END_TEST

START_TEST(a_limit_that_comes_along_is_given_back)
{
	const struct guest_in_force *f =
		bind_marked_guest("<limit soft_limit_kib='65536' original_kib='70000'/>");

	ck_assert(f->limited && f->soft_limit_kib == 65536);
	while (act_restore(k->act, now_monotonic_ns()) > 0)
		(void)take_some_news();
	ck_assert_uint_eq(limit_in_force(), 70000);
	mark_is(NULL);
	ck_assert(!act_owes(k->act));
}
END_TEST

/* A guest that is just starting has no limit yet; and where libvirt failed after it had set
 * one, only the mark tells whose it is. */
START_TEST(a_limit_that_shows_later_is_ours_too)
{
	const struct guest_in_force *f;

	somebody_limits_to(70000);
	f = bind_guest(see_guest(false));
	ck_assert(!f->limited);
	somebody_limits_to(65536);
	mark_is_set("<limit soft_limit_kib='65536' original_kib='70000'/>");
	(void)see_guest(true);
	ck_assert(f->limited && f->soft_limit_kib == 65536);
}
END_TEST

/* Without a mark, by the undo file: libvirt's facts call it the admin's. */
START_TEST(what_an_earlier_life_has_set_is_not_the_admins)
{
	size_t slot;

	somebody_limits_to(65536);
	until_read_again();
	ck_assert(slot_of_guest()->domain.admin_memtune);
	slot = (size_t)(slot_of_guest() - k->domains->slot);
	ck_assert(!bind_guest(slot)->limited);
	act_adopt_soft_limit(k->act, &uuid, 65536, 70000);
	ck_assert(bind_guest(slot)->limited);
	ck_assert(!slot_of_guest()->domain.admin_memtune);
	until_read_again();
	ck_assert(!slot_of_guest()->domain.admin_memtune);
}
END_TEST

/* Each of our own pins is one; it is for the next audit, not for a tick. */
START_TEST(what_only_an_audit_asks_for_is_no_reason_to_look)
{
	const struct domain *d;
	bool look = false;

	ck_assert_int_eq(virDomainSetMemory(guest, 1048576), 0);
	d = &k->domains->slot[see_guest(false)].domain;
	ck_assert_int_eq(virDomainSetMemory(guest, 1048572), 0);
	ck_assert_int_eq(virt_request_refresh(virt, &uuid), 0);
	while (d->audit.current_kib != 1048572)
		look |= take_some_news();
	ck_assert(!look);
}
END_TEST

START_TEST(a_mark_of_another_limit_adopts_nothing)
{
	const struct guest_in_force *f =
		bind_marked_guest("<limit soft_limit_kib='65532' original_kib='unlimited'/>");
	int slot = domains_find(k->domains, &uuid);

	ck_assert(!f->limited && k->domains->slot[slot].domain.admin_memtune);
	ck_assert_uint_eq(act_restore(k->act, now_monotonic_ns()), 0);
	ck_assert_uint_eq(limit_in_force(), 65536);
}
END_TEST

/* virsh memtune: libvirt tells nobody. */
START_TEST(somebody_elses_limit_is_seen_within_a_minute)
{
	const struct guest_in_force *f =
		bind_marked_guest("<limit soft_limit_kib='65536' original_kib='unlimited'/>");
	const struct domain *d = &slot_of_guest()->domain;

	ck_assert(f->limited);
	until_read_again(); /* nothing that was asked for before will see it */
	somebody_limits_to(61440);
	guests_recheck_limits(k, k->limits_checked_ns + 60 * KT_NS_PER_S);
	while (d->soft_limit_kib != 61440)
		(void)take_some_news();
}
END_TEST

/* ---- pins that come along --------------------------------------------------------------- */

static void pins_and_mark_are_set(const char *cpus)
{
	unsigned char map = 1;
	char mark[128];

	snprintf(mark, sizeof mark,
		 "<pins><pin of='emulator' number='0' cpus='%s' was='none'/></pins>", cpus);
	ck_assert_int_eq(virDomainPinEmulator(guest, &map, 1, VIR_DOMAIN_AFFECT_LIVE), 0);
	ck_assert_int_eq(virDomainSetMetadata(guest, VIR_DOMAIN_METADATA_ELEMENT, mark,
					      "kvmtuned-pin", "urn:kvmtuned:pin:1",
					      VIR_DOMAIN_AFFECT_LIVE),
			 0);
}

static size_t see_pins(bool marked)
{
	int slot;

	ck_assert_int_eq(virt_request_refresh(virt, &uuid), 0);
	while ((slot = domains_find(k->domains, &uuid)) < 0 ||
	       k->domains->slot[slot].domain.marked_pins != marked)
		(void)take_some_news();
	return (size_t)slot;
}

/* Threads are looked at anew then: sense has seen them pinned. */
START_TEST(pins_that_come_along_are_lifted_before_the_guest_is_placed)
{
	struct domain_slot *slot;
	uint32_t incarnation;

	pins_and_mark_are_set("0");
	slot = &k->domains->slot[see_pins(true)];
	incarnation = slot->incarnation;
	ck_assert(!slot->domain.admin_pins);
	lift_marked_pins(k); /* act has not been asked yet whose they are */
	ck_assert(!slot->domain.admin_pins);
	bind_guest((size_t)(slot - k->domains->slot));
	k->dry_run = true;
	lift_marked_pins(k);
	ck_assert(!slot->domain.admin_pins);
	k->dry_run = false;
	lift_marked_pins(k);
	ck_assert(slot->domain.admin_pins);
	slot = &k->domains->slot[see_pins(false)];
	ck_assert(!slot->domain.admin_pins && slot->incarnation != incarnation);
	incarnation = slot->incarnation;
	pins_and_mark_are_set("0"); /* as we do: that is no reason to begin anew */
	slot = &k->domains->slot[see_pins(true)];
	ck_assert_uint_eq(slot->incarnation, incarnation);
}
END_TEST

START_TEST(a_mark_of_another_pin_lifts_nothing)
{
	struct domain_slot *slot;
	int found;

	pins_and_mark_are_set("1");
	ck_assert_int_eq(virt_request_refresh(virt, &uuid), 0);
	while ((found = domains_find(k->domains, &uuid)) < 0 ||
	       !k->domains->slot[found].domain.admin_pins)
		(void)take_some_news();
	slot = &k->domains->slot[found];
	ck_assert(!slot->domain.marked_pins);
	bind_guest((size_t)found);
	lift_marked_pins(k);
	ck_assert_uint_eq(k->lifting[found], 0);
}
END_TEST

static unsigned int nfreed;

static void count_freed(const struct log_event *e, void *context)
{
	(void)context;
	nfreed += e->id == LOG_RESTORED && strstr(e->message, "1 threads that were born");
}

static void *wait_for_ever(void *tid)
{
	*(atomic_int *)tid = gettid();
	while (true)
		pause();
	return NULL;
}

/* One that is not what it was said of, or of which nobody could tell vCPUs from others, has none.
 */
START_TEST(who_was_born_of_a_lifted_pin_has_what_the_main_thread_has)
{
	size_t slot;
	struct vm_reply lifted = { .uuid = uuid };
	struct cpumask all, found;
	pthread_t thread;
	atomic_int born = 0;

	pins_and_mark_are_set("0");
	slot = see_pins(true);
	bind_guest(slot);
	ck_assert_int_eq(thread_get_cpus(0, &all), 0);
	ck_assert_msg(cpumask_count(&all) > 1, "this test needs two CPUs");
	for (unsigned int cpu = 0; cpumask_empty(&lifted.cpus); cpu++)
		if (cpumask_test(&all, cpu))
			cpumask_set(&lifted.cpus, cpu);
	ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_ever, &born), 0);
	while (!born)
		(void)poll(NULL, 0, 1);
	ck_assert_int_eq(sched_setaffinity(born, sizeof lifted.cpus, (void *)&lifted.cpus), 0);
	k->lifting[slot] = k->domains->slot[slot].incarnation + (_i == 1);
	k->sample->guest[slot].present = _i != 2;
	log_set_sink(count_freed, NULL, LOG_LEVEL_INFO);
	lift_from_born(k, &lifted);
	lift_from_born(k, &lifted); /* nothing is to be done any more, nor to be said */
	ck_assert_uint_eq(nfreed, _i == 0);
	ck_assert_int_eq(thread_get_cpus(born, &found), 0);
	ck_assert(cpumask_equal(&found, _i == 0 ? &all : &lifted.cpus));
}
END_TEST

/* Usage has changed since: it may be far below by now. */
START_TEST(a_limit_that_waited_is_not_set_but_an_original_is)
{
	nlet_in = 0;
	ask(65536);
	while (nat_gate == 0)
		(void)poll(NULL, 0, 1);
	ask(60000);
	ask(KT_UNLIMITED_KIB);
	seconds_ahead = 4;
	nlet_in = EVERYBODY;
	ck_assert_int_eq(next_of(VIRT_REPLY).reply.error, 0);
	ck_assert_int_eq(next_of(VIRT_REPLY).reply.error, -ETIMEDOUT);
	ck_assert_int_eq(next_of(VIRT_REPLY).reply.error, 0);
	ck_assert_uint_ge(limit_in_force(), VIR_DOMAIN_MEMORY_PARAM_UNLIMITED);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("guests");
	TCase *c = tcase_create("what comes along");

	tcase_add_checked_fixture(c, begin, end);
	tcase_set_timeout(c, 30);
	tcase_add_test(c, who_is_on_file_and_unknown_to_libvirt_has_gone);
	tcase_add_test(c, who_is_on_file_and_known_to_libvirt_stays_on_file);
	tcase_add_test(c, a_limit_that_comes_along_is_given_back);
	tcase_add_test(c, a_limit_that_shows_later_is_ours_too);
	tcase_add_test(c, what_an_earlier_life_has_set_is_not_the_admins);
	tcase_add_test(c, what_only_an_audit_asks_for_is_no_reason_to_look);
	tcase_add_test(c, a_mark_of_another_limit_adopts_nothing);
	tcase_add_test(c, somebody_elses_limit_is_seen_within_a_minute);
	tcase_add_test(c, a_limit_that_waited_is_not_set_but_an_original_is);
	tcase_add_test(c, pins_that_come_along_are_lifted_before_the_guest_is_placed);
	tcase_add_test(c, a_mark_of_another_pin_lifts_nothing);
	tcase_add_loop_test(c, who_was_born_of_a_lifted_pin_has_what_the_main_thread_has, 0, 3);
	suite_add_tcase(s, c);
	return kt_run(s);
}
