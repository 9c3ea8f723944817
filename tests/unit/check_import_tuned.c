/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is it told what an active profile of tuned means here, and is nothing of it run? */
#include "import_fixture.h"

#include <sys/stat.h>

static int import_tuned(void)
{
	return import_run(&(struct import_request){ .tuned = true, .tuned_path = folder });
}

static void put(const char *name, const char *text)
{
	char file[256];

	(void)snprintf(file, sizeof file, "%s/%s", folder, name);
	for (char *slash = strchr(file + strlen(folder) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(file, 0700);
		*slash = '/';
	}
	write_bytes(file, text, strlen(text));
}

/* Debian's profiles of tuned 2.20, as far as anything here depends on them. */
static void put_shipped(void)
{
	put("usr/lib/tuned/throughput-performance/tuned.conf",
	    "[cpu]\ngovernor=performance\n[disk]\nreadahead=>4096\n"
	    "[sysctl]\nvm.dirty_ratio = 40\nvm.dirty_background_ratio = 10\nvm.swappiness=10\n");
	put("usr/lib/tuned/virtual-host/tuned.conf",
	    "[main]\nsummary=Optimize for running KVM guests\ninclude=throughput-performance\n"
	    "[sysctl]\nvm.dirty_background_ratio = 5\n"
	    "[cpu]\nforce_latency=cstate.id_no_zero:3|70\n");
	put("usr/lib/tuned/network-latency/tuned.conf",
	    "[vm]\ntransparent_hugepages=never\n[sysctl]\nkernel.numa_balancing=0\n");
	put("usr/lib/tuned/cpu-partitioning/tuned.conf",
	    "[main]\ninclude=network-latency\n[variables]\n"
	    "include=/etc/tuned/cpu-partitioning-variables.conf\n"
	    "isolated_cores_assert_check = \\\\${isolated_cores}\n"
	    "isolated_cores = ${isolated_cores}\n"
	    "tmpdir=${f:strip:${f:exec:mktemp:-d}}\n");
	put("usr/lib/tuned/realtime/tuned.conf",
	    "[main]\ninclude = network-latency\n"
	    "[variables]\ninclude = /etc/tuned/realtime-variables.conf\n");
	put("usr/lib/tuned/realtime-virtual-host/tuned.conf",
	    "[main]\ninclude=realtime\n"
	    "[variables]\ninclude=/etc/tuned/realtime-virtual-host-variables.conf\n"
	    "[sysfs]\n/sys/kernel/mm/ksm/run = 2\n");
	put("etc/tuned/cpu-partitioning-variables.conf",
	    "# isolated_cores=2-23\n\nisolated_cores=${f:calc_isolated_cores:1}\n");
	put("etc/tuned/realtime-variables.conf", "isolated_cores=9\n");
	put("etc/tuned/realtime-virtual-host-variables.conf", "isolated_cores=2,4-7 # mine\n");
}

static const struct {
	const char *profile, *prints;
	bool ends_ksm;
	unsigned int warnings;
	const char *says;
} shipped[] = {
	{ "virtual-host", "\n#   vm.swappiness = 10 (host-swappiness)\n", false, 0, "" },
	{ "virtual-host", "\n#   vm.dirty_background_ratio = 5 (host-dirty-background-ratio)\n",
	  false, 0, "" },
	{ "virtual-host", "\n#   force_latency = as it says there (host-cpu-cstates)\n", false, 0,
	  "" },
	{ "virtual-host", "\n[ksm]\n#mode = active\n", false, 0, "" },
	{ "realtime-virtual-host", "\n#   ksm/run = 2 (host-ksm-run)\n", true, 0, "" },
	{ "realtime-virtual-host", "\n# The profile has ended KSM,", true, 0, "" },
	{ "realtime-virtual-host", "\n# isolated_cores = 2,4-7\n", true, 0, "" },
	{ "realtime-virtual-host", "\n#   transparent_hugepage/enabled = never (host-thp", true, 0,
	  "" },
	{ "realtime", "\n# isolated_cores = 9\n", true, 0, "" },
	{ "cpu-partitioning", "\n# A profile with isolated_cores ends KSM,", true, 1,
	  "isolated_cores=${f:calc_isolated_cores:1}: tuned works this out, and kvmtuned runs "
	  "nothing of it" },
	{ "cpu-partitioning", "\n#   kernel.numa_balancing = 0 (host-numa-balancing)\n", true, 1,
	  "" },
	{ "no-such-profile", "# tuned is active with no-such-profile.", false, 1,
	  "tuned: warning: its profile no-such-profile does not exist" },
	{ "virtual-host nor-this", "\n#   vm.swappiness = 10", false, 1,
	  "its profile nor-this does not exist" },
};

START_TEST(a_shipped_profile_is_told)
{
	put_shipped();
	put("etc/tuned/active_profile", shipped[_i].profile);
	ck_assert_msg(import_tuned() == EXIT_SUCCESS, "%s", notes);
	ck_assert_msg(strstr(out, shipped[_i].prints), "%s: %s", shipped[_i].profile, out);
	ck_assert_msg(count_lines(notes) == shipped[_i].warnings, "%s", notes);
	ck_assert_msg(strstr(notes, shipped[_i].says), "%s", notes);
	ck_assert_int_eq(load_all().policy.ksm.mode, shipped[_i].ends_ksm ? LOOP_OFF : LOOP_ACTIVE);
}
END_TEST

START_TEST(a_profile_of_the_administrator_goes_first)
{
	put_shipped();
	put("etc/tuned/active_profile", "mine\n");
	put("etc/tuned/mine/tuned.conf",
	    "[main]\ninclude=cpu-partitioning,-may-be-missing\n[variables]\nisolated_cores=3\n"
	    "[sysfs]\n/sys/kernel/mm/ksm/run=1\n");
	ck_assert_int_eq(import_tuned(), EXIT_SUCCESS);
	ck_assert_str_eq(notes, "");
	ck_assert_ptr_nonnull(strstr(out, "\n# isolated_cores = 3\n"));
	ck_assert_ptr_nonnull(strstr(out, "\n# A profile with isolated_cores ends KSM,"));
	put("etc/tuned/mine/tuned.conf", "[sysfs]\n/sys/kernel/mm/ksm/run=1\n");
	ck_assert_int_eq(import_tuned(), EXIT_SUCCESS);
	ck_assert_ptr_nonnull(strstr(out, "\n#advisor = cede\n"));
	ck_assert_ptr_null(strstr(out, "isolated_cores"));
	ck_assert_ptr_null(strstr(out, "mode = "));
	put("etc/tuned/mine/tuned.conf", "[sysctl]\nvm.swappiness=2\n");
	ck_assert_int_eq(import_tuned(), EXIT_SUCCESS);
	ck_assert_ptr_nonnull(strstr(out, "\n#mode = active\n"));
}
END_TEST

/* Variables are read from where tuned's are, and from nowhere else. */
static const char *const strange_includes[] = {
	"/etc/shadow", "/etc/tuned/../shadow", "etc/tuned/v",       "/etc/tuned",
	"/etc/tuned/", "${f:exec:id}",         "/etc/tuned/folder",
};

START_TEST(strange_includes_include_nothing)
{
	char text[256];

	(void)snprintf(text, sizeof text, "[variables]\ninclude=%s\n", strange_includes[_i]);
	put("etc/shadow", "isolated_cores=1\n");
	put("etc/tuned/v", "isolated_cores=1\n");
	put("etc/tuned/folder/x", "");
	put("etc/tuned/active_profile", "mine");
	put("etc/tuned/mine/tuned.conf", text);
	ck_assert_int_eq(import_tuned(), EXIT_SUCCESS);
	ck_assert_ptr_null(strstr(out, "isolated_cores"));
}
END_TEST

START_TEST(hostile_text_stays_a_comment)
{
	char text[3000] = "[variables]\nisolated_cores=\033[2J\x01\xff";

	memset(text + strlen(text), '9', 900);
	put("etc/tuned/active_profile", "mine");
	put("etc/tuned/mine/tuned.conf", text);
	ck_assert_int_eq(import_tuned(), EXIT_SUCCESS);
	ck_assert_ptr_nonnull(strstr(out, "\n# isolated_cores = \\x1b[2J\\x01\\xff9999"));
	(void)load_all();
	put("etc/tuned/active_profile", "mine\r[ksm]\"\\\n[ksm]\nmode = off\n");
	ck_assert_int_eq(import_tuned(), EXIT_SUCCESS);
	for (const char *at = out; *at; at++)
		ck_assert(*at == '\n' || (*at >= ' ' && *at <= '~'));
	ck_assert_int_eq(load_all().policy.ksm.mode, LOOP_ACTIVE);
}
END_TEST

START_TEST(who_includes_himself_comes_to_an_end)
{
	put("etc/tuned/active_profile", "mine");
	put("etc/tuned/mine/tuned.conf", "[main]\ninclude=mine,mine\n[sysctl]\nvm.swappiness=3\n");
	ck_assert_int_eq(import_tuned(), EXIT_SUCCESS);
	ck_assert_ptr_nonnull(strstr(out, "vm.swappiness = 3"));
}
END_TEST

START_TEST(without_a_profile_it_is_said_what_to_do)
{
	ck_assert_int_eq(import_tuned(), EXIT_FAILURE);
	ck_assert_ptr_nonnull(strstr(notes, "names no profile; choose one with tuned-adm profile"));
	put("etc/tuned/active_profile", "\n");
	ck_assert_int_eq(import_tuned(), EXIT_FAILURE);
	ck_assert_int_eq(
		import_run(&(struct import_request){ .tuned = true, .tuned_path = "/x/\033" }),
		EXIT_FAILURE);
	ck_assert_str_eq(notes, "/x/\\x1b: cannot be opened: No such file or directory\n");
	ck_assert_str_eq(out, "");
}
END_TEST

START_TEST(all_three_give_one_configuration)
{
	char ksmtuned[96], numad[96];
	struct import_request all = { .ksmtuned = true,
				      .ksmtuned_path = ksmtuned,
				      .numad = true,
				      .numad_path = numad,
				      .tuned = true,
				      .tuned_path = folder };
	struct conf conf;

	put_shipped();
	(void)snprintf(ksmtuned, sizeof ksmtuned, "%s/ksmtuned.conf", folder);
	(void)snprintf(numad, sizeof numad, "%s/numad", folder);
	put("ksmtuned.conf", "KSM_THRES_COEF=30\n");
	put("numad", "DAEMON_ARGS=\"-R 3\"\n");
	put("etc/tuned/active_profile", "realtime-virtual-host");
	ck_assert_msg(import_run(&all) == EXIT_SUCCESS, "%s", notes);
	conf = load_all();
	ck_assert_uint_eq(conf.policy.ksm.free_target_percent, 30);
	ck_assert_int_eq(conf.policy.ksm.mode, LOOP_OFF);
	ck_assert_uint_eq(conf.policy.placement.reserved_cpus.word[0], 8);
	put("etc/tuned/active_profile", "");
	ck_assert_int_eq(import_run(&all), EXIT_FAILURE);
	ck_assert_str_eq(out, "");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("import tuned");
	TCase *c = tcase_create("tuned");

	tcase_add_checked_fixture(c, import_setup, import_teardown);
	tcase_add_loop_test(c, a_shipped_profile_is_told, 0, (int)KT_ARRAY_LEN(shipped));
	tcase_add_test(c, a_profile_of_the_administrator_goes_first);
	tcase_add_loop_test(c, strange_includes_include_nothing, 0,
			    (int)KT_ARRAY_LEN(strange_includes));
	tcase_add_test(c, hostile_text_stays_a_comment);
	tcase_add_test(c, who_includes_himself_comes_to_an_end);
	tcase_add_test(c, without_a_profile_it_is_said_what_to_do);
	tcase_add_test(c, all_three_give_one_configuration);
	suite_add_tcase(s, c);
	return kt_run(s);
}
