/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A kernel behind the files of KSM.  Included by one file of a test: it takes the place of
 * write(2) and fork(2), so that a write does what it does on a real host.  What the test
 * puts there by other means is an administrator's doing.
 *
 * An unmerging child waits in its write until the test lets it go. */
#ifndef KT_KSM_KERNEL_H
#define KT_KSM_KERNEL_H

#include <dlfcn.h>

#include "act_fixture.h"

#define KSM_DIR "sys/kernel/mm/ksm"

enum unmerging { UNMERGES_ALL = 'a', UNMERGES_TOO_LITTLE = 'l', IS_KILLED = 'k', IS_HUNG_UP = 'h' };

static struct {
	char written[256];  /* the files, in this order, each with a blank behind it */
	bool unfiled;       /* one of them was written before its original was on file */
	const char *refuse; /* this file, with this error */
	int error;
	const char *garbles;   /* nobody understands what this file says once it is written */
	int deaths;            /* the process dies at its write after so many; 0: never */
	bool merges_meanwhile; /* after anybody has looked */
	bool refuses_forks;
	int gate[2]; /* of the child that unmerges */
} kernel;

static inline const char *knob(const char *name)
{
	char path[128];

	snprintf(path, sizeof path, KSM_DIR "/%s", name);
	return at(root, path);
}

static inline const char *text_of(const char *name)
{
	static char text[4][64];
	static unsigned int next;
	char *t = text[next++ % 4];

	(void)get(knob(name), t, sizeof text[0]);
	return t;
}

#define assert_file(name, text) ck_assert_str_eq(text_of(name), text)

static inline bool undo_names(const char *words)
{
	char text[4096];

	if (!exists(at(run_dir, "undo")))
		return false;
	(void)get(at(run_dir, "undo"), text, sizeof text);
	return strstr(text, words) != NULL;
}

/* ---- what the kernel does ------------------------------------------------------------ */

static inline int kernel_refuses(int error)
{
	errno = error;
	return -1;
}

static inline bool oom_score_is_highest(void)
{
	const char *path = at(root, "proc/self/oom_score_adj");
	char score[16];

	return exists(path) && get(path, score, sizeof score) > 0 && strcmp(score, "1000") == 0;
}

/* In a child.  The kernel shows 2 as soon as it begins, and 0 after a failure. */
static inline int kernel_unmerges(void)
{
	char how = IS_KILLED;

	if (!oom_score_is_highest())
		_exit(ENOTRECOVERABLE);
	put(knob("run"), "2\n");
	close(kernel.gate[1]);
	if (read(kernel.gate[0], &how, 1) == 1 && how == UNMERGES_ALL) {
		put(knob("pages_shared"), "0\n");
		return 0;
	}
	put(knob("run"), "0\n");
	if (how == IS_KILLED)
		raise(SIGKILL);
	if (how == IS_HUNG_UP) {
		(void)signal(SIGHUP, SIG_DFL); /* nohup has it ignored */
		raise(SIGHUP);
	}
	return kernel_refuses(ENOMEM);
}

/* pages_to_scan is the advisor's while there is one, and 100 afterwards. */
static inline int kernel_sets_advisor(const char *text)
{
	bool on = strcmp(text, "scan-time\n") == 0;

	put(knob("advisor_mode"), on ? "none [scan-time]\n" : "[none] scan-time\n");
	put(knob("pages_to_scan"), on ? "500\n" : "100\n");
	return 0;
}

static inline bool advisor_is_on(void)
{
	return exists(knob("advisor_mode")) && strstr(text_of("advisor_mode"), "[scan-time]");
}

static inline int kernel_takes(const char *name, const char *text)
{
	if (kernel.refuse && strcmp(name, kernel.refuse) == 0)
		return kernel_refuses(kernel.error);
	if (strcmp(name, "advisor_mode") == 0)
		return kernel_sets_advisor(text);
	if (strcmp(name, "pages_to_scan") == 0 && advisor_is_on())
		return kernel_refuses(EINVAL);
	if (strcmp(name, "merge_across_nodes") == 0 &&
	    (kernel.merges_meanwhile || strcmp(text_of("pages_shared"), "0\n") != 0))
		return kernel_refuses(EBUSY);
	if (strcmp(name, "run") == 0 && text[0] == '2')
		return kernel_unmerges();
	put(knob(name), text);
	return 0;
}

static inline void note_write(const char *name)
{
	char words[64];

	if (kernel.deaths && --kernel.deaths == 0)
		_exit(0);
	snprintf(words, sizeof words, "ksm %s ", name);
	kernel.unfiled |= !undo_names(words);
	ck_assert_uint_lt(strlen(kernel.written) + strlen(words), sizeof kernel.written);
	snprintf(kernel.written + strlen(kernel.written), 64, "%s ", name);
}

/* NULL: none of KSM's. */
static inline const char *ksm_file_of(int fd, char *path, size_t size)
{
	char link[32], folder[128];
	ssize_t n;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, path, size - 1);
	path[KT_MAX(n, 0)] = '\0';
	snprintf(folder, sizeof folder, "%s/" KSM_DIR "/", root);
	return root[0] && strncmp(path, folder, strlen(folder)) == 0 ? path + strlen(folder) : NULL;
}

ssize_t write(int fd, const void *bytes, size_t length)
{
	char path[256], text[32];
	const char *name = ksm_file_of(fd, path, sizeof path);

	if (!name)
		return syscall(SYS_write, fd, bytes, length);
	snprintf(text, sizeof text, "%.*s", (int)length, (const char *)bytes);
	note_write(name);
	if (kernel_takes(name, text) < 0)
		return -1;
	if (kernel.garbles && strcmp(name, kernel.garbles) == 0)
		put(knob(name), "?\n");
	return (ssize_t)length;
}

pid_t fork(void)
{
	static pid_t (*real)(void);

	if (kernel.refuses_forks)
		return kernel_refuses(EAGAIN);
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "fork");
	return real();
}

/* ---- what the test does ---------------------------------------------------------------- */

/* By this process, since the last time it was asked. */
static inline void assert_written(const char *files)
{
	ck_assert_str_eq(kernel.written, files);
	kernel.written[0] = '\0';
}

/* Until the child that unmerges has come to an end; act has yet to ask for it. */
static inline void wait_for_child(void)
{
	siginfo_t ended;

	ck_assert_int_eq(waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT), 0);
}

static inline void let_it(enum unmerging how)
{
	char byte = (char)how;

	ck_assert_int_eq(write(kernel.gate[1], &byte, 1), 1);
	wait_for_child();
}

/* Runs `step` in a child that dies when it would write the n-th of KSM's files.  False: it
 * writes fewer. */
static inline bool dies_at_write(int n, void (*step)(void))
{
	pid_t child = kt_fork();
	int status;

	if (child == 0) {
		kernel.deaths = n;
		step();
		_exit(1);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status) == 0;
}

static inline void wish(bool run, uint64_t pages, uint64_t sleep_ms)
{
	plan->ksm = (struct ksm_plan){ .wish = WISH_SET,
				       .why = run ? WHY_MEMORY_SHORT : WHY_MEMORY_PLENTIFUL,
				       .run = run,
				       .pages_to_scan = pages,
				       .sleep_ms = sleep_ms };
}

static inline void apply(void)
{
	act_apply(act, plan);
}

static inline void restore(void)
{
	act_restore(act, 0);
}

static inline void make_folder(const char *path)
{
	ck_assert_msg(mkdir(at(root, path), 0755) == 0, "%s", path);
}

/* A kernel of today, as it is after a boot. */
static inline void setup_kernel(void)
{
	static const char *const folders[] = { "proc",       "proc/self",     "sys",
					       "sys/kernel", "sys/kernel/mm", KSM_DIR };
	static const char *const files[][2] = {
		{ "run", "0\n" },
		{ "pages_to_scan", "100\n" },
		{ "sleep_millisecs", "20\n" },
		{ "pages_shared", "0\n" },
		{ "smart_scan", "1\n" },
		{ "use_zero_pages", "0\n" },
		{ "merge_across_nodes", "1\n" },
		{ "advisor_mode", "[none] scan-time\n" },
	};

	memset(&kernel, 0, sizeof kernel);
	ck_assert_int_eq(pipe(kernel.gate), 0);
	setup_at(NULL);
	for (size_t i = 0; i < KT_ARRAY_LEN(folders); i++)
		make_folder(folders[i]);
	for (size_t i = 0; i < KT_ARRAY_LEN(files); i++)
		put(knob(files[i][0]), files[i][1]);
	put(at(root, "proc/self/oom_score_adj"), "0");
}

static inline void teardown_kernel(void)
{
	ck_assert_msg(!kernel.unfiled, "written before it was on file");
	close(kernel.gate[0]);
	close(kernel.gate[1]); /* lets a child go that still waits */
	while (waitpid(-1, NULL, 0) > 0)
		;
	teardown();
	root[0] = '\0';
}

#endif
