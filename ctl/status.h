/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of the status that are shown in more than one place. */
#ifndef KT_CTL_STATUS_H
#define KT_CTL_STATUS_H

#include "table.h"

/* status_check.c: whether everything below can be shown. */
bool status_is_proper(struct json_object *status) KT_MUST_USE;
bool status_guest_is_proper(struct json_object *guest) KT_MUST_USE;

/* Some lines: the daemon, libvirt, the tick, the host. */
void status_print_header(struct json_object *status, FILE *out);
struct table status_loops(const struct options *o, struct json_object *status);
/* Of json_object arrays' elements. */
struct table status_guests(const struct options *o, struct json_object *const *guests, size_t n);
/* "yes", or what keeps all loops from acting on it. */
void status_managed(struct json_object *guest, char *buf, size_t size);

#endif
