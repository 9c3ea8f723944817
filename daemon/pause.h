/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What has the operator stopped for a while?
 *
 * A pause is a configuration with an end.  It survives a restart of the daemon (RUN_DIR/pauses)
 * and dies at boot, with everything else that we have set.
 *
 *	a guest paused	nothing of it is changed; a limit is lifted, for nobody would watch it
 *	a guest released	its pins and limits are given back, and it is left alone
 *	a loop paused	KSM and memory give back what is theirs, pins stay as they are */
#ifndef KT_PAUSE_H
#define KT_PAUSE_H

#include "policy_conf.h"
#include "sample.h"

enum { PAUSES_MAX = 256 };

struct guest_pause {
	struct uuid uuid;
	enum guest_hold hold;
	uint64_t until_ns; /* CLOCK_MONOTONIC, which ends with the boot as we do; UINT64_MAX: until
			      resumed */
};

struct pauses {
	uint64_t loop_until_ns[_LOOP_MAX]; /* 0: not paused */
	size_t n;
	struct guest_pause guest[PAUSES_MAX];
};

/* Of a loop, or of a guest. */
struct ended_pause {
	bool is_of_loop;
	enum kt_loop loop;
	struct guest_pause guest;
};

/* Forgets one whose time has come.  False: there is none (any more). */
bool pauses_take_ended(struct pauses *p, uint64_t now_ns, struct ended_pause *ret);
/* When the next one ends by itself; UINT64_MAX: none does. */
uint64_t pauses_next_end_ns(const struct pauses *p);

/* The configuration with what is paused, for one tick. */
void pauses_apply(const struct pauses *p, struct policy_conf *conf);
enum guest_hold pauses_of_guest(const struct pauses *p, const struct uuid *uuid,
				uint64_t *ret_until_ns);

/* In the place of what there is for this guest.  The oldest comes first in p->guest.
 * -ENOSPC: too many. */
int pauses_set_guest(struct pauses *p, const struct uuid *uuid, enum guest_hold hold,
		     uint64_t until_ns) KT_MUST_USE;
void pauses_clear_guest(struct pauses *p, const struct uuid *uuid);

/* RUN_DIR/pauses.  A file that is damaged is as none (and is said). */
void pauses_load(struct pauses *p, const char *run_dir);
int pauses_save(const struct pauses *p, const char *run_dir) KT_MUST_USE;

#endif
