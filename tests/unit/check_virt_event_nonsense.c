/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What if libvirt's events are nonsense: numbers that nobody knows, strings that are not there,
 * domains that have gone or never were, ten thousand at once?  An event only says whom to ask. */
#include <semaphore.h>

#include "random_fixture.h"
#include "virt_calls_fixture.h"

enum { EVENTS = 10000, IDS = 64 };

/* ---- who sends them ---------------------------------------------------------------------- */

typedef void any_fn(void);
typedef int register_fn(virConnectPtr, virDomainPtr, int, virConnectDomainEventGenericCallback,
			void *, virFreeCallback);
typedef int state_fn(virDomainPtr, int *, int *, unsigned int);
typedef int uuid_fn(virDomainPtr, unsigned char *);
typedef const char *name_fn(virDomainPtr);

static struct {
	virConnectDomainEventGenericCallback callback;
	void *context;
} subscribed[IDS];

int virConnectDomainEventRegisterAny(virConnectPtr connection, virDomainPtr dom, int id,
				     virConnectDomainEventGenericCallback callback, void *context,
				     virFreeCallback release)
{
	register_fn *call = (register_fn *)real("virConnectDomainEventRegisterAny");

	ck_assert_int_lt(id, IDS);
	subscribed[id].callback = callback;
	subscribed[id].context = context;
	return call(connection, dom, id, callback, context, release);
}

static _Atomic bool is_nameless, has_no_uuid;
static struct uuid *as_if; /* the UUID of whoever an event is about; used by one thread only */

int virDomainGetUUID(virDomainPtr dom, unsigned char *ret)
{
	uuid_fn *call = (uuid_fn *)real("virDomainGetUUID");

	if (has_no_uuid)
		return -1;
	if (!as_if)
		return call(dom, ret);
	memcpy(ret, as_if->byte, sizeof as_if->byte);
	return 0;
}

const char *virDomainGetName(virDomainPtr dom)
{
	name_fn *call = (name_fn *)real("virDomainGetName");

	return is_nameless ? NULL : call(dom);
}

int virDomainGetState(virDomainPtr dom, int *state, int *reason, unsigned int flags)
{
	state_fn *call = (state_fn *)real("virDomainGetState");

	nreadings++;
	return call(dom, state, reason, flags);
}

static sem_t sent;

static void on_turn(int timer, void *send)
{
	void (*call)(void) = *(any_fn **)send;

	ck_assert_int_eq(virEventRemoveTimeout(timer), 0);
	call();
	ck_assert_int_eq(sem_post(&sent), 0);
}

/* In the thread, from its loop, as libvirt does. */
static void in_the_thread(any_fn *send)
{
	ck_assert_int_gt(virEventAddTimeout(0, on_turn, &send, NULL), 0);
	while (sem_wait(&sent) < 0)
		ck_assert_int_eq(errno, EINTR);
}

#define SEND(id, type, ...)                                                                        \
	((type)(any_fn *)subscribed[id].callback)(NULL, subject, __VA_ARGS__,                      \
						  subscribed[id].context)

typedef int lifecycle_fn(virConnectPtr, virDomainPtr, int, int, void *);
typedef void tunable_fn(virConnectPtr, virDomainPtr, virTypedParameterPtr, int, void *);
typedef void device_fn(virConnectPtr, virDomainPtr, const char *, void *);
typedef void metadata_fn(virConnectPtr, virDomainPtr, int, const char *, void *);
typedef void balloon_fn(virConnectPtr, virDomainPtr, unsigned long long, void *);
typedef void iteration_fn(virConnectPtr, virDomainPtr, int, void *);
typedef void size_fn(virConnectPtr, virDomainPtr, const char *, unsigned long long, void *);

static virDomainPtr subject;

static void send_lifecycle(int event, int detail)
{
	(void)SEND(VIR_DOMAIN_EVENT_ID_LIFECYCLE, lifecycle_fn *, event, detail);
}

static void send_tunable(virTypedParameter *params, int n)
{
	SEND(VIR_DOMAIN_EVENT_ID_TUNABLE, tunable_fn *, params, n);
}

/* ---- what must be true ------------------------------------------------------------------- */

/* Whatever was to be read has been, and nobody was told. */
static void nothing_is_told(int nrounds)
{
	struct uuid stranger = uuid;

	stranger.byte[0] ^= 1;
	while (nrounds-- > 0) {
		struct virt_news news;

		ck_assert_int_eq(request_limit(&stranger, 4096, KT_UNLIMITED_KIB), 0);
		news = next();
		ck_assert_msg(news.kind == VIRT_REPLY, "told: %d %s", news.kind, news.text);
		ck_assert_int_eq(news.reply.error, -ENOENT);
	}
}

/* The guest is still known, as it is, and can be pinned. */
static void all_is_well(void)
{
	struct cpumask cpus = one_cpu(3);
	struct virt_news news;

	ck_assert_int_eq(request_pin(&uuid, THREAD_EMULATOR, 0, &cpus, NEVER), 0);
	news = next_of(VIRT_REPLY);
	ck_assert_int_eq(news.reply.error, 0);
	ck_assert_int_eq(virDomainSuspend(guest), 0);
	do
		news = next();
	while (news.kind != VIRT_GUEST || news.guest.running);
	ck_assert(uuid_equal(&news.uuid, &uuid));
	ck_assert_str_eq(news.guest.name, "test");
}

static void begin(void)
{
	ck_assert_int_eq(sem_init(&sent, 0, 0), 0);
	set_up();
	subject = guest;
}

static void end(void)
{
	all_is_well();
	tear_down();
}

/* ---- lifecycle --------------------------------------------------------------------------- */

static const int odd_numbers[] = { INT32_MIN, -1,
				   /* known, and not so */
				   VIR_DOMAIN_EVENT_DEFINED, VIR_DOMAIN_EVENT_UNDEFINED,
				   VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_STOPPED,
				   VIR_DOMAIN_EVENT_SHUTDOWN, VIR_DOMAIN_EVENT_PMSUSPENDED,
				   VIR_DOMAIN_EVENT_CRASHED,
				   /* of a libvirt to come */
				   VIR_DOMAIN_EVENT_CRASHED + 1, 1000, INT32_MAX };
static const int odd_details[] = { INT32_MIN, -1, 0, 2, 99, INT32_MAX };
static int number, detail;

static void send_odd_lifecycle(void)
{
	send_lifecycle(number, detail);
}

START_TEST(a_lifecycle_event_that_is_not_so_changes_nothing)
{
	number = odd_numbers[_i];
	for (size_t i = 0; i < KT_ARRAY_LEN(odd_details); i++) {
		int before = nreadings;

		detail = odd_details[i];
		in_the_thread(send_odd_lifecycle);
		nothing_is_told(8);
		ck_assert_int_eq(nreadings, before + 1);
	}
	ck_assert_int_eq(warnings, 0);
}
END_TEST

/* Whatever the reason of its start may be. */
START_TEST(a_guest_that_starts_again_and_again_is_the_same_one)
{
	number = VIR_DOMAIN_EVENT_STARTED;
	for (size_t i = 0; i < KT_ARRAY_LEN(odd_details); i++) {
		struct virt_news news;

		detail = odd_details[i];
		in_the_thread(send_odd_lifecycle);
		news = next();
		ck_assert_int_eq(news.kind, VIRT_GUEST);
		ck_assert(news.started && uuid_equal(&news.uuid, &uuid));
		ck_assert_int_eq(news.guest.id, (int)virDomainGetID(guest));
	}
	nothing_is_told(8);
}
END_TEST

/* ---- all others -------------------------------------------------------------------------- */

static void send_without_strings(void)
{
	SEND(VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, device_fn *, NULL);
	SEND(VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, device_fn *, NULL);
	SEND(VIR_DOMAIN_EVENT_ID_METADATA_CHANGE, metadata_fn *, INT32_MIN, NULL);
	SEND(VIR_DOMAIN_EVENT_ID_METADATA_CHANGE, metadata_fn *, INT32_MAX, "\n%n%s\xff");
	SEND(VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE, balloon_fn *, UINT64_MAX);
	SEND(VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE, balloon_fn *, 0ULL);
	SEND(VIR_DOMAIN_EVENT_ID_JOB_COMPLETED, tunable_fn *, NULL, INT32_MAX);
	SEND(VIR_DOMAIN_EVENT_ID_JOB_COMPLETED, tunable_fn *, NULL, -1);
	SEND(VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION, iteration_fn *, INT32_MIN);
	SEND(VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION, iteration_fn *, INT32_MAX);
	SEND(VIR_DOMAIN_EVENT_ID_MEMORY_DEVICE_SIZE_CHANGE, size_fn *, NULL, UINT64_MAX);
	send_lifecycle(INT32_MAX, INT32_MAX);
	send_tunable(NULL, 0);
	send_tunable(NULL, -1);
	send_tunable(NULL, INT32_MAX);
}

static void send_them_all_the_time(void)
{
	for (int i = 0; i < EVENTS; i += 15)
		send_without_strings();
}

START_TEST(for_whatever_they_say_the_guest_is_asked_once)
{
	int before = nreadings;

	in_the_thread(_i ? send_them_all_the_time : send_without_strings);
	nothing_is_told(8);
	ck_assert_int_eq(nreadings, before + 1);
	ck_assert_int_eq(warnings, 0);
}
END_TEST

static void send_odd_values(void)
{
	static char three[] = "3";
	virTypedParameter odd[] = {
		{ .field = "cputune.vcpupin0", .type = VIR_TYPED_PARAM_STRING }, /* none */
		{ .field = "cputune.vcpupin0", .type = VIR_TYPED_PARAM_ULLONG, .value.ul = 3 },
		{ .field = "cputune.vcpupin0", .type = INT32_MAX, .value.ul = UINT64_MAX },
		{ .field = "", .type = VIR_TYPED_PARAM_STRING, .value.s = three },
		{ .field = "cputune.to_come", .type = VIR_TYPED_PARAM_STRING, .value.s = three },
	};

	send_tunable(odd, KT_ARRAY_LEN(odd));
}

START_TEST(values_that_are_no_pins_are_left_alone)
{
	int before = nreadings;

	in_the_thread(send_odd_values);
	nothing_is_told(8);
	ck_assert_int_eq(nreadings, before);
}
END_TEST

static char pins[][65536] = { "\n\x1b[31m%n%s\xff", "", "-1", "0-4294967295" };

static void send_odd_pins(void)
{
	memset(pins[1], '9', sizeof pins[1] - 1);
	for (size_t i = 0; i < KT_ARRAY_LEN(pins); i++) {
		virTypedParameter pin = { .field = "cputune.vcpupin4294967295",
					  .type = VIR_TYPED_PARAM_STRING,
					  .value.s = pins[i] };

		send_tunable(&pin, 1);
	}
}

/* It may be somebody else's: in doubt the guest is theirs, and what is told can be printed. */
START_TEST(pins_that_cannot_be_are_somebody_elses)
{
	in_the_thread(send_odd_pins);
	for (size_t i = 0; i < KT_ARRAY_LEN(pins); i++) {
		struct virt_news news = next();

		ck_assert_int_eq(news.kind, VIRT_TUNABLE);
		ck_assert(uuid_equal(&news.uuid, &uuid));
		ck_assert_uint_lt(strnlen(news.text, sizeof news.text), sizeof news.text);
		for (const char *s = news.text; *s; s++)
			ck_assert_msg(*s >= ' ' && *s < 0x7f, "%s", news.text);
	}
	nothing_is_told(8);
}
END_TEST

/* ---- about whom -------------------------------------------------------------------------- */

static void send_without_domain(void)
{
	subject = NULL;
	send_without_strings();
	send_lifecycle(VIR_DOMAIN_EVENT_STARTED, 0);
	send_lifecycle(VIR_DOMAIN_EVENT_STOPPED, 0);
	send_odd_pins();
}

static void send_about_one_that_has_gone(void)
{
	subject = virDomainCreateXML(admin,
				     "<domain type='test'><name>gone</name><memory>65536</memory>"
				     "<os><type>hvm</type></os></domain>",
				     0);
	ck_assert_ptr_nonnull(subject);
	ck_assert_int_eq(virDomainDestroy(subject), 0);
	send_lifecycle(VIR_DOMAIN_EVENT_STARTED, 0);
	send_without_strings();
	send_odd_pins();
	ck_assert_int_eq(virDomainFree(subject), 0);
}

static void send_without_uuid(void)
{
	has_no_uuid = true;
	send_lifecycle(VIR_DOMAIN_EVENT_STARTED, 0);
	send_without_strings();
	send_odd_pins();
	has_no_uuid = false;
}

START_TEST(who_is_not_there_is_not_told)
{
	static any_fn *const senders[] = { send_without_domain, send_about_one_that_has_gone,
					   send_without_uuid };

	in_the_thread(senders[_i]);
	nothing_is_told(32);
	ck_assert_int_eq(warnings, 0);
}
END_TEST

/* More than there is room for, and then one that really starts. */
static void send_strangers(void)
{
	uint64_t seed = 9;
	struct uuid stranger;

	as_if = &stranger;
	for (int i = 0; i < EVENTS; i++) {
		for (size_t b = 0; b < sizeof stranger.byte; b++)
			stranger.byte[b] = (unsigned char)fixture_below(&seed, 256);
		send_lifecycle(VIR_DOMAIN_EVENT_STARTED, INT32_MAX);
	}
	as_if = NULL;
}

static void send_strangers_and_a_guest(void)
{
	virDomainPtr late;

	send_strangers();
	late = virDomainCreateXML(admin,
				  "<domain type='test'><name>late</name><memory>65536</memory>"
				  "<os><type>hvm</type></os></domain>",
				  0);
	ck_assert_ptr_nonnull(late);
	ck_assert_int_eq(virDomainFree(late), 0);
}

START_TEST(strangers_keep_nobody_out)
{
	virDomainPtr late;
	struct virt_news news;

	in_the_thread(send_strangers_and_a_guest);
	news = next();
	ck_assert_int_eq(news.kind, VIRT_GUEST);
	ck_assert_str_eq(news.guest.name, "late");
	nothing_is_told(8);
	ck_assert_int_le(warnings, 1); /* that there are too many */
	late = virDomainLookupByName(admin, "late");
	ck_assert_ptr_nonnull(late);
	ck_assert_int_eq(virDomainDestroy(late), 0);
	ck_assert_int_eq(virDomainFree(late), 0);
}
END_TEST

START_TEST(a_guest_without_a_name_is_said_once)
{
	is_nameless = true;
	for (int i = 0; i < 20; i++) {
		in_the_thread(send_without_strings);
		nothing_is_told(4);
	}
	ck_assert_int_eq(warnings, 1);
	is_nameless = false;
}
END_TEST

int main(void)
{
	Suite *s = suite_create("virt_event_nonsense");
	TCase *c = tcase_create("virt_event_nonsense");

	tcase_add_checked_fixture(c, begin, end);
	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, a_lifecycle_event_that_is_not_so_changes_nothing, 0,
			    KT_ARRAY_LEN(odd_numbers));
	tcase_add_test(c, a_guest_that_starts_again_and_again_is_the_same_one);
	tcase_add_loop_test(c, for_whatever_they_say_the_guest_is_asked_once, 0, 2);
	tcase_add_test(c, values_that_are_no_pins_are_left_alone);
	tcase_add_test(c, pins_that_cannot_be_are_somebody_elses);
	tcase_add_loop_test(c, who_is_not_there_is_not_told, 0, 3);
	tcase_add_test(c, strangers_keep_nobody_out);
	tcase_add_test(c, a_guest_without_a_name_is_said_once);
	suite_add_tcase(s, c);
	return kt_run(s);
}
