/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the two halves of the import share: import.c reads and prints, import_value.c
 * knows what ksmtuned's values mean. */
#ifndef KT_IMPORT_PRIVATE_H
#define KT_IMPORT_PRIVATE_H

#include "conf_table.h"
#include "import_line.h"

enum import_key {
	KEY_INTERVAL,
	KEY_BOOST,
	KEY_DECAY,
	KEY_MIN,
	KEY_MAX,
	KEY_SLEEP,
	KEY_PERCENT,
	KEY_FLOOR,
	NVALUES, /* those above have an option */
	KEY_LOGFILE = NVALUES,
	KEY_DEBUG,
	KEY_PIDFILE,
	KEY_KERNEL_PAGES,
	KEY_PS_METRIC,
	NKEYS,
};

/* option: of [ksm], with a remark for the output; or note: why there is none. */
struct import_meaning {
	const char *name, *option, *remark, *note;
};

extern const struct import_meaning import_keys[NKEYS];

struct import {
	FILE *notes;
	char path[256]; /* escaped */
	unsigned int line, refusals;
	bool cr_said;
	struct import_line at;         /* its key is empty where no single line is meant */
	unsigned int seen_line[NKEYS]; /* 0: not in the file */
	bool is_set[NVALUES];
	uint64_t value[NVALUES];
};

/* "FILE:LINE: KEY=VALUE: what", where the key and value are those of im->at. */
void import_warn(struct import *im, const char *fmt, ...) KT_PRINTF(2, 3);
void import_refuse(struct import *im, const char *fmt, ...) KT_PRINTF(2, 3);

/* The option of [ksm] that has this name. */
const struct conf_option *import_option(const char *key);

/* Takes the value of im->at. */
void import_take_value(struct import *im, enum import_key key);

/* Once all is read: kvmtuned refuses a minimum above the maximum. */
void import_settle_min_and_max(struct import *im);

#endif
