/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does systemd hear what it needs to, through a socket like its own? */
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "notify_socket.h"
#include "service.h"

START_TEST(the_life_of_a_service_is_told)
{
	service_ready();
	ck_assert_str_eq(hear(), "READY=1");
	service_reloading(5000000);
	ck_assert_str_eq(hear(), "RELOADING=1\nMONOTONIC_USEC=5000");
	service_tick_finished();
	ck_assert_str_eq(hear(), "WATCHDOG=1");
	service_stopping();
	ck_assert_str_eq(hear(), "STOPPING=1");
}
END_TEST

START_TEST(a_status_is_told_when_it_changes)
{
	service_status("%d guests", 3);
	ck_assert_str_eq(hear(), "STATUS=3 guests");
	service_status("%d guests", 3);
	ck_assert_str_eq(hear(), "");
	service_status("%d guests", 4);
	ck_assert_str_eq(hear(), "STATUS=4 guests");
}
END_TEST

/* Blocking here would end in the test's timeout. */
static void fill(void)
{
	for (int i = 0; i < 5000; i++)
		service_tick_finished();
}

START_TEST(a_systemd_that_does_not_listen_stops_nothing)
{
	unsigned int nheard = 0;

	fill();
	while (strcmp(hear(), "WATCHDOG=1") == 0)
		nheard++;
	ck_assert_uint_gt(nheard, 0);
	ck_assert_uint_lt(nheard, 5000);
	service_tick_finished();
	ck_assert_str_eq(hear(), "WATCHDOG=1");
	ck_assert_str_eq(hear(), "");
}
END_TEST

START_TEST(readiness_and_status_are_not_lost)
{
	fill();
	service_ready();
	service_status("%d guests", 3);
	while (hear()[0] != '\0')
		ck_assert_str_eq(heard, "WATCHDOG=1");
	service_tick_finished();
	ck_assert_str_eq(hear(), "WATCHDOG=1");
	ck_assert_str_eq(hear(), "READY=1");
	service_status("%d guests", 3);
	ck_assert_str_eq(hear(), "STATUS=3 guests");
	service_tick_finished();
	ck_assert_str_eq(hear(), "WATCHDOG=1");
	ck_assert_str_eq(hear(), "");
}
END_TEST

START_TEST(without_systemd_nobody_is_told)
{
	unsetenv("NOTIFY_SOCKET");
	service_ready();
	service_status("%d guests", 3);
	service_tick_finished();
	setenv("NOTIFY_SOCKET", "not-a-path", 1);
	service_ready();
	service_tick_finished();
	ck_assert_str_eq(hear(), "");
}
END_TEST

START_TEST(the_watchdog_wants_a_tick_three_times_in_its_time)
{
	char pid[16];

	unsetenv("WATCHDOG_USEC");
	ck_assert_uint_eq(service_watchdog_interval_ns(), 0);
	(void)snprintf(pid, sizeof pid, "%d", (int)getpid());
	setenv("WATCHDOG_USEC", "60000000", 1);
	setenv("WATCHDOG_PID", pid, 1);
	ck_assert_uint_eq(service_watchdog_interval_ns(), 20 * KT_NS_PER_S);
	setenv("WATCHDOG_PID", "1", 1);
	ck_assert_uint_eq(service_watchdog_interval_ns(), 0);
}
END_TEST

START_TEST(without_systemd_a_stop_is_a_stop)
{
	unsetenv("INVOCATION_ID");
	ck_assert(!service_is_restarting());
}
END_TEST

int main(void)
{
	Suite *s = suite_create("service");
	TCase *c = tcase_create("service");

	tcase_add_checked_fixture(c, notify_listen, NULL);
	tcase_add_test(c, the_life_of_a_service_is_told);
	tcase_add_test(c, a_status_is_told_when_it_changes);
	tcase_add_test(c, a_systemd_that_does_not_listen_stops_nothing);
	tcase_add_test(c, readiness_and_status_are_not_lost);
	tcase_add_test(c, without_systemd_nobody_is_told);
	tcase_add_test(c, the_watchdog_wants_a_tick_three_times_in_its_time);
	tcase_add_test(c, without_systemd_a_stop_is_a_stop);
	suite_add_tcase(s, c);
	return kt_run(s);
}
