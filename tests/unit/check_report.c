/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is the page right for every answer, and is nothing on it markup that should be text? */
#include <errno.h>

#include "report_fixture.h"
#include "report_html.h"
#include "report_unit.h"

static char *written(void (*write)(FILE *to))
{
	char *text = NULL;
	size_t bytes;
	FILE *to = open_memstream(&text, &bytes);

	ck_assert_ptr_nonnull(to);
	write(to);
	ck_assert_int_eq(fclose(to), 0);
	return text;
}

static void write_all_conversions(FILE *to)
{
	html(to, "<b title=\"%s\">%d %zu %.2f %.0f %%</b>%s|%f %.1f", "<>&'\"\n\x7f\xc3", -3,
	     (size_t)7, 1.255, 2.5, "x", 0.0 / 0.0, 1.0 / 0.0);
}

START_TEST(what_comes_in_is_text)
{
	KT_AUTOFREE char *text = written(write_all_conversions);

	ck_assert_str_eq(text, "<b title=\"&lt;&gt;&amp;&#39;&quot;&#xfffd;&#xfffd;&#xfffd;\">-3 7 "
			       "1.25 2 %</b>x|0.000000 0.0");
}
END_TEST

START_TEST(the_whole_page_is_there_and_always_the_same)
{
	struct report report = report_new(status_text, history_text, decisions_text);
	KT_AUTOFREE char *page = report_page(&report), *again = report_page(&report);

	ck_assert_str_eq(page, again);
	ck_assert(strncmp(page, "<!DOCTYPE html>", 15) == 0);
	ck_assert(strcmp(page + strlen(page) - 8, "</html>\n") == 0);
	/* nodes, spread, marks, five plots, locality */
	ck_assert_uint_eq(occurrences(page, "<svg "), 9);
	ck_assert_uint_eq(occurrences(page, "<svg "), occurrences(page, "</desc>"));
	ck_assert_uint_eq(occurrences(page, "<table"), occurrences(page, "<caption>"));
	ck_assert_ptr_nonnull(strstr(page, "<li>libvirt is slow</li>"));
	ck_assert_ptr_nonnull(strstr(page, "the host lacks 7 KiB"));
	ck_assert_ptr_nonnull(strstr(page, "(not done, only observed) home is node 0"));
	ck_assert_ptr_nonnull(strstr(page, "moving memory of web, 10 KiB so far"));
	ck_assert_ptr_nonnull(strstr(page, "The last 6 min"));
	report_done(&report);
}
END_TEST

START_TEST(names_are_text)
{
	struct report report = report_new(status_text, history_text, decisions_text);
	KT_AUTOFREE char *page = report_page(&report);

	ck_assert_ptr_nonnull(strstr(page, "<th scope=\"row\">we&amp;b</th>"));
	ck_assert_ptr_nonnull(strstr(page, "&lt;db&gt;"));
	ck_assert_ptr_null(strstr(page, "<db>"));
	ck_assert_ptr_null(strstr(page, "we&b"));
	report_done(&report);
}
END_TEST

/* Of the first node a fifth is free, the guest has two fifths, the host two. */
START_TEST(memory_is_drawn_to_scale_where_it_is)
{
	struct report report = report_new(status_text, history_text, decisions_text);
	KT_AUTOFREE char *page = report_page(&report);

	ck_assert_ptr_nonnull(strstr(page, "\"piece unused\" x=\"0.0\" y=\"72.0\" "
					   "width=\"512.0\" height=\"44.0\""));
	ck_assert_ptr_nonnull(strstr(page, "\"piece home\" x=\"0.0\" y=\"116.0\" "
					   "width=\"512.0\" height=\"88.0\""));
	ck_assert_ptr_nonnull(strstr(page, "\"piece host\" x=\"0.0\" y=\"204.0\" "
					   "width=\"512.0\" height=\"88.0\""));
	ck_assert_uint_eq(occurrences(page, "\"piece home\""), 1);
	ck_assert_uint_eq(occurrences(page, "\"piece away\" x=\"528.0\""), 1);
	ck_assert_ptr_nonnull(strstr(page, "is: 1 running guests"));
	report_done(&report);
}
END_TEST

START_TEST(the_browser_is_told_to_load_and_run_nothing)
{
	struct report report = report_new(status_text, history_text, decisions_text);
	KT_AUTOFREE char *page = report_page(&report);

	ck_assert_ptr_nonnull(strstr(page, "content=\"default-src 'none'; style-src "));
	ck_assert_ptr_null(strstr(page, "<script"));
	ck_assert_ptr_null(strstr(page, "http:"));
	ck_assert_ptr_null(strstr(page, "https:"));
	ck_assert_ptr_null(strstr(page, "@import"));
	report_done(&report);
}
END_TEST

START_TEST(a_daemon_that_has_just_started_has_nothing_to_plot)
{
	struct report report = report_new("{'unix_s':" REPORT_NOW "}", "{'points':[]}", "{}");
	KT_AUTOFREE char *page = report_page(&report);

	ck_assert_ptr_nonnull(strstr(page, "nothing to plot yet"));
	ck_assert_ptr_nonnull(strstr(page, "No guest is running"));
	ck_assert_ptr_nonnull(strstr(page, "Nothing was decided"));
	ck_assert_ptr_nonnull(strstr(page, "host's nodes yet"));
	ck_assert_uint_eq(occurrences(page, "<svg "), 0);
	report_done(&report);
}
END_TEST

START_TEST(an_answer_without_the_time_is_refused)
{
	static const char *const times[] = { "{}", "{'unix_s':-1}", "{'unix_s':1e300}",
					     "{'unix_s':'1'}", "{'unix_s':null}" };
	struct report report = report_new(times[_i], "{}", "{}");
	KT_AUTOFCLOSE FILE *to = fopen("/dev/null", "w");

	ck_assert_int_eq(report_write(&report, to), -EBADMSG);
	report_done(&report);
}
END_TEST

static char *page_of_history(const char *history)
{
	struct report report = report_new(status_text, history, "{}");
	char *page = report_page(&report);

	report_done(&report);
	return page;
}

#define POINT(at, value) "{'unix_s':" at ",'price':" value "}"

/* How often the pen is put down for the price, and whether a point stands alone. */
static const struct {
	const char *name, *points;
	size_t stretches, alone;
} gaps[] = {
	{ "no gap", POINT("1763757060", "0.1") "," POINT("1763757120", "0.2"), 1, 0 },
	{ "null",
	  POINT("1763757060", "0.1") "," POINT("1763757120", "null") "," POINT("1763757180", "0.2"),
	  2, 2 },
	{ "of another type", POINT("1763757060", "0.1") "," POINT("1763757120", "'x'"), 1, 1 },
	{ "just no gap in time", POINT("1763757060", "0.1") "," POINT("1763757210", "0.2"), 1, 0 },
	{ "a gap in time",
	  POINT("1763757001", "0") "," POINT("1763757002", "0") "," POINT(
		  "1763757003", "0") "," POINT("1763757154", "0.2"),
	  2, 1 },
	{ "not quite a gap in time",
	  POINT("1763757001", "0") "," POINT("1763757002", "0") "," POINT(
		  "1763757003", "0") "," POINT("1763757153", "0.2"),
	  1, 0 },
	{ "a clock that was set back leaves what came after",
	  POINT("1763757120", "0.1") "," POINT("1763757180", "null") "," POINT(
		  "1763757060", "0.2") "," POINT("1763757120", "0.3"),
	  1, 0 },
	{ "before and after the time that is shown",
	  POINT("1", "0.1") "," POINT("1763757060", "0.1") "," POINT("1763757120", "0.2") "," POINT(
		  "1763759999", "0.3"),
	  1, 0 },
};

START_TEST(what_is_not_known_is_a_gap)
{
	char history[1024];
	KT_AUTOFREE char *page = NULL;

	(void)snprintf(history, sizeof history, "{'points':[%s]}", gaps[_i].points);
	page = page_of_history(history);
	ck_assert_msg(occurrences(page, "class=\"line blue\"") == gaps[_i].stretches, "%s: %zu",
		      gaps[_i].name, occurrences(page, "class=\"line blue\""));
	ck_assert_msg(occurrences(page, "h0\"") == gaps[_i].alone, "%s: %zu", gaps[_i].name,
		      occurrences(page, "h0\""));
}
END_TEST

static const char *const strange[] = {
	"null", "true", "-1", "1e308", "1e999", "'<i>'", "[]", "[[1],{},null]", "{}", "{'0':{}}",
};

/* Each member and element in turn becomes something else, as deep as there are any. */
static size_t try_all(const struct report *report, struct json_object *in);

static void try_page(const struct report *report)
{
	KT_AUTOFREE char *page = NULL;
	size_t bytes;
	FILE *to = open_memstream(&page, &bytes);
	int r = report_write(report, to);

	ck_assert(r == 0 || r == -EBADMSG);
	ck_assert_int_eq(fclose(to), 0);
	ck_assert_ptr_null(strstr(page, "<i>"));
	ck_assert_msg(!strstr(page, "nan") && !strstr(page, "\"inf") && !strstr(page, "\"-inf"),
		      "a number that is none");
}

static size_t try_member(const struct report *report, struct json_object *in, const char *key)
{
	struct json_object *was = json_object_get(get_member(in, key));
	size_t tries = was ? try_all(report, was) : 0;

	for (size_t i = 0; i < KT_ARRAY_LEN(strange); i++, tries++) {
		json_object_object_add(in, key, report_json(strange[i]));
		try_page(report);
	}
	json_object_object_add(in, key, was);
	return tries;
}

static size_t try_element(const struct report *report, struct json_object *in, size_t index)
{
	struct json_object *was = json_object_get(array_element(in, index));
	size_t tries = was ? try_all(report, was) : 0;

	for (size_t i = 0; i < KT_ARRAY_LEN(strange); i++, tries++) {
		json_object_array_put_idx(in, index, report_json(strange[i]));
		try_page(report);
	}
	json_object_array_put_idx(in, index, was);
	return tries;
}

static size_t try_all(const struct report *report, struct json_object *in)
{
	size_t tries = 0;

	if (json_object_is_type(in, json_type_array)) {
		for (size_t i = 0; i < array_length(in); i++)
			tries += try_element(report, in, i);
	} else if (json_object_is_type(in, json_type_object)) {
		struct json_object *keys = json_object_new_array();

		json_object_object_foreach(in, key, value)
		{
			(void)value;
			json_object_array_add(keys, json_object_new_string(key));
		}
		for (size_t i = 0; i < array_length(keys); i++)
			tries += try_member(report, in,
					    json_object_get_string(array_element(keys, i)));
		json_object_put(keys);
	}
	return tries;
}

START_TEST(no_shape_of_an_answer_breaks_the_page)
{
	struct report report = report_new(status_text, history_text, decisions_text);
	size_t tries = try_all(&report, report.status) + try_all(&report, report.history) +
		       try_all(&report, report.decisions);
	KT_AUTOFREE char *page = report_page(&report);

	ck_assert_uint_gt(tries, 1000);
	ck_assert_uint_eq(occurrences(page, "<svg "), 9); /* all is as it was */
	report_done(&report);
}
END_TEST

static char *many_decisions(size_t count)
{
	char *text = NULL;
	size_t bytes;
	FILE *to = open_memstream(&text, &bytes);

	ck_assert_ptr_nonnull(to);
	fputs("{'decisions':[", to);
	for (size_t i = 1; i <= count; i++)
		fprintf(to, "%s{'unix_s':%zu,'level':'info','loop':'ksm','message':'number %zu.'}",
			i > 1 ? "," : "", 1763757000 + i, i);
	fputs("]}", to);
	ck_assert_int_eq(fclose(to), 0);
	return text;
}

START_TEST(the_table_has_the_last_200_decisions_and_the_marks_all)
{
	KT_AUTOFREE char *decisions = many_decisions(201);
	struct report report = report_new(status_text, history_text, decisions);
	KT_AUTOFREE char *page = report_page(&report);
	const char *table = strstr(page, "class=\"decisions\"");

	ck_assert_ptr_nonnull(table);
	ck_assert_uint_eq(occurrences(page, "class=\"mark "), 201);
	ck_assert_ptr_nonnull(strstr(page, "number 1.</title>"));
	ck_assert_ptr_null(strstr(table, "number 1."));
	ck_assert_ptr_nonnull(strstr(table, "number 2."));
	ck_assert(strstr(table, "number 201.") < strstr(table, "number 200."));
	report_done(&report);
}
END_TEST

static char *history_of_guests(size_t count)
{
	char *text = NULL;
	size_t bytes;
	FILE *to = open_memstream(&text, &bytes);

	ck_assert_ptr_nonnull(to);
	fputs("{'points':[" POINT("1763757060", "0") "," POINT("1763757120", "0") "],'guests':[",
	      to);
	for (size_t i = 0; i < count; i++)
		fprintf(to, "%s{'name':'guest-%zu','local_percent':[%zu,%zu]}", i ? "," : "", i,
			100 - i, 100 - i);
	fputs("]}", to);
	ck_assert_int_eq(fclose(to), 0);
	return text;
}

/* Lines, strips, and the worst strips only. */
static const struct {
	size_t guests, strips;
	const char *has, *has_not;
} localities[] = {
	{ 8, 0, "guest-7 <tspan", "on average" },
	{ 9, 9, "guest-0: 100 % on average", "Not shown" },
	{ 60, 60, "guest-0: 100 % on average", "Not shown" },
	{ 61, 60, "Not shown: 1 more, on average at least 100 %.", "guest-0: " },
};

START_TEST(locality_is_shown_for_few_and_for_many)
{
	KT_AUTOFREE char *history = history_of_guests(localities[_i].guests);
	KT_AUTOFREE char *page = page_of_history(history);

	ck_assert_uint_eq(occurrences(page, "% on average</title>"), localities[_i].strips);
	ck_assert_ptr_nonnull(strstr(page, localities[_i].has));
	ck_assert_ptr_null(strstr(page, localities[_i].has_not));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("report");
	TCase *t = tcase_create("report");

	setenv("TZ", "UTC", 1);
	tcase_add_test(t, what_comes_in_is_text);
	tcase_add_test(t, the_whole_page_is_there_and_always_the_same);
	tcase_add_test(t, names_are_text);
	tcase_add_test(t, memory_is_drawn_to_scale_where_it_is);
	tcase_add_test(t, the_browser_is_told_to_load_and_run_nothing);
	tcase_add_test(t, a_daemon_that_has_just_started_has_nothing_to_plot);
	tcase_add_loop_test(t, an_answer_without_the_time_is_refused, 0, 5);
	tcase_add_loop_test(t, what_is_not_known_is_a_gap, 0, KT_ARRAY_LEN(gaps));
	tcase_add_test(t, no_shape_of_an_answer_breaks_the_page);
	tcase_add_test(t, the_table_has_the_last_200_decisions_and_the_marks_all);
	tcase_add_loop_test(t, locality_is_shown_for_few_and_for_many, 0, KT_ARRAY_LEN(localities));
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	return kt_run(s);
}
