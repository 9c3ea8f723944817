/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the command line asks for. */
#ifndef KT_ARGUMENTS_H
#define KT_ARGUMENTS_H

#include <stdbool.h>

#include "import.h"

enum { EXIT_USAGE = 2 };

struct arguments {
	const char *conf_path, *root, *record, *replay; /* NULL: not given, but for conf_path */
	const char *drop_in, *drop_in_name;             /* both or none */
	struct import_request import;
	bool conf_given, once, dry_run, foreground, test_config, show_config, json, restore, audit;
	bool unmark;
	bool help, version;
};

/* -1: go on; else the exit status, and all was said. */
int arguments_parse(int argc, char **argv, struct arguments *ret) KT_MUST_USE;

#endif
