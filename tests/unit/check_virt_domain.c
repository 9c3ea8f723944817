/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is domain XML understood, in every look it comes in, and survived in every other? */
#include <errno.h>
#include <string.h>

#include "kt_check.h"
#include "virt_domain.h"

static const struct cpumask any_host;

static char *load(const char *name, size_t *ret_size)
{
	char path[KT_PATH_MAX];
	KT_AUTOFCLOSE FILE *f = NULL;
	char *text = malloc(KT_FILE_MAX);

	ck_assert_ptr_nonnull(text);
	ck_assert_int_lt(snprintf(path, sizeof path, "%s/unit/xml/%s", KT_TESTS_DIR, name),
			 (int)sizeof path);
	f = fopen(path, "r");
	ck_assert_msg(f != NULL, "%s: %s", path, strerror(errno));
	*ret_size = fread(text, 1, KT_FILE_MAX, f);
	return text;
}

static int read_file(const char *name, struct domain_xml *ret)
{
	size_t size;
	KT_AUTOFREE char *text = load(name, &size);
	KT_AUTOFREE char *exact = malloc(size ? size : 1); /* so that ASan sees one byte too far */

	ck_assert_ptr_nonnull(exact);
	memcpy(exact, text, size);
	return virt_domain_read(exact, size, &any_host, ret);
}

#define MARK_COMPLAINT "limit: needs soft_limit_kib, and original_kib (or unlimited) above it"

static const struct {
	const char *file;
	struct domain_xml want;
	const char *pinned, *cpuset;
} documents[] = {
	{ "plain-9.xml", { 0 }, "", "" },
	{ "plain-1.2.xml", { 0 }, "", "" },
	{ "hostile-name.xml", { 0 }, "", "" },
	{ "nova-shared.xml", { .has_cpuset = true }, "", "2-15,18-31" },
	{ "nova-dedicated.xml",
	  { .has_pins = true,
	    .numa_policy = true,
	    .realtime = true,
	    .hugepages = true,
	    .locked = true,
	    .shared_memory = true },
	  "",
	  "" },
	{ "pin-vcpu.xml", { .has_pins = true }, "1", "" },
	{ "pin-emulator.xml", { .has_pins = true }, "5", "" },
	{ "pin-iothread.xml", { .has_pins = true }, "6-7", "" },
	{ "pin-all.xml", { .has_pins = true }, "0-7", "" },
	{ "pin-all-of-cpuset.xml", { .has_pins = true, .has_cpuset = true }, "2-3", "2-3" },
	{ "pin-too-high.xml", { .unreadable_cpus = true }, "", "" },
	{ "pin-garbage.xml", { .unreadable_cpus = true }, "", "" },
	{ "cachetune.xml", { .cache_policy = true }, "", "" },
	{ "emulatorsched.xml", { .realtime = true }, "", "" },
	{ "quota.xml", { .cpu_quota = true }, "", "" },
	{ "quota-global.xml", { .cpu_quota = true }, "", "" },
	{ "quota-none.xml", { 0 }, "", "" },
	{ "numatune-default-mode.xml", { .numa_policy = true }, "", "" },
	{ "numatune-interleave.xml", { .numa_policy = true }, "", "" },
	{ "numatune-restrictive.xml", { .has_memory_nodes = true, .memory_nodes = 1 }, "", "" },
	{ "numatune-two-nodes.xml", { .has_memory_nodes = true, .memory_nodes = 0x101 }, "", "" },
	{ "numatune-last-node.xml",
	  { .has_memory_nodes = true, .memory_nodes = UINT64_C(1) << 63 },
	  "",
	  "" },
	{ "numatune-too-high.xml", { .numa_policy = true }, "", "" },
	{ "numatune-garbage.xml", { .numa_policy = true }, "", "" },
	{ "numatune-restrictive-auto.xml", { .placement_auto = true }, "", "" },
	{ "numatune-memnode.xml",
	  { .numa_policy = true, .has_memory_nodes = true, .memory_nodes = 3 },
	  "",
	  "" },
	{ "placement-auto.xml", { .placement_auto = true, .numa_policy = true }, "", "" },
	{ "memtune.xml", { .has_other_limit = true }, "", "" },
	{ "memtune-soft.xml", { .has_soft_limit = true }, "", "" },
	{ "memfd-shared.xml", { .shared_memory = true }, "", "" },
	{ "file-backed.xml", { .shared_memory = true }, "", "" },
	{ "anonymous.xml", { .nosharepages = true }, "", "" },
	{ "hostdev-pci.xml", { .vfio = true }, "", "" },
	{ "hostdev-mdev.xml", { .vfio = true }, "", "" },
	{ "interface-hostdev.xml", { .vfio = true }, "", "" },
	{ "interface-vdpa.xml", { .vfio = true }, "", "" },
	{ "disk-nvme.xml", { .vfio = true }, "", "" },
	{ "dimm-shared.xml", { .shared_memory = true }, "", "" },
	{ "sev.xml", { .confidential = true }, "", "" },
	{ "metadata-good.xml",
	  { .metadata = { GUEST_SWITCH_OFF, GUEST_SWITCH_OBSERVE, GUEST_SWITCH_ON, 250, 2048 } },
	  "",
	  "" },
	{ "metadata-partial.xml",
	  { .metadata = { .placement = GUEST_SWITCH_OFF, .weight = 1000 } },
	  "",
	  "" },
	{ "metadata-bad-switch.xml",
	  { .metadata = { .ksm = GUEST_SWITCH_ON, .memory = GUEST_SWITCH_OBSERVE },
	    .complaint = "placement=\"Off\": off, observe, cpu, full or on" },
	  "",
	  "" },
	{ "metadata-bad-weight.xml",
	  { .metadata = { .ksm = GUEST_SWITCH_ON }, .complaint = "weight=\"1001\": 1 to 1000" },
	  "",
	  "" },
	{ "metadata-zero-weight.xml", { .complaint = "weight=\"0\": 1 to 1000" }, "", "" },
	{ "metadata-unknown.xml",
	  { .metadata = { .memory = GUEST_SWITCH_OFF },
	    .complaint = "swap=\"on\": only ksm, placement, memory, weight and "
			 "min_guarantee_mib are known" },
	  "",
	  "" },
	{ "metadata-other-namespace.xml", { 0 }, "", "" },
	{ "metadata-placement.xml", { .metadata = { .placement = GUEST_SWITCH_CPU } }, "", "" },
	{ "metadata-placement-full.xml",
	  { .metadata = { .placement = GUEST_SWITCH_FULL } },
	  "",
	  "" },
	{ "metadata-not-placement.xml",
	  { .complaint = "ksm=\"full\": off, observe or on" },
	  "",
	  "" },
	{ "metadata-bad-guarantee.xml",
	  { .complaint = "min_guarantee_mib=\"1073741825\": MiB, 1 to 1073741824" },
	  "",
	  "" },
	{ "emulated.xml", { .emulated = true }, "", "" },
	{ "mark.xml",
	  { .has_soft_limit = true,
	    .has_limit_mark = true,
	    .marked_limit_kib = 1048576,
	    .marked_original_kib = KT_UNLIMITED_KIB },
	  "",
	  "" },
	{ "mark-original.xml",
	  { .has_soft_limit = true,
	    .has_limit_mark = true,
	    .marked_limit_kib = 1048576,
	    .marked_original_kib = 1048577 },
	  "",
	  "" },
	{ "mark-tighter.xml", { .has_soft_limit = true, .complaint = MARK_COMPLAINT }, "", "" },
	{ "mark-nothing.xml", { .complaint = MARK_COMPLAINT }, "", "" },
	{ "mark-unlimited.xml", { .complaint = MARK_COMPLAINT }, "", "" },
	{ "mark-nought.xml", { .complaint = MARK_COMPLAINT }, "", "" },
	{ "mark-negative.xml", { .complaint = MARK_COMPLAINT }, "", "" },
	{ "mark-too-high.xml", { .complaint = MARK_COMPLAINT }, "", "" },
	{ "mark-other-namespace.xml", { 0 }, "", "" },
	{ "pins-marked.xml", { .has_pins = true, .has_marked_pins = true }, "1", "" },
	{ "pins-half-marked.xml",
	  { .has_pins = true, .has_marked_pins = true, .has_unmarked_pins = true },
	  "1",
	  "" },
	{ "pins-mark-bad.xml",
	  { .has_pins = true,
	    .has_unmarked_pins = true,
	    .complaint = "pins: each needs of, number, cpus and was" },
	  "1",
	  "" },
	{ "cells-two.xml", { 0 }, "", "" },
	{ "cells-unplugged.xml", { 0 }, "", "" },
	{ "cells-eight.xml", { 0 }, "", "" },
	{ "cells-nine.xml", { 0 }, "", "" },
	{ "cells-vcpu-without.xml", { 0 }, "", "" },
	{ "cells-overlap.xml", { 0 }, "", "" },
	{ "cells-memory-only.xml", { 0 }, "", "" },
	{ "cells-unit.xml", { 0 }, "", "" },
	{ "cells-bad-cpus.xml", { 0 }, "", "" },
	{ "cells-bad-id.xml", { 0 }, "", "" },
	{ "cells-no-memory.xml", { 0 }, "", "" },
	{ "cells-no-vcpu.xml", { 0 }, "", "" },
	{ "cells-many-vcpus.xml", { 0 }, "", "" },
	{ "devices-network.xml", { 0 }, "", "" },
	{ "devices-hostile.xml", { 0 }, "", "" },
	{ "devices-pci.xml", { .vfio = true }, "", "" },
	{ "devices-bad-pci.xml", { .vfio = true }, "", "" },
	{ "devices-ten.xml", { .vfio = true }, "", "" },
	{ "metadata-hostile.xml",
	  { .complaint = "placement=\"\\x0a<3>kernel: %s%n \\x22\\x5c\\x0d[31m \\xc3\\x84..\": "
			 "off, observe, cpu, full or on" },
	  "",
	  "" },
};

/* Of documents that say so; one blank behind each. */
static const struct {
	const char *file, *devices, *cells;
} places[] = {
	{ "plain-9.xml", "br0 ", "" },
	{ "nova-dedicated.xml", "", "0-1:8388608 " },
	{ "hostdev-pci.xml", "0000:3b:00.0 ", "" },
	{ "interface-hostdev.xml", "0000:00:07.1 ", "" },
	{ "disk-nvme.xml", "0000:01:00.0 ", "" },
	{ "cells-two.xml", "", "0-1:1048576 2-3:1048576 " },
	{ "cells-unplugged.xml", "", "0,2:1048576 1,3:1048576 " },
	{ "cells-eight.xml", "",
	  "0:1048576 1:1048576 2:1048576 3:1048576 4:1048576 5:1048576 6:1048576 7:1048576 " },
	{ "devices-network.xml", "eno1 br0 virbr0 ", "" },
	{ "devices-hostile.xml", "fifteen-bytes-x ", "" },
	{ "devices-pci.xml", "0000:3b:00.0 10000:e1:1f.7 0000:3c:01.1 0000:3b:00.1 ", "" },
	{ "devices-ten.xml",
	  "0000:10:00.0 0000:11:00.0 0000:12:00.0 0000:13:00.0 0000:14:00.0 0000:15:00.0 "
	  "0000:16:00.0 0000:17:00.0 ",
	  "" },
};

static const char *devices_of(const char *file)
{
	for (size_t i = 0; i < KT_ARRAY_LEN(places); i++)
		if (strcmp(places[i].file, file) == 0)
			return places[i].devices;
	return "";
}

static const char *cells_of(const char *file)
{
	for (size_t i = 0; i < KT_ARRAY_LEN(places); i++)
		if (strcmp(places[i].file, file) == 0)
			return places[i].cells;
	return "";
}

static void check_devices(const struct domain_xml *x, const char *file)
{
	char text[KT_DEVICES_MAX * (KT_DEVICE_MAX + 1) + 1] = "";

	for (unsigned int i = 0; i < x->ndevices; i++) {
		strcat(text, x->device[i]);
		strcat(text, " ");
	}
	ck_assert_msg(strcmp(text, devices_of(file)) == 0, "%s: %s", file, text);
}

static void check_cells(const struct domain_xml *x, const char *file)
{
	static const struct guest_cell none;
	char cpus[KT_CPULIST_MAX], text[KT_CPULIST_MAX] = "";

	for (unsigned int i = 0; i < x->ncells; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s:%llu ",
			 cpumask_str(&x->cell[i].vcpus, cpus, sizeof cpus),
			 (unsigned long long)x->cell[i].memory_kib);
	ck_assert_msg(strcmp(text, cells_of(file)) == 0, "%s: %s", file, text);
	/* guests are compared as bytes: what is not a cell is nothing */
	for (unsigned int i = x->ncells; i < KT_CELLS_MAX; i++)
		ck_assert_mem_eq(&x->cell[i], &none, sizeof none);
}

#define SAME(field)                                                                                \
	ck_assert_msg(x.field == want->field, "%s: " #field " is %d", file, (int)x.field)

START_TEST(each_document_says_what_it_says)
{
	const struct domain_xml *want = &documents[_i].want;
	const char *file = documents[_i].file;
	char text[KT_CPULIST_MAX];
	struct domain_xml x;

	ck_assert_msg(read_file(file, &x) == 0, "%s is not understood", file);
	SAME(has_pins);
	SAME(has_marked_pins);
	ck_assert_msg(x.has_unmarked_pins ==
			      (want->has_unmarked_pins || (x.has_pins && !x.has_marked_pins)),
		      "%s", file);
	SAME(numa_policy);
	SAME(cache_policy);
	SAME(unreadable_cpus);
	SAME(has_soft_limit);
	SAME(has_other_limit);
	SAME(placement_auto);
	SAME(realtime);
	SAME(cpu_quota);
	SAME(hugepages);
	SAME(locked);
	SAME(shared_memory);
	SAME(nosharepages);
	SAME(vfio);
	SAME(confidential);
	SAME(has_cpuset);
	SAME(has_memory_nodes);
	ck_assert_msg(x.memory_nodes == want->memory_nodes, "%s", file);
	check_devices(&x, file);
	check_cells(&x, file);
	SAME(metadata.ksm);
	SAME(metadata.placement);
	SAME(metadata.memory);
	SAME(metadata.weight);
	SAME(metadata.min_guarantee_mib);
	SAME(emulated);
	SAME(has_limit_mark);
	SAME(marked_limit_kib);
	SAME(marked_original_kib);
	ck_assert_str_eq(cpumask_str(&x.pinned, text, sizeof text), documents[_i].pinned);
	ck_assert_str_eq(cpumask_str(&x.cpuset, text, sizeof text), documents[_i].cpuset);
	ck_assert_str_eq(x.complaint, want->complaint);
}
END_TEST

static const char *const refused[] = {
	"doctype.xml", "doctype-external.xml", "not-a-domain.xml", "two-roots.xml",
	"empty.xml",   "bad-utf8.xml",
};

START_TEST(what_is_no_domain_is_refused_and_nothing_is_answered)
{
	struct domain_xml x = { .complaint = "untouched" };

	ck_assert_msg(read_file(refused[_i], &x) == -EINVAL, "%s is accepted", refused[_i]);
	ck_assert_str_eq(x.complaint, "untouched");
}
END_TEST

START_TEST(no_cut_document_is_taken_for_a_whole_one)
{
	static const char end[] = "</domain>";
	size_t size;
	KT_AUTOFREE char *text = load("nova-dedicated.xml", &size);
	struct domain_xml x;

	while (memcmp(text + size - strlen(end), end, strlen(end)) != 0)
		size--;
	ck_assert_int_eq(virt_domain_read(text, size, &any_host, &x), 0);
	while (size-- > 0)
		ck_assert_msg(virt_domain_read(text, size, &any_host, &x) == -EINVAL, "cut at %zu",
			      size);
}
END_TEST

static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* The answer may be anything; the sanitizers watch. */
START_TEST(damaged_documents_are_survived)
{
	uint32_t random = 2463534242U + (uint32_t)_i;
	size_t size, understood = 0, rounds = 400;
	KT_AUTOFREE char *text = load(documents[_i].file, &size);
	KT_AUTOFREE char *damaged = malloc(size);
	struct domain_xml x;

	ck_assert_ptr_nonnull(damaged);
	for (size_t round = 0; round < rounds; round++) {
		int r;

		memcpy(damaged, text, size);
		for (uint32_t n = next_random(&random) % 4 + 1; n > 0; n--)
			damaged[next_random(&random) % size] = (char)next_random(&random);
		r = virt_domain_read(damaged, size, &any_host, &x);
		ck_assert_msg(r == 0 || r == -EINVAL, "%s: %d", documents[_i].file, r);
		ck_assert_ptr_nonnull(memchr(r == 0 ? x.complaint : "", '\0', sizeof x.complaint));
		understood += r == 0;
	}
	ck_assert_msg(understood > 0 && understood < rounds, "%zu of %zu", understood, rounds);
}
END_TEST

START_TEST(size_is_bounded)
{
	const size_t size = 10 * 1024 * 1024;
	KT_AUTOFREE char *garbage = malloc(size);
	struct domain_xml x;

	ck_assert_ptr_nonnull(garbage);
	for (size_t i = 0; i < size; i++)
		garbage[i] = (char)(i * 131 + i / 251);
	ck_assert_int_eq(virt_domain_read(garbage, size, &any_host, &x), -E2BIG);
	ck_assert_int_eq(virt_domain_read(garbage, VIRT_XML_MAX + 1, &any_host, &x), -E2BIG);
	ck_assert_int_eq(virt_domain_read(garbage, VIRT_XML_MAX, &any_host, &x), -EINVAL);
}
END_TEST

/* libvirt itself nests about ten deep. */
static int read_nested(size_t depth)
{
	KT_AUTOFREE char *text = malloc(depth * 7 + 64);
	struct domain_xml x;
	char *end = text;

	ck_assert_ptr_nonnull(text);
	end = stpcpy(end, "<domain>");
	for (size_t i = 0; i < depth; i++)
		end = stpcpy(end, "<a>");
	for (size_t i = 0; i < depth; i++)
		end = stpcpy(end, "</a>");
	end = stpcpy(end, "</domain>");
	return virt_domain_read(text, (size_t)(end - text), &any_host, &x);
}

START_TEST(nesting_is_bounded)
{
	ck_assert_int_eq(read_nested(100), 0);
	ck_assert_int_eq(read_nested(100 * 1000), -EINVAL);
}
END_TEST

START_TEST(a_hundred_thousand_pins_are_one_pin)
{
	static const char pin[] = "<vcpupin vcpu='1' cpuset='3'/>";
	const size_t n = 100 * 1000;
	KT_AUTOFREE char *text = malloc(n * strlen(pin) + 128);
	struct domain_xml x;
	char *end = text;

	ck_assert_ptr_nonnull(text);
	end = stpcpy(end, "<domain><cputune>");
	for (size_t i = 0; i < n; i++)
		end = stpcpy(end, pin);
	end = stpcpy(end, "</cputune></domain>");
	ck_assert_int_eq(virt_domain_read(text, (size_t)(end - text), &any_host, &x), 0);
	ck_assert(x.has_pins && cpumask_count(&x.pinned) == 1);
}
END_TEST

/* ---- judging ------------------------------------------------------------------ */

#define NONE KT_UNLIMITED_KIB

static const struct {
	const char *name, *live, *persistent, *host;
	bool own_pins, own_soft_limit;
	uint64_t soft_limit_kib;
	bool admin_pins, admin_memtune;
} verdicts[] = {
	{ "nothing is set", "plain-9.xml", "plain-9.xml", "0-7", false, false, NONE, false, false },
	{ "transient", "plain-9.xml", NULL, "0-7", false, false, NONE, false, false },
	{ "live pins of somebody", "pin-vcpu.xml", "plain-9.xml", "0-7", false, false, NONE, true,
	  false },
	{ "live pins of ours", "pin-vcpu.xml", "plain-9.xml", "0-7", true, false, NONE, false,
	  false },
	{ "ours, but persistent ones too", "pin-vcpu.xml", "pin-vcpu.xml", "0-7", true, false, NONE,
	  true, false },
	{ "only persistent", "plain-9.xml", "pin-emulator.xml", "0-7", false, false, NONE, true,
	  false },
	{ "live pins to every CPU", "pin-all.xml", "plain-9.xml", "0-7", false, false, NONE, false,
	  false },
	{ "... but one", "pin-all.xml", "plain-9.xml", "0-8", false, false, NONE, true, false },
	{ "... of an unknown host", "pin-all.xml", "plain-9.xml", "", false, false, NONE, true,
	  false },
	{ "... kept for the next start", "plain-9.xml", "pin-all.xml", "0-7", false, false, NONE,
	  true, false },
	{ "to all of the envelope", "pin-all-of-cpuset.xml", NULL, "0-7", false, false, NONE, false,
	  false },
	{ "an envelope is no pin", "nova-shared.xml", "nova-shared.xml", "0-31", false, false, NONE,
	  false, false },
	{ "pins with our mark", "pins-marked.xml", "plain-9.xml", "0-7", false, false, NONE, false,
	  false },
	{ "... but one", "pins-half-marked.xml", NULL, "0-7", false, false, NONE, true, false },
	{ "... in persistent XML", "plain-9.xml", "pins-marked.xml", "0-7", false, false, NONE,
	  true, false },
	{ "a NUMA policy is never ours", "numatune-interleave.xml", NULL, "0-7", true, false, NONE,
	  true, false },
	{ "nor in persistent XML", "plain-9.xml", "numatune-interleave.xml", "0-7", true, false,
	  NONE, true, false },
	{ "nodes to choose from are an envelope", "numatune-restrictive.xml",
	  "numatune-restrictive.xml", "0-7", false, false, NONE, false, false },
	{ "a place for each cell is not", "numatune-memnode.xml", NULL, "0-7", false, false, NONE,
	  true, false },
	{ "nor is a share of cache", "cachetune.xml", NULL, "0-7", true, false, NONE, true, false },
	{ "what we cannot read is not ours", "pin-too-high.xml", NULL, "0-7", true, false, NONE,
	  true, false },
	{ "a soft limit of somebody", "memtune-soft.xml", NULL, "0-7", false, false, 1048576, false,
	  true },
	{ "a soft limit of ours", "memtune-soft.xml", "plain-9.xml", "0-7", false, true, 1048576,
	  false, false },
	{ "a soft limit with our mark", "mark.xml", "plain-9.xml", "0-7", false, false, 1048576,
	  false, false },
	{ "... that is another now", "mark.xml", "plain-9.xml", "0-7", false, false, 1048572, false,
	  true },
	{ "... and a persistent one", "mark.xml", "memtune-soft.xml", "0-7", false, false, 1048576,
	  false, true },
	{ "a mark in persistent XML is none", "memtune-soft.xml", "mark-persistent.xml", "0-7",
	  false, false, 1048576, false, true },
	{ "ours, but a persistent one too", "memtune-soft.xml", "memtune-soft.xml", "0-7", false,
	  true, 1048576, false, true },
	{ "a hard limit is never ours", "memtune.xml", "plain-9.xml", "0-7", false, true, NONE,
	  false, true },
	{ "a persistent hard limit", "plain-9.xml", "memtune.xml", "0-7", false, false, NONE, false,
	  true },
};

START_TEST(what_is_the_admins_is_told_from_what_is_ours)
{
	struct domain_xml live, persistent;
	struct domain_judge judge = {
		.live = &live,
		.own_pins = verdicts[_i].own_pins,
		.own_soft_limit = verdicts[_i].own_soft_limit,
	};
	struct domain guest = { .soft_limit_kib = verdicts[_i].soft_limit_kib };

	ck_assert_int_eq(cpumask_parse(verdicts[_i].host, &judge.host_cpus), 0);
	ck_assert_int_eq(read_file(verdicts[_i].live, &live), 0);
	if (verdicts[_i].persistent) {
		ck_assert_int_eq(read_file(verdicts[_i].persistent, &persistent), 0);
		judge.persistent = &persistent;
	}
	virt_domain_judge(&judge, &guest);
	ck_assert_msg(guest.admin_pins == verdicts[_i].admin_pins, "%s: pins", verdicts[_i].name);
	ck_assert_msg(guest.admin_memtune == verdicts[_i].admin_memtune, "%s: memtune",
		      verdicts[_i].name);
}
END_TEST

START_TEST(every_fact_of_the_live_xml_reaches_the_guest)
{
	struct domain_xml live = {
		.placement_auto = true,
		.realtime = true,
		.cpu_quota = true,
		.hugepages = true,
		.locked = true,
		.shared_memory = true,
		.nosharepages = true,
		.vfio = true,
		.confidential = true,
		.has_cpuset = true,
		.has_memory_nodes = true,
		.memory_nodes = 5,
		.ncells = 2,
		.cell = { { .memory_kib = 6 }, { .memory_kib = 8 } },
		.ndevices = 1,
		.device = { "br0" },
		.metadata = { .memory = GUEST_SWITCH_ON, .weight = 7, .min_guarantee_mib = 11 },
		.emulated = true,
		.has_limit_mark = true,
		.marked_limit_kib = 12,
		.marked_original_kib = 13,
	};
	const struct domain_xml persistent = { 0 };
	struct domain_judge judge = { .live = &live, .persistent = &persistent };
	struct domain g = { .soft_limit_kib = KT_UNLIMITED_KIB };

	cpumask_set(&live.cpuset, 9);
	virt_domain_judge(&judge, &g);
	ck_assert(g.placement_auto && g.realtime && g.hugepages && g.locked && g.shared_memory);
	ck_assert(g.nosharepages && g.vfio && g.confidential && g.has_cpuset && g.cpu_quota);
	ck_assert(cpumask_equal(&g.cpuset, &live.cpuset));
	ck_assert(g.has_memory_nodes && g.memory_nodes == 5);
	ck_assert(g.ncells == 2 && g.cell[1].memory_kib == 8 && g.ndevices == 1);
	ck_assert_str_eq(g.device[0], "br0");
	ck_assert_uint_eq(g.metadata.weight, 7);
	ck_assert_uint_eq(g.metadata.min_guarantee_mib, 11);
	ck_assert(g.emulated && g.has_limit_mark);
	ck_assert(g.marked_limit_kib == 12 && g.marked_original_kib == 13);
	ck_assert_int_eq(g.metadata.memory, GUEST_SWITCH_ON);
}
END_TEST

int main(void)
{
	const int ndocuments = (int)KT_ARRAY_LEN(documents);
	Suite *s = suite_create("virt_domain");
	TCase *c = tcase_create("virt_domain");

	tcase_set_timeout(c, 60); /* sanitizers on a busy machine */
	tcase_add_loop_test(c, each_document_says_what_it_says, 0, ndocuments);
	tcase_add_loop_test(c, what_is_no_domain_is_refused_and_nothing_is_answered, 0,
			    (int)KT_ARRAY_LEN(refused));
	tcase_add_test(c, no_cut_document_is_taken_for_a_whole_one);
	tcase_add_loop_test(c, damaged_documents_are_survived, 0, ndocuments);
	tcase_add_test(c, size_is_bounded);
	tcase_add_test(c, nesting_is_bounded);
	tcase_add_test(c, a_hundred_thousand_pins_are_one_pin);
	tcase_add_loop_test(c, what_is_the_admins_is_told_from_what_is_ours, 0,
			    (int)KT_ARRAY_LEN(verdicts));
	tcase_add_test(c, every_fact_of_the_live_xml_reaches_the_guest);
	suite_add_tcase(s, c);
	return kt_run(s);
}
