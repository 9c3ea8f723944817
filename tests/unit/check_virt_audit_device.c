/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Are a guest's disks and network cards counted where a rule applies, and nowhere else? */
#include "virt_audit.h"
#include "virt_audit_fixture.h"

#define DISK(type, driver, bus, more)                                                              \
	"<disk type='" type "' device='disk'><driver " driver "/><target dev='" bus "a' bus='" bus \
	"'/>" more "</disk>"
#define SCSI(model, driver)                                                                        \
	"<controller type='scsi' index='3' model='" model "'><driver " driver "/></controller>"
#define ON_SCSI "<address type='drive' controller='3' bus='0' target='0' unit='0'/>"
#define NIC(type, model, driver, more)                                                             \
	"<interface type='" type "'><mac address='52:54:00:00:00:01'/><model type='" model         \
	"'/><driver " driver "/>" more "</interface>"

/* Of a guest with 4 vCPUs, of which 2 are plugged, and 2 I/O threads. */
static const struct {
	const char *xml, *want;
} rows[] = {
	{ "", "known=1 disk_cache=0 disk_bus=0 nic_model=0 scsi_queues=0 nunused_iothreads=2 "
	      "all_cache_none=1 nhostdevs=0" },
	/* cache and way of I/O */
	{ DISK("file", "cache='none' io='native' type='raw'", "virtio", ""),
	  "disk_cache=0/1 disk_io=0/1 all_cache_none=1 nvirtio_disks=1 disk_bus=0/1" },
	{ DISK("file", "cache='none' io='io_uring' type='raw'", "virtio", ""), "disk_io=0/1" },
	{ DISK("file", "cache='none' io='threads' type='raw'", "virtio", ""),
	  "disk_io=1/1|virtioa" },
	{ DISK("block", "cache='none' io='threads' type='qcow2'", "virtio", ""),
	  "disk_io=1/1|virtioa" },
	{ DISK("file", "cache='none' io='threads' type='qcow2'", "virtio", ""), "disk_io=0" },
	{ DISK("network", "cache='none' io='threads' type='raw'", "virtio", ""), "disk_io=0" },
	{ DISK("file", "cache='none' type='raw'", "virtio", ""), "disk_io=0/1" },
	{ DISK("file", "cache='writeback' io='threads' type='raw'", "virtio", ""),
	  "disk_cache=1/1|virtioa disk_io=0 all_cache_none=0" },
	{ DISK("file", "type='raw'", "virtio", ""), "disk_cache=0/1 all_cache_none=0" },
	{ DISK("file", "cache='default'", "virtio", ""), "disk_cache=0/1 all_cache_none=0" },
	{ "<disk><target dev='vdb' bus='virtio'/></disk>", "disk_cache=0/1 all_cache_none=0" },
	/* what is no disk of ours */
	{ "<disk type='file' device='cdrom'><driver cache='unsafe'/><target dev='sda' "
	  "bus='sata'/></disk>",
	  "disk_cache=0 disk_bus=0 all_cache_none=1" },
	{ "<disk type='vhostuser' device='disk'><driver cache='unsafe'/><target dev='vda' "
	  "bus='ide'/></disk>",
	  "disk_cache=0 disk_bus=0 disk_throttle=0" },
	/* bus */
	{ DISK("file", "cache='none'", "sata", ""), "disk_bus=1/1|sataa nvirtio_disks=0" },
	{ DISK("file", "", "scsi", ON_SCSI) SCSI("virtio-scsi", ""),
	  "disk_bus=0/1 nvirtio_disks=1 disk_iothread=1/1|scsia" },
	{ DISK("file", "", "scsi", ON_SCSI) SCSI("virtio-non-transitional", ""), "disk_bus=0/1" },
	{ DISK("file", "", "scsi", ON_SCSI) SCSI("lsilogic", ""),
	  "disk_bus=1/1|scsia nvirtio_disks=0 scsi_queues=0" },
	{ DISK("file", "", "scsi", "") SCSI("virtio-scsi", ""), "disk_bus=1/1|scsia" },
	/* queues of controllers */
	{ SCSI("virtio-scsi", ""), "scsi_queues=0/1" },
	{ SCSI("virtio-scsi", "queues='1'"), "scsi_queues=1/1|scsi3" },
	{ SCSI("virtio-scsi", "queues='2'"), "scsi_queues=0/1" },
	{ SCSI("virtio-scsi", "queues='4'"), "scsi_queues=0/1" },
	{ SCSI("virtio-scsi", "queues='5'"), "scsi_queues=1/1|scsi3" },
	{ SCSI("virtio-scsi", "queues='x'"), "known=0" },
	{ "<controller type='pci' index='300' model='pcie-root-port'/>", "known=1 scsi_queues=0" },
	{ "<controller type='scsi' index='300' model='virtio-scsi'/>", "known=0" },
	/* I/O threads */
	{ DISK("file", "iothread='1'", "virtio", ""), "disk_iothread=0/1 nunused_iothreads=1" },
	{ DISK("file", "iothread='1'", "virtio", "") DISK("file", "iothread='1'", "virtio", ""),
	  "disk_iothread=0/2 nunused_iothreads=1" },
	{ DISK("file", "iothread='7'", "virtio", "") DISK("file", "iothread='70000'", "virtio", ""),
	  "disk_iothread=0/2 nunused_iothreads=0" },
	{ DISK("file", "", "virtio", ""), "disk_iothread=1/1|virtioa nunused_iothreads=2" },
	{ DISK("file", "", "sata", ""), "disk_iothread=0 nunused_iothreads=2" },
	{ DISK("file", "", "scsi", ON_SCSI) SCSI("virtio-scsi", "iothread='2'"),
	  "disk_iothread=0/1 nunused_iothreads=1" },
	{ "<disk><driver><iothreads><iothread id='1'><queue id='0'/></iothread><iothread "
	  "id='2'/></iothreads></driver><target dev='vda' bus='virtio'/></disk>",
	  "disk_iothread=0/1 nunused_iothreads=0" },
	{ "<disk device='lun'><driver iothread='2'/><target dev='vda' bus='virtio'/></disk>",
	  "disk_iothread=0 nunused_iothreads=1" },
	/* limits of disks */
	{ DISK("file", "", "virtio", "<iotune><total_iops_sec>500</total_iops_sec></iotune>"),
	  "disk_throttle=1/1|virtioa" },
	{ DISK("file", "", "virtio",
	       "<iotune><total_iops_sec>0</total_iops_sec><group_name>7</group_name></iotune>"),
	  "disk_throttle=0/1" },
	/* network */
	{ NIC("bridge", "virtio", "name='vhost' queues='2'", ""),
	  "nic_model=0/1 nic_vhost=0/1 nic_queues=0/1 nic_throttle=0/1" },
	{ NIC("network", "virtio-transitional", "name='qemu' queues='1'", ""),
	  "nic_model=0/1 nic_vhost=1/1|52:54:00:00:00:01 nic_queues=1/1|52:54:00:00:00:01" },
	{ NIC("direct", "virtio", "queues='5'", ""), "nic_queues=1/1|52:54:00:00:00:01" },
	{ NIC("ethernet", "virtio", "", ""), "nic_vhost=0/1 nic_queues=0/1" },
	{ NIC("user", "virtio", "name='qemu'", ""), "nic_model=0/1 nic_vhost=0 nic_queues=0" },
	{ NIC("bridge", "e1000e", "", ""),
	  "nic_model=1/1|52:54:00:00:00:01 nic_vhost=0 nic_queues=0" },
	{ "<interface type='bridge'/>", "nic_model=0/1 nic_vhost=0" },
	{ NIC("vhostuser", "virtio", "queues='1'", ""),
	  "nic_model=0 nic_vhost=0 nic_throttle=0 nic_queues=1/1|52:54:00:00:00:01" },
	{ NIC("hostdev", "virtio", "name='vfio'", "") "<hostdev type='pci'/><hostdev type='usb'/>",
	  "nic_model=0 nhostdevs=2" },
	{ NIC("bridge", "virtio", "", "<bandwidth><inbound average='1000'/></bandwidth>"),
	  "nic_throttle=1/1|52:54:00:00:00:01" },
	{ NIC("bridge", "virtio", "", "<bandwidth/>"), "nic_throttle=0/1" },
	/* balloon */
	{ "<memballoon model='virtio'/>", "has_balloon=1" },
	{ "<memballoon model='none'/>", "has_balloon=0" },
	/* names */
	{ "<disk><driver cache='unsafe'/><target dev='v&#10;&quot;&#228;'/></disk>",
	  "disk_cache=1/1|v\\x0a\\x22\\xc3\\xa4" },
	{ "<disk><driver cache='unsafe'/><target "
	  "dev='abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz'/></disk>",
	  "disk_cache=1/1|abcdefghijklmnopqrstuvwxyzabc.." },
	{ "<disk><driver cache='unsafe'/></disk>", "disk_cache=1/1" },
};

START_TEST(a_device_counts_where_a_rule_applies)
{
	char xml[2048];

	ck_assert_int_lt(snprintf(xml, sizeof xml,
				  "<vcpu current='2'>4</vcpu><iothreads>2</iothreads>"
				  "<devices>%s</devices>",
				  rows[_i].xml),
			 (int)sizeof xml);
	check_fragment(xml, rows[_i].want);
}
END_TEST

/* Eight queues are enough for many vCPUs, and as many as vCPUs are not too many. */
static const struct {
	const char *queues, *want;
} queues[] = {
	{ "7", "nic_queues=1/1|52:54:00:00:00:01" },
	{ "8", "nic_queues=0/1" },
	{ "32", "nic_queues=0/1" },
	{ "33", "nic_queues=1/1|52:54:00:00:00:01" },
	{ "4294967296", "known=0" },
};

START_TEST(a_wide_guest_needs_eight_queues)
{
	char xml[512];

	snprintf(xml, sizeof xml,
		 "<vcpu>32</vcpu><devices>" NIC("bridge", "virtio", "queues='%s'", "") "</devices>",
		 queues[_i].queues);
	check_fragment(xml, queues[_i].want);
}
END_TEST

/* As much as libvirt can send. */
START_TEST(ten_thousand_disks_are_counted)
{
	static const char disk[] = DISK("file", "cache='unsafe' iothread='1'", "virtio", "");
	const size_t n = 10 * 1000;
	KT_AUTOFREE char *text = malloc(n * strlen(disk) + 64);
	struct audit_guest g;
	char *end = text;

	ck_assert_ptr_nonnull(text);
	end = stpcpy(end, "<devices>");
	for (size_t i = 0; i < n; i++)
		end = stpcpy(end, disk);
	stpcpy(end, "</devices>");
	ck_assert_int_eq(read_fragment(text, &g), 0);
	ck_assert(g.known && g.disk_cache.n == n && g.disk_cache.of == n);
	ck_assert_str_eq(g.disk_cache.first, "virtioa");
}
END_TEST

/* One CPU more for each. */
START_TEST(more_kinds_of_pins_than_fit_are_not_forgotten)
{
	char text[2048] = "<vcpu>16</vcpu><cputune>";
	struct audit_guest g;

	for (unsigned int i = 0; i < (unsigned int)_i; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text),
			 "<vcpupin vcpu='%u' cpuset='%u,%u'/>", i, 20 + i, 40 + i);
	strcat(text, "</cputune>");
	ck_assert_int_eq(read_fragment(text, &g), 0);
	ck_assert_int_eq((int)g.npinned_vcpus, _i);
	ck_assert_int_eq((int)g.npin_masks, KT_MIN(_i, AUDIT_MASKS_MAX));
	ck_assert_int_eq(g.more_pin_masks, _i > AUDIT_MASKS_MAX);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("virt_audit_device");
	TCase *t = tcase_create("virt_audit_device");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, a_device_counts_where_a_rule_applies, 0, (int)KT_ARRAY_LEN(rows));
	tcase_add_loop_test(t, a_wide_guest_needs_eight_queues, 0, (int)KT_ARRAY_LEN(queues));
	tcase_add_test(t, ten_thousand_disks_are_counted);
	tcase_add_loop_test(t, more_kinds_of_pins_than_fit_are_not_forgotten, 7, 11);
	suite_add_tcase(s, t);
	return kt_run(s);
}
