/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does the audit know who has the last word on a value? */
#include "sense_audit.h"
#include "sense_root.h"

static struct audit_host h;

static void look(void)
{
	sense_audit(&fs, &h);
}

static void owned(enum owned_value v, const char *who, const char *value)
{
	look();
	ck_assert_str_eq(h.owner[v].who, who);
	ck_assert_str_eq(h.owner[v].value, value);
}

static void nobody(enum owned_value v)
{
	owned(v, "", "");
}

/* ---- sysctl.d --------------------------------------------------------------------------- */

static const struct {
	const char *text;
	enum owned_value value;
	const char *is;
} lines[] = {
	{ "vm.swappiness = 10\n", OWNED_SWAPPINESS, "10" },
	{ "vm/swappiness=10", OWNED_SWAPPINESS, "10" },
	{ "  -vm.swappiness\t=\t10 \r\n", OWNED_SWAPPINESS, "10" },
	{ "vm.swappiness = 10\nvm.swappiness = 20\n", OWNED_SWAPPINESS, "20" },
	{ "vm.swappiness = $(id)\n", OWNED_SWAPPINESS, "" },
	{ "vm.dirty_ratio=30\n", OWNED_DIRTY_RATIO, "30" },
	{ "vm.dirty_bytes=134217728\n", OWNED_DIRTY_RATIO, "134217728" },
	{ "vm.dirty_background_ratio=3\n", OWNED_DIRTY_BACKGROUND_RATIO, "3" },
	{ "vm.dirty_background_bytes=4096\n", OWNED_DIRTY_BACKGROUND_RATIO, "4096" },
	{ "vm.zone_reclaim_mode=1\n", OWNED_ZONE_RECLAIM, "1" },
	{ "kernel/numa_balancing = 0\n", OWNED_NUMA_BALANCING, "0" },
};

START_TEST(a_line_of_sysctl_d_owns_its_value)
{
	put("etc/sysctl.d/10-x.conf", lines[_i].text);
	owned(lines[_i].value, "/etc/sysctl.d/10-x.conf", lines[_i].is);
	drop("etc/sysctl.d/10-x.conf");
	put("etc/sysctl.d/10-x.conf~", lines[_i].text);
	nobody(lines[_i].value);
}
END_TEST

static const char *const no_lines[] = {
	"# vm.swappiness = 10\n",
	"; vm.swappiness = 10\n",
	"vm.swappiness\n",
	"-vm.swappiness\n",
	"= 10\n",
	"vm.swappiness_of = 10\n",
	"vm.swap = 10\n",
	"\n\n",
};

START_TEST(anything_else_owns_nothing)
{
	put("etc/sysctl.d/10-x.conf", no_lines[_i]);
	nobody(OWNED_SWAPPINESS);
}
END_TEST

START_TEST(the_later_name_wins_wherever_it_is)
{
	put("usr/lib/sysctl.d/50-a.conf", "vm.swappiness=50\n");
	put("etc/sysctl.d/10-b.conf", "vm.swappiness=10\n");
	owned(OWNED_SWAPPINESS, "/usr/lib/sysctl.d/50-a.conf", "50");
	put("run/sysctl.d/60-c.conf", "vm.swappiness=60\n");
	owned(OWNED_SWAPPINESS, "/run/sysctl.d/60-c.conf", "60");
	put("usr/local/lib/sysctl.d/70-d.conf", "vm.swappiness=70\n");
	owned(OWNED_SWAPPINESS, "/usr/local/lib/sysctl.d/70-d.conf", "70");
	put("etc/sysctl.conf", "vm.swappiness=1\n");
	owned(OWNED_SWAPPINESS, "/etc/sysctl.conf", "1");
}
END_TEST

START_TEST(a_name_in_etc_hides_the_same_name_elsewhere)
{
	put("usr/lib/sysctl.d/50-a.conf", "vm.swappiness=50\n");
	put("run/sysctl.d/50-a.conf", "vm.swappiness=40\n");
	owned(OWNED_SWAPPINESS, "/run/sysctl.d/50-a.conf", "40");
	put("etc/sysctl.d/50-a.conf", "");
	nobody(OWNED_SWAPPINESS);
}
END_TEST

START_TEST(hostile_files_are_bounded_and_escaped)
{
	char text[5000];

	put("etc/sysctl.d/10-\033[2J\n.conf", "vm.swappiness=10\n");
	owned(OWNED_SWAPPINESS, "/etc/sysctl.d/10-\\x1b[2J\\x0a.conf", "10");
	memset(text, 'x', sizeof text);
	memcpy(text, "vm.swappiness=", 14);
	put_bytes("etc/sysctl.d/20-long.conf", text, sizeof text);
	put("etc/sysctl.d/30-folder.conf/x", "");
	owned(OWNED_SWAPPINESS, "/etc/sysctl.d/10-\\x1b[2J\\x0a.conf", "10");
	put("etc/sysctl.d/40-value.conf", "vm.swappiness=9999999999999999999999999999999999\n");
	owned(OWNED_SWAPPINESS, "/etc/sysctl.d/40-value.conf", "");
}
END_TEST

/* ---- tuned ------------------------------------------------------------------------------- */

static void put_profile(const char *name, const char *text)
{
	char path[256];

	snprintf(path, sizeof path, "usr/lib/tuned/%s/tuned.conf", name);
	put(path, text);
}

static void activate(const char *names)
{
	putf("etc/tuned/active_profile", "%s\n", names);
}

#define MINE "tuned profile mine"

static const struct {
	const char *text;
	enum owned_value value;
	const char *is;
} settings[] = {
	{ "[sysctl]\nvm.swappiness = 10\n", OWNED_SWAPPINESS, "10" },
	{ "[sysctl]\nvm.swappiness = \"10\" # low\n", OWNED_SWAPPINESS, "10" },
	{ "[sysctl]\nvm.swappiness = >10\n", OWNED_SWAPPINESS, "" },
	{ "[sysctl]\nkernel.numa_balancing = ${numa}\n", OWNED_NUMA_BALANCING, "" },
	{ "[own_name]\ntype=sysctl\nvm.dirty_ratio=10\n", OWNED_DIRTY_RATIO, "10" },
	{ "[vm]\ndirty_bytes = 40%\n", OWNED_DIRTY_RATIO, "40" },
	{ "[vm]\ndirty_background_bytes = 5%\n", OWNED_DIRTY_BACKGROUND_RATIO, "5" },
	{ "[vm]\ntransparent_hugepages=never\n", OWNED_THP_ENABLED, "never" },
	{ "[vm]\ntransparent_hugepage.defrag=defer+madvise\n", OWNED_THP_DEFRAG, "defer+madvise" },
	{ "[cpu]\ngovernor=performance\n", OWNED_GOVERNOR, "performance" },
	{ "[cpu]\ngovernor=schedutil|ondemand\n", OWNED_GOVERNOR, "" },
	{ "[cpu]\nforce_latency=cstate.id_no_zero:3|70\n", OWNED_CSTATES, "" },
	{ "[cpu]\nforce_latency=1\n", OWNED_CSTATES, "1" },
	{ "[disk]\nelevator=mq-deadline\n", OWNED_BLOCK_SCHEDULER, "mq-deadline" },
	{ "[disk]\ndevices=sd*\nelevator=deadline\n", OWNED_BLOCK_SCHEDULER, "" },
	{ "[disk]\nelevator=deadline\ndevices=sd*\n", OWNED_BLOCK_SCHEDULER, "" },
	{ "[sysfs]\n/sys/kernel/mm/ksm/run = 2\n", OWNED_KSM, "2" },
	{ "[sysfs]\n/sys/kernel/mm/transparent_hugepage/enabled=never\n", OWNED_THP_ENABLED,
	  "never" },
	{ "[sysfs]\n/sys/kernel/mm/transparent_hugepage/defrag=never\n", OWNED_THP_DEFRAG,
	  "never" },
	{ "[sysfs]\n/sys/kernel/mm/transparent_hugepage/khugepaged/defrag=0\n",
	  OWNED_KHUGEPAGED_DEFRAG, "0" },
	{ "[sysfs]\n/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs=9\n",
	  OWNED_KHUGEPAGED_SCAN_SLEEP, "9" },
	{ "[sysfs]\n/sys/module/kvm/parameters/halt_poll_ns=0\n", OWNED_HALT_POLL, "0" },
};

START_TEST(the_active_profile_owns_what_it_sets)
{
	put_profile("mine", settings[_i].text);
	nobody(settings[_i].value);
	activate("mine");
	owned(settings[_i].value, MINE, settings[_i].is);
	ck_assert_str_eq(h.tuned_profile, "mine");
	activate("");
	nobody(settings[_i].value);
	ck_assert_str_eq(h.tuned_profile, "");
}
END_TEST

START_TEST(a_key_counts_in_a_section_of_its_own_for_this_machine)
{
	put_profile("other", "[sysctl.arm]\ntype=sysctl\nuname_regex=aarch64\nvm.swappiness=1\n"
			     "[cpu.amd]\ntype=cpu\ncpuinfo_regex=${amd}\ngovernor=powersave\n");
	activate("other");
	nobody(OWNED_SWAPPINESS);
	nobody(OWNED_GOVERNOR);
	put_profile("mine", "vm.swappiness=1\n[vm]\nvm.swappiness=2\n[variables]\ngovernor=x\n"
			    "#[cpu]\ngovernor=y\n");
	activate("mine");
	nobody(OWNED_SWAPPINESS);
	nobody(OWNED_GOVERNOR);
}
END_TEST

START_TEST(what_is_included_comes_first)
{
	put_profile("base", "[cpu]\ngovernor=powersave\n[sysctl]\nvm.swappiness=1\n");
	put_profile("more", "[vm]\ntransparent_hugepages=never\n");
	put_profile("mine", "[sysctl]\nvm.swappiness=2\n[main]\ninclude=base, -more,-none\n");
	activate("mine");
	owned(OWNED_SWAPPINESS, MINE, "2");
	owned(OWNED_GOVERNOR, MINE, "powersave");
	owned(OWNED_THP_ENABLED, MINE, "never");
}
END_TEST

START_TEST(a_section_may_drop_what_was_before)
{
	put_profile("base", "[vm]\ntransparent_hugepages=never\n[sysctl]\nvm.swappiness=1\n");
	put_profile("mine", "[main]\ninclude=base\n[sysctl]\nreplace=1\nvm.dirty_ratio=9\n"
			    "[vm]\nreplace=0\n");
	activate("mine");
	nobody(OWNED_SWAPPINESS);
	owned(OWNED_DIRTY_RATIO, MINE, "9");
	owned(OWNED_THP_ENABLED, MINE, "never");
}
END_TEST

START_TEST(of_two_active_profiles_the_second_wins)
{
	put_profile("one", "[sysctl]\nvm.swappiness=1\n[cpu]\ngovernor=powersave\n");
	put_profile("two", "[sysctl]\nvm.swappiness=2\n");
	activate("one two");
	owned(OWNED_SWAPPINESS, "tuned profile one two", "2");
	owned(OWNED_GOVERNOR, "tuned profile one two", "powersave");
}
END_TEST

START_TEST(the_profile_in_etc_hides_that_of_the_package)
{
	put("usr/lib/tuned/profiles/mine/tuned.conf", "[sysctl]\nvm.swappiness=4\n");
	owned(OWNED_SWAPPINESS, "", "");
	activate("mine");
	owned(OWNED_SWAPPINESS, MINE, "4");
	put("etc/tuned/mine/tuned.conf", "[sysctl]\nvm.swappiness=2\n");
	owned(OWNED_SWAPPINESS, MINE, "2");
	put("etc/tuned/profiles/mine/tuned.conf", "[sysctl]\nvm.swappiness=1\n");
	owned(OWNED_SWAPPINESS, MINE, "1");
}
END_TEST

static const struct {
	const char *profile, *included, *is;
} isolations[] = {
	{ "[variables]\nisolated_cores=2-5\n", NULL, "2-5" },
	{ "[variables]\nisolated_cores = \"2-5\" # all but two\n", NULL, "2-5" },
	{ "[variables]\nisolated_cores=\033\n", NULL, "\\x1b" },
	{ "[other]\nisolated_cores=2-5\n", NULL, "" },
	{ "[variables]\nisolated_cores=${isolated_cores}\n", NULL, "" },
	{ "[variables]\ninclude=/etc/tuned/mine-variables.conf\n", "isolated_cores=6,7\n", "6,7" },
	{ "[variables]\ninclude=/etc/tuned/mine-variables.conf\n",
	  "# isolated_cores=1\nisolated_cores = 6 # of eight\n", "6" },
	{ "[variables]\ninclude=/etc/tuned/mine-variables.conf\n", "no_balance_cores=6\n", "" },
	{ "[variables]\ninclude=/etc/tuned/../tuned/mine-variables.conf\n", "isolated_cores=6\n",
	  "" },
	{ "[variables]\ninclude=/etc/mine-variables.conf\n", "isolated_cores=6\n", "" },
};

START_TEST(cores_that_a_profile_isolates_are_known)
{
	put_profile("mine", isolations[_i].profile);
	if (isolations[_i].included) {
		put("etc/tuned/mine-variables.conf", isolations[_i].included);
		put("etc/mine-variables.conf", isolations[_i].included);
	}
	look();
	ck_assert_str_eq(h.tuned_isolated, "");
	activate("mine");
	look();
	ck_assert_str_eq(h.tuned_isolated, isolations[_i].is);
}
END_TEST

START_TEST(profiles_that_include_each_other_come_to_an_end)
{
	put_profile("mine", "[main]\ninclude=mine,mine,mine,mine\n[sysctl]\nvm.swappiness=7\n");
	activate("mine");
	owned(OWNED_SWAPPINESS, MINE, "7");
}
END_TEST

static const char *const strange_names[] = { "../../../../../etc", "/etc/tuned", ".", "..",
					     "${f:exec:rm}",       "none" };

START_TEST(a_name_that_is_a_path_or_a_function_is_no_profile)
{
	put("etc/tuned/tuned.conf", "[sysctl]\nvm.swappiness=6\n");
	put("tuned.conf", "[sysctl]\nvm.swappiness=6\n");
	put("etc/tuned.conf", "[sysctl]\nvm.swappiness=6\n");
	activate(strange_names[_i]);
	nobody(OWNED_SWAPPINESS);
	ck_assert_str_eq(h.tuned_profile, strange_names[_i]);
}
END_TEST

START_TEST(a_profile_with_a_terrible_name_is_escaped)
{
	put_profile("\033[2Jmine", "[sysctl]\nvm.swappiness=7\n");
	activate("\033[2Jmine");
	owned(OWNED_SWAPPINESS, "tuned profile \\x1b[2Jmine", "7");
	ck_assert_str_eq(h.tuned_profile, "\\x1b[2Jmine");
}
END_TEST

/* ---- both ---------------------------------------------------------------------------------- */

static const struct {
	const char *main_conf, *conf, *who;
} last_words[] = {
	{ NULL, "etc/sysctl.d/10-x.conf", "/etc/sysctl.d/10-x.conf" },
	{ NULL, "run/sysctl.d/10-x.conf", "/run/sysctl.d/10-x.conf" },
	{ NULL, "etc/sysctl.conf", "/etc/sysctl.conf" },
	{ NULL, "usr/lib/sysctl.d/10-x.conf", MINE },
	{ "reapply_sysctl = 1\n", "etc/sysctl.d/10-x.conf", "/etc/sysctl.d/10-x.conf" },
	{ "# it is 1\nreapply_sysctl = 0\n", "etc/sysctl.d/10-x.conf", MINE },
	{ "reapply_sysctl=False\n", "etc/sysctl.conf", MINE },
};

START_TEST(what_tuned_applies_again_has_the_last_word)
{
	put_profile("mine", "[sysctl]\nvm.swappiness=1\n");
	activate("mine");
	if (last_words[_i].main_conf)
		put("etc/tuned/tuned-main.conf", last_words[_i].main_conf);
	put(last_words[_i].conf, "vm.swappiness=2\nvm.zone_reclaim_mode=1\n");
	owned(OWNED_SWAPPINESS, last_words[_i].who, strcmp(last_words[_i].who, MINE) ? "2" : "1");
	look();
	ck_assert_str_eq(h.owner[OWNED_ZONE_RECLAIM].value, "1");
}
END_TEST

#define LOOP(tc, test, table) tcase_add_loop_test(tc, test, 0, KT_ARRAY_LEN(table))

int main(void)
{
	const TTest *const tests[] = {
		the_later_name_wins_wherever_it_is,
		a_name_in_etc_hides_the_same_name_elsewhere,
		hostile_files_are_bounded_and_escaped,
		a_key_counts_in_a_section_of_its_own_for_this_machine,
		what_is_included_comes_first,
		a_section_may_drop_what_was_before,
		of_two_active_profiles_the_second_wins,
		the_profile_in_etc_hides_that_of_the_package,
		profiles_that_include_each_other_come_to_an_end,
		a_profile_with_a_terrible_name_is_escaped,
	};
	Suite *s = suite_create("sense, owners of values");
	TCase *c = tcase_create("owners");

	tcase_add_checked_fixture(c, root_setup, root_teardown);
	LOOP(c, a_line_of_sysctl_d_owns_its_value, lines);
	LOOP(c, anything_else_owns_nothing, no_lines);
	LOOP(c, the_active_profile_owns_what_it_sets, settings);
	LOOP(c, a_name_that_is_a_path_or_a_function_is_no_profile, strange_names);
	LOOP(c, cores_that_a_profile_isolates_are_known, isolations);
	LOOP(c, what_tuned_applies_again_has_the_last_word, last_words);
	for (size_t i = 0; i < KT_ARRAY_LEN(tests); i++)
		tcase_add_test(c, tests[i]);
	suite_add_tcase(s, c);
	return kt_run(s);
}
