/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A recording that cannot be written, from its first line on or some time later: is that said once,
 * and what was written until then whole? */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "kvmtuned.h"
#include "scratch.h"

static struct kvmtuned *k;
static char dir[64], path[80];
static unsigned int nsaid;
static char said[256];

static void hear(const struct log_event *e, void *context)
{
	(void)context;
	if (e->level > LOG_LEVEL_WARNING)
		return;
	nsaid++;
	(void)snprintf(said, sizeof said, "%s", e->message);
}

static void setup(void)
{
	k = kvmtuned_new();
	ck_assert_ptr_nonnull(k);
	scratch_make(dir, sizeof dir);
	(void)snprintf(path, sizeof path, "%s/recording", dir);
	nsaid = 0;
	log_set_sink(hear, NULL, LOG_LEVEL_DEBUG);
}

static void teardown(void)
{
	kvmtuned_free(k);
	ck_assert_int_eq(scratch_remove(dir), 0);
}

static size_t size_on_disk(void)
{
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	return (size_t)st.st_size;
}

static const struct {
	const char *path;
	int error;
} refused[] = {
	{ "/dev/full", ENOSPC },
	{ "/nonexistent/recording", ENOENT },
	{ "/", EISDIR },
	{ "/etc/passwd/recording", ENOTDIR },
};

START_TEST(what_cannot_even_begin_is_an_error)
{
	ck_assert_msg(record_file_open(k, refused[_i].path) == -refused[_i].error, "%s",
		      refused[_i].path);
}
END_TEST

START_TEST(a_link_is_not_followed)
{
	char target[80];

	(void)snprintf(target, sizeof target, "%s/target", dir);
	ck_assert_int_eq(symlink(target, path), 0);
	ck_assert_int_eq(record_file_open(k, path), -ELOOP);
	ck_assert_int_lt(access(target, F_OK), 0);
}
END_TEST

/* From now on what the recording is written to is another file. */
static void recording_goes_to(const char *device, int flags)
{
	int fd = open(device, flags | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_ge(dup2(fd, fileno(k->record_file)), 0);
	close(fd);
}

static void assert_ended_and_said_once(int error)
{
	ck_assert_ptr_null(k->record_file);
	for (int i = 0; i < 3; i++)
		record_file_write(k, "{}");
	ck_assert_uint_eq(nsaid, 1);
	ck_assert_ptr_nonnull(strstr(said, "the recording ends here"));
	ck_assert_ptr_nonnull(strstr(said, strerror(error)));
}

START_TEST(a_disk_that_gets_full_ends_it_after_a_whole_line)
{
	size_t whole;

	ck_assert_int_eq(record_file_open(k, path), 0);
	record_file_write(k, "{}");
	whole = size_on_disk();
	recording_goes_to("/dev/full", O_WRONLY);
	record_file_write(k, "{}");
	assert_ended_and_said_once(ENOSPC);
	ck_assert_uint_eq(size_on_disk(), whole);
}
END_TEST

START_TEST(a_disk_that_fails_ends_it)
{
	ck_assert_int_eq(record_file_open(k, path), 0);
	recording_goes_to("/proc/self/mem", O_WRONLY);
	record_file_write(k, "{}");
	assert_ended_and_said_once(EIO);
}
END_TEST

/* As a quota does: a part of the line finds room. */
START_TEST(a_file_that_may_not_grow_ends_it_in_the_middle_of_a_line)
{
	struct rlimit limit;
	char text[256];
	size_t whole, n;
	FILE *f;

	ck_assert_int_eq(record_file_open(k, path), 0);
	record_file_write(k, "{}");
	whole = size_on_disk();
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	limit.rlim_cur = whole + 4;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	record_file_write(k, "{\"a line\":1}");
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_ended_and_said_once(EFBIG);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fseek(f, (long)whole - 3, SEEK_SET), 0);
	n = fread(text, 1, sizeof text, f);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_uint_eq(n, 7);
	ck_assert_mem_eq(text, "{}\n{\"a ", 7);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("record_file");
	TCase *c = tcase_create("record_file");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, what_cannot_even_begin_is_an_error, 0, KT_ARRAY_LEN(refused));
	tcase_add_test(c, a_link_is_not_followed);
	tcase_add_test(c, a_disk_that_gets_full_ends_it_after_a_whole_line);
	tcase_add_test(c, a_disk_that_fails_ends_it);
	tcase_add_test(c, a_file_that_may_not_grow_ends_it_in_the_middle_of_a_line);
	suite_add_tcase(s, c);
	return kt_run(s);
}
