/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does a guest's XML say that rules of tuning ask for?  Its memory and its
 * devices have files of their own. */
#include "virt_audit.h"

#include "str.h"
#include "virt_xml.h"

static bool text_u64(const xmlNode *n, uint64_t *ret)
{
	XML_AUTO_TEXT xmlChar *text = n ? xmlNodeGetContent(n) : NULL;

	return text && str_u64((const char *)text, ret) == 0;
}

void virt_audit_read_number(struct audit_reading *r, const xmlNode *n, const char *attribute,
			    unsigned int max, unsigned int *ret)
{
	XML_AUTO_TEXT xmlChar *text = xml_attribute(n, attribute);
	uint64_t value;

	if (!text)
		return;
	if (str_u64((const char *)text, &value) < 0 || value > max)
		r->odd = true;
	else
		*ret = (unsigned int)value;
}

/* ---- threads -------------------------------------------------------------------------- */

/* Empty: anywhere, as a pin to every CPU of the host is what is left of one that was given
 * back. */
static struct cpumask read_pin(struct audit_reading *r, const xmlNode *n)
{
	XML_AUTO_TEXT xmlChar *text = xml_attribute(n, "cpuset");
	struct cpumask cpus = { 0 }, missing;

	if (!text || cpumask_parse((const char *)text, &cpus) < 0 || cpumask_empty(&cpus)) {
		r->odd = true;
		return (struct cpumask){ 0 };
	}
	missing = cpumask_andnot(&r->host_cpus, &cpus);
	if (!cpumask_empty(&r->host_cpus) && cpumask_empty(&missing))
		return (struct cpumask){ 0 };
	return cpus;
}

static void keep_mask(struct audit_guest *g, const struct cpumask *cpus)
{
	if (cpumask_count(cpus) < 2)
		return;
	for (size_t i = 0; i < g->npin_masks; i++)
		if (cpumask_equal(&g->pin_mask[i], cpus))
			return;
	if (g->npin_masks < AUDIT_MASKS_MAX)
		g->pin_mask[g->npin_masks++] = *cpus;
	else
		g->more_pin_masks = true;
}

static void add_pinned_vcpus(struct audit_guest *g, const struct cpumask *cpus, unsigned int n)
{
	if (cpumask_empty(cpus) || n == 0)
		return;
	g->npinned_vcpus += n;
	if (cpumask_count(cpus) == 1)
		g->nsingle_cpu_pins += n;
	g->pinned_cpus = cpumask_or(&g->pinned_cpus, cpus);
	keep_mask(g, cpus);
}

struct pins {
	struct cpumask vcpus; /* those that have been seen, by number */
	unsigned int niothreads;
	bool has_emulator;
};

static void read_vcpu_pin(struct audit_reading *r, const xmlNode *n, struct pins *pins)
{
	struct cpumask cpus = read_pin(r, n);
	unsigned int vcpu = KT_CPUS_MAX;

	virt_audit_read_number(r, n, "vcpu", UINT32_MAX, &vcpu);
	if (vcpu >= r->guest->max_vcpus || cpumask_test(&pins->vcpus, vcpu))
		return;
	cpumask_set(&pins->vcpus, vcpu);
	add_pinned_vcpus(r->guest, &cpus, 1);
}

static void add_iothread_pin(struct audit_guest *g, const struct cpumask *cpus)
{
	g->iothread_cpus = cpumask_or(&g->iothread_cpus, cpus);
	keep_mask(g, cpus);
}

static void read_thread_pin(struct audit_reading *r, const xmlNode *n, struct pins *pins)
{
	struct audit_guest *g = r->guest;

	if (xml_is_named(n, "vcpupin")) {
		read_vcpu_pin(r, n, pins);
	} else if (xml_is_named(n, "emulatorpin")) {
		pins->has_emulator = true;
		g->emulator_cpus = read_pin(r, n);
		g->has_emulator_pin = !cpumask_empty(&g->emulator_cpus);
		keep_mask(g, &g->emulator_cpus);
	} else if (xml_is_named(n, "iothreadpin")) {
		struct cpumask cpus = read_pin(r, n);

		pins->niothreads++;
		g->has_iothread_pin = g->has_iothread_pin || !cpumask_empty(&cpus);
		add_iothread_pin(g, &cpus);
	}
}

/* Threads without a pin of their own have the guest's. */
static void read_pins(struct audit_reading *r, const xmlNode *cputune, const struct cpumask *cpuset)
{
	struct audit_guest *g = r->guest;
	struct pins pins = { 0 };

	for (const xmlNode *n = xml_first_child(cputune); n; n = xml_next_element(n->next))
		read_thread_pin(r, n, &pins);
	add_pinned_vcpus(g, cpuset, g->max_vcpus - cpumask_count(&pins.vcpus));
	if (!pins.has_emulator) {
		g->emulator_cpus = *cpuset;
		keep_mask(g, cpuset);
	}
	if (pins.niothreads < g->niothreads)
		add_iothread_pin(g, cpuset);
}

/* Nothing, 0 and less are no limit. */
static bool is_quota(const xmlNode *n)
{
	uint64_t us;

	return (xml_is_named(n, "quota") || xml_is_named(n, "global_quota") ||
		xml_is_named(n, "emulator_quota") || xml_is_named(n, "iothread_quota")) &&
	       text_u64(n, &us) && us > 0;
}

static void read_iothreads(struct audit_reading *r, const xmlNode *root)
{
	const xmlNode *n = xml_find_child(root, "iothreads");
	uint64_t count = 0;

	if (n && (!text_u64(n, &count) || count > VIRT_AUDIT_IOTHREADS_MAX))
		r->odd = true;
	else
		r->guest->niothreads = (unsigned int)count;
}

/* libvirt's default is one. */
static struct cpumask read_vcpus(struct audit_reading *r, const xmlNode *root)
{
	const xmlNode *n = xml_find_child(root, "vcpu");
	struct audit_guest *g = r->guest;
	uint64_t max = 1;

	if (n && (!text_u64(n, &max) || max == 0 || max > KT_CPUS_MAX)) {
		r->odd = true;
		max = 1;
	}
	g->max_vcpus = g->current_vcpus = (unsigned int)max;
	if (!n)
		return (struct cpumask){ 0 };
	virt_audit_read_number(r, n, "current", g->max_vcpus, &g->current_vcpus);
	g->placement_auto = xml_attribute_is(n, "placement", "auto");
	return xml_has_attribute(n, "cpuset") ? read_pin(r, n) : (struct cpumask){ 0 };
}

static void read_threads(struct audit_reading *r, const xmlNode *root)
{
	const xmlNode *cputune = xml_find_child(root, "cputune");
	struct cpumask cpuset = read_vcpus(r, root);

	read_iothreads(r, root);
	read_pins(r, cputune, &cpuset);
	r->guest->has_shares = xml_find_child(cputune, "shares") != NULL;
	for (const xmlNode *n = xml_first_child(cputune); n; n = xml_next_element(n->next))
		r->guest->has_quota = r->guest->has_quota || is_quota(n);
}

/* ---- the guest's processor --------------------------------------------------------------- */

/* Without a level it is all of the host's caches. */
static bool is_l3_cache(const xmlNode *n)
{
	return (xml_attribute_is(n, "mode", "emulate") ||
		xml_attribute_is(n, "mode", "passthrough")) &&
	       (!xml_has_attribute(n, "level") || xml_attribute_is(n, "level", "3"));
}

/* What passes the host's processor through passes this through, where the host has it. */
static bool offers_nested(const xmlNode *cpu)
{
	for (const xmlNode *n = xml_first_child(cpu); n; n = xml_next_element(n->next))
		if (xml_is_named(n, "feature") &&
		    (xml_attribute_is(n, "name", "vmx") || xml_attribute_is(n, "name", "svm")))
			return !xml_attribute_is(n, "policy", "disable") &&
			       !xml_attribute_is(n, "policy", "forbid");
	return xml_attribute_is(cpu, "mode", "host-passthrough") ||
	       xml_attribute_is(cpu, "mode", "maximum");
}

static void read_topology(struct audit_reading *r, const xmlNode *n)
{
	struct audit_guest *g = r->guest;

	g->dies = 1; /* before libvirt 6 there was no other number */
	virt_audit_read_number(r, n, "sockets", KT_CPUS_MAX, &g->sockets);
	virt_audit_read_number(r, n, "dies", KT_CPUS_MAX, &g->dies);
	virt_audit_read_number(r, n, "cores", KT_CPUS_MAX, &g->cores);
	virt_audit_read_number(r, n, "threads", KT_CPUS_MAX, &g->threads);
}

static void read_cpu(struct audit_reading *r, const xmlNode *cpu)
{
	const xmlNode *topology = xml_find_child(cpu, "topology");
	const xmlNode *cache = xml_find_child(cpu, "cache");
	const xmlNode *numa = xml_find_child(cpu, "numa");
	XML_AUTO_TEXT xmlChar *mode = cpu ? xml_attribute(cpu, "mode") : NULL;
	struct audit_guest *g = r->guest;

	if (!cpu)
		return;
	if (mode)
		str_escape((const char *)mode, g->cpu_mode, sizeof g->cpu_mode);
	g->has_l3_cache = cache && is_l3_cache(cache);
	g->uses_nested = offers_nested(cpu);
	if (topology)
		read_topology(r, topology);
	for (const xmlNode *n = xml_first_child(numa); n; n = xml_next_element(n->next))
		g->nnuma_cells += xml_is_named(n, "cell");
}

static bool is_on(const xmlNode *parent, const char *name)
{
	const xmlNode *n = xml_find_child(parent, name);

	return n && xml_attribute_is(n, "state", "on");
}

/* Hyper-V's clock has no default: it is there when it is asked for. */
static void read_clock(struct audit_guest *g, const xmlNode *clock)
{
	for (const xmlNode *n = xml_first_child(clock); n; n = xml_next_element(n->next)) {
		if (!xml_is_named(n, "timer"))
			continue;
		if (xml_attribute_is(n, "name", "kvmclock"))
			g->kvmclock_off = xml_attribute_is(n, "present", "no");
		else if (xml_attribute_is(n, "name", "hypervclock"))
			g->uses_hyperv_clock = xml_attribute_is(n, "present", "yes");
	}
}

/* ---- all of it --------------------------------------------------------------------------- */

static enum guest_emulation emulation_of(const xmlNode *root)
{
	if (xml_attribute_is(root, "type", "kvm"))
		return GUEST_KVM;
	return xml_attribute_is(root, "type", "qemu") ? GUEST_TCG : GUEST_OTHER;
}

void virt_audit_read(const xmlNode *root, const struct cpumask *host_cpus, struct audit_guest *ret)
{
	struct audit_reading r = { .guest = ret, .host_cpus = *host_cpus };
	const xmlNode *kvm = xml_find_child(xml_find_child(root, "features"), "kvm");

	memset(ret, 0, sizeof *ret); /* guests are compared as bytes */
	ret->emulation = emulation_of(root);
	read_threads(&r, root);
	read_cpu(&r, xml_find_child(root, "cpu"));
	ret->hint_dedicated = is_on(kvm, "hint-dedicated");
	ret->poll_control = is_on(kvm, "poll-control");
	read_clock(ret, xml_find_child(root, "clock"));
	virt_audit_read_memory(&r, root);
	virt_audit_read_devices(&r, xml_find_child(root, "devices"));
	ret->known = !r.odd;
}

void virt_audit_complete(struct audit_guest *live, const struct audit_guest *persistent)
{
	if (strcmp(live->cpu_mode, "custom") != 0)
		return;
	if (persistent)
		memcpy(live->cpu_mode, persistent->cpu_mode, sizeof live->cpu_mode);
	else
		live->cpu_mode_hidden = true;
}
