/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does libvirt get from our libevent base what it expects of an event loop? */
#include <errno.h>
#include <event2/event.h>
#include <libvirt/libvirt.h>
#include <pthread.h>

#include "kt_check.h"
#include "virt_event.h"

static struct event_base *base;
static int fds[2]; /* a pipe: read end, write end */
static int calls, last_events, releases, releases_when_called;
static int id;

static void set_up(void)
{
	ck_assert_int_eq(virt_event_prepare(), 0);
	base = event_base_new();
	ck_assert_ptr_nonnull(base);
	ck_assert_int_eq(virt_event_lend(base), 0);
	ck_assert_int_eq(pipe(fds), 0);
	calls = last_events = releases = releases_when_called = 0;
}

static void tear_down(void)
{
	ck_assert_int_eq(virt_event_reclaim(), 0);
	event_base_free(base);
	close(fds[0]);
	close(fds[1]);
}

static void release(void *opaque)
{
	ck_assert_ptr_eq(opaque, &fds);
	releases++;
}

static void on_fd(int watch, int fd, int events, void *opaque)
{
	ck_assert_int_eq(watch, id);
	ck_assert_int_eq(fd, fds[0]);
	ck_assert_ptr_eq(opaque, &fds);
	calls++;
	last_events = events;
}

static void on_fd_remove(int watch, int fd, int events, void *opaque)
{
	on_fd(watch, fd, events, opaque);
	ck_assert_int_eq(virEventRemoveHandle(watch), 0);
	releases_when_called = releases;
}

static void on_timer(int timer, void *opaque)
{
	ck_assert_int_eq(timer, id);
	ck_assert_ptr_eq(opaque, &fds);
	calls++;
}

static void on_third_time(int timer, void *opaque)
{
	on_timer(timer, opaque);
	if (calls == 3)
		ck_assert_int_eq(virEventRemoveTimeout(timer), 0);
}

static void write_byte(void)
{
	ck_assert_int_eq(write(fds[1], "x", 1), 1);
}

static void run_once(void)
{
	(void)event_base_loop(base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
}

START_TEST(a_readable_descriptor_is_reported_until_it_is_not_wanted)
{
	id = virEventAddHandle(fds[0], VIR_EVENT_HANDLE_READABLE, on_fd, &fds, release);
	ck_assert_int_gt(id, 0);
	run_once();
	ck_assert_int_eq(calls, 0);
	write_byte();
	run_once();
	run_once();
	ck_assert_int_eq(calls, 2);
	ck_assert_int_eq(last_events, VIR_EVENT_HANDLE_READABLE);
	virEventUpdateHandle(id, 0);
	run_once();
	ck_assert_int_eq(calls, 2);
	virEventUpdateHandle(id, VIR_EVENT_HANDLE_READABLE);
	run_once();
	ck_assert_int_eq(calls, 3);
	ck_assert_int_eq(virEventRemoveHandle(id), 0);
	ck_assert_int_eq(virEventRemoveHandle(id), -1);
	run_once();
	ck_assert_int_eq(calls, 3);
}
END_TEST

START_TEST(a_descriptor_that_was_added_silent_can_be_woken)
{
	id = virEventAddHandle(fds[0], 0, on_fd, &fds, NULL);
	write_byte();
	run_once();
	ck_assert_int_eq(calls, 0);
	virEventUpdateHandle(id, VIR_EVENT_HANDLE_READABLE);
	run_once();
	ck_assert_int_eq(calls, 1);
	ck_assert_int_eq(virEventRemoveHandle(id), 0);
}
END_TEST

START_TEST(a_hang_up_is_reported)
{
	id = virEventAddHandle(fds[0], VIR_EVENT_HANDLE_READABLE | VIR_EVENT_HANDLE_HANGUP, on_fd,
			       &fds, NULL);
	close(fds[1]);
	fds[1] = dup(fds[0]);
	run_once();
	ck_assert_int_ge(calls, 1);
	ck_assert(last_events & VIR_EVENT_HANDLE_READABLE);
	ck_assert_int_eq(virEventRemoveHandle(id), 0);
}
END_TEST

START_TEST(removal_in_its_own_callback_frees_later_and_once)
{
	id = virEventAddHandle(fds[0], VIR_EVENT_HANDLE_READABLE, on_fd_remove, &fds, release);
	write_byte();
	for (int i = 0; i < 4; i++)
		run_once();
	ck_assert_int_eq(calls, 1);
	ck_assert_int_eq(releases_when_called, 0);
	ck_assert_int_eq(releases, 1);
}
END_TEST

START_TEST(a_timer_of_no_delay_repeats_until_it_is_removed)
{
	id = virEventAddTimeout(0, on_third_time, &fds, release);
	for (int i = 0; i < 8; i++)
		run_once();
	ck_assert_int_eq(calls, 3);
	ck_assert_int_eq(releases, 1);
}
END_TEST

START_TEST(a_timer_that_is_off_stays_quiet_until_it_is_on)
{
	id = virEventAddTimeout(-1, on_timer, &fds, NULL);
	run_once();
	ck_assert_int_eq(calls, 0);
	virEventUpdateTimeout(id, 0);
	run_once();
	ck_assert_int_eq(calls, 1);
	virEventUpdateTimeout(id, -1);
	run_once();
	ck_assert_int_eq(calls, 1);
	ck_assert_int_eq(virEventRemoveTimeout(id), 0);
	ck_assert_int_eq(virEventRemoveTimeout(id), -1);
}
END_TEST

START_TEST(a_base_is_lent_once_and_taken_back_when_nothing_is_watched)
{
	ck_assert_int_eq(virt_event_lend(base), -EBUSY);
	id = virEventAddTimeout(-1, on_timer, &fds, NULL);
	ck_assert_int_eq(virt_event_reclaim(), -EBUSY);
	ck_assert_int_eq(virEventRemoveTimeout(id), 0);
	ck_assert_int_eq(virt_event_reclaim(), 0);
	ck_assert_int_eq(virEventAddTimeout(0, on_timer, &fds, NULL), -1);
	ck_assert_int_eq(virt_event_lend(base), 0);
}
END_TEST

static void on_stranger(int timer, void *opaque)
{
	(void)opaque;
	calls++;
	virEventRemoveTimeout(timer);
	event_base_loopbreak(base);
}

static void *add_from_outside(void *arg)
{
	(void)virEventAddTimeout(0, on_stranger, NULL, NULL);
	return arg;
}

/* The loop has nothing of its own to wake up for. */
START_TEST(a_timer_of_another_thread_wakes_the_loop)
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, add_from_outside, NULL), 0);
	(void)event_base_loop(base, EVLOOP_NO_EXIT_ON_EMPTY);
	ck_assert_int_eq(calls, 1);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
}
END_TEST

static int on_lifecycle(virConnectPtr connection, virDomainPtr dom, int event, int detail,
			void *opaque)
{
	(void)connection;
	(void)dom;
	(void)detail;
	(void)opaque;
	calls++;
	last_events = event;
	event_base_loopbreak(base);
	return 0;
}

START_TEST(lifecycle_events_of_a_real_driver_arrive)
{
	virConnectPtr connection = virConnectOpen("test:///default");
	virDomainPtr dom;
	int callback;

	ck_assert_ptr_nonnull(connection);
	dom = virDomainLookupByName(connection, "test");
	ck_assert_ptr_nonnull(dom);
	callback = virConnectDomainEventRegisterAny(
		connection, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
		(virConnectDomainEventGenericCallback)(void (*)(void))on_lifecycle, NULL, NULL);
	ck_assert_int_ge(callback, 0);
	ck_assert_int_eq(virDomainDestroy(dom), 0);
	(void)event_base_dispatch(base);
	ck_assert_int_eq(calls, 1);
	ck_assert_int_eq(last_events, VIR_DOMAIN_EVENT_STOPPED);
	ck_assert_int_eq(virConnectDomainEventDeregisterAny(connection, callback), 0);
	ck_assert_int_eq(virDomainFree(dom), 0);
	ck_assert_int_eq(virConnectClose(connection), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("virt_event");
	TCase *c = tcase_create("virt_event");

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_set_timeout(c, 20);
	tcase_add_test(c, a_readable_descriptor_is_reported_until_it_is_not_wanted);
	tcase_add_test(c, a_descriptor_that_was_added_silent_can_be_woken);
	tcase_add_test(c, a_hang_up_is_reported);
	tcase_add_test(c, removal_in_its_own_callback_frees_later_and_once);
	tcase_add_test(c, a_timer_of_no_delay_repeats_until_it_is_removed);
	tcase_add_test(c, a_timer_that_is_off_stays_quiet_until_it_is_on);
	tcase_add_test(c, a_base_is_lent_once_and_taken_back_when_nothing_is_watched);
	tcase_add_test(c, a_timer_of_another_thread_wakes_the_loop);
	tcase_add_test(c, lifecycle_events_of_a_real_driver_arrive);
	suite_add_tcase(s, c);
	return kt_run(s);
}
