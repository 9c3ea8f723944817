/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's whole state, and the steps that main() and the loop call. */
#ifndef KT_KVMTUNED_H
#define KT_KVMTUNED_H

#include "act.h"
#include "clock.h"
#include "conf.h"
#include "histogram.h"
#include "history.h"
#include "pause.h"
#include "policy.h"
#include "record.h"
#include "sense.h"
#include "verdict.h"
#include "virt.h"

struct online_lists {
	char cpus[KT_CPULIST_MAX], nodes[KT_CPULIST_MAX]; /* nodes: "" in a kernel without NUMA */
};

struct kvmtuned {
	const char *conf_path;
	bool conf_must_exist;
	bool dry_run;     /* --dry-run, a recorded root, or no place for the undo file */
	bool cannot_undo; /* ... which is why */
	unsigned int privileges_missing; /* privileges.h */
	struct conf conf;

	struct hostfs fs;
	struct topology topology;
	struct domains *domains;
	struct sense *sense;
	struct sample *sample;
	struct host_view *view;
	struct arbiter *arbiter;
	struct plan *plan;
	struct act *act;
	struct vm_ops vm_ops;
	struct virt *virt;
	struct verdicts *verdicts;
	struct auditor *auditor; /* audit_run.h */

	struct policy_conf
		policy_now; /* the configuration with what is paused, as of the last tick */
	struct pauses pauses;
	struct history *history;
	uint64_t decisions_flushed; /* the last one that who follows them has been sent */
	struct recorder *recorder;
	FILE *record_file; /* --record; NULL: none */
	struct http *http; /* NULL: nobody can ask */
	struct loop *loop; /* NULL: a run that ends by itself */

	bool guests_known;       /* libvirt has listed them at least once */
	bool tuned_has_ksm;      /* rivals.h; as of the start, the last reload or the last audit */
	bool virt_ended;         /* its thread had no memory: nothing comes from it any more */
	bool link_up, link_told; /* told: the libvirt thread has said which, at least once */
	bool kicked;             /* something happened that policies should decide on now */
	bool by_event;           /* the next tick is not the timer's: it may leave out whom ... */
	enum sense_scope look;   /* ... but for this nobody has to look at */
	uint64_t looked_ns;      /* at all guests, at least at their processes */
	uint64_t late_said_ns;   /* of the request whose lateness was said */
	uint64_t limits_checked_ns;
	unsigned int misses;      /* samples that failed, in a row ... */
	uint64_t missed_since_ns; /* ... since then */
	uint64_t miss_said_ns;    /* 0: not yet */
	char trouble[96];         /* the file that was said to fail; "": none does */
	uint64_t trouble_said_ns; /* 0: not yet */
	bool let_go;              /* after three misses the originals are back */
	uint64_t ticks;
	uint64_t reloads; /* that have forgiven what had failed */
	uint64_t started_ns;
	uint64_t tick_began_ns, tick_took_ns; /* the last one */
	struct histogram tick_times;
	int conf_error;                      /* of the last reload: an older one is in force */
	uint64_t next_tick_ns;               /* 0: none is planned */
	unsigned int links;                  /* that there have been to libvirt */
	char libvirt_version[VIRT_TEXT_MAX]; /* escaped; "" before the first link */
	uint64_t balloons_asked_ns;          /* 0: not yet */
	uint32_t bound[KT_GUESTS_MAX];       /* incarnation that act knows, by slot */
	uint32_t lifting[KT_GUESTS_MAX];     /* incarnation whose marked pins are being lifted */
	size_t vcpu_threads[KT_GUESTS_MAX];  /* seen at the last tick, by slot */
	struct hostfile cpu_online, node_online;
	struct online_lists online; /* of both, when topology was read */
	uint64_t topology_retry_ns; /* it could not be, which was said; 0: it could */
};

/* ---- kvmtuned.c -------------------------------------------------------------- */

/* Empty, and nothing of the host is open yet.  NULL: no memory. */
struct kvmtuned *kvmtuned_new(void);
/* All but the libvirt thread, which has ended before.  NULL is fine. */
void kvmtuned_free(struct kvmtuned *k);

/* Decides, and writes nothing. */
static inline bool kvmtuned_observes(const struct kvmtuned *k)
{
	return k->dry_run || k->conf.policy.mode == DAEMON_OBSERVE;
}

/* ---- tick.c ----------------------------------------------------------------- */

/* Sense, model, policy, act.
 * 0, or -errno of a sample that failed (said, and the last plan holds). */
int kvmtuned_tick(struct kvmtuned *k, uint64_t now_ns);

/* The next tick is to look at no less. */
static inline void kvmtuned_look(struct kvmtuned *k, enum sense_scope scope)
{
	k->look = KT_MIN(k->look, scope);
}

/* ---- hotplug.c ----------------------------------------------------------------- */

/* CPUs and nodes come and go: the topology is read again then.  A failure is said once, and the
 * topology that was known holds. */
void hotplug_look(struct kvmtuned *k, uint64_t now_ns);

/* ---- guests.c: news of the libvirt thread ------------------------------------ */

/* Takes all news in.  True: something that a tick should look at now. */
bool guests_take_news(struct kvmtuned *k, uint64_t now_ns);

/* A guest is new in this slot: act looks up what an earlier life left in force. */
void guests_bind(struct kvmtuned *k, size_t slot);

/* Facts of guests whose number of vCPU threads changed are read again. */
void guests_note_vcpu_threads(struct kvmtuned *k);

/* Soft limits of ours are read again now and then. */
void guests_recheck_limits(struct kvmtuned *k, uint64_t now_ns);

/* Configuration has changed: who wants what is worked out anew. */
void guests_apply_wishes(struct kvmtuned *k);

/* Says once when libvirt owes an answer for too long. */
void guests_check_lateness(struct kvmtuned *k, uint64_t now_ns);

/* Balloon statistics of all guests, unless an answer is still under way. */
void guests_ask_statistics(struct kvmtuned *k, uint64_t now_ns);

/* Whoever is paused, or no longer: before each tick. */
void guests_apply_pauses(struct kvmtuned *k, uint64_t now_ns);

/* What act asks of libvirt. */
struct vm_ops guests_vm_ops(struct kvmtuned *k);

/* ---- orphans.c ----------------------------------------------------------------- */

/* Libvirt is asked for guests of an earlier life that it has not told of; who has gone is told as
 * all are. */
void orphans_seek(struct kvmtuned *k);

/* ---- lift.c ------------------------------------------------------------------- */

/* Pins that a kvmtuned has set and that nobody here remembers: before each plan. */
void lift_marked_pins(struct kvmtuned *k);

/* libvirt has lifted the main thread's, which was `cpus`: so are those of its children. */
void lift_from_born(struct kvmtuned *k, const struct vm_reply *lifted);

/* ---- answer_control.c: pauses ------------------------------------------------- */

void control_say_ended(const struct kvmtuned *k, const struct ended_pause *ended);
/* A failure is said. */
void control_remember_pauses(const struct kvmtuned *k);

/* ---- record_file.c: --record -------------------------------------------------- */

/* -errno.  What is there is overwritten, as whoever starts us may. */
int record_file_open(struct kvmtuned *k, const char *path);
void record_file_write(struct kvmtuned *k, const char *line);
void record_file_close(struct kvmtuned *k);

/* ---- once.c: runs that end by themselves ------------------------------------- */

/* Starts the libvirt thread.  0, or the exit status of a failure that was said. */
int once_connect(struct kvmtuned *k);

/* libvirt has listed its guests, or cannot be reached, or does not answer. */
void once_wait_for_guests(struct kvmtuned *k);

/* --once, --restore: the exit status. */
int once_run(struct kvmtuned *k);
int once_restore(struct kvmtuned *k);

/* ---- answer_history.c ----------------------------------------------------------- */

/* Whoever follows the decisions gets those that are new, from either thread: on the main
 * thread, after each tick and all news. */
void decisions_flush(struct kvmtuned *k);

/* ---- loop.c: libevent --------------------------------------------------------- */

/* What HUP does.  -errno, as of conf_load(): it is said, and the old one stays. */
int loop_reload(struct kvmtuned *k);
/* What USR1 does: policies decide in a moment. */
void loop_kick(struct kvmtuned *k);

/* Those that come before the loop runs wait for it: an early TERM would end us with what an
 * earlier life left still in force. */
void loop_hold_signals(void);

/* Runs until TERM or INT.  -errno: the loop could not be set up, or not all was undone. */
int loop_run(struct kvmtuned *k);

/* Gives everything back, with some patience for what waits for libvirt.  False: something
 * of ours is still in force, which is said. */
bool loop_restore(struct kvmtuned *k, unsigned int patience_s);

/* A moment without an event loop, for the libvirt thread to say something. */
void loop_pause_for_news(struct kvmtuned *k);

/* After the last tick: all is given back, unless the daemon is restarted or on_stop = keep.
 * False: something should have been undone, and could not be. */
bool loop_finish(struct kvmtuned *k) KT_MUST_USE;

#endif
