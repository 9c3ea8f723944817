/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How is everything, now and now and now? */
#include "top.h"

#include <string.h>

#include "terminal.h"

enum { DELAY_S = 2 };

struct top {
	const struct options *options;
	enum top_order order;
	uint64_t delay_s;
	bool is_live; /* on a terminal, with keys */
};

static int choose_order(const char *name, enum top_order *ret)
{
	for (enum top_order i = 0; i < _TOP_MAX; i++) {
		if (strcmp(top_orders[i], name) == 0) {
			*ret = i;
			return EXIT_SUCCESS;
		}
	}
	ctl_say("--output: top sorts by name, node, steal, ksm or memory");
	return EXIT_USAGE;
}

static int ask(const struct top *t, struct json_object **ret_status,
	       struct json_object **ret_history)
{
	int r = ctl_get(t->options, "/v1/status", ret_status);

	if (r == EXIT_SUCCESS)
		r = ctl_get(t->options, "/v1/history?recent=1", ret_history);
	if (r == EXIT_SUCCESS && (!status_is_proper(*ret_status) ||
				  !ctl_has_shape(*ret_history, "points:a", "the history")))
		r = EXIT_FAILURE;
	return r;
}

/* As many lines as there are; each is cut where the terminal ends. */
static void show_live(const char *picture)
{
	int rows = terminal_rows() - 1;

	fputs("\033[H", stdout);
	for (int row = 0; row < rows && *picture; row++) {
		int length = (int)strcspn(picture, "\n");

		printf("%.*s\033[K\n", length, picture);
		picture += length + (picture[length] == '\n');
	}
	fputs("\033[J", stdout);
}

static int show_round(const struct top *t)
{
	struct json_object *status = NULL, *history = NULL;
	int r = ask(t, &status, &history);

	if (r == EXIT_SUCCESS && t->options->json) {
		ctl_print_json(status);
	} else if (r == EXIT_SUCCESS) {
		KT_AUTOFREE char *picture = top_draw(t->options, t->order, status, history);

		if (!picture)
			r = EXIT_FAILURE;
		else if (t->is_live)
			show_live(picture);
		else
			puts(picture);
	}
	json_object_put(status);
	json_object_put(history);
	if (fflush(stdout) != 0)
		r = EXIT_FAILURE;
	return r;
}

/* Whether to go on. */
static bool take_key(struct top *t, char key)
{
	static const struct {
		char key;
		enum top_order order;
	} keys[] = { { 'a', TOP_NAME },
		     { 'n', TOP_NODE },
		     { 's', TOP_STEAL },
		     { 'k', TOP_KSM },
		     { 'm', TOP_MEMORY } };

	for (size_t i = 0; i < KT_ARRAY_LEN(keys); i++)
		if (keys[i].key == key)
			t->order = keys[i].order;
	return key != 'q';
}

static int watch(struct top *t)
{
	uint64_t rounds = t->options->rounds;
	int r = show_round(t);

	/* Without a daemon to begin with there is nothing to watch; later it may restart. */
	while (r == EXIT_SUCCESS || t->is_live) {
		if (rounds && --rounds == 0)
			break;
		if (!take_key(t, terminal_key(t->delay_s)))
			return EXIT_SUCCESS;
		if (t->is_live && r != EXIT_SUCCESS)
			fputs("\033[H\033[J", stdout); /* what was said there */
		r = show_round(t);
	}
	return r;
}

/* The first question is asked before the terminal changes: its failure is to be seen. */
static int watch_live(struct top *t)
{
	struct json_object *status = NULL, *history = NULL;
	int r = ask(t, &status, &history);

	json_object_put(status);
	json_object_put(history);
	if (r != EXIT_SUCCESS)
		return r;
	terminal_take();
	r = watch(t);
	terminal_give_back();
	return r;
}

int verb_top(const struct options *o, int argc, char **argv)
{
	struct top t = { .options = o,
			 .order = TOP_STEAL,
			 .delay_s = o->delay_s ? o->delay_s : DELAY_S };

	(void)argc, (void)argv;
	if (o->output && choose_order(o->output, &t.order) != EXIT_SUCCESS)
		return EXIT_USAGE;
	t.is_live = !(o->given & OPTION_BATCH) && !o->json && isatty(STDOUT_FILENO);
	return t.is_live ? watch_live(&t) : watch(&t);
}
