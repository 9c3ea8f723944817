/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does the only door open what is asked, all of it, and nothing else? */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "hostfs.h"
#include "kt_check.h"
#include "scratch.h"

static char root[64];
static struct hostfs fs;

/* Makes or replaces a file below the root. */
static void put(const char *path, const char *bytes, size_t length)
{
	int fd = openat(fs.root_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, length), (ssize_t)length);
	close(fd);
}

static void put_text(const char *path, const char *text)
{
	put(path, text, strlen(text));
}

static void drop(const char *path)
{
	ck_assert_int_eq(unlinkat(fs.root_fd, path, 0), 0);
}

static void setup(void)
{
	scratch_make(root, sizeof root);
	ck_assert_int_eq(hostfs_open(root, &fs), 0);
	ck_assert_int_eq(mkdirat(fs.root_fd, "folder", 0700), 0);
	put_text("text", "hello\n");
	put_text("empty", "");
}

static void teardown(void)
{
	ck_assert_int_eq(scratch_remove(root), 0);
	hostfs_close(&fs);
	ck_assert_int_eq(fs.root_fd, -1);
}

/* ---- the root ------------------------------------------------------------------------ */

static const struct {
	const char *path;
	int result;
	bool is_live;
} roots[] = {
	{ "/", 0, true },
	{ "//", 0, true },
	{ "/tmp/..", 0, true },
	{ "/tmp", 0, false },
	{ "/proc/self/fd", 0, false },
	{ "/nowhere/at/all", -ENOENT, false },
	{ "/dev/null", -ENOTDIR, false },
	{ "", -ENOENT, false },
};

START_TEST(only_the_root_of_all_is_live)
{
	struct hostfs other = { .root_fd = -7 };

	ck_assert_msg(hostfs_open(roots[_i].path, &other) == roots[_i].result, "%s",
		      roots[_i].path);
	if (roots[_i].result < 0) {
		ck_assert_int_eq(other.root_fd, -7);
		return;
	}
	ck_assert_msg(other.is_live == roots[_i].is_live, "%s", roots[_i].path);
	hostfs_close(&other);
}
END_TEST

START_TEST(the_same_path_means_another_file_below_another_root)
{
	char text[64];

	ck_assert(!hostfs_exists(&fs, "proc/self/stat"));
	ck_assert_int_eq(hostfs_read(&fs, "proc/self/stat", text, sizeof text), -ENOENT);
	ck_assert_int_eq(mkdirat(fs.root_fd, "proc", 0700), 0);
	put_text("proc/meminfo", "ours");
	ck_assert_int_eq(hostfs_read(&fs, "proc/meminfo", text, sizeof text), 4);
	ck_assert_str_eq(text, "ours");
}
END_TEST

/* ---- whole texts ------------------------------------------------------------------------ */

static const struct {
	const char *name, *path;
	size_t size;
	ssize_t result;
	const char *text; /* NULL: nothing to compare */
} reads[] = {
	{ "with room", "text", 64, 6, "hello\n" },
	{ "just enough", "text", 7, 6, "hello\n" },
	{ "one byte short", "text", 6, -EFBIG, "hello" },
	{ "far too small", "text", 2, -EFBIG, "h" },
	{ "room for the NUL only", "text", 1, -EFBIG, "" },
	{ "empty", "empty", 64, 0, "" },
	{ "empty, room for the NUL only", "empty", 1, 0, "" },
	{ "missing", "missing", 64, -ENOENT, NULL },
	{ "missing folder", "missing/text", 64, -ENOENT, NULL },
	{ "below a file", "text/x", 64, -ENOTDIR, NULL },
	{ "a folder", "folder", 64, -EISDIR, NULL },
};

/* A block of its own length, for the address sanitizer. */
START_TEST(a_text_is_read_whole_or_refused)
{
	KT_AUTOFREE char *text = malloc(reads[_i].size);

	ck_assert_ptr_nonnull(text);
	ck_assert_msg(hostfs_read(&fs, reads[_i].path, text, reads[_i].size) == reads[_i].result,
		      "%s", reads[_i].name);
	if (reads[_i].text)
		ck_assert_str_eq(text, reads[_i].text);
}
END_TEST

START_TEST(an_open_file_is_read_whole_or_refused)
{
	KT_AUTOFREE char *text = malloc(reads[_i].size);
	struct hostfile file = HOSTFILE_CLOSED;

	ck_assert_ptr_nonnull(text);
	for (int again = 0; again < 3; again++) {
		ck_assert_msg(hostfile_read(&fs, &file, reads[_i].path, text, reads[_i].size) ==
				      reads[_i].result,
			      "%s", reads[_i].name);
		ck_assert_int_eq(file.fd >= 0, reads[_i].result >= 0);
		if (reads[_i].text)
			ck_assert_str_eq(text, reads[_i].text);
	}
	hostfile_close(&file);
}
END_TEST

START_TEST(a_single_read_takes_the_beginning)
{
	struct hostfile file = HOSTFILE_CLOSED;
	char text[4];

	ck_assert_int_eq(hostfile_read_first(&fs, &file, "text", text, sizeof text), 3);
	ck_assert_str_eq(text, "hel");
	ck_assert_int_ge(file.fd, 0);
	ck_assert_int_eq(hostfile_read_first(&fs, &file, NULL, text, sizeof text), 3);
	ck_assert_str_eq(text, "hel");
	hostfile_close(&file);
}
END_TEST

START_TEST(nul_bytes_are_part_of_the_text)
{
	char text[16];

	put("nul", "a\0b\0", 4);
	ck_assert_int_eq(hostfs_read(&fs, "nul", text, sizeof text), 4);
	ck_assert_mem_eq(text, "a\0b\0", 5);
}
END_TEST

static const struct {
	const char *text;
	int result;
	uint64_t value;
} numbers[] = {
	{ "0\n", 0, 0 },
	{ "18446744073709551615\n", 0, UINT64_MAX },
	{ "18446744073709551616\n", -ERANGE, 0 },
	{ "", -EINVAL, 0 },
	{ "-1\n", -EINVAL, 0 },
	{ "1\n2\n", -EINVAL, 0 },
	{ "max\n", -EINVAL, 0 },
	{ "000000000000000000000000000000000000000000000000000000000000001", 0, 1 },
	{ "0000000000000000000000000000000000000000000000000000000000000001", -EFBIG, 0 },
};

START_TEST(a_number_is_the_whole_file)
{
	uint64_t value = 77;

	put_text("number", numbers[_i].text);
	ck_assert_msg(hostfs_read_u64(&fs, "number", &value) == numbers[_i].result, "%s",
		      numbers[_i].text);
	ck_assert_uint_eq(value, numbers[_i].result ? 77 : numbers[_i].value);
}
END_TEST

START_TEST(a_missing_number_leaves_the_output)
{
	uint64_t value = 77;

	ck_assert_int_eq(hostfs_read_u64(&fs, "missing", &value), -ENOENT);
	ck_assert_int_eq(hostfs_read_u64(&fs, "folder", &value), -EISDIR);
	ck_assert_uint_eq(value, 77);
}
END_TEST

/* ---- lists of any length --------------------------------------------------------------- */

struct seen {
	char lines[256]; /* each followed by a bar */
	int stop_at, answer, calls;
};

static int take_line(void *context, char *line)
{
	struct seen *seen = context;

	strcat(strcat(seen->lines, line), "|");
	return ++seen->calls == seen->stop_at ? seen->answer : 0;
}

/* The buffer holds 8 bytes: lines of up to 6 and their newline. */
static const struct {
	const char *name, *text, *lines;
	int stop_at, answer;
} lists[] = {
	{ "short lines", "a\nbb\nccc\n", "a|bb|ccc|", 0, 0 },
	{ "no newline at the end", "a\nbb", "a|bb|", 0, 0 },
	{ "empty lines", "\n\na\n", "||a|", 0, 0 },
	{ "nothing", "", "", 0, 0 },
	{ "just fits", "123456\nx\n", "123456|x|", 0, 0 },
	{ "just too long", "1234567\nx\n", "x|", 0, 0 },
	{ "longer than two buffers", "a\n12345678901234567890\nx\n", "a|x|", 0, 0 },
	{ "twice in a row", "12345678\n12345678\nx\n", "x|", 0, 0 },
	{ "too long at the end", "a\n1234567890", "a|", 0, 0 },
	{ "ends where the buffer ends", "a\n12345", "a|12345|", 0, 0 },
	{ "many", "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n", "1|2|3|4|5|6|7|8|9|10|", 0, 0 },
	{ "stopped", "1\n2\n3\n", "1|2|", 2, 5 },
	{ "stopped by an error", "1\n2\n3\n", "1|", 1, -EPROTO },
	{ "stopped in the last line", "1\n2", "1|2|", 2, 5 },
};

START_TEST(every_line_that_fits_is_handed_out)
{
	struct seen seen = { .stop_at = lists[_i].stop_at, .answer = lists[_i].answer };
	KT_AUTOFREE char *buf = malloc(8);

	ck_assert_ptr_nonnull(buf);
	put_text("list", lists[_i].text);
	ck_assert_int_eq(hostfs_each_line(&fs, "list", buf, 8, take_line, &seen), lists[_i].answer);
	ck_assert_msg(strcmp(seen.lines, lists[_i].lines) == 0, "%s: %s", lists[_i].name,
		      seen.lines);
}
END_TEST

START_TEST(a_list_that_is_not_there_is_an_error)
{
	struct seen seen = { 0 };
	char buf[8];

	ck_assert_int_eq(hostfs_each_line(&fs, "missing", buf, 8, take_line, &seen), -ENOENT);
	ck_assert_int_eq(hostfs_each_line(&fs, "folder", buf, 8, take_line, &seen), -EISDIR);
	ck_assert_int_eq(seen.calls, 0);
}
END_TEST

struct sum {
	uint64_t numbers, calls;
	pid_t stop_at;
};

static int add_number(void *context, pid_t number)
{
	struct sum *sum = context;

	sum->calls++;
	sum->numbers += (uint64_t)number;
	return number == sum->stop_at ? 9 : 0;
}

START_TEST(only_names_that_are_numbers_are_handed_out)
{
	static const char *const names[] = {
		"folder/1",          "folder/20",         "folder/2147483647", "folder/0",
		"folder/2147483648", "folder/4294967299", "folder/-3",         "folder/3x",
		"folder/ 3",         "folder/self",       "folder/+3",         "folder/.3"
	};
	struct sum sum = { 0 };

	for (size_t i = 0; i < KT_ARRAY_LEN(names); i++)
		put_text(names[i], "");
	ck_assert_int_eq(hostfs_each_number(&fs, "folder", add_number, &sum), 0);
	ck_assert_uint_eq(sum.calls, 3);
	ck_assert_uint_eq(sum.numbers, UINT64_C(2147483668));
	sum.stop_at = 20;
	ck_assert_int_eq(hostfs_each_number(&fs, "folder", add_number, &sum), 9);
	ck_assert_int_eq(hostfs_each_number(&fs, "text", add_number, &sum), -ENOTDIR);
	ck_assert_int_eq(hostfs_each_number(&fs, "missing", add_number, &sum), -ENOENT);
}
END_TEST

/* More than one answer of the kernel can hold. */
START_TEST(a_long_folder_is_handed_out_whole)
{
	enum { MANY = 1000 };
	struct sum sum = { 0 };
	char path[32];

	for (int i = 1; i <= MANY; i++) {
		snprintf(path, sizeof path, "folder/%d", i);
		put_text(path, "");
	}
	ck_assert_int_eq(hostfs_each_number(&fs, "folder", add_number, &sum), 0);
	ck_assert_uint_eq(sum.calls, MANY);
	ck_assert_uint_eq(sum.numbers, (uint64_t)MANY * (MANY + 1) / 2);
}
END_TEST

START_TEST(a_folder_can_be_opened_and_a_file_not)
{
	DIR *dir = NULL;

	ck_assert_int_eq(hostfs_opendir(&fs, "text", &dir), -ENOTDIR);
	ck_assert_int_eq(hostfs_opendir(&fs, "missing", &dir), -ENOENT);
	ck_assert_ptr_null(dir);
	ck_assert_int_eq(hostfs_opendir(&fs, "folder", &dir), 0);
	ck_assert_int_eq(closedir(dir), 0);
}
END_TEST

/* ---- files that stay open ------------------------------------------------------------- */

START_TEST(an_open_file_is_opened_once_and_read_anew)
{
	struct hostfile file = HOSTFILE_CLOSED;
	char text[16];
	int fd;

	ck_assert_int_eq(hostfile_read(&fs, &file, "text", text, sizeof text), 6);
	fd = file.fd;
	put_text("text", "other");
	ck_assert_int_eq(hostfile_read(&fs, &file, NULL, text, sizeof text), 5);
	ck_assert_str_eq(text, "other");
	ck_assert_int_eq(file.fd, fd);
	hostfile_close(&file);
	ck_assert_int_eq(file.fd, -1);
	ck_assert_int_eq(hostfile_read(&fs, &file, NULL, text, sizeof text), -EBADF);
}
END_TEST

START_TEST(a_piece_of_a_file_is_read)
{
	struct hostfile file = HOSTFILE_CLOSED;
	char bytes[8] = "........";

	put_text("bytes", "0123456789");
	ck_assert_int_eq(hostfile_read_at(&fs, &file, "bytes", bytes, 3, 2), 3);
	ck_assert_mem_eq(bytes, "234.....", 8);
	ck_assert_int_eq(hostfile_read_at(&fs, &file, "gone by now", bytes, 8, 7), 3);
	ck_assert_mem_eq(bytes, "789.....", 8);
	ck_assert_int_eq(hostfile_read_at(&fs, &file, "bytes", bytes, 8, 10), 0);
	hostfile_close(&file);
	ck_assert_int_eq(hostfile_read_at(&fs, &file, "none", bytes, 8, 0), -ENOENT);
	ck_assert_int_eq(hostfile_read_at(&fs, &file, NULL, bytes, 8, 0), -EBADF);
	ck_assert_int_lt(hostfile_read_at(&fs, &file, ".", bytes, 8, 0), 0);
	ck_assert_int_eq(file.fd, -1);
}
END_TEST

/* As a cgroup that was removed: the descriptor is still there and reads no more. */
static void spoil(const struct hostfile *file)
{
	int useless = open("/", O_PATH | O_CLOEXEC);

	ck_assert_int_eq(dup3(useless, file->fd, O_CLOEXEC), file->fd);
	close(useless);
}

START_TEST(what_was_removed_and_made_again_is_found_again)
{
	struct hostfile file = HOSTFILE_CLOSED;
	char text[16];

	ck_assert_int_eq(hostfile_read(&fs, &file, "text", text, sizeof text), 6);
	drop("text");
	put_text("text", "again");
	spoil(&file);
	ck_assert_int_eq(hostfile_read(&fs, &file, "text", text, sizeof text), 5);
	ck_assert_str_eq(text, "again");
	ck_assert_int_ge(file.fd, 0);
	spoil(&file);
	ck_assert_int_lt(hostfile_read(&fs, &file, NULL, text, sizeof text), 0);
	ck_assert_int_eq(file.fd, -1);
	drop("text");
	ck_assert_int_eq(hostfile_read(&fs, &file, "text", text, sizeof text), -ENOENT);
	put_text("text", "back");
	ck_assert_int_eq(hostfile_read(&fs, &file, "text", text, sizeof text), 4);
	hostfile_close(&file);
}
END_TEST

START_TEST(what_grew_too_big_is_opened_afresh)
{
	struct hostfile file = HOSTFILE_CLOSED;
	char text[8];

	ck_assert_int_eq(hostfile_read(&fs, &file, "text", text, sizeof text), 6);
	put_text("text", "12345678");
	ck_assert_int_eq(hostfile_read(&fs, &file, "text", text, sizeof text), -EFBIG);
	ck_assert_int_eq(file.fd, -1);
	put_text("text", "1234567");
	ck_assert_int_eq(hostfile_read(&fs, &file, "text", text, sizeof text), 7);
	hostfile_close(&file);
}
END_TEST

START_TEST(a_process_that_has_gone_is_not_looked_for_again)
{
	struct hostfile file = HOSTFILE_CLOSED;
	struct hostfs live;
	char text[1024], path[64];
	pid_t child = kt_fork();

	if (child == 0)
		for (;;)
			pause();
	snprintf(path, sizeof path, "proc/%d/stat", child);
	ck_assert_int_eq(hostfs_open("/", &live), 0);
	ck_assert_int_gt(hostfile_read(&live, &file, path, text, sizeof text), 0);
	ck_assert_int_eq(kill(child, SIGKILL), 0);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	ck_assert_int_eq(hostfile_read(&live, &file, "proc/self/stat", text, sizeof text), -ESRCH);
	ck_assert_int_eq(file.fd, -1);
	hostfs_close(&live);
}
END_TEST

/* ---- writing --------------------------------------------------------------------------- */

START_TEST(a_write_makes_no_file)
{
	char text[16];

	ck_assert_int_eq(hostfs_write(&fs, "text", "HELLO"), 0);
	ck_assert_int_eq(hostfs_read(&fs, "text", text, sizeof text), 6);
	ck_assert_str_eq(text, "HELLO\n");
	ck_assert_int_eq(hostfs_write(&fs, "missing", "1"), -ENOENT);
	ck_assert(!hostfs_exists(&fs, "missing"));
	ck_assert_int_eq(hostfs_write(&fs, "folder", "1"), -EISDIR);
}
END_TEST

START_TEST(what_nobody_may_write_is_read_only_for_root_too)
{
	put_text("closed", "x");
	ck_assert(!hostfs_is_read_only(&fs, "closed"));
	ck_assert_int_eq(fchmodat(fs.root_fd, "closed", 0444, 0), 0);
	ck_assert(hostfs_is_read_only(&fs, "closed"));
	ck_assert(!hostfs_is_read_only(&fs, "missing"));
}
END_TEST

START_TEST(a_refused_write_says_why)
{
	struct hostfs live;

	ck_assert_int_eq(hostfs_open("/", &live), 0);
	ck_assert_int_eq(hostfs_write(&live, "dev/full", "1"), -ENOSPC);
	hostfs_close(&live);
}
END_TEST

#define LOOP(tc, test, table) tcase_add_loop_test(tc, test, 0, KT_ARRAY_LEN(table))

static TCase *texts_case(void)
{
	TCase *tc = tcase_create("texts");

	tcase_add_checked_fixture(tc, setup, teardown);
	LOOP(tc, only_the_root_of_all_is_live, roots);
	tcase_add_test(tc, the_same_path_means_another_file_below_another_root);
	LOOP(tc, a_text_is_read_whole_or_refused, reads);
	LOOP(tc, an_open_file_is_read_whole_or_refused, reads);
	tcase_add_test(tc, a_single_read_takes_the_beginning);
	tcase_add_test(tc, nul_bytes_are_part_of_the_text);
	LOOP(tc, a_number_is_the_whole_file, numbers);
	tcase_add_test(tc, a_missing_number_leaves_the_output);
	tcase_add_test(tc, a_write_makes_no_file);
	tcase_add_test(tc, what_nobody_may_write_is_read_only_for_root_too);
	tcase_add_test(tc, a_refused_write_says_why);
	return tc;
}

static TCase *lists_case(void)
{
	TCase *tc = tcase_create("lists");

	tcase_add_checked_fixture(tc, setup, teardown);
	LOOP(tc, every_line_that_fits_is_handed_out, lists);
	tcase_add_test(tc, a_list_that_is_not_there_is_an_error);
	tcase_add_test(tc, only_names_that_are_numbers_are_handed_out);
	tcase_add_test(tc, a_long_folder_is_handed_out_whole);
	tcase_add_test(tc, a_folder_can_be_opened_and_a_file_not);
	return tc;
}

static TCase *open_files_case(void)
{
	TCase *tc = tcase_create("open files");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, an_open_file_is_opened_once_and_read_anew);
	tcase_add_test(tc, a_piece_of_a_file_is_read);
	tcase_add_test(tc, what_was_removed_and_made_again_is_found_again);
	tcase_add_test(tc, what_grew_too_big_is_opened_afresh);
	tcase_add_test(tc, a_process_that_has_gone_is_not_looked_for_again);
	return tc;
}

int main(void)
{
	Suite *s = suite_create("hostfs");

	suite_add_tcase(s, texts_case());
	suite_add_tcase(s, lists_case());
	suite_add_tcase(s, open_files_case());
	return kt_run(s);
}
