/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where log events go: the journal with fields, else stderr.  In each tick all of them together
 * wait no longer than a second for a reader: what nobody takes is lost, and counted, and said
 * when somebody reads again. */
#ifndef KT_JOURNAL_H
#define KT_JOURNAL_H

#include "log.h"

enum journal_target {
	JOURNAL_AUTO,       /* the journal where stderr is connected to it, else stderr with <N>
			     */
	JOURNAL_FOREGROUND, /* readable lines on stderr */
};

void journal_open(enum journal_target target, enum log_level most_verbose);

/* The current tick's number, for the field KVMTUNED_CYCLE; what was lost is said now, if
 * somebody reads again. */
void journal_set_cycle(uint64_t cycle);

#endif
