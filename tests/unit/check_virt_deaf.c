/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest whose monitor is deaf, and which has an event after the other: are the news of all
 * other guests told in between? */
#include <errno.h>
#include <time.h>

#include "virt_limit_fixture.h"

enum { DEAF_S = 30, READINGS_MAX = 100 };

static virDomainPtr other;
static struct uuid other_uuid;
static atomic_bool deaf, restless;
static atomic_int nreadings; /* of the deaf one */
static _Atomic int64_t ahead_s;

typedef int clock_fn(clockid_t, struct timespec *);
typedef int info_fn(virDomainPtr, virDomainInfoPtr);

/* Takes the place of libc's. */
int clock_gettime(clockid_t id, struct timespec *ret)
{
	clock_fn *call = (clock_fn *)real("clock_gettime");
	int r = call(id, ret);

	if (id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_COARSE) /* the latter is libevent's */
		ret->tv_sec += ahead_s;
	return r;
}

/* An event comes before it is read to the end. */
static void something_happens(void)
{
	static atomic_uint ntimes;

	(void)(ntimes++ % 2 ? virDomainResume(guest) : virDomainSuspend(guest));
}

int virDomainGetInfo(virDomainPtr dom, virDomainInfoPtr facts)
{
	info_fn *call = (info_fn *)real("virDomainGetInfo");
	struct uuid of;

	if (virDomainGetUUID(dom, of.byte) < 0 || !uuid_equal(&of, &uuid))
		return call(dom, facts);
	if (restless && nreadings < READINGS_MAX)
		something_happens();
	if (deaf)
		ahead_s += DEAF_S;
	nreadings++;
	return call(dom, facts);
}

static struct virt_news news_of(const struct uuid *of)
{
	struct virt_news news = next();

	while (!uuid_equal(&news.uuid, of))
		news = next();
	return news;
}

/* In the slot behind the deaf one's. */
static void begin(void)
{
	static const char xml[] = "<domain type='test'><name>other</name><memory>65536</memory>"
				  "<os><type>hvm</type></os></domain>";

	set_up();
	other = virDomainCreateXML(admin, xml, 0);
	ck_assert_ptr_nonnull(other);
	ck_assert_int_eq(virDomainGetUUID(other, other_uuid.byte), 0);
	(void)news_of(&other_uuid);
	nreadings = 0;
}

static void end(void)
{
	restless = deaf = false;
	ck_assert_int_eq(virDomainFree(other), 0);
	tear_down();
}

START_TEST(others_have_their_turn)
{
	struct virt_news news;
	int before;

	restless = true;
	something_happens();
	(void)news_of(&uuid);
	before = nreadings;
	ck_assert_int_eq(virDomainSuspend(other), 0);
	news = news_of(&other_uuid);
	ck_assert_msg(nreadings < READINGS_MAX, "%d readings came first", nreadings - before);
	ck_assert_int_eq(news.kind, VIRT_GUEST);
	ck_assert(!news.guest.running);
}
END_TEST

/* Each goes round the thread's loop. */
static void go_round(int nrounds)
{
	struct uuid stranger = uuid;

	stranger.byte[0] ^= 1;
	while (nrounds-- > 0) {
		ck_assert_int_eq(request_limit(&stranger, 4096, KT_UNLIMITED_KIB), 0);
		ck_assert_int_eq(next_of(VIRT_REPLY).reply.error, -ENOENT);
	}
}

static void be_read_deaf(void)
{
	deaf = restless = true;
	something_happens();
	(void)news_of(&uuid);
	ck_assert_int_eq(nreadings, 1);
}

START_TEST(as_long_as_it_took_the_time_is_that_of_the_others)
{
	be_read_deaf();
	go_round(50);
	ck_assert_int_eq(nreadings, 1);
	ahead_s += DEAF_S - 3;
	go_round(50);
	ck_assert_int_eq(nreadings, 1);
	ahead_s += 5;
	(void)news_of(&uuid);
	ck_assert_int_eq(nreadings, 2);
}
END_TEST

START_TEST(the_end_of_a_deaf_guest_is_told_at_once)
{
	be_read_deaf();
	ck_assert_int_eq(virDomainDestroy(guest), 0);
	ck_assert_int_eq(news_of(&uuid).kind, VIRT_GUEST_GONE);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("virt_deaf");
	TCase *c = tcase_create("deaf");

	tcase_add_checked_fixture(c, begin, end);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, others_have_their_turn);
	tcase_add_test(c, as_long_as_it_took_the_time_is_that_of_the_others);
	tcase_add_test(c, the_end_of_a_deaf_guest_is_told_at_once);
	suite_add_tcase(s, c);
	return kt_run(s);
}
