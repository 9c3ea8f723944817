/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why is it so? */
#include <math.h>
#include <string.h>

#include "status.h"

static bool loop_is_proper(struct json_object *loop)
{
	return ctl_has_shape(loop,
			     "loop:s wish:s? reason:s sentence:s rules:a change:s? again_in_s:n?",
			     "a loop") &&
	       ctl_elements_have_shape(loop, "rules", "reason:s passes:b sentence:s", "a rule");
}

static bool is_proper(struct json_object *answer)
{
	struct json_object *guest = get_member(answer, "guest");

	if (!ctl_has_shape(answer, "inputs:a", "the explanation") ||
	    !ctl_elements_have_shape(answer, "inputs", "name:s", "an input"))
		return false;
	if (!guest)
		return loop_is_proper(answer);
	if (!status_guest_is_proper(guest) || !ctl_has_shape(answer, "loops:a", "the explanation"))
		return false;
	for (size_t i = 0; i < get_length(answer, "loops"); i++)
		if (!loop_is_proper(get_element(answer, "loops", i)))
			return false;
	return true;
}

/* As it was sent, but fractions without what nobody measures. */
static void describe_value(struct json_object *value, char *buf, size_t size)
{
	char *end;

	(void)snprintf(buf, size, "%s", value ? json_object_get_string(value) : "");
	if (!json_object_is_type(value, json_type_double))
		return;
	(void)snprintf(buf, size, "%s", show_number(json_object_get_double(value), 3).text);
	for (end = buf + strlen(buf) - 1; end > buf && *end == '0'; end--)
		*end = '\0';
	if (*end == '.')
		*end = '\0';
}

static int show_inputs(const struct options *o, struct json_object *answer)
{
	static const struct column columns[] = { { "INPUT", COLUMN_TEXT },
						 { "VALUE", COLUMN_TEXT } };
	struct table t = table_new(o, columns, KT_ARRAY_LEN(columns));

	for (size_t i = 0; i < get_length(answer, "inputs"); i++) {
		struct json_object *input = get_element(answer, "inputs", i);
		char value[256];

		describe_value(get_member(input, "value"), value, sizeof value);
		(void)table_row(&t, (const char *const[]){ get_text(input, "name"), value });
	}
	return table_print(&t);
}

static int show_rules(const struct options *o, struct json_object *loop)
{
	static const struct column columns[] = { { "RULE", COLUMN_TEXT },
						 { "PASSES", COLUMN_TEXT },
						 { "WHEN IT DOES NOT", COLUMN_LONG } };
	struct table t = table_new(o, columns, KT_ARRAY_LEN(columns));

	for (size_t i = 0; i < get_length(loop, "rules"); i++) {
		struct json_object *rule = get_element(loop, "rules", i);
		bool passes = get_bool(rule, "passes");

		table_color(table_row(&t, (const char *const[]){ get_text(rule, "reason"),
								 passes ? "yes" : "NO",
								 get_text(rule, "sentence") }),
			    1, passes ? "green" : "red");
	}
	return table_print(&t);
}

static int show_loop(const struct options *o, struct json_object *loop)
{
	const char *wish = get_text(loop, "wish"), *change = get_text(loop, "change");
	double again_s = get_number(loop, "again_in_s");
	int status = EXIT_SUCCESS;

	printf("\n%s: %s%s(%s): %s\n", get_text(loop, "loop"), wish ? wish : "", wish ? " " : "",
	       get_text(loop, "reason"), get_text(loop, "sentence"));
	if (get_length(loop, "rules") > 0)
		status = show_rules(o, loop);
	if (change)
		printf("What would change it: %s\n", change);
	if (!isnan(again_s))
		printf("That ends by itself in %s.\n", show_seconds(again_s).text);
	return status;
}

static int show(const struct options *o, struct json_object *answer)
{
	struct json_object *guest = get_member(answer, "guest");
	struct table t;
	int status = EXIT_SUCCESS;

	if (guest && !o->quiet) {
		t = status_guests(o, &guest, 1);
		status = table_print(&t);
		putchar('\n');
	}
	if (status == EXIT_SUCCESS)
		status = show_inputs(o, answer);
	if (!guest && status == EXIT_SUCCESS)
		status = show_loop(o, answer);
	for (size_t i = 0; i < get_length(answer, "loops") && status == EXIT_SUCCESS; i++)
		status = show_loop(o, get_element(answer, "loops", i));
	return status;
}

int verb_explain(const struct options *o, int argc, char **argv)
{
	KT_AUTOFREE char *question = ctl_question_about(
		ctl_is_loop(o, argv[1]) ? "/v1/explain?loop=" : "/v1/explain?guest=", argv[1]);
	struct json_object *answer = NULL;
	int status = question ? ctl_get(o, question, &answer) : EXIT_FAILURE;

	(void)argc;
	if (status == EXIT_SUCCESS && !is_proper(answer))
		status = EXIT_FAILURE;
	if (status == EXIT_SUCCESS && o->json)
		ctl_print_json(answer);
	else if (status == EXIT_SUCCESS)
		status = show(o, answer);
	json_object_put(answer);
	return status;
}
