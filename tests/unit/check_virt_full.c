/* SPDX-License-Identifier: GPL-2.0-or-later */
/* More guests than there is room for: who was refused is taken when somebody leaves. */
#include <dlfcn.h>
#include <sched.h>

#include "virt_fixture.h"

static _Atomic int too_many; /* of guests, that a list is said to have and has not */
static _Atomic int nlists;

/* Takes the place of libvirt's. */
int virConnectListAllDomains(virConnectPtr connection, virDomainPtr **list, unsigned int flags)
{
	int (*call)(virConnectPtr, virDomainPtr **, unsigned int) =
		(int (*)(virConnectPtr, virDomainPtr **, unsigned int))dlsym(
			RTLD_NEXT, "virConnectListAllDomains");
	int n = call(connection, list, flags) + too_many;

	nlists++;
	return n;
}

static void create(unsigned int number)
{
	char xml[256];
	virDomainPtr dom;

	snprintf(xml, sizeof xml,
		 "<domain type='test'><name>extra-%u</name><memory>1024</memory><vcpu>1</vcpu>"
		 "<os><type>hvm</type></os></domain>",
		 number);
	dom = virDomainCreateXML(admin, xml, 0);
	ck_assert_ptr_nonnull(dom);
	ck_assert_int_eq(virDomainFree(dom), 0);
}

/* The guest of the driver is one. */
static void fill_beyond_the_end(void)
{
	struct pollfd ready = { .fd = virt_wake_fd(virt), .events = POLLIN };
	struct virt_news news;
	unsigned int guests = 1;

	for (unsigned int i = 1; i <= KT_GUESTS_MAX; i++)
		create(i);
	while (guests < KT_GUESTS_MAX || warnings == 0) {
		while (virt_next(virt, &news))
			guests += news.kind == VIRT_GUEST;
		ck_assert_int_ge(poll(&ready, 1, 10), 0);
	}
	ck_assert_uint_eq(guests, KT_GUESTS_MAX);
}

START_TEST(who_was_refused_is_taken_when_there_is_room)
{
	struct virt_news news;

	fill_beyond_the_end();
	ck_assert_int_eq(virDomainDestroy(guest), 0);
	news = next_of(VIRT_GUEST_GONE);
	ck_assert(uuid_equal(&news.uuid, &uuid));
	news = next_of(VIRT_GUEST);
	ck_assert_str_eq(news.guest.name, "extra-1024");
	ck_assert_int_eq(warnings, 1);
}
END_TEST

/* Who leaves next has the list asked for again. */
START_TEST(a_list_with_a_wrong_number_is_no_list)
{
	struct virt_news news;
	virDomainPtr other;
	int before;

	fill_beyond_the_end();
	other = virDomainLookupByName(admin, "extra-1");
	too_many = 1000;
	before = nlists;
	ck_assert_int_eq(virDomainDestroy(guest), 0);
	(void)next_of(VIRT_GUEST_GONE);
	while (nlists == before)
		sched_yield();
	too_many = 0;
	ck_assert_int_eq(virDomainDestroy(other), 0);
	ck_assert_int_eq(virDomainFree(other), 0);
	(void)next_of(VIRT_GUEST_GONE);
	news = next_of(VIRT_GUEST);
	ck_assert_str_eq(news.guest.name, "extra-1024");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("virt_full");
	TCase *c = tcase_create("full");

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, who_was_refused_is_taken_when_there_is_room);
	tcase_add_test(c, a_list_with_a_wrong_number_is_no_list);
	suite_add_tcase(s, c);
	return kt_run(s);
}
