/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which results of an audit are shown, and how? */
#include <string.h>

#include "audit.h"
#include "report_fixture.h"

#define RESULT(id, severity, result, guest, is)                                                    \
	"{'id':'" id "','severity':'" severity "','class':'live','result':'" result                \
	"','guest':" guest ",'uuid':null,'is':" is ",'should':'0','why':'Why <b>.','source':'S',"  \
	"'fix':'fix & go','owner':null,'reason':null}"
#define NEXT(id, severity, result, guest, is) "," RESULT(id, severity, result, guest, is)

/* clang-format off */
static const char audit_text[] =
	"{'schema':1,'unix_s':1,'guests_known':true,'tuned_profile':null,'ignored':[],"
	"'summary':{'critical':1,'warning':2,'note':1,'unknown':1,'ok':1,'not_applicable':0},"
	"'results':["
	RESULT("host-a", "warning", "finding", "null", "'60'")
	NEXT("host-ab", "critical", "finding", "null", "'<i>'")
	NEXT("guest-a", "note", "finding", "'web'", "'x'")
	NEXT("guest-b", "warning", "finding", "'db'", "'x'")
	NEXT("guest-b", "warning", "ok", "'web'", "'y'")
	NEXT("guest-a", "critical", "unknown", "'db'", "null")
	"]}";
/* clang-format on */

static const struct {
	struct options o;
	const char *guest, *ids;
	size_t of;
} filters[] = {
	{ .ids = "host-a host-ab guest-a guest-b ", .of = 6 },
	{ { .given = OPTION_ALL },
	  .ids = "host-a host-ab guest-a guest-b guest-b guest-a ",
	  .of = 6 },
	{ { .given = OPTION_HOST }, .ids = "host-a host-ab ", .of = 2 },
	{ .guest = "web", .ids = "guest-a ", .of = 2 },
	{ { .given = OPTION_ALL }, .guest = "db", .ids = "guest-b guest-a ", .of = 2 },
	{ .guest = "we", .ids = "", .of = 0 },
	{ { .severity = "note" }, .ids = "host-a host-ab guest-a guest-b ", .of = 6 },
	{ { .severity = "warning" }, .ids = "host-a host-ab guest-b ", .of = 6 },
	{ { .severity = "critical" }, .ids = "host-ab ", .of = 6 },
	{ { .ignore = "host-a" }, .ids = "host-ab guest-a guest-b ", .of = 6 },
	{ { .ignore = "guest-a,,host-ab,x" }, .ids = "host-a guest-b ", .of = 6 },
	{ { .ignore = "host-a,host" }, .ids = "host-ab guest-a guest-b ", .of = 6 },
};

START_TEST(what_is_asked_for_is_left)
{
	struct json_object *audit = report_json(audit_text), *kept;
	char ids[256] = "";
	size_t of;

	ck_assert(audit_is_proper(audit));
	kept = audit_filter(&filters[_i].o, filters[_i].guest, audit, &of);
	for (size_t i = 0; i < json_object_array_length(kept); i++)
		strcat(strcat(ids, get_text(json_object_array_get_idx(kept, i), "id")), " ");
	ck_assert_str_eq(ids, filters[_i].ids);
	ck_assert_uint_eq(of, filters[_i].of);
	json_object_put(kept);
	json_object_put(audit);
}
END_TEST

START_TEST(findings_are_counted_by_severity)
{
	struct json_object *audit = report_json(audit_text);
	struct json_object *results = get_member(audit, "results");

	ck_assert_uint_eq(audit_findings(results, NULL), 4);
	ck_assert_uint_eq(audit_findings(results, "warning"), 2);
	ck_assert_uint_eq(audit_findings(results, "critical"), 1);
	json_object_put(audit);
}
END_TEST

START_TEST(an_audit_without_its_parts_is_refused)
{
	static const char *const parts[] = { "'results'", "'summary'",  "'id'",
					     "'why'",     "'severity'", "'unknown'" };
	KT_AUTOFREE char *text = strdup(audit_text);
	struct json_object *audit;

	ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr));
	strstr(text, parts[_i])[1] = 'X';
	audit = report_json(text);
	ck_assert(!audit_is_proper(audit));
	json_object_put(audit);
}
END_TEST

START_TEST(the_report_has_findings_as_text_and_the_worst_first)
{
	struct report report = report_new(status_text, history_text, decisions_text);
	KT_AUTOFREE char *without = report_page(&report), *with = NULL;

	ck_assert_ptr_null(strstr(without, "<h2>Audit</h2>"));
	report.audit = report_json(audit_text);
	with = report_page(&report);
	ck_assert_ptr_nonnull(strstr(with, "<caption>Findings: 4</caption>"));
	ck_assert_uint_eq(occurrences(with, "<code>guest-b</code>"), 1);
	ck_assert_ptr_nonnull(strstr(with, "<td>&lt;i&gt;</td>"));
	ck_assert_ptr_nonnull(strstr(with, "<code>fix &amp; go</code>"));
	ck_assert_ptr_nonnull(strstr(with, "Why &lt;b&gt;."));
	ck_assert(strstr(with, "<code>host-ab</code>") < strstr(with, "<code>host-a</code>"));
	json_object_put(report.audit);
	report.audit = report_json("{'results':[]}");
	free(with);
	with = report_page(&report);
	ck_assert_ptr_nonnull(strstr(with, "No rule of tuning is broken"));
	json_object_put(report.audit);
	report_done(&report);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ctl audit");
	TCase *c = tcase_create("audit");

	tcase_add_loop_test(c, what_is_asked_for_is_left, 0, KT_ARRAY_LEN(filters));
	tcase_add_test(c, findings_are_counted_by_severity);
	tcase_add_loop_test(c, an_audit_without_its_parts_is_refused, 0, 6);
	tcase_add_test(c, the_report_has_findings_as_text_and_the_worst_first);
	suite_add_tcase(s, c);
	return kt_run(s);
}
