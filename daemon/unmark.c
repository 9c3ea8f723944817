/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which of what a guest's XML says did we put there?  That is taken out. */
#include "unmark.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "pin_mark.h"
#include "str.h"
#include "virt_domain.h"
#include "virt_metadata.h"
#include "virt_xml.h"

static void take_out(xmlNode *n)
{
	xmlUnlinkNode(n);
	xmlFreeNode(n);
}

static bool is_element(const xmlNode *n, const char *name)
{
	return n->type == XML_ELEMENT_NODE && !n->ns && xml_is_named(n, name);
}

static xmlNode *child_of(xmlNode *parent, const char *name)
{
	for (xmlNode *n = parent->children; n; n = n->next)
		if (is_element(n, name))
			return n;
	return NULL;
}

/* As libvirt prints it: no element without children. */
static void take_out_if_empty(xmlNode *n)
{
	if (n && !xml_first_child(n))
		take_out(n);
}

/* ---- pins ---------------------------------------------------------------------- */

static void put_back(xmlNode *n, const struct pin_mark *mark)
{
	char was[KT_CPULIST_MAX];

	if (mark->was_pinned)
		xmlSetProp(n, (const xmlChar *)"cpuset",
			   (const xmlChar *)cpumask_str(&mark->was, was, sizeof was));
	else
		take_out(n);
}

static int put_back_pins(xmlNode *domain)
{
	PIN_MARKS_AUTO struct pin_marks marks = { 0 };
	xmlNode *cputune = child_of(domain, "cputune");
	int r = pin_marks_read(domain, &marks);

	for (xmlNode *n = cputune ? cputune->children : NULL, *next; n && r == 0; n = next) {
		const struct pin_mark *mark = NULL;
		struct pin_mark pin;

		next = n->next;
		if (n->type == XML_ELEMENT_NODE && pin_read(n, &pin))
			mark = pin_marks_of(&marks, &pin);
		if (mark)
			put_back(n, mark);
	}
	if (marks.n > 0)
		take_out_if_empty(cputune);
	return r;
}

/* ---- the soft limit -------------------------------------------------------------- */

/* libvirt prints it in KiB. */
static bool limit_is(const xmlNode *n, uint64_t kib)
{
	XML_AUTO_TEXT xmlChar *text = xmlNodeGetContent(n);
	uint64_t found_kib;

	return xml_attribute_is(n, "unit", "KiB") && text &&
	       str_u64((const char *)text, &found_kib) == 0 && found_kib == kib;
}

static void put_back_limit(xmlNode *domain)
{
	xmlNode *memtune = child_of(domain, "memtune");
	xmlNode *limit = memtune ? child_of(memtune, "soft_limit") : NULL;
	struct domain_xml x = { 0 };
	char original[32];

	virt_metadata_read(xml_find_child(domain, "metadata"), &x);
	if (!x.has_limit_mark || !limit || !limit_is(limit, x.marked_limit_kib))
		return;
	(void)snprintf(original, sizeof original, "%" PRIu64, x.marked_original_kib);
	if (x.marked_original_kib != KT_UNLIMITED_KIB)
		xmlNodeSetContent(limit, (const xmlChar *)original);
	else
		take_out(limit);
	take_out_if_empty(memtune);
}

/* ---- the marks ------------------------------------------------------------------- */

static bool is_mark(const xmlNode *n)
{
	return n->type == XML_ELEMENT_NODE && (xml_is_of(n, PIN_MARK_NAMESPACE, "pins") ||
					       xml_is_of(n, VIRT_MARK_NAMESPACE, "limit"));
}

static bool take_out_marks_of(xmlNode *metadata)
{
	bool any = false;

	for (xmlNode *n = metadata->children, *next; n; n = next) {
		next = n->next;
		if (!is_mark(n))
			continue;
		take_out(n);
		any = true;
	}
	if (any)
		take_out_if_empty(metadata);
	return any;
}

/* False: there was none.  The second of several metadata would be the first one when that is
 * empty, and taken out. */
static bool take_out_marks(xmlNode *domain)
{
	bool any = false;

	for (xmlNode *n = domain->children, *next; n; n = next) {
		next = n->next;
		if (is_element(n, "metadata"))
			any |= take_out_marks_of(n);
	}
	return any;
}

/* 1: changed; 0: nothing is marked; -errno. */
static int change(xmlDocPtr document)
{
	xmlNode *root = xmlDocGetRootElement(document);
	int r = put_back_pins(root);

	if (r < 0)
		return r;
	put_back_limit(root);
	r = take_out_marks(root);
	return xml_lacked_memory() ? -ENOMEM : r;
}

/* ---- in and out -------------------------------------------------------------------- */

static int print(xmlDocPtr document, FILE *out)
{
	XML_AUTO_TEXT xmlChar *text = NULL;
	int size;

	xmlDocDumpMemory(document, &text, &size);
	if (!text || xml_lacked_memory())
		return -ENOMEM;
	return fwrite(text, 1, (size_t)size, out) == (size_t)size && fflush(out) == 0 ? 0 : -EIO;
}

int unmark_text(const char *xml, size_t size, FILE *out)
{
	XML_AUTO_DOCUMENT xmlDocPtr document = NULL;
	int r = xml_read_domain(xml, size, &document);

	if (r == 0)
		r = change(document);
	return r > 0 ? print(document, out) : r;
}

static int convert(FILE *in, FILE *out)
{
	KT_AUTOFREE char *xml = malloc(VIRT_XML_MAX + 1);
	size_t size;

	if (!xml)
		return -ENOMEM;
	size = fread(xml, 1, VIRT_XML_MAX + 1, in);
	return ferror(in) ? -EIO : unmark_text(xml, size, out);
}

int unmark(FILE *in, FILE *out, FILE *err)
{
	int r = convert(in, out);

	if (r < 0)
		fprintf(err, "kvmtuned: pins and limits of the guest are left as they are: %s\n",
			r == -EINVAL  ? "its XML, or a mark in it, cannot be understood"
			: r == -E2BIG ? "its XML is too large"
				      : strerror(-r));
	return EXIT_SUCCESS;
}
