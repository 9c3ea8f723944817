/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plan -> world: compare with what is there; save the original (persisted before
 * the first write); write; read back; log once.  And the way back. */
#ifndef KT_ACT_H
#define KT_ACT_H

#include "hostfs.h"
#include "log.h"
#include "plan.h"

/* A soft limit that libvirt is asked for.  KT_UNLIMITED_KIB: none. */
struct limit_order {
	uint64_t kib;
	/* What there was before the first of ours, which the live XML is told as long as another
	 * limit is in force. */
	uint64_t original_kib;
	/* What may be there until then.  Anything else was set by somebody: it stays, and is the
	 * answer. */
	uint64_t expected_kib[2];
};

/* CPUs of a thread that libvirt is asked for. */
struct pin_order {
	enum thread_role role;
	unsigned int number;
	struct cpumask cpus;
	/* Its mask when that was decided; empty: not known.  Where it is another one by then,
	 * somebody has set it: it stays, and the answer is -EAGAIN. */
	pid_t tid;
	struct cpumask seen;
};

/* A thread's mask as the kernel shows it, with which `seen` is compared.  -errno. */
int thread_get_cpus(pid_t tid, struct cpumask *ret) KT_MUST_USE;

/* What only libvirt can do.  Both calls queue a request and return at once; the
 * answer comes through act_reply.  -EAGAIN: the queue is full; -ENOTCONN: no
 * libvirt now.  Either way the next plan asks again. */
struct vm_ops {
	int (*pin)(void *context, const struct uuid *uuid, const struct pin_order *order);
	int (*set_soft_limit)(void *context, const struct uuid *uuid,
			      const struct limit_order *order);
	void *context;
};

struct vm_reply {
	struct uuid uuid;
	bool is_pin;           /* else: soft limit */
	enum thread_role role; /* of the pin */
	unsigned int number;
	int error; /* 0, or -errno: -ENOENT the guest has gone, -ETIMEDOUT never sent */
	uint64_t soft_limit_kib; /* read back, of a soft limit */
	struct cpumask cpus;     /* read back, of a pin */
};

struct act; /* originals, what was last written, the undo file */

/* `fs` and `ops` must outlive it.  run_dir: where "undo" lies; created (0700) when
 * missing.  -errno: the folder cannot be made or written, so nothing could be undone;
 * *ret is then an act that looks and tells, and never writes (NULL: no memory).
 * run_dir NULL asks for just that. */
int act_new(const struct hostfs *fs, const char *run_dir, const struct vm_ops *ops,
	    struct act **ret) KT_MUST_USE;
void act_free(struct act *a);

/* Takes over what an earlier life left in force (undo file).  Entries of guests
 * that have gone, or of values that somebody changed meanwhile, are dropped.
 * 0, or the number of entries taken over; -EBADMSG: a damaged file, moved aside to
 * "undo.bad" and logged; -errno. */
int act_load(struct act *a) KT_MUST_USE;

/* The guest that is now in this slot; called before the plan is made, when a slot
 * has a new incarnation, so that in_force already shows what an earlier life left. */
void act_bind(struct act *a, size_t slot, uint32_t incarnation, const struct uuid *uuid, pid_t pid,
	      uint64_t start_ticks);

/* libvirt says that the guest has gone: whatever was in force went with its process.  Where
 * the process lives on, its threads get their masks back, at once or by one of the plans that
 * follow; a soft limit that only libvirt could lift stays, which is said. */
void act_forget(struct act *a, const struct uuid *uuid);

/* Shows each guest that is on file since an earlier life and has not been bound yet. */
void act_each_unbound(const struct act *a, void (*see)(void *context, const struct uuid *uuid),
		      void *context);

/* Makes the plan so.  Never fails as a whole: what was refused is in the answer
 * and in the log. */
void act_apply(struct act *a, const struct plan *plan);

/* A list of CPUs may be longer: then its interrupt is left alone, for the original could not be
 * remembered. */
enum { HOST_TEXT_MAX = 1024 };

/* So many values of an audit rule of the host are changed; the first of them. */
struct host_tally {
	size_t n;
	unsigned int irq;
	char from[HOST_TEXT_MAX], to[HOST_TEXT_MAX];
};

/* What act_apply would change for this rule of the plan, if it were to write: nothing is
 * remembered or said.  False: nothing. */
bool act_host_foresee(const struct act *a, const struct host_plan *plan, unsigned int rule,
		      struct host_tally *ret);

/* Brings in_force up to date with what goes on beside the caller: to be called when the host
 * has just been sampled, so that what was reclaimed and what is used are of one moment. */
void act_refresh(struct act *a);

/* An answer of vm_ops. */
void act_reply(struct act *a, const struct vm_reply *reply, uint64_t now_ns);

struct act_free_born {
	struct uuid uuid;
	struct cpumask was;
	const struct guest_thread *threads; /* as they are known */
	size_t nthreads;
};

/* libvirt has lifted a pin of the guest's main thread, `was`, of which nothing is on file: who
 * was born of it, and still has that mask, gets what the main thread has now.  Only after
 * act_bind has told its process.  Returns how many threads. */
size_t act_free_born(struct act *a, const struct act_free_born *order);

/* What is in force now; valid until the next call that takes a non-const act. */
const struct in_force *act_in_force(const struct act *a);
/* The undo file could not be written the last time: nothing is changed until it can. */
bool act_cannot_save(const struct act *a);

/* Ceded and refused actuators get another chance (reload). */
void act_forgive(struct act *a);

/* Gives every original back.  What needs libvirt is queued, and what is merged may have to
 * be taken apart first: call again, with replies fed in between, until it returns 0 (all is
 * back) or patience ends.  Returns how many values still wait. */
size_t act_restore(struct act *a, uint64_t now_ns);

/* What stays in force while nobody drives it must do no harm: a sweep ends. */
void act_leave(struct act *a);

/* Whether giving merge_across_nodes back may take apart what is merged; plans say so too. */
void act_allow_unmerge(struct act *a, bool allowed);

/* Whether anything of ours is still in force, refused or waiting: it is in the undo
 * file then. */
bool act_owes(const struct act *a);

/* The guest's soft limit by libvirt's word.  Without it a limit of an earlier life could
 * not be told from one that somebody has set since. */
void act_note_soft_limit(struct act *a, const struct uuid *uuid, uint64_t kib);

/* This guest has come with a soft limit that a kvmtuned has set, here before it was saved or
 * on the host that it has left: it is ours now, and is undone as all others are.  Only after
 * act_bind has told its process.  Not where a limit of ours is known already, so it may be
 * said as often as the guest is looked at. */
void act_adopt_soft_limit(struct act *a, const struct uuid *uuid, uint64_t kib,
			  uint64_t original_kib);

#endif
