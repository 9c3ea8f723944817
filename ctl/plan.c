/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What would be done now? */
#include <math.h>

#include "table.h"

static bool is_proper(struct json_object *plan)
{
	return ctl_has_shape(plan, "unix_s:n dry_run:b actions:a look_again_in_s:n?", "the plan") &&
	       ctl_elements_have_shape(
		       plan, "actions",
		       "loop:s guest:s? what:s from:s? to:s? reason:s sentence:s dry_run:b",
		       "an action");
}

static int show_actions(const struct options *o, struct json_object *plan)
{
	static const struct column columns[] = {
		{ "LOOP", COLUMN_TEXT },   { "GUEST", COLUMN_TEXT },    { "WHAT", COLUMN_TEXT },
		{ "FROM", COLUMN_TEXT },   { "TO", COLUMN_TEXT },       { "DONE", COLUMN_TEXT },
		{ "REASON", COLUMN_TEXT }, { "WHICH IS", COLUMN_LONG },
	};
	struct table t = table_new(o, columns, KT_ARRAY_LEN(columns));

	for (size_t i = 0; i < get_length(plan, "actions"); i++) {
		struct json_object *action = get_element(plan, "actions", i);

		(void)table_row(&t,
				(const char *const[]){
					get_text(action, "loop"), get_text(action, "guest"),
					get_text(action, "what"), get_text(action, "from"),
					get_text(action, "to"),
					get_bool(action, "dry_run") ? "no (dry run)" : "yes",
					get_text(action, "reason"), get_text(action, "sentence") });
	}
	return table_print(&t);
}

int verb_plan(const struct options *o, int argc, char **argv)
{
	struct json_object *plan = NULL;
	int status = ctl_get(o, "/v1/plan", &plan);
	double again_s;

	(void)argc, (void)argv;
	if (status == EXIT_SUCCESS && !is_proper(plan))
		status = EXIT_FAILURE;
	if (status == EXIT_SUCCESS && o->json) {
		ctl_print_json(plan);
	} else if (status == EXIT_SUCCESS) {
		if (get_length(plan, "actions") > 0)
			status = show_actions(o, plan);
		else
			puts("nothing: all is as it should be");
		again_s = get_number(plan, "look_again_in_s");
		if (!o->quiet && !isnan(again_s))
			printf("the next look is in %s\n", show_seconds(again_s).text);
	}
	json_object_put(plan);
	return status;
}
