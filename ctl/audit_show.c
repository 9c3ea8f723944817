/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How do the findings of an audit look? */
#include <string.h>

#include "audit.h"
#include "table.h"

static const char *color_of(struct json_object *result)
{
	int rank = audit_severity_rank(get_text(result, "severity"));

	return !audit_is_finding(result) ? NULL : rank == 2 ? "red" : rank == 1 ? "yellow" : NULL;
}

/* What is no finding has no severity, and says why it is none. */
static const char *kind_of(struct json_object *result)
{
	return get_text(result, audit_is_finding(result) ? "severity" : "result");
}

static const char *state_of(struct json_object *result)
{
	const char *is = get_text(result, "is");

	return is ? is : get_text(result, "reason");
}

static int show_table(const struct options *o, struct json_object *audit)
{
	static const struct column columns[] = {
		{ "SEVERITY", COLUMN_TEXT }, { "RULE", COLUMN_TEXT },      { "GUEST", COLUMN_TEXT },
		{ "IS", COLUMN_LONG },       { "SHOULD BE", COLUMN_LONG },
	};
	struct table t = table_new(o, columns, KT_ARRAY_LEN(columns));

	for (size_t i = 0; i < get_length(audit, "results"); i++) {
		struct json_object *result = get_element(audit, "results", i);

		table_color(table_row(&t, (const char *const[]){ kind_of(result),
								 get_text(result, "id"),
								 get_text(result, "guest"),
								 state_of(result),
								 get_text(result, "should") }),
			    0, color_of(result));
	}
	return table_print(&t);
}

/* When the command or XML does what it is for. */
static const char *when_of(const char *class)
{
	static const struct {
		const char *class, *when;
	} words[] = {
		{ "tuned", "at once; kvmtuned can do it" },
		{ "live", "at once" },
		{ "domain", "at once, for this guest" },
		{ "restart", "at the guest's next start, or when the device is plugged again" },
		{ "boot", "at the next boot, or when the module is loaded again" },
		{ "sizing", "no knob: a matter of sizing" },
	};

	for (size_t i = 0; i < KT_ARRAY_LEN(words); i++)
		if (strcmp(words[i].class, class) == 0)
			return words[i].when;
	return class;
}

static void print_part(const char *what, const char *text)
{
	if (text)
		printf("    %-9s %s\n", what, text);
}

static void show_block(struct json_object *result)
{
	const char *guest = get_text(result, "guest");

	printf("%s: %s%s%s\n", kind_of(result), get_text(result, "id"), guest ? ": " : "",
	       guest ? guest : "");
	print_part("is", get_text(result, "is"));
	print_part("should be", get_text(result, "should"));
	print_part("set by", get_text(result, "owner"));
	print_part("note", get_text(result, "reason"));
	print_part("why", get_text(result, "why"));
	print_part("source", get_text(result, "source"));
	print_part("fix", get_text(result, "fix"));
	if (audit_is_finding(result))
		print_part("effect", when_of(get_text(result, "class")));
	putchar('\n');
}

static void print_count(size_t n, const char *word, bool *first)
{
	if (n)
		printf("%s%zu %s", *first ? "" : ", ", n, word);
	*first = *first && !n;
}

static void print_summary(const struct options *o, struct json_object *audit)
{
	struct json_object *results = get_member(audit, "results");
	double unknown = get_number(get_member(audit, "summary"), "unknown");
	bool first = true;

	print_count(audit_findings(results, "critical"), "critical", &first);
	print_count(audit_findings(results, "warning"), "warning", &first);
	print_count(audit_findings(results, "note"), "note", &first);
	printf("%s", first ? "no findings" : "");
	if (unknown > 0 && !(o->given & OPTION_ALL))
		printf("; %s unknown (--all)", show_number(unknown, 0).text);
	if (get_length(audit, "ignored") > 0)
		printf("; ignored rules: %zu", get_length(audit, "ignored"));
	if (!first && !(o->given & OPTION_LONG))
		printf("; --long tells why, and what mends it");
	putchar('\n');
	if (!get_bool(audit, "guests_known"))
		puts("libvirt has not listed its guests: only the host was judged");
}

int audit_show(const struct options *o, struct json_object *audit)
{
	size_t n = get_length(audit, "results");
	int status = EXIT_SUCCESS;

	if (n > 0 && !(o->given & OPTION_LONG))
		status = show_table(o, audit);
	for (size_t i = 0; i < n && (o->given & OPTION_LONG); i++)
		show_block(get_element(audit, "results", i));
	if (!o->quiet)
		print_summary(o, audit);
	return status;
}
