/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is remembered of the CPUs that threads run on.  Only act_private.h includes it. */
#ifndef KT_ACT_PLACEMENT_H
#define KT_ACT_PLACEMENT_H

#include <sys/types.h>

#include "act.h"
#include "act_value.h"
#include "cpumask.h"
#include "plan.h"

struct act;
struct act_guest;

struct pin {
	pid_t tid;
	uint64_t start_ticks;
	enum thread_role role;
	unsigned int number;
	bool ours; /* on file, to be given back; else the original is only remembered */
	/* Nothing is to be done about its mask any more: it is on file for those who were born of
	 * the thread, and are known by it, until all have been looked at. */
	bool back;
	bool gone; /* its thread has; as `back`, until a plan has looked at all others */
	bool gave_up;
	bool pending;     /* libvirt owes an answer ... */
	bool giving_back; /* ... about the original */
	/* The original may be there all the same: libvirt said that it failed to give it back, or
	 * an earlier life may have done so. */
	bool lost_back;
	bool unpinnable; /* the kernel lets nobody move this thread */
	bool done;       /* `got` is the result of `asked`, which has yet to be written else */
	bool lost;       /* ... because the kernel has reset the mask */
	bool was_orphan; /* none of its CPUs was left once, since it was written last */
	struct cpumask original;
	struct cpumask asked;
	struct cpumask before; /* of ours, that was there when `asked` was put on file; or empty */
	struct cpumask got;    /* as read back: within its cpuset */
};

/* What the pins come from, as far as it is not in them. */
struct home {
	uint64_t nodes; /* of all cells */
	unsigned int ncells;
	uint64_t cell_nodes[KT_CELLS_MAX];
	struct cpumask cpus; /* of the first cell */
};

struct placement {
	enum placement_backend backend;
	struct home home;
	bool todo, off, giving_back;
	bool postponed;     /* some of it: there was no memory, or no descriptor */
	struct retry retry; /* off until then; without: until reload */
	bool asked_last;    /* by this stop, through libvirt */
	size_t given_back;  /* threads, so far */
	bool trust_present; /* after a reload: what is there is the original, and not noted yet */
	enum why why;
	size_t written;     /* threads, and not yet said; the first of them */
	struct cpumask was; /* ... was there */
	uint64_t settled;   /* version of the plan that was found to be in force, and is; or 0 */
	size_t npins, capacity;
	struct pin *pin;
	struct {
		struct home home;
		size_t npins;
		struct pin *pin;
	} kept;                      /* as all was before what is to be done, until it is on file */
	struct placement_plan *said; /* the last wish that a dry run told of; NULL: none */
};

/* ---- act_home.c -------------------------------------------------------- */

/* There are CPUs for every thread. */
bool act_wish_is_complete(const struct placement_plan *wish);
bool act_wish_equal(const struct placement_plan *a, const struct placement_plan *b);
struct cpumask act_wished_cpus(const struct placement_plan *wish, enum thread_role role,
			       unsigned int number);
/* Of all threads. */
struct cpumask act_wished_in_all(const struct placement_plan *wish);
struct home act_home_of(const struct placement_plan *wish);
bool act_home_equal(const struct home *a, const struct home *b);
/* "0-1", and "0/2-3" cell by cell; KT_HOME_MAX bytes suffice.  Returns buf. */
enum { KT_HOME_MAX = KT_CELLS_MAX * KT_NODELIST_MAX };
char *act_home_str(const struct home *home, char *buf, size_t size);
/* The same in a sentence: "node 1", "nodes 0-1", "nodes 0/2-3 cell by cell". */
char *act_home_words(const struct home *home, char *buf, size_t size);

/* ---- act_pins.c -------------------------------------------------------- */

/* NULL: not known. `hint`: where to look first. */
struct pin *act_pin_find(const struct placement *p, pid_t tid, size_t hint);
/* The pin of the main thread, or NULL. */
const struct pin *act_pin_main(const struct act_guest *g);
/* Room for no more than these: a pin takes half a KiB, and there may be thousands. */
void act_pins_expect(struct placement *p, size_t nthreads);
/* NULL: no memory, or more threads than there may be. */
struct pin *act_pin_add(struct placement *p);
void act_pins_drop_dead(const struct act *a, struct act_guest *g, const struct guest_plan *plan);
/* What follows can be put back, until it is forgotten that it can.  False: no memory, and nothing
 * may be changed. */
bool act_pins_keep(struct placement *p);
void act_pins_forget_kept(struct placement *p);
void act_pins_put_back(struct placement *p);
bool act_pins_any_ours(const struct placement *p);
/* Threads have their own masks again, and not all that were born of them may have. */
bool act_pins_go_back(const struct placement *p);
bool act_pins_any_pending(const struct placement *p);
/* True: all that there are have what the last wish asked for, as far as it is to be had. */
bool act_pins_are_done(const struct placement *p);
/* Other CPUs are on-line: of which pins is none left? */
void act_pins_note_orphans(struct act *a);
bool act_pin_may_be_ours(struct act *a, const struct pin *pin, const struct cpumask *found);
/* `found` looks like one of ours, and may be somebody else's with CPUs that are off-line.  1: it
 * is; 0: it is ours; -errno: nobody can tell just now. */
int act_pin_hides_more(struct act *a, const struct pin *pin,
		       const struct cpumask *found) KT_MUST_USE;
/* Whether a thread that we do not know has this mask from us: it inherits that of any other,
 * and may do so just before that one moves on. */
bool act_mask_is_ours(struct act *a, const struct act_guest *g, const struct cpumask *mask);
/* Of whom a thread that has this mask may have it; or NULL. */
const struct pin *act_pin_of_mother(struct act *a, const struct act_guest *g,
				    const struct cpumask *mask);
/* Whether one of this thread's shows so. */
bool act_pin_shows(struct act *a, const struct pin *pin, const struct cpumask *mask);
/* That one of ours which shows as this mask; or NULL.  While some CPUs are off-line several may:
 * then one that is not `wanted`, which is written and so need not be told from it. */
const struct cpumask *act_mask_of_ours(struct act *a, const struct act_guest *g,
				       const struct cpumask *mask, const struct cpumask *wanted);
/* The CPUs that any of them was asked for. */
struct cpumask act_pins_asked(const struct placement *p);
void act_placement_publish(const struct act *a, struct act_guest *g);

/* ---- act_look.c -------------------------------------------------------- */

enum finding {
	THREAD_FINE, /* as wished, or none of our business */
	THREAD_UNREAD,
	THREAD_KNOWN, /* ours, and to be changed */
	THREAD_NEW,   /* as it came */
	THREAD_BORN,  /* as it was born of a thread that we pinned */
	THREAD_FOREIGN,
};

struct look {
	const struct placement_plan *wish;
	bool pinned;    /* the guest, by us, before this plan */
	size_t changes; /* threads whose mask has to be written */
	bool foreign;
	struct pin example;   /* a thread that somebody else has pinned ... */
	struct cpumask found; /* ... to these */
};

/* A thread as it is, and as it is wished. */
struct seen {
	struct cpumask mask, wanted;
	bool hides_more; /* than any of ours: CPUs that are off-line */
};

enum finding act_find_thread(struct act *a, const struct look *look, const struct act_guest *g,
			     const struct guest_thread *t, size_t hint, struct seen *ret_seen);
void act_look(struct act *a, const struct act_guest *g, const struct guest_plan *plan,
	      struct look *look);
/* Whether the kernel, and nobody else, took our mask away: a CPU came or went. */
bool act_pin_was_reset(struct act *a, const struct pin *pin, const struct cpumask *found);
/* After a reload whatever masks a guest has are its own, and those that it gets later are not: it
 * may be hours until it is pinned.  So they are noted, as soon as none of ours is left and all can
 * be read. */
void act_placement_trust(struct act *a, struct act_guest *g, const struct guest_plan *plan);
/* `foreign`: one of the threads that somebody else has pinned, to `found`. */
void act_placement_cede(struct act *a, struct act_guest *g, const struct pin *foreign,
			const struct cpumask *found);

/* ---- act_placement.c --------------------------------------------------- */

void act_placement_prepare(struct act *a, struct act_guest *g, const struct guest_plan *plan);
void act_placement_abandon(struct act_guest *g);
/* What was refused has another chance: at once, or when its time has come. */
void act_placement_forgive(struct placement *p);
void act_placement_try_again(const struct act *a, struct placement *p);
/* Forgets its pins, as of a process that has gone. */
void act_placement_free(struct placement *p);

/* ---- act_pin.c --------------------------------------------------------- */

/* Asks it to, as vm_ops.pin. */
int act_pin_by_libvirt(struct act *a, const struct act_guest *g, const struct pin *pin,
		       const struct cpumask *cpus) KT_MUST_USE;
void act_placement_execute(struct act *a, struct act_guest *g);
void act_placement_reply(struct act *a, struct act_guest *g, const struct vm_reply *reply);
/* The kernel or libvirt refused: placement of this guest, or of all, is off, for a while or until
 * reload; said once. */
void act_placement_refused(struct act *a, struct act_guest *g, const struct pin *pin, int error);

/* ---- act_unpin.c ------------------------------------------------------- */

void act_placement_give_back(struct act *a, struct act_guest *g, enum why why);
/* libvirt no longer knows the guest: what it has not answered it will not. */
void act_placement_lost(struct act_guest *g);
/* What was refused for a while is tried once more: there is no later.  The kernel does so at
 * once; of libvirt it is asked once per stop, or the stop would not end. */
void act_placement_last_chance(struct act_guest *g);
/* After an answer: if it was the last of those to be given back, finish. */
void act_placement_gave_back(struct act *a, struct act_guest *g);
/* How many pins are still to be given back, and may be. */
size_t act_placement_waiting(const struct act_guest *g);

/* ---- act_confined.c ---------------------------------------------------- */

/* How many threads of a guest that libvirt has lost, and that is given back, show a mask of ours
 * all the same; said when nothing is left to be given back.  `born_are_back`: not of those who were
 * born of it. */
size_t act_placement_confined(struct act *a, const struct act_guest *g, bool born_are_back);

/* ---- act_thread.c ------------------------------------------------------ */

/* -ESRCH: no such process or thread, or it is another one by now. */
int thread_check(const struct hostfs *fs, pid_t pid, pid_t tid, uint64_t start_ticks,
		 bool *ret_unpinnable) KT_MUST_USE;
int process_check(const struct hostfs *fs, pid_t pid, uint64_t start_ticks) KT_MUST_USE;
int thread_set_cpus(pid_t tid, const struct cpumask *cpus) KT_MUST_USE;
/* With its CPUs that are off-line, which sched_getaffinity(2) hides.  -ESRCH: it has gone. */
int act_whole_mask(const struct act *a, pid_t tid, struct cpumask *ret) KT_MUST_USE;
/* Read once per call of act.h that writes masks. */
const struct cpumask *act_online(struct act *a);
/* Of the CPUs that there are some may be off-line: masks may have more than they show. */
bool act_may_hide_cpus(struct act *a);
/* Whether `found` is what the kernel shows of `mask`: CPUs that are off-line are hidden. */
bool act_shows(struct act *a, const struct cpumask *found, const struct cpumask *mask);
/* The kernel does not show CPUs that are off-line: a mask with all that are on-line is one of
 * all that there are.  -errno: which those are cannot be read just now. */
int act_with_hidden_cpus(struct act *a, const struct cpumask *found,
			 struct cpumask *ret) KT_MUST_USE;
/* Whether an original was that of a thread which nobody had pinned.  Not while it cannot be
 * read which CPUs there are. */
bool act_has_every_cpu(struct act *a, const struct cpumask *original);
/* Gives a thread what it had. */
int thread_restore_cpus(struct act *a, pid_t tid, const struct cpumask *original) KT_MUST_USE;

#endif
