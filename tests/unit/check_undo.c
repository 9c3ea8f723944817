/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does an undo file survive everything but being believed wrongly? */
#include "act_guest.h"

static char good[4096];
static size_t good_size;

/* A file with every kind of line, of a guest that lives. */
static void setup(void)
{
	setup_guest();
	plan->guest[SLOT].memory = (struct memory_plan){ .wish = WISH_SET,
							 .means = MEMORY_SOFT_LIMIT,
							 .target_kib = 1000000 };
	pin_to_first();
	good_size = get(at(run_dir, "undo"), good, sizeof good);
	act_ends();
	act_begins();
	nsaid = 0;
}

static int load(const char *text)
{
	put(at(run_dir, "undo"), text);
	act_ends();
	act_begins();
	return act_load(act);
}

static void assert_refused(int r, const char *what)
{
	char text[8192];

	ck_assert_msg(r == -EBADMSG, "%s: %d", what, r);
	ck_assert(!exists(at(run_dir, "undo")));
	get(at(run_dir, "undo.bad"), text, sizeof text);
	ck_assert_int_eq(unlink(at(run_dir, "undo.bad")), 0);
	ck_assert_uint_ge(nsaid, 1);
	ck_assert_int_eq(said[nsaid - 1].level, LOG_LEVEL_ERR);
	/* Nothing of it is believed. */
	ck_assert(!act_in_force(act)->ksm.ours);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert(runs_on(0, &first) && runs_on(2, &first));
	ck_assert_uint_eq(nrequests, 1); /* that of setup */
	nsaid = 0;
}

START_TEST(a_whole_file_is_taken_over)
{
	struct stat st;

	ck_assert_int_eq(stat(at(run_dir, "undo"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(stat(run_dir, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0700);
	ck_assert_ptr_nonnull(strstr(good, "\npins affinity 0 "));
	ck_assert_ptr_nonnull(
		strstr(good, "\nlimit 18446744073709551615 18446744073709551615 1000000\n"));
	ck_assert_ptr_nonnull(strstr(good, "\nend 7\n"));
	ck_assert_int_eq(load(good), THREADS + 1);
	ck_assert_uint_eq(nsaid, 0);
}
END_TEST

START_TEST(no_file_is_no_news)
{
	ck_assert_int_eq(unlink(at(run_dir, "undo")), 0);
	ck_assert_int_eq(act_load(act), 0);
	ck_assert_uint_eq(nsaid, 0);
}
END_TEST

START_TEST(a_cut_file_is_refused_wherever_it_was_cut)
{
	char text[sizeof good];

	for (size_t n = 0; n < good_size; n++) {
		snprintf(text, sizeof text, "%.*s", (int)n, good);
		assert_refused(load(text), text);
	}
}
END_TEST

START_TEST(a_file_that_goes_on_is_refused)
{
	char text[sizeof good + 16];

	snprintf(text, sizeof text, "%s\n", good);
	assert_refused(load(text), text);
	snprintf(text, sizeof text, "%send 7\n", good);
	assert_refused(load(text), text);
}
END_TEST

/* Any byte, changed to any of these: an answer and no crash. */
START_TEST(a_damaged_byte_does_no_harm)
{
	static const char bytes[] = { '\n', ' ', '0', '9', 'x', '-', '\\', '\x01', '\xff' };
	char text[sizeof good];
	size_t refused = 0;

	for (size_t n = 0; n < good_size; n++) {
		for (size_t b = 0; b < sizeof bytes; b++) {
			int r;

			memcpy(text, good, good_size + 1);
			text[n] = bytes[b];
			r = load(text);
			ck_assert_msg(r == -EBADMSG || (r >= 0 && r <= THREADS + 1), "%d", r);
			refused += r == -EBADMSG;
			nsaid = 0;
		}
	}
	ck_assert_uint_ge(refused, good_size * sizeof bytes / 3);
}
END_TEST

START_TEST(a_nul_byte_is_damage)
{
	FILE *f = fopen(at(run_dir, "undo"), "w");
	char *digit = strstr(good, "end 7");

	ck_assert_ptr_nonnull(f);
	*digit = '\0';
	ck_assert_uint_eq(fwrite(good, 1, good_size, f), good_size);
	fclose(f);
	assert_refused(act_load(act), "NUL");
}
END_TEST

#define U  "guest abcd0102-0300-0000-0000-000000000000 1 1 x\n"
#define U2 "guest abcd0102-0300-0000-0000-000000000001 1 1 x\n"
#define P1 "pins affinity 0 0-3 -\n"
#define P  "pins affinity 0 0-3\n"

/* The lines between the first and "end", and how many they are. */
struct bad {
	const char *lines;
	int n;
};

static const struct bad bad[] = {
	{ "", 1 },
	{ "\n", 1 },
	{ "ksm\n", 1 },
	{ "ksm run 0 0\n", 1 },
	{ "ksm run 0 0 1 1\n", 1 },
	{ "ksm run 0 0 x\n", 1 },
	{ "ksm run 0 -1 1\n", 1 },
	{ "ksm run 0 0 18446744073709551616\n", 1 },
	{ "ksm no_such_file 0 0 1\n", 1 },
	{ "ksm ../../../etc/passwd 0 0 1\n", 1 },
	{ "ksm run 0 0 1\nksm run 0 0 1\n", 2 },
	{ "ksm  run 0 0 1\n", 1 },
	{ " ksm run 0 0 1\n", 1 },
	{ "KSM run 0 0 1\n", 1 },
	{ U "ksm run 0 0 1\n", 2 },
	{ "balancing 1 1\n", 1 },
	{ "balancing 1 1 0 0\n", 1 },
	{ "balancing 1 1 -1\n", 1 },
	{ "balancing 1 1 0\nbalancing 1 1 0\n", 2 },
	{ U "balancing 1 1 0\n", 2 },
	{ "host\n", 1 },
	{ "host host-swappiness 0 60 60\n", 1 },
	{ "host host-swappiness 0 60 60 10 10\n", 1 },
	{ "host host-swappiness 1 60 60 10\n", 1 },
	{ "host host-swappiness 0 60  10\n", 1 },
	{ "host host-swappiness 0 60 ../10 10\n", 1 },
	{ "host host-swappiness 0 60 60 \\x0a10\n", 1 },
	{ "host host-no-such-rule 0 60 60 10\n", 1 },
	{ "host host-cpu-use 0 60 60 10\n", 1 },
	{ "host ../../../etc/passwd 0 60 60 10\n", 1 },
	{ "host host-irq-affinity -1 0 0 1\n", 1 },
	{ "host host-irq-affinity 4294967296 0 0 1\n", 1 },
	{ "host host-irq-affinity 1/../../x 0 0 1\n", 1 },
	{ "host host-swappiness 0 60 60 10\nhost host-swappiness 0 60 60 10\n", 2 },
	{ U "host host-swappiness 0 60 60 10\n", 2 },
	{ "guest\n", 1 },
	{ "guest abcd0102-0300-0000-0000-000000000000 1 1\n", 1 },
	{ "guest abcd0102-0300-0000-0000-00000000000 1 1 x\n", 1 },
	{ "guest abcd0102-0300-0000-0000-000000000000 0 1 x\n", 1 },
	{ "guest abcd0102-0300-0000-0000-000000000000 -1 1 x\n", 1 },
	{ "guest abcd0102-0300-0000-0000-000000000000 2147483648 1 x\n", 1 },
	{ "guest abcd0102-0300-0000-0000-000000000000 1 1 \\x0\n", 1 },
	{ "guest abcd0102-0300-0000-0000-000000000000 1 1 \\x00\n", 1 },
	{ U U, 2 },
	{ P, 1 },
	{ "limit 1 1 1\n", 1 },
	{ "pin 1 1 vcpu 0 0-3 0 -\n", 1 },
	{ U "pin 1 1 vcpu 0 0-3 0 -\n", 2 },
	{ U P U2 "pin 1 1 vcpu 0 0-3 0 -\n", 4 },
	{ U P P, 3 },
	{ U "pins affinity 0\n", 2 },
	{ U "pins affinity 0 0-3 -\n", 2 },
	{ U "pins affinity 64 0-3\n", 2 },
	{ U "pins affinity 0,64 0-3\n", 2 },
	{ U "pins affinity -1 0-3\n", 2 },
	{ U "pins affinity - 0-3\n", 2 },
	{ U "pins affinity 0/ 0-3\n", 2 },
	{ U "pins affinity /0 0-3\n", 2 },
	{ U "pins affinity 0//1 0-3\n", 2 },
	{ U "pins affinity 0/1/2/3/4/5/6/7/8 0-3\n", 2 },
	{ U "pins numad 0 0-3\n", 2 },
	{ U "pins affinity 0 -\n", 2 },
	{ U "pins affinity 0 3-0\n", 2 },
	{ U "pins affinity 0 0-1024\n", 2 },
	{ U P "pin 1 1 vcpu 0\n", 3 },
	{ U P "pin 1 1 vcpu 0 0-3\n", 3 },
	{ U P "pin 1 1 vcpu 0 0-3 0\n", 3 },
	{ U P "pin 0 1 vcpu 0 0-3 0 -\n", 3 },
	{ U P "pin 1 1 gpu 0 0-3 0 -\n", 3 },
	{ U P "pin 1 1 vcpu 4294967296 0-3 0 -\n", 3 },
	{ U P "pin 1 1 vcpu 0 - 0 -\n", 3 },
	{ U P "pin 1 1 vcpu 0 0-3 - -\n", 3 },
	{ U P "pin 1 1 vcpu 0 0-3 0 0-\n", 3 },
	{ U P "pin 1 1 vcpu 0 0-3 0 - 1\n", 3 },
	{ U P "pin 1 1 vcpu 0 0-3 0 -\npin 1 1 vcpu 1 0-3 0 -\n", 4 },
	{ U "limit 1 1\n", 2 },
	{ U "limit 1 1 1 1\n", 2 },
	{ U "limit 1 1 1\nlimit 1 1 1\n", 3 },
	{ "end 0\n", 1 },
};

static const struct bad bad_in_version_1[] = {
	{ "host host-swappiness 0 60 60 10\n", 1 },
	{ "balancing 1 1 0\n", 1 },
	{ P1, 1 },
	{ U "pin 1 1 vcpu 0 0-3\n", 2 },
	{ U P1 U2 "pin 1 1 vcpu 0 0-3\n", 4 },
	{ U P1 P1, 3 },
	{ U P, 2 },
	{ U "pins affinity 64 0-3 -\n", 2 },
	{ U "pins affinity 0-1 0-3 -\n", 2 },
	{ U "pins affinity 0/1 0-3 -\n", 2 },
	{ U "pins affinity 0/0 0-3 -\n", 2 },
	{ U "pins affinity 0 - -\n", 2 },
	{ U "pins affinity 0 0-3 0-\n", 2 },
	{ U P1 "pin 1 1 vcpu 0\n", 3 },
	{ U P1 "pin 0 1 vcpu 0 0-3\n", 3 },
	{ U P1 "pin 1 1 vcpu 0 -\n", 3 },
	{ U P1 "pin 1 1 vcpu 0 0-3 0 -\n", 3 },
};

static void assert_lines_refused(const struct bad *b, int version)
{
	char text[1024];

	snprintf(text, sizeof text, "kvmtuned-undo %d\n%send %d\n", version, b->lines, b->n);
	assert_refused(load(text), b->lines);
}

START_TEST(a_line_that_is_not_understood_refuses_the_file)
{
	assert_lines_refused(&bad[_i], 2);
}
END_TEST

START_TEST(so_does_a_line_of_another_version)
{
	assert_lines_refused(&bad_in_version_1[_i], 1);
}
END_TEST

static const char *const wrong_frame[] = {
	"kvmtuned-undo 0\nend 0\n",  "kvmtuned-undo 3\nend 0\n",
	"kvmtuned-undo\nend 0\n",    "end 0\n",
	"kvmtuned-undo 1\nend \n",   "kvmtuned-undo 2\nend \n",
	"kvmtuned-undo 2\nend x\n",  "kvmtuned-undo 2\nend 1\n",
	"kvmtuned-undo 1\nend 1\n",  "\nkvmtuned-undo 2\nend 0\n",
	"kvmtuned-undo 22\nend 0\n",
};

START_TEST(a_wrong_frame_refuses_the_file)
{
	assert_refused(load(wrong_frame[_i]), wrong_frame[_i]);
}
END_TEST

START_TEST(a_file_of_nothing_is_good)
{
	ck_assert_int_eq(load("kvmtuned-undo 1\nend 0\n"), 0);
	ck_assert_int_eq(load("kvmtuned-undo 2\nend 0\n"), 0);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

START_TEST(a_line_longer_than_any_is_refused)
{
	size_t size = 64 * 1024;
	char *text = malloc(size);

	ck_assert_ptr_nonnull(text);
	memset(text, 'x', size - 1);
	memcpy(text, "kvmtuned-undo 2\nguest ", 22);
	text[size - 1] = '\0';
	assert_refused(load(text), "long");
	free(text);
}
END_TEST

START_TEST(guests_without_end_are_refused)
{
	enum { MANY = 3000 };
	size_t size = 64 * MANY, used;
	char *text = malloc(size);

	ck_assert_ptr_nonnull(text);
	used = (size_t)snprintf(text, size, "kvmtuned-undo 2\n");
	for (int i = 0; i < MANY; i++)
		used += (size_t)snprintf(text + used, size - used,
					 "guest 00000000-0000-0000-0000-%012d 1 1 x\n", i);
	snprintf(text + used, size - used, "end %d\n", MANY);
	assert_refused(load(text), "many");
	free(text);
}
END_TEST

START_TEST(a_link_is_not_followed)
{
	put(at(root, "elsewhere"), good);
	ck_assert_int_eq(unlink(at(run_dir, "undo")), 0);
	ck_assert_int_eq(symlink(at(root, "elsewhere"), at(run_dir, "undo")), 0);
	ck_assert_int_eq(act_load(act), -ELOOP);

	ck_assert_int_eq(unlink(at(run_dir, "undo")), 0);
	put(at(root, "victim"), "victim");
	ck_assert_int_eq(symlink(at(root, "victim"), at(run_dir, "undo.tmp")), 0);
	pin_to_second();
	ck_assert_uint_eq(get(at(root, "victim"), good, sizeof good), 6);
	ck_assert(runs_on(0, &first));
}
END_TEST

START_TEST(what_no_longer_exists_is_dropped_and_the_rest_kept)
{
	char text[sizeof good + 512], *end = strstr(good, "end 7");

	*end = '\0';
	snprintf(text, sizeof text,
		 "%sguest 00000000-0000-0000-0000-000000000001 %d 1 gone\nlimit 1 1 1\nend 9\n",
		 good, guest.pid);
	ck_assert_int_eq(load(text), THREADS + 1);
	ck_assert_uint_eq(act_restore(act, 0), 1); /* the limit of the other */
	ck_assert(runs_on(0, &all) && runs_on(3, &all));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("undo");
	TCase *c = tcase_create("file");

	tcase_add_checked_fixture(c, setup, teardown_guest);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, a_whole_file_is_taken_over);
	tcase_add_test(c, no_file_is_no_news);
	tcase_add_test(c, a_cut_file_is_refused_wherever_it_was_cut);
	tcase_add_test(c, a_file_that_goes_on_is_refused);
	tcase_add_test(c, a_damaged_byte_does_no_harm);
	tcase_add_test(c, a_nul_byte_is_damage);
	tcase_add_loop_test(c, a_line_that_is_not_understood_refuses_the_file, 0,
			    KT_ARRAY_LEN(bad));
	tcase_add_loop_test(c, so_does_a_line_of_another_version, 0,
			    KT_ARRAY_LEN(bad_in_version_1));
	tcase_add_loop_test(c, a_wrong_frame_refuses_the_file, 0, KT_ARRAY_LEN(wrong_frame));
	tcase_add_test(c, a_file_of_nothing_is_good);
	tcase_add_test(c, a_line_longer_than_any_is_refused);
	tcase_add_test(c, guests_without_end_are_refused);
	tcase_add_test(c, a_link_is_not_followed);
	tcase_add_test(c, what_no_longer_exists_is_dropped_and_the_rest_kept);
	suite_add_tcase(s, c);
	return kt_run(s);
}
