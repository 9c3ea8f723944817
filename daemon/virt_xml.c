/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is this text a <domain>, and one that may be looked into? */
#include "virt_xml.h"

#include <errno.h>
#include <libxml/parser.h>

#include "virt_domain.h"

/* libvirt sends no DOCTYPE.  Whoever does wants entities, and they expand. */
static void refuse_doctype(void *context, const xmlChar *name, const xmlChar *external,
			   const xmlChar *system)
{
	(void)name;
	(void)external;
	(void)system;
	xmlStopParser(context);
}

static void free_parser(xmlParserCtxtPtr *parser)
{
	xmlFreeParserCtxt(*parser);
}

int xml_read_domain(const char *xml, size_t size, xmlDocPtr *ret)
{
	__attribute__((cleanup(free_parser))) xmlParserCtxtPtr parser = NULL;
	XML_AUTO_DOCUMENT xmlDocPtr document = NULL;
	const int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING;
	const xmlNode *root;

	if (size > VIRT_XML_MAX)
		return -E2BIG;
	parser = xmlNewParserCtxt();
	if (!parser)
		return -ENOMEM;
	parser->sax->internalSubset = refuse_doctype;
	document = xmlCtxtReadMemory(parser, xml, (int)size, NULL, NULL, options);
	root = document ? xmlDocGetRootElement(document) : NULL;
	if (!root || !xml_is_named(root, "domain"))
		return -EINVAL;
	*ret = document;
	document = NULL;
	return 0;
}
