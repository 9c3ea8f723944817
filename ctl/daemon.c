/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What needs the daemon's program, but not that it runs: we become that program. */
#include <errno.h>
#include <string.h>

#include "ctl.h"

enum { WORDS_MAX = 8 };

struct call {
	const char *word[WORDS_MAX]; /* ends with NULL */
	size_t n;
};

static void add_word(struct call *call, const char *word)
{
	if (call->n < WORDS_MAX - 1)
		call->word[call->n++] = word;
}

/* The one that was built or installed beside us goes first. */
static void find_daemon(char *buf, size_t size)
{
	static const char name[] = "/kvmtuned";
	ssize_t n = readlink("/proc/self/exe", buf, size - sizeof name);
	char *slash;

	buf[KT_MAX(n, 0)] = '\0';
	slash = strrchr(buf, '/');
	if (slash)
		(void)memcpy(slash, name, sizeof name);
	if (!slash || access(buf, X_OK) < 0)
		(void)snprintf(buf, size, "%s", KT_SBINDIR "/kvmtuned");
}

static int become_daemon(const struct call *call)
{
	char path[4096];
	char *words[WORDS_MAX];

	find_daemon(path, sizeof path);
	memcpy(words, call->word, sizeof words); /* execv() is of before const */
	(void)fflush(stdout);
	execv(path, words);
	ctl_say("%s cannot be run: %s", path, strerror(errno));
	return EXIT_FAILURE;
}

int verb_check_config(const struct options *o, int argc, char **argv)
{
	struct call call = { { "kvmtuned", "--show-config" }, 2 };

	if (o->json)
		add_word(&call, "--json");
	if (argc > 1) {
		add_word(&call, "--config");
		add_word(&call, argv[1]);
	}
	return become_daemon(&call);
}

static char *with_value(const char *option, const char *value)
{
	char *text;

	return value && asprintf(&text, "%s=%s", option, value) >= 0 ? text : NULL;
}

int verb_import(const struct options *o, int argc, char **argv)
{
	KT_AUTOFREE char *ksmtuned = with_value("--import-ksmtuned", o->ksmtuned);
	KT_AUTOFREE char *numad = with_value("--import-numad", o->numad);
	struct call call = { { "kvmtuned" }, 1 };

	(void)argc, (void)argv;
	if (!ksmtuned && !numad) {
		ctl_say("import what?  --ksmtuned=/etc/ksmtuned.conf, --numad=/etc/default/numad, "
			"or both");
		return EXIT_USAGE;
	}
	if (ksmtuned)
		add_word(&call, ksmtuned);
	if (numad)
		add_word(&call, numad);
	return become_daemon(&call);
}

int verb_replay(const struct options *o, int argc, char **argv)
{
	struct call call = { { "kvmtuned", "--replay", argv[1] }, 3 };

	(void)argc;
	if (o->config) {
		add_word(&call, "--config");
		add_word(&call, o->config);
	}
	if (o->json)
		add_word(&call, "--json");
	return become_daemon(&call);
}
