/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does a log line look like where there is no journal? */
#include <regex.h>
#include <string.h>

#include "journal.h"
#include "kt_check.h"

static char line[8192];

/* Runs with stderr in a pipe; the text that was written. */
static const char *capture(enum journal_target target, enum log_level most_verbose,
			   const struct log_event *event)
{
	int pipe_fd[2], saved = dup(STDERR_FILENO);
	ssize_t n;

	ck_assert_int_eq(pipe(pipe_fd), 0);
	dup2(pipe_fd[1], STDERR_FILENO);
	close(pipe_fd[1]);
	unsetenv("JOURNAL_STREAM");
	journal_open(target, most_verbose);
	log_emit(event);
	dup2(saved, STDERR_FILENO);
	close(saved);
	n = read(pipe_fd[0], line, sizeof line - 1);
	line[n > 0 ? n : 0] = '\0';
	close(pipe_fd[0]);
	return line;
}

START_TEST(without_journal_the_priority_stands_in_front)
{
	struct log_event e = { .level = LOG_LEVEL_WARNING, .message = "a %s word" };

	ck_assert_str_eq(capture(JOURNAL_AUTO, LOG_LEVEL_INFO, &e), "<4>a %s word\n");
}
END_TEST

START_TEST(in_the_foreground_lines_are_readable)
{
	struct log_event e = { .level = LOG_LEVEL_NOTICE, .message = "web-01: moved" };
	regex_t wanted;

	capture(JOURNAL_FOREGROUND, LOG_LEVEL_INFO, &e);
	ck_assert_int_eq(regcomp(&wanted, "^[0-9]{2}:[0-9]{2}:[0-9]{2} notice  web-01: moved\n$",
				 REG_EXTENDED | REG_NOSUB),
			 0);
	ck_assert_msg(regexec(&wanted, line, 0, NULL, 0) == 0, "%s", line);
	regfree(&wanted);
}
END_TEST

START_TEST(what_is_too_verbose_is_not_written)
{
	struct log_event e = { .level = LOG_LEVEL_DEBUG, .message = "chatter" };

	/* The pipe must not stay empty, or the read would wait. */
	ck_assert_str_eq(capture(JOURNAL_AUTO, LOG_LEVEL_DEBUG, &e), "<7>chatter\n");
	log_set_level(LOG_LEVEL_INFO);
	ck_assert(!log_wants(LOG_LEVEL_DEBUG));
}
END_TEST

START_TEST(a_huge_message_is_one_line)
{
	static char huge[100000];
	struct log_event e = { .level = LOG_LEVEL_ERR, .message = huge };

	memset(huge, 'x', sizeof huge - 1);
	capture(JOURNAL_AUTO, LOG_LEVEL_INFO, &e);
	ck_assert_uint_gt(strlen(line), 2000);
	ck_assert_uint_lt(strlen(line), 2200);
	ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("journal");
	TCase *c = tcase_create("journal");

	tcase_add_test(c, without_journal_the_priority_stands_in_front);
	tcase_add_test(c, in_the_foreground_lines_are_readable);
	tcase_add_test(c, what_is_too_verbose_is_not_written);
	tcase_add_test(c, a_huge_message_is_one_line);
	suite_add_tcase(s, c);
	return kt_run(s);
}
