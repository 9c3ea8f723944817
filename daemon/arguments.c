/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does the command line ask for, and does it go together? */
#include "arguments.h"

#include <getopt.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"

static const char default_conf[] = "/etc/kvmtuned.conf";

/* Options without a letter are known by their place in the table, from here on. */
enum { NO_LETTER = 256 };

#define AT(field) offsetof(struct arguments, field)
#define NOWHERE   SIZE_MAX

static const struct row {
	char letter; /* 0: none */
	const char *name, *argument;
	int takes;         /* an argument: no, required, optional */
	size_t flag, text; /* where that it was given, and its argument, are noted */
	const char *meaning;
} rows[] = {
	{ 'c', "config", "=FILE", required_argument, AT(conf_given), AT(conf_path),
	  "read FILE and FILE.d/*.conf (default /etc/kvmtuned.conf)" },
	{ 'f', "foreground", "", no_argument, AT(foreground), NOWHERE, "readable lines on stderr" },
	{ 'n', "dry-run", "", no_argument, AT(dry_run), NOWHERE,
	  "decide and say what would be done; write nothing" },
	{ '1', "once", "", no_argument, AT(once), NOWHERE,
	  "one tick, then stop (and undo, unless --dry-run)" },
	{ 'r', "root", "=DIR", required_argument, NOWHERE, AT(root),
	  "read /proc and /sys below DIR, a recorded host; implies -1n" },
	{ 't', "test-config", "", no_argument, AT(test_config), NOWHERE,
	  "check the configuration and exit" },
	{ 0, "drop-in", "=FILE", required_argument, NOWHERE, AT(drop_in),
	  "with -t and --show-config: as if FILE were in kvmtuned.conf.d" },
	{ 0, "as", "=NAME", required_argument, NOWHERE, AT(drop_in_name),
	  "... under this name, in place of what has it now" },
	{ 0, "show-config", "", no_argument, AT(show_config), NOWHERE,
	  "print every value and where it comes from, and exit" },
	{ 0, "replay", "=FILE", required_argument, NOWHERE, AT(replay),
	  "show where the configuration of -c (without: the recorded one)\n"
	  "                      decides otherwise than was recorded; \"-\" is stdin" },
	{ 0, "json", "", no_argument, AT(json), NOWHERE,
	  "with --show-config and --replay: as JSON" },
	{ 0, "audit", "", no_argument, AT(audit), NOWHERE,
	  "check all rules of tuning, print what comes of it as JSON, and\n"
	  "                      exit; nothing is written" },
	{ 0, "record", "=FILE", required_argument, NOWHERE, AT(record),
	  "write what is sampled and decided to FILE, from the start on" },
	{ 0, "restore", "", no_argument, AT(restore), NOWHERE,
	  "give back what a killed kvmtuned left, and exit" },
	{ 0, "unmark", "", no_argument, AT(unmark), NOWHERE,
	  "for libvirt's hook: read the XML of a guest from stdin, print it\n"
	  "                      without what a kvmtuned has set, or nothing" },
	{ 0, "import", "", no_argument, AT(import.found), NOWHERE,
	  "print what is there of ksmtuned, numad and tuned as kvmtuned.conf" },
	{ 0, "import-ksmtuned", "[=FILE]", optional_argument, AT(import.ksmtuned),
	  AT(import.ksmtuned_path), "print /etc/ksmtuned.conf as kvmtuned.conf" },
	{ 0, "import-numad", "[=FILE]", optional_argument, AT(import.numad), AT(import.numad_path),
	  "print numad's configuration as kvmtuned.conf" },
	{ 0, "import-tuned", "[=DIR]", optional_argument, AT(import.tuned), AT(import.tuned_path),
	  "print what tuned's active profile, below DIR, means here" },
	{ 'h', "help", "", no_argument, AT(help), NOWHERE, "this text" },
	{ 'V', "version", "", no_argument, AT(version), NOWHERE, "the version" },
};

enum { NROWS = KT_ARRAY_LEN(rows) };

static void print_help(void)
{
	puts("usage: kvmtuned [OPTION]...\n"
	     "The autopilot of a KVM compute node: KSM, NUMA placement and memory limits of\n"
	     "its libvirt guests.  Stopping it undoes what it did.\n");
	for (size_t i = 0; i < NROWS; i++) {
		char letter[] = { '-', rows[i].letter, ',', '\0' }, option[32];

		(void)snprintf(option, sizeof option, "--%s%s", rows[i].name, rows[i].argument);
		printf("  %3s %-15s %s\n", rows[i].letter ? letter : "", option, rows[i].meaning);
	}
	puts("\nSignals: TERM, INT stop and undo; HUP reload; USR1 decide now.\n"
	     "Exit status: 0 done; 1 failed; 2 usage; 4 --replay: decided otherwise, --audit:\n"
	     "findings; 77 no permission; 78 configuration.\n"
	     "See kvmtuned(8) and kvmtuned.conf(5).");
}

static void make_tables(struct option *ret_long, char *ret_short)
{
	for (int i = 0; i < NROWS; i++) {
		int letter = rows[i].letter ? rows[i].letter : NO_LETTER + i;

		ret_long[i] = (struct option){ rows[i].name, rows[i].takes, NULL, letter };
		if (!rows[i].letter)
			continue;
		*ret_short++ = rows[i].letter;
		if (rows[i].takes == required_argument)
			*ret_short++ = ':';
	}
}

/* False: it is none of ours, which getopt has said. */
static bool take(struct arguments *a, int letter)
{
	for (int i = 0; i < NROWS; i++) {
		if (letter != (rows[i].letter ? rows[i].letter : NO_LETTER + i))
			continue;
		if (rows[i].flag != NOWHERE)
			*(bool *)((char *)a + rows[i].flag) = true;
		if (rows[i].text != NOWHERE)
			*(const char **)(void *)((char *)a + rows[i].text) = optarg;
		return true;
	}
	return false;
}

static int misused(const char *what)
{
	fprintf(stderr, "kvmtuned: %s\n", what);
	return EXIT_USAGE;
}

static int name_drop_in(struct arguments *a)
{
	const char *slash;

	if (!a->drop_in)
		return a->drop_in_name ? misused("--as goes with --drop-in") : -1;
	if (!a->test_config && !a->show_config)
		return misused("--drop-in goes with --test-config or --show-config");
	slash = strrchr(a->drop_in, '/');
	if (!a->drop_in_name)
		a->drop_in_name = slash ? slash + 1 : a->drop_in;
	if (!conf_is_drop_in_name(a->drop_in_name))
		return misused("a drop-in of this name would not be read; --as=NAME.conf says "
			       "what it will be called");
	return -1;
}

static int go_on_with(struct arguments *a)
{
	if (a->import.found || a->import.ksmtuned || a->import.numad || a->import.tuned)
		return import_print(&a->import, stdout, stderr);
	if (a->json && !a->show_config && !a->replay && !a->audit)
		return misused("--json goes with --show-config, --replay or --audit");
	if (a->restore && a->dry_run)
		return misused("--restore cannot be combined with --dry-run, --root or --audit");
	return name_drop_in(a);
}

int arguments_parse(int argc, char **argv, struct arguments *ret)
{
	struct option options[NROWS + 1] = { 0 };
	char letters[2 * NROWS + 1] = "";
	struct arguments a = { .conf_path = default_conf };
	int letter;

	make_tables(options, letters);
	while (!a.help && !a.version &&
	       (letter = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		if (!take(&a, letter)) {
			fputs("Try: kvmtuned --help\n", stderr);
			return EXIT_USAGE;
		}
	}
	if (a.help)
		print_help();
	else if (a.version)
		puts("kvmtuned " KT_VERSION);
	if (a.help || a.version)
		return EXIT_SUCCESS;
	if (optind < argc) {
		fprintf(stderr, "kvmtuned: what is \"%s\"?  Try: kvmtuned --help\n", argv[optind]);
		return EXIT_USAGE;
	}
	if (a.root)
		a.once = a.dry_run = true;
	a.dry_run |= a.audit;
	*ret = a;
	return go_on_with(ret);
}
