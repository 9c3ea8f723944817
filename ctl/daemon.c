/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What needs the daemon's program, but not that it runs: we become that program, or ask it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>

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

/* ---- its output --------------------------------------------------------------------------- */

static int read_all(int fd, char **ret_text, size_t *ret_bytes)
{
	KT_AUTOFCLOSE FILE *from = fdopen(fd, "re");
	size_t size = 0, n;

	if (!from) {
		close(fd);
		return -errno;
	}
	do {
		char *larger = size < CTL_ANSWER_MAX ? realloc(*ret_text, size + 65536 + 1) : NULL;

		if (!larger)
			return -ENOMEM;
		*ret_text = larger;
		n = fread(larger + size, 1, 65536, from);
		size += n;
	} while (n > 0);
	while (size > 0 && (*ret_text)[size - 1] == '\n')
		size--;
	(*ret_text)[size] = '\0';
	*ret_bytes = size;
	return 0;
}

static int wait_for(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_FAILURE;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

/* What it prints; the exit status. */
static int ask_daemon(const struct call *call, char **ret_text, size_t *ret_bytes)
{
	int ends[2], r, status;
	pid_t child;

	(void)fflush(stdout);
	child = pipe2(ends, O_CLOEXEC) < 0 ? -1 : fork();
	if (child < 0) {
		ctl_say("kvmtuned cannot be started: %s", strerror(errno));
		return EXIT_FAILURE;
	}
	if (child == 0) {
		if (dup2(ends[1], STDOUT_FILENO) < 0)
			_exit(EXIT_FAILURE);
		_exit(become_daemon(call)); /* said */
	}
	close(ends[1]);
	r = read_all(ends[0], ret_text, ret_bytes);
	status = wait_for(child);
	if (r < 0)
		ctl_say("what kvmtuned %s prints cannot be read: %s", call->word[1], strerror(-r));
	return r < 0 ? EXIT_FAILURE : status;
}

int daemon_audit(const char *config, char **ret_text, size_t *ret_bytes)
{
	struct call call = { { "kvmtuned", "--audit" }, 2 };

	if (config) {
		add_word(&call, "--config");
		add_word(&call, config);
	}
	return ask_daemon(&call, ret_text, ret_bytes);
}

/* ---- verbs -------------------------------------------------------------------------------- */

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

/* Only a whole result gets the name: configuration is read from where it lies. */
static int write_output(const struct call *call, const char *path)
{
	KT_AUTOFREE char *text = NULL;
	size_t n = 0;
	int status = ask_daemon(call, &text, &n), r;

	if (status != EXIT_SUCCESS)
		return status;
	text[n] = '\n'; /* all those at its end were taken off */
	r = ctl_write_file(path, text, n + 1);
	if (r < 0)
		ctl_say("%s could not be written: %s", path, strerror(-r));
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int verb_import(const struct options *o, int argc, char **argv)
{
	KT_AUTOFREE char *ksmtuned = with_value("--import-ksmtuned", o->ksmtuned);
	KT_AUTOFREE char *numad = with_value("--import-numad", o->numad);
	KT_AUTOFREE char *tuned = with_value("--import-tuned", o->tuned);
	struct call call = { { "kvmtuned" }, 1 };

	(void)argc, (void)argv;
	if (ksmtuned)
		add_word(&call, ksmtuned);
	if (numad)
		add_word(&call, numad);
	if (tuned)
		add_word(&call, tuned);
	if (!ksmtuned && !numad && !tuned)
		add_word(&call, "--import");
	return o->output ? write_output(&call, o->output) : become_daemon(&call);
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
