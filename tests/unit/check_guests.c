/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Are limits and pins that a guest brings along ours, and given back, and is libvirt asked in
 * time? */
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "kvmtuned.h"
#include "scratch.h"
#include "virt_limit_fixture.h"

static char root[64];
static struct kvmtuned *k;

/* ---- libvirt, when it takes its time: these take the place of their namesakes ----------- */

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool is_at_gate;
static atomic_int seconds_ahead;

typedef int set_memory_fn(virDomainPtr, virTypedParameterPtr, int, unsigned int);
typedef int clock_fn(clockid_t, struct timespec *);

int virDomainSetMemoryParameters(virDomainPtr dom, virTypedParameterPtr params, int n,
				 unsigned int flags)
{
	set_memory_fn *call = (set_memory_fn *)real("virDomainSetMemoryParameters");

	is_at_gate = true;
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
	return call(dom, params, n, flags);
}

int clock_gettime(clockid_t id, struct timespec *ret)
{
	clock_fn *call = (clock_fn *)real("clock_gettime");
	int r = call(id, ret);

	ret->tv_sec += seconds_ahead;
	return r;
}

/* ---- kvmtuned --------------------------------------------------------------------------- */

static void begin(void)
{
	set_up();
	scratch_make(root, sizeof root);
	k = kvmtuned_new();
	ck_assert_ptr_nonnull(k);
	k->virt = virt;
	k->vm_ops = guests_vm_ops(k);
	conf_defaults(&k->conf);
	ck_assert_int_eq(hostfs_open("/", &k->fs), 0);
	ck_assert_int_eq(act_new(&k->fs, root, &k->vm_ops, &k->act), 0);
}

static void end(void)
{
	kvmtuned_free(k);
	ck_assert_int_eq(scratch_remove(root), 0);
	tear_down();
}

/* Waits as long as the test may.  True: there is something to look at. */
static bool take_some_news(void)
{
	struct pollfd ready = { .fd = virt_wake_fd(virt), .events = POLLIN };

	ck_assert_int_eq(poll(&ready, 1, -1), 1);
	return guests_take_news(k, now_monotonic_ns());
}

static void mark_is_set(const char *mark)
{
	ck_assert_int_eq(virDomainSetMetadata(guest, VIR_DOMAIN_METADATA_ELEMENT, mark,
					      "kvmtuned-limit", MARK_NAMESPACE,
					      VIR_DOMAIN_AFFECT_LIVE),
			 0);
}

/* Its facts, as they are now, are here. */
static size_t see_guest(bool marked)
{
	int slot;

	ck_assert_int_eq(virt_request_refresh(virt, &uuid), 0);
	while ((slot = domains_find(k->domains, &uuid)) < 0 ||
	       k->domains->slot[slot].domain.has_limit_mark != marked)
		(void)take_some_news();
	return (size_t)slot;
}

static uint64_t own_start_ticks(void)
{
	FILE *f = fopen("/proc/self/stat", "re");
	unsigned long long ticks = 0;

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f,
				"%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u "
				"%*d %*d %*d %*d %*d %*d %llu",
				&ticks),
			 1);
	fclose(f);
	return ticks;
}

/* Its process was found: it is this one. */
static const struct guest_in_force *bind_guest(size_t slot)
{
	k->sample->guest[slot] = (struct guest_sample){ .present = true,
							.pid = getpid(),
							.start_ticks = own_start_ticks() };
	guests_bind(k, slot);
	return &act_in_force(k->act)->guest[slot];
}

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
	const struct domain *d = &k->domains->slot[domains_find(k->domains, &uuid)].domain;

	ck_assert(f->limited);
	somebody_limits_to(61440);
	guests_recheck_limits(k, k->limits_checked_ns + 60 * KT_NS_PER_S);
	while (d->soft_limit_kib != 61440)
		(void)take_some_news();
}
END_TEST

static void ask(uint64_t kib)
{
	const struct limit_order order = { .kib = kib,
					   .original_kib = KT_UNLIMITED_KIB,
					   .expected_kib = { KT_UNLIMITED_KIB, KT_UNLIMITED_KIB } };

	ck_assert_int_eq(k->vm_ops.set_soft_limit(k, &uuid, &order), 0);
}

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
	lift_from_born(k, &lifted);
	ck_assert_int_eq(thread_get_cpus(born, &found), 0);
	ck_assert(cpumask_equal(&found, _i == 0 ? &all : &lifted.cpus));
}
END_TEST

/* Usage has changed since: it may be far below by now. */
START_TEST(a_limit_that_waited_is_not_set_but_an_original_is)
{
	pthread_mutex_lock(&gate);
	ask(65536);
	while (!is_at_gate)
		(void)poll(NULL, 0, 1);
	ask(60000);
	ask(KT_UNLIMITED_KIB);
	seconds_ahead = 4;
	pthread_mutex_unlock(&gate);
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
