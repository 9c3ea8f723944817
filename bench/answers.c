/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does an answer cost the daemon, with 200 guests, a day of history and full rings?
 *
 * The main thread makes answers, so this is what a tick may have to wait for one. */
#include <time.h>

#include "answer_fixture.h"
#include "audit_private.h"

enum { GUESTS = 200, ROUNDS = 20 };

static double cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void measure(const char *what, answer_fn *fn, struct question q)
{
	double worst = 0, sum = 0;
	size_t bytes = 0;

	for (int i = 0; i < ROUNDS; i++) {
		double began = cpu_ms(), took;

		bytes = strlen(ask(fn, q));
		took = cpu_ms() - began;
		sum += took;
		worst = KT_MAX(worst, took);
	}
	printf("%-20s %8.2f ms mean %8.2f ms worst %9zu bytes\n", what, sum / ROUNDS, worst, bytes);
}

static void fill_history(void)
{
	char message[200];

	memset(message, 'm', sizeof message - 1);
	message[sizeof message - 1] = '\0';
	for (unsigned int i = 0; i < HISTORY_DECISIONS; i++) {
		/* Half of the guests have nothing in it: the whole ring is searched for them. */
		struct uuid uuid = domain_of(i % (GUESTS / 2)).uuid;

		history_listen(&(struct log_event){ .level = LOG_LEVEL_INFO,
						    .id = LOG_VERDICT,
						    .uuid = &uuid,
						    .actuator = "memory",
						    .message = message },
			       k->history);
	}
	for (int64_t minute = 0; minute < HISTORY_MINUTES; minute++)
		history_tick(k->history, k->view, k->plan, in_force, 60 * minute);
}

START_TEST(answers)
{
	struct question nothing = { 0 };
	double began;

	for (unsigned int i = 1; i <= GUESTS; i++) {
		char name[16];

		snprintf(name, sizeof name, "guest-%u", i);
		(void)add_guest(i, name);
	}
	tick(KT_NS_PER_S);
	tick(3 * KT_NS_PER_S);
	fill_history();
	began = cpu_ms();
	for (int i = 0; i < ROUNDS; i++)
		history_tick(k->history, k->view, k->plan, in_force, i);
	printf("%-20s %8.3f ms mean\n", "history_tick", (cpu_ms() - began) / ROUNDS);
	measure("status", answer_status, nothing);
	measure("status of one", answer_status, about_guest("guest-200"));
	measure("explain", answer_explain, about_guest("guest-200"));
	k->misses = 1; /* each samples the host anew */
	measure("plan, with a sample", answer_plan, nothing);
	measure("advise", answer_advise,
		(struct question){ .given = ASKS_VCPUS, .vcpus = 4, .mib = 0 });
	measure("decisions", answer_decisions, nothing);
	measure("history", answer_history, nothing);
	measure("config", answer_config, nothing);
	measure("audit", answer_audit, nothing);
	measure("audit of all rules", answer_audit, (struct question){ .given = ASKS_ALL });
	began = cpu_ms();
	sense_audit(&k->fs, &k->auditor->host);
	printf("%-20s %8.2f ms once\n", "the host's facts", cpu_ms() - began);
}
END_TEST

/* The scratch host is a unit test's, and so is this. */
int main(void)
{
	Suite *s = suite_create("answers");
	TCase *c = tcase_create("answers");

	tcase_add_checked_fixture(c, answer_setup, answer_teardown);
	tcase_set_timeout(c, 120);
	tcase_add_test(c, answers);
	suite_add_tcase(s, c);
	return kt_run(s);
}
