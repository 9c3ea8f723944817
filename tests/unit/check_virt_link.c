/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Behind a link that breaks and comes back another libvirtd may have another process in the place
 * of a guest: does nothing that was decided about the one ever reach the other? */
#include <errno.h>
#include <event2/event.h>

#include "virt_calls_fixture.h"

enum { LIMIT_KIB = 65536, WAITING = 10 };

static atomic_int nopened, nlisted, npinned; /* pins: by the second link */
static atomic_bool is_dead, breaks, holds_pin, holds_list;

/* ---- libvirt and libevent: these take the place of their functions ---------------------- */

typedef virConnectPtr open_fn(const char *, virConnectAuthPtr, unsigned int);

virConnectPtr virConnectOpenAuth(const char *name, virConnectAuthPtr auth, unsigned int flags)
{
	open_fn *call = (open_fn *)real("virConnectOpenAuth");

	nopened++;
	is_dead = false;
	return call(name, auth, flags);
}

int virConnectIsAlive(virConnectPtr connection)
{
	(void)connection;
	return !is_dead;
}

typedef int list_fn(virConnectPtr, virDomainPtr **, unsigned int);

int virConnectListAllDomains(virConnectPtr connection, virDomainPtr **list, unsigned int flags)
{
	list_fn *call = (list_fn *)real("virConnectListAllDomains");

	nlisted++;
	while (holds_list)
		(void)poll(NULL, 0, 1);
	return call(connection, list, flags);
}

/* The test driver has none. */
int virDomainPinVcpuFlags(virDomainPtr dom, unsigned int vcpu, unsigned char *map, int length,
			  unsigned int flags)
{
	(void)dom, (void)vcpu, (void)map, (void)length, (void)flags;
	while (holds_pin)
		(void)poll(NULL, 0, 1);
	npinned += nopened > 1;
	if (!breaks)
		return 0;
	breaks = false;
	is_dead = true;
	return -1;
}

typedef int add_fn(struct event *, const struct timeval *);

/* The next link comes at once, as to a thread that had to wait for room for its news. */
int event_add(struct event *event, const struct timeval *delay)
{
	static const struct timeval at_once;
	add_fn *call = (add_fn *)real("event_add");

	return call(event, delay ? &at_once : NULL);
}

/* ---- questions -------------------------------------------------------------------------- */

static int pin_vcpu(void)
{
	struct cpumask cpus = one_cpu(0);

	return request_pin(&uuid, THREAD_VCPU, 0, &cpus, NEVER);
}

static void break_the_link(void)
{
	breaks = true;
	ck_assert_int_eq(pin_vcpu(), 0);
	ck_assert_int_eq(next_of(VIRT_REPLY).reply.error, -ENOTCONN);
}

static void until_it_is(atomic_int *count, int wanted)
{
	while (*count < wanted)
		(void)poll(NULL, 0, 1);
}

START_TEST(what_waited_for_a_link_is_not_asked_of_the_next)
{
	holds_pin = breaks = true;
	for (int i = 0; i < WAITING; i++)
		ck_assert_int_eq(pin_vcpu(), 0);
	holds_pin = false;
	for (int i = 0; i < WAITING; i++)
		ck_assert_int_eq(next_of(VIRT_REPLY).reply.error, -ENOTCONN);
	until_it_is(&nlisted, 2);
	ck_assert_int_eq(npinned, 0);
}
END_TEST

START_TEST(guests_of_a_link_are_not_changed_before_they_have_been_told_of)
{
	holds_list = true;
	break_the_link();
	(void)next_of(VIRT_LINK_UP);
	ck_assert_int_eq(pin_vcpu(), -ENOTCONN);
	ck_assert_int_eq(request_limit(&uuid, LIMIT_KIB, KT_UNLIMITED_KIB), -ENOTCONN);
	holds_list = false;
	(void)next_of(VIRT_RESYNC_DONE);
	ck_assert_int_eq(pin_vcpu(), 0);
	ck_assert_int_eq(next_of(VIRT_REPLY).reply.error, 0);
	ck_assert_int_eq(request_limit(&uuid, LIMIT_KIB, KT_UNLIMITED_KIB), 0);
	ck_assert_int_eq(next_of(VIRT_REPLY).reply.error, 0);
}
END_TEST

/* A long tick of the main thread. */
START_TEST(nor_by_who_has_not_even_heard_that_a_link_broke)
{
	break_the_link();
	until_it_is(&nlisted, 2); /* by now it is up */
	ck_assert_int_eq(pin_vcpu(), -ENOTCONN);
	ck_assert_int_eq(npinned, 0);
}
END_TEST

/* Its event waits behind the question. */
START_TEST(a_guest_that_was_started_anew_is_not_changed_for_the_one_before)
{
	uint64_t before = limit_in_force();

	holds_pin = true;
	ck_assert_int_eq(pin_vcpu(), 0);
	ck_assert_int_eq(request_limit(&uuid, LIMIT_KIB, KT_UNLIMITED_KIB), 0);
	ck_assert_int_eq(virDomainDestroy(guest), 0);
	ck_assert_int_eq(virDomainCreate(guest), 0);
	holds_pin = false;
	(void)next_of(VIRT_REPLY);
	ck_assert_int_eq(next_of(VIRT_REPLY).reply.error, -ENOENT);
	ck_assert_uint_eq(limit_in_force(), before);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("virt_link");
	TCase *c = tcase_create("links");

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_set_timeout(c, 30);
	tcase_add_test(c, what_waited_for_a_link_is_not_asked_of_the_next);
	tcase_add_test(c, guests_of_a_link_are_not_changed_before_they_have_been_told_of);
	tcase_add_test(c, nor_by_who_has_not_even_heard_that_a_link_broke);
	tcase_add_test(c, a_guest_that_was_started_anew_is_not_changed_for_the_one_before);
	suite_add_tcase(s, c);
	return kt_run(s);
}
