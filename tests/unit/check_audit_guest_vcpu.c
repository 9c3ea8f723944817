/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Are the audit's rules of a guest's vCPUs and threads right, at their boundaries too? */
#include "audit_guest_fixture.h"

#define GIVEN(name, ...)                                                                           \
	static void name(void)                                                                     \
	{                                                                                          \
		__VA_ARGS__;                                                                       \
	}

GIVEN(one_node, fixture_nodes(1); fx.topology.node[0].all_cpus = fx.topology.node[0].cpus)
GIVEN(opted_out, unpinned(A); guest_of(A)->metadata.placement = GUEST_SWITCH_OFF)
GIVEN(opted_out_by_configuration, unpinned(A); guest_of(A)->wish.placement = GUEST_SWITCH_OFF)
GIVEN(not_pinned, unpinned(A))
GIVEN(one_vcpu_not_pinned, facts_of(A)->npinned_vcpus = 3)
GIVEN(rest_in_cpuset, facts_of(A)->npinned_vcpus = 3; guest_of(A)->has_cpuset = true;
      guest_of(A)->cpuset = cpus(0, 6))
GIVEN(rest_in_wide_cpuset, facts_of(A)->npinned_vcpus = 3; guest_of(A)->has_cpuset = true;
      guest_of(A)->cpuset = cpus(0, 8))
GIVEN(across_nodes, facts_of(A)->pinned_cpus = facts_of(A)->pin_mask[0] = cpus(0, 8);
      facts_of(A)->emulator_cpus = cpus(0, 6))
GIVEN(cells_across_nodes, across_nodes(); facts_of(A)->nnuma_cells = 2)
GIVEN(cells_on_nodes, cells_across_nodes(); facts_of(A)->pin_mask[0] = cpus(0, 3);
      facts_of(A)->pin_mask[1] = cpus(8, 11); facts_of(A)->npin_masks = 2)
GIVEN(one_cell_on_nodes, cells_on_nodes(); facts_of(A)->nnuma_cells = 1)
GIVEN(too_many_pins, cells_on_nodes(); facts_of(A)->more_pin_masks = true)
GIVEN(held_by_us, unpinned(A); ours(A)->pinned = true)
GIVEN(placed_by_numad, unpinned(A); facts_of(A)->placement_auto = true)
GIVEN(held_by_us_on_both, held_by_us(); fx.in_force.guest[A].nodes = 3)
GIVEN(held_by_us_before, held_by_us(); fx.in_force.guest[A].incarnation++)
GIVEN(as_wide_as_a_node, unpinned(A); facts_of(A)->current_vcpus = facts_of(A)->max_vcpus = 7)
GIVEN(wider_than_a_node, unpinned(A); facts_of(A)->current_vcpus = facts_of(A)->max_vcpus = 8)
GIVEN(as_large_as_a_node, unpinned(A); facts_of(A)->memory_kib = 32 * GIB_KIB)
GIVEN(larger_than_a_node, unpinned(A); facts_of(A)->memory_kib = 32 * GIB_KIB + 1)
GIVEN(pinned_to_an_isolated_one_too, facts_of(A)->pinned_cpus = cpus(0, 7);
      facts_of(A)->current_vcpus = facts_of(A)->max_vcpus = facts_of(A)->npinned_vcpus = 8)

GIVEN(emulator_free, facts_of(A)->has_emulator_pin = false)
GIVEN(emulator_in_cpuset, emulator_free(); guest_of(A)->has_cpuset = true;
      guest_of(A)->cpuset = cpus(0, 3))
GIVEN(emulator_elsewhere, facts_of(A)->emulator_cpus = cpus(8, 9))
GIVEN(emulator_of_both, facts_of(A)->emulator_cpus = cpus(6, 8))
GIVEN(emulator_of_ours, held_by_us(); facts_of(A)->emulator_cpus = cpus(8, 9))

GIVEN(iothreads_free, facts_of(A)->niothreads = 2)
GIVEN(iothreads_pinned, iothreads_free(); facts_of(A)->has_iothread_pin = true;
      facts_of(A)->iothread_cpus = cpus(0, 1))
GIVEN(iothreads_elsewhere, iothreads_pinned(); facts_of(A)->iothread_cpus = cpus(8, 8))
GIVEN(iothreads_on_one_node, iothreads_free(); one_node())
GIVEN(iothreads_of_the_unpinned, iothreads_free(); unpinned(A))

GIVEN(none_isolated, fx.host.cpus.isolated = (struct cpumask){ { 0 } })
GIVEN(isolation_unknown, fx.host.cpus.isolation = fact_unknown(13))
GIVEN(one_isolated, facts_of(A)->pin_mask[0] = cpus(0, 7))
GIVEN(two_isolated, facts_of(A)->pin_mask[0] = cpus(7, 15))
GIVEN(two_isolated_last, facts_of(A)->npin_masks = 2; facts_of(A)->pin_mask[1] = cpus(7, 15))
GIVEN(masks_beyond, facts_of(A)->more_pin_masks = true)
GIVEN(masks_beyond_a_bad_one, masks_beyond(); two_isolated())

GIVEN(dedicated, own_cpus(A, 0))
GIVEN(nearly_dedicated, own_cpus(A, 0); facts_of(A)->nsingle_cpu_pins = 3)
GIVEN(two_on_one, own_cpus(A, 0); facts_of(A)->pinned_cpus = cpus(0, 2))
GIVEN(pinned_upon, own_cpus(A, 0); facts_of(B)->pinned_cpus = cpus(3, 9))
GIVEN(pinned_beside, own_cpus(A, 0); facts_of(B)->pinned_cpus = cpus(4, 9))
GIVEN(pinned_upon_by_us, pinned_upon(); ours(B)->pinned = true; fx.in_force.guest[B].nodes = 1)
GIVEN(beside_an_unknown_one, own_cpus(A, 0); facts_of(B)->known = false)
GIVEN(hint_beside_an_unknown_one, beside_an_unknown_one(); facts_of(A)->hint_dedicated = true)
GIVEN(beside_a_floating_one, own_cpus(A, 0); unpinned(B))

GIVEN(hint, facts_of(A)->hint_dedicated = true)
GIVEN(hint_and_dedicated, hint(); dedicated())
GIVEN(hint_and_floating, hint(); beside_a_floating_one())
GIVEN(hint_and_ours, hint(); dedicated(); ours(B)->pinned = true; fx.in_force.guest[B].nodes = 1)
GIVEN(hint_and_gone, hint(); beside_a_floating_one(); fx.domains.slot[B].used = false)
GIVEN(poll, facts_of(A)->poll_control = true)
GIVEN(poll_and_dedicated, poll(); dedicated())
GIVEN(l3_and_dedicated, dedicated(); facts_of(A)->has_l3_cache = true)

GIVEN(shares, facts_of(A)->has_shares = true)
GIVEN(quota, facts_of(A)->has_quota = true)
GIVEN(passthrough, strcpy(facts_of(A)->cpu_mode, "host-passthrough"))
GIVEN(longer_mode, strcpy(facts_of(A)->cpu_mode, "host-model-2"))
GIVEN(custom, strcpy(facts_of(A)->cpu_mode, "custom"))
GIVEN(no_mode, facts_of(A)->cpu_mode[0] = '\0')
GIVEN(mode_hidden, custom(); facts_of(A)->cpu_mode_hidden = true)
GIVEN(no_topology, facts_of(A)->sockets = facts_of(A)->cores = facts_of(A)->threads = 0)
GIVEN(one_vcpu, no_topology(); facts_of(A)->max_vcpus = 1)
GIVEN(two_sockets, facts_of(A)->sockets = 2)
GIVEN(two_sockets_on_two_nodes, two_sockets(); facts_of(A)->pinned_cpus = cpus(0, 8))
GIVEN(no_threads_on_siblings, dedicated(); facts_of(A)->threads = 1)
GIVEN(threads_on_odd_cores, dedicated(); facts_of(A)->pinned_cpus = cpus(1, 4))

#define OK      AUDIT_OK
#define FINDING AUDIT_FINDING
#define NA      AUDIT_NOT_APPLICABLE
#define UNKNOWN AUDIT_UNKNOWN

static const struct audit_row rows[] = {
	{ "beside who knows", "guest-kvm-hint-dedicated", beside_an_unknown_one, UNKNOWN },
	{ "on beside who knows", "guest-kvm-hint-dedicated", hint_beside_an_unknown_one, UNKNOWN },
	{ "beside who knows", "guest-kvm-poll-control", beside_an_unknown_one, UNKNOWN },
	{ "beside who knows", "guest-cpu-l3-cache", beside_an_unknown_one, UNKNOWN },
	{ "beside who knows", "guest-cpu-shared", beside_an_unknown_one, UNKNOWN },
	{ "on its node", "guest-vcpu-pin", NULL, OK },
	{ "one node", "guest-vcpu-pin", one_node, NA },
	{ "opted out", "guest-vcpu-pin", opted_out, NA },
	{ "opted out by glob", "guest-vcpu-pin", opted_out_by_configuration, NA },
	{ "floating", "guest-vcpu-pin", not_pinned, FINDING },
	{ "all but one", "guest-vcpu-pin", one_vcpu_not_pinned, FINDING },
	{ "the rest in a cpuset", "guest-vcpu-pin", rest_in_cpuset, OK },
	{ "the rest in a wide one", "guest-vcpu-pin", rest_in_wide_cpuset, FINDING },
	{ "across nodes", "guest-vcpu-pin", across_nodes, FINDING },
	{ "a cell across nodes", "guest-vcpu-pin", cells_across_nodes, FINDING },
	{ "cells on nodes", "guest-vcpu-pin", cells_on_nodes, OK },
	{ "one cell, its pins on two nodes", "guest-vcpu-pin", one_cell_on_nodes, FINDING },
	{ "too many pins", "guest-vcpu-pin", too_many_pins, UNKNOWN },
	{ "held by us", "guest-vcpu-pin", held_by_us, OK },
	{ "held by us on both", "guest-vcpu-pin", held_by_us_on_both, OK },
	{ "placed by numad", "guest-vcpu-pin", placed_by_numad, NA },
	{ "an earlier guest was", "guest-vcpu-pin", held_by_us_before, FINDING },
	{ "as wide as a node", "guest-vcpu-pin", as_wide_as_a_node, FINDING },
	{ "wider than a node", "guest-vcpu-pin", wider_than_a_node, NA },
	{ "as large as a node", "guest-vcpu-pin", as_large_as_a_node, FINDING },
	{ "larger than a node", "guest-vcpu-pin", larger_than_a_node, NA },
	{ "isolated ones are its own", "guest-vcpu-pin", pinned_to_an_isolated_one_too, OK },
	{ "on the node", "guest-emulator-pin", NULL, OK },
	{ "free", "guest-emulator-pin", emulator_free, FINDING },
	{ "in the cpuset", "guest-emulator-pin", emulator_in_cpuset, OK },
	{ "elsewhere", "guest-emulator-pin", emulator_elsewhere, FINDING },
	{ "of both nodes", "guest-emulator-pin", emulator_of_both, FINDING },
	{ "of ours", "guest-emulator-pin", emulator_of_ours, OK },
	{ "vCPUs float", "guest-emulator-pin", not_pinned, NA },
	{ "one node", "guest-emulator-pin", one_node, NA },
	{ "opted out", "guest-emulator-pin", opted_out, NA },
	{ "pinned", "guest-iothread-pin", iothreads_pinned, OK },
	{ "free", "guest-iothread-pin", iothreads_free, FINDING },
	{ "elsewhere", "guest-iothread-pin", iothreads_elsewhere, FINDING },
	{ "none", "guest-iothread-pin", NULL, NA },
	{ "one node", "guest-iothread-pin", iothreads_on_one_node, NA },
	{ "vCPUs float", "guest-iothread-pin", iothreads_of_the_unpinned, NA },
	{ "none in it", "guest-pin-isolated-set", NULL, OK },
	{ "one in it", "guest-pin-isolated-set", one_isolated, OK },
	{ "two in it", "guest-pin-isolated-set", two_isolated, FINDING },
	{ "two in another", "guest-pin-isolated-set", two_isolated_last, FINDING },
	{ "more than fit", "guest-pin-isolated-set", masks_beyond, UNKNOWN },
	{ "more, and a bad one", "guest-pin-isolated-set", masks_beyond_a_bad_one, FINDING },
	{ "no isolated CPU", "guest-pin-isolated-set", none_isolated, NA },
	{ "unknown", "guest-pin-isolated-set", isolation_unknown, UNKNOWN },
	{ "alone", "guest-cpu-shared", dedicated, OK },
	{ "beside another", "guest-cpu-shared", pinned_beside, OK },
	{ "upon another", "guest-cpu-shared", pinned_upon, FINDING },
	{ "upon one of ours", "guest-cpu-shared", pinned_upon_by_us, OK },
	{ "others float", "guest-cpu-shared", beside_a_floating_one, OK },
	{ "not single CPUs", "guest-cpu-shared", NULL, NA },
	{ "not all single", "guest-cpu-shared", nearly_dedicated, NA },
	{ "two vCPUs on one", "guest-cpu-shared", two_on_one, NA },
	{ "not set", "guest-cpu-shares", NULL, NA },
	{ "set", "guest-cpu-shares", shares, FINDING },
	{ "not set", "guest-cpu-quota", NULL, NA },
	{ "set", "guest-cpu-quota", quota, FINDING },
	{ "host-model", "guest-cpu-mode", NULL, OK },
	{ "host-passthrough", "guest-cpu-mode", passthrough, OK },
	{ "another word", "guest-cpu-mode", longer_mode, UNKNOWN },
	{ "custom", "guest-cpu-mode", custom, FINDING },
	{ "none", "guest-cpu-mode", no_mode, FINDING },
	{ "hidden", "guest-cpu-mode", mode_hidden, UNKNOWN },
	{ "one socket", "guest-cpu-topology", NULL, OK },
	{ "not pinned", "guest-cpu-topology", not_pinned, NA },
	{ "none", "guest-cpu-topology", no_topology, FINDING },
	{ "one vCPU needs none", "guest-cpu-topology", one_vcpu, OK },
	{ "two sockets", "guest-cpu-topology", two_sockets, FINDING },
	{ "two on two nodes", "guest-cpu-topology", two_sockets_on_two_nodes, OK },
	{ "threads on siblings", "guest-cpu-topology", dedicated, OK },
	{ "siblings unsaid", "guest-cpu-topology", no_threads_on_siblings, FINDING },
	{ "siblings here and there", "guest-cpu-topology", threads_on_odd_cores, OK },
	{ "off, shared", "guest-kvm-hint-dedicated", NULL, NA },
	{ "on, shared", "guest-kvm-hint-dedicated", hint, FINDING },
	{ "on, dedicated", "guest-kvm-hint-dedicated", hint_and_dedicated, OK },
	{ "off, dedicated", "guest-kvm-hint-dedicated", dedicated, FINDING },
	{ "on, others float", "guest-kvm-hint-dedicated", hint_and_floating, FINDING },
	{ "on, one of ours there", "guest-kvm-hint-dedicated", hint_and_ours, FINDING },
	{ "on, the others gone", "guest-kvm-hint-dedicated", hint_and_gone, OK },
	{ "off, shared", "guest-kvm-poll-control", NULL, NA },
	{ "on, shared", "guest-kvm-poll-control", poll, FINDING },
	{ "on, dedicated", "guest-kvm-poll-control", poll_and_dedicated, OK },
	{ "off, dedicated", "guest-kvm-poll-control", dedicated, FINDING },
	{ "not dedicated", "guest-cpu-l3-cache", NULL, NA },
	{ "dedicated, none", "guest-cpu-l3-cache", dedicated, FINDING },
	{ "dedicated, given", "guest-cpu-l3-cache", l3_and_dedicated, OK },
};

START_TEST(a_rule_says)
{
	check_guest_row(&rows[_i]);
}
END_TEST

static void expect(void (*given)(void), const char *id, const char *a, const char *b)
{
	fixture_guests();
	given();
	judge_guest(id);
	ck_assert_str_eq(fx.v.word[0], a);
	ck_assert_str_eq(fx.v.word[1], b);
}

GIVEN(with_reserved, not_pinned(); fx.conf.placement.reserved_cpus = cpus(0, 1))
GIVEN(memory_on_the_other, with_reserved(); fx.sample.node_memory_kib[1] = 9 * GIB_KIB)
GIVEN(helpers_with_reserved, emulator_free(); fx.conf.placement.reserved_cpus = cpus(0, 1))

START_TEST(a_command_names_the_cpus)
{
	expect(not_pinned, "guest-vcpu-pin", "0-6", "");
	expect(with_reserved, "guest-vcpu-pin", "2-6", "");
	expect(memory_on_the_other, "guest-vcpu-pin", "8-14", "");
	expect(emulator_free, "guest-emulator-pin", "0-6", "0");
	expect(helpers_with_reserved, "guest-emulator-pin", "0-1", "0");
	expect(pinned_upon, "guest-cpu-shared", "3", "web \\x221\\x22");
	expect(hint, "guest-kvm-hint-dedicated", "on", "off");
	expect(dedicated, "guest-kvm-hint-dedicated", "off", "on");
}
END_TEST

static void expect_numbers(void (*given)(void), const char *id, uint64_t n0, uint64_t n1,
			   uint64_t n2, uint64_t n3)
{
	fixture_guests();
	given();
	judge_guest(id);
	ck_assert_uint_eq(fx.v.number[0], n0);
	ck_assert_uint_eq(fx.v.number[1], n1);
	ck_assert_uint_eq(fx.v.number[2], n2);
	ck_assert_uint_eq(fx.v.number[3], n3);
}

START_TEST(numbers_are_those_of_the_texts)
{
	expect_numbers(not_pinned, "guest-vcpu-pin", 0, 4, 2, 3);
	expect_numbers(held_by_us, "guest-vcpu-pin", 0, 4, 1, 3);
	expect_numbers(iothreads_free, "guest-iothread-pin", 2, 2, 0, 0);
	expect_numbers(two_isolated, "guest-pin-isolated-set", 2, 0, 0, 0);
	expect_numbers(no_topology, "guest-cpu-topology", 4, 1, 1, 1);
	expect_numbers(no_threads_on_siblings, "guest-cpu-topology", 1, 1, 1, 2);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("audit_guest_vcpu");
	TCase *t = tcase_create("rules");

	tcase_add_loop_test(t, a_rule_says, 0, KT_ARRAY_LEN(rows));
	tcase_add_test(t, a_command_names_the_cpus);
	tcase_add_test(t, numbers_are_those_of_the_texts);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return kt_run(suite());
}
