/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What takes memory without being named in meminfo: ZFS's cache, and huge pages. */
#include "sense_fixture.h"

/* ---- ZFS --------------------------------------------------------------------------------- */

#define ARC "proc/spl/kstat/zfs/arcstats"
#define HEAD                                                                                       \
	"6 1 0x01 91 4368 5266997922 97951858082072\nname                            type data\n"

/* Lines as ZFS on Linux writes them, in its order, from among some ninety. */
static const char arcstats[] = HEAD "hits                            4    8772612\n"
				    "misses                          4    604635\n"
				    "evict_l2_cached                 4    0\n"
				    "c                               4    1643208777\n"
				    "c_min                           4    33554432\n"
				    "c_max                           4    8367976448\n"
				    "size                            4    1603939792\n"
				    "hdr_size                        4    16361080\n"
				    "arc_meta_min                    4    16777216\n";

enum { ARC_KIB = 1603939792 / 1024, ARC_MIN_KIB = 32768 };

static void assert_arc(uint64_t kib, uint64_t min_kib)
{
	ck_assert_int_eq(read_once(), 0);
	ck_assert_uint_eq(sample.host.arc_kib, kib);
	ck_assert_uint_eq(sample.host.arc_min_kib, min_kib);
	ck_assert_uint_eq(sample.host.mem_available_kib, 400);
}

START_TEST(the_cache_of_zfs_is_read_with_every_sample)
{
	put(ARC, arcstats);
	start();
	assert_arc(ARC_KIB, ARC_MIN_KIB);
	put(ARC, HEAD "c_min 4 1024\nsize 4 4096\n");
	assert_arc(4, 1);
	put(ARC, arcstats);
	assert_arc(ARC_KIB, ARC_MIN_KIB);
}
END_TEST

/* It is a module, which may be loaded at any time. */
START_TEST(a_host_without_zfs_is_asked_now_and_then)
{
	int n = 0;

	drop(ARC);
	start();
	assert_arc(0, 0);
	put(ARC, arcstats);
	assert_arc(0, 0); /* not every time */
	while (sample.host.arc_kib == 0 && ++n < MANY_SAMPLES)
		ck_assert_int_eq(read_once(), 0);
	ck_assert_int_lt(n, MANY_SAMPLES);
	assert_arc(ARC_KIB, ARC_MIN_KIB);
}
END_TEST

START_TEST(a_module_that_goes_takes_its_cache_along)
{
	put(ARC, arcstats);
	start();
	assert_arc(ARC_KIB, ARC_MIN_KIB);
	ck_assert(spoil(ARC));
	drop(ARC);
	for (int n = 0; n < MANY_SAMPLES; n++)
		assert_arc(0, 0);
}
END_TEST

static const char *const no_arcstats[] = {
	"",
	"\n",
	HEAD,
	"\xff\xfe\x01",
	HEAD "size 4 4096\n",
	HEAD "c_min 4 1024\n",
	HEAD "c_min 4 1024\nsize 4\n",
	HEAD "c_min 4 1024\nsize 4 -1\n",
	HEAD "c_min 4 x\nsize 4 4096\n",
	HEAD "c_min 4 1024\nhdr_size 4 4096\nsizes 4 4096\n",
	HEAD "c_min 4 1024\nsize 4 18446744073709551616\n",
};

START_TEST(half_an_answer_of_zfs_is_none)
{
	put(ARC, no_arcstats[_i]);
	start();
	for (int n = 0; n < 3; n++)
		assert_arc(0, 0);
	put(ARC, arcstats);
	assert_arc(ARC_KIB, ARC_MIN_KIB);
}
END_TEST

/* ---- huge pages ------------------------------------------------------------------------------ */

#define V1_GROUP CGROUPS "/machine/qemu-1-guest-1.libvirt-qemu"

static const struct {
	const char *name, *stat;
	bool v2;
	uint64_t kib;
} huge_pages[] = {
	{ "v2", "anon 8388608\nfile 2048\nanon_thp 4194304\nfile_thp 2097152\n", true, 4096 },
	{ "v2 without huge pages", "anon 8388608\nanon_thp 0\n", true, 0 },
	{ "v2 of a kernel without the line", "anon 8388608\nfile 2048\n", true, 0 },
	{ "v1's word means nothing to v2", "anon 8388608\nrss_huge 4194304\n", true, 0 },
	{ "v2, not a number", "anon 8388608\nanon_thp -1\n", true, 0 },
	{ "v1", "cache 1024\nrss 8388608\nrss_huge 4194304\nshmem 0\n", false, 4096 },
	{ "v1 without huge pages", "cache 1024\nrss 8388608\nrss_huge 0\n", false, 0 },
	{ "v1 of a kernel without the line", "cache 1024\nrss 8388608\n", false, 0 },
	{ "v2's word means nothing to v1", "rss 8388608\nanon_thp 4194304\n", false, 0 },
	{ "not those of the groups below", "rss 8388608\ntotal_rss_huge 4194304\n", false, 0 },
};

static void put_v1_group(const char *stat)
{
	put("proc/self/mountinfo", "31 23 0:26 / /sys/fs/cgroup rw - cgroup cgroup rw,memory\n");
	put("proc/100/cgroup", "4:memory:/machine/qemu-1-guest-1.libvirt-qemu\n");
	put(V1_GROUP "/memory.usage_in_bytes", "8388608\n");
	put(V1_GROUP "/memory.stat", stat);
}

START_TEST(huge_pages_are_a_part_of_anonymous_memory)
{
	put_guest(1, 100);
	if (huge_pages[_i].v2)
		put(cgroup_of(1, "memory.stat"), huge_pages[_i].stat);
	else
		put_v1_group(huge_pages[_i].stat);
	announce(1);
	start();
	for (int n = 0; n < 2; n++) {
		ck_assert_int_eq(read_once(), 0);
		ck_assert(guest(1)->has_cgroup);
		ck_assert_int_eq(guest(1)->cgroup_v2, huge_pages[_i].v2);
		ck_assert_msg(guest(1)->anon_huge_kib == huge_pages[_i].kib, "%s: %" PRIu64,
			      huge_pages[_i].name, guest(1)->anon_huge_kib);
		ck_assert_uint_eq(guest(1)->anon_kib, 8192);
	}
}
END_TEST

/* ---- what may be taken of a guest --------------------------------------------------------- */

static const struct guest_sample *first_look(void)
{
	announce(1);
	start();
	ck_assert_int_eq(read_once(), 0);
	ck_assert(guest(1)->has_cgroup);
	return guest(1);
}

START_TEST(reclaim_is_offered_where_usage_is_read)
{
	const struct guest_sample *g;

	put_guest(1, 100);
	put(cgroup_of(1, "memory.reclaim"), "");
	g = first_look();
	ck_assert(g->has_reclaim);
	ck_assert_str_eq(g->cgroup, CGROUPS "/machine.slice/machine-qemu\\x2d1\\x2dguest.scope/"
					    "libvirt");
}
END_TEST

/* What is taken of the folder above is taken of others, too. */
START_TEST(reclaim_of_the_folder_above_is_not_the_guests)
{
	put_guest(1, 100);
	put(cgroup_of(1, "../memory.reclaim"), "");
	ck_assert(!first_look()->has_reclaim);
}
END_TEST

START_TEST(no_usage_no_reclaim)
{
	put_guest(1, 100);
	put(cgroup_of(1, "memory.reclaim"), "");
	(void)first_look();
	ck_assert(spoil(cgroup_of(1, "memory.current")));
	drop(cgroup_of(1, "memory.current"));
	ck_assert_int_eq(read_once(), 0);
	ck_assert(!guest(1)->has_cgroup && !guest(1)->has_reclaim);
	ck_assert_ptr_null(guest(1)->cgroup);
}
END_TEST

static const struct {
	const char *name, *stat;
	bool v2;
	uint64_t shmem_kib, refaults;
} stats[] = {
	{ "v2",
	  "anon 4096\nfile 8388608\nshmem 4194304\nworkingset_refault_anon 5\n"
	  "workingset_refault_file 70\n",
	  true, 4096, 75 },
	{ "v2, only files", "anon 4096\nworkingset_refault_file 70\n", true, 0, 70 },
	{ "v1",
	  "cache 8388608\nrss 4096\nrss_huge 0\nshmem 4194304\nworkingset_refault_anon 5\n"
	  "workingset_refault_file 70\nswap 0\npgmajfault 1\ntotal_shmem 1\n",
	  false, 4096, 75 },
	{ "v1 of an old kernel", "cache 8388608\nrss 4096\npgmajfault 1\n", false, 0, 0 },
};

START_TEST(shared_memory_and_what_came_back_are_read)
{
	const struct guest_sample *g;

	put_guest(1, 100);
	if (stats[_i].v2)
		put(cgroup_of(1, "memory.stat"), stats[_i].stat);
	else
		put_v1_group(stats[_i].stat);
	g = first_look();
	ck_assert_msg(g->shmem_kib == stats[_i].shmem_kib, "%s: %" PRIu64, stats[_i].name,
		      g->shmem_kib);
	ck_assert_msg(g->refault_total == stats[_i].refaults, "%s: %" PRIu64, stats[_i].name,
		      g->refault_total);
}
END_TEST

static const struct {
	bool v2;
	const char *text; /* NULL: no such file */
	uint64_t kib;
} swaps[] = {
	{ true, NULL, KT_UNLIMITED_KIB },
	{ true, "max\n", KT_UNLIMITED_KIB },
	{ true, "0\n", 0 },
	{ true, "1048576\n", 1024 },
	{ true, "18446744073709551615\n", UINT64_MAX / 1024 },
	{ true, "", KT_UNLIMITED_KIB },
	{ false, NULL, KT_UNLIMITED_KIB },
	{ false, "0\n", 0 },
	{ false, "1\n", KT_UNLIMITED_KIB },
	{ false, "x\n", KT_UNLIMITED_KIB },
};

START_TEST(how_much_a_guest_may_swap_is_known)
{
	put_guest(1, 100);
	if (!swaps[_i].v2)
		put_v1_group("rss 8388608\n");
	if (swaps[_i].text)
		put(swaps[_i].v2 ? cgroup_of(1, "memory.swap.max") : V1_GROUP "/memory.swappiness",
		    swaps[_i].text);
	ck_assert_uint_eq(first_look()->swap_max_kib, swaps[_i].kib);
}
END_TEST

static const struct {
	const char *max, *high; /* NULL: no such file */
	const char *v1;         /* else: of v2 */
	uint64_t kib;
} limits[] = {
	{ NULL, NULL, NULL, KT_UNLIMITED_KIB },
	{ "max\n", "max\n", NULL, KT_UNLIMITED_KIB },
	{ "1048576\n", "max\n", NULL, 1024 },
	{ "max\n", "524288\n", NULL, 512 },
	{ "1048576\n", "524288\n", NULL, 512 },
	{ "524288\n", "1048576\n", NULL, 512 },
	{ "0\n", NULL, NULL, 0 },
	{ "x\n", "", NULL, KT_UNLIMITED_KIB },
	{ NULL, NULL, "1048576\n", 1024 },
	{ NULL, NULL, "9223372036854771712\n", UINT64_C(9223372036854771712) / 1024 },
	{ NULL, NULL, "", KT_UNLIMITED_KIB },
};

START_TEST(the_lower_limit_of_a_guest_is_its_limit)
{
	put_guest(1, 100);
	if (limits[_i].v1) {
		put_v1_group("rss 8388608\n");
		put(V1_GROUP "/memory.limit_in_bytes", limits[_i].v1);
		put(V1_GROUP "/memory.soft_limit_in_bytes", "4096\n"); /* which is none */
	}
	if (limits[_i].max)
		put(cgroup_of(1, "memory.max"), limits[_i].max);
	if (limits[_i].high)
		put(cgroup_of(1, "memory.high"), limits[_i].high);
	ck_assert_uint_eq(first_look()->limit_kib, limits[_i].kib);
}
END_TEST

START_TEST(what_an_admin_changes_is_seen_now_and_then)
{
	size_t opened;
	int n = 0;

	put_guest(1, 100);
	put(cgroup_of(1, "memory.swap.max"), "max\n");
	(void)first_look();
	opened = open_files();
	put(cgroup_of(1, "memory.swap.max"), "4096\n");
	ck_assert_int_eq(read_once(), 0);
	ck_assert_uint_eq(guest(1)->swap_max_kib, KT_UNLIMITED_KIB); /* not every time */
	while (guest(1)->swap_max_kib != 4 && ++n < MANY_SAMPLES)
		ck_assert_int_eq(read_once(), 0);
	ck_assert_int_lt(n, MANY_SAMPLES);
	ck_assert_uint_eq(open_files(), opened);
}
END_TEST

START_TEST(a_guest_without_a_group_of_its_own_has_no_limit_of_swap)
{
	put_guest(1, 100);
	put("proc/100/cgroup", "0::/user.slice\n");
	announce(1);
	start();
	ck_assert_int_eq(read_once(), 0);
	ck_assert(guest(1)->present && !guest(1)->has_cgroup && !guest(1)->has_reclaim);
	ck_assert_ptr_null(guest(1)->cgroup);
	ck_assert_uint_eq(guest(1)->swap_max_kib, KT_UNLIMITED_KIB);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("memory");
	Suite *s = suite_create("sense_memory");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, the_cache_of_zfs_is_read_with_every_sample);
	tcase_add_test(tc, a_host_without_zfs_is_asked_now_and_then);
	tcase_add_test(tc, a_module_that_goes_takes_its_cache_along);
	LOOP(tc, half_an_answer_of_zfs_is_none, no_arcstats);
	LOOP(tc, huge_pages_are_a_part_of_anonymous_memory, huge_pages);
	tcase_add_test(tc, reclaim_is_offered_where_usage_is_read);
	tcase_add_test(tc, reclaim_of_the_folder_above_is_not_the_guests);
	tcase_add_test(tc, no_usage_no_reclaim);
	LOOP(tc, shared_memory_and_what_came_back_are_read, stats);
	LOOP(tc, how_much_a_guest_may_swap_is_known, swaps);
	LOOP(tc, the_lower_limit_of_a_guest_is_its_limit, limits);
	tcase_add_test(tc, what_an_admin_changes_is_seen_now_and_then);
	tcase_add_test(tc, a_guest_without_a_group_of_its_own_has_no_limit_of_swap);
	suite_add_tcase(s, tc);
	return kt_run(s);
}
