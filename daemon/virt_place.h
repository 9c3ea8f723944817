/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of the domain XML that says where a guest may be, and what it is made of. */
#ifndef KT_VIRT_PLACE_H
#define KT_VIRT_PLACE_H

#include <libxml/tree.h>

#include "virt_domain.h"

/* False: there is none, or it is not understood. */
bool virt_place_read_nodeset(const xmlNode *n, uint64_t *ret);
void virt_place_read_numatune(const xmlNode *n, struct domain_xml *x);
void virt_place_read_cells(const xmlNode *numa, struct domain_xml *x);
/* Called when all is read: cells that cannot be placed one by one are none. */
void virt_place_check_cells(struct domain_xml *x);
/* The host's end of one of its devices, if that lies on a node. */
void virt_place_read_device(const xmlNode *n, struct domain_xml *x);

#endif
