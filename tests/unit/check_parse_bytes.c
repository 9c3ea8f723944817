/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does any text at all get an answer from every parser, and from within its bounds? */
#include "parse_fixture.h"

static void give_counts(const char *text, size_t length)
{
	uint64_t a, b, c;
	int64_t i;
	struct psi_sample psi;
	struct pid_stat stat;
	struct uuid uuid;
	const char *s = text;

	TOUCH(a), TOUCH(b), TOUCH(c), TOUCH(i), TOUCH(psi), TOUCH(stat), TOUCH(uuid);
	ck_assert(parse_number(&s, &a) || (s == text && UNTOUCHED(a)));
	ck_assert(s <= text + length);
	ck_assert(parse_i64(text, &i) == 0 || UNTOUCHED(i));
	ck_assert(parse_psi(text, &psi) == 0 || UNTOUCHED(psi));
	ck_assert(parse_pid_stat(text, &stat) == 0 || UNTOUCHED(stat));
	ck_assert(parse_qemu_uuid(text, length, &uuid) == 0 || UNTOUCHED(uuid));
	TOUCH(a);
	ck_assert(parse_schedstat(text, &a, &b) == 0 || (UNTOUCHED(a) && UNTOUCHED(b)));
	TOUCH(a), TOUCH(b);
	ck_assert(parse_cpu_ticks(text, &a, &b, &c) == 0 ||
		  (UNTOUCHED(a) && UNTOUCHED(b) && UNTOUCHED(c)));
}

static void give_texts(const char *text)
{
	static const char *const controllers[] = { "", "memory" };
	static uint64_t idle_hz[KT_CPUS_MAX];
	uint64_t kib[KT_NODES_MAX] = { 0 }, value, end;
	const struct parse_key keys[] = { { "anon", &value }, { "some", &value } };
	unsigned int number;
	char path[24];

	TOUCH(value);
	ck_assert(parse_keys(text, keys, 2) > 0 || UNTOUCHED(value));
	for (size_t i = 0; i < KT_ARRAY_LEN(controllers); i++) {
		TOUCH(path);
		ck_assert(parse_cgroup_path(text, controllers[i], path, sizeof path) != -ENOENT ||
			  UNTOUCHED(path));
		TOUCH(path);
		ck_assert(parse_cgroup_mount(text, controllers[i], path, sizeof path) != -ENOENT ||
			  UNTOUCHED(path));
	}
	(void)parse_thread_name(text, &number);
	ck_assert_uint_lt(number, KT_THREADS_MAX);
	parse_cpus_idle(text, idle_hz);
	TOUCH(value);
	ck_assert(parse_maps_line(text, &value, &end) || UNTOUCHED(value));
	parse_numa_maps_line(text, kib);
	(void)parse_node_counts(text, "anon", 1, kib);
}

/* In a block of its own length, so that the address sanitizer sees a step beyond it. */
static void give_to_all(const char *bytes, size_t length)
{
	KT_AUTOFREE char *text = malloc(length + 1);

	ck_assert_ptr_nonnull(text);
	memcpy(text, bytes, length);
	text[length] = '\0';
	give_counts(text, length);
	give_texts(text);
}

static const struct {
	const char *bytes;
	size_t length;
} whole[] = {
	{ TEXT("301 (a b) S 7 (c)" STAT_TAIL) },
	{ TEXT("some avg10=0.00 avg60=0.01 avg300=0.00 total=73\nfull avg10=0.00 total=9\n") },
	{ TEXT("cpu  1 2 4 8 16 32 64 128 256 512\n") },
	{ TEXT("CPU 1023/KVM\nIO iothread7\n") },
	{ TEXT("-9223372036854775807 18446744073709551615\n") },
	{ TEXT("anon N0=4096 N63=8192\nshmem N0=1024 N64=5\nanon=5 N1=5\n") },
	{ TEXT("7f00 bind:1 file=/x huge N1=2 kernelpagesize_kB=1048576\n") },
	{ TEXT("5:cpu,memory:/m/q\n0::/two\n") },
	{ TEXT(V1("/a\\040b\\134")) },
	{ TEXT("31 23 0:26 / /sys/fs/cgroup\\011 rw - cgroup2 cgroup2 rw") },
	{ TEXT(QEMU "-uuid\0" UUID "\0-S\0") },
};

START_TEST(every_beginning_of_a_text_gets_an_answer)
{
	for (size_t n = 0; n <= whole[_i].length; n++)
		give_to_all(whole[_i].bytes, n);
}
END_TEST

/* Bytes changed at random in a text that is right; the seed is the row. */
START_TEST(every_damaged_text_gets_an_answer)
{
	static const char likely[] = " \n\t\\/:=-,()0123456789N\0\xff";
	unsigned int seed = (unsigned int)_i;
	char bytes[256];

	ck_assert_uint_le(whole[_i].length, sizeof bytes);
	for (int round = 0; round < 2000; round++) {
		memcpy(bytes, whole[_i].bytes, whole[_i].length);
		for (int n = rand_r(&seed) % 8; n >= 0; n--)
			bytes[(size_t)rand_r(&seed) % whole[_i].length] =
				rand_r(&seed) % 4 ? likely[(size_t)rand_r(&seed) % sizeof likely]
						  : (char)rand_r(&seed);
		give_to_all(bytes, whole[_i].length);
	}
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("parse_bytes");
	Suite *s = suite_create("parse_bytes");

	LOOP(tc, every_beginning_of_a_text_gets_an_answer, whole);
	LOOP(tc, every_damaged_text_gets_an_answer, whole);
	suite_add_tcase(s, tc);
	return kt_run(s);
}
