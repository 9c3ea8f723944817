/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Are sets of CPUs, UUIDs, numbers and hostile texts read and written right? */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "cpumask.h"
#include "ewma.h"
#include "kt_check.h"
#include "log.h"
#include "nodemask.h"
#include "str.h"
#include "stream.h"
#include "uuid.h"

static const struct {
	const char *text;
	int result;
	unsigned int count;
	const char *written;
} cpu_lists[] = {
	{ "", 0, 0, "" },
	{ "\n", 0, 0, "" },
	{ "0", 0, 1, "0" },
	{ "0-3", 0, 4, "0-3" },
	{ "0-3,8\n", 0, 5, "0-3,8" },
	{ " 1 , 3 ", 0, 2, "1,3" },
	{ "3,1,2", 0, 3, "1-3" },
	{ "63-64", 0, 2, "63-64" },
	{ "1023", 0, 1, "1023" },
	{ "0-1023", 0, 1024, "0-1023" },
	{ "0-63,128-191", 0, 128, "0-63,128-191" },
	{ "62,64,126-130", 0, 7, "62,64,126-130" },
	{ "1024", -ERANGE, 0, NULL },
	{ "0-1024", -ERANGE, 0, NULL },
	{ "99999999999999999999", -ERANGE, 0, NULL },
	{ "3-1", -EINVAL, 0, NULL },
	{ "1,", -EINVAL, 0, NULL },
	{ ",1", -EINVAL, 0, NULL },
	{ "1-", -EINVAL, 0, NULL },
	{ "-1", -EINVAL, 0, NULL },
	{ "1 2", -EINVAL, 0, NULL },
	{ "a", -EINVAL, 0, NULL },
	{ "0x3", -EINVAL, 0, NULL },
};

START_TEST(cpu_lists_are_read_and_written)
{
	char buf[KT_CPULIST_MAX];
	struct cpumask m;
	const char *text = cpu_lists[_i].text;

	memset(&m, 0x55, sizeof m);
	ck_assert_msg(cpumask_parse(text, &m) == cpu_lists[_i].result, "\"%s\"", text);
	if (cpu_lists[_i].result < 0) {
		ck_assert_msg(m.word[0] == UINT64_C(0x5555555555555555),
			      "\"%s\" touched the output", text);
		return;
	}
	ck_assert_uint_eq(cpumask_count(&m), cpu_lists[_i].count);
	ck_assert_str_eq(cpumask_str(&m, buf, sizeof buf), cpu_lists[_i].written);
}
END_TEST

START_TEST(the_longest_cpu_list_fits_and_a_cut_one_says_so)
{
	struct cpumask m = { 0 };
	char buf[KT_CPULIST_MAX], small[8];

	for (unsigned int cpu = 0; cpu < KT_CPUS_MAX; cpu += 2)
		cpumask_set(&m, cpu);
	cpumask_str(&m, buf, sizeof buf);
	ck_assert_str_eq(buf + strlen(buf) - 5, ",1022");
	cpumask_str(&m, small, sizeof small);
	ck_assert_str_eq(small + strlen(small) - 2, "..");
}
END_TEST

START_TEST(sets_are_combined)
{
	struct cpumask a, b, r;

	ck_assert_int_eq(cpumask_parse("0-3,70", &a), 0);
	ck_assert_int_eq(cpumask_parse("2-5", &b), 0);
	r = cpumask_and(&a, &b);
	ck_assert_uint_eq(cpumask_count(&r), 2);
	r = cpumask_or(&a, &b);
	ck_assert_uint_eq(cpumask_count(&r), 7);
	r = cpumask_andnot(&a, &b);
	ck_assert_uint_eq(cpumask_count(&r), 3);
	ck_assert(cpumask_test(&r, 70) && !cpumask_test(&r, 2) && !cpumask_test(&r, 5000));
	ck_assert(!cpumask_equal(&a, &b) && cpumask_equal(&a, &a));
	r = cpumask_andnot(&a, &a);
	ck_assert(cpumask_empty(&r) && !cpumask_empty(&a));
}
END_TEST

/* Cores of a host: siblings in a row, siblings far apart, cores that are counted otherwise,
 * and no siblings. */
static const uint16_t paired[KT_CPUS_MAX] = { 0, 0, 1, 1, 2, 2, 3, 3 };
static const uint16_t split[KT_CPUS_MAX] = { 0, 1, 2, 3, 0, 1, 2, 3 };
static const uint16_t backwards[KT_CPUS_MAX] = { 3, 2, 1, 0, 3, 2, 1, 0 };
static const uint16_t single[KT_CPUS_MAX] = { 5, 6, 7, 8, [1023] = 9 };
static const uint16_t beyond[KT_CPUS_MAX] = { UINT16_MAX, UINT16_MAX, 1, UINT16_MAX };

static const struct {
	const char *cpus;
	const uint16_t *core_of;
	unsigned int n;
	const char *core;
} cores[] = {
	{ "0-7", paired, 0, "0-1" },     { "0-7", paired, 3, "6-7" },
	{ "0-7", paired, 4, "0-1" },                                  /* starts over */
	{ "0-7", paired, 7, "6-7" },     { "4-7", paired, 0, "4-5" }, /* only of these CPUs */
	{ "4-7", paired, 2, "4-5" },     { "1-4", paired, 0, "1" },
	{ "1-4", paired, 1, "2-3" },     { "1-4", paired, 2, "4" },
	{ "0-7", split, 1, "1,5" },      { "0-7", split, 4, "0,4" },
	{ "4-6", split, 2, "6" },        { "0-7", backwards, 0, "0,4" },
	{ "0-7", backwards, 3, "3,7" },  { "3,1023", single, 0, "3" },
	{ "3,1023", single, 1, "1023" }, { "3,1023", single, UINT32_MAX, "1023" },
	{ "0-3", beyond, 0, "0-1,3" }, /* no such core can be: still an answer */
	{ "", paired, 0, "" },
};

START_TEST(a_core_is_picked_by_its_lowest_cpu)
{
	char buf[KT_CPULIST_MAX];
	struct cpumask cpus, core;

	ck_assert_int_eq(cpumask_parse(cores[_i].cpus, &cpus), 0);
	core = cpumask_core(&cpus, cores[_i].core_of, cores[_i].n);
	ck_assert_str_eq(cpumask_str(&core, buf, sizeof buf), cores[_i].core);
}
END_TEST

static const struct {
	const char *text;
	bool valid;
} uuids[] = {
	{ "00112233-4455-6677-8899-aabbccddeeff", true },
	{ "00112233-4455-6677-8899-AABBCCDDEEFF", true },
	{ "", false },
	{ "00112233-4455-6677-8899-aabbccddeef", false },
	{ "00112233-4455-6677-8899-aabbccddeeff0", false },
	{ "00112233445566778899aabbccddeeff", false },
	{ "0011223g-4455-6677-8899-aabbccddeeff", false },
	{ "00112233-4455-6677-8899aaabbccddeeff", false },
};

START_TEST(uuids_are_read_exactly)
{
	char buf[KT_UUID_STR];
	struct uuid u;

	ck_assert_msg((uuid_parse(uuids[_i].text, &u) == 0) == uuids[_i].valid, "\"%s\"",
		      uuids[_i].text);
	if (uuids[_i].valid)
		ck_assert_str_eq(uuid_str(&u, buf), uuids[0].text);
}
END_TEST

static const struct {
	const char *raw, *escaped;
} texts[] = {
	{ "", "" },
	{ "web-01", "web-01" },
	{ "a b%s", "a b%s" },
	{ "a\nb", "a\\x0ab" },
	{ "\"x\\", "\\x22x\\x5c" },
	{ "\033[31m", "\\x1b[31m" },
	{ "\xc3\xa9\xff", "\\xc3\\xa9\\xff" },
	{ "\x7f", "\\x7f" },
};

START_TEST(hostile_texts_are_escaped_and_come_back)
{
	char escaped[64], raw[64];

	ck_assert_str_eq(str_escape(texts[_i].raw, escaped, sizeof escaped), texts[_i].escaped);
	ck_assert_int_eq(str_unescape(escaped, raw, sizeof raw), 0);
	ck_assert_str_eq(raw, texts[_i].raw);
}
END_TEST

START_TEST(escaping_never_overflows)
{
	char buf[300], raw[257];

	memset(raw, '\n', sizeof raw - 1);
	raw[sizeof raw - 1] = '\0';
	for (size_t size = 1; size < sizeof buf; size++) {
		memset(buf, '#', sizeof buf);
		str_escape(raw, buf, size);
		ck_assert_msg(memchr(buf, '\0', size) || size <= 2, "size %zu", size);
		ck_assert_msg(buf[size] == '#', "size %zu wrote beyond", size);
	}
}
END_TEST

static const char *const not_escaped[] = { "\\", "\\x", "\\x0", "\\xzz", "\\n", "\\x00" };

START_TEST(what_was_never_escaped_is_refused)
{
	char raw[64];

	ck_assert_msg(str_unescape(not_escaped[_i], raw, sizeof raw) == -EINVAL, "%s",
		      not_escaped[_i]);
}
END_TEST

START_TEST(unescaping_into_too_little_room_is_refused)
{
	char raw[4];

	ck_assert_int_eq(str_unescape("abc", raw, sizeof raw), 0);
	ck_assert_int_eq(str_unescape("abcd", raw, sizeof raw), -ENAMETOOLONG);
}
END_TEST

static const struct {
	const char *text;
	int result;
	uint64_t value;
} numbers[] = {
	{ "0", 0, 0 },
	{ "007", 0, 7 },
	{ " 42\n", 0, 42 },
	{ "18446744073709551615", 0, UINT64_MAX },
	{ "18446744073709551616", -ERANGE, 0 },
	{ "", -EINVAL, 0 },
	{ "-1", -EINVAL, 0 },
	{ "+1", -EINVAL, 0 },
	{ "1x", -EINVAL, 0 },
	{ "1 2", -EINVAL, 0 },
	{ "0x10", -EINVAL, 0 },
};

START_TEST(numbers_are_whole_texts)
{
	uint64_t value = 99;

	ck_assert_msg(str_u64(numbers[_i].text, &value) == numbers[_i].result, "\"%s\"",
		      numbers[_i].text);
	ck_assert_uint_eq(value, numbers[_i].result == 0 ? numbers[_i].value : 99);
}
END_TEST

START_TEST(a_young_mean_is_a_plain_mean)
{
	struct ewma e = { 0 };

	ewma_add(&e, 5, 0, 10);
	ck_assert_double_eq(e.value, 0);
	ewma_add(&e, 4, 1, 10);
	ck_assert_double_eq_tol(e.value, 4, 1e-9);
	ewma_add(&e, 8, 1, 10);
	ck_assert_double_eq_tol(e.value, 6, 1e-9);
	for (int i = 0; i < 1000; i++)
		ewma_add(&e, 1, 1, 10);
	ck_assert_double_eq_tol(e.value, 1, 1e-6);
	ewma_add(&e, 7, 100, 10);
	ck_assert_double_eq_tol(e.value, 7, 1e-9);
}
END_TEST

static unsigned int heard;
static char heard_text[64];

static void listen(const struct log_event *event, void *context)
{
	(void)context;
	heard++;
	(void)snprintf(heard_text, sizeof heard_text, "%s", event->message);
}

START_TEST(only_wanted_events_are_heard)
{
	log_info("nobody listens");
	log_set_sink(listen, NULL, LOG_LEVEL_INFO);
	log_info("%d", 1);
	log_debug("not wanted");
	log_error("%s", "last");
	ck_assert_uint_eq(heard, 2);
	ck_assert_str_eq(heard_text, "last");
	log_set_level(LOG_LEVEL_ERR);
	log_warning("not wanted");
	ck_assert_uint_eq(heard, 2);
}
END_TEST

static void overhear(const struct log_event *event, void *context)
{
	(void)event;
	++*(unsigned int *)context;
}

/* Beside the sink, at a level of its own. */
START_TEST(a_listener_hears_what_the_sink_does_not_want)
{
	unsigned int overheard = 0;

	log_set_sink(listen, NULL, LOG_LEVEL_ERR);
	log_set_listener(overhear, &overheard, LOG_LEVEL_WARNING);
	ck_assert(log_wants(LOG_LEVEL_WARNING) && !log_wants(LOG_LEVEL_INFO));
	heard = 0;
	log_warning("to one of them");
	log_error("to both");
	log_info("to nobody");
	log_set_listener(NULL, NULL, LOG_LEVEL_INFO);
	log_error("after it has gone");
	ck_assert_uint_eq(overheard, 2);
	ck_assert_uint_eq(heard, 2);
}
END_TEST

START_TEST(sets_of_nodes_are_written_like_those_of_cpus)
{
	char text[KT_NODELIST_MAX];

	ck_assert_str_eq(nodemask_str(0, text, sizeof text), "");
	ck_assert_str_eq(nodemask_str(0xB, text, sizeof text), "0-1,3");
}
END_TEST

START_TEST(a_stream_closes_its_descriptor_and_tells_a_failed_write)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC), kept = fd;
	FILE *f = NULL;

	ck_assert_int_eq(stream_of_fd(&fd, "r", &f), -EINVAL);
	ck_assert(fd == kept && !f);
	ck_assert_int_eq(stream_of_fd(&fd, "w", &f), 0);
	ck_assert_int_eq(fd, -1);
	ck_assert_int_eq(stream_flush(f), 0);
	ck_assert_int_gt(fputs("no room", f), 0);
	ck_assert_int_eq(stream_flush(f), -ENOSPC);
	ck_assert_int_eq(stream_flush(f), -EIO);
	(void)fclose(f);
	ck_assert_int_eq(fcntl(kept, F_GETFD), -1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base");
	TCase *c = tcase_create("base");

	tcase_add_loop_test(c, cpu_lists_are_read_and_written, 0, (int)KT_ARRAY_LEN(cpu_lists));
	tcase_add_test(c, the_longest_cpu_list_fits_and_a_cut_one_says_so);
	tcase_add_test(c, sets_are_combined);
	tcase_add_loop_test(c, a_core_is_picked_by_its_lowest_cpu, 0, (int)KT_ARRAY_LEN(cores));
	tcase_add_loop_test(c, uuids_are_read_exactly, 0, (int)KT_ARRAY_LEN(uuids));
	tcase_add_loop_test(c, hostile_texts_are_escaped_and_come_back, 0,
			    (int)KT_ARRAY_LEN(texts));
	tcase_add_test(c, escaping_never_overflows);
	tcase_add_loop_test(c, what_was_never_escaped_is_refused, 0,
			    (int)KT_ARRAY_LEN(not_escaped));
	tcase_add_test(c, unescaping_into_too_little_room_is_refused);
	tcase_add_loop_test(c, numbers_are_whole_texts, 0, (int)KT_ARRAY_LEN(numbers));
	tcase_add_test(c, a_young_mean_is_a_plain_mean);
	tcase_add_test(c, only_wanted_events_are_heard);
	tcase_add_test(c, a_listener_hears_what_the_sink_does_not_want);
	tcase_add_test(c, sets_of_nodes_are_written_like_those_of_cpus);
	tcase_add_test(c, a_stream_closes_its_descriptor_and_tells_a_failed_write);
	suite_add_tcase(s, c);
	return kt_run(s);
}
