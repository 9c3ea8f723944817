/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is decided, as it is decided? */
#include <math.h>
#include <string.h>

#include "ctl.h"
#include "str.h"

static const char shape[] =
	"seq:n unix_s:n level:s event:s guest:s? loop:s? reason:s? dry_run:b message:s";

static const char *color_of(const char *level)
{
	if (strcmp(level, "warning") == 0)
		return "\033[33m";
	return strcmp(level, "err") == 0 || strcmp(level, "error") == 0 ? "\033[31m" : "";
}

static int show_decision(const struct options *o, struct json_object *decision)
{
	const char *color = o->color ? color_of(get_text(decision, "level")) : "";

	printf("%s  %s%s%s%s\n", show_time(get_number(decision, "unix_s"), TIME_SORTABLE).text,
	       color, get_text(decision, "message"), *color ? "\033[0m" : "",
	       get_bool(decision, "dry_run") ? " (dry run)" : "");
	return EXIT_SUCCESS;
}

/* Nobody could write what was heard, so hearing more is of no use. */
static int flush_line(void)
{
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int hear(void *context, const char *line)
{
	const struct options *o = context;
	KT_AUTOFREE char *text = strdup(line);
	struct json_object *decision = text ? ctl_parse(text, strlen(text)) : NULL;
	int status = EXIT_FAILURE;

	if (decision && ctl_has_shape(decision, shape, "a decision")) {
		if (o->json)
			ctl_print_json(decision);
		else
			(void)show_decision(o, decision);
		status = flush_line();
	}
	json_object_put(decision);
	return status;
}

/* The number of the newest decision: only what comes after it is new. */
static int ask_for_last(const struct options *o, uint64_t *ret)
{
	struct json_object *answer = NULL;
	int status = ctl_get(o, "/v1/decisions", &answer);

	if (status == EXIT_SUCCESS &&
	    !ctl_has_shape(answer, "first:n last:n decisions:a", "the answer"))
		status = EXIT_FAILURE;
	if (status == EXIT_SUCCESS)
		*ret = json_object_get_uint64(get_member(answer, "last"));
	json_object_put(answer);
	return status;
}

int verb_monitor(const struct options *o, int argc, char **argv)
{
	struct options mine = *o; /* what the stream gives back is not const */
	uint64_t after = 0;
	char path[80];
	int status = EXIT_SUCCESS;

	(void)argc, (void)argv;
	if (o->since && str_u64(o->since, &after) < 0) {
		ctl_say("--since: the number of a decision is wanted (seq in --json)");
		return EXIT_USAGE;
	}
	if (!(o->given & (OPTION_ALL | OPTION_SINCE)))
		status = ask_for_last(o, &after);
	if (status != EXIT_SUCCESS)
		return status;
	(void)snprintf(path, sizeof path, "/v1/decisions?after=%llu&follow=1",
		       (unsigned long long)after);
	return ctl_stream(o, path, hear, &mine);
}
