/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which file of the host cannot be read, though there is one? */
#ifndef KT_TROUBLE_H
#define KT_TROUBLE_H

#include <stdint.h>

struct kvmtuned;

/* After each reading that did not fail as a whole: says what is new. */
void trouble_say(struct kvmtuned *k, uint64_t now_ns);

#endif
