/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Can a soft limit of ours be told from everybody else's, whatever fails halfway? */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "virt_calls_fixture.h"

/* ---- libvirt, as it sometimes is: these take the place of its functions ----------------- */

/* In `calls`: m: marked, u: unmarked, l: limit. */

enum failure {
	FAILS_NOT,
	FAILS_AT_ONCE,
	FAILS_AFTERWARDS, /* the cgroup is written, the status file is not */
};

static _Atomic enum failure setting, marking;
static _Atomic unsigned long long somebodys_kib; /* set right after the next mark; 0: not */

static atomic_bool hides_failure; /* what is in force is not told right after it */
static atomic_bool unreadable_once;

typedef int set_memory_fn(virDomainPtr, virTypedParameterPtr, int, unsigned int);
typedef int get_memory_fn(virDomainPtr, virTypedParameterPtr, int *, unsigned int);

int virDomainSetMetadata(virDomainPtr dom, int type, const char *text, const char *key,
			 const char *uri, unsigned int flags)
{
	set_metadata_fn *call = (set_metadata_fn *)real("virDomainSetMetadata");
	unsigned long long kib = somebodys_kib;
	int r;

	note_call(text ? 'm' : 'u');
	if (marking == FAILS_AT_ONCE)
		return -1;
	r = call(dom, type, text, key, uri, flags);
	somebodys_kib = 0;
	if (kib)
		somebody_limits_to(kib);
	return r;
}

int virDomainSetMemoryParameters(virDomainPtr dom, virTypedParameterPtr params, int n,
				 unsigned int flags)
{
	set_memory_fn *call = (set_memory_fn *)real("virDomainSetMemoryParameters");
	int r;

	note_call('l');
	unreadable_once = hides_failure;
	if (setting == FAILS_AT_ONCE)
		return -1;
	r = call(dom, params, n, flags);
	return setting == FAILS_AFTERWARDS ? -1 : r;
}

int virDomainGetMemoryParameters(virDomainPtr dom, virTypedParameterPtr params, int *n,
				 unsigned int flags)
{
	get_memory_fn *call = (get_memory_fn *)real("virDomainGetMemoryParameters");

	return atomic_exchange(&unreadable_once, false) ? -1 : call(dom, params, n, flags);
}

char *virDomainGetXMLDesc(virDomainPtr dom, unsigned int flags)
{
	get_xml_fn *call = (get_xml_fn *)real("virDomainGetXMLDesc");

	nreadings++;
	return call(dom, flags);
}

/* ---- questions ------------------------------------------------------------------------ */

static struct vm_reply limit_to(uint64_t kib, uint64_t original_kib)
{
	memset(calls, 0, sizeof calls);
	ck_assert_int_eq(request_limit(&uuid, kib, original_kib), 0);
	return next_of(VIRT_REPLY).reply;
}

static bool is_limited(void)
{
	return limit_in_force() < VIR_DOMAIN_MEMORY_PARAM_UNLIMITED;
}

static struct domain until_marked(bool marked)
{
	struct virt_news news = next_of(VIRT_GUEST);

	while (news.guest.has_limit_mark != marked)
		news = next_of(VIRT_GUEST);
	return news.guest;
}

/* ---- what goes well ------------------------------------------------------------------- */

START_TEST(a_limit_is_marked_before_it_is_set)
{
	KT_AUTOFREE char *persistent = NULL;

	ck_assert_int_eq(limit_to(65536, KT_UNLIMITED_KIB).error, 0);
	ck_assert_str_eq(calls, "ml");
	mark_is("<limit soft_limit_kib=\"65536\" original_kib=\"unlimited\"/>");
	ck_assert_int_eq(limit_to(61440, 70000).error, 0);
	ck_assert_str_eq(calls, "ml");
	mark_is("<limit soft_limit_kib=\"61440\" original_kib=\"70000\"/>");
	persistent = virDomainGetXMLDesc(guest, VIR_DOMAIN_XML_INACTIVE);
	ck_assert_ptr_nonnull(persistent);
	ck_assert_ptr_null(strstr(persistent, MARK_NAMESPACE));
}
END_TEST

static const struct {
	uint64_t original_kib;
	bool limited;
} originals[] = { { KT_UNLIMITED_KIB, false }, { 70000, true } };

START_TEST(the_mark_goes_after_the_limit)
{
	uint64_t original_kib = originals[_i].original_kib;

	if (originals[_i].limited)
		somebody_limits_to(original_kib);
	ck_assert_int_eq(limit_to(65536, original_kib).error, 0);
	(void)until_marked(true);
	ck_assert_int_eq(limit_to(original_kib, original_kib).error, 0);
	ck_assert_str_eq(calls, "lu");
	mark_is(NULL);
	ck_assert_int_eq(is_limited(), originals[_i].limited);
	/* What was there before us is not ours. */
	ck_assert_int_eq(until_marked(false).admin_memtune, originals[_i].limited);
}
END_TEST

/* As the kernel would. */
START_TEST(a_mark_is_what_is_read_back)
{
	uint64_t page_kib = (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
	struct vm_reply reply = limit_to(65537, KT_UNLIMITED_KIB);
	struct domain d = until_marked(true);

	ck_assert_uint_eq(reply.soft_limit_kib, d.soft_limit_kib);
	ck_assert_uint_eq(d.marked_limit_kib, d.soft_limit_kib);
	ck_assert_uint_eq(d.soft_limit_kib, 65537 / page_kib * page_kib);
	ck_assert(d.marked_original_kib == KT_UNLIMITED_KIB && !d.admin_memtune);
}
END_TEST

/* A limit and its mark that came with a guest: nobody here has set them. */
START_TEST(a_guest_that_comes_with_our_limit_is_not_the_admins)
{
	struct domain d;

	somebody_limits_to(65536);
	ck_assert_int_eq(
		virDomainSetMetadata(guest, VIR_DOMAIN_METADATA_ELEMENT,
				     "<limit soft_limit_kib='65536' original_kib='70000'/>",
				     "kvmtuned-limit", MARK_NAMESPACE, VIR_DOMAIN_AFFECT_LIVE),
		0);
	d = until_marked(true);
	ck_assert(!d.admin_memtune && d.marked_limit_kib == 65536 && d.soft_limit_kib == 65536);
	ck_assert_uint_eq(d.marked_original_kib, 70000);
}
END_TEST

START_TEST(the_events_of_our_own_calls_come_to_an_end)
{
	ck_assert_int_eq(limit_to(65536, KT_UNLIMITED_KIB).error, 0);
	events_come_to_an_end();
}
END_TEST

/* ---- what fails ------------------------------------------------------------------------ */

START_TEST(what_cannot_be_marked_is_not_limited)
{
	marking = FAILS_AT_ONCE;
	ck_assert_int_eq(limit_to(65536, KT_UNLIMITED_KIB).error, -EIO);
	ck_assert_str_eq(calls, "m");
	ck_assert(!is_limited());
}
END_TEST

START_TEST(a_limit_that_was_not_set_leaves_no_mark)
{
	setting = FAILS_AT_ONCE;
	ck_assert_int_eq(limit_to(65536, KT_UNLIMITED_KIB).error, -EIO);
	ck_assert_str_eq(calls, "mlu");
	mark_is(NULL);
}
END_TEST

START_TEST(what_somebody_sets_while_we_mark_is_his)
{
	somebodys_kib = 70000;
	ck_assert_uint_eq(limit_to(65536, KT_UNLIMITED_KIB).soft_limit_kib, 70000);
	ck_assert_str_eq(calls, "mlu"); /* the limit is his */
	ck_assert_uint_eq(limit_in_force(), 70000);
	mark_is(NULL);
}
END_TEST

START_TEST(nor_is_it_written_over_by_another_step)
{
	ck_assert_int_eq(limit_to(65536, KT_UNLIMITED_KIB).error, 0);
	somebodys_kib = 70000;
	ck_assert_uint_eq(limit_to(61440, KT_UNLIMITED_KIB).soft_limit_kib, 70000);
	ck_assert_uint_eq(limit_in_force(), 70000);
	mark_is(NULL);
}
END_TEST

/* An earlier life's, or one that came along, was to be given back; it is read for the first time
 * when somebody has set another one. */
START_TEST(what_somebody_set_before_ours_was_read_is_his)
{
	struct limit_order order = { .kib = KT_UNLIMITED_KIB,
				     .original_kib = KT_UNLIMITED_KIB,
				     .expected_kib = { 65536, 65536 } };

	somebody_limits_to(70000);
	ck_assert_int_eq(virt_own_soft_limit(virt, &uuid), 0);
	(void)readings_after_rounds(32);
	ck_assert_int_eq(virt_request_soft_limit(virt, &uuid, &order, NEVER), 0);
	ck_assert_uint_eq(next_of(VIRT_REPLY).reply.soft_limit_kib, 70000);
	ck_assert_uint_eq(limit_in_force(), 70000);
}
END_TEST

START_TEST(a_limit_of_somebody_elses_is_not_marked_by_a_failure)
{
	somebody_limits_to(70000);
	setting = FAILS_AT_ONCE;
	ck_assert_int_eq(limit_to(65536, 70000).error, -EIO);
	mark_is(NULL);
	ck_assert_uint_eq(limit_in_force(), 70000);
}
END_TEST

START_TEST(a_step_that_failed_leaves_the_mark_of_what_is_in_force)
{
	ck_assert_int_eq(limit_to(65536, KT_UNLIMITED_KIB).error, 0);
	setting = FAILS_AT_ONCE;
	ck_assert_int_eq(limit_to(61440, KT_UNLIMITED_KIB).error, -EIO);
	mark_is("<limit soft_limit_kib=\"65536\" original_kib=\"unlimited\"/>");
	ck_assert_uint_eq(limit_in_force(), 65536);
	ck_assert_int_eq(limit_to(KT_UNLIMITED_KIB, KT_UNLIMITED_KIB).error, -EIO);
	mark_is("<limit soft_limit_kib=\"65536\" original_kib=\"unlimited\"/>");
}
END_TEST

START_TEST(what_is_in_force_counts_and_not_what_was_answered)
{
	struct vm_reply reply;

	setting = FAILS_AFTERWARDS;
	reply = limit_to(65536, KT_UNLIMITED_KIB);
	ck_assert_int_eq(reply.error, 0);
	ck_assert_uint_eq(reply.soft_limit_kib, 65536);
	mark_is("<limit soft_limit_kib=\"65536\" original_kib=\"unlimited\"/>");
	ck_assert(!until_marked(true).admin_memtune);
	ck_assert_int_eq(limit_to(KT_UNLIMITED_KIB, KT_UNLIMITED_KIB).error, 0);
	mark_is(NULL);
}
END_TEST

static void next_limit_is_made(void)
{
	setting = FAILS_NOT;
	hides_failure = false;
	(void)readings_after_rounds(32);
	ck_assert_uint_eq(limit_to(61440, KT_UNLIMITED_KIB).soft_limit_kib, 61440);
}

/* Somebody else's it would never be touched again. */
START_TEST(a_limit_that_may_have_been_set_is_ours)
{
	setting = FAILS_AFTERWARDS;
	hides_failure = true;
	ck_assert_int_eq(limit_to(65536, KT_UNLIMITED_KIB).error, -EIO);
	next_limit_is_made();
}
END_TEST

START_TEST(a_limit_that_may_not_have_been_given_back_is_ours)
{
	ck_assert_int_eq(limit_to(65536, KT_UNLIMITED_KIB).error, 0);
	setting = FAILS_AT_ONCE;
	hides_failure = true;
	ck_assert_int_eq(limit_to(KT_UNLIMITED_KIB, KT_UNLIMITED_KIB).error, -EIO);
	next_limit_is_made();
}
END_TEST

START_TEST(a_mark_that_stays_after_its_limit_means_nothing)
{
	struct domain d;

	ck_assert_int_eq(limit_to(65536, KT_UNLIMITED_KIB).error, 0);
	marking = FAILS_AT_ONCE;
	ck_assert_int_eq(limit_to(KT_UNLIMITED_KIB, KT_UNLIMITED_KIB).error, 0);
	do
		d = until_marked(true);
	while (d.soft_limit_kib != KT_UNLIMITED_KIB);
	ck_assert(d.marked_limit_kib == 65536 && !d.admin_memtune);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_limit_is_marked_before_it_is_set,
		a_mark_is_what_is_read_back,
		a_guest_that_comes_with_our_limit_is_not_the_admins,
		the_events_of_our_own_calls_come_to_an_end,
		what_cannot_be_marked_is_not_limited,
		a_limit_that_was_not_set_leaves_no_mark,
		what_somebody_sets_while_we_mark_is_his,
		nor_is_it_written_over_by_another_step,
		what_somebody_set_before_ours_was_read_is_his,
		a_limit_of_somebody_elses_is_not_marked_by_a_failure,
		a_step_that_failed_leaves_the_mark_of_what_is_in_force,
		what_is_in_force_counts_and_not_what_was_answered,
		a_limit_that_may_have_been_set_is_ours,
		a_limit_that_may_not_have_been_given_back_is_ours,
		a_mark_that_stays_after_its_limit_means_nothing,
	};
	Suite *s = suite_create("virt_limit");
	TCase *c = tcase_create("limits");

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_set_timeout(c, 30);
	for (size_t i = 0; i < KT_ARRAY_LEN(tests); i++)
		tcase_add_test(c, tests[i]);
	tcase_add_loop_test(c, the_mark_goes_after_the_limit, 0, KT_ARRAY_LEN(originals));
	suite_add_tcase(s, c);
	return kt_run(s);
}
