/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Verbs that are not built yet: whoever builds one deletes its line here. */
#include "ctl.h"

static int not_built(char **argv)
{
	ctl_say("%s is not built yet", argv[0]);
	return EXIT_FAILURE;
}

#define NOT_BUILT(verb)                                                                            \
	int verb(const struct options *o, int argc, char **argv)                                   \
	{                                                                                          \
		(void)o, (void)argc;                                                               \
		return not_built(argv);                                                            \
	}

NOT_BUILT(verb_record)
