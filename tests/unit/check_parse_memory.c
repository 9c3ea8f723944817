/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Are memory by node, cgroups and the owner of a process read right, or refused? */
#include "parse_fixture.h"

static const struct uuid a_uuid = { { 0x66, 0x95, 0xeb, 0x01, 0xf6, 0xa4, 0x83, 0x04, 0x79, 0xaa,
				      0x97, 0xf2, 0x50, 0x2e, 0x19, 0x3f } };

/* ---- memory by node ------------------------------------------------------------------- */

static const struct {
	const char *name, *text, *key;
	uint64_t unit;
	bool ok;
	uint64_t node0, node1, node63;
} node_counts[] = {
	{ "v1", "total=9 N0=9\nanon=3 N0=1 N1=2\nhierarchical_anon=8 N0=8\n", "anon", 4096, true, 4,
	  8, 0 },
	{ "v2", "anon N0=4096 N1=8192\nshmem N0=1024\n", "anon", 1, true, 4, 8, 0 },
	{ "v2, the second line", "anon N0=4096 N1=8192\nshmem N0=1024", "shmem", 1, true, 1, 0, 0 },
	{ "less than a KiB", "anon N0=1023 N1=1024\n", "anon", 1, true, 0, 1, 0 },
	{ "only the whole key", "anon_thp N0=4096\n", "anon", 1, false, 0, 0, 0 },
	{ "only at the start of a line", " anon N0=4096\nxanon N0=4096\n", "anon", 1, false, 0, 0,
	  0 },
	{ "node 63", "anon N63=2048\n", "anon", 1, true, 0, 0, 2 },
	{ "node 64 is left out", "anon N64=2048 N1=1024\n", "anon", 1, true, 0, 1, 0 },
	{ "a node beyond 64 bits", "anon N18446744073709551616=2048 N1=1024\n", "anon", 1, true, 0,
	  1, 0 },
	{ "a node with two counts", "anon N1=1024 N1=1024\n", "anon", 1, true, 0, 2, 0 },
	{ "64 bits of bytes", "anon N0=18446744073709551615\n", "anon", 1, true, UINT64_MAX / 1024,
	  0, 0 },
	{ "64 bits of pages", "anon=1 N0=4503599627370495 N1=4503599627370496\n", "anon", 4096,
	  true, UINT64_MAX / 1024 / 4 * 4, 0, 0 },
	{ "garbage among them", "anon N0 N=1 Nx=1 N1 =4 N-1=4 N1=-4 MN1=9 N0=1024\n", "anon", 1,
	  true, 1, 0, 0 },
	{ "no counts", "anon\nanon N1=1024\n", "anon", 1, true, 0, 1, 0 },
	{ "cut in the middle", "anon N0=1024 N1=", "anon", 1, true, 1, 0, 0 },
	{ "empty", "", "anon", 1, false, 0, 0, 0 },
};

START_TEST(counts_by_node_are_added_up)
{
	uint64_t kib[KT_NODES_MAX + 1] = { 0 }; /* the last is not theirs to write */

	ck_assert_msg(parse_node_counts(node_counts[_i].text, node_counts[_i].key,
					node_counts[_i].unit, kib) == node_counts[_i].ok,
		      "%s", node_counts[_i].name);
	ck_assert_uint_eq(kib[0], node_counts[_i].node0);
	ck_assert_uint_eq(kib[1], node_counts[_i].node1);
	ck_assert_uint_eq(kib[63], node_counts[_i].node63);
	for (size_t i = 2; i <= KT_NODES_MAX; i++)
		ck_assert(i == 63 || kib[i] == 0);
}
END_TEST

#define MIB "7f12c8000000-7f12c8100000 "

static const struct {
	const char *line;
	bool ok;
} mappings[] = {
	{ MIB "rw-p 00000000 00:00 0 ", true },
	{ MIB "rw-p 00000000 00:00 0", true },
	{ MIB "rwxp 00000000 00:00 0                          [anon:ram]", true },
	{ MIB "rw-s 00000000 00:01 2054                       /memfd:ram (deleted)", true },
	{ MIB "rw-s 00000000 00:05 77                         /dev/zero (deleted)", true },
	{ MIB "rw-s 00000000 00:0f 9                          /dev/hugepages/x y", true },
	{ MIB "rw-p 00000000 fe:01 131                        /usr/lib/libc.so.6", false },
	{ MIB "r--p 00000000 00:00 0", false },
	{ MIB "---p 00000000 00:00 0", false },
	{ MIB "-w-p 00000000 00:00 0", false },
	{ MIB "rw-s 00000000 00:0e 1                          anon_inode:[vfio-device]", false },
	{ MIB "rw-p 00000000 00:00 x", false },
	{ MIB "rw-p 00000000 00:00", false },
	{ MIB "rw-p 00000000", false },
	{ MIB "rw", false },
	{ MIB "rw   0", false },
	{ MIB "", false },
	{ "7f12c8100000-7f12c8100000 rw-p 0 00:00 0", false },
	{ "7f12c8100000-7f12c8000000 rw-p 0 00:00 0", false },
	{ "7f12c8100000 7f12c8200000 rw-p 0 00:00 0", false },
	{ "-7f12c8200000 rw-p 0 00:00 0", false },
	{ "17f12c81000000000-7f12c82000000000 rw-p 0 00:00 0", false },
	{ "", false },
};

START_TEST(a_mapping_that_may_be_guest_memory_is_told)
{
	uint64_t start = 7, end = 7;

	ck_assert_msg(parse_maps_line(mappings[_i].line, &start, &end) == mappings[_i].ok, "%s",
		      mappings[_i].line);
	ck_assert_uint_eq(start, mappings[_i].ok ? 0x7f12c8000000 : 7);
	ck_assert_uint_eq(end, mappings[_i].ok ? 0x7f12c8100000 : 7);
}
END_TEST

static const struct {
	const char *line;
	uint64_t node0, node1;
} maps_lines[] = {
	{ "7f00 default anon=3 dirty=3 active=0 N0=1 N1=2 kernelpagesize_kB=4", 4, 8 },
	{ "7f00 bind:1 anon=2 dirty=2 N1=2 kernelpagesize_kB=2048", 0, 4096 },
	{ "7f00 bind:0 file=/dev/hugepages/x huge dirty=1 N0=1 kernelpagesize_kB=1048576", 1048576,
	  0 },
	{ "7f00 default N0=1 kernelpagesize_kB=1048577", 0, 0 },
	{ "7f00 default N0=1 kernelpagesize_kB=18446744073709551616", 0, 0 },
	{ "7f00 default N0=1 kernelpagesize_kB=", 0, 0 },
	{ "7f00 default N0=1 kernelpagesize_kB=0", 0, 0 },
	{ "7f00 default N0=18446744073709551615 N1=1 kernelpagesize_kB=4", 0, 4 },
	{ "7f00 default file=/a\\040N0=5 mapped=1 N1=1", 0, 4 },
	{ "7f00 default", 0, 0 },
	{ "", 0, 0 },
};

START_TEST(numa_maps_counts_pages_of_their_own_size)
{
	uint64_t kib[KT_NODES_MAX] = { 0 };

	parse_numa_maps_line(maps_lines[_i].line, kib);
	ck_assert_msg(kib[0] == maps_lines[_i].node0, "%s", maps_lines[_i].line);
	ck_assert_uint_eq(kib[1], maps_lines[_i].node1);
}
END_TEST

/* ---- cgroups ---------------------------------------------------------------------------- */

static const char cgroups_v1[] = "12:cpuset:/m/emulator\n5:cpu,memory:/m/q\n4:name=memory:/no\n"
				 "3:memoryx:/no\n0::/two\n";

struct path_row {
	const char *text, *controller;
	size_t size;
	int result;
	const char *path;
};

static const struct path_row cgroup_paths[] = {
	{ cgroups_v1, "memory", 64, 0, "/m/q" },
	{ cgroups_v1, "cpu", 64, 0, "/m/q" },
	{ cgroups_v1, "cpuset", 64, 0, "/m/emulator" },
	{ cgroups_v1, "", 64, 0, "/two" },
	{ cgroups_v1, "mem", 64, -ENOENT, NULL },
	{ cgroups_v1, "pids", 64, -ENOENT, NULL },
	{ cgroups_v1, "memory", 5, 0, "/m/q" },
	{ cgroups_v1, "memory", 4, -ENAMETOOLONG, NULL },
	{ "0::/machine.slice/machine-qemu\\x2d1\\x2dweb.scope/libvirt/emulator", "", 96, 0,
	  "/machine.slice/machine-qemu\\x2d1\\x2dweb.scope/libvirt/emulator" },
	{ "4:memory:/with:colon", "memory", 64, 0, "/with:colon" },
	{ "4:memory:", "memory", 64, 0, "" },
	{ "4:memory", "memory", 64, -ENOENT, NULL },
	{ "4:cpu\nmemory:/x", "memory", 64, -ENOENT, NULL },
	{ "4::/x", "memory", 64, -ENOENT, NULL },
	{ "\n\n0::/\n", "", 64, 0, "/" },
	{ "::", "", 64, 0, "" },
	{ ":", "", 64, -ENOENT, NULL },
	{ "", "", 64, -ENOENT, NULL },
};

typedef int path_parser(const char *text, const char *controller, char *ret, size_t size);

/* The output buffer is exactly `size` bytes, for the address sanitizer. */
static void expect_path(path_parser *parse, const struct path_row *row)
{
	KT_AUTOFREE char *ret = malloc(row->size);
	int result;

	ck_assert_ptr_nonnull(ret);
	memset(ret, UNTOUCHED, row->size);
	result = parse(row->text, row->controller, ret, row->size);
	ck_assert_msg(result == row->result, "%d for %s", result,
		      row->path ? row->path : "nothing");
	if (row->result == 0)
		ck_assert_str_eq(ret, row->path);
	else if (row->result == -ENOENT)
		ck_assert(untouched(ret, row->size));
}

START_TEST(the_cgroup_is_that_of_the_controller)
{
	expect_path(parse_cgroup_path, &cgroup_paths[_i]);
}
END_TEST

static const struct path_row cgroup_mounts[] = {
	{ V1("/sys/fs/cgroup/memory"), "memory", 64, 0, "/sys/fs/cgroup/memory" },
	{ V1("/sys/fs/cgroup/memory"), "cpu", 64, 0, "/sys/fs/cgroup/memory" },
	{ V1("/sys/fs/cgroup/memory"), "cpuset", 64, -ENOENT, NULL },
	{ V1("/sys/fs/cgroup/memory"), "", 64, -ENOENT, NULL },
	{ V1("/abc"), "memory", 5, 0, "/abc" },
	{ V1("/abc"), "memory", 4, -ENAMETOOLONG, NULL },
	{ V1("/a\\040b\\134c"), "memory", 64, 0, "/a b\\c" },
	{ V1("/a\\377"), "memory", 64, 0, "/a\377" },
	{ V1("/a\\400"), "memory", 64, 0, "/a\\400" },
	{ V1("/a\\080"), "memory", 64, 0, "/a\\080" },
	{ V1("/a\\04"), "memory", 64, 0, "/a\\04" },
	{ V1("/a\\"), "memory", 64, 0, "/a\\" },
	{ "31 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate", "", 64, 0,
	  "/sys/fs/cgroup" },
	{ "31 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,memory", "memory", 64, -ENOENT,
	  NULL },
	{ "31 23 0:26 / /mnt rw - tmpfs cgroup2 rw", "", 64, -ENOENT, NULL },
	{ "31 23 0:26 / /mnt rw - tmpfs memory rw,memory", "memory", 64, -ENOENT, NULL },
	{ "31 23 0:26 / - cgroup2 cgroup2 rw", "", 64, -ENOENT, NULL },
	{ "31 - cgroup2 cgroup2 rw", "", 64, -ENOENT, NULL },
	{ " - cgroup2 ", "", 64, -ENOENT, NULL },
	{ "31 23 0:26 / /mnt rw - cgroup cgroup ", "memory", 64, -ENOENT, NULL },
	{ "31 23 0:26 / /mnt rw", "", 64, -ENOENT, NULL },
	{ "", "", 64, -ENOENT, NULL },
};

START_TEST(the_mount_is_that_of_the_controller)
{
	expect_path(parse_cgroup_mount, &cgroup_mounts[_i]);
}
END_TEST

/* ---- whose process ------------------------------------------------------------------- */

static const struct {
	const char *name, *text;
	size_t length;
	bool ok;
} command_lines[] = {
	{ "as libvirt writes it", TEXT(QEMU "-S\0-uuid\0" UUID "\0-nodefaults\0"), true },
	{ "the last word, with its NUL", TEXT(QEMU "-uuid\0" UUID "\0"), true },
	{ "the last word, without", TEXT(QEMU "-uuid\0" UUID), true },
	{ "nothing behind -uuid", TEXT(QEMU "-uuid"), false },
	{ "nothing behind -uuid and its NUL", TEXT(QEMU "-uuid\0"), false },
	{ "an empty word behind -uuid", TEXT(QEMU "-uuid\0\0" UUID "\0"), false },
	{ "split by a NUL",
	  TEXT(QEMU "-uuid\0"
		    "6695eb01-f6a4\0"
		    "-8304-79aa-97f2502e193f\0"),
	  false },
	{ "cut",
	  TEXT(QEMU "-uuid\0"
		    "6695eb01-f6a4-8304-79aa-97f2502e193\0"),
	  false },
	{ "one digit more", TEXT(QEMU "-uuid\0" UUID "0\0"), false },
	{ "a part of a word", TEXT(QEMU "x-uuid\0" UUID "\0"), false },
	{ "in a longer option", TEXT(QEMU "-uuid=" UUID "\0"), false },
	{ "a bad one before a good one", TEXT(QEMU "-uuid\0x\0-uuid\0" UUID "\0"), true },
	{ "without a folder", TEXT("qemu-kvm\0-uuid\0" UUID "\0"), true },
	{ "another program", TEXT("/usr/bin/virsh\0-uuid\0" UUID "\0"), false },
	{ "qemu in the folder only", TEXT("/opt/qemu/bin/x\0-uuid\0" UUID "\0"), false },
	{ "a shell that names it", TEXT("/bin/sh\0-c\0qemu\0-uuid\0" UUID "\0"), false },
	{ "a kernel thread", TEXT(""), false },
	{ "only NULs", TEXT("\0\0\0\0"), false },
	{ "no program", TEXT("\0-uuid\0" UUID "\0"), false },
	{ "only a slash", TEXT("/"), false },
};

START_TEST(a_guest_is_told_by_the_word_behind_uuid)
{
	/* Exactly as long as it is, for the address sanitizer. */
	KT_AUTOFREE char *text = malloc(command_lines[_i].length + 1);
	struct uuid uuid;
	int r;

	ck_assert_ptr_nonnull(text);
	memcpy(text, command_lines[_i].text, command_lines[_i].length);
	text[command_lines[_i].length] = '\0';
	TOUCH(uuid);
	r = parse_qemu_uuid(text, command_lines[_i].length, &uuid);
	ck_assert_msg(r == (command_lines[_i].ok ? 0 : -ENOENT), "%s: %d", command_lines[_i].name,
		      r);
	ck_assert(command_lines[_i].ok ? uuid_equal(&uuid, &a_uuid) : UNTOUCHED(uuid));
}
END_TEST

/* ---- ZFS's counters ------------------------------------------------------------------- */

static const struct {
	const char *name, *text;
	bool ok;
	uint64_t size;
} kstats[] = {
	{ "as it is written", "size                            4    1603939792\n", true,
	  1603939792 },
	{ "below a header", "6 1 0x01 91\nname type data\nc 4 5\nsize 4 7\n", true, 7 },
	{ "without a newline", "size 4 7", true, 7 },
	{ "tabs", "size\t4\t7\n", true, 7 },
	{ "any type", "size 3 7\n", true, 7 },
	{ "64 bits", "size 4 18446744073709551615\n", true, UINT64_MAX },
	{ "the first of two", "size 4 7\nsize 4 8\n", true, 7 },
	{ "one that is none before it", "size 4\nsize 4 8\n", true, 8 },
	{ "65 bits", "size 4 18446744073709551616\n", false, 0 },
	{ "no type", "size 7\n", false, 0 },
	{ "a value in the next line", "size 4\n7\n", false, 0 },
	{ "a text", "size 7 abc\n", false, 0 },
	{ "negative", "size 3 -7\n", false, 0 },
	{ "the end of another key", "hdr_size 4 7\n", false, 0 },
	{ "the beginning of another key", "sizes 4 7\nsize_x 4 7\n", false, 0 },
	{ "not at the start of a line", " size 4 7\n", false, 0 },
	{ "only the key", "size", false, 0 },
	{ "newlines", "\n\n\n", false, 0 },
	{ "nothing", "", false, 0 },
	{ "bytes", "\xff\xfe\nsiz\xe9 4 7\n", false, 0 },
};

START_TEST(a_kstat_has_a_type_before_its_value)
{
	/* Exactly as long as it is, for the address sanitizer. */
	KT_AUTOFREE char *text = strdup(kstats[_i].text);
	uint64_t size;

	ck_assert_ptr_nonnull(text);
	TOUCH(size);
	ck_assert_msg(parse_kstat(text, "size", &size) == kstats[_i].ok, "%s", kstats[_i].name);
	if (kstats[_i].ok)
		ck_assert_uint_eq(size, kstats[_i].size);
	else
		ck_assert(UNTOUCHED(size));
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("parse_memory");
	Suite *s = suite_create("parse_memory");

	LOOP(tc, counts_by_node_are_added_up, node_counts);
	LOOP(tc, a_mapping_that_may_be_guest_memory_is_told, mappings);
	LOOP(tc, numa_maps_counts_pages_of_their_own_size, maps_lines);
	LOOP(tc, the_cgroup_is_that_of_the_controller, cgroup_paths);
	LOOP(tc, the_mount_is_that_of_the_controller, cgroup_mounts);
	LOOP(tc, a_guest_is_told_by_the_word_behind_uuid, command_lines);
	LOOP(tc, a_kstat_has_a_type_before_its_value, kstats);
	suite_add_tcase(s, tc);
	return kt_run(s);
}
