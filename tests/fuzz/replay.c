/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does a target still take everything in its corpus?
 *
 * Linked with one target and without a fuzzer, by any compiler; called replay_TARGET.  Says of
 * each file what Check would say of a test.  With files as arguments those are taken instead. */
#include <errno.h>
#include <glob.h>
#include <sys/wait.h>

#include "fuzz.h"

enum { INPUT_MAX = 1 << 20, SECONDS = 60 };

static void take(const char *path)
{
	static uint8_t bytes[INPUT_MAX];
	FILE *f = fopen(path, "re");
	size_t n;

	FUZZ_CLAIM(f);
	n = fread(bytes, 1, sizeof bytes, f);
	FUZZ_CLAIM(!ferror(f) && n < sizeof bytes);
	fclose(f);
	alarm(SECONDS);
	LLVMFuzzerTestOneInput(bytes, n);
	LLVMFuzzerTestOneInput(bytes, n); /* and leaves nothing behind */
}

/* Where what is run is counted, see tests/parsers. */
void __gcov_dump(void) __attribute__((weak));

/* In a process of its own, whose end tells.  The wait status. */
static int take_apart(const char *path)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		take(path);
		if (__gcov_dump)
			__gcov_dump();
		_exit(EXIT_SUCCESS);
	}
	FUZZ_CLAIM(pid > 0);
	while (waitpid(pid, &status, 0) < 0)
		FUZZ_CLAIM(errno == EINTR);
	return status;
}

static int replay_files(const char *target, char **paths, size_t n)
{
	int failed = 0;

	for (size_t i = 0; i < n; i++) {
		const char *name = strrchr(paths[i], '/');
		int status = take_apart(paths[i]);

		name = name ? name + 1 : paths[i];
		if (status == 0)
			printf("replay.c:1:P:%s:%s:0: Passed\n", target, name);
		else
			printf("replay.c:1:F:%s:%s:0: %s %d\n", target, name,
			       WIFSIGNALED(status) ? "signal" : "exit",
			       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
		fflush(stdout);
		failed |= status;
	}
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/'),
		   *target = strstr(name ? name : argv[0], "replay_");
	char pattern[512];
	glob_t files;
	int status;

	FUZZ_CLAIM(target);
	target += strlen("replay_");
	if (argc > 1)
		return replay_files(target, argv + 1, (size_t)argc - 1);
	(void)snprintf(pattern, sizeof pattern, KT_TESTS_DIR "/fuzz/corpus/%s/*", target);
	FUZZ_CLAIM(glob(pattern, 0, NULL, &files) == 0); /* a target without a corpus is none */
	status = replay_files(target, files.gl_pathv, files.gl_pathc);
	globfree(&files);
	return status;
}
