/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Do the kernel's counters, processes and threads become the right numbers, and does
 * every other text become a refusal that touches nothing? */
#include "parse_fixture.h"

/* ---- single numbers ------------------------------------------------------------- */

static const struct {
	const char *text;
	bool ok;
	uint64_t value;
	size_t moved;
} numbers[] = {
	{ "0", true, 0, 1 },
	{ "7 8", true, 7, 1 },
	{ " \t 12kB", true, 12, 5 },
	{ "0005", true, 5, 4 },
	{ "18446744073709551615", true, UINT64_MAX, 20 },
	{ "18446744073709551616", false, 0, 0 },
	{ "99999999999999999999", false, 0, 0 },
	{ "184467440737095516150", false, 0, 0 },
	{ "", false, 0, 0 },
	{ "  ", false, 0, 0 },
	{ "-1", false, 0, 0 },
	{ "+1", false, 0, 0 },
	{ "\n1", false, 0, 0 },
	{ "x1", false, 0, 0 },
	{ "\xff", false, 0, 0 },
};

START_TEST(a_number_is_read_up_to_its_end)
{
	const char *text = numbers[_i].text, *s = text;
	uint64_t value;

	TOUCH(value);
	ck_assert_msg(parse_number(&s, &value) == numbers[_i].ok, "%s", text);
	ck_assert_uint_eq((size_t)(s - text), numbers[_i].moved);
	if (numbers[_i].ok)
		ck_assert_uint_eq(value, numbers[_i].value);
	else
		ck_assert(UNTOUCHED(value));
}
END_TEST

static const struct {
	const char *text;
	int result;
	int64_t value;
} signed_numbers[] = {
	{ "0\n", 0, 0 },
	{ "-0", 0, 0 },
	{ "5", 0, 5 },
	{ "-4096\n", 0, -4096 },
	{ "9223372036854775807\n", 0, INT64_MAX },
	{ "9223372036854775808\n", -EINVAL, 0 },
	{ "-9223372036854775807", 0, -INT64_MAX },
	{ "-9223372036854775809", -EINVAL, 0 },
	{ "18446744073709551616", -EINVAL, 0 },
	{ "", -EINVAL, 0 },
	{ "\n", -EINVAL, 0 },
	{ "-", -EINVAL, 0 },
	{ "--1", -EINVAL, 0 },
	{ "- 1", -EINVAL, 0 },
	{ " 1", -EINVAL, 0 },
	{ "\t1", -EINVAL, 0 },
	{ "1 ", -EINVAL, 0 },
	{ "1x", -EINVAL, 0 },
	{ "1\n2", -EINVAL, 0 },
};

START_TEST(a_signed_number_is_the_whole_text)
{
	int64_t value;

	TOUCH(value);
	ck_assert_msg(parse_i64(signed_numbers[_i].text, &value) == signed_numbers[_i].result, "%s",
		      signed_numbers[_i].text);
	if (signed_numbers[_i].result == 0)
		ck_assert_int_eq(value, signed_numbers[_i].value);
	else
		ck_assert(UNTOUCHED(value));
}
END_TEST

/* ---- lines of "key value" ----------------------------------------------------------- */

#define NONE UINT64_C(0x5a5a5a5a5a5a5a5a)

static const struct {
	const char *name, *text;
	size_t found;
	uint64_t free, cached;
} key_texts[] = {
	{ "meminfo", "MemFree:  12 kB\nSwapCached: 1 kB\nCached:\t3 kB\n", 2, 12, 3 },
	{ "vmstat", "Cached 3\nMemFree 12\n", 2, 12, 3 },
	{ "no newline at the end", "MemFree 12\nCached 3", 2, 12, 3 },
	{ "a longer word is another key", "MemFreeish 12\nCached(x) 3\n", 0, NONE, NONE },
	{ "only at the start of a line", " MemFree 12\nxMemFree 12\n", 0, NONE, NONE },
	{ "no value", "MemFree\nMemFree:\nCached: \n", 0, NONE, NONE },
	{ "not a value", "MemFree: kB\nCached: 3\n", 1, NONE, 3 },
	{ "negative", "MemFree: -1 kB\n", 0, NONE, NONE },
	{ "64 bits", "MemFree 18446744073709551615\n", 1, UINT64_MAX, NONE },
	{ "65 bits", "MemFree 18446744073709551616\nCached 3\n", 1, NONE, 3 },
	{ "empty", "", 0, NONE, NONE },
	{ "newlines", "\n\n\nCached 3\n", 1, NONE, 3 },
	{ "lines of one letter", "M\nM 1\nC\nCached 3\nM", 1, NONE, 3 },
	{ "lines that begin like a key", "Meme 1\nCa 2\nCached 3\nMe", 1, NONE, 3 },
	{ "bytes", "\xff\xfe\x01MemFree 1\nCached 3\n", 1, NONE, 3 },
};

START_TEST(keys_are_whole_words_in_any_order)
{
	uint64_t free = NONE, cached = NONE;
	const struct parse_key keys[] = { { "MemFree", &free }, { "Cached", &cached } };

	ck_assert_msg(parse_keys(key_texts[_i].text, keys, 2) == key_texts[_i].found, "%s",
		      key_texts[_i].name);
	ck_assert_uint_eq(free, key_texts[_i].free);
	ck_assert_uint_eq(cached, key_texts[_i].cached);
}
END_TEST

/* ---- pressure, CPU time, run-queue delay ------------------------------------------- */

static const struct {
	const char *text;
	int result;
	uint64_t some, full;
} psi_texts[] = {
	{ "some avg10=0.00 avg60=0.01 avg300=0.00 total=73\n"
	  "full avg10=0.00 avg60=0.00 avg300=0.00 total=9\n",
	  0, 73, 9 },
	{ "some avg10=1.00 avg60=0.00 avg300=0.00 total=73\n", 0, 73, 0 },
	{ "some avg10=0.00 total=18446744073709551615", 0, UINT64_MAX, 0 },
	{ "some avg10=0.00 total=18446744073709551616\n", -EINVAL, 0, 0 },
	{ "some avg10=0.00\nfull avg10=0.00 total=5\n", -EINVAL, 0, 0 },
	{ "some avg10=0.00 total=-1\n", -EINVAL, 0, 0 },
	{ "some total=1\nfull avg10=0.00 total=\n", 0, 1, 0 },
	{ "full avg10=0.00 total=5\n", -EINVAL, 0, 0 },
	{ "", -EINVAL, 0, 0 },
	{ "some", -EINVAL, 0, 0 },
	{ "\xff total=1", -EINVAL, 0, 0 },
};

START_TEST(pressure_needs_a_total_in_its_own_line)
{
	struct psi_sample psi;

	TOUCH(psi);
	ck_assert_msg(parse_psi(psi_texts[_i].text, &psi) == psi_texts[_i].result, "%s",
		      psi_texts[_i].text);
	if (psi_texts[_i].result < 0) {
		ck_assert(UNTOUCHED(psi));
		return;
	}
	ck_assert(psi.present);
	ck_assert_uint_eq(psi.some_us_total, psi_texts[_i].some);
	ck_assert_uint_eq(psi.full_us_total, psi_texts[_i].full);
}
END_TEST

static const struct {
	const char *text;
	int result;
	uint64_t busy, idle, steal;
} cpu_texts[] = {
	{ "cpu  1 2 4 8 16 32 64 128 256 512\ncpu0 9 9 9 9 9 9 9 9 9 9\n", 0, 103, 24, 128 },
	{ "cpu 1 2 4 8 16 32 64 128", 0, 103, 24, 128 },
	{ "cpu 1 2 4 8 16 32 64\n", -EINVAL, 0, 0, 0 },
	{ "cpu 1 2 4 8 16 32 64 -1\n", -EINVAL, 0, 0, 0 },
	{ "cpu 1 2 4 8 16 32 64 18446744073709551616\n", -EINVAL, 0, 0, 0 },
	{ "cpu0 1 2 4 8 16 32 64 128\n", -EINVAL, 0, 0, 0 },
	{ "intr 1\ncpu 1 2 4 8 16 32 64 128\n", -EINVAL, 0, 0, 0 },
	{ "cpu", -EINVAL, 0, 0, 0 },
	{ "", -EINVAL, 0, 0, 0 },
};

START_TEST(cpu_time_is_the_first_line_with_eight_numbers)
{
	uint64_t time[3];

	TOUCH(time);
	ck_assert_msg(parse_cpu_ticks(cpu_texts[_i].text, &time[0], &time[1], &time[2]) ==
			      cpu_texts[_i].result,
		      "%s", cpu_texts[_i].text);
	if (cpu_texts[_i].result < 0) {
		ck_assert(UNTOUCHED(time));
		return;
	}
	ck_assert_uint_eq(time[0], cpu_texts[_i].busy);
	ck_assert_uint_eq(time[1], cpu_texts[_i].idle);
	ck_assert_uint_eq(time[2], cpu_texts[_i].steal);
}
END_TEST

static const struct {
	const char *text;
	uint64_t first, second, last; /* CPUs 0, 1 and 1,023 */
} idle_texts[] = {
	{ "cpu  9 9 9 9 9 9\ncpu0 1 2 3 40 5 6\ncpu1 1 2 3 4 0 6 7\nintr 5\n", 45, 4, 7 },
	{ "cpu0 1 2 3 40 5 6\ncpu1 1 2 3 4 5", 45, 7, 7 }, /* cut */
	{ "cpu0 1 2 3 40 5", 7, 7, 7 },
	{ "cpu0 1 2 3 4\ncpu1 1 2 3 4 5\n", 7, 9, 7 },
	{ "cpu1023 1 2 3 4 5 6\ncpu1024 1 2 3 4 5 6\ncpu0 0 0 0 1 0\n", 1, 7, 9 },
	{ "cpu0 1 2 3 -4 5\ncpu1 0 0 0 18446744073709551616 0\n", 7, 7, 7 },
	{ "cpu 0 1 2 3 4 5\ncpu -1 1 2 3 4 5\n", 7, 7, 7 },
	{ "intr 1\ncpu0 1 2 3 4 5 6\n", 7, 7, 7 },
	{ "\n", 7, 7, 7 },
	{ "", 7, 7, 7 },
};

START_TEST(each_cpu_idles_by_its_own_line)
{
	static uint64_t hz[KT_CPUS_MAX];

	hz[0] = hz[1] = hz[KT_CPUS_MAX - 1] = 7;
	parse_cpus_idle(idle_texts[_i].text, hz);
	ck_assert_msg(hz[0] == idle_texts[_i].first, "%s", idle_texts[_i].text);
	ck_assert_msg(hz[1] == idle_texts[_i].second, "%s", idle_texts[_i].text);
	ck_assert_msg(hz[KT_CPUS_MAX - 1] == idle_texts[_i].last, "%s", idle_texts[_i].text);
}
END_TEST

static const struct {
	const char *text;
	int result;
	uint64_t run, delay;
} schedstats[] = {
	{ "2026 377 11\n", 0, 2026, 377 },
	{ "0 0 0\n", 0, 0, 0 },
	{ "5 6", 0, 5, 6 },
	{ "18446744073709551615 18446744073709551615 1", 0, UINT64_MAX, UINT64_MAX },
	{ "1 18446744073709551616 1", -EINVAL, 0, 0 },
	{ "5", -EINVAL, 0, 0 },
	{ "5\n6\n", -EINVAL, 0, 0 },
	{ "5 -6 1", -EINVAL, 0, 0 },
	{ "", -EINVAL, 0, 0 },
};

START_TEST(run_time_and_delay_come_together)
{
	uint64_t ns[2];

	TOUCH(ns);
	ck_assert_msg(parse_schedstat(schedstats[_i].text, &ns[0], &ns[1]) == schedstats[_i].result,
		      "%s", schedstats[_i].text);
	if (schedstats[_i].result < 0) {
		ck_assert(UNTOUCHED(ns));
		return;
	}
	ck_assert_uint_eq(ns[0], schedstats[_i].run);
	ck_assert_uint_eq(ns[1], schedstats[_i].delay);
}
END_TEST

/* ---- processes and threads ---------------------------------------------------------- */

static const struct {
	const char *text;
	bool ok;
} pid_stats[] = {
	{ "301 (qemu-system-x86)" STAT_TAIL, true },
	{ "301 ()" STAT_TAIL, true },
	{ "301 (a b) S 7 (c)" STAT_TAIL, true },
	{ "301 (a) R 1 2 3\n4 (5))" STAT_TAIL, true },
	{ "301 (CPU 0/KVM\n)" STAT_TAIL, true },
	{ "301 (\xff\x01\x1b[2J)" STAT_TAIL, true },
	/* up to the 24th field, and one short of it */
	{ "1 (x) S 41 301 301 0 -1 4194560 5 0 0 0 17 3 0 0 20 0 6 0 778899 9 3456", true },
	{ "1 (x) S 41 301 301 0 -1 4194560 5 0 0 0 17 3 0 0 20 0 6 0 778899 9", false },
	{ "1 (x) S 41 -301 -301 -34817 -1 -4 -5 -6 -7 -8 -17 -3 -10 -11 -20 -1 6 0 778899 9 3456",
	  true },
	{ "1 (x) S 2147483648 1 1 0 -1 4 5 0 0 0 17 3 0 0 20 0 6 0 778899 9 3456", false },
	{ "1 (x) S 41 1 1 0 -1 4 5 0 0 0 17 3 0 0 20 0 6 0 18446744073709551616 9 3456", false },
	{ "1 (x) S 41 1 1 0 - 1 4 5 0 0 0 17 3 0 0 20 0 6 0 7 9 3456", false },
	{ "1 (x) S 41 1 1 0 x 4 5 0 0 0 17 3 0 0 20 0 6 0 778899 9 3456", false },
	{ "1 (x)S 41 1 1 0 -1 4 5 0 0 0 17 3 0 0 20 0 6 0 778899 9 3456", false },
	{ "1 (x) SS 41 1 1 0 -1 4 5 0 0 0 17 3 0 0 20 0 6 0 778899 9 3456", false },
	{ "301 qemu" STAT_TAIL, false },
	{ "1 (x) ", false },
	{ "1 (x)", false },
	{ ")", false },
	{ "", false },
};

START_TEST(the_last_parenthesis_closes_the_name)
{
	struct pid_stat stat;

	TOUCH(stat);
	if (!pid_stats[_i].ok) {
		ck_assert_msg(parse_pid_stat(pid_stats[_i].text, &stat) == -EINVAL, "%s",
			      pid_stats[_i].text);
		ck_assert(UNTOUCHED(stat));
		return;
	}
	ck_assert_msg(parse_pid_stat(pid_stats[_i].text, &stat) == 0, "%s", pid_stats[_i].text);
	ck_assert_int_eq(stat.ppid, 41);
	ck_assert_uint_eq(stat.cpu_hz, 20);
	ck_assert_uint_eq(stat.nthreads, 6);
	ck_assert_uint_eq(stat.start_ticks, 778899);
	ck_assert_uint_eq(stat.rss_pages, 3456);
}
END_TEST

static const struct {
	const char *comm;
	enum thread_role role;
	unsigned int number;
} thread_names[] = {
	{ "CPU 0/KVM\n", THREAD_VCPU, 0 },
	{ "CPU 12/TCG\n", THREAD_VCPU, 12 },
	{ "CPU 3/KVM", THREAD_VCPU, 3 },
	{ "CPU 1023/KVM\n", THREAD_VCPU, 1023 },
	{ "CPU 1024/KVM\n", THREAD_EMULATOR, 0 },
	{ "CPU 18446744073709551616/KVM\n", THREAD_EMULATOR, 0 },
	{ "CPU 3\n", THREAD_EMULATOR, 0 },
	{ "CPU  3/KVM\n", THREAD_EMULATOR, 0 },
	{ "CPU \t3/KVM\n", THREAD_EMULATOR, 0 },
	{ "CPU -3/KVM\n", THREAD_EMULATOR, 0 },
	{ "CPU /KVM\n", THREAD_EMULATOR, 0 },
	{ " CPU 3/KVM\n", THREAD_EMULATOR, 0 },
	{ "IO iothread1\n", THREAD_IOTHREAD, 1 },
	{ "IO iothread1023", THREAD_IOTHREAD, 1023 },
	{ "IO iothread1024", THREAD_EMULATOR, 0 },
	{ "IO iothread1x\n", THREAD_EMULATOR, 0 },
	{ "IO iothread\t1\n", THREAD_EMULATOR, 0 },
	{ "IO iothread\n", THREAD_EMULATOR, 0 },
	{ "vhost-4711\n", THREAD_VHOST, 0 },
	{ "vhost-4194304", THREAD_VHOST, 0 },
	{ "vhost-\n", THREAD_EMULATOR, 0 },
	{ "vhost-4711x\n", THREAD_EMULATOR, 0 },
	{ "vhost- 4711\n", THREAD_EMULATOR, 0 },
	{ "vhost-18446744073709551616\n", THREAD_EMULATOR, 0 },
	{ "vhost\n", THREAD_EMULATOR, 0 },
	{ "IO mon_iothread\n", THREAD_EMULATOR, 0 },
	{ "qemu-system-x86\n", THREAD_EMULATOR, 0 },
	{ "worker\n", THREAD_EMULATOR, 0 },
	{ "\n", THREAD_EMULATOR, 0 },
	{ "", THREAD_EMULATOR, 0 },
};

START_TEST(threads_are_told_by_their_names)
{
	unsigned int number = 77;

	ck_assert_msg(parse_thread_name(thread_names[_i].comm, &number) == thread_names[_i].role,
		      "%s", thread_names[_i].comm);
	ck_assert_uint_eq(number, thread_names[_i].number);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("parse");
	Suite *s = suite_create("parse");

	LOOP(tc, a_number_is_read_up_to_its_end, numbers);
	LOOP(tc, a_signed_number_is_the_whole_text, signed_numbers);
	LOOP(tc, keys_are_whole_words_in_any_order, key_texts);
	LOOP(tc, pressure_needs_a_total_in_its_own_line, psi_texts);
	LOOP(tc, cpu_time_is_the_first_line_with_eight_numbers, cpu_texts);
	LOOP(tc, each_cpu_idles_by_its_own_line, idle_texts);
	LOOP(tc, run_time_and_delay_come_together, schedstats);
	LOOP(tc, the_last_parenthesis_closes_the_name, pid_stats);
	LOOP(tc, threads_are_told_by_their_names, thread_names);
	suite_add_tcase(s, tc);
	return kt_run(s);
}
