/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Are the marks of axes round, and are areas to scale? */
#include <errno.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "kt_check.h"
#include "report_scale.h"
#include "report_treemap.h"
#include "report_unit.h"

static const struct {
	double low, high;
	unsigned int steps;
	struct scale wanted;
	int decimals;
} scales[] = {
	{ 0, 1, 2, { 0, 1, 0.5 }, 1 },
	{ 0, 10, 5, { 0, 10, 2 }, 0 },
	{ 0, 10.01, 5, { 0, 15, 5 }, 0 },
	{ 37, 100, 4, { 20, 100, 20 }, 0 },
	{ 40, 100, 4, { 40, 100, 20 }, 0 },
	{ 0, 163.2, 3, { 0, 200, 100 }, 0 },
	{ 0, 0.031, 3, { 0, 0.04, 0.02 }, 2 },
	{ -3, 3, 3, { -4, 4, 2 }, 0 },
	{ 5, 5, 2, { 5, 6, 0.5 }, 1 },
	{ 0, 0, 2, { 0, 1, 0.5 }, 1 },
	{ (double)NAN, (double)NAN, 2, { 0, 1, 0.5 }, 1 },
	{ 0, (double)INFINITY, 2, { 0, 1, 0.5 }, 1 },
};

START_TEST(marks_are_round_and_contain_all)
{
	struct scale scale = scale_around(scales[_i].low, scales[_i].high, scales[_i].steps);

	ck_assert_double_eq_tol(scale.low, scales[_i].wanted.low, 1e-9);
	ck_assert_double_eq_tol(scale.high, scales[_i].wanted.high, 1e-9);
	ck_assert_double_eq_tol(scale.step, scales[_i].wanted.step, 1e-9);
	ck_assert_int_eq(scale_decimals(&scale), scales[_i].decimals);
}
END_TEST

START_TEST(a_scale_of_any_numbers_has_few_marks)
{
	static const double numbers[] = { 0,    1e-300, 1e-9, 0.1,   1,      3,     1e9,
					  1e17, 1e18,   1e19, 1e308, -1e308, -1e-9, -7 };

	for (size_t i = 0; i < KT_ARRAY_LEN(numbers); i++) {
		for (size_t k = 0; k < KT_ARRAY_LEN(numbers); k++) {
			struct scale scale = scale_around(numbers[i], numbers[k], 3);
			double marks = (scale.high - scale.low) / scale.step;

			ck_assert_msg(marks >= 0.5 && marks < 8, "%g %g: %g", numbers[i],
				      numbers[k], marks);
			ck_assert(isfinite(scale_place(&scale, numbers[i], 0, 100)));
		}
	}
}
END_TEST

/* "20:40 20:50 .." of the marks from one time to the other. */
static void join_marks(double first_s, double last_s, char *buf, size_t size)
{
	struct time_axis axis;
	double at_s;

	buf[0] = '\0';
	ck_assert_int_eq(time_axis_between(first_s, last_s, &axis), 0);
	for (at_s = axis.first_s - 1; time_axis_next(&axis, at_s, &at_s);) {
		size_t used = strlen(buf);

		ck_assert(time_axis_has(&axis, at_s));
		(void)snprintf(buf + used, size - used, "%s%s", used ? " " : "",
			       show_time(at_s, TIME_MINUTE).text);
	}
}

static const struct {
	const char *zone;
	double first_s, last_s;
	const char *marks;
} times[] = {
	{ "UTC", 1763756160, 1763757360,
	  "20:16 20:18 20:20 20:22 20:24 20:26 20:28 20:30 20:32 "
	  "20:34 20:36" },
	{ "UTC", 1763757300, 1763757360, "20:35 20:36" },
	{ "UTC", 1763757350, 1763757350, "20:35" }, /* at least a minute */
	{ "UTC", 1763670960, 1763757360,
	  "22:00 00:00 02:00 04:00 06:00 08:00 10:00 12:00 14:00 "
	  "16:00 18:00 20:00" },
	{ "UTC", 1763152560, 1763757360,
	  "00:00 12:00 00:00 12:00 00:00 12:00 00:00 12:00 00:00 "
	  "12:00 00:00 12:00" },
	/* half an hour beside the others */
	{ "IST-5:30", 1763670960, 1763757360,
	  "04:00 06:00 08:00 10:00 12:00 14:00 16:00 18:00 "
	  "20:00 22:00 00:00 02:00" },
	/* an hour comes twice, in the night to 2025-10-26 */
	{ "CET-1CEST,M3.5.0,M10.5.0/3", 1761422400, 1761465600,
	  "22:00 23:00 00:00 01:00 02:00 02:00 03:00 04:00 05:00 06:00 07:00 08:00 09:00" },
};

START_TEST(marks_are_at_round_local_times)
{
	char marks[256];

	setenv("TZ", times[_i].zone, 1);
	tzset();
	join_marks(times[_i].first_s, times[_i].last_s, marks, sizeof marks);
	if (_i == 4) /* a week has both noons and midnights, or midnights only */
		ck_assert_msg(strncmp(marks, "00:00 ", 6) == 0, "%s", marks);
	else
		ck_assert_str_eq(marks, times[_i].marks);
}
END_TEST

START_TEST(no_axis_is_made_of_strange_times)
{
	static const double strange[][2] = { { -1, 5 },
					     { 5, 4 },
					     { 0, 1e11 },
					     { 0, 9 * 86400 },
					     { (double)NAN, 5 },
					     { 5, (double)NAN },
					     { 0, (double)INFINITY } };
	struct time_axis axis = { .step_s = -1 };

	ck_assert_int_eq(time_axis_between(strange[_i][0], strange[_i][1], &axis), -ERANGE);
	ck_assert_int_eq(axis.step_s, -1);
}
END_TEST

static void check_inside(const struct piece *piece, const struct box *box)
{
	ck_assert_double_ge(piece->box.x, box->x - 1e-6);
	ck_assert_double_ge(piece->box.y, box->y - 1e-6);
	ck_assert_double_le(piece->box.x + piece->box.width, box->x + box->width + 1e-6);
	ck_assert_double_le(piece->box.y + piece->box.height, box->y + box->height + 1e-6);
}

static void check_apart(const struct piece *a, const struct piece *b)
{
	ck_assert(a->box.x + a->box.width <= b->box.x + 1e-6 ||
		  b->box.x + b->box.width <= a->box.x + 1e-6 ||
		  a->box.y + a->box.height <= b->box.y + 1e-6 ||
		  b->box.y + b->box.height <= a->box.y + 1e-6);
}

START_TEST(pieces_are_to_scale_inside_and_apart)
{
	struct piece pieces[40];
	struct box box = { 10, 20, 300, 200 };
	size_t count = (size_t)_i;
	double sum = 0;

	for (size_t i = 0; i < count; i++) {
		pieces[i] = (struct piece){ .size = 1 + (double)(i * i * 37 % 101), .name = "x" };
		sum += pieces[i].size;
	}
	treemap_fill(pieces, count, box);
	for (size_t i = 0; i < count; i++) {
		check_inside(&pieces[i], &box);
		ck_assert_double_eq_tol(pieces[i].box.width * pieces[i].box.height,
					pieces[i].size / sum * 300 * 200, 1e-6);
		for (size_t k = 0; k < i; k++)
			check_apart(&pieces[i], &pieces[k]);
	}
}
END_TEST

START_TEST(four_alike_are_squares)
{
	struct piece pieces[] = { { .size = 1, .name = "d" },
				  { .size = 1, .name = "b" },
				  { .size = 1, .name = "a" },
				  { .size = 1, .name = "c" } };

	treemap_fill(pieces, 4, (struct box){ 0, 0, 100, 100 });
	for (size_t i = 0; i < 4; i++) {
		ck_assert_int_eq(pieces[i].name[0], 'a' + (int)i);
		ck_assert_double_eq_tol(pieces[i].box.width, 50, 1e-9);
		ck_assert_double_eq_tol(pieces[i].box.height, 50, 1e-9);
	}
}
END_TEST

static const struct {
	const char *list;
	unsigned int node;
	bool has;
} lists[] = {
	{ "0", 0, true },
	{ "0", 1, false },
	{ "0-2", 2, true },
	{ "0-2", 3, false },
	{ "0-1,3", 3, true },
	{ "0-1,3", 2, false },
	{ "10", 1, false },
	{ "", 0, false },
	{ "all", 0, false },
	{ "0,", 1, false },
	{ "-", 0, false },
	{ "1-", 0, false },
	{ "999999999999999999999", 0, false },
};

START_TEST(a_list_has_its_nodes)
{
	ck_assert_int_eq(report_list_has(lists[_i].list, lists[_i].node), lists[_i].has);
}
END_TEST

START_TEST(names_are_cut_where_they_do_not_fit)
{
	ck_assert_uint_eq(report_fits("web-01", 6), 6);
	ck_assert_uint_eq(report_fits("web-012", 6), 5);
	ck_assert_uint_eq(report_fits("web-012", 5.9), 0);
	ck_assert_uint_eq(report_fits("db", 2), 2);
	ck_assert_uint_eq(report_fits("db", -3), 0);
	ck_assert_str_eq(show_without_name("web: is at home", "web"), "is at home");
	ck_assert_str_eq(show_without_name("web-1: is at home", "web"), "web-1: is at home");
	ck_assert_str_eq(show_without_name(": is at home", ""), ": is at home");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("report_scale");
	TCase *t = tcase_create("report_scale");

	tcase_add_loop_test(t, marks_are_round_and_contain_all, 0, KT_ARRAY_LEN(scales));
	tcase_add_test(t, a_scale_of_any_numbers_has_few_marks);
	tcase_add_loop_test(t, marks_are_at_round_local_times, 0, KT_ARRAY_LEN(times));
	tcase_add_loop_test(t, no_axis_is_made_of_strange_times, 0, 7);
	tcase_add_loop_test(t, pieces_are_to_scale_inside_and_apart, 0, 40);
	tcase_add_test(t, four_alike_are_squares);
	tcase_add_loop_test(t, a_list_has_its_nodes, 0, KT_ARRAY_LEN(lists));
	tcase_add_test(t, names_are_cut_where_they_do_not_fit);
	suite_add_tcase(s, t);
	return kt_run(s);
}
