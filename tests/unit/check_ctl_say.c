/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Do numbers, times, options and files look as they should? */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "kt_check.h"
#include "top.h"

static const struct {
	const char *text;
	int result;
	uint64_t seconds;
} durations[] = {
	{ "90", 0, 90 },
	{ "90s", 0, 90 },
	{ "15m", 0, 900 },
	{ "2h", 0, 7200 },
	{ "1d", 0, 86400 },
	{ "0", 0, 0 },
	{ "18446744073709551615", 0, UINT64_MAX },
	{ "18446744073709551616", -ERANGE, 0 },
	{ "307445734561825861m", -ERANGE, 0 },
	{ "000000000000000000000000000001", -ERANGE, 0 },
	{ "", -EINVAL, 0 },
	{ "h", -EINVAL, 0 },
	{ "2 h", -EINVAL, 0 },
	{ "2hh", -EINVAL, 0 },
	{ "2w", -EINVAL, 0 },
	{ "-1", -EINVAL, 0 },
	{ "+1", -EINVAL, 0 },
	{ " 1", -EINVAL, 0 },
	{ "1.5h", -EINVAL, 0 },
	{ "0x10", -EINVAL, 0 },
};

START_TEST(a_duration_is_a_number_and_a_unit)
{
	uint64_t seconds = 42;

	ck_assert_msg(ctl_duration(durations[_i].text, &seconds) == durations[_i].result, "%s",
		      durations[_i].text);
	if (durations[_i].result == 0)
		ck_assert_uint_eq(seconds, durations[_i].seconds);
}
END_TEST

static const struct {
	double kib;
	const char *shown;
} sizes[] = {
	{ 0, "0 KiB" },         { 1023, "1023 KiB" },
	{ 1023.6, "1.0 MiB" },  { 1024, "1.0 MiB" },
	{ 102348, "99.9 MiB" }, { 102400, "100 MiB" },
	{ 1048064, "1.0 GiB" }, { 1e30, "1000000000000000 PiB" },
	{ -2048, "-2.0 MiB" },  { (double)NAN, "-" },
};

START_TEST(a_size_has_three_digits_and_a_unit)
{
	ck_assert_str_eq(show_kib(sizes[_i].kib).text, sizes[_i].shown);
}
END_TEST

static const struct {
	double seconds;
	const char *shown;
} times[] = {
	{ -3, "0.0 s" },
	{ 1.25, "1.2 s" },
	{ 9.96, "10 s" },
	{ 119, "119 s" },
	{ 120, "2 min" },
	{ 7199, "119 min" },
	{ 7200, "2 h" },
	{ 172799, "47 h 59 min" },
	{ 172800, "2 d 0 h" },
	{ (double)NAN, "-" },
	{ 1e300, "11574074 d 1 h" },
};

START_TEST(a_time_has_two_units_at_most)
{
	ck_assert_str_eq(show_seconds(times[_i].seconds).text, times[_i].shown);
}
END_TEST

START_TEST(a_moment_that_is_none_is_a_dash)
{
	ck_assert_int_eq(setenv("TZ", "UTC", 1), 0);
	ck_assert_str_eq(show_time(1763000000.9, TIME_SORTABLE).text, "2025-11-13 02:13:20");
	ck_assert_str_eq(show_time((double)NAN, TIME_SORTABLE).text, "-");
	ck_assert_str_eq(show_time(1e300, TIME_SORTABLE).text, "-");
	ck_assert_str_eq(show_time(-1e300, TIME_SORTABLE).text, "-");
}
END_TEST

START_TEST(bars_go_from_zero_to_the_largest_value)
{
	const double values[] = { 0, 1, 3.5, 7, (double)NAN, -1, (double)INFINITY };
	char bars[3 * KT_ARRAY_LEN(values) + 1];

	sparkline(values, KT_ARRAY_LEN(values), false, bars);
	ck_assert_str_eq(bars, "_.=# _ ");
	sparkline(values, 4, true, bars);
	ck_assert_str_eq(bars, "▁▂▅█");
	sparkline(values, 1, false, bars);
	ck_assert_str_eq(bars, "_");
	sparkline(values, 0, false, bars);
	ck_assert_str_eq(bars, "");
}
END_TEST

/* Words of a command line; what options_parse() says to it. */
static const struct {
	const char *words[5];
	int status;
} lines[] = {
	{ { "ctl", "status" }, -1 },
	{ { "ctl", "status", "--json", "-q" }, -1 },
	{ { "ctl", "--color=never", "status" }, -1 },
	{ { "ctl", "--color=sometimes" }, EXIT_USAGE },
	{ { "ctl", "--nonsense" }, EXIT_USAGE },
	{ { "ctl", "-x" }, EXIT_USAGE },
	{ { "ctl", "--for" }, EXIT_USAGE },
	{ { "ctl", "--for=0" }, EXIT_USAGE },
	{ { "ctl", "--for=2h" }, -1 },
	{ { "ctl", "-n", "0" }, EXIT_USAGE },
	{ { "ctl", "-n", "-1" }, EXIT_USAGE },
	{ { "ctl", "-d", "x" }, EXIT_USAGE },
	{ { "ctl", "--json=yes" }, EXIT_USAGE },
};

START_TEST(an_option_is_right_or_a_usage_error)
{
	struct options o;
	char *words[5];
	int n = 0;

	ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr));
	for (; n < 5 && lines[_i].words[n]; n++)
		words[n] = strdup(lines[_i].words[n]);
	optind = 0;
	ck_assert_int_eq(options_parse(n, words, &o), lines[_i].status);
	while (n > 0)
		free(words[--n]);
}
END_TEST

START_TEST(each_option_of_a_verb_is_noted)
{
	char words[][20] = { "ctl", "pause", "--for", "15m", "--guest", "ksm", "--quiet" };
	char *argv[8] = { words[0], words[1], words[2], words[3], words[4], words[5], words[6] };
	struct options o;

	optind = 0;
	ck_assert_int_eq(options_parse(7, argv, &o), -1);
	ck_assert_uint_eq(o.given, OPTION_FOR | OPTION_GUEST);
	ck_assert_uint_eq(o.for_s, 900);
	ck_assert(o.quiet && o.legend && !o.json);
	ck_assert_str_eq(argv[optind], "pause");
	ck_assert_str_eq(argv[optind + 1], "ksm");
	ck_assert(!ctl_is_loop(&o, "ksm"));
	o.given = 0;
	ck_assert(ctl_is_loop(&o, "ksm") && !ctl_is_loop(&o, "ksm2"));
}
END_TEST

START_TEST(a_file_is_replaced_whole_or_stays)
{
	char folder[] = "/tmp/kt-ctl-XXXXXX", path[64], read_back[16];
	struct stat is;
	FILE *file;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof path, "%s/metrics", folder);
	ck_assert_int_eq(ctl_write_file(path, "old", 3), 0);
	ck_assert_int_eq(ctl_write_file(path, "newer", 5), 0);
	ck_assert_int_eq(stat(path, &is), 0);
	ck_assert_uint_eq(is.st_mode & 07777, 0644);
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(fgets(read_back, sizeof read_back, file));
	fclose(file);
	ck_assert_str_eq(read_back, "newer");
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(ctl_write_file(path, "x", 1), -EISDIR);
	ck_assert_int_eq(rmdir(path), 0);
	/* Nothing temporary is left. */
	ck_assert_int_eq(rmdir(folder), 0);
	ck_assert_int_eq(ctl_write_file(path, "x", 1), -ENOENT);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ctl_say");
	TCase *t = tcase_create("what is shown");

	tcase_add_loop_test(t, a_duration_is_a_number_and_a_unit, 0, (int)KT_ARRAY_LEN(durations));
	tcase_add_loop_test(t, a_size_has_three_digits_and_a_unit, 0, (int)KT_ARRAY_LEN(sizes));
	tcase_add_loop_test(t, a_time_has_two_units_at_most, 0, (int)KT_ARRAY_LEN(times));
	tcase_add_test(t, a_moment_that_is_none_is_a_dash);
	tcase_add_test(t, bars_go_from_zero_to_the_largest_value);
	tcase_add_loop_test(t, an_option_is_right_or_a_usage_error, 0, (int)KT_ARRAY_LEN(lines));
	tcase_add_test(t, each_option_of_a_verb_is_noted);
	tcase_add_test(t, a_file_is_replaced_whole_or_stays);
	suite_add_tcase(s, t);
	return kt_run(s);
}
