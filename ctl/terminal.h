/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The terminal while a live picture is on it; given back however we end. */
#ifndef KT_CTL_TERMINAL_H
#define KT_CTL_TERMINAL_H

#include <stdint.h>

/* The other screen, no cursor, no echo, keys as they are pressed. */
void terminal_take(void);
void terminal_give_back(void);

/* How many lines it has. */
int terminal_rows(void);

/* Waits so long, at most, for a key; 0: none came. */
char terminal_key(uint64_t wait_s);

#endif
