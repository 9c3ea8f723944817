/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is asked for, and how is it to be shown? */
#include "ctl.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "str.h"

static const char default_socket[] = "/run/kvmtuned/kvmtuned.sock";

enum letter {
	/* Options without a letter. */
	LETTER_JSON = 256,
	LETTER_NO_LEGEND,
	LETTER_SOCKET,
	LETTER_COLOR,
	LETTER_GUEST,
	LETTER_FOR,
	LETTER_SINCE,
	LETTER_ALL,
	LETTER_CONFIG,
	LETTER_KSMTUNED,
	LETTER_NUMAD,
	LETTER_TUNED,
	LETTER_ANONYMOUS,
	LETTER_HOST,
	LETTER_SEVERITY,
	LETTER_IGNORE,
	LETTER_OFFLINE,
	LETTER_LONG,
};

/* bit 0: every verb takes it. */
static const struct row {
	int letter;
	const char *name, *argument;
	unsigned int bit;
	const char *meaning;
} rows[] = {
	{ LETTER_JSON, "json", NULL, 0, "the daemon's answer, in JSON" },
	{ LETTER_NO_LEGEND, "no-legend", NULL, 0, "tables without headings" },
	{ 'q', "quiet", NULL, 0, "only what was asked for: no headers, no confirmations" },
	{ LETTER_COLOR, "color", "WHEN", 0,
	  "auto (on a terminal, without NO_COLOR), always, never" },
	{ LETTER_SOCKET, "socket", "PATH", 0, "of the daemon (/run/kvmtuned/kvmtuned.sock)" },
	{ 'h', "help", NULL, 0, "this text" },
	{ 'V', "version", NULL, 0, "the version" },
	{ LETTER_GUEST, "guest", NULL, OPTION_GUEST,
	  "the name is a guest's, even if a loop has it" },
	{ LETTER_FOR, "for", "TIME", OPTION_FOR, "as long as that: 90, 90s, 15m, 2h or 1d" },
	{ LETTER_SINCE, "since", "WHEN", OPTION_SINCE,
	  "monitor: what came after decision WHEN; report: the last 2h" },
	{ LETTER_ALL, "all", NULL, OPTION_ALL,
	  "monitor: what is remembered, first; audit: what is no finding, too" },
	{ 'b', "batch", NULL, OPTION_BATCH, "no terminal: one picture below the other" },
	{ 'n', "iterations", "N", OPTION_ROUNDS, "end after N pictures" },
	{ 'd', "delay", "TIME", OPTION_DELAY, "between pictures (2s)" },
	{ 'o', "output", "FILE", OPTION_OUTPUT,
	  "write FILE; top: sort by name, node, steal, ksm or memory" },
	{ LETTER_CONFIG, "config", "FILE", OPTION_CONFIG, "decide with that configuration" },
	{ LETTER_KSMTUNED, "ksmtuned", "FILE", OPTION_KSMTUNED, "such as /etc/ksmtuned.conf" },
	{ LETTER_NUMAD, "numad", "FILE", OPTION_NUMAD, "such as /etc/default/numad" },
	{ LETTER_TUNED, "tuned", "DIR", OPTION_TUNED, "the folder of its etc/tuned, such as /" },
	{ LETTER_ANONYMOUS, "anonymous", NULL, OPTION_ANONYMOUS, "names and UUIDs replaced" },
	{ LETTER_HOST, "host", NULL, OPTION_HOST, "only what is of the host" },
	{ LETTER_SEVERITY, "severity", "WORD", OPTION_SEVERITY,
	  "from there on: note, warning or critical" },
	{ LETTER_IGNORE, "ignore", "ID,...", OPTION_IGNORE, "rules to leave out" },
	{ LETTER_OFFLINE, "offline", NULL, OPTION_OFFLINE, "without the daemon" },
	{ LETTER_LONG, "long", NULL, OPTION_LONG, "why, by which source, and what mends it" },
};

enum { NROWS = KT_ARRAY_LEN(rows) };

void options_print(FILE *out, unsigned int mask)
{
	for (size_t i = 0; i < NROWS; i++) {
		char text[64], letter[8] = "    ";

		if (mask && !(rows[i].bit & mask))
			continue;
		if (rows[i].letter < LETTER_JSON)
			(void)snprintf(letter, sizeof letter, "-%c, ", rows[i].letter);
		(void)snprintf(text, sizeof text, "--%s%s%s", rows[i].name,
			       rows[i].argument ? "=" : "",
			       rows[i].argument ? rows[i].argument : "");
		fprintf(out, "  %s%-16s  %s\n", letter, text, rows[i].meaning);
	}
}

static int misused(const char *option, const char *wanted)
{
	ctl_say("%s: %s", option, wanted);
	return EXIT_USAGE;
}

static int take_duration(const char *option, uint64_t *ret_s)
{
	if (ctl_duration(optarg, ret_s) == 0 && *ret_s > 0)
		return -1;
	return misused(option, "a time is wanted, such as 90, 90s, 15m, 2h or 1d");
}

static int take_color(struct options *o)
{
	const char *no_color = getenv("NO_COLOR");

	if (optarg && strcmp(optarg, "always") == 0)
		o->color = true;
	else if (optarg && strcmp(optarg, "never") == 0)
		o->color = false;
	else if (optarg && strcmp(optarg, "auto") != 0)
		return misused("--color", "auto, always or never is wanted");
	else
		o->color = isatty(STDOUT_FILENO) && !(no_color && *no_color);
	return -1;
}

/* Flags that are only noted are none of these. */
static void take_text(struct options *o, int letter)
{
	if (letter == LETTER_SOCKET)
		o->socket = optarg;
	else if (letter == LETTER_SINCE)
		o->since = optarg;
	else if (letter == 'o')
		o->output = optarg;
	else if (letter == LETTER_CONFIG)
		o->config = optarg;
	else if (letter == LETTER_KSMTUNED)
		o->ksmtuned = optarg;
	else if (letter == LETTER_NUMAD)
		o->numad = optarg;
	else if (letter == LETTER_TUNED)
		o->tuned = optarg;
	else if (letter == LETTER_SEVERITY)
		o->severity = optarg;
	else if (letter == LETTER_IGNORE)
		o->ignore = optarg;
}

/* -1: go on; else the exit status. */
static int take(struct options *o, int letter)
{
	switch (letter) {
	case LETTER_JSON:
		o->json = true;
		break;
	case LETTER_NO_LEGEND:
		o->legend = false;
		break;
	case 'q':
		o->quiet = true;
		break;
	case LETTER_COLOR:
		return take_color(o);
	case LETTER_FOR:
		return take_duration("--for", &o->for_s);
	case 'd':
		return take_duration("--delay", &o->delay_s);
	case 'n':
		if (str_u64(optarg, &o->rounds) < 0 || o->rounds == 0)
			return misused("--iterations", "a number from 1 on is wanted");
		break;
	case 'h':
		return verb_help(o, 0, NULL);
	case 'V':
		puts("kvmtunectl " KT_VERSION);
		return EXIT_SUCCESS;
	case '?':
		fputs("Try: kvmtunectl help\n", stderr);
		return EXIT_USAGE;
	default:
		take_text(o, letter);
		break;
	}
	return -1;
}

static unsigned int bit_of(int letter)
{
	for (size_t i = 0; i < NROWS; i++)
		if (rows[i].letter == letter)
			return rows[i].bit;
	return 0;
}

static void make_tables(struct option *ret_long, char *ret_short)
{
	for (size_t i = 0; i < NROWS; i++) {
		ret_long[i] = (struct option){ .name = rows[i].name,
					       .has_arg = rows[i].argument != NULL,
					       .val = rows[i].letter };
		if (rows[i].letter >= LETTER_JSON)
			continue;
		*ret_short++ = (char)rows[i].letter;
		if (rows[i].argument)
			*ret_short++ = ':';
	}
}

int options_parse(int argc, char **argv, struct options *ret)
{
	struct option options[NROWS + 1] = { 0 };
	char letters[2 * NROWS + 1] = "";
	struct options o = { .socket = default_socket, .legend = true };
	int letter, status;

	make_tables(options, letters);
	optarg = NULL;
	status = take_color(&o);
	while (status < 0 && (letter = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		o.given |= bit_of(letter);
		status = take(&o, letter);
	}
	*ret = o;
	return status;
}

const struct verb *options_verb(const char *name)
{
	for (const struct verb *verb = ctl_verbs; verb->name; verb++)
		if (strcmp(verb->name, name) == 0)
			return verb;
	ctl_say("there is no verb \"%s\".  Try: kvmtunectl help", name);
	return NULL;
}

const char *const ctl_loops[LOOPS] = { "ksm", "placement", "memory" };

bool ctl_is_loop(const struct options *o, const char *name)
{
	for (size_t i = 0; i < LOOPS; i++)
		if (strcmp(ctl_loops[i], name) == 0)
			return !(o->given & OPTION_GUEST);
	return false;
}
