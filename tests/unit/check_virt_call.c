/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is each request answered, once and truly, and does nobody ever wait? */
#include <errno.h>

#include "virt_limit_fixture.h"

static int pin_emulator(const struct uuid *u, unsigned int cpu, uint64_t deadline_ns)
{
	struct cpumask cpus = one_cpu(cpu);

	return request_pin(u, THREAD_EMULATOR, 0, &cpus, deadline_ns);
}

static unsigned char emulator_map(void)
{
	unsigned char map = 0;

	ck_assert_int_ge(virDomainGetEmulatorPinInfo(guest, &map, 1, VIR_DOMAIN_AFFECT_LIVE), 0);
	return map;
}

START_TEST(a_pin_is_made_and_read_back)
{
	struct cpumask cpus = one_cpu(3);
	struct virt_news news;

	ck_assert_int_eq(pin_emulator(&uuid, 3, NEVER), 0);
	news = next();
	ck_assert_int_eq(news.kind, VIRT_REPLY);
	ck_assert(uuid_equal(&news.reply.uuid, &uuid) && news.reply.is_pin);
	ck_assert_int_eq(news.reply.role, THREAD_EMULATOR);
	ck_assert_int_eq(news.reply.error, 0);
	ck_assert(cpumask_equal(&news.reply.cpus, &cpus));
	ck_assert_uint_eq(emulator_map(), 1 << 3);
}
END_TEST

START_TEST(a_pin_that_is_late_is_not_made)
{
	unsigned char before = emulator_map();

	ck_assert_int_eq(pin_emulator(&uuid, 3, 1), 0);
	ck_assert_int_eq(next_of(VIRT_REPLY).reply.error, -ETIMEDOUT);
	ck_assert_uint_eq(emulator_map(), before);
}
END_TEST

START_TEST(what_libvirt_cannot_do_is_an_error)
{
	struct cpumask cpus = one_cpu(0);
	struct uuid stranger = uuid;
	struct virt_news news;

	stranger.byte[0] ^= 1;
	ck_assert_int_eq(pin_emulator(&stranger, 0, NEVER), 0);
	ck_assert_int_eq(next_of(VIRT_REPLY).reply.error, -ENOENT);
	/* The test driver has no live pins of vCPUs, and this guest no iothreads. */
	ck_assert_int_eq(request_pin(&uuid, THREAD_VCPU, 1, &cpus, NEVER), 0);
	news = next_of(VIRT_REPLY);
	ck_assert_int_eq(news.reply.error, -EIO);
	ck_assert(news.reply.role == THREAD_VCPU && news.reply.number == 1);
	ck_assert_int_eq(request_pin(&uuid, THREAD_IOTHREAD, 1, &cpus, NEVER), 0);
	ck_assert_int_eq(next_of(VIRT_REPLY).reply.error, -EIO);
	ck_assert_int_eq(virDomainDestroy(guest), 0);
	(void)next_of(VIRT_GUEST_GONE);
	ck_assert_int_eq(request_limit(&uuid, 4096, KT_UNLIMITED_KIB), 0);
	ck_assert_int_eq(next_of(VIRT_REPLY).reply.error, -ENOENT);
}
END_TEST

START_TEST(nonsense_is_not_even_asked)
{
	struct cpumask none = { 0 }, cpus = one_cpu(0);

	ck_assert_int_eq(request_pin(&uuid, THREAD_EMULATOR, 0, &none, NEVER), -EINVAL);
	ck_assert_int_eq(request_pin(&uuid, THREAD_VCPU, KT_THREADS_MAX, &cpus, NEVER), -EINVAL);
	ck_assert_int_eq(request_limit(&uuid, 0, KT_UNLIMITED_KIB), -EINVAL);
}
END_TEST

static struct virt_news set_soft_limit(uint64_t kib)
{
	ck_assert_int_eq(request_limit(&uuid, kib, KT_UNLIMITED_KIB), 0);
	return next_of(VIRT_REPLY);
}

/* Waits for a reading that says so: several events may lead to one reading, or to two. */
static struct domain until_admin_has(bool pins, bool memtune)
{
	struct virt_news news = next_of(VIRT_GUEST);

	while (news.guest.admin_pins != pins || news.guest.admin_memtune != memtune)
		news = next_of(VIRT_GUEST);
	return news.guest;
}

static void admin_sets_soft_limit(unsigned long long kib)
{
	somebody_limits_to(kib);
	ck_assert_int_eq(virt_request_refresh(virt, &uuid), 0);
}

START_TEST(a_soft_limit_is_ours_until_somebody_changes_it)
{
	struct virt_news news = set_soft_limit(65536);

	ck_assert(news.reply.error == 0 && !news.reply.is_pin);
	ck_assert_uint_eq(news.reply.soft_limit_kib, 65536);
	news = next_of(VIRT_GUEST);
	ck_assert_uint_eq(news.guest.soft_limit_kib, 65536);
	ck_assert(!news.guest.admin_memtune);
	admin_sets_soft_limit(70000);
	ck_assert_uint_eq(until_admin_has(false, true).soft_limit_kib, 70000);
}
END_TEST

START_TEST(a_soft_limit_that_was_given_back_is_not_ours)
{
	ck_assert_uint_eq(set_soft_limit(65536).reply.soft_limit_kib, 65536);
	ck_assert_uint_eq(set_soft_limit(KT_UNLIMITED_KIB).reply.soft_limit_kib, KT_UNLIMITED_KIB);
	admin_sets_soft_limit(65536);
	until_admin_has(false, true);
}
END_TEST

static unsigned long long soft_limit_in_force(void)
{
	virTypedParameter found[8];
	unsigned long long kib = 0;
	int n = 8;

	ck_assert_int_eq(virDomainGetMemoryParameters(guest, found, &n, VIR_DOMAIN_AFFECT_LIVE), 0);
	ck_assert_int_eq(virTypedParamsGetULLong(found, n, VIR_DOMAIN_MEMORY_SOFT_LIMIT, &kib), 1);
	return kib;
}

START_TEST(a_soft_limit_that_nobody_told_of_is_not_written_over)
{
	somebody_limits_to(50000);
	ck_assert_uint_eq(set_soft_limit(65536).reply.soft_limit_kib, 50000);
	until_admin_has(false, true);
	admin_sets_soft_limit(KT_UNLIMITED_KIB);
	until_admin_has(false, false);
	ck_assert_uint_eq(set_soft_limit(65536).reply.soft_limit_kib, 65536);
	somebody_limits_to(70000);
	ck_assert_uint_eq(set_soft_limit(60000).reply.soft_limit_kib, 70000);
	ck_assert_uint_eq(soft_limit_in_force(), 70000);
}
END_TEST

START_TEST(nor_is_one_that_follows_a_limit_of_an_earlier_life)
{
	admin_sets_soft_limit(65536);
	until_admin_has(false, true);
	ck_assert_int_eq(virt_own_soft_limit(virt, &uuid), 0);
	until_admin_has(false, false);
	somebody_limits_to(70000);
	ck_assert_uint_eq(set_soft_limit(KT_UNLIMITED_KIB).reply.soft_limit_kib, 70000);
	ck_assert_uint_eq(soft_limit_in_force(), 70000);
}
END_TEST

static uint64_t give_back(uint64_t before_kib, uint64_t asked_kib)
{
	const struct limit_order order = { .kib = KT_UNLIMITED_KIB,
					   .original_kib = KT_UNLIMITED_KIB,
					   .expected_kib = { before_kib, asked_kib } };

	ck_assert_int_eq(virt_request_soft_limit(virt, &uuid, &order, NEVER), 0);
	return next_of(VIRT_REPLY).reply.soft_limit_kib;
}

/* It died before it knew whether its last request was done. */
START_TEST(a_limit_of_an_earlier_life_is_given_back_without_being_adopted)
{
	somebody_limits_to(65536);
	ck_assert_uint_eq(give_back(65536, 61440), KT_UNLIMITED_KIB);
	somebody_limits_to(61440);
	ck_assert_uint_eq(give_back(65536, 61440), KT_UNLIMITED_KIB);
	somebody_limits_to(61440); /* in whole pages */
	ck_assert_uint_eq(give_back(65536, 61441), KT_UNLIMITED_KIB);
}
END_TEST

START_TEST(a_limit_that_somebody_set_after_an_earlier_life_is_not_given_back)
{
	somebody_limits_to(70000);
	ck_assert_uint_eq(give_back(65536, 61440), 70000);
	ck_assert_uint_eq(soft_limit_in_force(), 70000);
}
END_TEST

START_TEST(limits_of_an_earlier_life_are_adopted)
{
	admin_sets_soft_limit(65536);
	until_admin_has(false, true);
	ck_assert_int_eq(virt_own_soft_limit(virt, &uuid), 0);
	until_admin_has(false, false);
}
END_TEST

static void admin_pins_emulator(void)
{
	unsigned char map = 1;

	ck_assert_int_eq(virDomainPinEmulator(guest, &map, 1, VIR_DOMAIN_AFFECT_LIVE), 0);
	ck_assert_int_eq(virt_request_refresh(virt, &uuid), 0);
	until_admin_has(true, false);
}

START_TEST(pins_of_an_earlier_life_are_adopted_and_die_with_the_guest)
{
	admin_pins_emulator();
	ck_assert_int_eq(virt_own_pins(virt, &uuid), 0);
	until_admin_has(false, false);
	ck_assert_int_eq(virDomainDestroy(guest), 0);
	ck_assert_int_eq(virDomainCreate(guest), 0);
	(void)next_of(VIRT_GUEST_GONE);
	admin_pins_emulator();
}
END_TEST

START_TEST(what_was_ours_went_with_the_process_before)
{
	admin_pins_emulator();
	ck_assert_int_eq(virt_own_pins(virt, &uuid), 0);
	until_admin_has(false, false);
	admin_sets_soft_limit(65536);
	until_admin_has(false, true);
	ck_assert_int_eq(virt_own_soft_limit(virt, &uuid), 0);
	until_admin_has(false, false);
	ck_assert_int_eq(virt_disown(virt, &uuid), 0);
	until_admin_has(true, true);
}
END_TEST

START_TEST(a_guest_in_the_place_of_another_is_told_of_although_nothing_has_changed)
{
	ck_assert_int_eq(virt_disown(virt, &uuid), 0);
	ck_assert_int_eq(next().kind, VIRT_GUEST);
}
END_TEST

static void only_the_stranger_is_told_to_have_gone(void)
{
	struct uuid stranger = uuid;
	struct virt_news news;

	stranger.byte[0] ^= 1;
	ck_assert_int_eq(virt_seek(virt, &uuid), 0);
	ck_assert_int_eq(virt_seek(virt, &stranger), 0);
	news = next_of(VIRT_GUEST_GONE);
	ck_assert(uuid_equal(&news.uuid, &stranger));
}

START_TEST(who_is_sought_and_not_there_is_told_to_have_gone)
{
	only_the_stranger_is_told_to_have_gone();
	ck_assert_int_eq(virt_stop(virt, 10000), 0);
	virt = start("test:///default");
	only_the_stranger_is_told_to_have_gone(); /* there may be no link yet */
}
END_TEST

START_TEST(our_own_pins_are_not_the_admins)
{
	ck_assert_int_eq(pin_emulator(&uuid, 0, NEVER), 0);
	ck_assert_int_eq(next_of(VIRT_REPLY).reply.error, 0);
	ck_assert_int_eq(virDomainSuspend(guest), 0); /* so that its XML is read again */
	ck_assert(!next_of(VIRT_GUEST).guest.admin_pins);
}
END_TEST

START_TEST(statistics_name_each_guest)
{
	struct virt_news news;

	ck_assert_int_eq(virt_request_statistics(virt, NEVER), 0);
	news = next_of(VIRT_STATISTICS);
	ck_assert(uuid_equal(&news.uuid, &uuid) && !news.has_balloon);
}
END_TEST

/* The thread stands still with news that nobody takes; requests pile up behind it. */
START_TEST(nobody_waits_and_nothing_is_lost_while_nobody_listens)
{
	int accepted = 0, r = 0;

	while (r == 0) {
		r = pin_emulator(&uuid, 1, NEVER);
		accepted += r == 0;
	}
	ck_assert_int_eq(r, -EAGAIN);
	for (int i = 0; i < accepted; i++)
		ck_assert_int_eq(next_of(VIRT_REPLY).reply.error, 0);
	ck_assert_int_eq(pin_emulator(&uuid, 1, NEVER), 0);
	(void)next_of(VIRT_REPLY);
}
END_TEST

START_TEST(a_thread_that_stands_still_can_be_stopped)
{
	while (pin_emulator(&uuid, 1, NEVER) == 0)
		;
}
END_TEST

int main(void)
{
	Suite *s = suite_create("virt_call");
	TCase *c = tcase_create("requests");

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_set_timeout(c, 30);
	tcase_add_test(c, a_pin_is_made_and_read_back);
	tcase_add_test(c, a_pin_that_is_late_is_not_made);
	tcase_add_test(c, what_libvirt_cannot_do_is_an_error);
	tcase_add_test(c, nonsense_is_not_even_asked);
	tcase_add_test(c, a_soft_limit_is_ours_until_somebody_changes_it);
	tcase_add_test(c, a_soft_limit_that_was_given_back_is_not_ours);
	tcase_add_test(c, a_soft_limit_that_nobody_told_of_is_not_written_over);
	tcase_add_test(c, nor_is_one_that_follows_a_limit_of_an_earlier_life);
	tcase_add_test(c, a_limit_of_an_earlier_life_is_given_back_without_being_adopted);
	tcase_add_test(c, a_limit_that_somebody_set_after_an_earlier_life_is_not_given_back);
	tcase_add_test(c, limits_of_an_earlier_life_are_adopted);
	tcase_add_test(c, pins_of_an_earlier_life_are_adopted_and_die_with_the_guest);
	tcase_add_test(c, what_was_ours_went_with_the_process_before);
	tcase_add_test(c, a_guest_in_the_place_of_another_is_told_of_although_nothing_has_changed);
	tcase_add_test(c, who_is_sought_and_not_there_is_told_to_have_gone);
	tcase_add_test(c, our_own_pins_are_not_the_admins);
	tcase_add_test(c, statistics_name_each_guest);
	tcase_add_test(c, nobody_waits_and_nothing_is_lost_while_nobody_listens);
	tcase_add_test(c, a_thread_that_stands_still_can_be_stopped);
	suite_add_tcase(s, c);
	return kt_run(s);
}
