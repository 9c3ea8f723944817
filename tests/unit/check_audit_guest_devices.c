/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Are the audit's rules of a guest's disks, network, devices and clock right? */
#include "audit_guest_fixture.h"

#define GIVEN(name, ...)                                                                           \
	static void name(void)                                                                     \
	{                                                                                          \
		__VA_ARGS__;                                                                       \
	}

static void found(struct count_fact *c, unsigned int n, unsigned int of)
{
	*c = (struct count_fact){ .n = n, .of = of, .first = "vda" };
}

GIVEN(cached, found(&facts_of(A)->disk_cache, 1, 2))
GIVEN(no_disk, found(&facts_of(A)->disk_cache, 0, 0); found(&facts_of(A)->disk_bus, 0, 0);
      facts_of(A)->nvirtio_disks = 0)
GIVEN(threads, found(&facts_of(A)->disk_io, 2, 2))
GIVEN(none_without_cache, found(&facts_of(A)->disk_io, 0, 0))
GIVEN(ide, found(&facts_of(A)->disk_bus, 1, 2))
GIVEN(scsi, found(&facts_of(A)->scsi_queues, 0, 1))
GIVEN(scsi_few_queues, found(&facts_of(A)->scsi_queues, 1, 1))
GIVEN(one_vcpu, facts_of(A)->current_vcpus = 1; scsi_few_queues();
      found(&facts_of(A)->nic_queues, 1, 1))
GIVEN(two_vcpus, one_vcpu(); facts_of(A)->current_vcpus = 2)
GIVEN(fast, guest_of(A)->realtime = true)
GIVEN(fast_with_iothread, fast(); facts_of(A)->niothreads = 1)
GIVEN(as_many_iothreads, facts_of(A)->niothreads = 32)
GIVEN(too_many_iothreads, facts_of(A)->niothreads = 33)
GIVEN(iothread, facts_of(A)->niothreads = 1; found(&facts_of(A)->disk_iothread, 0, 2))
GIVEN(iothread_unused, iothread(); facts_of(A)->nunused_iothreads = 1;
      found(&facts_of(A)->disk_iothread, 2, 2))
GIVEN(iothread_too_many, iothread(); facts_of(A)->nunused_iothreads = 1)
GIVEN(iothread_of_one_disk, iothread(); found(&facts_of(A)->disk_iothread, 1, 2))
GIVEN(iothread_without_disk, iothread_unused(); found(&facts_of(A)->disk_iothread, 0, 0))
GIVEN(disk_throttled, found(&facts_of(A)->disk_throttle, 1, 2))
GIVEN(disk_free, found(&facts_of(A)->disk_throttle, 0, 2))

GIVEN(e1000, found(&facts_of(A)->nic_model, 1, 1))
GIVEN(no_nic, found(&facts_of(A)->nic_model, 0, 0); found(&facts_of(A)->nic_vhost, 0, 0);
      found(&facts_of(A)->nic_queues, 0, 0))
GIVEN(by_qemu, found(&facts_of(A)->nic_vhost, 1, 2))
GIVEN(host_lacks_vhost, fx.host.has_vhost_net = (struct fact){ 0 })
GIVEN(host_says_no_vhost, fx.host.has_vhost_net = fact(0))
GIVEN(vhost_unreadable, fx.host.has_vhost_net = fact_unknown(13))
GIVEN(by_qemu_for_sure, by_qemu(); vhost_unreadable())
GIVEN(no_nic_and_no_vhost, no_nic(); host_lacks_vhost())
GIVEN(few_queues, found(&facts_of(A)->nic_queues, 1, 1))
GIVEN(many_vcpus, few_queues(); facts_of(A)->current_vcpus = 64)
GIVEN(nic_throttled, found(&facts_of(A)->nic_throttle, 1, 1))

static void passed_through(uint64_t nodes)
{
	facts_of(A)->nhostdevs = 2;
	fx.sample.pci_nodes = nodes;
}

GIVEN(here, passed_through(1))
GIVEN(there, passed_through(2))
GIVEN(here_and_there, passed_through(3))
GIVEN(nowhere, passed_through(0))
GIVEN(of_a_floating_guest, here(); unpinned(A))
GIVEN(where_we_placed_it, there(); ours(A)->pinned = true; fx.in_force.guest[A].nodes = 2)
GIVEN(not_sampled, there(); fx.in.view = NULL)
GIVEN(there_and_opted_out, there(); guest_of(A)->metadata.placement = GUEST_SWITCH_OFF)
GIVEN(on_one_node, here(); fixture_nodes(1);
      fx.topology.node[0].all_cpus = fx.topology.node[0].cpus)

GIVEN(no_kvmclock, facts_of(A)->kvmclock_off = true)
GIVEN(windows, no_kvmclock(); facts_of(A)->uses_hyperv_clock = true)

#define OK      AUDIT_OK
#define FINDING AUDIT_FINDING
#define NA      AUDIT_NOT_APPLICABLE
#define UNKNOWN AUDIT_UNKNOWN

static const struct audit_row rows[] = {
	{ "none cached", "guest-disk-cache", NULL, OK },
	{ "cached", "guest-disk-cache", cached, FINDING },
	{ "no disk", "guest-disk-cache", no_disk, NA },
	{ "native", "guest-disk-io", NULL, OK },
	{ "threads", "guest-disk-io", threads, FINDING },
	{ "all cached", "guest-disk-io", none_without_cache, NA },
	{ "virtio", "guest-disk-bus", NULL, OK },
	{ "ide", "guest-disk-bus", ide, FINDING },
	{ "no disk", "guest-disk-bus", no_disk, NA },
	{ "no controller", "guest-scsi-queues", NULL, NA },
	{ "as vCPUs", "guest-scsi-queues", scsi, OK },
	{ "few", "guest-scsi-queues", scsi_few_queues, FINDING },
	{ "one vCPU", "guest-scsi-queues", one_vcpu, NA },
	{ "two vCPUs", "guest-scsi-queues", two_vcpus, FINDING },
	{ "none", "guest-iothreads", NULL, OK },
	{ "none, fast", "guest-iothreads", fast, FINDING },
	{ "one, fast", "guest-iothreads", fast_with_iothread, OK },
	{ "two for each CPU", "guest-iothreads", as_many_iothreads, OK },
	{ "more", "guest-iothreads", too_many_iothreads, FINDING },
	{ "no disk", "guest-iothreads", no_disk, NA },
	{ "no iothread", "guest-disk-iothread", NULL, NA },
	{ "used", "guest-disk-iothread", iothread, OK },
	{ "used by one disk", "guest-disk-iothread", iothread_of_one_disk, OK },
	{ "unused", "guest-disk-iothread", iothread_unused, FINDING },
	{ "one too many", "guest-disk-iothread", iothread_too_many, OK },
	{ "no virtio disk", "guest-disk-iothread", iothread_without_disk, NA },
	{ "not set", "guest-disk-throttle", NULL, NA },
	{ "free", "guest-disk-throttle", disk_free, NA },
	{ "set", "guest-disk-throttle", disk_throttled, FINDING },
	{ "virtio", "guest-nic-model", NULL, OK },
	{ "e1000", "guest-nic-model", e1000, FINDING },
	{ "none", "guest-nic-model", no_nic, NA },
	{ "vhost", "guest-nic-vhost", NULL, OK },
	{ "QEMU", "guest-nic-vhost", by_qemu, FINDING },
	{ "silently", "guest-nic-vhost", host_lacks_vhost, FINDING },
	{ "silently, 0", "guest-nic-vhost", host_says_no_vhost, FINDING },
	{ "unreadable", "guest-nic-vhost", vhost_unreadable, UNKNOWN },
	{ "QEMU anyway", "guest-nic-vhost", by_qemu_for_sure, FINDING },
	{ "none", "guest-nic-vhost", no_nic_and_no_vhost, NA },
	{ "as vCPUs", "guest-nic-queues", NULL, OK },
	{ "few", "guest-nic-queues", few_queues, FINDING },
	{ "one vCPU", "guest-nic-queues", one_vcpu, NA },
	{ "two vCPUs", "guest-nic-queues", two_vcpus, FINDING },
	{ "none", "guest-nic-queues", no_nic, NA },
	{ "not set", "guest-nic-throttle", NULL, NA },
	{ "set", "guest-nic-throttle", nic_throttled, FINDING },
	{ "none", "guest-hostdev-node", NULL, NA },
	{ "here", "guest-hostdev-node", here, OK },
	{ "there", "guest-hostdev-node", there, FINDING },
	{ "here and there", "guest-hostdev-node", here_and_there, FINDING },
	{ "nowhere", "guest-hostdev-node", nowhere, NA },
	{ "floating", "guest-hostdev-node", of_a_floating_guest, NA },
	{ "where we placed it", "guest-hostdev-node", where_we_placed_it, OK },
	{ "not sampled", "guest-hostdev-node", not_sampled, UNKNOWN },
	{ "opted out", "guest-hostdev-node", there_and_opted_out, NA },
	{ "one node", "guest-hostdev-node", on_one_node, NA },
	{ "on", "guest-clock", NULL, OK },
	{ "off", "guest-clock", no_kvmclock, FINDING },
	{ "Hyper-V", "guest-clock", windows, NA },
};

START_TEST(a_rule_says)
{
	check_guest_row(&rows[_i]);
}
END_TEST

static const struct audit_said said[] = {
	{ cached, "guest-disk-cache", { 1, 2 }, "vda", "" },
	{ scsi_few_queues, "guest-scsi-queues", { 1, 1, 4 }, "vda", "" },
	{ few_queues, "guest-nic-queues", { 1, 1, 4 }, "vda", "" },
	{ many_vcpus, "guest-nic-queues", { 1, 1, 8 }, "vda", "" },
	{ host_lacks_vhost, "guest-nic-vhost", { 1, 1 }, "none", "" },
	{ fast, "guest-iothreads", { 0, 32, 1 }, "iothreadadd", "" },
	{ too_many_iothreads, "guest-iothreads", { 33, 32, 33 }, "iothreaddel", "" },
	{ iothread_unused, "guest-disk-iothread", { 2, 2, 1, 1 }, "vda", "" },
	{ there, "guest-hostdev-node", { 2 }, "1", "0" },
	{ no_kvmclock, "guest-clock", { 0 }, "off", "" },
};

START_TEST(numbers_and_words_are_those_of_the_texts)
{
	check_said(&said[_i]);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("audit_guest_devices");
	TCase *t = tcase_create("rules");

	tcase_add_loop_test(t, a_rule_says, 0, KT_ARRAY_LEN(rows));
	tcase_add_loop_test(t, numbers_and_words_are_those_of_the_texts, 0, KT_ARRAY_LEN(said));
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return kt_run(suite());
}
