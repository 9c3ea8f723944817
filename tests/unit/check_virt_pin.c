/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Can a pin of ours be told from everybody else's, wherever its guest goes and whatever fails? */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "virt_calls_fixture.h"

#define PINS_NAMESPACE      "urn:kvmtuned:pin:1"
#define PIN(of, cpus, was)  "<pin of=\"" of "\" number=\"0\" cpus=\"" cpus "\" was=\"" was "\"/>"
#define EMULATOR(cpus, was) "<pins>" PIN("emulator", cpus, was) "</pins>"
/* Of the test driver's host. */
#define ALL                 "0-15"
#define ONLINE              "0,2,4" /* ... says its driver */

/* ---- libvirt, as it sometimes is: these take the place of its functions ----------------- */

/* In `calls`: m: marked, u: unmarked, p: pinned, v: a vCPU. */

static atomic_bool no_cpu_map, pinning_fails, marking_fails, reading_fails, vcpus_pin, slow;
static char *marked_at_pin;
static bool hide_pin_events;

typedef int pin_fn(virDomainPtr, unsigned char *, int, unsigned int);

int virDomainSetMetadata(virDomainPtr dom, int type, const char *text, const char *key,
			 const char *uri, unsigned int flags)
{
	set_metadata_fn *call = (set_metadata_fn *)real("virDomainSetMetadata");

	note_call(text ? 'm' : 'u');
	return marking_fails ? -1 : call(dom, type, text, key, uri, flags);
}

int virDomainPinEmulator(virDomainPtr dom, unsigned char *map, int length, unsigned int flags)
{
	pin_fn *call = (pin_fn *)real("virDomainPinEmulator");

	note_call('p');
	free(marked_at_pin);
	marked_at_pin = virDomainGetMetadata(dom, VIR_DOMAIN_METADATA_ELEMENT, PINS_NAMESPACE,
					     VIR_DOMAIN_AFFECT_LIVE);
	return pinning_fails ? -1 : call(dom, map, length, flags);
}

typedef int cpu_map_fn(virConnectPtr, unsigned char **, unsigned int *, unsigned int);

int virNodeGetCPUMap(virConnectPtr connection, unsigned char **map, unsigned int *online,
		     unsigned int flags)
{
	cpu_map_fn *call = (cpu_map_fn *)real("virNodeGetCPUMap");

	return no_cpu_map ? -1 : call(connection, map, online, flags);
}

/* Events of pins can be kept from us. */
static virConnectDomainEventTunableCallback on_tunable;

static void perhaps_tell(virConnectPtr connection, virDomainPtr dom, virTypedParameterPtr params,
			 int nparams, void *context)
{
	if (!hide_pin_events)
		on_tunable(connection, dom, params, nparams, context);
}

typedef int register_fn(virConnectPtr, virDomainPtr, int, virConnectDomainEventGenericCallback,
			void *, virFreeCallback);

int virConnectDomainEventRegisterAny(virConnectPtr connection, virDomainPtr dom, int id,
				     virConnectDomainEventGenericCallback cb, void *context,
				     virFreeCallback release)
{
	register_fn *call = (register_fn *)real("virConnectDomainEventRegisterAny");

	if (id == VIR_DOMAIN_EVENT_ID_TUNABLE) {
		on_tunable = (virConnectDomainEventTunableCallback)(void (*)(void))cb;
		cb = (virConnectDomainEventGenericCallback)(void (*)(void))perhaps_tell;
	}
	return call(connection, dom, id, cb, context, release);
}

typedef int read_pin_fn(virDomainPtr, unsigned char *, int, unsigned int);

int virDomainGetEmulatorPinInfo(virDomainPtr dom, unsigned char *map, int length,
				unsigned int flags)
{
	read_pin_fn *call = (read_pin_fn *)real("virDomainGetEmulatorPinInfo");

	return reading_fails ? -1 : call(dom, map, length, flags);
}

/* The test driver has no live pins of vCPUs: these are never in force, whatever is said. */
int virDomainPinVcpuFlags(virDomainPtr dom, unsigned int vcpu, unsigned char *map, int length,
			  unsigned int flags)
{
	(void)dom, (void)vcpu, (void)map, (void)length, (void)flags;
	note_call('v');
	return vcpus_pin ? 0 : -1;
}

char *virDomainGetXMLDesc(virDomainPtr dom, unsigned int flags)
{
	get_xml_fn *call = (get_xml_fn *)real("virDomainGetXMLDesc");

	nreadings++;
	while (slow)
		(void)poll(NULL, 0, 1);
	return call(dom, flags);
}

/* ---- questions ------------------------------------------------------------------------ */

static void pins_are(const char *wanted)
{
	KT_AUTOFREE char *mark = virDomainGetMetadata(guest, VIR_DOMAIN_METADATA_ELEMENT,
						      PINS_NAMESPACE, VIR_DOMAIN_AFFECT_LIVE);
	char text[1024] = "", *end = text;

	/* As it was written: libvirt puts each element on a line of its own. */
	for (const char *s = mark ? mark : ""; *s && end < text + sizeof text - 1; s++)
		if (*s != '\n' && !(*s == ' ' && (s[1] == ' ' || s[1] == '<')))
			*end++ = *s;
	ck_assert_str_eq(text, wanted);
}

static struct cpumask cpus_of(const char *text)
{
	struct cpumask cpus;

	ck_assert_int_eq(cpumask_parse(text, &cpus), 0);
	return cpus;
}

static int pin_to(const char *text)
{
	struct cpumask cpus = cpus_of(text);

	memset(calls, 0, sizeof calls);
	ck_assert_int_eq(request_pin(&uuid, THREAD_EMULATOR, 0, &cpus, NEVER), 0);
	return next_of(VIRT_REPLY).reply.error;
}

static bool is_pinned_to(const char *text)
{
	struct cpumask cpus = cpus_of(text);
	unsigned char map[2] = { 0 };

	ck_assert_int_ge(virDomainGetEmulatorPinInfo(guest, map, 2, VIR_DOMAIN_AFFECT_LIVE), 0);
	return map[0] == (cpus.word[0] & 0xff) && map[1] == (cpus.word[0] >> 8 & 0xff);
}

static void somebody_pins_to(const char *text)
{
	struct cpumask cpus = cpus_of(text);
	unsigned char map[2] = { (unsigned char)cpus.word[0], (unsigned char)(cpus.word[0] >> 8) };
	pin_fn *call = (pin_fn *)real("virDomainPinEmulator");

	ck_assert_int_eq(call(guest, map, 2, VIR_DOMAIN_AFFECT_LIVE), 0);
}

static void somebody_marks(const char *mark)
{
	set_metadata_fn *call = (set_metadata_fn *)real("virDomainSetMetadata");

	ck_assert_int_eq(call(guest, VIR_DOMAIN_METADATA_ELEMENT, mark, "kvmtuned-pin",
			      PINS_NAMESPACE, VIR_DOMAIN_AFFECT_LIVE),
			 0);
}

static void until(bool marked, bool admins)
{
	struct virt_news news;

	do {
		ck_assert_int_eq(virt_request_refresh(virt, &uuid), 0);
		news = next_of(VIRT_GUEST);
	} while (news.guest.marked_pins != marked || news.guest.admin_pins != admins);
}

/* ---- what goes well ------------------------------------------------------------------- */

START_TEST(a_pin_is_marked_before_it_is_made)
{
	KT_AUTOFREE char *persistent = NULL;

	ck_assert_int_eq(pin_to("0-3"), 0);
	ck_assert_str_eq(calls, "mp");
	pins_are(EMULATOR("0-3", "none"));
	until(true, false);
	persistent = virDomainGetXMLDesc(guest, VIR_DOMAIN_XML_INACTIVE);
	ck_assert_ptr_nonnull(persistent);
	ck_assert_ptr_null(strstr(persistent, PINS_NAMESPACE));
}
END_TEST

/* In between both are marked: one of them is in force, whenever it ends. */
START_TEST(a_pin_that_moves_is_ours_all_the_time)
{
	ck_assert_int_eq(pin_to("0-3"), 0);
	ck_assert_int_eq(pin_to("4-7"), 0);
	ck_assert_str_eq(calls, "mpm");
	pins_are(EMULATOR("4-7", "none"));
	pinning_fails = true;
	ck_assert_int_eq(pin_to("8-9"), -EIO);
	ck_assert_str_eq(calls, "mpm");
	pins_are(EMULATOR("4-7", "none"));
	ck_assert(is_pinned_to("4-7"));
}
END_TEST

/* libvirt cannot delete it. */
START_TEST(a_pin_that_was_given_back_is_still_known)
{
	ck_assert_int_eq(pin_to("0-3"), 0);
	until(true, false);
	ck_assert_int_eq(pin_to(ALL), 0);
	pins_are(EMULATOR(ALL, "none"));
	until(false, false);
}
END_TEST

START_TEST(a_pin_that_was_there_before_is_not_ours_again)
{
	somebody_pins_to(ALL);
	ck_assert_int_eq(pin_to("0-3"), 0);
	pins_are(EMULATOR("0-3", ALL));
	ck_assert_int_eq(pin_to("4-7"), 0);
	pins_are(EMULATOR("4-7", ALL));
	ck_assert_int_eq(pin_to(ALL), 0);
	pins_are("");
}
END_TEST

/* The test stands in for a thread of the guest. */
static struct cpumask mask_of_this_thread(void)
{
	struct cpumask now = { 0 };
	cpu_set_t set;

	ck_assert_int_eq(sched_getaffinity(0, sizeof set, &set), 0);
	memcpy(&now, &set, sizeof now);
	return now;
}

static int pin_where_seen_on(pid_t tid, struct cpumask seen)
{
	const struct pin_order order = { .cpus = cpus_of("4-7"), .tid = tid, .seen = seen };

	ck_assert_int_eq(virt_request_pin(virt, &uuid, &order, NEVER), 0);
	return next_of(VIRT_REPLY).reply.error;
}

START_TEST(who_has_been_pinned_since_the_question_is_not_pinned)
{
	pid_t tid = (pid_t)syscall(SYS_gettid);
	struct cpumask seen = mask_of_this_thread();

	ck_assert_int_eq(pin_to("0-3"), 0);
	cpumask_set(&seen, KT_CPUS_MAX - 1);
	ck_assert_int_eq(pin_where_seen_on(tid, seen), -EAGAIN);
	pins_are(EMULATOR("0-3", "none"));
	ck_assert_int_eq(pin_where_seen_on(tid, mask_of_this_thread()), 0);
	pins_are(EMULATOR("4-7", "none"));
}
END_TEST

/* Another thread may have its number by now: a vCPU that was unplugged, and plugged again. */
START_TEST(whose_thread_has_gone_is_not_pinned)
{
	pid_t gone = kt_fork();

	if (gone == 0)
		_exit(0);
	ck_assert_int_eq(waitpid(gone, NULL, 0), gone);
	ck_assert_int_eq(pin_to("0-3"), 0);
	ck_assert_int_eq(pin_where_seen_on(gone, mask_of_this_thread()), -EAGAIN);
	pins_are(EMULATOR("0-3", "none"));
}
END_TEST

START_TEST(what_waits_is_marked_with_the_first)
{
	struct cpumask cpus = cpus_of("0-3");

	slow = true;
	memset(calls, 0, sizeof calls);
	ck_assert_int_eq(request_pin(&uuid, THREAD_EMULATOR, 0, &cpus, NEVER), 0);
	for (unsigned int i = 0; i < 3; i++)
		ck_assert_int_eq(request_pin(&uuid, THREAD_VCPU, i, &cpus, NEVER), 0);
	slow = false;
	for (int i = 0; i < 4; i++)
		(void)next_of(VIRT_REPLY);
	ck_assert(marked_at_pin && strstr(marked_at_pin, "of=\"vcpu\" number=\"2\""));
	pins_are(EMULATOR("0-3", "none")); /* and not what could not be made */
}
END_TEST

START_TEST(the_events_of_our_own_calls_come_to_an_end)
{
	ck_assert_int_eq(pin_to("0-3"), 0);
	events_come_to_an_end();
}
END_TEST

/* ---- what somebody else does ------------------------------------------------------------ */

static void give_a_vcpu_back(void)
{
	struct cpumask cpus = cpus_of(ALL);

	vcpus_pin = true;
	ck_assert_int_eq(request_pin(&uuid, THREAD_VCPU, 0, &cpus, NEVER), 0);
	ck_assert_int_eq(next_of(VIRT_REPLY).reply.error, 0);
}

/* Ours is replaced; what else we had is given back through libvirt, as it must be. */
START_TEST(a_pin_that_replaced_ours_stays_the_admins)
{
	ck_assert_int_eq(pin_to("0-3"), 0);
	until(true, false);
	somebody_pins_to("4-7");
	until(false, true);
	give_a_vcpu_back();
	ck_assert_int_eq(virDomainSuspend(guest), 0); /* so that its XML is read again */
	ck_assert(next_of(VIRT_GUEST).guest.admin_pins);
}
END_TEST

/* As one that was made while nobody listened. */
START_TEST(that_ours_was_replaced_shows_without_an_event)
{
	hide_pin_events = true;
	ck_assert_int_eq(pin_to("0-3"), 0);
	until(true, false);
	somebody_pins_to("4-7");
	if (_i == 0)
		until(false, true);
	give_a_vcpu_back(); /* which takes the mark away that said so */
	ck_assert_int_eq(virDomainSuspend(guest), 0);
	ck_assert(next_of(VIRT_GUEST).guest.admin_pins);
}
END_TEST

/* Nothing has changed that an event would tell of: who has found it must say so. */
START_TEST(that_ours_was_replaced_shows_although_nothing_can_be_marked)
{
	hide_pin_events = true;
	ck_assert_int_eq(pin_to("0-3"), 0);
	until(true, false);
	events_come_to_an_end();
	somebody_pins_to("4-7");
	marking_fails = true;
	ck_assert_int_eq(pin_to("8-9"), -EIO);
	ck_assert(next_of(VIRT_GUEST).guest.admin_pins);
	ck_assert(is_pinned_to("4-7"));
}
END_TEST

/* A pin to every CPU is none, which only who knows them can tell. */
START_TEST(cpus_of_the_host_that_are_not_known_are_asked_for_again)
{
	ck_assert_int_eq(virt_stop(virt, 10000), 0);
	no_cpu_map = true;
	virt = start("test:///default");
	(void)next_of(VIRT_RESYNC_DONE);
	somebody_pins_to(ALL);
	until(false, true);
	no_cpu_map = false;
	until(false, false);
}
END_TEST

/* ---- what fails ------------------------------------------------------------------------ */

START_TEST(what_cannot_be_marked_is_not_pinned)
{
	marking_fails = true;
	ck_assert_int_eq(pin_to("0-3"), -EIO);
	ck_assert_str_eq(calls, "m");
	ck_assert(is_pinned_to(ALL));
}
END_TEST

START_TEST(a_pin_that_was_made_and_cannot_be_read_back_is_made)
{
	struct cpumask cpus = cpus_of("0-3");
	struct virt_news news;

	reading_fails = true;
	ck_assert_int_eq(request_pin(&uuid, THREAD_EMULATOR, 0, &cpus, NEVER), 0);
	news = next_of(VIRT_REPLY);
	ck_assert_int_eq(news.reply.error, 0);
	ck_assert(cpumask_equal(&news.reply.cpus, &cpus));
	reading_fails = false;
	ck_assert(is_pinned_to("0-3"));
	pins_are(EMULATOR("0-3", "none"));
}
END_TEST

START_TEST(a_pin_that_was_not_made_leaves_no_mark)
{
	pinning_fails = true;
	ck_assert_int_eq(pin_to("0-3"), -EIO);
	ck_assert_str_eq(calls, "mpu");
	pins_are("");
}
END_TEST

/* ---- pins that come along ------------------------------------------------------------------ */

static const struct {
	const char *mark;
	bool ours;
} marks[] = {
	{ EMULATOR("0-3", "none"), true },
	{ EMULATOR("0-3", "0-31"), true },
	{ "<pins>" PIN("emulator", "4-7", "none") PIN("emulator", "0-3", "none") "</pins>", true },
	{ EMULATOR("0-2", "none"), false },
	{ "<pins>" PIN("vcpu", "0-3", "none") "</pins>", false },
	{ "<pins>" PIN("emulator", "0-3", "none") PIN("emulator", "0-3", "some") "</pins>", false },
};

START_TEST(pins_that_come_along_are_lifted_and_those_of_others_are_not)
{
	bool ours = marks[_i].ours;

	somebody_pins_to("0-3");
	somebody_marks(marks[_i].mark);
	until(ours, !ours);
	ck_assert_int_eq(virt_lift_pins(virt, &uuid), 0);
	if (ours)
		until(false, false);
	(void)readings_after_rounds(32);
	ck_assert(is_pinned_to(ours ? ONLINE : "0-3"));
}
END_TEST

/* It was asked for when the pins were not yet ours. */
START_TEST(what_is_lifted_late_hits_no_pin_of_ours)
{
	ck_assert_int_eq(virt_lift_pins(virt, &uuid), 0);
	(void)readings_after_rounds(32);
	ck_assert_int_eq(pin_to("0-3"), 0);
	(void)readings_after_rounds(32);
	ck_assert(is_pinned_to("0-3"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_pin_is_marked_before_it_is_made,
		a_pin_that_moves_is_ours_all_the_time,
		a_pin_that_was_given_back_is_still_known,
		a_pin_that_was_there_before_is_not_ours_again,
		who_has_been_pinned_since_the_question_is_not_pinned,
		whose_thread_has_gone_is_not_pinned,
		what_waits_is_marked_with_the_first,
		the_events_of_our_own_calls_come_to_an_end,
		a_pin_that_replaced_ours_stays_the_admins,
		that_ours_was_replaced_shows_although_nothing_can_be_marked,
		cpus_of_the_host_that_are_not_known_are_asked_for_again,
		what_cannot_be_marked_is_not_pinned,
		a_pin_that_was_made_and_cannot_be_read_back_is_made,
		a_pin_that_was_not_made_leaves_no_mark,
		what_is_lifted_late_hits_no_pin_of_ours,
	};
	Suite *s = suite_create("virt_pin");
	TCase *c = tcase_create("pins");

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_set_timeout(c, 30);
	for (size_t i = 0; i < KT_ARRAY_LEN(tests); i++)
		tcase_add_test(c, tests[i]);
	tcase_add_loop_test(c, that_ours_was_replaced_shows_without_an_event, 0, 2);
	tcase_add_loop_test(c, pins_that_come_along_are_lifted_and_those_of_others_are_not, 0,
			    KT_ARRAY_LEN(marks));
	suite_add_tcase(s, c);
	return kt_run(s);
}
