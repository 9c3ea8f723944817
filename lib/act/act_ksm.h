/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is remembered of the files below /sys/kernel/mm/ksm.  Only act_private.h includes it. */
#ifndef KT_ACT_KSM_H
#define KT_ACT_KSM_H

#include <sys/types.h>

#include "act_value.h"
#include "log.h"
#include "plan.h"

struct act;

/* In the order of writing: a scan that starts has its speed already, and the kernel takes a
 * speed only without its advisor.  Before KSM_PAGES: what an older kernel may lack. */
enum ksm_knob {
	KSM_ADVISOR, /* 0: none, 1: scan-time */
	KSM_NODES,
	KSM_ZERO_PAGES,
	KSM_SMART_SCAN,
	KSM_PAGES,
	KSM_SLEEP,
	KSM_RUN,
	_KSM_KNOB_MAX,
};
enum { RUN_STOPPED = 0, RUN_SCANNING = 1, RUN_UNMERGED = 2 };

/* What the kernel writes to pages_to_scan when its advisor goes (6.8). */
enum { KSM_PAGES_WITHOUT_ADVISOR = 100 };

struct act_ksm {
	struct knob knob[_KSM_KNOB_MAX];
	struct retry retry; /* off until then; without: until reload */
	enum why why, why_said;
	struct ksm_plan said; /* the last wish that a dry run told of */
	bool may_unmerge;     /* by the last plan */
	bool nodes_off;       /* unmerging has failed, or does not help */
	bool unmerged;        /* once, so far */
	bool run_known;       /* ... and run was `run_left` when we looked away last */
	uint64_t run_left;
	bool no_room_said;
	pid_t unmerger; /* 0: none */
};

/* ---- act_ksm_file.c ---------------------------------------------------- */

extern const char *const ksm_knob_name[_KSM_KNOB_MAX];
extern const char *const ksm_advisor_word[];
int act_ksm_read(const struct act *a, enum ksm_knob knob, uint64_t *ret) KT_MUST_USE;
int act_ksm_number(const struct act *a, const char *file, uint64_t *ret) KT_MUST_USE;
/* For messages.  Returns buf. */
enum { KSM_PATH_MAX = 64 };
char *act_ksm_path(enum ksm_knob knob, char buf[KSM_PATH_MAX]);
/* -ESTALE: something else than what was written is there right afterwards, *ret_found. */
int act_ksm_write(const struct act *a, enum ksm_knob knob, uint64_t value,
		  uint64_t *ret_found) KT_MUST_USE;

/* ---- act_ksm.c --------------------------------------------------------- */

void act_ksm_prepare(struct act *a, const struct ksm_plan *plan);
void act_ksm_abandon(struct act *a);
void act_ksm_execute(struct act *a);
void act_ksm_publish(struct act *a);
/* To be put on file with what was found, and then written. */
void act_ksm_note(struct act *a, enum ksm_knob knob, uint64_t found, uint64_t wanted);
/* What was refused for a while may be tried to be given back once more. */
void act_ksm_last_chance(struct act *a);
/* Is what is there ours?  Where nobody could read it for a while, it may also be what was there
 * before, or what the kernel has made of it: then it is ours no more, or what was asked for.
 * 1; 0: it is somebody else's; -errno: of reading the advisor, nobody can tell. */
int act_ksm_recognise(struct act *a, enum ksm_knob knob, uint64_t found);
/* Something is merged: merge_across_nodes cannot be written. */
bool act_ksm_must_unmerge(const struct act *a);

/* ---- act_ksm_wish.c ---------------------------------------------------- */

/* What is there and what is wanted; in *ret_which those that differ, by bit.  -errno of reading
 * *ret_failed. */
int act_ksm_compare(const struct act *a, const struct ksm_plan *plan, uint64_t found[_KSM_KNOB_MAX],
		    uint64_t want[_KSM_KNOB_MAX], unsigned int *ret_which,
		    enum ksm_knob *ret_failed) KT_MUST_USE;
/* Says once per wish, however often it comes, what would be written. */
void act_ksm_dry_run(struct act *a, const struct ksm_plan *plan);

/* ---- act_ksm_back.c ---------------------------------------------------- */

void act_ksm_give_back(struct act *a, enum why why);
/* smart_scan is what it was. */
void act_ksm_end_sweep(struct act *a);

/* ---- act_ksm_unmerge.c -------------------------------------------------- */

/* Begins it, in the background; that run becomes 2 is on file already. */
void act_ksm_unmerge(struct act *a);
/* Asks how it goes, and takes the outcome in. */
bool act_ksm_is_unmerging(struct act *a);
/* merge_across_nodes is off until reload. */
void act_ksm_give_up_nodes(struct act *a, int error, const char *reason);

/* ---- act_ksm_say.c ----------------------------------------------------- */

/* Somebody else wrote `found`: theirs are all from now on; said once. */
void act_ksm_cede(struct act *a, enum ksm_knob knob, uint64_t found);
void act_ksm_refused(struct act *a, enum ksm_knob knob, int error);
/* merge_across_nodes stays as it is, for what is merged cannot be taken apart; said once. */
void act_ksm_say_no_room(struct act *a);
/* A change of the knobs that have their bit in `which`; event.id says what kind. */
void act_ksm_say(struct act *a, struct log_event event, enum why why, unsigned int which,
		 const uint64_t from[_KSM_KNOB_MAX], const uint64_t to[_KSM_KNOB_MAX]);

#endif
