/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does journald get, and what happens when it does not read, or is not there? */
#include "journal_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <signal.h>
#include <sys/resource.h>

static void say(const char *text)
{
	log_info("%s", text);
}

START_TEST(all_fields_arrive)
{
	struct uuid uuid;
	struct log_event e = { .level = LOG_LEVEL_NOTICE,
			       .id = LOG_STARTED,
			       .message = "web-01: pinned",
			       .guest = "web-01",
			       .uuid = &uuid,
			       .actuator = "placement",
			       .action = "pin",
			       .reason = "home-by-memory",
			       .from = "0-7",
			       .to = "0-3",
			       .error = 13,
			       .dry_run = true };

	ck_assert_int_eq(uuid_parse("6695eb01-f6a4-8304-79aa-97f2502e193f", &uuid), 0);
	journal_set_cycle(77);
	log_emit(&e);
	ck_assert(journald_reads());
	ck_assert_field("MESSAGE", "web-01: pinned");
	ck_assert_field("PRIORITY", "5");
	ck_assert_field("SYSLOG_IDENTIFIER", "kvmtuned");
	ck_assert_field("MESSAGE_ID", "c69f58c117fc4ce79dad4e09df6ce2e9");
	ck_assert_field("DOCUMENTATION", "man:kvmtuned(8)");
	ck_assert_field("KVMTUNED_DOMAIN", "web-01");
	ck_assert_field("KVMTUNED_UUID", "6695eb01-f6a4-8304-79aa-97f2502e193f");
	ck_assert_field("KVMTUNED_ACTUATOR", "placement");
	ck_assert_field("KVMTUNED_ACTION", "pin");
	ck_assert_field("KVMTUNED_REASON", "home-by-memory");
	ck_assert_field("KVMTUNED_FROM", "0-7");
	ck_assert_field("KVMTUNED_TO", "0-3");
	ck_assert_field("KVMTUNED_CYCLE", "77");
	ck_assert_field("KVMTUNED_DRY_RUN", "1");
	ck_assert_field("ERRNO", "13");
	ck_assert(!journald_reads());
}
END_TEST

START_TEST(what_is_not_known_is_no_field)
{
	static const char *const absent[] = { "MESSAGE_ID",      "KVMTUNED_DOMAIN",
					      "KVMTUNED_UUID",   "KVMTUNED_ACTUATOR",
					      "KVMTUNED_ACTION", "KVMTUNED_REASON",
					      "KVMTUNED_FROM",   "KVMTUNED_TO",
					      "ERRNO",           "KVMTUNED_DRY_RUN" };

	say("plain");
	ck_assert(journald_reads());
	ck_assert_field("MESSAGE", "plain");
	for (size_t i = 0; i < KT_ARRAY_LEN(absent); i++)
		ck_assert_field(absent[i], "(none)");
}
END_TEST

/* Neither a line of a format nor one of the protocol. */
START_TEST(hostile_text_stays_text)
{
	struct log_event e = { .level = LOG_LEVEL_ERR,
			       .message = "100% %s %n\nPRIORITY=0\n\nMESSAGE_ID=x",
			       .guest = "a\nKVMTUNED_REASON=forged",
			       .to = "\n" };

	log_emit(&e);
	ck_assert(journald_reads());
	ck_assert_field("MESSAGE", e.message);
	ck_assert_field("KVMTUNED_DOMAIN", e.guest);
	ck_assert_field("KVMTUNED_TO", "\n");
	ck_assert_field("PRIORITY", "3");
	ck_assert_field("MESSAGE_ID", "(none)");
	ck_assert_field("KVMTUNED_REASON", "(none)");
}
END_TEST

START_TEST(a_huge_value_is_cut_and_what_does_not_fit_is_left_out)
{
	static char huge[100000];
	struct log_event e = { .level = LOG_LEVEL_ERR,
			       .message = huge,
			       .guest = huge,
			       .reason = huge,
			       .action = "pin" };
	KT_AUTOFREE char *message = NULL;

	memset(huge, 'x', sizeof huge - 1);
	log_emit(&e);
	ck_assert(journald_reads());
	message = field("MESSAGE");
	ck_assert_ptr_nonnull(message);
	ck_assert_uint_eq(strlen(message), 2047);
	ck_assert_field("PRIORITY", "3");
	ck_assert_field("KVMTUNED_ACTION", "pin");
	ck_assert_field("KVMTUNED_REASON", "(none)");
	ck_assert_uint_le(entry_size, 3 * 2048);
}
END_TEST

/* How many the message tells of that were lost; 0: it tells of something else. */
static unsigned int lost_by_message(void)
{
	KT_AUTOFREE char *message = field("MESSAGE");
	unsigned int n = 0;

	if (!message || sscanf(message, "%u messages before this one are lost", &n) != 1)
		return 0;
	ck_assert_field("PRIORITY", "4");
	return n;
}

static bool is_last(void)
{
	KT_AUTOFREE char *message = field("MESSAGE");

	return message && strcmp(message, "the last") == 0;
}

/* Blocking here would end in the test's timeout. */
START_TEST(a_journald_that_does_not_read_stops_nothing)
{
	enum { SAID = 5000 };
	unsigned int nread = 0;

	for (int i = 0; i < SAID; i++)
		say("into the void");
	while (journald_reads())
		nread += lost_by_message() == 0;
	ck_assert_uint_gt(nread, 0);
	ck_assert_uint_lt(nread, SAID);
	say("after it");
	ck_assert(journald_reads());
	ck_assert_uint_eq(lost_by_message(), SAID - nread);
	ck_assert(journald_reads());
	ck_assert_field("MESSAGE", "after it");
	ck_assert(!journald_reads());
}
END_TEST

/* Takes one message after the other until the last one, each of them not before the queue of the
 * socket (10 messages, where nobody has changed it) must be full. */
static void *read_slowly(void *context)
{
	static const struct timespec pause = { .tv_nsec = 100000 };
	unsigned int *nread = context;

	do {
		(void)nanosleep(&pause, NULL);
		if (journald_reads())
			*nread += lost_by_message() == 0;
	} while (!is_last());
	return NULL;
}

START_TEST(a_journald_that_reads_slowly_gets_all)
{
	enum { SAID = 3000 };
	unsigned int nread = 0;
	pthread_t reader;

	ck_assert_int_eq(pthread_create(&reader, NULL, read_slowly, &nread), 0);
	for (int i = 1; i < SAID; i++) {
		if (i % 50 == 0)
			journal_set_cycle((uint64_t)i);
		say("one of many");
	}
	say("the last");
	ck_assert_int_eq(pthread_join(reader, NULL), 0);
	ck_assert_uint_eq(nread, SAID);
}
END_TEST

START_TEST(a_tick_tells_what_was_lost)
{
	journald_ends();
	say("to nobody");
	say("to nobody");
	journal_set_cycle(3);
	journald_starts();
	journal_set_cycle(4);
	ck_assert(journald_reads());
	ck_assert_uint_eq(lost_by_message(), 2);
	ck_assert_field("KVMTUNED_CYCLE", "4");
	journal_set_cycle(5);
	ck_assert(!journald_reads());
}
END_TEST

START_TEST(a_journald_that_was_started_anew_is_found)
{
	for (int i = 0; i < 3; i++) {
		say("there");
		ck_assert(journald_reads());
		ck_assert_field("MESSAGE", "there");
		journald_ends();
		journald_starts();
	}
}
END_TEST

START_TEST(without_descriptors_the_open_socket_serves)
{
	struct rlimit none = { .rlim_cur = 0 }, all;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &all), 0);
	none.rlim_max = all.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	say("no socket yet"); /* lost */
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &all), 0);
	say("opens one");
	ck_assert(journald_reads());
	ck_assert_uint_eq(lost_by_message(), 1);
	ck_assert(journald_reads());
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	say("has one");
	ck_assert(journald_reads());
	ck_assert_field("MESSAGE", "has one");
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &all), 0);
}
END_TEST

/* ---- lines ------------------------------------------------------------------------- */

/* stderr is a pipe; the end to read from. */
static int pipe_to(enum journal_target target)
{
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	close(ends[1]);
	ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	unsetenv("JOURNAL_STREAM");
	journal_open(target, LOG_LEVEL_DEBUG);
	return ends[0];
}

START_TEST(a_pipe_that_nobody_reads_stops_nothing)
{
	static char all[1 << 20];
	int fd = pipe_to(_i ? JOURNAL_AUTO : JOURNAL_FOREGROUND);
	const char *told;

	for (int i = 0; i < 20000; i++)
		say("into the void");
	ck_assert_int_gt(read(fd, all, sizeof all), 60000);
	say("after it");
	memset(all, 0, sizeof all);
	ck_assert_int_gt(read(fd, all, sizeof all), 0);
	told = strstr(all, " messages before this one are lost");
	ck_assert_ptr_nonnull(told);
	ck_assert_ptr_nonnull(strstr(told, "after it\n"));
	close(fd);
}
END_TEST

/* The line discipline takes a part of a line: a write that may wait would, in the middle. */
START_TEST(a_terminal_that_nobody_reads_stops_nothing)
{
	static char all[1 << 16];
	int master, slave;
	const char *told;

	ck_assert_int_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
	ck_assert_int_eq(dup2(slave, STDERR_FILENO), STDERR_FILENO);
	unsetenv("JOURNAL_STREAM");
	journal_open(JOURNAL_FOREGROUND, LOG_LEVEL_DEBUG);
	for (int i = 0; i < 5000; i++)
		say("into the void");
	ck_assert_int_eq(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK, 0); /* others' as well */
	ck_assert_int_eq(fcntl(master, F_SETFL, O_NONBLOCK), 0);
	while (read(master, all, sizeof all) > 0)
		;
	say("after it");
	memset(all, 0, sizeof all);
	ck_assert_int_gt(read(master, all, sizeof all - 1), 0);
	told = strstr(all, " messages before this one are lost");
	ck_assert_ptr_nonnull(told);
	ck_assert_ptr_nonnull(strstr(told, "after it\r\n"));
	close(slave);
	close(master);
}
END_TEST

START_TEST(a_pipe_without_a_reader_stops_nothing)
{
	close(pipe_to(JOURNAL_AUTO));
	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < 3; i++)
		say("to nobody");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("journal_socket");
	TCase *c = tcase_create("journal_socket");

	tcase_add_checked_fixture(c, journal_begin, journal_end);
	tcase_set_timeout(c, 30);
	tcase_add_test(c, all_fields_arrive);
	tcase_add_test(c, what_is_not_known_is_no_field);
	tcase_add_test(c, hostile_text_stays_text);
	tcase_add_test(c, a_huge_value_is_cut_and_what_does_not_fit_is_left_out);
	tcase_add_test(c, a_journald_that_does_not_read_stops_nothing);
	tcase_add_test(c, a_journald_that_reads_slowly_gets_all);
	tcase_add_test(c, a_tick_tells_what_was_lost);
	tcase_add_test(c, a_journald_that_was_started_anew_is_found);
	tcase_add_test(c, without_descriptors_the_open_socket_serves);
	tcase_add_loop_test(c, a_pipe_that_nobody_reads_stops_nothing, 0, 2);
	tcase_add_test(c, a_terminal_that_nobody_reads_stops_nothing);
	tcase_add_test(c, a_pipe_without_a_reader_stops_nothing);
	suite_add_tcase(s, c);
	return kt_run(s);
}
