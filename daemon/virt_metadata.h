/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of virt_domain that reads <metadata>: wishes, and the mark of a limit. */
#ifndef KT_VIRT_METADATA_H
#define KT_VIRT_METADATA_H

#include <libxml/tree.h>

#include "virt_domain.h"

void virt_metadata_read(const xmlNode *metadata, struct domain_xml *x);

#endif
