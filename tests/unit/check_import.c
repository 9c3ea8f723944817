/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does ksmtuned's configuration mean here what it was meant to mean there? */
#include "import_fixture.h"

/* A file that can be imported: lines that are printed, and how many warnings there are
 * with a part of one. */
static const struct {
	const char *name, *text, *prints;
	unsigned int warnings;
	const char *says;
} good[] = {
	{ "plain", "KSM_MONITOR_INTERVAL=30\n",
	  "\n# KSM_MONITOR_INTERVAL in line 1\ninterval_s = 30\n", 0, "" },
	{ "boost", "KSM_NPAGES_BOOST=500\n", "\nboost_pages = 500\n", 0, "" },
	{ "decay is below 0 there", "KSM_NPAGES_DECAY=-70\n", "\ndecay_pages = 70\n", 0, "" },
	{ "no decay", "KSM_NPAGES_DECAY=0\n", "\ndecay_pages = 0\n", 0, "" },
	{ "no decay, negative", "KSM_NPAGES_DECAY=-0\n", "\ndecay_pages = 0\n", 0, "" },
	{ "no boost, negative", "KSM_NPAGES_BOOST=-0\n", "\nboost_pages = 0\n", 0, "" },
	{ "a decay that boosted", "KSM_NPAGES_DECAY=70\n", "\ndecay_pages = 70\n", 1,
	  ":1: warning: KSM_NPAGES_DECAY=70: above 0, so ksmtuned scanned faster" },
	{ "min and max", "KSM_NPAGES_MIN=100\nKSM_NPAGES_MAX=2000\n",
	  "\nmin_pages = 100\n# KSM_NPAGES_MAX in line 2\nmax_pages = 2000\n", 0, "" },
	{ "sleep", "KSM_SLEEP_MSEC=50\n", "\nsleep_ms = 50\n", 0, "" },
	{ "percent", "KSM_THRES_COEF=35\n", "\nfree_target_percent = 35\n", 0, "" },
	{ "a sign that changes nothing", "KSM_NPAGES_BOOST=+500\n", "\nboost_pages = 500\n", 0,
	  "" },

	{ "floor as documented", "KSM_THRES_CONST=4096\n", "\nfree_target_min_mib = 4096\n", 1,
	  "compared it with KiB (4096 KiB) though its documents say MB: taken as 4096 MiB, as "
	  "documented; if KiB was meant: free_target_min_mib = 4" },
	{ "floor, 1 MiB below what is taken as KiB", "KSM_THRES_CONST=1048575\n",
	  "\nfree_target_min_mib = 1048575\n", 1, "taken as 1048575 MiB" },
	{ "floor that can only be KiB", "KSM_THRES_CONST=1048576\n",
	  "\nfree_target_min_mib = 1024\n", 1,
	  "taken as the KiB that ksmtuned compared it with, 1024 MiB" },
	{ "floor seen in the wild", "KSM_THRES_CONST=512000000\n",
	  "\nfree_target_min_mib = 500000\n", 1, "500000 MiB" },
	{ "floor too large as KiB too", "KSM_THRES_CONST=1073742848\n",
	  "\nfree_target_min_mib = 1048576\n", 2,
	  "a whole number from 0 to 1048576: 1048576 is taken" },
	{ "no floor", "KSM_THRES_CONST=0\n", "\nfree_target_min_mib = 0\n", 0, "" },

	{ "below the range", "KSM_MONITOR_INTERVAL=0\n", "\ninterval_s = 1\n", 1,
	  ":1: warning: KSM_MONITOR_INTERVAL=0: interval_s is a whole number from 1 to 86400: 1 "
	  "is taken" },
	{ "above the range", "KSM_THRES_COEF=101\n", "\nfree_target_percent = 100\n", 1,
	  "100 is taken" },
	{ "at the end of the range", "KSM_THRES_COEF=100\n", "\nfree_target_percent = 100\n", 0,
	  "" },
	{ "20 digits", "KSM_NPAGES_MAX=18446744073709551615\n", "\nmax_pages = 1000000\n", 1,
	  "1000000 is taken" },
	{ "min above max", "KSM_NPAGES_MIN=100\nKSM_NPAGES_MAX=90\n",
	  "\nmin_pages = 90\n# KSM_NPAGES_MAX in line 2\nmax_pages = 90\n", 1,
	  ":2: warning: KSM_NPAGES_MIN (100) is above KSM_NPAGES_MAX (90): both become 90" },
	{ "min equal to max", "KSM_NPAGES_MIN=100\nKSM_NPAGES_MAX=100\n", "\nmax_pages = 100\n", 0,
	  "" },
	{ "max below the default min", "KSM_NPAGES_MAX=10\n",
	  "\n# KSM_NPAGES_MIN\nmin_pages = 10\n# KSM_NPAGES_MAX in line 1\nmax_pages = 10\n", 1,
	  ":1: warning: KSM_NPAGES_MIN (64) is above" },
	{ "min above the default max", "\nKSM_NPAGES_MIN=5000\n",
	  "\nmin_pages = 5000\n# KSM_NPAGES_MAX\nmax_pages = 5000\n", 1,
	  ":2: warning: KSM_NPAGES_MIN (5000) is above KSM_NPAGES_MAX (1250)" },

	{ "double quotes", "KSM_THRES_COEF=\"30\"\n", "\nfree_target_percent = 30\n", 0, "" },
	{ "single quotes", "KSM_THRES_COEF='30'\n", "\nfree_target_percent = 30\n", 0, "" },
	{ "quotes within", "KSM_THRES_COEF=3'0'\"\"\n", "\nfree_target_percent = 30\n", 0, "" },
	{ "blanks in quotes", "KSM_THRES_COEF=' 30 '\n", "\nfree_target_percent = 30\n", 0, "" },
	{ "comment behind", "KSM_THRES_COEF=30 # don't $(run) this; `ever`\n",
	  "\nfree_target_percent = 30\n", 0, "" },
	{ "comment behind a tab", "KSM_THRES_COEF=30\t#x\n", "\nfree_target_percent = 30\n", 0,
	  "" },
	{ "number sign in quotes", "LOGFILE=\"/a #b\"\nKSM_THRES_COEF=30\n",
	  "\nfree_target_percent = 30\n", 1, "LOGFILE=/a #b: dropped" },
	{ "leading and trailing blanks", " \tKSM_THRES_COEF=30 \t\n",
	  "\nfree_target_percent = 30\n", 0, "" },
	{ "export", "export KSM_THRES_COEF=30\n", "\nfree_target_percent = 30\n", 0, "" },
	{ "export with blanks", "  export \t KSM_THRES_COEF=30\n", "\nfree_target_percent = 30\n",
	  0, "" },
	{ "a variable called export", "export=1\n", "\n#interval_s = 60\n", 1,
	  "export=1: unknown" },
	{ "no newline at the end", "# c\nKSM_THRES_COEF=30", "\nfree_target_percent = 30\n", 0,
	  "" },
	{ "CR LF", "# c\r\n\r\nKSM_THRES_COEF=30\r\nKSM_SLEEP_MSEC=20\r\n",
	  "\nsleep_ms = 20\n# KSM_THRES_COEF in line 3\nfree_target_percent = 30\n", 1,
	  ":3: warning: KSM_THRES_COEF=30: the line ends in CR LF" },
	{ "given twice", "KSM_THRES_COEF=30\n\nKSM_THRES_COEF=40\n",
	  "\n# KSM_THRES_COEF in line 3\nfree_target_percent = 40\n", 1,
	  ":3: warning: KSM_THRES_COEF=40: given before in line 1" },
	{ "given and emptied", "KSM_THRES_COEF=30\nKSM_THRES_COEF=\n",
	  "\n#free_target_percent = 20\n", 2, ":2: warning: KSM_THRES_COEF=: empty" },
	{ "empty quotes", "KSM_THRES_COEF=\"\" # c\n", "\n#free_target_percent = 20\n", 1,
	  "empty" },
	{ "comment with shell in it", "#KSM_THRES_COEF=$(rm -rf /)\n  # `x`\n",
	  "\n#free_target_percent = 20\n", 0, "" },
	{ "empty file", "", "\n[ksm]\npolicy = ksmtuned\n#interval_s = 60\n#boost_pages = 300\n", 0,
	  "" },

	{ "LOGFILE", "LOGFILE=/var/log/ksmtuned\n", "\n#interval_s", 1,
	  ":1: warning: LOGFILE=/var/log/ksmtuned: dropped: messages are in the journal "
	  "(journalctl -u kvmtuned)" },
	{ "DEBUG", "DEBUG=1\n", "\n#interval_s", 1, "log_level = debug" },
	{ "PIDFILE", "PIDFILE=/run/x\n", "\n#interval_s", 1, "systemctl kill --signal=USR1" },
	{ "max_kernel_pages", "KSM_MAX_KERNEL_PAGES=0\n", "\n#interval_s", 1, "obsolete" },
	{ "Proxmox's metric", "KSM_PS_METRIC=pss\n", "\n#interval_s", 1, "the guests of libvirt" },
	{ "unknown", "\nKSM_PAGES=5\n", "\n#interval_s", 1,
	  ":2: warning: KSM_PAGES=5: unknown to ksmtuned and to kvmtuned" },
	{ "another case is another key", "ksm_thres_coef=5\n", "\n#free_target_percent = 20\n", 1,
	  "unknown" },
};

START_TEST(what_can_be_said_here_is_printed_and_the_rest_is_told)
{
	ck_assert_msg(import_text(good[_i].text) == EXIT_SUCCESS, "%s: %s", good[_i].name, notes);
	ck_assert_msg(strstr(out, good[_i].prints), "%s: %s", good[_i].name, out);
	ck_assert_msg(count_lines(notes) == good[_i].warnings, "%s: %s", good[_i].name, notes);
	ck_assert_msg(strstr(notes, good[_i].says), "%s: %s", good[_i].name, notes);
	ck_assert_msg(!*notes || strstr(notes, path), "%s: %s", good[_i].name, notes);
	(void)load_output();
}
END_TEST

START_TEST(the_output_says_what_old_values_are_worth)
{
	const struct conf_option *policy = conf_options;

	while (strcmp(policy->section, "ksm") != 0 || strcmp(policy->key, "policy") != 0)
		policy++;
	ck_assert_int_eq(import_text(""), EXIT_SUCCESS);
	ck_assert_ptr_nonnull(strstr(out, "# Debian's ksmtuned never saw libvirt's guests"));
	ck_assert_ptr_nonnull(strstr(out, "SIGUSR1 still means: decide now"));
	ck_assert_int_eq(strstr(out, "the default, needs none of these values") != NULL,
			 strcmp(policy->standard, "ksmtuned") != 0);
}
END_TEST

/* Our words in ksmtuned's shape: what distributions ship sets nothing. */
#define SHIPPED                                                                                     \
	"# Settings of ksmtuned.\n\n"                                                               \
	"# Seconds from one adjustment to the next\n# KSM_MONITOR_INTERVAL=60\n\n"                  \
	"# Pause between scans of a 16Gb server, in milliseconds;\n# other sizes: in proportion.\n" \
	"# KSM_SLEEP_MSEC=10\n\n# KSM_NPAGES_BOOST=300\n# KSM_NPAGES_DECAY=-50\n"                   \
	"# KSM_NPAGES_MIN=64\n# KSM_NPAGES_MAX=1250\n\n# KSM_THRES_COEF=20\n"                       \
	"# KSM_THRES_CONST=2048\n\n"

#define SHIPPED_DEBUG                                                                              \
	"# for debugging, remove the number signs:\n\n# LOGFILE=/var/log/ksmtuned\n# DEBUG=1\n"

#define SHIPPED_PROXMOX "# How to measure a guest: pss or rsz\n# KSM_PS_METRIC=pss\n\n"

START_TEST(shipped_files_set_nothing)
{
	static const char *const files[] = {
		SHIPPED SHIPPED_DEBUG,                 /* Debian, Fedora */
		SHIPPED SHIPPED_PROXMOX SHIPPED_DEBUG, /* Proxmox VE */
	};
	struct conf standard;
	struct ksm_conf ksm;

	conf_defaults(&standard);
	standard.policy.ksm.policy = KSM_POLICY_KSMTUNED;
	for (size_t i = 0; i < KT_ARRAY_LEN(files); i++) {
		ck_assert_int_eq(import_text(files[i]), EXIT_SUCCESS);
		ck_assert_str_eq(notes, "");
		ksm = load_output();
		ck_assert_mem_eq(&ksm, &standard.policy.ksm, sizeof ksm);
	}
	/* "commented out, with the default": ksmtuned's default, that is */
	ck_assert_ptr_nonnull(strstr(out,
				     "#interval_s = 60\n#boost_pages = 300\n#decay_pages = 50\n"
				     "#min_pages = 64\n#max_pages = 1250\n#sleep_ms = 10\n"
				     "#free_target_percent = 20\n#free_target_min_mib = 2048\n"));
}
END_TEST

START_TEST(every_value_of_a_file_that_sets_all_arrives)
{
	struct ksm_conf ksm;

	ck_assert_int_eq(import_text("KSM_MONITOR_INTERVAL=11\nKSM_SLEEP_MSEC=200  # slower\n"
				     "KSM_NPAGES_BOOST='12'\nKSM_NPAGES_DECAY=-13\n"
				     "export KSM_NPAGES_MIN=14\nKSM_NPAGES_MAX=\"15\"\n"
				     "KSM_THRES_COEF=16\nKSM_THRES_CONST=17\nKSM_PS_METRIC=rsz\n"
				     "LOGFILE=/var/log/ksmtuned\nDEBUG=1\n"),
			 EXIT_SUCCESS);
	ck_assert_uint_eq(count_lines(notes), 4);
	ksm = load_output();
	ck_assert_uint_eq(ksm.interval_s, 11);
	ck_assert_uint_eq(ksm.sleep_ms, 200);
	ck_assert_uint_eq(ksm.boost_pages, 12);
	ck_assert_uint_eq(ksm.decay_pages, 13);
	ck_assert_uint_eq(ksm.min_pages, 14);
	ck_assert_uint_eq(ksm.max_pages, 15);
	ck_assert_uint_eq(ksm.free_target_percent, 16);
	ck_assert_uint_eq(ksm.free_target_min_mib, 17);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("import");
	TCase *c = tcase_create("import");

	tcase_add_checked_fixture(c, import_setup, import_teardown);
	tcase_add_loop_test(c, what_can_be_said_here_is_printed_and_the_rest_is_told, 0,
			    (int)KT_ARRAY_LEN(good));
	tcase_add_test(c, the_output_says_what_old_values_are_worth);
	tcase_add_test(c, shipped_files_set_nothing);
	tcase_add_test(c, every_value_of_a_file_that_sets_all_arrives);
	suite_add_tcase(s, c);
	return kt_run(s);
}
