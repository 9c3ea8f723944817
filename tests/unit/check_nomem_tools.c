/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs that end by themselves, --test-config, --show-config, the import and --replay: without
 * memory for it, is there all of what they print, or a failure that is told? */
#include "nomem.h"

#include <sysexits.h>
#include <unistd.h>

#include "conf_check.h"
#include "import.h"
#include "log.h"
#include "scratch.h"

static char folder[64], path[96];
static unsigned int nsaid;

/* json-c 0.16 loses the copy of a key when the table has no memory to grow. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:json_object_object_add_ex";
}

static void count(const struct log_event *event, void *context)
{
	(void)context;
	nsaid += event->level <= LOG_LEVEL_WARNING;
}

static void setup(void)
{
	scratch_make(folder, sizeof folder);
	snprintf(path, sizeof path, "%s/file", folder);
	log_set_sink(count, NULL, LOG_LEVEL_INFO);
}

static void teardown(void)
{
	ck_assert_int_eq(scratch_remove(folder), 0);
}

static void write_file(const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert(fputs(text, f) >= 0);
	ck_assert_int_eq(fclose(f), 0);
}

/* ---- one run ------------------------------------------------------------------------------- */

typedef int run_fn(FILE *out, FILE *notes);

static char printed[2][65536], whole[65536];
static char buffer[2][4096]; /* stdio's, which asks for none then */

static int run_once(run_fn *run, long at, enum nomem_kind kind, unsigned int *ret_nfailed)
{
	FILE *file[2];
	int status;

	for (int i = 0; i < 2; i++) {
		file[i] =
			fmemopen(memset(printed[i], 0, sizeof printed[i]), sizeof printed[i], "w");
		ck_assert_ptr_nonnull(file[i]);
		ck_assert_int_eq(setvbuf(file[i], buffer[i], _IOFBF, sizeof buffer[i]), 0);
	}
	nsaid = 0;
	nomem_begin(at, kind);
	status = run(file[0], file[1]);
	*ret_nfailed = nomem_end();
	fclose(file[0]);
	fclose(file[1]);
	return status;
}

/* All of it and the status of that, or another status, and somebody has said why. */
static void is_all_or_none(run_fn *run, enum nomem_kind kind)
{
	unsigned int nfailed = 1;
	int wanted = run_once(run, NOMEM_END, kind, &nfailed);
	long at;

	snprintf(whole, sizeof whole, "%s", printed[0]);
	ck_assert_uint_gt(strlen(whole), 0);
	nfailed = 1;
	for (at = 1; nfailed > 0; at++) {
		int status = run_once(run, at, kind, &nfailed);

		if (status == wanted) /* JSON may lack something, see json_put.h */
			ck_assert_msg(whole[0] == '{' ? printed[0][0] == '{'
						      : strcmp(printed[0], whole) == 0,
				      "request %ld: %.200s", at, printed[0]);
		else
			ck_assert_msg(status > 0 && (nsaid > 0 || printed[1][0]),
				      "request %ld: %d, and nothing is said", at, status);
	}
	ck_assert_int_gt(at, 2);
}

/* ---- configuration ----------------------------------------------------------------------------
 */

static int check(enum conf_show what, FILE *out)
{
	return conf_check(&(struct conf_source){ .path = path, .must_exist = true }, folder, what,
			  out);
}

static int check_verdict(FILE *out, FILE *notes)
{
	(void)notes;
	return check(CONF_SHOW_VERDICT, out);
}

static int check_values(FILE *out, FILE *notes)
{
	(void)notes;
	return check(CONF_SHOW_VALUES, out);
}

static int check_json(FILE *out, FILE *notes)
{
	(void)notes;
	return check(CONF_SHOW_JSON, out);
}

static run_fn *const checks[] = { check_verdict, check_values, check_json };

START_TEST(a_configuration_is_shown_in_whole)
{
	write_file("[ksm]\nmin_pages = 6\n[domain \"web-*\"]\nweight = 7\n");
	is_all_or_none(checks[_i / NOMEM_KINDS], (enum nomem_kind)(_i % NOMEM_KINDS));
}
END_TEST

/* ---- the import ---------------------------------------------------------------------------------
 */

static int import_ksmtuned(FILE *out, FILE *notes)
{
	return import_print(&(struct import_request){ .ksmtuned = true, .ksmtuned_path = path },
			    out, notes);
}

static int import_numad(FILE *out, FILE *notes)
{
	return import_print(&(struct import_request){ .numad = true, .numad_path = path }, out,
			    notes);
}

static const struct {
	run_fn *run;
	const char *text;
} imports[] = { { import_ksmtuned, "KSM_MONITOR_INTERVAL=60\nKSM_NPAGES_BOOST=300\n" },
		{ import_numad, "INTERVAL=15\n" } };

START_TEST(an_import_is_whole)
{
	write_file(imports[_i / NOMEM_KINDS].text);
	is_all_or_none(imports[_i / NOMEM_KINDS].run, (enum nomem_kind)(_i % NOMEM_KINDS));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("nomem_tools");
	TCase *c = tcase_create("nomem_tools");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, a_configuration_is_shown_in_whole, 0,
			    KT_ARRAY_LEN(checks) * NOMEM_KINDS);
	tcase_add_loop_test(c, an_import_is_whole, 0, KT_ARRAY_LEN(imports) * NOMEM_KINDS);
	suite_add_tcase(s, c);
	return kt_run(s);
}
