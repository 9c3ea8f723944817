/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The few words of libxml2 that reading a domain needs. */
#ifndef KT_VIRT_XML_H
#define KT_VIRT_XML_H

#include <libxml/tree.h>
#include <stdbool.h>
#include <string.h>

#include "util.h"

static inline void xml_free_text(xmlChar **text)
{
	if (*text)
		xmlFree(*text);
}

#define XML_AUTO_TEXT __attribute__((cleanup(xml_free_text)))

static inline void xml_free_document(xmlDocPtr *document)
{
	xmlFreeDoc(*document);
}

#define XML_AUTO_DOCUMENT __attribute__((cleanup(xml_free_document)))

/* Before the first thread that reads XML, and first of all in that thread: libxml2 (2.9) does not
 * survive it when there is no memory for what it keeps for each thread. */
void xml_begin(void);

/* No network, no DOCTYPE, VIRT_XML_MAX bytes at most.  -EINVAL: not a <domain> document;
 * -E2BIG; -ENOMEM. */
int xml_read_domain(const char *xml, size_t size, xmlDocPtr *ret) KT_MUST_USE;

/* Since this thread began to read its last document: an attribute or a text may then have been
 * taken for one that is not there, and nothing that was found in it is to be believed. */
bool xml_lacked_memory(void) KT_MUST_USE;

static inline const xmlNode *xml_next_element(const xmlNode *n)
{
	while (n && n->type != XML_ELEMENT_NODE)
		n = n->next;
	return n;
}

/* What is not there has no children. */
static inline const xmlNode *xml_first_child(const xmlNode *parent)
{
	return parent ? xml_next_element(parent->children) : NULL;
}

static inline bool xml_is_named(const xmlNode *n, const char *name)
{
	return strcmp((const char *)n->name, name) == 0;
}

static inline const xmlNode *xml_find_child(const xmlNode *parent, const char *name)
{
	for (const xmlNode *n = xml_first_child(parent); n; n = xml_next_element(n->next))
		if (xml_is_named(n, name))
			return n;
	return NULL;
}

static inline bool xml_has_attribute(const xmlNode *n, const char *name)
{
	return xmlHasNsProp(n, (const xmlChar *)name, NULL) != NULL;
}

static inline xmlChar *xml_attribute(const xmlNode *n, const char *name)
{
	return xmlGetNoNsProp(n, (const xmlChar *)name);
}

static inline bool xml_attribute_is(const xmlNode *n, const char *name, const char *expected)
{
	XML_AUTO_TEXT xmlChar *value = xml_attribute(n, name);

	return value && strcmp((const char *)value, expected) == 0;
}

/* An element of ours in <metadata>. */
static inline bool xml_is_of(const xmlNode *n, const char *namespace, const char *name)
{
	return n->ns && n->ns->href && xml_is_named(n, name) &&
	       strcmp((const char *)n->ns->href, namespace) == 0;
}

#endif
