/* SPDX-License-Identifier: GPL-2.0-or-later */
/* No descriptor is left in the middle of a tick: is all seen again soon after? */
#include <sys/resource.h>

#include "answer_fixture.h"

static struct rlimit plenty;
static int nerrors;

static void count_errors(const struct log_event *e, void *context)
{
	(void)context;
	nerrors += e->level <= LOG_LEVEL_ERR;
}

static void setup(void)
{
	answer_setup();
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &plenty), 0);
	log_set_sink(count_errors, NULL, LOG_LEVEL_INFO);
}

/* So many more than there are. */
static void leave(int n)
{
	struct rlimit few = plenty;
	int lowest = dup(0);

	ck_assert_int_ge(lowest, 0);
	close(lowest);
	few.rlim_cur = (rlim_t)(lowest + n);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
}

static void leave_plenty(void)
{
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &plenty), 0);
}

static void guests_come(void)
{
	for (unsigned int i = 0; i < 3; i++)
		(void)add_guest(i + 1, hostile_names[i]);
}

/* Nothing is open any more, neither of the host nor of its guests. */
static void begin_anew(void)
{
	for (unsigned int i = 0; i < 3; i++) {
		struct domain d = domain_of(i + 1);

		domains_remove(k->domains, &d.uuid);
	}
	sense_free(k->sense);
	ck_assert_int_eq(sense_new(&k->fs, &k->sense), 0);
	guests_come();
}

struct seen {
	size_t nproblems;
	uint64_t mem_total_kib, rss_kib;
	bool has_ksm, has_psi;
	size_t nthreads, npresent;
};

static struct seen look(uint64_t now_ns)
{
	const struct host_sample *h = &k->sample->host;

	tick(now_ns);
	return (struct seen){ .nproblems = problems_count(k),
			      .mem_total_kib = h->mem_total_kib,
			      .has_ksm = h->ksm.present,
			      .has_psi = h->psi_memory.present,
			      .rss_kib = k->sample->guest[0].rss_kib,
			      .nthreads = k->sample->guest[2].nthreads,
			      .npresent = k->view->npresent };
}

static void assert_same(const struct seen *a, const struct seen *b, int n)
{
	ck_assert_msg(a->nproblems == b->nproblems, "%d left: %zu problems", n, b->nproblems);
	ck_assert_msg(a->mem_total_kib == b->mem_total_kib, "%d left", n);
	ck_assert_msg(a->has_ksm == b->has_ksm && a->has_psi == b->has_psi, "%d left", n);
	ck_assert_msg(a->npresent == b->npresent && a->rss_kib == b->rss_kib &&
			      a->nthreads == b->nthreads,
		      "%d left: %zu guests", n, b->npresent);
}

START_TEST(a_tick_without_descriptors_is_made_up_for)
{
	uint64_t now_ns = KT_NS_PER_S;
	struct seen before, after;
	int nfailed = 0, n = 0;

	guests_come();
	before = look(now_ns);
	ck_assert_uint_eq(before.npresent, 3);
	ck_assert(before.has_ksm);
	for (; n < 64; n++) {
		begin_anew();
		leave(n);
		now_ns += KT_NS_PER_S;
		nfailed += kvmtuned_tick(k, now_ns) < 0;
		leave_plenty();
		now_ns += KT_NS_PER_S;
		after = look(now_ns);
		/* A guest whose process was not found is looked for at fewer ticks. */
		for (int i = 0; i < 10 && after.npresent < 3; i++)
			after = look(now_ns += KT_NS_PER_S);
		assert_same(&before, &after, n);
		ck_assert_uint_eq(k->misses, 0);
		ck_assert(!k->let_go);
	}
	ck_assert_int_gt(nfailed, 0);
	ck_assert_int_lt(nfailed, 64); /* else nothing was read in the end */
	ck_assert_int_eq(nerrors, 0);
}
END_TEST

static char complaint[512];

static void take_complaint(const char *text, void *context)
{
	(void)context;
	(void)snprintf(complaint, sizeof complaint, "%s", text);
}

START_TEST(a_configuration_that_cannot_be_opened_is_no_drop_in_too_many)
{
	static struct conf conf;
	char path[512];
	int r;

	put("kvmtuned.conf", "[ksm]\nmode = off\n");
	(void)snprintf(path, sizeof path, "%s/kvmtuned.conf", root);
	leave(0);
	r = conf_load(path, true, take_complaint, NULL, &conf);
	leave_plenty();
	ck_assert_int_lt(r, 0);
	ck_assert_ptr_nonnull(strstr(complaint, "Too many open files"));
	ck_assert_int_eq(conf_load(path, true, take_complaint, NULL, &conf), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("descriptors");
	TCase *c = tcase_create("descriptors");

	tcase_add_checked_fixture(c, setup, answer_teardown);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, a_tick_without_descriptors_is_made_up_for);
	tcase_add_test(c, a_configuration_that_cannot_be_opened_is_no_drop_in_too_many);
	suite_add_tcase(s, c);
	return kt_run(s);
}
