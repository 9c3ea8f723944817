/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does numad's configuration mean here what it was meant to mean there? */
#include "import_fixture.h"

/* Of a file: a part of what is printed, how many warnings there are, and a part of one. */
static const struct {
	const char *name, *text, *prints;
	unsigned int warnings;
	const char *says;
} good[] = {
	{ "the longest pause", "DAEMON_ARGS=\"-i 30\"\n", "\ninterval_s = 30\n", 1,
	  ":1: warning: DAEMON_ARGS=-i 30: Debian's unit adds -i 15, which won over -i here" },
	{ "both pauses", "DAEMON_ARGS=\"-i 7:30\"\n", "/numad, line 1).  Seldom", 1, "" },
	{ "both pauses, the value", "DAEMON_ARGS=\"-i 7:30\"\n", "\ninterval_s = 30\n", 1, "" },
	{ "the value in the same word", "DAEMON_ARGS=-i30\n", "\ninterval_s = 30\n", 1, "" },
	{ "numad's own pause", "DAEMON_ARGS=\"-i 15\"\n", "\n#interval_s = 5\n", 1, "" },
	{ "no pause means the end", "DAEMON_ARGS=\"-i 0\"\n", "\n#interval_s = 5\n", 2,
	  "with 0 numad ends: dropped" },
	{ "too long a pause", "DAEMON_ARGS=\"-i 5:3601\"\n", "\ninterval_s = 3600\n", 2,
	  "interval_s is a whole number from 1 to 3600: 3600 is taken" },
	{ "INTERVAL", "# c\nINTERVAL=20\n", "\n# INTERVAL (", 0, "" },
	{ "INTERVAL, the value", "INTERVAL=20\n", "\ninterval_s = 20\n", 0, "" },
	{ "INTERVAL after -i", "DAEMON_ARGS=\"-i 30\"\nINTERVAL=20\n", "\ninterval_s = 30\n", 2,
	  ":2: warning: INTERVAL=20: -i in DAEMON_ARGS (" },
	{ "INTERVAL before -i", "INTERVAL=20\nDAEMON_ARGS=\"-i 30\"\n", "\ninterval_s = 30\n", 1,
	  "" },
	{ "INTERVAL before other options", "INTERVAL=20\nDAEMON_ARGS=\"-u 90\"\n",
	  "\ninterval_s = 20\n", 0, "" },

	{ "reserved CPUs", "DAEMON_ARGS=\"-R 0-1,8\"\n", "\nreserved_cpus = 0-1,8\n", 0, "" },
	{ "reserved CPUs in any order", "DAEMON_ARGS=\"-R 8,1,0\"\n", "\nreserved_cpus = 0-1,8\n",
	  0, "" },
	{ "no CPUs reserved", "DAEMON_ARGS=\"-u 90\"\n", "\n#reserved_cpus = \n", 0, "" },
	{ "several options", "DAEMON_ARGS=\"  -u 90\t-R 3   -i 9 \"\n", "\nreserved_cpus = 3\n", 1,
	  "" },

	{ "locality", "DAEMON_ARGS=\"-m 95\"\n", "\n# -m 95, how much", 0, "" },
	{ "utilisation", "DAEMON_ARGS=\"-u 130\"\n", "\n# -u 130, how full", 0, "" },
	{ "threads of a core", "DAEMON_ARGS=\"-t 100\"\n", "\n# -t 100, what", 0, "" },
	{ "interleaved", "DAEMON_ARGS=\"-K 1\"\n", "\n# -K 1, interleaved", 0, "" },
	{ "file cache", "DAEMON_ARGS=\"-C 0\"\n", "\n# -C 0, whether file cache", 0, "" },
	{ "level", "DAEMON_ARGS=\"-l 6\"\n", "\n# -l 6, messages: here log_level", 0, "" },
	{ "debugging", "DAEMON_ARGS=-d\n", "\n# -l 7, messages", 0, "" },
	{ "flags in one word, then a value", "DAEMON_ARGS=\"-dvR 3\"\n", "\nreserved_cpus = 3\n", 0,
	  "" },
	{ "khugepaged", "DAEMON_ARGS=\"-H 100\"\n", "\n# -H 100, pause of khugepaged", 0, "" },
	{ "khugepaged was changed", "", "echo 10000 > /sys/kernel/mm/transparent_hugepage", 0, "" },

	{ "left alone", "DAEMON_ARGS=\"-x 12 -x 13\"\n",
	  "\n# numad left these processes alone (-x 12, 13).", 0, "" },
	{ "only these", "DAEMON_ARGS=\"-S 0 -p 12 -p 13\"\n", "(-S 0 -p 12, 13)", 0, "" },
	{ "only these, as what", "DAEMON_ARGS=\"-S 0 -p 12\"\n",
	  "\n#[domain \"*\"]\n#placement = off\n#[domain \"NAME\"]\n#placement = on\n", 0, "" },

	{ "another word", "DAEMON_ARGS=\"now -R 3\"\n", "\nreserved_cpus = 3\n", 1,
	  "\\x22now\\x22 is no option: dropped" },
	{ "only printing", "DAEMON_ARGS=\"-h -V\"\n", "\n#reserved_cpus", 2, "-V only prints" },
	{ "advice", "DAEMON_ARGS=\"-w 4:100\"\n", "\n#reserved_cpus", 1,
	  "-w is no option to start" },
	{ "removal", "DAEMON_ARGS=\"-r 4\"\n", "\n#reserved_cpus", 1, "-r is no option to start" },
	{ "given twice", "DAEMON_ARGS=\"-R 3 -i 9\"\nDAEMON_ARGS=\"-u 90\"\n",
	  "\n#interval_s = 5\n\n[placement]\n#reserved_cpus = \n# -u 90", 2,
	  ":2: warning: DAEMON_ARGS=-u 90: given before (" },
	{ "unknown key", "NUMAD=1\n", "\n#reserved_cpus", 1, ":1: warning: NUMAD=1: unknown" },
	{ "CR LF", "DAEMON_ARGS=\"-R 3\"\r\n", "\nreserved_cpus = 3\n", 1, "numad could not use" },
	{ "what Debian ships", "# Defaults\n\nNUMAD_ENABLE=true\n\nDAEMON_ARGS=\"\"\n",
	  "\n[daemon]\n#interval_s = 5\n\n[placement]\n#reserved_cpus = \n", 0, "" },
	{ "what upstream ships", "# Default INTERVAL is 15\nINTERVAL=15\n", "\n#interval_s = 5\n",
	  0, "" },
	{ "the program stays", "", "# Leave its program installed: libvirt asks it", 0, "" },
};

static int import_numad(const char *text)
{
	char name[96];

	(void)snprintf(name, sizeof name, "%s/numad", folder);
	write_bytes(name, text, strlen(text));
	return import_run(&(struct import_request){ .numad = true, .numad_path = name });
}

START_TEST(what_can_be_said_here_is_printed_and_the_rest_is_told)
{
	ck_assert_msg(import_numad(good[_i].text) == EXIT_SUCCESS, "%s: %s", good[_i].name, notes);
	ck_assert_msg(strstr(out, good[_i].prints), "%s: %s", good[_i].name, out);
	ck_assert_msg(count_lines(notes) == good[_i].warnings, "%s: %s", good[_i].name, notes);
	ck_assert_msg(strstr(notes, good[_i].says), "%s: %s", good[_i].name, notes);
	(void)load_all();
}
END_TEST

START_TEST(what_is_not_given_is_not_spoken_of)
{
	ck_assert_int_eq(import_numad("DAEMON_ARGS=\"-H 0 -S 1 -p 12\"\n"), EXIT_SUCCESS);
	ck_assert_ptr_null(strstr(out, "echo 10000"));
	ck_assert_ptr_null(strstr(out, "[domain"));
	ck_assert_ptr_null(strstr(out, "# -u"));
	ck_assert_str_eq(notes, "");
}
END_TEST

START_TEST(values_reach_the_daemon)
{
	struct conf conf;

	ck_assert_int_eq(import_numad("DAEMON_ARGS=\"-i 30 -R 0-1\"\n"), EXIT_SUCCESS);
	conf = load_all();
	ck_assert_uint_eq(conf.interval_s, 30);
	ck_assert_uint_eq(conf.policy.placement.reserved_cpus.word[0], 3);
}
END_TEST

static const struct {
	const char *name, *text, *says;
} bad[] = {
	{ "command", "DAEMON_ARGS=\"-R $(cat /x)\"\n", ":1: '$' outside a comment" },
	{ "no CPUs", "DAEMON_ARGS=\"-R all\"\n",
	  ":1: DAEMON_ARGS=-R all: -R wants a list of CPUs" },
	{ "excluded CPUs", "DAEMON_ARGS=\"-R 0-4,^2\"\n", "-R wants a list of CPUs" },
	{ "CPU beyond all", "DAEMON_ARGS=\"-R 1024\"\n", "such as 0-3,8, below 1024" },
	{ "several mistakes in one word", "DAEMON_ARGS=\"-zRx\"\n", "numad has no option -z" },
	{ "no value", "DAEMON_ARGS=\"-u 3 -R\"\n", "-R without a value" },
	{ "another letter", "DAEMON_ARGS=\"-z\"\n", "numad has no option -z" },
	{ "a long option", "DAEMON_ARGS=\"--debug\"\n", "numad has no option --" },
	{ "a byte that is no letter", "DAEMON_ARGS=\"-\xff\"\n", "numad has no option -\\xff" },
	{ "no number", "DAEMON_ARGS=\"-u 90%\"\n", "-u wants a whole number" },
	{ "too large a number", "DAEMON_ARGS=\"-u 18446744073709551616\"\n", "-u wants a whole" },
	{ "no process", "DAEMON_ARGS=\"-x qemu\"\n", "-x wants the number of a process" },
	{ "no number of a process", "DAEMON_ARGS=\"-p 12345678901\"\n", "-p wants the number" },
	{ "no seconds", "DAEMON_ARGS=\"-i x\"\n", "wanted seconds, as MAX or MIN:MAX" },
	{ "no least seconds", "DAEMON_ARGS=\"-i x:5\"\n", "wanted seconds" },
	{ "no most seconds", "DAEMON_ARGS=\"-i 5:\"\n", "wanted seconds" },
	{ "three numbers", "DAEMON_ARGS=\"-i 1:2:3\"\n", "wanted seconds" },
	{ "empty INTERVAL", "INTERVAL=\n", "wanted seconds" },
	{ "INTERVAL below 0", "INTERVAL=-5\n", "wanted seconds" },
	{ "quotes in quotes", "DAEMON_ARGS=\"-R '0-3'\"\n", "quotes within the options" },
	{ "two words", "DAEMON_ARGS=-R 3\n", "more than KEY=VALUE" },
};

START_TEST(what_cannot_be_read_is_refused_whole)
{
	ck_assert_msg(import_numad(bad[_i].text) == EX_CONFIG, "%s: imported", bad[_i].name);
	ck_assert_str_eq(out, "");
	ck_assert_msg(strstr(notes, bad[_i].says) && strstr(notes, "/numad:1: "), "%s: %s",
		      bad[_i].name, notes);
	ck_assert_msg(strstr(notes, "warning") || count_lines(notes) == 1, "%s: %s", bad[_i].name,
		      notes);
}
END_TEST

START_TEST(a_list_of_cpus_fits_into_a_line_or_is_refused)
{
	char text[1024] = "DAEMON_ARGS=\"-R 100";
	struct conf conf;

	for (int cpu = 102; cpu < 100 + 2 * 46; cpu += 2) /* 183 bytes with their commas */
		(void)snprintf(text + strlen(text), 8, ",%d", cpu);
	ck_assert_msg(import_numad(strcat(text, "\"\n")) == EXIT_SUCCESS, "%s", notes);
	conf = load_all();
	ck_assert_uint_eq(cpumask_count(&conf.policy.placement.reserved_cpus), 46);
	strcpy(strrchr(text, '"'), ",0\"\n");
	ck_assert_int_eq(import_numad(text), EX_CONFIG);
	ck_assert_ptr_nonnull(strstr(notes, "-R is too long a list"));
}
END_TEST

START_TEST(hundreds_of_processes_are_cut)
{
	char text[4000] = "DAEMON_ARGS=\"";

	for (int pid = 1000000000; pid < 1000000200; pid++)
		(void)snprintf(text + strlen(text), 20, " -x %d", pid);
	ck_assert_int_eq(import_numad(strcat(text, "\"\n")), EXIT_SUCCESS);
	ck_assert_ptr_nonnull(strstr(out, "1000000007..)"));
	(void)load_all();
}
END_TEST

START_TEST(both_tuners_give_one_configuration)
{
	char ksmtuned[96], numad[96];
	struct import_request both = {
		.ksmtuned = true, .ksmtuned_path = ksmtuned, .numad = true, .numad_path = numad
	};
	struct conf conf;

	(void)snprintf(ksmtuned, sizeof ksmtuned, "%s/ksmtuned.conf", folder);
	(void)snprintf(numad, sizeof numad, "%s/numad", folder);
	write_bytes(ksmtuned, "KSM_THRES_COEF=30\n", 18);
	write_bytes(numad, "DAEMON_ARGS=\"-R 3\"\n", 19);
	ck_assert_msg(import_run(&both) == EXIT_SUCCESS, "%s", notes);
	conf = load_all();
	ck_assert_uint_eq(conf.policy.ksm.free_target_percent, 30);
	ck_assert_int_eq(conf.policy.ksm.policy, KSM_POLICY_KSMTUNED);
	ck_assert_uint_eq(conf.policy.placement.reserved_cpus.word[0], 8);

	write_bytes(ksmtuned, "KSM_THRES_COEF=x\n", 17);
	write_bytes(numad, "DAEMON_ARGS=\"-R x\"\n", 19);
	ck_assert_int_eq(import_run(&both), EX_CONFIG);
	ck_assert_str_eq(out, "");
	ck_assert_msg(count_lines(notes) == 2, "%s", notes);
	ck_assert_int_eq(remove(ksmtuned), 0);
	ck_assert_int_eq(import_run(&both), EXIT_FAILURE);
	ck_assert_ptr_nonnull(strstr(notes, "ksmtuned.conf: cannot be read: No such file"));
	ck_assert_str_eq(out, "");
}
END_TEST

START_TEST(a_file_that_is_missing_is_a_failure)
{
	ck_assert_int_eq(
		import_run(&(struct import_request){ .numad = true, .numad_path = "/x/y" }),
		EXIT_FAILURE);
	ck_assert_str_eq(notes, "/x/y: cannot be read: No such file or directory\n");
}
END_TEST

START_TEST(a_long_name_of_a_file_gives_no_long_line)
{
	char name[256];

	(void)snprintf(name, sizeof name, "%s/\xff%0180d", folder, 0);
	write_bytes(name, "DAEMON_ARGS=\"-i 30 -R 0\"\n", 25);
	ck_assert_int_eq(import_run(&(struct import_request){ .numad = true, .numad_path = name }),
			 EXIT_SUCCESS);
	ck_assert_ptr_nonnull(strstr(out, "\\xff00000"));
	ck_assert_uint_eq(load_all().interval_s, 30);
}
END_TEST

START_TEST(any_bytes_give_an_answer_of_printable_text)
{
	static const char likely[] = "-iRxpuSKmd 0123,:-^\t\\'\xff";
	unsigned int seed = 1;
	char text[120];

	for (int round = 0; round < 3000; round++) {
		size_t n = (size_t)snprintf(text, sizeof text, "DAEMON_ARGS=\"");

		for (; n < 60; n++) {
			seed = seed * 1103515245 + 12345;
			text[n] = likely[(seed >> 16) % (sizeof likely - 1)];
		}
		strcpy(text + n, "\"\n");
		if (import_numad(text) == EXIT_SUCCESS)
			(void)load_all();
		else
			ck_assert_str_eq(out, "");
		for (const char *at = notes; *at; at++)
			ck_assert_msg(*at == '\n' || (*at >= ' ' && *at <= '~'), "%s", text);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("import numad");
	TCase *c = tcase_create("numad");

	tcase_add_checked_fixture(c, import_setup, import_teardown);
	tcase_add_loop_test(c, what_can_be_said_here_is_printed_and_the_rest_is_told, 0,
			    (int)KT_ARRAY_LEN(good));
	tcase_add_test(c, what_is_not_given_is_not_spoken_of);
	tcase_add_test(c, values_reach_the_daemon);
	tcase_add_loop_test(c, what_cannot_be_read_is_refused_whole, 0, (int)KT_ARRAY_LEN(bad));
	tcase_add_test(c, a_list_of_cpus_fits_into_a_line_or_is_refused);
	tcase_add_test(c, hundreds_of_processes_are_cut);
	tcase_add_test(c, both_tuners_give_one_configuration);
	tcase_add_test(c, a_file_that_is_missing_is_a_failure);
	tcase_add_test(c, a_long_name_of_a_file_gives_no_long_line);
	tcase_add_test(c, any_bytes_give_an_answer_of_printable_text);
	suite_add_tcase(s, c);
	return kt_run(s);
}
