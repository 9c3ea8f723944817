/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does the libvirt thread tell all that happens to guests and to the link, and nothing
 * twice?  Against the test driver, and against servers that only pretend to be libvirt. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "virt_fixture.h"

START_TEST(the_link_then_each_guest_then_the_end_of_the_resync)
{
	struct virt *first = virt;
	struct virt_news news;

	/* A base is lent by one at a time. */
	tear_down();
	ck_assert_ptr_nonnull(first);
	virt = start("test:///default");
	news = next();
	ck_assert_int_eq(news.kind, VIRT_LINK_UP);
	ck_assert_int_eq(strncmp(news.text, "libvirt ", 8), 0);
	news = next();
	ck_assert_int_eq(news.kind, VIRT_GUEST);
	ck_assert(uuid_equal(&news.uuid, &uuid) && uuid_equal(&news.guest.uuid, &uuid));
	ck_assert_str_eq(news.guest.name, "test");
	ck_assert(news.guest.running && !news.guest.busy && !news.started);
	ck_assert_uint_eq(news.guest.vcpus, 2);
	ck_assert_uint_eq(news.guest.memory_kib, 8388608);
	ck_assert_uint_eq(news.guest.soft_limit_kib, KT_UNLIMITED_KIB);
	ck_assert_uint_eq(news.guest.hard_limit_kib, KT_UNLIMITED_KIB);
	ck_assert(!news.guest.admin_pins && !news.guest.admin_memtune);
	ck_assert_int_eq(next().kind, VIRT_RESYNC_DONE);
	admin = virConnectOpen("test:///default");
	guest = virDomainLookupByUUIDString(admin, guest_uuid);
}
END_TEST

START_TEST(two_at_once_are_refused)
{
	const struct virt_options options = { .uri = "test:///default" };
	struct virt *other = NULL;

	ck_assert_int_eq(virt_start(&options, &other), -EBUSY);
	ck_assert_ptr_null(other);
}
END_TEST

START_TEST(stop_and_start_are_told)
{
	struct virt_news news;

	ck_assert_int_eq(virDomainDestroy(guest), 0);
	news = next();
	ck_assert_int_eq(news.kind, VIRT_GUEST_GONE);
	ck_assert(uuid_equal(&news.uuid, &uuid));
	ck_assert_int_eq(news.gone, VIRT_GONE_STOPPED);
	ck_assert_int_eq(virDomainCreate(guest), 0);
	news = next();
	ck_assert_int_eq(news.kind, VIRT_GUEST);
	ck_assert(news.started && news.guest.running);
	ck_assert_int_eq(news.guest.id, (int)virDomainGetID(guest));
}
END_TEST

START_TEST(suspend_and_resume_are_told)
{
	struct virt_news news;

	ck_assert_int_eq(virDomainSuspend(guest), 0);
	news = next();
	ck_assert(news.kind == VIRT_GUEST && !news.guest.running && !news.started);
	ck_assert_int_eq(virDomainResume(guest), 0);
	news = next();
	ck_assert(news.kind == VIRT_GUEST && news.guest.running && news.started);
}
END_TEST

/* However many events are folded into one reading: gone and new take turns, and the
 * last word is the truth. */
START_TEST(no_start_is_forgotten_and_none_told_twice)
{
	bool there = true;
	int id = -1;

	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(virDomainDestroy(guest), 0);
		ck_assert_int_eq(virDomainCreate(guest), 0);
	}
	while (id != (int)virDomainGetID(guest)) {
		struct virt_news news = next();

		if (news.kind == VIRT_GUEST_GONE) {
			ck_assert(there);
			there = false;
		} else {
			ck_assert_int_eq(news.kind, VIRT_GUEST);
			ck_assert(there ? news.guest.id == id : news.guest.id != id);
			there = true;
			id = news.guest.id;
		}
	}
	ck_assert(there);
}
END_TEST

START_TEST(a_guest_that_is_defined_while_we_look_is_new_when_it_starts)
{
	static const char xml[] = "<domain type='test'><name>%s</name><memory>65536</memory>"
				  "<os><type>hvm</type></os></domain>";
	virDomainPtr other = virDomainDefineXML(admin, xml);
	struct virt_news news;

	ck_assert_ptr_nonnull(other);
	ck_assert_int_eq(virDomainCreate(other), 0);
	news = next();
	ck_assert(news.kind == VIRT_GUEST && news.started);
	ck_assert_str_eq(news.guest.name, "%s");
	ck_assert_uint_eq(news.guest.memory_kib, 65536);
	ck_assert_int_eq(virDomainDestroy(other), 0);
	news = next();
	ck_assert(news.kind == VIRT_GUEST_GONE && !uuid_equal(&news.uuid, &uuid));
	ck_assert_int_eq(virDomainUndefine(other), 0);
	ck_assert_int_eq(virDomainFree(other), 0);
}
END_TEST

static void set_metadata(const char *policy)
{
	ck_assert_int_eq(virDomainSetMetadata(guest, VIR_DOMAIN_METADATA_ELEMENT, policy,
					      "kvmtuned", "urn:kvmtuned:1", VIR_DOMAIN_AFFECT_LIVE),
			 0);
}

START_TEST(metadata_are_told_and_a_mistake_in_them_once)
{
	struct virt_news news;

	set_metadata("<policy ksm='off' weight='9'/>");
	news = next();
	ck_assert_int_eq(news.kind, VIRT_GUEST);
	ck_assert_int_eq(news.guest.metadata.ksm, GUEST_SWITCH_OFF);
	ck_assert_uint_eq(news.guest.metadata.weight, 9);
	ck_assert_int_eq(atomic_load(&warnings), 0);
	set_metadata("<policy ksm='sometimes'/>");
	news = next();
	ck_assert_int_eq(news.guest.metadata.ksm, GUEST_SWITCH_DEFAULT);
	ck_assert_int_eq(atomic_load(&warnings), 1);
	ck_assert_int_eq(virDomainSuspend(guest), 0); /* read again, and still wrong */
	(void)next();
	ck_assert_int_eq(atomic_load(&warnings), 1);
	set_metadata("<policy ksm='never' weight='1'/>");
	(void)next();
	ck_assert_int_eq(atomic_load(&warnings), 2);
}
END_TEST

/* libvirt's test driver has events for metadata alone: those of somebody else make us look. */
START_TEST(what_only_an_audit_asks_for_is_told_apart)
{
	struct virt_news news;

	ck_assert_int_eq(virDomainSetMemory(guest, 1048576), 0);
	ck_assert_int_eq(virDomainSetMetadata(guest, VIR_DOMAIN_METADATA_ELEMENT, "<a/>", "a",
					      "urn:a", VIR_DOMAIN_AFFECT_LIVE),
			 0);
	news = next();
	ck_assert_int_eq(news.kind, VIRT_GUEST);
	ck_assert_uint_eq(news.guest.audit.current_kib, 1048576);
	ck_assert(news.only_of_audit);
	ck_assert_int_eq(virDomainSetMemory(guest, 1048575), 0);
	set_metadata("<policy ksm='off'/>");
	news = next();
	ck_assert_uint_eq(news.guest.audit.current_kib, 1048575);
	ck_assert(!news.only_of_audit);
}
END_TEST

/* ---- no libvirt ------------------------------------------------------------------ */

static int listen_at(char path[], size_t size)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_lt(snprintf(path, size, "/tmp/check_virt.%d", (int)getpid()), (int)size);
	(void)unlink(path);
	strcpy(address.sun_path, path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(listen(fd, 4), 0);
	return fd;
}

static struct virt *start_at(const char *path)
{
	char uri[128];

	ck_assert_int_lt(snprintf(uri, sizeof uri, "qemu+unix:///system?socket=%s", path),
			 (int)sizeof uri);
	return start(uri);
}

START_TEST(no_libvirt_is_said_and_requests_are_refused)
{
	struct cpumask cpus = one_cpu(0);
	struct virt_news news;

	virt = start_at("/nonexistent/socket");
	news = next();
	ck_assert_int_eq(news.kind, VIRT_LINK_DOWN);
	ck_assert_ptr_nonnull(strstr(news.text, "/nonexistent/socket"));
	ck_assert_uint_gt(news.since_ns, 0);
	ck_assert_int_eq(request_pin(&uuid, THREAD_EMULATOR, 0, &cpus, NEVER), -ENOTCONN);
	ck_assert_int_eq(request_limit(&uuid, 1, KT_UNLIMITED_KIB), -ENOTCONN);
	ck_assert_int_eq(virt_request_statistics(virt, NEVER), -ENOTCONN);
	ck_assert_int_eq(virt_request_refresh(virt, &uuid), -ENOTCONN);
	ck_assert_int_eq(virt_own_pins(virt, &uuid), 0);
	ck_assert_int_eq(virt_stop(virt, 10000), 0);
}
END_TEST

START_TEST(a_link_that_stays_down_is_said_once)
{
	const struct timespec moment = { .tv_nsec = 1000000 };
	struct virt_news news;
	char path[64];
	int server = listen_at(path, sizeof path);

	virt = start_at(path);
	for (int i = 0; i < 2; i++)
		close(accept(server, NULL, NULL)); /* the second try comes after a second */
	while (virt_waiting_since_ns(virt))
		nanosleep(&moment, NULL);
	ck_assert_int_eq(next().kind, VIRT_LINK_DOWN);
	ck_assert(!virt_next(virt, &news));
	ck_assert_int_eq(virt_stop(virt, 10000), 0);
	close(server);
	(void)unlink(path);
}
END_TEST

static uint64_t now_ns(void)
{
	struct timespec t;

	ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC, &t), 0);
	return (uint64_t)t.tv_sec * KT_NS_PER_S + (uint64_t)t.tv_nsec;
}

START_TEST(a_libvirt_that_hangs_is_seen_and_does_not_hang_us)
{
	uint64_t before_ns = now_ns(), since_ns;
	struct virt_news news;
	char path[64];
	int server = listen_at(path, sizeof path), peer;

	virt = start_at(path);
	peer = accept(server, NULL, NULL);
	since_ns = virt_waiting_since_ns(virt);
	ck_assert(since_ns >= before_ns && since_ns <= now_ns());
	ck_assert(!virt_next(virt, &news));
	ck_assert_int_eq(virt_request_statistics(virt, NEVER), -ENOTCONN);
	ck_assert_int_eq(virt_stop(virt, 20), -ETIMEDOUT);
	close(peer);
	ck_assert_int_eq(virt_stop(virt, 10000), 0);
	close(server);
	(void)unlink(path);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("virt");
	TCase *guests = tcase_create("guests"), *links = tcase_create("links");

	tcase_add_checked_fixture(guests, set_up, tear_down);
	tcase_set_timeout(guests, 30);
	tcase_add_test(guests, the_link_then_each_guest_then_the_end_of_the_resync);
	tcase_add_test(guests, two_at_once_are_refused);
	tcase_add_test(guests, stop_and_start_are_told);
	tcase_add_test(guests, suspend_and_resume_are_told);
	tcase_add_test(guests, no_start_is_forgotten_and_none_told_twice);
	tcase_add_test(guests, a_guest_that_is_defined_while_we_look_is_new_when_it_starts);
	tcase_add_test(guests, metadata_are_told_and_a_mistake_in_them_once);
	tcase_add_test(guests, what_only_an_audit_asks_for_is_told_apart);
	suite_add_tcase(s, guests);
	tcase_set_timeout(links, 30);
	tcase_add_test(links, no_libvirt_is_said_and_requests_are_refused);
	tcase_add_test(links, a_link_that_stays_down_is_said_once);
	tcase_add_test(links, a_libvirt_that_hangs_is_seen_and_does_not_hang_us);
	suite_add_tcase(s, links);
	return kt_run(s);
}
