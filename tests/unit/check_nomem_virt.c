/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What becomes of guests and their pins when the libvirt thread has no memory?
 *
 * libvirt itself ends the process then (GLib does), so these are our own requests and those of
 * libxml2 and libevent. */
#include "nomem.h"

#include "virt_fixture.h"

#define PINS_NAMESPACE "urn:kvmtuned:pin:1"

/* The test driver works on XML as well, and aborts. */
static void *enter(const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	nomem_paused = true;
	return found;
}

typedef int set_metadata_fn(virDomainPtr, int, const char *, const char *, const char *,
			    unsigned int);
typedef char *get_xml_fn(virDomainPtr, unsigned int);

int virDomainSetMetadata(virDomainPtr dom, int type, const char *text, const char *key,
			 const char *uri, unsigned int flags)
{
	set_metadata_fn *call = (set_metadata_fn *)enter("virDomainSetMetadata");
	int r = call(dom, type, text, key, uri, flags);

	nomem_paused = false;
	return r;
}

char *virDomainGetXMLDesc(virDomainPtr dom, unsigned int flags)
{
	get_xml_fn *call = (get_xml_fn *)enter("virDomainGetXMLDesc");
	char *xml = call(dom, flags);

	nomem_paused = false;
	return xml;
}

static void pins_emulator_to(unsigned int cpu)
{
	unsigned char map[2] = { 0 };

	map[cpu / 8] = (unsigned char)(1U << cpu % 8);
	ck_assert_int_eq(virDomainPinEmulator(guest, map, 2, VIR_DOMAIN_AFFECT_LIVE), 0);
}

/* A number of the only CPU; -1: several. */
static int emulator_cpu(void)
{
	unsigned char map[2] = { 0 };
	unsigned int word;

	ck_assert_int_ge(virDomainGetEmulatorPinInfo(guest, map, 2, VIR_DOMAIN_AFFECT_LIVE), 0);
	word = map[0] | (unsigned int)map[1] << 8;
	return __builtin_popcount(word) == 1 ? __builtin_ctz(word) : -1;
}

static void until_admin_pins(bool admins)
{
	struct virt_news news;

	do {
		ck_assert_int_eq(virt_request_refresh(virt, &uuid), 0);
		news = next_of(VIRT_GUEST);
	} while (news.guest.admin_pins != admins);
}

/* Each goes round the thread's loop once, and whatever waits there is done in between. */
static unsigned int nclaims; /* that nobody has pinned the guest */

static void go_round(int nrounds)
{
	struct uuid stranger = uuid;
	struct virt_news news = { .kind = VIRT_GUEST };

	stranger.byte[0] ^= 1;
	while (nrounds-- > 0) {
		int r = request_limit(&stranger, 4096, KT_UNLIMITED_KIB);

		for (news.kind = VIRT_GUEST; r == 0 && news.kind != VIRT_REPLY;) {
			news = next();
			nclaims += news.kind == VIRT_GUEST && !news.guest.admin_pins;
		}
	}
}

static unsigned int refresh_without_memory(long at, enum nomem_kind kind)
{
	int r;

	nomem_begin_others(at, kind);
	r = virt_request_refresh(virt, &uuid);
	go_round(8);
	return nomem_end() + (r < 0);
}

START_TEST(pins_of_the_admin_are_not_forgotten)
{
	unsigned int nfailed = 1;
	struct virt_news news;

	pins_emulator_to(3);
	until_admin_pins(true);
	for (long at = 1; nfailed > 0; at++)
		nfailed = refresh_without_memory(at, (enum nomem_kind)_i);
	ck_assert_uint_eq(nclaims, 0);
	ck_assert_int_eq(virDomainSuspend(guest), 0);
	news = next_of(VIRT_GUEST);
	ck_assert(news.guest.admin_pins && !news.guest.running);
}
END_TEST

/* However long it takes, and without an event that would make us look. */
START_TEST(a_guest_is_read_when_there_is_memory_again)
{
	struct virt_news news;

	pins_emulator_to(3);
	until_admin_pins(true);
	nomem_begin_others(1, NOMEM_FROM_NOW);
	(void)virDomainSuspend(guest);
	for (int i = 0; i < 8; i++) {
		(void)!virt_request_refresh(virt, &uuid);
		go_round(8);
	}
	ck_assert_uint_ge(nomem_end(), 8);
	news = next_of(VIRT_GUEST);
	ck_assert(news.guest.admin_pins && !news.guest.running);
	ck_assert_int_eq(warnings, 1); /* said once */
}
END_TEST

static unsigned int pin_without_memory(long at, enum nomem_kind kind, unsigned int cpu)
{
	struct cpumask cpus = one_cpu(cpu);
	struct virt_news news = { 0 };
	unsigned int nfailed;
	int r;

	nomem_begin_others(at, kind);
	r = request_pin(&uuid, THREAD_EMULATOR, 0, &cpus, NEVER);
	while (r == 0 && (news = next()).kind != VIRT_REPLY)
		;
	nfailed = nomem_end();
	ck_assert_int_eq(r, 0);
	ck_assert_msg(news.reply.error == 0 || news.reply.error == -ENOMEM, "request %ld: %d", at,
		      news.reply.error);
	return nfailed;
}

static bool has_mark(unsigned int cpu)
{
	KT_AUTOFREE char *mark = virDomainGetMetadata(guest, VIR_DOMAIN_METADATA_ELEMENT,
						      PINS_NAMESPACE, VIR_DOMAIN_AFFECT_LIVE);
	char text[32];

	(void)snprintf(text, sizeof text, "cpus=\"%u\"", cpu);
	return mark && strstr(mark, text);
}

START_TEST(a_pin_is_made_with_its_mark_or_not_at_all)
{
	unsigned int nfailed = 1;
	int before = emulator_cpu();

	for (long at = 1; nfailed > 0; at++) {
		unsigned int cpu = (unsigned int)at % 16;
		int now;

		nfailed = pin_without_memory(at, (enum nomem_kind)_i, cpu);
		now = emulator_cpu();
		ck_assert_msg(now == before || now == (int)cpu, "request %ld: %d", at, now);
		ck_assert_msg(now == -1 || has_mark((unsigned int)now), "request %ld: no mark", at);
		before = now;
	}
	ck_assert_int_ge(before, 0);
	until_admin_pins(false);
}
END_TEST

static void set_up_first(void)
{
	set_up();
	nclaims = 0;
}

int main(void)
{
	Suite *s = suite_create("nomem_virt");
	TCase *c = tcase_create("nomem_virt");

	tcase_add_checked_fixture(c, set_up_first, tear_down);
	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, pins_of_the_admin_are_not_forgotten, 0, NOMEM_KINDS);
	tcase_add_test(c, a_guest_is_read_when_there_is_memory_again);
	tcase_add_loop_test(c, a_pin_is_made_with_its_mark_or_not_at_all, 0, NOMEM_KINDS);
	suite_add_tcase(s, c);
	return kt_run(s);
}
