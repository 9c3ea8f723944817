/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A kernel's files that audit rules are about, and plans for them. */
#ifndef KT_HOST_FIXTURE_H
#define KT_HOST_FIXTURE_H

#include "act_fixture.h"

/* It takes the place of write(2), for all below the root but the undo file's folder.  What a
 * test puts there by other means is an administrator's doing. */
static struct {
	int error;           /* every write is refused with it ... */
	const char *only;    /* ... to files whose path has this in it; NULL: to all */
	const char *instead; /* somebody else writes this, right behind us */
	unsigned int writes;
	bool unfiled; /* there was no undo file at a write */
} kernel;

static inline bool is_kernels(int fd, char path[256])
{
	char link[32];
	ssize_t n;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, path, 255);
	path[KT_MAX(n, 0)] = '\0';
	return root[0] && strncmp(path, root, strlen(root)) == 0 &&
	       strncmp(path, run_dir, strlen(run_dir)) != 0;
}

/* A file of choices shows all of them, the chosen one in brackets. */
static inline void put_word(const char *path, const char *word)
{
	static const char *const choices[] = { "always", "madvise", "never" };
	char text[2048] = "", before[64] = "";

	if (exists(path))
		get(path, before, sizeof before);
	for (size_t i = 0; strchr(before, '[') && i < KT_ARRAY_LEN(choices); i++) {
		bool chosen = strncmp(choices[i], word, strlen(choices[i])) == 0;

		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s%s%s", i ? " " : "",
			 chosen ? "[" : "", choices[i], chosen ? "]" : "");
	}
	if (text[0])
		snprintf(text + strlen(text), sizeof text - strlen(text), "\n");
	put(path, text[0] ? text : word);
}

ssize_t write(int fd, const void *bytes, size_t length)
{
	char path[256], text[2048];

	if (!is_kernels(fd, path))
		return syscall(SYS_write, fd, bytes, length);
	kernel.writes++;
	kernel.unfiled |= !exists(at(run_dir, "undo"));
	if (kernel.error && (!kernel.only || strstr(path, kernel.only))) {
		errno = kernel.error;
		return -1;
	}
	snprintf(text, sizeof text, "%.*s", (int)length, (const char *)bytes);
	put_word(path, kernel.instead ? kernel.instead : text);
	return (ssize_t)length;
}

/* Missing folders are made. */
static inline void put_below(const char *below, const char *text)
{
	const char *path = at(root, below);
	char folder[256];

	for (const char *s = strchr(path + strlen(root) + 1, '/'); s; s = strchr(s + 1, '/')) {
		snprintf(folder, sizeof folder, "%.*s", (int)(s - path), path);
		ck_assert(mkdir(folder, 0755) == 0 || errno == EEXIST);
	}
	put(path, text);
}

static inline void assert_below(const char *below, const char *text)
{
	char found[2048];

	get(at(root, below), found, sizeof found);
	ck_assert_msg(strcmp(found, text) == 0, "%s has %s instead of %s", below, found, text);
}

static inline void assert_on_file(const char *line)
{
	char undo[16384], wanted[2200];

	get(at(run_dir, "undo"), undo, sizeof undo);
	snprintf(wanted, sizeof wanted, "\n%s\n", line);
	ck_assert_msg(strstr(undo, wanted) != NULL, "no \"%s\" in %s", line, undo);
}

static inline void setup_kernel(void)
{
	memset(&kernel, 0, sizeof kernel);
	setup_at(NULL);
}

static inline void teardown_kernel(void)
{
	ck_assert_msg(!kernel.unfiled, "written before it was on file");
	teardown();
	root[0] = '\0';
}

/* By its id; it is one of those that may be applied. */
static inline unsigned int rule_of(const char *id)
{
	for (unsigned int i = 0; host_rule_id(i); i++)
		if (strcmp(host_rule_id(i), id) == 0 && host_rule_path(i))
			return i;
	ck_abort_msg("%s cannot be applied", id);
}

static inline const struct host_in_force *in_force(void)
{
	return &act_in_force(act)->host;
}

static inline bool is_nobodys(void)
{
	return !in_force()->ours && !act_owes(act) && !exists(at(run_dir, "undo"));
}

/* The host has been looked at, and there is this wish for one rule. */
static inline void wish_of(unsigned int rule, enum wish wish, const char *text)
{
	plan->host.due = true;
	plan->host.nrules = rule + 1;
	plan->host.rule[rule] = (struct host_wish){ .wish = wish, .why = WHY_AUDIT_RULE };
	copy_text(plan->host.rule[rule].word, HOST_WORD_MAX, text);
	act_apply(act, plan);
}

#endif
