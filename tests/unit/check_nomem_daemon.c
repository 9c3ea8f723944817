/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of a configuration, a tick, a recording and an answer is left when memory runs out? */
#include "nomem.h"

#include "answer_fixture.h"

/* json-c 0.16 loses the copy of a key when the table has no memory to grow. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:json_object_object_add_ex";
}

static enum nomem_kind kind_of(int i)
{
	return (enum nomem_kind)i;
}

/* ---- configuration --------------------------------------------------------------------- */

static unsigned int ncomplaints;

static void count_complaint(const char *text, void *context)
{
	(void)text, (void)context;
	ncomplaints++;
}

/* All of it is in force, or nothing: half a file is another configuration. */
START_TEST(a_configuration_is_whole)
{
	static struct conf want, got, untouched;
	char path[512];
	unsigned int nfailed = 1;

	put("kvmtuned.conf", "[ksm]\nmax_pages = 777\n[domain \"web-*\"]\nmemory = off\n");
	put("kvmtuned.conf.d/50-a.conf", "[placement]\nmode = observe\n");
	put("kvmtuned.conf.d/60-b.conf", "[memory]\nmode = off\n[domain \"db\"]\nweight = 7\n");
	(void)snprintf(path, sizeof path, "%s/kvmtuned.conf", root);
	ck_assert_int_eq(conf_load(path, true, count_complaint, NULL, &want), 0);
	memset(&untouched, 0x5a, sizeof untouched);
	for (long at_ = 1; nfailed > 0; at_++) {
		int r;

		memcpy(&got, &untouched, sizeof got);
		ncomplaints = 0;
		nomem_begin(at_, kind_of(_i));
		r = conf_load(path, true, count_complaint, NULL, &got);
		nfailed = nomem_end();
		ck_assert_msg(memcmp(&got, r < 0 ? &untouched : &want, sizeof got) == 0,
			      "request %ld: %d", at_, r);
		ck_assert_msg(r == 0 || r == -ENOMEM || ncomplaints > 0, "request %ld: %d", at_, r);
	}
	ck_assert_uint_eq(ncomplaints, 0);
}
END_TEST

/* ---- ticks ------------------------------------------------------------------------------- */

static void guests_come(void)
{
	for (unsigned int i = 0; i < KT_ARRAY_LEN(hostile_names); i++)
		(void)add_guest(i + 1, hostile_names[i]);
}

/* Guests come and go, so that each tick asks for memory. */
static void guests_are_others(void)
{
	for (unsigned int i = 0; i < KT_ARRAY_LEN(hostile_names); i++) {
		struct domain d = domain_of(i + 1);

		domains_remove(k->domains, &d.uuid);
	}
	guests_come();
}

START_TEST(a_tick_goes_on)
{
	uint64_t now_ns = KT_NS_PER_S;
	unsigned int nfailed = 1;

	k->record_file = fopen("/dev/null", "w");
	guests_come();
	tick(now_ns);
	for (long at_ = 1; nfailed > 0; at_++) {
		recorder_restart(k->recorder);
		guests_are_others();
		now_ns += KT_NS_PER_S;
		nomem_begin(at_, kind_of(_i));
		(void)kvmtuned_tick(k, now_ns); /* may fail, and says so */
		nfailed = nomem_end();
		now_ns += KT_NS_PER_S;
		tick(now_ns);
		ck_assert_uint_eq(k->view->npresent, KT_ARRAY_LEN(hostile_names));
		ck_assert_uint_eq(k->misses, 0);
	}
	record_file_close(k);
}
END_TEST

/* ---- answers ------------------------------------------------------------------------------ */

static answer_fn *const answers[] = {
	answer_status, answer_explain, answer_plan,   answer_decisions, answer_history,
	answer_audit,  answer_advise,  answer_config, answer_metrics,   answer_pause,
	answer_resume, answer_release, answer_reload, answer_tick,      answer_record,
};

static void answer_without_memory(answer_fn *fn, long at_, enum nomem_kind kind,
				  unsigned int *ret_failed)
{
	struct question q = {
		.given = ASKS_GUEST | ASKS_VCPUS | ASKS_MIB, .guest = "web-01", .vcpus = 2, .mib = 1
	};

	answer_forget();
	nomem_begin(at_, kind);
	fn(k, &q, &answer);
	if (answer.json)
		(void)answer_text(answer.json);
	*ret_failed = nomem_end();
}

START_TEST(an_answer_may_lack_something_and_harms_nobody)
{
	k->conf_path = "/nonexistent/kvmtuned.conf";
	k->conf_must_exist = true;
	guests_come();
	tick(KT_NS_PER_S);
	for (size_t i = 0; i < KT_ARRAY_LEN(answers); i++) {
		unsigned int nfailed = 1;

		if (answers[i] == answer_reload || answers[i] == answer_tick)
			continue; /* of the loop */
		for (long at_ = 1; nfailed > 0; at_++)
			answer_without_memory(answers[i], at_, kind_of(_i), &nfailed);
		ck_assert(answer.json || answer.text);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("nomem_daemon");
	TCase *c = tcase_create("nomem_daemon");

	tcase_add_checked_fixture(c, answer_setup, answer_teardown);
	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, a_configuration_is_whole, 0, NOMEM_KINDS);
	tcase_add_loop_test(c, a_tick_goes_on, 0, NOMEM_KINDS);
	tcase_add_loop_test(c, an_answer_may_lack_something_and_harms_nobody, 0, NOMEM_KINDS);
	suite_add_tcase(s, c);
	return kt_run(s);
}
