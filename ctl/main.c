/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kvmtunectl: asks kvmtuned, and shows what it says.  It decides nothing. */
#include "ctl.h"

#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <poll.h>
#include <string.h>

/* Who closed the pipe has read enough.  Usually the signal has ended us; services ignore it. */
static bool is_reader_gone(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO };

	return poll(&out, 1, 0) > 0 && (out.revents & POLLERR);
}

/* What could not be written must not look as if there had been nothing to say. */
static int finish_output(int status)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	if (!is_reader_gone())
		ctl_say("the output could not be written%s%s", errno ? ": " : "",
			errno ? strerror(errno) : "");
	return EXIT_FAILURE;
}

static int usage_of(const struct verb *verb, const char *what)
{
	ctl_say("%s.  Usage: kvmtunectl %s %s", what, verb->name, verb->operands);
	return EXIT_USAGE;
}

static int run_verb(const struct options *o, int argc, char **argv)
{
	const struct verb *verb = options_verb(argv[0]);

	if (!verb)
		return EXIT_USAGE;
	if (argc - 1 < verb->operands_min)
		return usage_of(verb, "something is missing");
	if (argc - 1 > verb->operands_max)
		return usage_of(verb, "that is too much");
	if (o->given & ~verb->options)
		return usage_of(verb, "one of these options is for other verbs");
	return verb->run(o, argc, argv);
}

int main(int argc, char **argv)
{
	const char *name = argc > 0 ? strrchr(argv[0], '/') : NULL;
	struct options o;
	int status;

	/* Only what a character is: numbers and messages stay as they are. */
	setlocale(LC_CTYPE, "");
	name = name ? name + 1 : argc > 0 ? argv[0] : "";
	if (strcmp(name, "numad") == 0)
		return finish_output(advise_as_numad(argc, argv));
	status = options_parse(argc, argv, &o);
	if (status < 0 && optind >= argc) {
		(void)verb_help(&o, 0, NULL);
		status = EXIT_USAGE;
	}
	if (status < 0)
		status = run_verb(&o, argc - optind, argv + optind);
	return finish_output(status);
}
