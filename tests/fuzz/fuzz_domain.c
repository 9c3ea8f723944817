/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The XML of a guest, live and persistent, with its metadata and marks. */
#include "fuzz_said.h"
#include "pin_mark.h"
#include "virt_audit.h"
#include "virt_domain.h"
#include "virt_xml.h"

static void judge(const struct domain_xml *x, const struct cpumask *host_cpus)
{
	static struct domain guest;
	struct domain_judge j = { .live = x, .persistent = x, .host_cpus = *host_cpus };

	guest = (struct domain){ .soft_limit_kib = KT_UNLIMITED_KIB };
	virt_domain_judge(&j, &guest);
	j.persistent = NULL;
	j.own_pins = j.own_soft_limit = true;
	guest.soft_limit_kib = x->marked_limit_kib;
	virt_domain_judge(&j, &guest);
	FUZZ_CLAIM(guest.ncells <= KT_CELLS_MAX && guest.ndevices <= KT_DEVICES_MAX);
	guest.audit = x->audit;
	virt_audit_complete(&guest.audit, &x->audit);
}

/* Any letters: to the kernel an interface may be called so. */
static bool is_part_of_path(const char name[KT_DEVICE_MAX])
{
	return memchr(name, '\0', KT_DEVICE_MAX) && !strpbrk(name, "/\n") && *name &&
	       strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static void look(const struct domain_xml *x)
{
	FUZZ_CLAIM(fuzz_is_tame(x->complaint));
	FUZZ_CLAIM(x->ncells <= KT_CELLS_MAX && x->ndevices <= KT_DEVICES_MAX);
	for (size_t i = 0; i < x->ndevices; i++)
		FUZZ_CLAIM(is_part_of_path(x->device[i]));
	FUZZ_CLAIM(x->metadata.weight <= 1000);
	FUZZ_CLAIM(x->metadata.min_guarantee_mib <= KT_GUARANTEE_MIB_MAX);
	FUZZ_CLAIM(!x->has_limit_mark || x->marked_limit_kib < x->marked_original_kib);
}

/* Marks that are written and read again say the same; the namespace is libvirt's to add. */
static void write_marks(const struct pin_marks *marks)
{
	static const char before[] = "<domain><metadata xmlns='" PIN_MARK_NAMESPACE "'>";
	static const char after[] = "</metadata></domain>";
	PIN_MARKS_AUTO struct pin_marks again = { 0 };
	XML_AUTO_DOCUMENT xmlDocPtr document = NULL;
	char *text = pin_marks_text(marks), *xml;
	size_t size = strlen(text) + sizeof before + sizeof after;

	xml = malloc(size);
	(void)snprintf(xml, size, "%s%s%s", before, text, after);
	FUZZ_CLAIM(xml_read_domain(xml, strlen(xml), &document) == 0);
	FUZZ_CLAIM(pin_marks_read(xmlDocGetRootElement(document), &again) == 0);
	FUZZ_CLAIM(again.n == marks->n);
	for (size_t i = 0; i < again.n; i++)
		FUZZ_CLAIM(pin_marks_of(marks, &again.mark[i]) != NULL);
	free(xml);
	free(text);
}

static void read_marks(const char *xml, size_t size)
{
	PIN_MARKS_AUTO struct pin_marks marks = { 0 };
	PIN_MARKS_AUTO struct pin_marks pins = { 0 };
	XML_AUTO_DOCUMENT xmlDocPtr document = NULL;
	const xmlNode *root;

	if (xml_read_domain(xml, size, &document) < 0)
		return;
	root = xmlDocGetRootElement(document);
	if (pin_marks_read(root, &marks) == 0 && marks.n > 0)
		write_marks(&marks);
	FUZZ_CLAIM(pin_marks_read_pins(root, &pins) <= 0);
	for (size_t i = 0; i < pins.n; i++)
		FUZZ_CLAIM(pin_marks_of_thread(&pins, pins.mark[i].role, pins.mark[i].number));
}

/* On a host of eight CPUs, or with none that is known. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const struct cpumask cpus[] = { { { 0 } }, { { 0xff } } };
	static struct domain_xml x;
	char *xml = malloc(size + !size); /* not one byte more */

	FUZZ_CLAIM(xml);
	memcpy(xml, bytes, size);
	if (virt_domain_read(xml, size, &cpus[size % 2], &x) == 0) {
		look(&x);
		judge(&x, &cpus[size % 2]);
		read_marks(xml, size);
	}
	free(xml);
	return 0;
}
