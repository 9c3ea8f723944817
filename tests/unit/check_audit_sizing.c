/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Are the audit's rules of sizing right, at their boundaries too? */
#include "audit_fixture.h"

/* ---- memory and CPUs ---------------------------------------------------------------------- */

/* A guest that may use so much, on 64 GiB. */
static void with_memory(uint64_t kib)
{
	fixture_guest();
	fx.domains.slot[0].domain.memory_kib = kib;
}

static void memory_150_percent(void)
{
	with_memory(96 * GIB_KIB);
}

static void memory_more_than_150_percent(void)
{
	with_memory(96 * GIB_KIB + 1);
}

static void memory_absurd(void)
{
	with_memory(UINT64_MAX);
	with_memory(UINT64_MAX);
}

/* 4 GiB and 512 MiB are to be left. */
static void memory_reserved(void)
{
	with_memory(64 * GIB_KIB - 9 * GIB_KIB / 2);
}

static void memory_not_reserved(void)
{
	with_memory(64 * GIB_KIB - 9 * GIB_KIB / 2 + 1);
}

static void memory_reserved_but_two_guests(void)
{
	memory_reserved();
	fixture_guest();
	fx.domains.slot[1].domain.memory_kib = 0;
}

static void no_guest(void)
{
}

static void guests_unknown(void)
{
	fixture_guest();
	fx.in.domains = NULL;
}

static void memory_unreadable(void)
{
	fixture_guest();
	fx.host.mem_total_kib = fact_unknown(5);
}

static void memory_zero(void)
{
	fixture_guest();
	fx.host.mem_total_kib = fact(0);
}

/* On 16 CPUs and cores. */
static void with_vcpus(unsigned int n)
{
	fixture_guest();
	fx.domains.slot[0].domain.vcpus = n;
}

static void vcpus_80(void)
{
	with_vcpus(80);
}

static void vcpus_81(void)
{
	with_vcpus(81);
}

static void vcpus_40_on_4_cores(void)
{
	with_vcpus(40);
	fx.topology.ncores = 4;
}

static void vcpus_41_on_4_cores(void)
{
	with_vcpus(41);
	fx.topology.ncores = 4;
}

static void vcpus_without_cores(void)
{
	with_vcpus(80);
	fx.topology.ncores = 0;
}

static void vcpus_on_unknown_cpus(void)
{
	with_vcpus(1);
	fixture_nodes(0);
}

static void busy_80(void)
{
	fx.host.busy_share = 0.8;
}

static void busy_81(void)
{
	fx.host.busy_share = 0.801;
}

static void busy_nan(void)
{
	fx.host.busy_share = NAN;
}

/* ---- pools -------------------------------------------------------------------------------- */

/* Guests of 8 GiB: 4096 pages of 2 MiB, 8 of 1 GiB. */
static void with_pools(uint64_t on_node_0, uint64_t on_node_1)
{
	fx.host.small[0].total = fx.host.large[0].total = fact(on_node_0);
	fx.host.small[1].total = fx.host.large[1].total = fact(on_node_1);
}

static void small_enough(void)
{
	with_pools(2048, 2048);
	fixture_guest()->hugepages = true;
}

static void small_one_missing(void)
{
	with_pools(2047, 2048);
	fixture_guest()->hugepages = true;
}

/* Of memory alone: it may have pages, but it is no guest's home. */
static void small_one_missing_beside_a_node_without_cpus(void)
{
	small_one_missing();
	fx.topology.node[0].cpus = (struct cpumask){ { 0 } };
}

static void small_on_its_node(void)
{
	with_pools(0, 4096);
	fixture_pinned_guest(8, 15)->hugepages = true;
}

static void small_on_the_other_node(void)
{
	with_pools(4096, 4095);
	fixture_pinned_guest(8, 15)->hugepages = true;
}

static void small_guest_unknown(void)
{
	small_enough();
	fixture_guest()->known = false;
}

static void small_missing_and_guest_unknown(void)
{
	small_one_missing();
	fixture_guest()->known = false;
}

static void small_absent(void)
{
	fixture_guest()->hugepages = true;
}

static void small_unreadable(void)
{
	small_enough();
	fx.host.small[1].total = fact_unknown(5);
}

static void nobody_wants(void)
{
	with_pools(0, 0);
	fixture_guest();
}

static void large_enough(void)
{
	struct audit_guest *guest = fixture_guest();

	with_pools(4, 4);
	guest->hugepages = guest->hugepages_1g = true;
}

static void large_one_missing(void)
{
	large_enough();
	with_pools(4, 3);
}

static void large_unreadable(void)
{
	large_enough();
	fx.host.large[0].total = fact_unknown(5);
}

#define OK      AUDIT_OK
#define FINDING AUDIT_FINDING
#define NONE    AUDIT_NOT_APPLICABLE
#define UNKNOWN AUDIT_UNKNOWN

static const struct audit_row rows[] = {
	{ "150 %", "host-memory-overcommit", memory_150_percent, OK },
	{ "more", "host-memory-overcommit", memory_more_than_150_percent, FINDING },
	{ "absurd", "host-memory-overcommit", memory_absurd, FINDING },
	{ "no guest", "host-memory-overcommit", no_guest, NONE },
	{ "guests unknown", "host-memory-overcommit", guests_unknown, UNKNOWN },
	{ "unreadable", "host-memory-overcommit", memory_unreadable, UNKNOWN },
	{ "no memory", "host-memory-overcommit", memory_zero, UNKNOWN },
	{ "left", "host-memory-reserve", memory_reserved, OK },
	{ "a KiB less", "host-memory-reserve", memory_not_reserved, FINDING },
	{ "two guests", "host-memory-reserve", memory_reserved_but_two_guests, FINDING },
	{ "overcommitted", "host-memory-reserve", memory_absurd, FINDING },
	{ "no guest", "host-memory-reserve", no_guest, NONE },
	{ "unreadable", "host-memory-reserve", memory_unreadable, UNKNOWN },
	{ "5 for each CPU", "host-vcpu-overcommit", vcpus_80, OK },
	{ "more", "host-vcpu-overcommit", vcpus_81, FINDING },
	{ "10 for each core", "host-vcpu-overcommit", vcpus_40_on_4_cores, OK },
	{ "more", "host-vcpu-overcommit", vcpus_41_on_4_cores, FINDING },
	{ "cores unknown", "host-vcpu-overcommit", vcpus_without_cores, OK },
	{ "no guest", "host-vcpu-overcommit", no_guest, NONE },
	{ "CPUs unknown", "host-vcpu-overcommit", vcpus_on_unknown_cpus, UNKNOWN },
	{ "guests unknown", "host-vcpu-overcommit", guests_unknown, UNKNOWN },
	{ "80 %", "host-cpu-use", busy_80, OK },
	{ "more", "host-cpu-use", busy_81, FINDING },
	{ "first audit", "host-cpu-use", no_guest, UNKNOWN },
	{ "not a number", "host-cpu-use", busy_nan, UNKNOWN },

	{ "enough", "host-hugepages-2m", small_enough, OK },
	{ "one missing", "host-hugepages-2m", small_one_missing, FINDING },
	{ "on its node", "host-hugepages-2m", small_on_its_node, OK },
	{ "on the other node", "host-hugepages-2m", small_on_the_other_node, FINDING },
	{ "enough, a guest unknown", "host-hugepages-2m", small_guest_unknown, UNKNOWN },
	{ "missing, a guest unknown", "host-hugepages-2m", small_missing_and_guest_unknown,
	  FINDING },
	{ "absent", "host-hugepages-2m", small_absent, NONE },
	{ "nobody wants", "host-hugepages-2m", nobody_wants, NONE },
	{ "only large ones wanted", "host-hugepages-2m", large_one_missing, NONE },
	{ "unreadable", "host-hugepages-2m", small_unreadable, UNKNOWN },
	{ "enough", "host-hugepages-1g", large_enough, OK },
	{ "one missing", "host-hugepages-1g", large_one_missing, FINDING },
	{ "only small ones wanted", "host-hugepages-1g", small_one_missing, NONE },
	{ "unreadable", "host-hugepages-1g", large_unreadable, UNKNOWN },
};

START_TEST(a_rule_says)
{
	check_row(&rows[_i]);
}
END_TEST

static const struct {
	uint64_t memory_kib;
	const char *step;
} steps[] = {
	{ 64 * GIB_KIB, "no overcommitment" },
	{ 64 * GIB_KIB + 1, "as servers can bear" },
	{ 96 * GIB_KIB + 1, "as desktops can bear" },
	{ 128 * GIB_KIB, "as desktops can bear" },
	{ 128 * GIB_KIB + 1, "more than desktops can bear" },
};

START_TEST(the_step_of_overcommitment_is_named)
{
	fixture_reset();
	with_memory(steps[_i].memory_kib);
	fixture_judge("host-memory-overcommit");
	ck_assert_str_eq(fx.v.word[0], steps[_i].step);
}
END_TEST

static void fix_is(void (*given)(void), uint64_t node, uint64_t pages)
{
	fixture_reset();
	given();
	fixture_judge("host-hugepages-2m");
	ck_assert_uint_eq(fx.v.number[2], node);
	ck_assert_uint_eq(fx.v.number[3], pages);
}

START_TEST(pages_are_added_where_they_are_missing)
{
	fix_is(small_on_the_other_node, 1, 4096);
	fix_is(small_one_missing, 0, 2048);
	fix_is(small_one_missing_beside_a_node_without_cpus, 1, 2049);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("audit_sizing");
	TCase *t = tcase_create("rules");

	tcase_add_loop_test(t, a_rule_says, 0, KT_ARRAY_LEN(rows));
	tcase_add_loop_test(t, the_step_of_overcommitment_is_named, 0, KT_ARRAY_LEN(steps));
	tcase_add_test(t, pages_are_added_where_they_are_missing);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return kt_run(suite());
}
