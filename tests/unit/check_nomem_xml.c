/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is a guest's XML read whole or not at all when memory runs out in the middle?
 *
 * A pin, a device or a limit that was not seen would make a guest ours that is its admin's. */
#include "nomem.h"

#include <dirent.h>

#include "unmark.h"
#include "virt_domain.h"
#include "virt_xml.h"

static const struct cpumask any_host;
static char documents[128][64];
static size_t ndocuments;

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void find_documents(void)
{
	KT_AUTOCLOSEDIR DIR *dir = opendir(KT_TESTS_DIR "/unit/xml");

	for (const struct dirent *e; dir && (e = readdir(dir));)
		if (strstr(e->d_name, ".xml") && ndocuments < KT_ARRAY_LEN(documents))
			(void)snprintf(documents[ndocuments++], sizeof documents[0], "%.63s",
				       e->d_name);
	qsort(documents, ndocuments, sizeof documents[0], by_name);
}

static size_t load(const char *name, char *text, size_t size)
{
	char path[KT_PATH_MAX];
	KT_AUTOFCLOSE FILE *f = NULL;

	ck_assert_int_lt(snprintf(path, sizeof path, "%s/unit/xml/%s", KT_TESTS_DIR, name),
			 (int)sizeof path);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	return fread(text, 1, size, f);
}

static void begin(void)
{
	xml_begin();
	ck_assert_uint_gt(ndocuments, 50);
}

static void every_request(const char *name, enum nomem_kind kind)
{
	static struct domain_xml want, got;
	static char text[KT_FILE_MAX];
	size_t size = load(name, text, sizeof text);
	int wanted = virt_domain_read(text, size, &any_host, &want);

	for (long at = 1; at < NOMEM_END; at++) {
		int r;

		memset(&got, 0xff, sizeof got);
		nomem_begin(at, kind);
		r = virt_domain_read(text, size, &any_host, &got);
		if (nomem_end() == 0)
			break;
		ck_assert_msg(r == -ENOMEM || (r == wanted &&
					       (r < 0 || memcmp(&got, &want, sizeof got) == 0)),
			      "%s, request %ld: %d", name, at, r);
		ck_assert_int_lt(at, NOMEM_END - 1);
	}
}

START_TEST(a_domain_is_read_whole_or_not_at_all)
{
	for (size_t i = 0; i < ndocuments; i++)
		every_request(documents[i], (enum nomem_kind)_i);
}
END_TEST

/* ---- --unmark ------------------------------------------------------------------------ */

static const char marked[] =
	"<domain><metadata><p:pins xmlns:p='urn:kvmtuned:pin:1'>"
	"<p:pin of='vcpu' number='0' cpus='0-1' was='none'/>"
	"<p:pin of='vcpu' number='1' cpus='2' was='0-7'/></p:pins>"
	"<l:limit xmlns:l='urn:kvmtuned:limit:1' soft_limit_kib='65536' original_kib='70000'/>"
	"</metadata><cputune><vcpupin vcpu='0' cpuset='0-1'/><vcpupin vcpu='1' cpuset='2'/>"
	"</cputune><memtune><soft_limit unit='KiB'>65536</soft_limit></memtune></domain>";

static void unmarked(long at, enum nomem_kind kind, char *ret, size_t size,
		     unsigned int *ret_failed)
{
	static char in_buffer[BUFSIZ], out_buffer[BUFSIZ], err_buffer[BUFSIZ];
	KT_AUTOFCLOSE FILE *in = tmpfile(), *out = tmpfile(), *err = tmpfile();
	size_t n;
	int status;

	ck_assert(in && out && err);
	setbuf(in, in_buffer);
	setbuf(out, out_buffer);
	setbuf(err, err_buffer);
	ck_assert_int_ge(fputs(marked, in), 0);
	rewind(in);
	nomem_begin(at, kind);
	status = unmark(in, out, err);
	*ret_failed = nomem_end();
	ck_assert_int_eq(status, 0);
	rewind(out);
	n = fread(ret, 1, size - 1, out);
	ret[n] = '\0';
}

/* Nothing on stdout leaves the XML as it is. */
START_TEST(marks_go_all_at_once_or_not_at_all)
{
	static char want[KT_FILE_MAX], got[KT_FILE_MAX];
	unsigned int nfailed = 1;

	unmarked(NOMEM_END, (enum nomem_kind)_i, want, sizeof want, &nfailed);
	ck_assert_ptr_nonnull(strstr(want, "70000"));
	nfailed = 1;
	for (long at = 1; nfailed > 0; at++) {
		unmarked(at, (enum nomem_kind)_i, got, sizeof got, &nfailed);
		ck_assert_msg(!got[0] || strcmp(got, want) == 0, "request %ld: %s", at, got);
	}
	ck_assert_str_eq(got, want);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("nomem_xml");
	TCase *c = tcase_create("nomem_xml");

	find_documents();
	tcase_add_checked_fixture(c, begin, NULL);
	tcase_set_timeout(c, 120);
	tcase_add_loop_test(c, a_domain_is_read_whole_or_not_at_all, 0, NOMEM_KINDS);
	tcase_add_loop_test(c, marks_go_all_at_once_or_not_at_all, 0, NOMEM_KINDS);
	suite_add_tcase(s, c);
	return kt_run(s);
}
