/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which rules of tuning are broken here? */
#include "audit.h"

#include <string.h>

bool audit_is_proper(struct json_object *audit)
{
	if (!ctl_has_shape(audit,
			   "unix_s:n guests_known:b tuned_profile:s? ignored:a summary:o results:a",
			   "the audit") ||
	    !ctl_has_shape(get_member(audit, "summary"),
			   "critical:n warning:n note:n unknown:n ok:n not_applicable:n",
			   "the summary"))
		return false;
	for (size_t i = 0; i < get_length(audit, "results"); i++)
		if (!ctl_has_shape(get_element(audit, "results", i),
				   "id:s severity:s class:s result:s guest:s? uuid:s? is:s? "
				   "should:s? why:s source:s fix:s? owner:s? reason:s?",
				   "a result"))
			return false;
	return true;
}

/* ---- what is wanted ------------------------------------------------------------------------ */

int audit_severity_rank(const char *severity)
{
	static const char *const words[] = { "note", "warning", "critical" };

	for (size_t i = 0; i < KT_ARRAY_LEN(words); i++)
		if (strcmp(words[i], severity) == 0)
			return (int)i;
	return -1;
}

bool audit_is_finding(struct json_object *result)
{
	const char *word = get_text(result, "result");

	return word && strcmp(word, "finding") == 0;
}

/* A list with commas between its words. */
static bool has_word(const char *list, const char *word)
{
	size_t length = strlen(word);

	while (list && *list) {
		size_t n = strcspn(list, ",");

		if (n == length && memcmp(list, word, n) == 0)
			return true;
		list += n + (list[n] == ',');
	}
	return false;
}

static bool is_meant(const struct options *o, const char *guest, struct json_object *result)
{
	const char *name = get_text(result, "guest"), *uuid = get_text(result, "uuid");

	if (o->given & OPTION_HOST)
		return !name;
	return !guest || (name && strcmp(name, guest) == 0) || (uuid && strcmp(uuid, guest) == 0);
}

static bool is_wanted(const struct options *o, struct json_object *result)
{
	if (has_word(o->ignore, get_text(result, "id")))
		return false;
	if (!audit_is_finding(result))
		return o->given & OPTION_ALL;
	return !o->severity || audit_severity_rank(get_text(result, "severity")) >=
				       audit_severity_rank(o->severity);
}

struct json_object *audit_filter(const struct options *o, const char *guest,
				 struct json_object *audit, size_t *ret_of)
{
	struct json_object *kept = json_object_new_array();

	*ret_of = 0;
	for (size_t i = 0; kept && i < get_length(audit, "results"); i++) {
		struct json_object *result = get_element(audit, "results", i);

		if (!is_meant(o, guest, result))
			continue;
		++*ret_of;
		if (is_wanted(o, result) &&
		    json_object_array_add(kept, json_object_get(result)) < 0)
			json_object_put(result);
	}
	return kept;
}

size_t audit_findings(struct json_object *results, const char *severity)
{
	size_t n = 0;

	for (size_t i = 0; i < json_object_array_length(results); i++) {
		struct json_object *result = json_object_array_get_idx(results, i);

		n += audit_is_finding(result) &&
		     (!severity || strcmp(get_text(result, "severity"), severity) == 0);
	}
	return n;
}

/* ---- asking -------------------------------------------------------------------------------- */

static int ask_daemon(const struct options *o, const char *guest, struct json_object **ret)
{
	bool all = o->given & OPTION_ALL;
	KT_AUTOFREE char *question =
		guest ? ctl_question_about(all ? "/v1/audit?all=1&guest=" : "/v1/audit?guest=",
					   guest)
		      : strdup(all ? "/v1/audit?all=1" : "/v1/audit");

	return question ? ctl_get(o, question, ret) : EXIT_FAILURE;
}

/* kvmtuned exits with 4, too, when there are findings. */
static int ask_program(const struct options *o, struct json_object **ret)
{
	KT_AUTOFREE char *text = NULL;
	size_t bytes = 0;
	int status = daemon_audit(o->config, &text, &bytes);

	if (status != EXIT_SUCCESS && status != EXIT_DEGRADED)
		return status;
	*ret = ctl_parse(text, bytes);
	return *ret ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int check_options(const struct options *o, const char *guest)
{
	if (guest && (o->given & OPTION_HOST)) {
		ctl_say("either --host or a guest, not both");
		return EXIT_USAGE;
	}
	if (o->severity && audit_severity_rank(o->severity) < 0) {
		ctl_say("--severity: note, warning or critical is wanted");
		return EXIT_USAGE;
	}
	if (o->config && !(o->given & OPTION_OFFLINE)) {
		ctl_say("--config goes with --offline: a daemon has its own configuration");
		return EXIT_USAGE;
	}
	return EXIT_SUCCESS;
}

static int show(const struct options *o, const char *guest, struct json_object *audit)
{
	size_t of;
	struct json_object *kept = audit_filter(o, guest, audit, &of);
	size_t findings = kept ? audit_findings(kept, NULL) : 0;
	int status = EXIT_SUCCESS;

	if (!kept || json_object_object_add(audit, "results", kept) < 0) {
		ctl_say("no memory for the findings");
		return EXIT_FAILURE;
	}
	if (guest && of == 0 && (o->given & OPTION_OFFLINE)) {
		ctl_say("no guest is called \"%s\", or libvirt does not answer", guest);
		return EXIT_FAILURE;
	}
	if (o->json)
		ctl_print_json(audit);
	else
		status = audit_show(o, audit);
	return status == EXIT_SUCCESS && findings ? EXIT_DEGRADED : status;
}

int verb_audit(const struct options *o, int argc, char **argv)
{
	const char *guest = argc > 1 ? argv[1] : NULL;
	struct json_object *audit = NULL;
	int status = check_options(o, guest);

	if (status == EXIT_SUCCESS)
		status = o->given & OPTION_OFFLINE ? ask_program(o, &audit)
						   : ask_daemon(o, guest, &audit);
	if (status == EXIT_SUCCESS && !audit_is_proper(audit))
		status = EXIT_FAILURE;
	/* The daemon has found the guest by whatever it was called. */
	if (status == EXIT_SUCCESS)
		status = show(o, o->given & OPTION_OFFLINE ? guest : NULL, audit);
	json_object_put(audit);
	return status;
}
