/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is whatever only a shell could read refused, and does nothing hostile get through? */
#include "import_fixture.h"
#include "import_line.h"

/* One line that cannot be imported, after one that could. */
static const struct {
	const char *name, *line, *says;
} bad[] = {
	{ "variable", "KSM_NPAGES_MAX=$MAX", "'$' outside a comment: a shell would have to run" },
	{ "variable in quotes", "KSM_NPAGES_MAX=\"$MAX\"", "'$' outside a comment" },
	{ "dollar in single quotes", "LOGFILE='$x'", "'$' outside a comment" },
	{ "command", "KSM_NPAGES_MAX=$(nproc)", "'$' outside a comment" },
	{ "backticks", "KSM_NPAGES_MAX=`nproc`", "'`' outside a comment" },
	{ "backslash", "KSM_NPAGES_MAX=12\\", "a backslash outside a comment" },
	{ "array", "KSM_NPAGES_MAX=(1 2)", "'(' outside a comment" },
	{ "element", "KSM_NPAGES_MAX[0]=1", "arrays and += are not imported" },
	{ "addition", "KSM_NPAGES_MAX+=1", "arrays and += are not imported" },
	{ "function", "f() {", "'(' outside a comment" },
	{ "two commands", "KSM_NPAGES_MAX=5; reboot", "';' outside a comment" },
	{ "pipe", "KSM_NPAGES_MAX=5 | x", "'|' outside a comment" },
	{ "background", "KSM_NPAGES_MAX=5 &", "'&' outside a comment" },
	{ "input", "KSM_NPAGES_MAX=5 <x", "'<' outside a comment" },
	{ "output", "KSM_NPAGES_MAX=5 >x", "'>' outside a comment" },
	{ "arithmetic", "KSM_NPAGES_MAX=100*5", "KSM_NPAGES_MAX=100*5: wanted a whole number" },
	{ "word", "KSM_NPAGES_MAX=many", "wanted a whole number" },
	{ "fraction", "KSM_MONITOR_INTERVAL=0.5", "wanted a whole number" },
	{ "unit", "KSM_MONITOR_INTERVAL=1m", "wanted a whole number" },
	{ "octal", "KSM_NPAGES_MAX=0500", "without 0 in front" },
	{ "hexadecimal", "KSM_NPAGES_MAX=0x500", "wanted a whole number" },
	{ "sign only", "KSM_NPAGES_DECAY=-", "wanted a whole number" },
	{ "negative boost", "KSM_NPAGES_BOOST=-300", "below 0, which makes no sense here" },
	{ "number sign without a blank", "KSM_NPAGES_MAX=5#x", "KSM_NPAGES_MAX=5#x: wanted" },
	{ "beyond 64 bits", "KSM_NPAGES_MAX=18446744073709551616", "too large a number" },
	{ "open double quote", "KSM_NPAGES_MAX=\"5", "a quote without its other half" },
	{ "open single quote", "KSM_NPAGES_MAX='5", "a quote without its other half" },
	{ "mixed quotes", "KSM_NPAGES_MAX=\"5'", "a quote without its other half" },
	{ "quote opened before a number sign", "KSM_NPAGES_MAX=\"5 # x", "a quote without" },
	{ "blanks around =", "KSM_NPAGES_MAX = 5", "blank before '='" },
	{ "blank after =", "KSM_NPAGES_MAX= 5", "blank after '='" },
	{ "two values", "KSM_NPAGES_MAX=5 KSM_NPAGES_MIN=5", "more than KEY=VALUE" },
	{ "value for a command", "KSM_NPAGES_MAX=5 reboot", "more than KEY=VALUE" },
	{ "two words", "export KSM_NPAGES_MAX", "neither KEY=VALUE nor a comment" },
	{ "bare command", "reboot", "neither KEY=VALUE nor a comment" },
	{ "sourcing", ". /etc/default/x", "neither KEY=VALUE nor a comment" },
	{ "condition", "if true", "neither KEY=VALUE nor a comment" },
	{ "no key", "=5", "neither KEY=VALUE nor a comment" },
	{ "test", "[ -d /x ]", "neither KEY=VALUE nor a comment" },
	{ "key that is a number", "5X=5", "neither KEY=VALUE nor a comment" },
	{ "quoted key", "\"KSM_NPAGES_MAX\"=5", "neither KEY=VALUE nor a comment" },
	{ "control character", "KSM_NPAGES_MAX=5\033", "control character in the line" },
	{ "DEL", "LOGFILE=\177", "control character in the line" },
	{ "CR within", "KSM_NPAGES_MAX=5\r6", "control character in the line" },
	{ "invalid UTF-8 in the key", "\xffKSM=5", "neither KEY=VALUE nor a comment" },
	{ "invalid UTF-8 in the value", "KSM_NPAGES_MAX=\xff\xfe",
	  "KSM_NPAGES_MAX=\\xff\\xfe: wanted" },
	{ "printf format", "KSM_NPAGES_MAX=%s%n%99999d", "KSM_NPAGES_MAX=%s%n%99999d: wanted" },
	{ "quote in quotes", "KSM_NPAGES_MAX='\"'", "KSM_NPAGES_MAX=\\x22: wanted" },
};

START_TEST(what_only_a_shell_could_read_is_refused_whole)
{
	char text[256];

	(void)snprintf(text, sizeof text, "KSM_SLEEP_MSEC=20\n%s\nKSM_THRES_COEF=30\n",
		       bad[_i].line);
	ck_assert_msg(import_text(text) == EX_CONFIG, "%s: imported", bad[_i].name);
	ck_assert_msg(out[0] == '\0', "%s: printed %s", bad[_i].name, out);
	ck_assert_msg(strstr(notes, bad[_i].says), "%s: %s", bad[_i].name, notes);
	ck_assert_msg(strstr(notes, "ksmtuned.conf:2: "), "%s: %s", bad[_i].name, notes);
	ck_assert_msg(count_lines(notes) == 1, "%s: %s", bad[_i].name, notes);
}
END_TEST

START_TEST(every_line_that_is_refused_is_told)
{
	ck_assert_int_eq(import_text("A=$B\nKSM_THRES_COEF=x\nLOGFILE=x\nreboot\n"), EX_CONFIG);
	ck_assert_uint_eq(count_lines(notes), 4);
	ck_assert_ptr_nonnull(strstr(notes, ":1: '$'"));
	ck_assert_ptr_nonnull(strstr(notes, ":2: KSM_THRES_COEF"));
	ck_assert_ptr_nonnull(strstr(notes, ":3: warning: LOGFILE"));
	ck_assert_ptr_nonnull(strstr(notes, ":4: neither"));
}
END_TEST

START_TEST(a_nul_byte_is_refused_wherever_it_is)
{
	static const char in_value[] = "\nKSM_THRES_COEF=3\0000\n", in_comment[] = "# a\0b\n";

	ck_assert_int_eq(import_bytes(in_value, sizeof in_value - 1), EX_CONFIG);
	ck_assert_ptr_nonnull(strstr(notes, ":2: NUL byte"));
	ck_assert_int_eq(import_bytes(in_comment, sizeof in_comment - 1), EX_CONFIG);
	ck_assert_ptr_nonnull(strstr(notes, ":1: NUL byte"));
	ck_assert_str_eq(out, "");
}
END_TEST

/* A text of n bytes that begins with `head`. */
static const char *filled(const char *head, char fill, size_t n)
{
	static char text[70000];

	ck_assert_uint_lt(n, sizeof text);
	memset(text, fill, n);
	memcpy(text, head, strlen(head));
	text[n] = '\0';
	return text;
}

START_TEST(lines_and_files_have_an_end)
{
	ck_assert_int_eq(import_text(filled("#", 'x', IMPORT_LINE_BYTES)), EXIT_SUCCESS);
	ck_assert_int_eq(import_text(filled("#", 'x', IMPORT_LINE_BYTES + 1)), EX_CONFIG);
	ck_assert_ptr_nonnull(strstr(notes, ":1: line too long: at most 4096 bytes"));
	ck_assert_int_eq(import_text(filled("", '\n', 65536)), EXIT_SUCCESS);
	ck_assert_int_eq(import_text(filled("", '\n', 65537)), EX_CONFIG);
	ck_assert_ptr_nonnull(strstr(notes, "ksmtuned.conf: too large: at most 65536 bytes"));
	ck_assert_int_eq(import_path("/dev/zero"), EX_CONFIG);
}
END_TEST

START_TEST(numbers_of_thousands_of_digits_are_cut_when_told)
{
	ck_assert_int_eq(import_text(filled("KSM_NPAGES_MAX=", '9', 10000)), EX_CONFIG);
	ck_assert_ptr_nonnull(strstr(notes, "line too long"));
	ck_assert_int_eq(import_text(filled("KSM_NPAGES_MAX=", '9', 4000)), EX_CONFIG);
	ck_assert_ptr_nonnull(strstr(notes, "999..: too large a number"));
	ck_assert_uint_lt(strlen(notes), 256);
	ck_assert_int_eq(import_text(filled("KSM_NPAGES_MAX=", '\xff', 4096)), EX_CONFIG);
	ck_assert_ptr_nonnull(strstr(notes, "\\xff..: wanted a whole number"));
	ck_assert_int_eq(import_text(filled("A=\nK", 'K', 4000)), EX_CONFIG);
	ck_assert_int_eq(import_text(strcat(strcpy(out, filled("K", 'K', 4000)), "=1\n")),
			 EXIT_SUCCESS);
	ck_assert_ptr_nonnull(strstr(notes, "KKK..=1: unknown"));
}
END_TEST

START_TEST(any_bytes_give_an_answer_of_printable_text)
{
	unsigned int seed = 1;
	char bytes[200];

	for (int round = 0; round < 2000; round++) {
		static const char likely[] = "KSM_THRES_COEF=\n'\"# \t-09$\\\r";
		int status;

		for (size_t i = 0; i < sizeof bytes; i++) {
			seed = seed * 1103515245 + 12345;
			bytes[i] = (char)(seed >> 16 & 7 ? likely[(seed >> 20) % sizeof likely]
							 : (char)(seed >> 20));
		}
		status = import_bytes(bytes, sizeof bytes);
		ck_assert(status == EXIT_SUCCESS || status == EX_CONFIG);
		ck_assert((status == EXIT_SUCCESS) == (out[0] != '\0'));
		for (const char *c = notes; *c; c++)
			ck_assert_msg(*c == '\n' || (*c >= ' ' && *c < 0x7f), "%s", notes);
	}
}
END_TEST

START_TEST(hostile_file_names_are_escaped)
{
	char name[128];

	(void)snprintf(name, sizeof name, "%s/a\n%%s\033\xff.conf", folder);
	write_bytes(name, "X=1\n", 4);
	ck_assert_int_eq(import_path(name), EXIT_SUCCESS);
	ck_assert_ptr_nonnull(strstr(notes, "/a\\x0a%s\\x1b\\xff.conf:1: warning: X=1"));
	ck_assert_ptr_nonnull(strstr(out, "/a\\x0a%s\\x1b\\xff.conf"));
	(void)load_output();
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_a_failure)
{
	ck_assert_int_eq(import_path(path), EXIT_FAILURE);
	ck_assert_ptr_nonnull(strstr(notes, "ksmtuned.conf: cannot be read: No such file"));
	ck_assert_int_eq(import_path(folder), EXIT_FAILURE);
	ck_assert_ptr_nonnull(strstr(notes, ": cannot be read: Is a directory"));
	ck_assert_str_eq(out, "");
}
END_TEST

START_TEST(a_result_that_cannot_be_written_is_a_failure)
{
	struct import_request request = { .ksmtuned = true, .ksmtuned_path = path };
	FILE *full = fopen("/dev/full", "w");
	FILE *n = fmemopen(notes, sizeof notes, "w");

	ck_assert_ptr_nonnull(full);
	write_bytes(path, "", 0);
	ck_assert_int_eq(import_print(&request, full, n), EXIT_FAILURE);
	fclose(n);
	(void)fclose(full);
	ck_assert_ptr_nonnull(strstr(notes, "cannot be written: No space left"));
}
END_TEST

START_TEST(nothing_is_run)
{
	char text[512], victim[128];

	(void)snprintf(victim, sizeof victim, "%s/victim", folder);
	(void)snprintf(text, sizeof text, "A=$(touch %s)\nB=`touch %s`\ntouch %s\n", victim, victim,
		       victim);
	ck_assert_int_eq(import_text(text), EX_CONFIG);
	ck_assert_int_ne(access(victim, F_OK), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("import_refused");
	TCase *c = tcase_create("import_refused");

	tcase_add_checked_fixture(c, import_setup, import_teardown);
	tcase_add_loop_test(c, what_only_a_shell_could_read_is_refused_whole, 0,
			    (int)KT_ARRAY_LEN(bad));
	tcase_add_test(c, every_line_that_is_refused_is_told);
	tcase_add_test(c, a_nul_byte_is_refused_wherever_it_is);
	tcase_add_test(c, lines_and_files_have_an_end);
	tcase_add_test(c, numbers_of_thousands_of_digits_are_cut_when_told);
	tcase_add_test(c, any_bytes_give_an_answer_of_printable_text);
	tcase_add_test(c, hostile_file_names_are_escaped);
	tcase_add_test(c, a_file_that_cannot_be_read_is_a_failure);
	tcase_add_test(c, a_result_that_cannot_be_written_is_a_failure);
	tcase_add_test(c, nothing_is_run);
	suite_add_tcase(s, c);
	return kt_run(s);
}
