/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which verbs and options are there, and of which version is this? */
#include "ctl.h"

#include <string.h>

static void print_all(void)
{
	puts("usage: kvmtunectl [OPTION]... VERB [ARGUMENT]...\n"
	     "Shows what kvmtuned does and why, and tells it what to leave alone.\n");
	for (const struct verb *verb = ctl_verbs; verb->name; verb++) {
		printf("  %s %s\n", verb->name, verb->operands);
		printf("      %s\n", verb->summary);
	}
	puts("\nOptions:");
	options_print(stdout, 0);
	puts("\nExit status: 0 done; 1 failed; 2 usage; 3 kvmtuned is not running; 4 degraded,\n"
	     "findings, or decided otherwise; 77 no permission; 78 configuration.  See kvmtunectl(1).");
}

int verb_help(const struct options *o, int argc, char **argv)
{
	const struct verb *verb;

	(void)o;
	if (argc < 2) {
		print_all();
		return EXIT_SUCCESS;
	}
	verb = options_verb(argv[1]);
	if (!verb)
		return EXIT_USAGE;
	printf("usage: kvmtunectl %s%s %s\n%s\n", verb->name, verb->options ? " [OPTION]..." : "",
	       verb->operands, verb->summary);
	if (verb->options)
		options_print(stdout, verb->options);
	return EXIT_SUCCESS;
}

int verb_version(const struct options *o, int argc, char **argv)
{
	struct json_object *answer = NULL;
	int status;

	(void)argc, (void)argv;
	puts("kvmtunectl " KT_VERSION);
	status = ctl_get(o, "/v1/status", &answer);
	if (status == EXIT_SUCCESS && ctl_has_shape(answer, "version:s", "the status"))
		printf("kvmtuned %s\n", get_text(answer, "version"));
	json_object_put(answer);
	return status;
}
