/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is this text a <domain>, and one that may be looked into? */
#include "virt_xml.h"

#include <errno.h>
#include <libxml/parser.h>
#include <libxml/xmlmemory.h>
#include <pthread.h>

#include "virt_domain.h"

/* ---- memory that runs out ------------------------------------------------------------ */

/* libxml2 leaves out what it has no memory for, and answers as if it were not there. */
static _Thread_local bool lacked_memory;

static void *note(void *p, size_t size)
{
	if (!p && size > 0)
		lacked_memory = true;
	return p;
}

static void *noting_malloc(size_t size)
{
	return note(malloc(size), size);
}

static void *noting_realloc(void *old, size_t size)
{
	return note(realloc(old, size), size);
}

static char *noting_strdup(const char *text)
{
	return note(strdup(text), 1);
}

static void begin(void)
{
	(void)xmlMemSetup(free, noting_malloc, noting_realloc, noting_strdup); /* none is NULL */
	xmlInitParser();
}

/* It would write to stderr, which may wait for its reader. */
static void KT_PRINTF(2, 3) say_nothing(void *context, const char *fmt, ...)
{
	(void)context;
	(void)fmt;
}

void xml_begin(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, begin);
	xmlSetGenericErrorFunc(NULL, say_nothing); /* of this thread */
}

bool xml_lacked_memory(void)
{
	return lacked_memory;
}

/* ---- reading --------------------------------------------------------------------------- */

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
	xml_begin();
	lacked_memory = false;
	parser = xmlNewParserCtxt();
	if (!parser)
		return -ENOMEM;
	parser->sax->internalSubset = refuse_doctype;
	document = xmlCtxtReadMemory(parser, xml, (int)size, NULL, NULL, options);
	root = document ? xmlDocGetRootElement(document) : NULL;
	if (lacked_memory)
		return -ENOMEM;
	if (!root || !xml_is_named(root, "domain"))
		return -EINVAL;
	*ret = document;
	document = NULL;
	return 0;
}
