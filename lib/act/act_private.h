/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of this room share.  Nobody else includes it.
 *
 *	act.c             the interface: one plan, one answer, the way back
 *	act_guests.c      which guests are remembered, and which one is in a slot
 *	act_ksm.c         the files below /sys/kernel/mm/ksm
 *	act_ksm_back.c    ... given back
 *	act_ksm_file.c    ... read and written
 *	act_ksm_unmerge.c ... all that is merged taken apart
 *	act_ksm_say.c     ... and what is said about them
 *	act_home.c        which CPUs a plan wishes a thread, and what a home is called
 *	act_look.c        whose masks its threads have now
 *	act_balancing.c   kernel.numa_balancing
 *	act_host.c        files of the host that audit rules are about
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
 *	undo_read.c       undo file -> originals
 *	undo_check.c      ... and which of them are still true
 *
 * An apply has two halves.  *_prepare compares the wish with the world and notes
 * what is to be written and what was there; then the undo file is written, once;
 * *_execute writes.  If the undo file cannot be written, *_abandon forgets the notes. */
#ifndef KT_ACT_PRIVATE_H
#define KT_ACT_PRIVATE_H

#include "act.h"
#include "act_reclaim.h"
#include "mover.h"

enum { ESCAPED_NAME_MAX = 4 * KT_NAME_MAX };

/* The kernel or libvirt has failed, which may pass. */
struct retry {
	uint64_t at_ns;      /* 0: not waiting */
	unsigned int wait_s; /* the last time */
};

/* ---- ksm --------------------------------------------------------------- */

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

/* `before` is what was there when `asked` was put on file: a daemon that dies between
 * filing and writing leaves it in force, and it is as much ours as `asked`. */
struct knob {
	bool ours;    /* on file, to be given back */
	bool fresh;   /* ... only since this apply */
	bool todo;    /* to be written by this apply */
	bool gave_up; /* the original was refused; it stays on file */
	bool doubt;   /* `before` may be there: the write failed, or an earlier life ended */
	uint64_t original, before, asked;
};

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

/* ---- kernel.numa_balancing ---------------------------------------------- */

struct act_balancing {
	struct knob knob;
	bool ceded, off;
	struct retry retry;   /* as above */
	enum ksm_switch said; /* the last wish that a dry run told of */
};

/* ---- files of the host that audit rules are about ------------------------- */

struct host_value {
	unsigned int rule, irq;                 /* irq: 0 where there is one file for the rule */
	bool ours, fresh, todo, gave_up, doubt; /* as above */
	bool fixed;                             /* an interrupt that nobody can move */
	char original[HOST_TEXT_MAX], before[HOST_TEXT_MAX], asked[HOST_TEXT_MAX];
};

struct act_host {
	bool todo;           /* something is to be written by this apply */
	bool again;          /* it could not, so the next one has to look again */
	uint64_t ceded, off; /* rules, by bit ... */
	struct retry retry[HOST_RULES_MAX];
	uint64_t said;   /* ... that a dry run has told of */
	bool fixed_said; /* that there are interrupts that cannot be moved */
	size_t nvalues, capacity;
	struct host_value *value;
};

/* ---- memory that moves -------------------------------------------------- */

struct act_move {
	struct mover *mover; /* NULL: never needed so far */
	bool off;            /* the kernel refuses all */
	bool given;          /* `order` is the last one, and the plan still wants it ... */
	bool open;           /* ... or its end has not been seen */
	bool stopping;
	bool told; /* what is to be moved */
	struct mover_order order;
	struct uuid uuid; /* of its guest */
	size_t slot;
	enum why why, why_stopped;
	struct mover_answer answer; /* the last one; what is in it has been counted */
};

/* ---- guests ------------------------------------------------------------ */

struct pin {
	pid_t tid;
	uint64_t start_ticks;
	enum thread_role role;
	unsigned int number;
	bool ours; /* on file, to be given back; else the original is only remembered */
	bool fresh, gave_up;
	bool pending;     /* libvirt owes an answer ... */
	bool giving_back; /* ... about the original */
	bool lost_back;   /* ... and said that it failed: the original may be there all the same */
	bool unpinnable;  /* the kernel lets nobody move this thread */
	bool done;        /* `got` is the result of `asked`, which has yet to be written else */
	bool lost;        /* ... because the kernel has reset the mask */
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
	struct home home, home_before;
	bool todo, off, giving_back;
	struct retry retry; /* off until then; without: until reload */
	bool moves;         /* by this apply, pins that there were are asked for other CPUs */
	size_t given_back;  /* threads, so far */
	bool trust_present; /* after a reload: whatever mask is there is the original */
	enum why why;
	size_t written;     /* threads, and not yet said; the first of them */
	struct cpumask was; /* ... was there */
	size_t npins, capacity;
	struct pin *pin;
	struct placement_plan *said; /* the last wish that a dry run told of; NULL: none */
};

struct limit {
	bool ours, fresh, gave_up; /* as above */
	bool known; /* once ours: `original` and `asked` tell late facts from new ones */
	bool todo, pending, giving_back;
	bool confirmed;     /* libvirt's facts have shown `got`: from now on they are fresh */
	bool loaded;        /* of an earlier life, and no fact has been seen since */
	bool lost;          /* the link broke before the answer: done or not, nobody knows ... */
	bool lost_back;     /* ... about the original */
	struct retry retry; /* limits are off until then; without: until reload */
	enum why why;
	uint64_t original, before, asked;
	uint64_t got; /* as read back: whole pages */
	uint64_t fact_at_asking;
	struct memory_plan said;
};

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
	int slot; /* -1: not in the plan (yet) */
	struct placement placement;
	struct limit limit;
	struct reclaim reclaim;
	uint64_t full_nodes; /* said to be full when its memory was to go there; 0: none */
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
/* Of this slot of the plan.  NULL: not there, or there is no memory for it. */
struct act_guest *act_guest_of(struct act *a, size_t slot, const struct guest_plan *plan);

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
/* Something is merged: merge_across_nodes cannot be written. */
bool act_ksm_must_unmerge(const struct act *a);

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

/* ---- act_balancing.c --------------------------------------------------- */

void act_balancing_prepare(struct act *a, enum ksm_switch wish);
void act_balancing_abandon(struct act *a);
void act_balancing_execute(struct act *a);
void act_balancing_give_back(struct act *a, enum why why);
/* Is what an earlier life left still true? */
void act_balancing_check(struct act *a);
/* Somebody else wrote `found`; said once. */
void act_balancing_cede(struct act *a, uint64_t found);
void act_balancing_publish(struct act *a);
void act_balancing_last_chance(struct act *a);

/* ---- act_host.c -------------------------------------------------------- */

void act_host_prepare(struct act *a, const struct host_plan *plan);
void act_host_abandon(struct act *a);
void act_host_execute(struct act *a);
void act_host_forgive(struct act *a);
void act_host_publish(struct act *a);
/* NULL: not known. */
struct host_value *act_host_find(const struct act *a, unsigned int rule, unsigned int irq);
/* NULL: no memory. */
struct host_value *act_host_add(struct act *a, unsigned int rule, unsigned int irq);
void act_host_done(struct act *a);
/* It could not be put on file, or was not written. */
void act_host_forget(struct host_value *v);
/* Forgets what is not ours any more. */
void act_host_drop(struct act_host *h);

static inline uint64_t act_host_bit(unsigned int rule)
{
	return UINT64_C(1) << rule;
}

/* ---- act_host_back.c --------------------------------------------------- */

void act_host_give_back(struct act *a, enum why why);
/* Those of the rule; of interrupts only what the plan `keep` does not wish, if there is one. */
void act_host_give_back_rule(struct act *a, unsigned int rule, enum why why,
			     const struct host_plan *keep);
void act_host_last_chance(struct act *a);
/* What is there is its owner's, though we wrote it first. */
void act_host_hand_over(struct act *a, unsigned int rule);
/* Is what an earlier life left still true?  Returns how many values are. */
size_t act_host_check(struct act *a);

/* ---- act_host_file.c --------------------------------------------------- */

/* By its id.  -ENOENT: there is none, or none that may be applied. */
int act_host_rule(const char *id) KT_MUST_USE;
bool act_host_is_of_irqs(unsigned int rule);
/* Returns buf. */
char *act_host_path(const struct host_value *v, char buf[KT_PATH_MAX]);
/* What such a file may hold, and the undo file keep. */
bool act_host_is_word(const char *text);
int act_host_read(const struct act *a, const struct host_value *v,
		  char ret[HOST_TEXT_MAX]) KT_MUST_USE;
/* -ESTALE: something else than what was written is there right afterwards, ret_found. */
int act_host_write(const struct act *a, const struct host_value *v, const char *word,
		   char ret_found[HOST_TEXT_MAX]) KT_MUST_USE;

/* ---- act_host_say.c ---------------------------------------------------- */

void act_host_count(struct host_tally *tally, const struct host_value *v, const char *from,
		    const char *to);
/* A change; event.id says of which kind. */
void act_host_say(struct log_event event, unsigned int rule, enum why why,
		  const struct host_tally *tally);
/* Somebody else wrote `found`: the rule is theirs; said once. */
void act_host_cede(struct act *a, struct host_value *v, const char *found);
/* The rule is off until reload; said once. */
void act_host_refused(struct act *a, struct host_value *v, int error);

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
/* The pin of the main thread, which all threads descend from; or NULL. */
const struct pin *act_pin_main(const struct act_guest *g);
/* NULL: no memory, or more threads than there may be. */
struct pin *act_pin_add(struct placement *p);
void act_pins_drop_dead(const struct act *a, struct act_guest *g, const struct guest_plan *plan);
bool act_pins_any_ours(const struct placement *p);
bool act_pins_any_pending(const struct placement *p);
/* True: all that there are have what the last wish asked for, as far as it is to be had. */
bool act_pins_are_done(const struct placement *p);
bool act_pin_may_be_ours(struct act *a, const struct pin *pin, const struct cpumask *found);
/* Whether a thread that we do not know has this mask from us: it inherits that of any other,
 * and may do so just before that one moves on. */
bool act_mask_is_ours(struct act *a, const struct act_guest *g, const struct cpumask *mask);
/* That one of ours which shows as this mask while some CPUs are off-line; or NULL. */
const struct cpumask *act_mask_of_ours(struct act *a, const struct act_guest *g,
				       const struct cpumask *mask);
/* The CPUs that any of them was asked for. */
struct cpumask act_pins_asked(const struct placement *p);
void act_placement_publish(const struct act *a, struct act_guest *g);

/* ---- act_look.c -------------------------------------------------------- */

enum finding {
	THREAD_FINE,  /* as wished, or none of our business */
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
};

enum finding act_find_thread(struct act *a, const struct look *look, const struct act_guest *g,
			     const struct guest_thread *t, size_t hint, struct seen *ret_seen);
void act_look(struct act *a, const struct act_guest *g, const struct guest_plan *plan,
	      struct look *look);
/* Whether the kernel, and nobody else, took our mask away: a CPU came or went. */
bool act_pin_was_reset(struct act *a, const struct pin *pin, const struct cpumask *found);
/* `foreign`: one of the threads that somebody else has pinned, to `found`. */
void act_placement_cede(struct act *a, struct act_guest *g, const struct pin *foreign,
			const struct cpumask *found);

/* ---- act_placement.c --------------------------------------------------- */

void act_placement_prepare(struct act *a, struct act_guest *g, const struct guest_plan *plan);
void act_placement_abandon(struct act_guest *g);
/* Forgets its pins, as of a process that has gone. */
void act_placement_free(struct placement *p);

/* ---- act_pin.c --------------------------------------------------------- */

void act_placement_execute(struct act *a, struct act_guest *g);
void act_placement_reply(struct act *a, struct act_guest *g, const struct vm_reply *reply);
/* The kernel or libvirt refused: placement of this guest, or of all, is off, for a while or until
 * reload; said once. */
void act_placement_refused(struct act *a, struct act_guest *g, const struct pin *pin, int error);
/* ---- act_unpin.c ------------------------------------------------------- */

void act_placement_give_back(struct act *a, struct act_guest *g, enum why why);
/* What the kernel has refused for a while may be tried once more; libvirt has had its chances. */
void act_placement_last_chance(struct act_guest *g);
/* After an answer: if it was the last of those to be given back, finish. */
void act_placement_gave_back(struct act *a, struct act_guest *g);
/* How many pins are still to be given back, and may be. */
size_t act_placement_waiting(const struct act_guest *g);

/* ---- act_thread.c ------------------------------------------------------ */

/* -ESRCH: no such process or thread, or it is another one by now. */
int thread_check(const struct hostfs *fs, pid_t pid, pid_t tid, uint64_t start_ticks,
		 bool *ret_unpinnable) KT_MUST_USE;
int process_check(const struct hostfs *fs, pid_t pid, uint64_t start_ticks) KT_MUST_USE;
int thread_get_cpus(pid_t tid, struct cpumask *ret) KT_MUST_USE;
int thread_set_cpus(pid_t tid, const struct cpumask *cpus) KT_MUST_USE;
/* Read once per call of act.h that writes masks. */
const struct cpumask *act_online(struct act *a);
/* Whether `found` is what the kernel shows of `mask`: CPUs that are off-line are hidden. */
bool act_shows(struct act *a, const struct cpumask *found, const struct cpumask *mask);
/* The kernel does not show CPUs that are off-line: a mask with all that are on-line is one of
 * all that there are.  -errno: which those are cannot be read just now. */
int act_with_hidden_cpus(struct act *a, const struct cpumask *found,
			 struct cpumask *ret) KT_MUST_USE;
/* Gives a thread what it had. */
int thread_restore_cpus(struct act *a, pid_t tid, const struct cpumask *original) KT_MUST_USE;

/* ---- act_memory.c ------------------------------------------------------ */

void act_memory_prepare(struct act *a, struct act_guest *g, const struct guest_plan *plan);
void act_memory_abandon(struct act_guest *g);
void act_memory_execute(struct act *a, struct act_guest *g);
void act_memory_reply(struct act *a, struct act_guest *g, const struct vm_reply *reply);
void act_memory_give_back(struct act *a, struct act_guest *g, enum why why);
bool act_memory_waiting(const struct act_guest *g);
void act_memory_publish(struct act_guest *g);

/* ---- act_memory_say.c -------------------------------------------------- */

/* Somebody else set `found_kib`: the guest's limits are theirs from now on. */
void act_memory_cede(struct act *a, struct act_guest *g, uint64_t found_kib);
/* Limits of this guest are off for a while, or until reload; said. */
void act_memory_refused(const struct act *a, struct act_guest *g, int error);
/* libvirt no longer knows the guest: a limit of ours stays, and that is said. */
void act_memory_lost(const struct act_guest *g);
/* A change; event.id says of which kind. */
void act_memory_say(const struct act_guest *g, struct log_event event, uint64_t from_kib,
		    uint64_t to_kib);

/* ---- act_move.c -------------------------------------------------------- */

/* After the pins: new memory of the guest is to come from the same nodes by then. */
void act_move_apply(struct act *a, const struct plan *plan);
/* Ends after the present call; nobody waits for it. */
void act_move_stop(struct act *a);
void act_move_forgive(struct act *a);
/* Waits for the end of the thread. */
void act_move_done(struct act *a);

/* ---- act_move_say.c ---------------------------------------------------- */

/* Its home was full, which was said, and no memory has gone there since. */
bool act_move_is_old_news(const struct act_move *m, const struct act_guest *g);
/* What is to be moved, or would be. */
void act_move_say_begin(const struct act_move *m, const struct act_guest *g);
void act_move_say_end(const struct act_move *m, struct act_guest *g);

/* ---- act_retry.c ------------------------------------------------------- */

/* Whether the same request may be granted by the next plan ... */
bool act_error_passes(int error);
/* ... or never, as long as the sandbox, libvirt and the guest are what they are. */
bool act_error_is_final(int error);
/* Whether it says something of us and not of the file: nothing is turned off for it. */
bool act_error_is_ours(int error);
/* Of such an error; said seldom. */
void act_say_ours(struct act *a, const char *path, int error);
void act_retry_later(struct retry *r, uint64_t now_ns);
/* True once, when the time has come. */
bool act_retry_is_due(struct retry *r, uint64_t now_ns);
/* It does not wait, or has failed three times in a row. */
bool act_retry_is_hopeless(const struct retry *r);
/* " for 10 s", or nothing.  Returns buf. */
enum { RETRY_TEXT_MAX = 32 };
const char *act_retry_str(const struct retry *r, char buf[RETRY_TEXT_MAX]);

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
/* Pins of the guest, or what it is known by, are about to change. */
static inline void undo_text_changes(struct act_guest *g)
{
	g->text.fresh = false;
}
/* What undo_save puts on file. */
int undo_write(struct act *a, FILE *f) KT_MUST_USE;
/* Fills an empty `a`.  0, -ENOENT, -EBADMSG (`a` may hold half of it), -errno. */
int undo_read(struct act *a) KT_MUST_USE;
/* Drops what is gone or somebody else's.  Returns how many values are left. */
int undo_check(struct act *a);

#endif
