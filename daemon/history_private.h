/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of history share.  Nobody else includes it.
 *
 *	history.c         how the host was
 *	history_listen.c  what was decided and done
 */
#ifndef KT_HISTORY_PRIVATE_H
#define KT_HISTORY_PRIVATE_H

#include <pthread.h>

#include "history.h"

struct history {
	pthread_mutex_t lock; /* of decisions and counts */
	uint64_t last;
	struct decision decision[HISTORY_DECISIONS];
	struct uuid about[HISTORY_DECISIONS]; /* the same, for a search that stays in the cache */
	struct decision change[_LOOP_MAX];    /* seq 0: none so far */
	size_t ncounts;
	struct decision_count count[HISTORY_COUNTS];

	uint64_t nticks, nminutes; /* that there have been */
	unsigned int nticks_of_minute;
	struct history_point tick[HISTORY_TICKS], minute[HISTORY_MINUTES];
	uint32_t incarnation[KT_GUESTS_MAX];
	/* Percent and 1, so that 0 is not known; slot by slot, so that those which nobody has
	 * had yet cost no memory. */
	uint8_t local[KT_GUESTS_MAX][HISTORY_MINUTES];
};

#endif
