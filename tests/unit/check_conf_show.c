/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does --show-config print each value with the line that it comes from, and
 * --test-config end as scripts expect? */
#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <sysexits.h>

#include "conf_check.h"
#include "conf_fixture.h"

static char out[65536];

static int check_source(const struct conf_source *source, enum conf_show what)
{
	FILE *f = fmemopen(memset(out, 0, sizeof out), sizeof out, "w");
	int status = conf_check(source, folder, what, f);

	fclose(f);
	return status;
}

static int check(enum conf_show what)
{
	return check_source(&(struct conf_source){ .path = path, .must_exist = true }, what);
}

static void silent(const struct log_event *event, void *context)
{
	hear(event->message, context);
}

static void setup(void)
{
	conf_setup();
	log_set_sink(silent, NULL, LOG_LEVEL_INFO);
}

/* Two files, the second of which overrides. */
static void write_two_files(void)
{
	write_file("k.conf", "# c\n[ksm]\nmin_pages = 5\nmax_pages = 70\n\n"
			     "[domain \"web-*\"]\n# c\nplacement = cpu\nweight = 7\n");
	write_file("k.conf.d/10-a.conf", "[ksm]\nmin_pages = 6\n[domain \"d\xc3\xb6\"]\n"
					 "min_guarantee_mib = 3\nmemory = off\n");
}

static void KT_PRINTF(1, 2) prints(const char *fmt, ...)
{
	char line[512];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(line, sizeof line, fmt, args);
	va_end(args);
	ck_assert_msg(strstr(out, line), "lacks:\n%s\nin:\n%s", line, out);
}

START_TEST(each_value_has_the_line_that_it_comes_from)
{
	write_two_files();
	ck_assert_msg(check(CONF_SHOW_VALUES) == EXIT_SUCCESS, "%s", complaints);
	prints("\nksm.min_pages = 6                        # %s.d/10-a.conf:2\n", path);
	prints("\nksm.max_pages = 70                       # %s:4\n", path);
	prints("\nksm.boost_pages = 300                    # default\n");
	prints("\nplacement.reserved_cpus =                # default\n");
	prints("\n[domain \"web-*\"] placement = cpu         # %s:6\n", path);
	prints("\n[domain \"web-*\"] weight = 7              # %s:6\n", path);
	prints("\n[domain \"d\\xc3\\xb6\"] memory = off        # %s.d/10-a.conf:3\n", path);
	prints("\n[domain \"d\\xc3\\xb6\"] min_guarantee_mib = 3 # %s.d/10-a.conf:3\n", path);
	ck_assert_ptr_null(strstr(out, "] ksm = ")); /* no section sets it */
}
END_TEST

START_TEST(every_option_is_shown_once)
{
	const char *at = out;

	write_file("k.conf", "");
	ck_assert_int_eq(check(CONF_SHOW_VALUES), EXIT_SUCCESS);
	for (size_t i = 0; i < conf_noptions; i++) {
		char name[64];

		(void)snprintf(name, sizeof name, "%s.%s = ", conf_options[i].section,
			       conf_options[i].key);
		ck_assert_msg(strncmp(at, name, strlen(name)) == 0, "%s: %s", name, at);
		at = strchr(at, '\n') + 1;
	}
	ck_assert_str_eq(at, "");
}
END_TEST

static const char *member(struct json_object *o, const char *key)
{
	struct json_object *value;

	ck_assert_msg(json_object_object_get_ex(o, key, &value), "no %s", key);
	return value ? json_object_get_string(value) : "null";
}

static struct json_object *option(struct json_object *all, const char *section, const char *key)
{
	struct json_object *options = json_object_object_get(all, "options");

	ck_assert_uint_eq(json_object_array_length(options), conf_noptions);
	return json_object_array_get_idx(options, conf_option_find(section, key));
}

START_TEST(json_says_the_same)
{
	struct json_object *all, *o;

	write_two_files();
	ck_assert_int_eq(check(CONF_SHOW_JSON), EXIT_SUCCESS);
	all = json_tokener_parse(out);
	ck_assert_ptr_nonnull(all);
	ck_assert_str_eq(member(all, "schema"), "1");
	ck_assert_str_eq(member(all, "file"), path);
	o = option(all, "ksm", "min_pages");
	ck_assert_str_eq(member(o, "section"), "ksm");
	ck_assert_str_eq(member(o, "key"), "min_pages");
	ck_assert_str_eq(member(o, "value"), "6");
	ck_assert_str_eq(member(o, "standard"), "64");
	ck_assert_ptr_nonnull(strstr(member(o, "file"), "/k.conf.d/10-a.conf"));
	ck_assert_str_eq(member(o, "line"), "2");
	o = option(all, "ksm", "boost_pages");
	ck_assert_str_eq(member(o, "file"), "null");
	ck_assert_str_eq(member(o, "line"), "null");
	o = json_object_object_get(all, "domains");
	ck_assert_uint_eq(json_object_array_length(o), 2);
	o = json_object_array_get_idx(o, 0);
	ck_assert_str_eq(member(o, "glob"), "web-*");
	ck_assert_str_eq(member(o, "ksm"), "null");
	ck_assert_str_eq(member(o, "placement"), "cpu");
	ck_assert_str_eq(member(o, "weight"), "7");
	ck_assert_str_eq(member(o, "min_guarantee_mib"), "null");
	ck_assert_str_eq(member(o, "line"), "6");
	json_object_put(all);
}
END_TEST

START_TEST(json_has_the_warnings_as_well_as_the_log)
{
	struct json_object *all, *warnings;

	write_file("k.conf", "[memory]\ncalm_price = 80\n");
	ck_assert_int_eq(check(CONF_SHOW_JSON), EXIT_SUCCESS);
	ck_assert_uint_eq(ncomplaints, 1);
	all = json_tokener_parse(out);
	warnings = json_object_object_get(all, "warnings");
	ck_assert_uint_eq(json_object_array_length(warnings), 1);
	ck_assert_ptr_nonnull(strstr(json_object_get_string(json_object_array_get_idx(warnings, 0)),
				     "k.conf:2: "));
	json_object_put(all);
}
END_TEST

START_TEST(a_mistake_is_told_and_nothing_is_printed)
{
	write_file("k.conf", "[ksm]\nx = 1\nmin_pages = 0\n");
	ck_assert_int_eq(check((enum conf_show)_i), EX_CONFIG);
	ck_assert_uint_eq(ncomplaints, 2);
	ck_assert_ptr_nonnull(strstr(complaints, "k.conf:2: [ksm] x: unknown key"));
	ck_assert_ptr_nonnull(strstr(complaints, "k.conf:3: [ksm] min_pages"));
	ck_assert_str_eq(out, "");
}
END_TEST

START_TEST(the_verdict_is_one_line)
{
	char wanted[128];

	write_two_files();
	ck_assert_int_eq(check(CONF_SHOW_VERDICT), EXIT_SUCCESS);
	(void)snprintf(wanted, sizeof wanted, "%s: no mistakes\n", path);
	ck_assert_str_eq(out, wanted);
}
END_TEST

START_TEST(what_cannot_be_printed_is_a_failure)
{
	const struct conf_source source = { .path = path, .must_exist = true };
	FILE *full = fopen("/dev/full", "w");

	write_two_files();
	ck_assert_int_eq(conf_check(&source, folder, (enum conf_show)_i, full), EXIT_FAILURE);
	ck_assert_ptr_nonnull(strstr(complaints, "cannot be printed"));
	fclose(full);
}
END_TEST

START_TEST(cpus_of_the_host_are_those_below_its_root)
{
	char folders[256];

	(void)snprintf(folders, sizeof folders, "mkdir -p %s/sys/devices/system/cpu", folder);
	ck_assert_int_eq(system(folders), 0);
	write_file("sys/devices/system/cpu/online", "0-5\n");
	write_file("k.conf", "[placement]\nreserved_cpus = 0-5\n");
	ck_assert_int_eq(check(CONF_SHOW_VERDICT), EXIT_SUCCESS);
	ck_assert_ptr_nonnull(strstr(complaints, "none of this host's CPUs (0-5)"));
}
END_TEST

START_TEST(so_many_drop_ins_fit_and_one_more_does_not)
{
	char name[64];

	write_file("k.conf", "");
	for (int i = 1; i < CONF_FILES_MAX; i++) {
		(void)snprintf(name, sizeof name, "k.conf.d/%03d.conf", i);
		write_file(name, "[ksm]\nmin_pages = 6\n");
	}
	ck_assert_int_eq(check(CONF_SHOW_VALUES), EXIT_SUCCESS);
	prints("# %s.d/064.conf:2\n", path);
	write_file("k.conf.d/065.conf", "");
	ck_assert_int_eq(check(CONF_SHOW_VALUES), EX_CONFIG);
	ck_assert_msg(strstr(complaints, "065.conf: one too many; allowed: 64 drop-ins"), "%s",
		      complaints);
}
END_TEST

/* What is tried has 7 where the drop-ins 10-a, 50-b and 90-c have 1, 5 and 9; 90-c does not say
 * min_pages. */
static const struct {
	const char *name;
	unsigned int min_pages, boost_pages; /* in force then */
} tries[] = {
	{ "05-x.conf", 5, 9 }, { "50-a.conf", 5, 9 }, { "50-b.conf", 7, 9 },
	{ "50-c.conf", 7, 9 }, { "90-c.conf", 7, 7 }, { "99-x.conf", 7, 7 },
};

static int try_as(const char *name)
{
	char file[128];

	(void)snprintf(file, sizeof file, "%s/tried", folder);
	return check_source(&(struct conf_source){ path, true, file, name }, CONF_SHOW_VALUES);
}

START_TEST(a_drop_in_is_tried_in_the_place_of_its_name)
{
	write_file("k.conf", "");
	write_file("k.conf.d/10-a.conf", "[ksm]\nmin_pages = 1\nboost_pages = 1\n");
	write_file("k.conf.d/50-b.conf", "[ksm]\nmin_pages = 5\nboost_pages = 5\n");
	write_file("k.conf.d/90-c.conf", "[ksm]\nboost_pages = 9\n");
	write_file("tried", "[ksm]\nmin_pages = 7\nboost_pages = 7\n");
	ck_assert_msg(try_as(tries[_i].name) == EXIT_SUCCESS, "%s", complaints);
	prints("\nksm.min_pages = %u ", tries[_i].min_pages);
	prints("\nksm.boost_pages = %u ", tries[_i].boost_pages);
}
END_TEST

START_TEST(a_drop_in_is_tried_where_there_is_none)
{
	char drop_ins[128];

	write_file("k.conf", "");
	write_file("tried", "[ksm]\nmin_pages = 7\n");
	(void)snprintf(drop_ins, sizeof drop_ins, "%s.d", path);
	ck_assert_int_eq(rmdir(drop_ins), 0);
	ck_assert_msg(try_as("50-b.conf") == EXIT_SUCCESS, "%s", complaints);
	prints("\nksm.min_pages = 7                        # %s/tried:2\n", folder);
}
END_TEST

START_TEST(what_is_tried_is_judged_with_the_rest_and_without_what_it_replaces)
{
	write_file("k.conf", "[ksm]\nmax_pages = 70\n");
	write_file("k.conf.d/50-b.conf", "[ksm]\nwrong = 1\n");
	write_file("tried", "\n[ksm]\nmin_pages = 71\n");
	ck_assert_int_eq(try_as("50-b.conf"), EX_CONFIG);
	ck_assert_msg(ncomplaints == 1 &&
			      strstr(complaints, "/tried:3: [ksm] min_pages (71) is above"),
		      "%s", complaints);
}
END_TEST

START_TEST(only_names_that_are_read_can_be_tried)
{
	ck_assert(conf_is_drop_in_name("a.conf"));
	ck_assert(!conf_is_drop_in_name(".conf"));
	ck_assert(!conf_is_drop_in_name(".a.conf"));
	ck_assert(!conf_is_drop_in_name("a.conf~"));
	ck_assert(!conf_is_drop_in_name("../a.conf"));
	ck_assert(!conf_is_drop_in_name("b/a.conf"));
	ck_assert(!conf_is_drop_in_name(""));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("conf show");
	TCase *c = tcase_create("show");

	tcase_add_checked_fixture(c, setup, conf_teardown);
	tcase_add_test(c, each_value_has_the_line_that_it_comes_from);
	tcase_add_test(c, every_option_is_shown_once);
	tcase_add_test(c, json_says_the_same);
	tcase_add_test(c, json_has_the_warnings_as_well_as_the_log);
	tcase_add_loop_test(c, a_mistake_is_told_and_nothing_is_printed, 0, CONF_SHOW_JSON + 1);
	tcase_add_test(c, the_verdict_is_one_line);
	tcase_add_loop_test(c, what_cannot_be_printed_is_a_failure, 0, CONF_SHOW_JSON + 1);
	tcase_add_test(c, cpus_of_the_host_are_those_below_its_root);
	tcase_add_test(c, so_many_drop_ins_fit_and_one_more_does_not);
	tcase_add_loop_test(c, a_drop_in_is_tried_in_the_place_of_its_name, 0, KT_ARRAY_LEN(tries));
	tcase_add_test(c, a_drop_in_is_tried_where_there_is_none);
	tcase_add_test(c, what_is_tried_is_judged_with_the_rest_and_without_what_it_replaces);
	tcase_add_test(c, only_names_that_are_read_can_be_tried);
	suite_add_tcase(s, c);
	return kt_run(s);
}
