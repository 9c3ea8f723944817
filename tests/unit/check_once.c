/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does --restore give back what an earlier kvmtuned has left, on the host, in the undo file and in
 * the guest's metadata, does --once leave nothing, and does neither wait for ever?  The host is a
 * scratch folder, libvirt its own test driver. */
#include <dlfcn.h>
#include <pthread.h>
#include <time.h>

#include "tick_world.h"
#include "virt_limit_fixture.h"

#define IN_FORCE "1 1250 10 0 10 0-1 0-1 2-3 2-3 "
#define ORIGINAL "0 100 20 1 60 0-3 0-3 0-3 0-3 "
#define LIMIT    "<limit soft_limit_kib='65536' original_kib='70000'/>"
#define PINS     "<pins><pin of='emulator' number='0' cpus='0' was='none'/></pins>"

enum { SETTLED = 12, RESTORE_S = 30, ONCE_S = 10, THE_GUEST = 7, ITS_PID = 1070 };

/* ---- libvirt and time: these take the place of their namesakes --------------------------- */

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER; /* through which libvirt answers */
static atomic_int seconds_ahead, seconds_a_pause;        /* by which a pause takes longer */
static atomic_bool no_threads;
static atomic_uint npauses, nlong_pauses; /* the long ones: of a second */

int clock_gettime(clockid_t id, struct timespec *ret)
{
	typedef int clock_fn(clockid_t, struct timespec *);
	int r = ((clock_fn *)real("clock_gettime"))(id, ret);

	ret->tv_sec += seconds_ahead;
	return r;
}

int nanosleep(const struct timespec *wanted, struct timespec *left)
{
	typedef int sleep_fn(const struct timespec *, struct timespec *);

	npauses++;
	nlong_pauses += wanted->tv_sec >= 1;
	seconds_ahead += seconds_a_pause;
	return ((sleep_fn *)real("nanosleep"))(wanted, left);
}

int pthread_create(pthread_t *ret, const pthread_attr_t *attributes, void *(*run)(void *),
		   void *context)
{
	typedef int create_fn(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

	if (no_threads)
		return EAGAIN;
	return ((create_fn *)real("pthread_create"))(ret, attributes, run, context);
}

int virDomainPinEmulator(virDomainPtr dom, unsigned char *map, int length, unsigned int flags)
{
	typedef int pin_fn(virDomainPtr, unsigned char *, int, unsigned int);

	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
	return ((pin_fn *)real("virDomainPinEmulator"))(dom, map, length, flags);
}

int virDomainSetMemoryParameters(virDomainPtr dom, virTypedParameterPtr params, int n,
				 unsigned int flags)
{
	typedef int set_fn(virDomainPtr, virTypedParameterPtr, int, unsigned int);

	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
	return ((set_fn *)real("virDomainSetMemoryParameters"))(dom, params, n, flags);
}

int virConnectListAllDomains(virConnectPtr link, virDomainPtr **ret, unsigned int flags)
{
	typedef int list_fn(virConnectPtr, virDomainPtr **, unsigned int);

	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
	return ((list_fn *)real("virConnectListAllDomains"))(link, ret, flags);
}

/* ---- what is there ------------------------------------------------------------------------- */

static char told[256];

static void hear(const struct log_event *e, void *context)
{
	keep_line(e, context);
	if (e->level == LOG_LEVEL_INFO && e->id == LOG_PLAIN)
		snprintf(told, sizeof told, "%s", e->message);
}

/* The test driver's guest has a process here. */
static void put_the_guest(pid_t pid)
{
	char path[64], command_line[96];
	int n;

	put_guest(THE_GUEST, pid);
	n = snprintf(command_line, sizeof command_line, "qemu-system-x86_64%c-uuid%c%s", 0, 0,
		     guest_uuid);
	snprintf(path, sizeof path, "proc/%d/cmdline", pid);
	put_bytes(path, command_line, (size_t)n + 1);
}

static void begin(void)
{
	ck_assert_int_eq(uuid_parse(guest_uuid, &uuid), 0);
	host_begins();
	snprintf(k->conf.libvirt_uri, sizeof k->conf.libvirt_uri, "test:///default");
	snprintf(k->conf.run_dir, sizeof k->conf.run_dir, "%s", run_dir);
	admin = virConnectOpen("test:///default");
	ck_assert_ptr_nonnull(admin);
	guest = virDomainLookupByUUIDString(admin, guest_uuid);
	ck_assert_ptr_nonnull(guest);
	log_set_sink(hear, NULL, LOG_LEVEL_INFO);
	told[0] = '\0';
	npauses = nlong_pauses = 0;
}

static void end(void)
{
	if (k->virt)
		ck_assert_int_eq(virt_stop(k->virt, 10000), 0);
	ck_assert_int_eq(virDomainFree(guest), 0);
	ck_assert_int_eq(virConnectClose(admin), 0);
	world_ends();
}

static void this_is_the_real_libvirt(void)
{
	if (!k->sense)
		ck_assert_int_eq(sense_new(&k->fs, &k->sense), 0);
	k->vm_ops = guests_vm_ops(k);
	ck_assert_int_eq(act_new(&k->fs, run_dir, &k->vm_ops, &k->act), 0);
	ck_assert_int_ge(act_load(k->act), 0);
}

static void mark_is_set(const char *text, const char *key, const char *of)
{
	ck_assert_int_eq(virDomainSetMetadata(guest, VIR_DOMAIN_METADATA_ELEMENT, text, key, of,
					      VIR_DOMAIN_AFFECT_LIVE),
			 0);
}

static void an_earlier_one_has_limited_it(void)
{
	somebody_limits_to(65536);
	mark_is_set(LIMIT, "kvmtuned-limit", MARK_NAMESPACE);
}

static void an_earlier_one_has_pinned_it(void)
{
	unsigned char first = 1;

	ck_assert_int_eq(virDomainPinEmulator(guest, &first, 1, VIR_DOMAIN_AFFECT_LIVE), 0);
	mark_is_set(PINS, "kvmtuned-pin", "urn:kvmtuned:pin:1");
}

/* As the test driver's guest is without a pin: on the first 16, which it says to have. */
static bool is_pinned(void)
{
	unsigned char map[2] = { 0 };

	ck_assert_int_ge(virDomainGetEmulatorPinInfo(guest, map, 2, VIR_DOMAIN_AFFECT_LIVE), 0);
	return map[0] == 1 && map[1] == 0;
}

/* ---- --restore ----------------------------------------------------------------------------- */

/* Of KSM and the host; what only libvirt could give back, it had when its guests were there. */
START_TEST(what_a_killed_one_has_left_is_as_it_was)
{
	k->conf.policy.placement.mode = LOOP_OFF;
	daemon_begins();
	ticks(SETTLED);
	ck_assert_int_eq(strncmp(in_force(), "1 1250 10 1 10 ", 15), 0);
	act_leave(k->act);
	act_free(k->act);
	this_is_the_real_libvirt();
	ck_assert_int_eq(once_restore(k), EXIT_SUCCESS);
	ck_assert_int_eq(strncmp(in_force(), "0 100 20 1 60 ", 14), 0);
	ck_assert(!is_on_file(NULL));
	ck_assert_str_eq(told, "everything that kvmtuned had set is as it was before");
}
END_TEST

START_TEST(a_limit_of_which_only_the_mark_tells_is_given_back)
{
	put_the_guest(ITS_PID);
	an_earlier_one_has_limited_it();
	this_is_the_real_libvirt();
	ck_assert_int_eq(once_restore(k), EXIT_SUCCESS);
	ck_assert_uint_eq(limit_in_force(), 70000);
	mark_is(NULL);
}
END_TEST

START_TEST(pins_of_which_only_the_mark_tells_are_lifted)
{
	put_the_guest(ITS_PID);
	an_earlier_one_has_pinned_it();
	k->conf.policy.mode = DAEMON_OBSERVE;
	this_is_the_real_libvirt();
	ck_assert_int_eq(once_restore(k), EXIT_SUCCESS);
	ck_assert(!is_pinned());
}
END_TEST

/* Nobody can tell whether it has ended. */
START_TEST(a_guest_without_a_process_keeps_what_it_has)
{
	an_earlier_one_has_limited_it();
	this_is_the_real_libvirt();
	ck_assert_int_eq(once_restore(k), EXIT_SUCCESS);
	ck_assert_uint_eq(limit_in_force(), 65536);
}
END_TEST

static void libvirt_is_busy(int seconds)
{
	pthread_mutex_lock(&gate);
	seconds_a_pause = seconds;
}

static void libvirt_goes_on(void)
{
	seconds_a_pause = 0;
	pthread_mutex_unlock(&gate);
}

static size_t lines_with(const char *text)
{
	size_t n = 0;

	for (size_t i = 0; i < lines.n; i++)
		n += strstr(lines.text[i], text) != NULL;
	return n;
}

/* Its list of guests comes; what it is to do then does not. */
START_TEST(what_libvirt_does_not_give_back_is_told_and_no_success)
{
	put_the_guest(ITS_PID);
	if (_i == 0)
		an_earlier_one_has_limited_it();
	else
		an_earlier_one_has_pinned_it();
	this_is_the_real_libvirt();
	ck_assert_int_eq(once_connect(k), 0);
	once_wait_for_guests(k);
	ck_assert(k->guests_known);
	ck_assert_int_eq(virt_stop(k->virt, 10000), 0);
	libvirt_is_busy(RESTORE_S);
	ck_assert_int_eq(once_restore(k), EXIT_FAILURE);
	libvirt_goes_on();
	ck_assert_uint_eq(lines_with("1 guests still have pins"), _i == 1);
	ck_assert_uint_eq(lines_with("1 values could not be restored in time"), _i == 0);
	ck_assert_str_eq(told, "");
}
END_TEST

START_TEST(without_libvirt_the_host_is_as_it_was)
{
	snprintf(k->conf.libvirt_uri, sizeof k->conf.libvirt_uri, "test:///nonexistent.xml");
	seconds_a_pause = RESTORE_S;
	this_is_the_real_libvirt();
	ck_assert_int_eq(once_restore(k), EXIT_SUCCESS);
	ck_assert_str_eq(told, "everything that kvmtuned had set is as it was before, as far as is "
			       "known without libvirt");
}
END_TEST

START_TEST(without_a_thread_it_fails)
{
	this_is_the_real_libvirt();
	no_threads = true;
	ck_assert_int_eq(_i == 0 ? once_connect(k) : once_restore(k), EXIT_FAILURE);
	no_threads = false;
	ck_assert_uint_eq(lines_with("the libvirt thread cannot be started"), 1);
}
END_TEST

/* ---- who is who ----------------------------------------------------------------------------- */

static void put_its_pid_file(pid_t pid)
{
	put_process_stat(pid, 2, (uint64_t)pid);
	putf("run/libvirt/qemu/test.pid", "%d\n", pid);
}

/* As one that has the number of an earlier guest in another libvirtd. */
START_TEST(a_guest_whose_process_is_another_after_a_loss_is_another)
{
	uint32_t incarnation;
	int slot;

	put_the_guest(ITS_PID);
	put_its_pid_file(ITS_PID);
	this_is_the_real_libvirt();
	ck_assert_int_eq(once_connect(k), 0);
	once_wait_for_guests(k);
	tick();
	slot = domains_find(k->domains, &uuid);
	ck_assert_int_ge(slot, 0);
	ck_assert_int_eq(k->sample->guest[slot].pid, ITS_PID);
	incarnation = k->domains->slot[slot].incarnation;
	put_the_guest(ITS_PID + 10);
	put_its_pid_file(ITS_PID + 10);
	ck_assert_int_eq(virt_stop(k->virt, 10000), 0);
	ck_assert_int_eq(once_connect(k), 0);
	for (k->guests_known = false; !k->guests_known;)
		loop_pause_for_news(k);
	slot = domains_find(k->domains, &uuid);
	ck_assert(slot < 0 || k->domains->slot[slot].incarnation != incarnation);
}
END_TEST

/* ---- --once ---------------------------------------------------------------------------------- */

START_TEST(one_look_and_nothing_stays)
{
	k->dry_run = _i;
	this_is_the_real_libvirt();
	ck_assert_int_eq(once_connect(k), 0);
	ck_assert_int_eq(once_run(k), EXIT_SUCCESS);
	ck_assert(k->guests_known);
	ck_assert_uint_ne(k->view->now_ns, 0);
	ck_assert_uint_eq(k->domains->nused, 1);
	ck_assert(!is_on_file(NULL));
	ck_assert_int_eq(strncmp(in_force(), ORIGINAL, 14), 0);
	ck_assert_uint_eq(nlong_pauses, 0);
}
END_TEST

/* What a guest does shows between two looks, if it is there now and not in a recorded tree. */
START_TEST(a_live_guest_is_looked_at_twice)
{
	put_the_guest(ITS_PID);
	k->fs.is_live = true;
	k->dry_run = true;
	this_is_the_real_libvirt();
	ck_assert_int_eq(once_connect(k), 0);
	ck_assert_int_eq(once_run(k), EXIT_SUCCESS);
	ck_assert_uint_eq(nlong_pauses, 1);
	ck_assert_uint_eq(k->view->nsamples, 2);
}
END_TEST

START_TEST(a_host_that_cannot_be_read_is_a_failure)
{
	put_the_guest(ITS_PID);
	drop("proc/meminfo");
	k->fs.is_live = true;
	this_is_the_real_libvirt();
	ck_assert_int_eq(once_connect(k), 0);
	ck_assert_int_eq(once_run(k), EXIT_FAILURE);
	ck_assert_uint_eq(nlong_pauses, 0);
}
END_TEST

START_TEST(the_list_of_guests_is_not_waited_for_for_ever)
{
	this_is_the_real_libvirt();
	libvirt_is_busy(1);
	ck_assert_int_eq(once_connect(k), 0);
	once_wait_for_guests(k);
	ck_assert(!k->guests_known);
	ck_assert_uint_ge(npauses, ONCE_S - 1);
	ck_assert_uint_le(npauses, ONCE_S + 1);
	libvirt_goes_on();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("once");
	TCase *c = tcase_create("once");

	tcase_add_checked_fixture(c, begin, end);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, what_a_killed_one_has_left_is_as_it_was);
	tcase_add_test(c, a_limit_of_which_only_the_mark_tells_is_given_back);
	tcase_add_test(c, pins_of_which_only_the_mark_tells_are_lifted);
	tcase_add_test(c, a_guest_without_a_process_keeps_what_it_has);
	tcase_add_loop_test(c, what_libvirt_does_not_give_back_is_told_and_no_success, 0, 2);
	tcase_add_test(c, without_libvirt_the_host_is_as_it_was);
	tcase_add_loop_test(c, without_a_thread_it_fails, 0, 2);
	tcase_add_test(c, a_guest_whose_process_is_another_after_a_loss_is_another);
	tcase_add_loop_test(c, one_look_and_nothing_stays, 0, 2);
	tcase_add_test(c, a_live_guest_is_looked_at_twice);
	tcase_add_test(c, a_host_that_cannot_be_read_is_a_failure);
	tcase_add_test(c, the_list_of_guests_is_not_waited_for_for_ever);
	suite_add_tcase(s, c);
	return kt_run(s);
}
