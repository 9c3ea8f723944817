/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is what is allowed and cannot be meant told, and only that? */
#include <errno.h>

#include "conf_check.h"
#include "conf_fixture.h"

/* On a host with CPUs 0-3.  A row without a text says nothing. */
static const struct {
	const char *name, *text, *says;
} rows[] = {
	{ "nothing set", "", NULL },
	{ "no gap between prices", "[memory]\ncalm_price = 80\n",
	  ":2: [memory] calm_price is squeeze_price (80): " },
	{ "no gap, the other is set", "[memory]\n\nsqueeze_price = 50\n",
	  ":3: [memory] calm_price is squeeze_price (50): " },
	{ "a gap of one", "[memory]\ncalm_price = 79\n", NULL },
	{ "no gap between percents", "[ksm]\nplenty_percent = 10\n",
	  ":2: [ksm] short_percent is plenty_percent (10): " },
	{ "a gap of one percent", "[ksm]\nplenty_percent = 11\n", NULL },

	{ "of ksmtuned, with auto", "[ksm]\nboost_pages = 5\n",
	  ":2: [ksm] boost_pages has no effect with policy = auto, only with ksmtuned or "
	  "ksmtuned-original" },
	{ "of ksmtuned, with it", "[ksm]\npolicy = ksmtuned\nboost_pages = 5\nmin_pages = 6\n",
	  NULL },
	{ "of ksmtuned, with its original", "[ksm]\npolicy = ksmtuned-original\nsleep_ms = 5\n",
	  NULL },
	{ "of auto, with ksmtuned", "[ksm]\npolicy = ksmtuned\nsettle_s = 5\n",
	  ":3: [ksm] settle_s has no effect with policy = ksmtuned, only with auto" },
	{ "of auto, with it", "[ksm]\nsettle_s = 5\nmerge = always\nsweep_min_s = 50\n", NULL },
	{ "of any, off", "[ksm]\npolicy = off\nmax_cpu_percent = 5\n",
	  ":3: [ksm] max_cpu_percent has no effect with policy = off" },
	{ "percents are of the price as well", "[ksm]\npolicy = off\nplenty_percent = 50\n", NULL },
	{ "budget of nothing", "[placement]\nmemory = leave\nmove_mib_per_s = 5\n",
	  ":3: [placement] move_mib_per_s has no effect with memory = leave, only with move" },
	{ "budget", "[placement]\nmove_mib_per_s = 5\n", NULL },
	{ "overhead of nobody", "[memory]\nrunaway = off\noverhead_mib = 5\n",
	  ":3: [memory] overhead_mib has no effect with runaway = off, only with warn or limit" },

	{ "no CPU is left", "[placement]\nreserved_cpus = 0-3\n",
	  ":2: [placement] reserved_cpus leaves guests none of this host's CPUs (0-3)" },
	{ "no CPU is left, and more are reserved", "[placement]\nreserved_cpus = 0-8\n",
	  "leaves guests none" },
	{ "one CPU is left", "[placement]\nreserved_cpus = 0-2\n", NULL },
	{ "a CPU that is not there", "[placement]\nreserved_cpus = 0,4\n",
	  ":2: [placement] reserved_cpus: this host has no CPU 4, or it is offline" },

	{ "a name that cannot be", "[domain \"web/*\"]\nksm = off\n",
	  ":1: [domain \"web/*\"] matches no guest: libvirt allows no / in names" },
	{ "hostile names are escaped", "[domain \"\xff\\/\"]\nksm = off\n",
	  "[domain \"\\xff\\x5c/\"] matches no guest" },
	{ "said again",
	  "[domain \"web\"]\nksm = off\n[domain \"db\"]\nksm = off\n"
	  "[domain \"web\"]\nksm = on\n",
	  ":1: [domain \"web\"] has no effect: [domain \"web\"] (" },
	{ "said again for all", "[domain \"w?b\"]\nksm = off\n[domain \"*\"]\nksm = on\n",
	  ":1: [domain \"w?b\"] has no effect: [domain \"*\"] (" },
	{ "said again by a beginning",
	  "[domain \"web-0*\"]\nksm = off\n[domain \"web-*\"]\nksm = on\n",
	  ":1: [domain \"web-0*\"] has no effect" },
	{ "a plain name, said again by a pattern",
	  "[domain \"web\"]\nksm = off\n[domain \"w?b\"]\nksm = on\n",
	  ":1: [domain \"web\"] has no effect" },
	{ "said again by two together",
	  "[domain \"web\"]\nksm = off\nmemory = off\n[domain \"w*\"]\nksm = on\n[domain \"*\"]\n"
	  "memory = on\n",
	  ":1: [domain \"web\"] has no effect: [domain \"*\"] (" },
	{ "half of it said again",
	  "[domain \"web\"]\nksm = off\nmemory = off\n[domain \"*\"]\nksm = on\n", NULL },
	{ "an exception after the rule", "[domain \"*\"]\nksm = off\n[domain \"web\"]\nksm = on\n",
	  NULL },
	{ "patterns that overlap", "[domain \"web-*\"]\nksm = off\n[domain \"*-1\"]\nksm = on\n",
	  NULL },
	{ "a pattern that looks like a name of another",
	  "[domain \"w*\"]\nksm = off\n[domain \"w?\"]\nksm = on\n", NULL },
	{ "another beginning", "[domain \"w*\"]\nksm = off\n[domain \"web*\"]\nksm = on\n", NULL },

	{ "a switch of a loop that is off", "[memory]\nmode = off\n[domain \"web\"]\nmemory = on\n",
	  ":3: [domain \"web\"] memory = on has no effect: [memory] mode is off for all guests" },
	{ "placement by words", "[placement]\nmode = off\n[domain \"web\"]\nplacement = full\n",
	  ":3: [domain \"web\"] placement = full has no effect: [placement] mode is off" },
	{ "off twice", "[ksm]\nmode = off\n[domain \"web\"]\nksm = off\n", NULL },
	{ "on within observe", "[ksm]\nmode = observe\n[domain \"web\"]\nksm = on\n", NULL },
};

START_TEST(what_cannot_be_meant_is_told)
{
	const struct conf_host host = { .online.word = { 0xf } };
	const struct conf_source source = { .path = path, .must_exist = true };
	struct conf conf;
	struct conf_origins origins;

	write_file("k.conf", rows[_i].text);
	ck_assert_msg(conf_load_origins(&source, hear, NULL, &conf, &origins) == 0, "%s: %s",
		      rows[_i].name, complaints);
	conf_warn(&conf, &origins, &host, hear, NULL);
	ck_assert_msg(ncomplaints == (rows[_i].says ? 1 : 0), "%s: %s", rows[_i].name, complaints);
	ck_assert_msg(!rows[_i].says ||
			      (strstr(complaints, rows[_i].says) && strstr(complaints, path)),
		      "%s: %s", rows[_i].name, complaints);
}
END_TEST

START_TEST(the_hook_for_pins_that_travel_is_missed)
{
	struct conf_host host = { .online.word = { 0xf } };
	struct conf conf;
	struct conf_origins origins;
	const struct conf_source source = { .path = path, .must_exist = true };

	write_file("k.conf", "[placement]\n\nbackend = libvirt\n");
	ck_assert_int_eq(conf_load_origins(&source, hear, NULL, &conf, &origins), 0);
	conf_warn(&conf, &origins, NULL, hear, NULL);
	host.hooked = true;
	conf_warn(&conf, &origins, &host, hear, NULL);
	ck_assert_uint_eq(ncomplaints, 0);
	host.hooked = false;
	conf_warn(&conf, &origins, &host, hear, NULL);
	ck_assert_uint_eq(ncomplaints, 1);
	ck_assert_ptr_nonnull(strstr(complaints, "k.conf:3: [placement] backend = libvirt: "));
}
END_TEST

START_TEST(a_host_that_is_not_known_has_all_cpus)
{
	const struct conf_source source = { .path = path, .must_exist = true };
	struct conf conf;
	struct conf_origins origins;

	write_file("k.conf", "[placement]\nreserved_cpus = 0-1023\n");
	ck_assert_int_eq(conf_load_origins(&source, hear, NULL, &conf, &origins), 0);
	conf_warn(&conf, &origins, NULL, hear, NULL);
	ck_assert_msg(ncomplaints == 0, "%s", complaints);
}
END_TEST

START_TEST(doubts_of_a_drop_in_name_it)
{
	const struct conf_source source = { .path = path, .must_exist = true };
	struct conf conf;
	struct conf_origins origins;

	write_file("k.conf", "[domain \"web\"]\nksm = off\n");
	write_file("k.conf.d/1.conf", "\n[domain \"*\"]\nksm = on\n[ksm]\nboost_pages = 1\n");
	ck_assert_int_eq(conf_load_origins(&source, hear, NULL, &conf, &origins), 0);
	conf_warn(&conf, &origins, NULL, hear, NULL);
	ck_assert_uint_eq(ncomplaints, 2);
	ck_assert_ptr_nonnull(strstr(complaints, "k.conf.d/1.conf:5: [ksm] boost_pages"));
	ck_assert_ptr_nonnull(strstr(complaints, "k.conf:1: [domain \"web\"] has no effect"));
	ck_assert_ptr_nonnull(strstr(complaints, "k.conf.d/1.conf:2) comes later"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("conf warn");
	TCase *c = tcase_create("warn");

	tcase_add_checked_fixture(c, conf_setup, conf_teardown);
	tcase_add_loop_test(c, what_cannot_be_meant_is_told, 0, (int)KT_ARRAY_LEN(rows));
	tcase_add_test(c, the_hook_for_pins_that_travel_is_missed);
	tcase_add_test(c, a_host_that_is_not_known_has_all_cpus);
	tcase_add_test(c, doubts_of_a_drop_in_name_it);
	suite_add_tcase(s, c);
	return kt_run(s);
}
