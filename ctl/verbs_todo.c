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
NOT_BUILT(verb_report)
NOT_BUILT(verb_check_config)
NOT_BUILT(verb_explain)
NOT_BUILT(verb_import)
NOT_BUILT(verb_metrics)
NOT_BUILT(verb_monitor)
NOT_BUILT(verb_pause)
NOT_BUILT(verb_plan)
NOT_BUILT(verb_release)
NOT_BUILT(verb_reload)
NOT_BUILT(verb_replay)
NOT_BUILT(verb_resume)
NOT_BUILT(verb_status)
NOT_BUILT(verb_tick)
NOT_BUILT(verb_top)
