/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which of a guest's disks and network cards are not as a rule of tuning would have them? */
#include "str.h"
#include "virt_audit.h"
#include "virt_xml.h"

enum {
	SCSI_MAX = 256,
	NIC_QUEUES_MAX = 8, /* more of them cost memory of the kernel and help little */
};

struct scsi_controller {
	bool is_virtio, has_iothread;
};

/* libvirt gives what was left out a model before it starts a guest. */
struct scsi_controllers {
	struct scsi_controller at[SCSI_MAX]; /* by index */
};

static void count(struct count_fact *c, bool is, const xmlNode *named, const char *attribute)
{
	XML_AUTO_TEXT xmlChar *name = is && named ? xml_attribute(named, attribute) : NULL;

	c->of++;
	if (!is)
		return;
	if (c->n++ == 0 && name)
		str_escape((const char *)name, c->first, sizeof c->first);
}

static bool is_any(const xmlNode *n, const char *attribute, const char *a, const char *b,
		   const char *c)
{
	return xml_attribute_is(n, attribute, a) || xml_attribute_is(n, attribute, b) ||
	       xml_attribute_is(n, attribute, c);
}

/* libvirt's own word for what was not asked for. */
static bool asks_for(const xmlNode *n, const char *attribute)
{
	return n && xml_has_attribute(n, attribute) && !xml_attribute_is(n, attribute, "default");
}

/* ---- I/O threads ------------------------------------------------------------------------- */

/* Ids that are too high for us are each another's. */
static void use_iothread(struct audit_reading *r, const xmlNode *n, const char *attribute)
{
	unsigned int id = 0;

	virt_audit_read_number(r, n, attribute, UINT32_MAX, &id);
	if (id <= VIRT_AUDIT_IOTHREADS_MAX && r->iothread_is_used[id])
		return;
	if (id <= VIRT_AUDIT_IOTHREADS_MAX)
		r->iothread_is_used[id] = true;
	r->nused_iothreads++;
}

/* One, or since libvirt 10.0 several with queues for each. */
static bool read_iothreads(struct audit_reading *r, const xmlNode *driver)
{
	const xmlNode *several = xml_find_child(driver, "iothreads");

	for (const xmlNode *n = xml_first_child(several); n; n = xml_next_element(n->next))
		if (xml_is_named(n, "iothread"))
			use_iothread(r, n, "id");
	if (driver && xml_has_attribute(driver, "iothread")) {
		use_iothread(r, driver, "iothread");
		return true;
	}
	return several != NULL;
}

/* ---- disks ------------------------------------------------------------------------------- */

static unsigned int read_index(struct audit_reading *r, const xmlNode *n, const char *attribute)
{
	unsigned int index = 0;

	if (n)
		virt_audit_read_number(r, n, attribute, SCSI_MAX - 1, &index);
	return index;
}

/* Without a number, QEMU since 5.2 makes as many as vCPUs. */
static void count_scsi_queues(struct audit_reading *r, const xmlNode *driver, unsigned int index)
{
	struct audit_guest *g = r->guest;
	unsigned int queues = g->current_vcpus;

	if (driver)
		virt_audit_read_number(r, driver, "queues", UINT32_MAX, &queues);
	g->scsi_queues.of++;
	if (queues >= g->current_vcpus && queues <= g->max_vcpus)
		return;
	if (g->scsi_queues.n++ == 0 &&
	    str_format(g->scsi_queues.first, AUDIT_WORD, "scsi%u", index) < 0)
		r->odd = true;
}

static void read_controller(struct audit_reading *r, const xmlNode *n,
			    struct scsi_controllers *controllers)
{
	const xmlNode *driver = xml_find_child(n, "driver");
	struct scsi_controller *c;
	unsigned int index;

	if (!xml_attribute_is(n, "type", "scsi"))
		return;
	index = read_index(r, n, "index");
	c = &controllers->at[index];
	c->is_virtio =
		is_any(n, "model", "virtio-scsi", "virtio-transitional", "virtio-non-transitional");
	c->has_iothread = read_iothreads(r, driver);
	if (c->is_virtio)
		count_scsi_queues(r, driver, index);
}

/* Numbers that limit; their group is a name. */
static bool has_iotune(const xmlNode *disk)
{
	const xmlNode *iotune = xml_find_child(disk, "iotune");

	for (const xmlNode *n = xml_first_child(iotune); n; n = xml_next_element(n->next)) {
		XML_AUTO_TEXT xmlChar *text = xmlNodeGetContent(n);
		uint64_t limit;

		if (text && !xml_is_named(n, "group_name") &&
		    str_u64((const char *)text, &limit) == 0 && limit > 0)
			return true;
	}
	return false;
}

/* What the network or a driver in QEMU serves is not read by either way. */
static bool has_choice_of_io(const xmlNode *disk, const xmlNode *driver)
{
	return xml_attribute_is(disk, "type", "block") ||
	       (xml_attribute_is(disk, "type", "file") && driver &&
		xml_attribute_is(driver, "type", "raw"));
}

static void count_driver(struct audit_guest *g, const xmlNode *disk, const xmlNode *driver,
			 const xmlNode *target)
{
	bool none = driver && xml_attribute_is(driver, "cache", "none");
	bool io = none && asks_for(driver, "io") && !xml_attribute_is(driver, "io", "native") &&
		  !xml_attribute_is(driver, "io", "io_uring");

	count(&g->disk_cache, !none && asks_for(driver, "cache"), target, "dev");
	g->all_cache_none = g->all_cache_none && none;
	if (none && has_choice_of_io(disk, driver))
		count(&g->disk_io, io, target, "dev");
}

static void read_disk(struct audit_reading *r, const xmlNode *n,
		      const struct scsi_controllers *controllers)
{
	const xmlNode *driver = xml_find_child(n, "driver"), *target = xml_find_child(n, "target");
	bool is_scsi = target && xml_attribute_is(target, "bus", "scsi"), is_virtio;
	bool has_iothread = read_iothreads(r, driver); /* that of a pass-through unit too */
	struct audit_guest *g = r->guest;

	if ((xml_has_attribute(n, "device") && !xml_attribute_is(n, "device", "disk")) ||
	    xml_attribute_is(n, "type", "vhostuser"))
		return;
	is_virtio = target && xml_attribute_is(target, "bus", "virtio");
	if (is_scsi) {
		const struct scsi_controller *c =
			&controllers->at[read_index(r, xml_find_child(n, "address"), "controller")];

		is_virtio = c->is_virtio;
		has_iothread = has_iothread || c->has_iothread;
	}
	count_driver(g, n, driver, target);
	count(&g->disk_bus, target && xml_has_attribute(target, "bus") && !is_virtio, target,
	      "dev");
	count(&g->disk_throttle, has_iotune(n), target, "dev");
	if (!is_virtio)
		return;
	g->nvirtio_disks++;
	count(&g->disk_iothread, !has_iothread, target, "dev");
}

/* ---- network ------------------------------------------------------------------------------- */

static void count_nic_queues(struct audit_reading *r, const xmlNode *driver, const xmlNode *mac)
{
	struct audit_guest *g = r->guest;
	unsigned int enough = KT_MIN(g->current_vcpus, NIC_QUEUES_MAX), queues = enough;

	if (driver)
		virt_audit_read_number(r, driver, "queues", UINT32_MAX, &queues);
	count(&g->nic_queues, queues < enough || queues > g->max_vcpus, mac, "address");
}

/* Of others the kernel does not move the packets. */
static bool has_tap(const xmlNode *n)
{
	return is_any(n, "type", "network", "bridge", "direct") ||
	       xml_attribute_is(n, "type", "ethernet");
}

static void read_interface(struct audit_reading *r, const xmlNode *n)
{
	const xmlNode *driver = xml_find_child(n, "driver"), *mac = xml_find_child(n, "mac");
	const xmlNode *model = xml_find_child(n, "model");
	bool is_virtio = model && is_any(model, "type", "virtio", "virtio-transitional",
					 "virtio-non-transitional");
	bool is_vhostuser = xml_attribute_is(n, "type", "vhostuser");
	struct audit_guest *g = r->guest;

	if (xml_attribute_is(n, "type", "hostdev")) {
		g->nhostdevs++;
		return;
	}
	if (is_virtio && (is_vhostuser || has_tap(n)))
		count_nic_queues(r, driver, mac);
	if (is_vhostuser)
		return;
	count(&g->nic_model, model && !is_virtio, mac, "address");
	count(&g->nic_throttle, xml_first_child(xml_find_child(n, "bandwidth")) != NULL, mac,
	      "address");
	if (is_virtio && has_tap(n))
		count(&g->nic_vhost, driver && xml_attribute_is(driver, "name", "qemu"), mac,
		      "address");
}

/* ---- all of them --------------------------------------------------------------------------- */

static void read_device(struct audit_reading *r, const xmlNode *n,
			const struct scsi_controllers *controllers)
{
	struct audit_guest *g = r->guest;

	if (xml_is_named(n, "disk"))
		read_disk(r, n, controllers);
	else if (xml_is_named(n, "interface"))
		read_interface(r, n);
	else if (xml_is_named(n, "hostdev"))
		g->nhostdevs += xml_attribute_is(n, "type", "pci");
	else if (xml_is_named(n, "memballoon"))
		g->has_balloon = !xml_attribute_is(n, "model", "none");
}

/* Controllers come after the disks that hang on them. */
void virt_audit_read_devices(struct audit_reading *r, const xmlNode *devices)
{
	struct scsi_controllers controllers = { 0 };
	struct audit_guest *g = r->guest;

	g->all_cache_none = true;
	for (const xmlNode *n = xml_first_child(devices); n; n = xml_next_element(n->next))
		if (xml_is_named(n, "controller"))
			read_controller(r, n, &controllers);
	for (const xmlNode *n = xml_first_child(devices); n; n = xml_next_element(n->next))
		read_device(r, n, &controllers);
	if (g->niothreads > r->nused_iothreads)
		g->nunused_iothreads = g->niothreads - r->nused_iothreads;
}
