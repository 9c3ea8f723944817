/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Are a guest's devices found on their nodes, and is nothing read that is none? */
#include "sense_fixture.h"

#define NET "sys/class/net/"
#define PCI "sys/bus/pci/devices/"

static void put_devices(void)
{
	put(PCI "0000:3b:00.0/numa_node", "1\n");
	put(PCI "0000:05:00.0/numa_node", "0\n");
	put(PCI "10000:e1:00.0/numa_node", "63\n");
	put(PCI "0000:06:00.0/numa_node", "-1\n");
	put(PCI "0000:07:00.0/numa_node", "64\n");
	put(PCI "0000:08:00.0/numa_node", "x\n");
	put(PCI "0000:09:00.0/numa_node", "");
	put(NET "eth0/device/numa_node", "2\n");
	put(NET "eth1/device/numa_node", "3\n");
	put(NET "usb0/device/numa_node", "-1\n");
	put(NET "vnet0/mtu", "1500\n");
	put(NET "bond0/lower_eth0/ifindex", "2\n");
	put(NET "bond0/lower_eth1/ifindex", "3\n");
	put(NET "bond0/upper_br9/ifindex", "5\n");
	put(NET "vlan5/lower_bond0/ifindex", "4\n");
	put(NET "br9/lower_vlan5/ifindex", "4\n");
	put(NET "br9/lower_vnet0/ifindex", "9\n");
	put(NET "br1/lower_vnet0/ifindex", "9\n");
	put(NET "over/lower_br9/ifindex", "5\n");
	put(NET "loop/lower_loop/ifindex", "6\n");
	put(NET "long/lower_sixteen-bytes-xx/ifindex", "6\n");
	put(NET "sixteen-bytes-xx/device/numa_node", "1\n");
	put("sys/class/numa_node", "1\n");
	put("sys/class/device/numa_node", "1\n");
}

static uint64_t nodes_of(const char *const *names, unsigned int n)
{
	struct domain d = domain_of(1);

	for (unsigned int i = 0; i < n; i++)
		snprintf(d.device[i], sizeof d.device[i], "%s", names[i]);
	d.ndevices = n;
	put_guest(1, 100);
	ck_assert_int_ge(domains_put(ds, &d), 0);
	start();
	ck_assert_int_eq(read_once(), 0);
	ck_assert(guest(1)->present);
	return guest(1)->device_nodes;
}

static const struct {
	const char *name;
	uint64_t nodes;
} devices[] = {
	{ "0000:3b:00.0", 1 << 1 },
	{ "10000:e1:00.0", UINT64_C(1) << 63 },
	{ "0000:06:00.0", 0 },
	{ "0000:07:00.0", 0 },
	{ "0000:08:00.0", 0 },
	{ "0000:09:00.0", 0 },
	{ "0000:ff:00.0", 0 },
	{ "eth0", 1 << 2 },
	{ "usb0", 0 },
	{ "vnet0", 0 },
	{ "gone", 0 },
	{ "bond0", 1 << 2 | 1 << 3 },
	{ "vlan5", 1 << 2 | 1 << 3 },
	{ "br9", 1 << 2 | 1 << 3 },
	{ "over", 0 },
	{ "br1", 0 },
	{ "loop", 0 },
	{ "long", 0 },
	{ "", 0 },
	{ ".", 0 },
	{ "..", 0 },
	{ "../net/eth0", 0 },
	{ "eth0/../eth0", 0 },
};

START_TEST(a_device_is_where_the_kernel_says)
{
	const char *name = devices[_i].name;

	put_devices();
	ck_assert_msg(nodes_of(&name, 1) == devices[_i].nodes, "%s: %" PRIx64, name,
		      guest(1)->device_nodes);
}
END_TEST

START_TEST(devices_of_a_guest_add_up)
{
	static const char *const names[KT_DEVICES_MAX] = { "0000:05:00.0", "br9", "0000:3b:00.0",
							   "gone",         "",    "usb0",
							   "vnet0",        "eth0" };

	put_devices();
	ck_assert_uint_eq(nodes_of(names, KT_DEVICES_MAX), 15);
	ck_assert_uint_eq(guest(1)->pci_nodes, 3);
}
END_TEST

START_TEST(a_device_that_is_plugged_shows_at_once)
{
	struct domain d = domain_of(1);

	put_devices();
	ck_assert_uint_eq(nodes_of(NULL, 0), 0);
	strcpy(d.device[0], "eth1");
	d.ndevices = 1;
	ck_assert_int_ge(domains_put(ds, &d), 0);
	ck_assert_int_eq(read_once(), 0);
	ck_assert_uint_eq(guest(1)->device_nodes, 1 << 3);
	d.ndevices = 0;
	ck_assert_int_ge(domains_put(ds, &d), 0);
	ck_assert_int_eq(read_once(), 0);
	ck_assert_uint_eq(guest(1)->device_nodes, 0);
}
END_TEST

START_TEST(a_bridge_that_changes_shows_in_time)
{
	static const char *const name = "br1";
	int n = 0;

	put_devices();
	ck_assert_uint_eq(nodes_of(&name, 1), 0);
	put(NET "br1/lower_eth1/ifindex", "3\n");
	while (guest(1)->device_nodes != 1 << 3 && n++ < MANY_SAMPLES)
		ck_assert_int_eq(read_once(), 0);
	ck_assert_int_gt(n, 1); /* not at every tick */
	ck_assert_int_lt(n, MANY_SAMPLES);
}
END_TEST

/* What one guest has asked for another need not: below a bridge there may be much to visit. */
START_TEST(a_bridge_of_many_guests_is_looked_up_once)
{
	static const char *const name = "br1";
	struct domain d = domain_of(2);

	put_devices();
	ck_assert_uint_eq(nodes_of(&name, 1), 0);
	put(NET "br1/lower_eth1/ifindex", "3\n");
	strcpy(d.device[0], name);
	d.ndevices = 1;
	put_guest(2, 200);
	ck_assert_int_ge(domains_put(ds, &d), 0);
	ck_assert_int_eq(read_once(), 0);
	ck_assert(guest(2)->present);
	ck_assert_uint_eq(guest(2)->device_nodes, 0);
}
END_TEST

/* More devices than are remembered: each is still found. */
START_TEST(many_guests_have_many_devices)
{
	struct domain d;

	for (unsigned int n = 1; n <= 100; n++) {
		char path[64];

		d = domain_of(n);
		snprintf(d.device[0], sizeof d.device[0], "eth%u", n);
		d.ndevices = 1;
		snprintf(path, sizeof path, NET "eth%u/device/numa_node", n);
		putf(path, "%u\n", n % 64);
		put_guest(n, (pid_t)(100 + 2 * n));
		ck_assert_int_ge(domains_put(ds, &d), 0);
	}
	start();
	for (int again = 0; again < 70; again++)
		ck_assert_int_eq(read_once(), 0);
	for (unsigned int n = 1; n <= 100; n++)
		ck_assert_uint_eq(guest(n)->device_nodes, UINT64_C(1) << n % 64);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("devices");
	Suite *s = suite_create("sense_device");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	LOOP(tc, a_device_is_where_the_kernel_says, devices);
	tcase_add_test(tc, devices_of_a_guest_add_up);
	tcase_add_test(tc, a_device_that_is_plugged_shows_at_once);
	tcase_add_test(tc, a_bridge_that_changes_shows_in_time);
	tcase_add_test(tc, a_bridge_of_many_guests_is_looked_up_once);
	tcase_add_test(tc, many_guests_have_many_devices);
	suite_add_tcase(s, tc);
	return kt_run(s);
}
