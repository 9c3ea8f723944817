/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kvmtunectl report: what is asked, and where does the page go? */
#include "report.h"
#include "audit.h"

#include <errno.h>
#include <string.h>

enum { SINCE_MIN_S = 60, SINCE_MAX_S = 7 * 86400, SINCE_S = 86400 };

static const char standard_file[] = "kvmtuned-report.html";

static int read_since(const struct options *o, uint64_t *ret_s)
{
	uint64_t since_s = SINCE_S;

	if (o->since && (ctl_duration(o->since, &since_s) < 0 || since_s < SINCE_MIN_S ||
			 since_s > SINCE_MAX_S)) {
		ctl_say("--since: a time from 1m to 7d is wanted, such as 90m, 2h or 1d");
		return EXIT_USAGE;
	}
	*ret_s = since_s;
	return 0;
}

static int ask(const struct options *o, struct report *report)
{
	int status = ctl_get(o, "/v1/status", &report->status);

	if (!status)
		status = ctl_get(o, "/v1/history", &report->history);
	if (!status)
		status = ctl_get(o, "/v1/decisions?after=0", &report->decisions);
	/* An older daemon does not know the question. */
	if (!status && get_member(report->status, "audit"))
		status = ctl_get(o, "/v1/audit", &report->audit);
	if (!status && report->audit && !audit_is_proper(report->audit))
		status = EXIT_FAILURE;
	return status;
}

static int make_page(const struct report *report, char **ret_page, size_t *ret_bytes)
{
	char *page = NULL;
	FILE *to = open_memstream(&page, ret_bytes);
	int r = to ? report_write(report, to) : -ENOMEM;

	if (to && ferror(to))
		r = -ENOMEM;
	if (to && fclose(to) != 0)
		r = -ENOMEM;
	*ret_page = page;
	return r;
}

static int put_page(const struct options *o, const char *page, size_t bytes)
{
	const char *file = o->output ? o->output : standard_file;
	int r;

	if (strcmp(file, "-") == 0) {
		(void)fwrite(page, 1, bytes, stdout); /* main() asks ferror() */
		return EXIT_SUCCESS;
	}
	r = ctl_write_file(file, page, bytes);
	if (r < 0) {
		ctl_say("%s: %s; nothing is left there of the report", file, strerror(-r));
		return EXIT_FAILURE;
	}
	if (!o->quiet && !o->output)
		printf("The report is in %s; any browser shows it.\n", file);
	return EXIT_SUCCESS;
}

static int write_page(const struct options *o, const struct report *report)
{
	KT_AUTOFREE char *page = NULL;
	size_t bytes = 0;
	int r = make_page(report, &page, &bytes);

	if (r == 0)
		return put_page(o, page, bytes);
	ctl_say(r == -EBADMSG ? "the answer is not understood: it does not say what time it is"
			      : "there is not enough memory for the report");
	return EXIT_FAILURE;
}

static int print_answers(const struct report *report)
{
	struct json_object *all = json_object_new_object();

	if (!all)
		return EXIT_FAILURE;
	json_object_object_add(all, "schema", json_object_new_int(CTL_SCHEMA));
	json_object_object_add(all, "status", json_object_get(report->status));
	json_object_object_add(all, "history", json_object_get(report->history));
	json_object_object_add(all, "decisions", json_object_get(report->decisions));
	json_object_object_add(all, "audit", json_object_get(report->audit));
	ctl_print_json(all);
	json_object_put(all);
	return EXIT_SUCCESS;
}

int verb_report(const struct options *o, int argc, char **argv)
{
	char hostname[256] = "";
	struct report report = { .hostname = hostname };
	uint64_t since_s = 0;
	int status = read_since(o, &since_s);

	(void)argc, (void)argv;
	if (status)
		return status;
	(void)gethostname(hostname, sizeof hostname - 1);
	report.since_s = (double)since_s;
	status = ask(o, &report);
	if (!status)
		status = o->json ? print_answers(&report) : write_page(o, &report);
	json_object_put(report.status);
	json_object_put(report.history);
	json_object_put(report.decisions);
	json_object_put(report.audit);
	return status;
}
