/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What has the operator, or an earlier kvmtuned, written into a guest's metadata? */
#include "virt_metadata.h"

#include <string.h>

#include "str.h"
#include "virt_xml.h"

#define POLICY_NAMESPACE "urn:kvmtuned:1"

/* The first thing that is wrong is enough to make somebody look. */
static void complain(struct domain_xml *x, const xmlAttr *attribute, const char *value,
		     const char *allowed)
{
	char name_text[32], value_text[48];

	if (x->complaint[0])
		return;
	if (str_format(x->complaint, sizeof x->complaint, "%s=\"%s\": %s",
		       str_escape((const char *)attribute->name, name_text, sizeof name_text),
		       str_escape(value, value_text, sizeof value_text), allowed) < 0)
		strcpy(x->complaint, "unreadable");
}

static const struct {
	const char *word;
	enum guest_switch is;
	bool of_placement;
} switches[] = {
	{ "off", GUEST_SWITCH_OFF, false },  { "observe", GUEST_SWITCH_OBSERVE, false },
	{ "on", GUEST_SWITCH_ON, false },    { "cpu", GUEST_SWITCH_CPU, true },
	{ "full", GUEST_SWITCH_FULL, true },
};

static void read_switch(const xmlAttr *attribute, const char *value, enum guest_switch *ret,
			struct domain_xml *x)
{
	bool placement = ret == &x->metadata.placement;

	for (size_t i = 0; i < KT_ARRAY_LEN(switches); i++) {
		if (strcmp(value, switches[i].word) != 0 ||
		    (switches[i].of_placement && !placement))
			continue;
		*ret = switches[i].is;
		return;
	}
	complain(x, attribute, value,
		 placement ? "off, observe, cpu, full or on" : "off, observe or on");
}

static void read_weight(const xmlAttr *attribute, const char *value, struct domain_xml *x)
{
	uint64_t weight;

	if (str_u64(value, &weight) == 0 && weight >= 1 && weight <= 1000)
		x->metadata.weight = (unsigned int)weight;
	else
		complain(x, attribute, value, "1 to 1000");
}

static void read_guarantee(const xmlAttr *attribute, const char *value, struct domain_xml *x)
{
	uint64_t mib;

	if (str_u64(value, &mib) == 0 && mib >= 1 && mib <= KT_GUARANTEE_MIB_MAX)
		x->metadata.min_guarantee_mib = mib;
	else
		complain(x, attribute, value, "MiB, 1 to 1073741824");
}

static void read_policy(const xmlNode *n, struct domain_xml *x)
{
	for (const xmlAttr *a = n->properties; a; a = a->next) {
		XML_AUTO_TEXT xmlChar *text = xmlNodeGetContent((const xmlNode *)a);
		const char *name = (const char *)a->name, *value = text ? (const char *)text : "";

		if (a->ns)
			continue; /* somebody else's */
		if (strcmp(name, "ksm") == 0)
			read_switch(a, value, &x->metadata.ksm, x);
		else if (strcmp(name, "placement") == 0)
			read_switch(a, value, &x->metadata.placement, x);
		else if (strcmp(name, "memory") == 0)
			read_switch(a, value, &x->metadata.memory, x);
		else if (strcmp(name, "weight") == 0)
			read_weight(a, value, x);
		else if (strcmp(name, "min_guarantee_mib") == 0)
			read_guarantee(a, value, x);
		else
			complain(x, a, value,
				 "only ksm, placement, memory, weight and min_guarantee_mib are "
				 "known");
	}
}

static bool read_marked_kib(const xmlNode *n, const char *name, uint64_t *ret)
{
	XML_AUTO_TEXT xmlChar *value = xml_attribute(n, name);

	*ret = KT_UNLIMITED_KIB;
	if (!value || strcmp((const char *)value, "unlimited") == 0)
		return value != NULL;
	return str_u64((const char *)value, ret) == 0 && *ret > 0 && *ret < VIRT_BEYOND_ANY_KIB;
}

/* What is given back by it must not be tighter than what is in force: whoever writes a mark
 * could freeze the guest. */
static void read_mark(const xmlNode *n, struct domain_xml *x)
{
	uint64_t limit_kib, original_kib;

	if (!read_marked_kib(n, "soft_limit_kib", &limit_kib) ||
	    !read_marked_kib(n, "original_kib", &original_kib) || original_kib <= limit_kib) {
		if (!x->complaint[0])
			strcpy(x->complaint, "limit: needs soft_limit_kib, and original_kib "
					     "(or unlimited) above it");
		return;
	}
	x->has_limit_mark = true;
	x->marked_limit_kib = limit_kib;
	x->marked_original_kib = original_kib;
}

void virt_metadata_read(const xmlNode *parent, struct domain_xml *x)
{
	for (const xmlNode *n = xml_first_child(parent); n; n = xml_next_element(n->next)) {
		if (xml_is_of(n, POLICY_NAMESPACE, "policy"))
			read_policy(n, x);
		else if (xml_is_of(n, VIRT_MARK_NAMESPACE, "limit"))
			read_mark(n, x);
	}
}
