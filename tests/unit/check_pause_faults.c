/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file of pauses cannot be written, in each way that it can fail: is what it had still whole,
 * is nothing left beside it, and is all remembered when it can be written again? */
#undef _FORTIFY_SOURCE /* this file defines open() */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>

#include "log.h"
#include "pause.h"
#include "scratch.h"

enum step { OPENS, WRITES, RENAMES, REMOVES };

static const struct fault {
	const char *name;
	enum step step;
	int error;
} faults[] = {
	{ "no space for a file", OPENS, ENOSPC },
	{ "read-only", OPENS, EROFS },
	{ "no permission", OPENS, EACCES },
	{ "no descriptor", OPENS, EMFILE },
	{ "no memory", OPENS, ENOMEM },
	{ "input/output error", OPENS, EIO },
	{ "no space", WRITES, ENOSPC },
	{ "cannot be written", WRITES, EIO },
	{ "no space for its name", RENAMES, ENOSPC },
	{ "read-only since", RENAMES, EROFS },
	{ "input/output error at its name", RENAMES, EIO },
	{ "cannot be removed: read-only", REMOVES, EROFS },
	{ "cannot be removed", REMOVES, EIO },
};

static const struct fault *fault; /* NULL: none */
static struct pauses p;
static char dir[64];
static unsigned int nwarnings;

static bool strikes(enum step step)
{
	return fault && fault->step == step;
}

static int refuse(void)
{
	errno = fault->error;
	return -1;
}

static bool is_new_file(const char *path)
{
	const char *end = strstr(path, "/pauses.tmp");

	return end && !end[strlen("/pauses.tmp")];
}

typedef int open_fn(const char *, int, ...);

/* What is written to another device fails as the file would; the full one is the kernel's. */
int open(const char *path, int flags, ...)
{
	open_fn *call = (open_fn *)dlsym(RTLD_NEXT, "open");
	mode_t mode = 0;
	va_list args;

	if (is_new_file(path) && strikes(OPENS))
		return refuse();
	if (is_new_file(path) && strikes(WRITES))
		return call(fault->error == ENOSPC ? "/dev/full" : "/proc/self/mem",
			    O_WRONLY | O_CLOEXEC);
	va_start(args, flags);
	if (flags & O_CREAT)
		mode = va_arg(args, mode_t);
	va_end(args);
	return call(path, flags, mode);
}

int rename(const char *from, const char *to)
{
	return is_new_file(from) && strikes(RENAMES) ? refuse()
						     : renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int unlink(const char *path)
{
	return !is_new_file(path) && strikes(REMOVES) ? refuse() : unlinkat(AT_FDCWD, path, 0);
}

static void count_warning(const struct log_event *event, void *context)
{
	(void)context;
	nwarnings += event->level <= LOG_LEVEL_WARNING;
}

static void hold(uint8_t number, enum guest_hold how)
{
	struct uuid uuid = { { number, [15] = 1 } };

	ck_assert_int_eq(pauses_set_guest(&p, &uuid, how, UINT64_MAX), 0);
}

/* One guest is paused, and that is on file. */
static void setup(void)
{
	fault = NULL;
	p = (struct pauses){ 0 };
	scratch_make(dir, sizeof dir);
	nwarnings = 0;
	log_set_sink(count_warning, NULL, LOG_LEVEL_DEBUG);
	hold(1, GUEST_HOLD_PAUSED);
	ck_assert_int_eq(pauses_save(&p, dir), 0);
}

static void teardown(void)
{
	fault = NULL;
	ck_assert_int_eq(scratch_remove(dir), 0);
}

static void assert_on_file(size_t nguests)
{
	struct pauses then;
	char beside[80];

	pauses_load(&then, dir);
	ck_assert_uint_eq(nwarnings, 0);
	ck_assert_msg(then.n == nguests, "%s: %zu guests on file", fault ? fault->name : "then",
		      then.n);
	(void)snprintf(beside, sizeof beside, "%s/pauses.tmp", dir);
	ck_assert_msg(access(beside, F_OK) < 0, "%s: half a file is left",
		      fault ? fault->name : "then");
}

/* A second guest is released; or the only one resumed, which removes the file. */
static void change(enum step step)
{
	if (step == REMOVES)
		pauses_clear_guest(&p, &(struct uuid){ { 1, [15] = 1 } });
	else
		hold(2, GUEST_HOLD_RELEASED);
}

START_TEST(what_was_on_file_stays_whole_until_it_can_be_written)
{
	fault = &faults[_i];
	change(fault->step);
	for (int i = 0; i < 3; i++) {
		ck_assert_msg(pauses_save(&p, dir) == -fault->error, "%s", fault->name);
		assert_on_file(1);
	}
	fault = NULL;
	ck_assert_int_eq(pauses_save(&p, dir), 0);
	assert_on_file(p.n);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pause_faults");
	TCase *c = tcase_create("pause_faults");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, what_was_on_file_stays_whole_until_it_can_be_written, 0,
			    KT_ARRAY_LEN(faults));
	suite_add_tcase(s, c);
	return kt_run(s);
}
