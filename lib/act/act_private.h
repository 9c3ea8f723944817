/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of this room share.  Nobody else includes it, or the headers that it is made
 * of: act_value.h, act_ksm.h, act_host.h, act_placement.h, act_limit.h, act_move.h, act_reclaim.h.
 *
 *	act.c             the interface: one plan, one answer, the way back
 *	act_guests.c      which guests are remembered, and which one is in a slot
 *	act_ksm.c         the files below /sys/kernel/mm/ksm
 *	act_ksm_wish.c    ... compared with a plan
 *	act_ksm_back.c    ... given back
 *	act_ksm_file.c    ... read and written
 *	act_ksm_unmerge.c ... all that is merged taken apart
 *	act_ksm_say.c     ... and what is said about them
 *	act_home.c        which CPUs a plan wishes a thread, and what a home is called
 *	act_look.c        whose masks its threads have now
 *	act_balancing.c   kernel.numa_balancing
 *	act_host.c        files of the host that audit rules are about
 *	act_host_values.c ... remembered
 *	act_host_back.c   ... given back
 *	act_host_file.c   ... read and written
 *	act_host_say.c    ... and what is said about them
 *	act_pins.c        the table of a guest's pinned threads
 *	act_placement.c   where threads are to run
 *	act_pin.c         masks written, by the kernel or through libvirt
 *	act_unpin.c       ... and given back
 *	act_thread.c      one thread: is it still the same, where may it run
 *	act_memory.c      the soft limit, through libvirt
 *	act_memory_say.c  ... and what is said about it
 *	act_reclaim*.c    memory that is taken once (act_reclaim.h)
 *	act_move.c        memory that is to go to other nodes: orders and answers
 *	act_move_say.c    ... and what is said about it
 *	mover*.c          ... moved, on a thread of its own (mover.h)
 *	act_retry.c       when a request that failed is made again
 *	act_log.c         events about a guest
 *	undo.c            originals -> undo file
 *	undo_read*.c      undo file -> originals
 *	undo_check.c      ... and which of them are still true
 *
 * An apply has two halves.  *_prepare compares the wish with the world and notes
 * what is to be written and what was there; then the undo file is written, once;
 * *_execute writes.  If the undo file cannot be written, *_abandon forgets the notes. */
#ifndef KT_ACT_PRIVATE_H
#define KT_ACT_PRIVATE_H

#include "act.h"
#include "act_host.h"
#include "act_ksm.h"
#include "act_limit.h"
#include "act_move.h"
#include "act_placement.h"
#include "act_reclaim.h"
#include "act_value.h"
#include "mover.h"

enum { ESCAPED_NAME_MAX = 4 * KT_NAME_MAX };

/* Its lines of the undo file, which a thousand guests have and one changes. */
struct undo_text {
	bool fresh; /* the pins are as they were; the limit is compared */
	char *bytes;
	size_t length, lines;
	bool limit_ours;
	uint64_t limit_original, limit_before, limit_asked;
};

struct act_guest {
	struct act_guest *next;
	struct uuid uuid;
	char name[KT_NAME_MAX]; /* raw */
	pid_t pid;              /* 0: not seen yet */
	uint64_t start_ticks;
	int slot;  /* -1: not in the plan (yet) */
	bool lost; /* libvirt no longer knows it, and something of ours may be in force */
	struct placement placement;
	struct limit limit;
	struct reclaim reclaim;
	struct retry move_retry;
	uint64_t unreached_nodes; /* its memory went there, and could not or had no room, which was
				     said; 0: none */
	bool has_fact;
	uint64_t fact_kib; /* the soft limit by libvirt's last word */
	struct guest_in_force in_force;
	struct undo_text text;
};

struct act {
	const struct hostfs *fs;
	const struct vm_ops *ops;
	int dir_fd;
	bool look_only;   /* no place for an undo file: nothing is ever written */
	bool must_save;   /* before anything of this apply may be written */
	bool undo_stale;  /* the file names values that are no longer ours */
	bool save_failed; /* and that was said */
	size_t postponed; /* by errors of ours, since the last plan or restore began */
	uint64_t ours_said_ns;
	bool affinity_off;
	bool online_known, online_ever_known;
	bool online_unread;         /* it cannot be just now: nobody can tell whose a mask is */
	struct cpumask online;      /* as read since the last plan, or last */
	bool any_offline;           /* of the CPUs that there are, when they were read last */
	uint64_t online_settles_ns; /* the list has changed: until then masks may be reset */
	uint64_t now_ns;            /* of the last call that had it */
	struct act_ksm ksm;
	struct act_balancing balancing;
	struct act_host host;
	struct act_move move;
	struct reclaimer *reclaimer; /* NULL: never needed so far */
	bool reclaim_refusal_said;
	struct act_guest *guests;
	struct act_guest *slot[KT_GUESTS_MAX];
	struct in_force in_force;
};

/* ---- act.c ------------------------------------------------------------- */

void act_publish(struct act *a, struct act_guest *g);

/* ---- act_guests.c ------------------------------------------------------ */

struct act_guest *act_find(const struct act *a, const struct uuid *uuid);
/* NULL: no memory. */
struct act_guest *act_add(struct act *a, const struct uuid *uuid);
void act_remove(struct act *a, struct act_guest *g);
/* The process has gone: nothing of it is in force, nothing can be given back. */
void act_guest_reset(struct act *a, struct act_guest *g);
/* Guests that libvirt has lost get back what they have not yet got back. */
void act_let_go_of_lost(struct act *a);
/* Of this slot of the plan.  NULL: not there, or there is no memory for it. */
struct act_guest *act_guest_of(struct act *a, size_t slot, const struct guest_plan *plan);

/* ---- act_log.c --------------------------------------------------------- */

/* Says it with the guest's escaped name in front, and in its fields. */
void guest_log(const struct act_guest *g, struct log_event event, const char *fmt, ...)
	KT_PRINTF(3, 4);
/* "set", "would be set" or "restored". */
const char *change_verb(const struct log_event *event);
/* NULL instead of "none": no reason was given. */
const char *reason_str(enum why why);
/* "4096 KiB" or "unlimited".  Returns buf. */
enum { KIB_TEXT_MAX = 32 };
char *kib_str(uint64_t kib, char buf[KIB_TEXT_MAX]);

/* ---- undo.c, undo_read.c, undo_check.c --------------------------------- */

#define UNDO_HEADER   "kvmtuned-undo 2"
#define UNDO_HEADER_1 "kvmtuned-undo 1" /* is read, never written */

extern const char *const undo_backend_word[];
extern const char *const undo_role_word[];
enum { UNDO_BACKENDS = PLACEMENT_LIBVIRT + 1, UNDO_ROLES = THREAD_VHOST + 1 };

/* Writes what is ours; without anything the file is removed. */
int undo_save(struct act *a) KT_MUST_USE;
/* Pins of the guest, or what it is known by, are about to change: they are put on file, and
 * compared with the plan, anew. */
static inline void undo_text_changes(struct act_guest *g)
{
	g->placement.settled = 0;
	g->text.fresh = false;
}
/* What undo_save puts on file. */
int undo_write(struct act *a, FILE *f) KT_MUST_USE;
/* Fills an empty `a`.  0, -ENOENT, -EBADMSG (`a` may hold half of it), -errno. */
int undo_read(struct act *a) KT_MUST_USE;
/* Drops what is gone or somebody else's.  Returns how many values are left. */
int undo_check(struct act *a);

#endif
