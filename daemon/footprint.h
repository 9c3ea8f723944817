/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KT_FOOTPRINT_H
#define KT_FOOTPRINT_H

/* Lets go of the program code that only the start needed, and of the memory that it has freed.
 * Nothing is lost: code that is needed again is mapped again from the page cache. */
void footprint_drop_startup_code(void);

#endif
