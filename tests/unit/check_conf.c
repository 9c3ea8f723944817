/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does every mistake in a configuration get its file, line and cure, and does
 * nothing wrong slip through? */
#include <errno.h>

#include "conf_fixture.h"
#include "standard_conf.h"

#define LONG_VALUE_190                                                                             \
	"0123456789012345678901234567890123456789012345678901234567890123456789"                   \
	"0123456789012345678901234567890123456789012345678901234567890123456789"                   \
	"01234567890123456789012345678901234567890123456789"

static const struct {
	const char *name, *text;
	unsigned int mistakes;
	const char *says; /* part of the complaint */
} bad[] = {
	{ "unknown section", "[deamon]\nmode = active\n", 1, ":1: [deamon]: unknown section" },
	{ "unknown key", "[ksm]\npages = 5\n", 1, ":2: [ksm] pages: unknown key" },
	{ "key before any section", "mode = active\n", 1, ":1: mode: before any [section]" },
	{ "bad word", "[daemon]\nmode = on\n", 1,
	  ":2: [daemon] mode: \\x22on\\x22 is not allowed; allowed: active, observe" },
	{ "empty word", "[daemon]\nlog_level =\n", 1, "allowed: error, warning" },
	{ "below the range", "[daemon]\ninterval_s = 0\n", 1, "a whole number from 1 to 3600" },
	{ "above the range", "[daemon]\ninterval_s = 3601\n", 1, "a whole number from 1 to 3600" },
	{ "not a number", "[ksm]\nboost_pages = many\n", 1, ":2: [ksm] boost_pages" },
	{ "negative", "[ksm]\ndecay_pages = -50\n", 1, ":2: [ksm] decay_pages" },
	{ "overflow", "[ksm]\nmax_pages = 99999999999999999999999\n", 1, ":2: [ksm] max_pages" },
	{ "given twice", "[ksm]\nmin_pages = 5\nmin_pages = 6\n", 1,
	  ":3: [ksm] min_pages: given twice" },
	{ "given twice, section opened again",
	  "[ksm]\nmin_pages = 5\n[memory]\n[ksm]\nmin_pages = 6\n", 1,
	  ":5: [ksm] min_pages: given twice" },
	{ "indented", "[ksm]\nmin_pages = 5\n  max_pages = 6\n", 1,
	  ":3: line begins with a blank" },
	{ "no equals sign", "[ksm]\nmin_pages\n", 1, ":2: neither [section]" },
	{ "open bracket", "[ksm\n", 1, ":1: section without closing bracket" },
	{ "an option behind its section", "[ksm] mode = off\n", 1,
	  ":1: [ksm]: text behind it; allowed: a comment" },
	{ "two brackets", "[ksm]]\n", 1, ":1: [ksm]: text behind it" },
	{ "keys below such a section", "[memory]\nmode = off\n[ksm] x\nmode = off\n", 1,
	  ":3: [ksm]: text behind it" },
	{ "bracket in a comment", "[memory]\n[ksm ;]\nmode = off\n", 1,
	  ":2: section without closing bracket before the comment" },
	{ "pattern with a comment", "[domain \"web ;1\"]\nksm = off\n", 1,
	  ":1: section without closing bracket before the comment" },
	{ "sign in a comment", "[ksm]\nmode ; = off\n", 1, ":2: neither [section]" },
	{ "comment that is none", "[daemon]\nlibvirt_uri = qemu:///system # mine\n", 1,
	  ":2: a comment behind a value begins with ;" },
	{ "byte order mark", "\xef\xbb\xbf[ksm]\nmode = off\n", 1, ":1: byte order mark" },
	{ "byte order mark, sign in a comment", "\xef\xbb\xbf[nosuch] ; a = b\n", 1,
	  ":1: byte order mark" },
	{ "carriage return that hides an indent", "[ksm]\n\rmode = off\n", 1,
	  ":2: control character" },
	{ "carriage return in the middle", "[ksm]\nmin_pages = 5\r;6\n", 1,
	  ":2: control character" },
	{ "too long", "[daemon]\nlibvirt_uri = " LONG_VALUE_190 "\n", 1, ":2: line too long" },
	{ "too long, tail looks like a section",
	  "[daemon]\n# 0123456789" LONG_VALUE_190 "[x]\nmode = x\n", 2, ":3: [daemon] mode" },
	{ "text too long for its field",
	  "[daemon]\nlibvirt_uri = "
	  "0123456789012345678901234567890123456789012345678901234567890123456789"
	  "0123456789012345678901234567890123456789012345678901234567890123456789"
	  "01234567890123456789\n",
	  1, "a text of 1 to 159 bytes" },
	{ "long section", "[domain \"01234567890123456789012345678901234567890\"]\nksm = off\n", 1,
	  ":1: section name too long" },
	{ "control character", "[ksm]\nmin_pages = 5\001\n", 1, ":2: control character" },
	{ "hostile bytes are escaped", "[ksm]\n\xff\"x = 1\n", 1, "\\xff\\x22x: unknown key" },
	{ "several mistakes", "[ksm]\nx = 1\nmin_pages = 0\n[y]\nz = 1\n", 3,
	  ":4: [y]: unknown section" },
	{ "min above max", "[ksm]\nmin_pages = 10\nmax_pages = 9\n", 1,
	  ":2: [ksm] min_pages (10) is above max_pages (9)" },
	{ "calm above squeeze", "[memory]\ncalm_price = 81\n", 1,
	  ":2: [memory] calm_price (81) is above squeeze_price (80)" },
	{ "squeeze below the default calm", "[memory]\nsqueeze_price = 49\n", 1,
	  ":2: [memory] calm_price (50) is above squeeze_price (49)" },
	{ "limits that are never set", "[memory]\nbackend = reclaim\nrunaway = limit\n", 1,
	  ":3: [memory] runaway = limit needs limits" },
	{ "a removed option", "[memory]\npressure_percent = 20\n", 1,
	  ":2: [memory] pressure_percent: unknown key" },
	{ "max below the default min", "[ksm]\nmax_pages = 10\n", 1,
	  ":2: [ksm] min_pages (64) is above max_pages (10)" },
	{ "unknown section without a key", "[plaecment]\n#mode = off\n", 1,
	  ":1: [plaecment]: unknown section" },
	{ "domain of the wrong form without a key", "[domain x]\n", 1, ":1: [domain x]: wanted" },
	{ "relative run_dir", "[daemon]\nrun_dir = run\n", 1,
	  ":2: [daemon] run_dir: \\x22run\\x22 is not allowed; allowed: an absolute path of at "
	  "most 159 bytes" },
	{ "metrics for everybody", "[metrics]\nlisten = 0.0.0.0:9177\n", 1,
	  "is not allowed; allowed: off, 127.0.0.1:PORT, [::1]:PORT" },
	{ "domain without quotes", "[domain web]\nksm = off\n", 1, "wanted [domain" },
	{ "domain without pattern", "[domain \"\"]\nksm = off\n", 1, "wanted [domain" },
	{ "domain, unknown key", "[domain \"w*\"]\npin = off\n", 1, "unknown key; allowed: ksm" },
	{ "domain, bad placement", "[domain \"w*\"]\nplacement = Cpu\n", 1,
	  "is not allowed; allowed: off, observe, cpu, full, on" },
	{ "domain, a word of placement", "[domain \"w*\"]\nmemory = full\n", 1,
	  "allowed: off, observe, on" },
	{ "domain, another", "[domain \"w*\"]\nksm = cpu\n", 1, "allowed: off, observe, on" },
	{ "domain, bad word", "[domain \"w*\"]\nksm = auto\n", 1, "allowed: off, observe, on" },
	{ "domain, bad weight", "[domain \"w*\"]\nweight = 1001\n", 1, "from 1 to 1000" },
	{ "domain, weight of nought", "[domain \"w*\"]\nweight = 0\n", 1, "from 1 to 1000" },
	{ "domain, bad guarantee", "[domain \"w*\"]\nmin_guarantee_mib = 1.5\n", 1,
	  ":2: [domain \\x22w*\\x22] min_guarantee_mib: \\x221.5\\x22 is not allowed" },
	{ "domain, guarantee of nought", "[domain \"w*\"]\nmin_guarantee_mib = 0\n", 1,
	  "from 1 to 1073741824" },
	{ "domain, more than 1 PiB", "[domain \"w*\"]\nmin_guarantee_mib = 1073741825\n", 1,
	  "from 1 to 1073741824" },
	{ "domain, guarantee given twice",
	  "[domain \"w*\"]\nmin_guarantee_mib = 5\nmin_guarantee_mib = 5\n", 1, "given twice" },
	{ "more than 1 PiB for all", "[memory]\nmin_guarantee_mib = 1073741825\n", 1,
	  "from 0 to 1073741824" },
	{ "domain, given twice", "[domain \"w*\"]\nksm = off\nksm = on\n", 1, ":3: [domain" },
};

START_TEST(mistakes_are_told_and_nothing_is_changed)
{
	struct conf conf;

	memset(&conf, 0x55, sizeof conf);
	ck_assert_msg(load(bad[_i].text, &conf) == -EINVAL, "%s: accepted", bad[_i].name);
	ck_assert_msg(ncomplaints == bad[_i].mistakes, "%s: %u mistakes: %s", bad[_i].name,
		      ncomplaints, complaints);
	ck_assert_msg(strstr(complaints, bad[_i].says) && strstr(complaints, path), "%s: %s",
		      bad[_i].name, complaints);
	ck_assert_uint_eq(conf.interval_s, UINT64_C(0x5555555555555555));
}
END_TEST

START_TEST(boundaries_are_allowed)
{
	struct conf conf;

	ck_assert_int_eq(load("[domain \"0123456789012345678901234567890123456789\"]\nksm = off\n"
			      "# 1234567" LONG_VALUE_190 "\n",
			      &conf),
			 0); /* 49 and 199 bytes */
	ck_assert_int_eq(load("# 12345678" LONG_VALUE_190 "\n", &conf), -EINVAL);

	ck_assert_int_eq(load("[daemon]\ninterval_s = 3600\n[ksm]\nmin_pages = 9\nmax_pages = 9\n"
			      "[memory]\ncalm_price = 80\n",
			      &conf),
			 0);
	ck_assert_uint_eq(conf.interval_s, 3600);
	ck_assert_uint_eq(conf.policy.ksm.max_pages, 9);
}
END_TEST

START_TEST(an_empty_file_means_the_defaults)
{
	struct conf conf, standard;

	conf_defaults(&standard);
	ck_assert_int_eq(load("", &conf), 0);
	ck_assert_mem_eq(&conf, &standard, sizeof conf);
	ck_assert_uint_eq(conf.policy.ksm.boost_pages, 300);
	ck_assert_int_eq(conf.log_level, LOG_LEVEL_INFO);
	ck_assert_int_eq(conf.policy.ksm.policy, KSM_POLICY_AUTO);
}
END_TEST

START_TEST(policies_are_tested_with_the_defaults)
{
	struct conf conf, standard;

	conf_defaults(&standard);
	conf = standard;
	conf.policy = standard_policy_conf();
	for (size_t i = 0; i < conf_noptions; i++) {
		const struct conf_option *o = &conf_options[i];
		const char *a = (const char *)&conf + o->offset;
		const char *b = (const char *)&standard + o->offset;
		size_t size = o->words ? sizeof(int) : sizeof(uint64_t);

		ck_assert_msg(o->is_text || memcmp(a, b, size) == 0, "[%s] %s", o->section, o->key);
	}
}
END_TEST

START_TEST(comments_blank_lines_and_spacing_are_fine)
{
	struct conf conf;

	ck_assert_int_eq(load("# c\n; c\n\n \t\n[daemon];c\n[ksm] # c [x]\r\n"
			      "min_pages=7 ; why\nmax_pages :   70\r\n"
			      "[placement]\nbackend = libvirt",
			      &conf),
			 0);
	ck_assert_uint_eq(conf.policy.ksm.min_pages, 7);
	ck_assert_uint_eq(conf.policy.ksm.max_pages, 70);
	ck_assert_int_eq(conf.policy.placement.backend, PLACEMENT_LIBVIRT);
}
END_TEST

START_TEST(drop_ins_win_in_the_order_of_their_names)
{
	struct conf conf;

	write_file("k.conf.d/20-b.conf", "[ksm]\nmin_pages = 20\n");
	write_file("k.conf.d/10-a.conf", "[ksm]\nmin_pages = 10\nmax_pages = 100\n");
	write_file("k.conf.d/30-c.conf.dpkg-old", "nonsense\n");
	write_file("k.conf.d/.40.conf", "nonsense\n");
	ck_assert_int_eq(load("[ksm]\nmin_pages = 5\n", &conf), 0);
	ck_assert_uint_eq(conf.policy.ksm.min_pages, 20);
	ck_assert_uint_eq(conf.policy.ksm.max_pages, 100);
}
END_TEST

START_TEST(a_mistake_in_a_drop_in_names_the_drop_in)
{
	struct conf conf;

	write_file("k.conf.d/10-a.conf", "\n[ksm]\nmin_pages = 2000\n");
	ck_assert_int_eq(load("", &conf), -EINVAL);
	ck_assert_ptr_nonnull(strstr(complaints, "k.conf.d/10-a.conf:3: [ksm] min_pages"));
}
END_TEST

START_TEST(a_contradiction_names_the_file_of_the_key_that_was_set)
{
	struct conf conf;

	write_file("k.conf.d/10-a.conf", "[daemon]\ninterval_s = 7\n");
	ck_assert_int_eq(load("\n[ksm]\nmax_pages = 10\n", &conf), -EINVAL);
	ck_assert_msg(strstr(complaints, "k.conf:3: [ksm] min_pages (64) is above"), "%s",
		      complaints);
}
END_TEST

START_TEST(a_missing_file_is_the_defaults_unless_it_was_asked_for)
{
	struct conf conf;

	ck_assert_int_eq(conf_load(path, false, hear, NULL, &conf), 0);
	ck_assert_uint_eq(ncomplaints, 0);
	ck_assert_int_eq(conf_load(path, true, hear, NULL, &conf), -ENOENT);
	ck_assert_uint_eq(ncomplaints, 1);
}
END_TEST

START_TEST(guests_get_what_the_last_matching_section_and_metadata_say)
{
	struct conf conf;
	struct guest_wish metadata = { .memory = GUEST_SWITCH_ON }, wish;

	ck_assert_int_eq(load("[domain \"web-*\"]\nplacement = off\nmemory = off\nweight = 5\n"
			      "[domain \"*-01\"]\nplacement = observe\n",
			      &conf),
			 0);
	wish = conf_guest_wish(&conf, "web-01", &metadata);
	ck_assert_int_eq(wish.placement, GUEST_SWITCH_OBSERVE);
	ck_assert_int_eq(wish.memory, GUEST_SWITCH_ON);
	ck_assert_int_eq(wish.ksm, GUEST_SWITCH_DEFAULT);
	ck_assert_uint_eq(wish.weight, 5);
	wish = conf_guest_wish(&conf, "db", &(struct guest_wish){ 0 });
	ck_assert_int_eq(wish.placement, GUEST_SWITCH_DEFAULT);
}
END_TEST

START_TEST(what_is_guaranteed_to_a_guest_is_its_metadatas_word_first)
{
	struct guest_wish metadata = { .min_guarantee_mib = 7 }, none = { 0 };
	struct conf conf;

	ck_assert_int_eq(load("[domain \"web-*\"]\nmin_guarantee_mib = 1073741824\n"
			      "[domain \"*\"]\nmemory = on\n",
			      &conf),
			 0);
	ck_assert_uint_eq(conf_guest_wish(&conf, "web-01", &none).min_guarantee_mib, 1073741824);
	ck_assert_uint_eq(conf_guest_wish(&conf, "web-01", &metadata).min_guarantee_mib, 7);
	ck_assert_uint_eq(conf_guest_wish(&conf, "db", &none).min_guarantee_mib, 0);
}
END_TEST

START_TEST(limits_may_be_wanted_for_runaways_only_where_there_are_limits)
{
	struct conf conf;

	ck_assert_int_eq(load("[memory]\nbackend = reclaim\nrunaway = warn\n", &conf), 0);
	ck_assert_int_eq(load("[memory]\nbackend = auto\nrunaway = limit\n", &conf), 0);
	ck_assert_int_eq(conf.policy.memory.runaway, RUNAWAY_LIMIT);
}
END_TEST

START_TEST(placement_has_words_of_its_own)
{
	struct guest_wish none = { 0 };
	struct conf conf;

	ck_assert_int_eq(load("[domain \"a\"]\nplacement = cpu\n[domain \"b\"]\nplacement = full\n"
			      "[domain \"c\"]\nplacement = on\n",
			      &conf),
			 0);
	ck_assert_int_eq(conf_guest_wish(&conf, "a", &none).placement, GUEST_SWITCH_CPU);
	ck_assert_int_eq(conf_guest_wish(&conf, "b", &none).placement, GUEST_SWITCH_FULL);
	ck_assert_int_eq(conf_guest_wish(&conf, "c", &none).placement, GUEST_SWITCH_ON);
}
END_TEST

START_TEST(sixty_four_domain_sections_fit_and_one_more_does_not)
{
	char text[8192] = "";
	struct conf conf;

	for (int i = 0; i < CONF_RULES_MAX; i++)
		(void)snprintf(text + strlen(text), 64, "[domain \"g%d\"]\nksm = off\n", i);
	ck_assert_int_eq(load(text, &conf), 0);
	strcat(text, "[domain \"one-more\"]\nksm = off\n");
	ck_assert_int_eq(load(text, &conf), -EINVAL);
}
END_TEST

START_TEST(the_shipped_file_lists_every_option_with_its_default)
{
	char wanted[16384] = "", shipped[16384] = "";
	FILE *f = fmemopen(wanted, sizeof wanted, "w");

	conf_write_template(f);
	fclose(f);
	f = fopen(KT_TESTS_DIR "/../conf/kvmtuned.conf", "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_gt(fread(shipped, 1, sizeof shipped - 1, f), 0);
	fclose(f);
	ck_assert_str_eq(shipped, wanted);
}
END_TEST

START_TEST(the_shipped_file_with_its_comments_removed_is_the_defaults)
{
	char template[16384] = "", text[16384] = "";
	struct conf conf, standard;
	FILE *f = fmemopen(template, sizeof template, "w");

	conf_write_template(f);
	fclose(f);
	/* "#key = value" is an option, "# text" a comment */
	for (char *line = strtok(template, "\n"); line; line = strtok(NULL, "\n")) {
		if (line[0] == '#' && line[1] == '[')
			break;
		strcat(text, line[0] == '#' && line[1] != ' ' ? line + 1 : line);
		strcat(text, "\n");
	}
	conf_defaults(&standard);
	ck_assert_msg(load(text, &conf) == 0, "%s", complaints);
	ck_assert_mem_eq(&conf, &standard, sizeof conf);
}
END_TEST

START_TEST(the_manual_names_every_option_and_its_default)
{
	static char manual[65536];
	FILE *f = fopen(KT_TESTS_DIR "/../man/kvmtuned.conf.5", "r");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_gt(fread(manual, 1, sizeof manual - 1, f), 0);
	fclose(f);
	for (size_t i = 0; i < conf_noptions; i++) {
		char item[128];

		(void)snprintf(item, sizeof item, ".It Cm %s Pq default %s", conf_options[i].key,
			       conf_options[i].standard);
		ck_assert_msg(strstr(manual, item), "man page lacks: %s", item);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("conf");
	TCase *c = tcase_create("conf");

	tcase_add_checked_fixture(c, conf_setup, conf_teardown);
	tcase_add_loop_test(c, mistakes_are_told_and_nothing_is_changed, 0, (int)KT_ARRAY_LEN(bad));
	tcase_add_test(c, boundaries_are_allowed);
	tcase_add_test(c, an_empty_file_means_the_defaults);
	tcase_add_test(c, policies_are_tested_with_the_defaults);
	tcase_add_test(c, comments_blank_lines_and_spacing_are_fine);
	tcase_add_test(c, drop_ins_win_in_the_order_of_their_names);
	tcase_add_test(c, a_mistake_in_a_drop_in_names_the_drop_in);
	tcase_add_test(c, a_contradiction_names_the_file_of_the_key_that_was_set);
	tcase_add_test(c, a_missing_file_is_the_defaults_unless_it_was_asked_for);
	tcase_add_test(c, guests_get_what_the_last_matching_section_and_metadata_say);
	tcase_add_test(c, what_is_guaranteed_to_a_guest_is_its_metadatas_word_first);
	tcase_add_test(c, limits_may_be_wanted_for_runaways_only_where_there_are_limits);
	tcase_add_test(c, placement_has_words_of_its_own);
	tcase_add_test(c, sixty_four_domain_sections_fit_and_one_more_does_not);
	tcase_add_test(c, the_shipped_file_lists_every_option_with_its_default);
	tcase_add_test(c, the_shipped_file_with_its_comments_removed_is_the_defaults);
	tcase_add_test(c, the_manual_names_every_option_and_its_default);
	suite_add_tcase(s, c);
	return kt_run(s);
}
