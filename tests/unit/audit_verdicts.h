/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the audit says, as text that a person can review: a line "result id: what is, or the
 * reason" for each rule, and below a finding what mends it. */
#ifndef KT_AUDIT_VERDICTS_H
#define KT_AUDIT_VERDICTS_H

#include <stdio.h>
#include <string.h>

#include "audit_run.h"
#include "kt_check.h"
#include "virt_domain.h"

/* Also where no test runs, which Check's own words do not allow. */
static inline void must(bool be_true)
{
	if (!be_true)
		abort();
}

/* What does not apply to the guest says nothing about it. */
static inline bool is_worth_a_line(const struct audit_rule *rule, const struct audit_verdict *v)
{
	return !rule->is_of_guest || v->result == AUDIT_FINDING || v->result == AUDIT_UNKNOWN;
}

static inline void print_verdict(FILE *out, const struct audit_rule *rule,
				 const struct audit_verdict *v)
{
	bool judged = v->result == AUDIT_OK || v->result == AUDIT_FINDING;
	static const struct uuid nobody;
	char text[AUDIT_TEXT_MAX];

	if (!is_worth_a_line(rule, v))
		return;
	fprintf(out, "%s %s: %s%s%s\n", audit_result_str(v->result), rule->id,
		judged ? audit_text(rule->is, v, &nobody, false, text) : v->reason,
		v->owner ? "; owner: " : "", v->owner ? v->owner : "");
	if (v->result != AUDIT_FINDING)
		return;
	fprintf(out, "    should be: %s\n", audit_text(rule->should, v, &nobody, false, text));
	if (*rule->fix)
		fprintf(out, "    fix: %s\n", audit_text(rule->fix, v, &nobody, true, text));
}

static inline void print_verdicts(FILE *out, const struct audit_rule *rules, size_t n,
				  const struct audit_input *in)
{
	for (size_t i = 0; i < n; i++) {
		struct audit_verdict v;

		audit_judge(&rules[i], in, &v);
		print_verdict(out, &rules[i], &v);
	}
}

/* The caller frees it. */
static inline char *verdicts_file(const char *path)
{
	KT_AUTOFCLOSE FILE *f = fopen(path, "r");
	char *text = calloc(1, KT_FILE_MAX);

	if (!f)
		perror(path);
	must(f && text);
	must(fread(text, 1, KT_FILE_MAX, f) < KT_FILE_MAX);
	return text;
}

/* A guest of tests/domains as libvirt shows it on a host of CPUs 0 to 31. */
static inline void read_guest(const char *document, struct domain *ret)
{
	struct domain_xml *x = calloc(1, sizeof *x);
	struct domain_judge judge = { .live = x };
	KT_AUTOFREE char *xml = NULL;
	char path[KT_PATH_MAX];

	snprintf(path, sizeof path, KT_TESTS_DIR "/domains/%s.xml", document);
	xml = verdicts_file(path);
	must(x != NULL);
	must(cpumask_parse("0-31", &judge.host_cpus) == 0);
	must(virt_domain_read(xml, strlen(xml), &judge.host_cpus, x) == 0);
	*ret = (struct domain){ .running = true };
	virt_domain_judge(&judge, ret);
	ret->vcpus = x->audit.current_vcpus;
	ret->memory_kib = x->audit.memory_kib;
	snprintf(ret->name, sizeof ret->name, "%s", document);
	free(x);
}

/* Line by line, so that the message is the first line that differs.  Destroys both. */
static inline void compare_verdicts(const char *what, char *said, char *expected)
{
	char *rest_said, *rest_expected;
	char *a = strtok_r(said, "\n", &rest_said), *b = strtok_r(expected, "\n", &rest_expected);

	while (a && b && strcmp(a, b) == 0) {
		a = strtok_r(NULL, "\n", &rest_said);
		b = strtok_r(NULL, "\n", &rest_expected);
	}
	ck_assert_msg(!a && !b, "%s: said \"%s\", expected \"%s\"", what, a ? a : "(end)",
		      b ? b : "(end)");
}

#endif
