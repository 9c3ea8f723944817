/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A host of which nothing is real but the daemon's decisions and how they are carried out:
 * the arbiter, its policies, lib/act and its undo file act on files, masks and limits in
 * memory.  Guests come and go, an administrator interferes, whatever may fail fails at random,
 * and after every step everything is either as it would be without us or on file.
 *
 *	soak_files.c    hostfs' door: KSM, sysctls, interrupts, /proc of the guests
 *	soak_kernel.c   masks of threads, CPUs that come and go, a child that unmerges
 *	soak_undo.c     what the undo file says, read by somebody else than its writer
 *	soak_virt.c     libvirt: requests, answers and facts, all of them late
 *	soak_workers.c  those who move and reclaim memory beside the main thread
 *	soak_sense.c    what is sensed of it
 *	soak_guests.c   guests
 *	soak_migrate.c  ... that go to another host, or come from one
 *	soak_events.c   what happens to it
 *	soak_conf.c     configurations
 *	soak_heap.c     pieces of the heap
 *	soak_daemon.c   what daemon/tick.c does, a life at a time
 *	soak_check.c    what must be true after every step
 *	soak_cede.c     ... and when something is said to be somebody else's; whose it is
 *
 * Everything comes from one seed. */
#ifndef KT_SOAK_H
#define KT_SOAK_H

#include <setjmp.h>

#include "act.h"
#include "policy.h"
#include "random_fixture.h"

enum {
	SOAK_GUESTS = 8,
	SOAK_THREADS = 32, /* of a guest */
	SOAK_NODES = 2,
	SOAK_CPUS = 16,
	SOAK_IRQS = 4,
	SOAK_FILES = 32,
	SOAK_WORD = 32,
	SOAK_REQUESTS = 64,
	SOAK_STORY = 48, /* events that are told when something is broken */
};

static const uint64_t soak_all_cpus = (UINT64_C(1) << SOAK_CPUS) - 1;

/* ---- what is there -------------------------------------------------------------------- */

/* What the undo file says of a value. */
struct soak_filed {
	bool known;
	char original[SOAK_WORD], before[SOAK_WORD], asked[SOAK_WORD];
};

enum soak_kind { SOAK_KSM, SOAK_BALANCING, SOAK_HOST_FILE, SOAK_IRQ };

/* `own` is what it would say without us.  A stranger's value took the place of one of ours,
 * and is his until a reload. */
struct soak_file {
	enum soak_kind kind;
	char path[96], key[64]; /* key: how its line in the undo file begins */
	int rule;               /* of the audit; -1: none */
	unsigned int irq;
	char now[SOAK_WORD], own[SOAK_WORD];
	bool ours, stranger;
	bool touched; /* by somebody else, while it was on file */
	bool ceded;   /* the daemon has said so, though it is on file as yet */
	struct soak_filed filed;
};

/* Masks as the thread was given them, CPUs that are off-line included. */
struct soak_thread {
	bool alive, unpinnable;
	pid_t tid;
	uint64_t start_ticks;
	enum thread_role role;
	unsigned int number;
	const struct soak_thread *owner; /* of the pool that it works for, and of its cgroup */
	uint64_t now, own;
	uint64_t own_before_reset; /* by a kernel that forgets masks; 0: never */
	uint64_t hidden;           /* CPUs of its own that were off-line while it was looked at */
	bool ours, stranger, seen;
	bool reset;     /* the kernel has put `now` there: all its CPUs had gone */
	bool inherited; /* `now` is its mother's, of whom nobody knows */
	struct {
		bool known;
		uint64_t original, before, asked;
	} filed;
	uint64_t first_allowed;
	char stat[96];
};

struct soak_limit {
	uint64_t now, own;
	bool ours, stranger, touched;
	struct {
		bool known;
		uint64_t original, before, asked;
	} filed;
	/* what the libvirt thread of this life knows, and what the live XML says */
	bool thread_owns;
	bool thread_taken_over;
	uint64_t thread_owns_kib;
	bool marked;
	bool came_along; /* from another host, with its mark, and nobody here has seen that */
	uint64_t mark_kib, mark_original_kib;
	unsigned int below_floor; /* steps in a row */
};

enum soak_journey { SOAK_STAYS, SOAK_LEAVES, SOAK_IS_LEFT, SOAK_ARRIVES };

struct soak_guest {
	bool runs, paused, busy;
	enum soak_journey journey;
	uint64_t journey_ends_ns;
	bool is_told, is_stale; /* libvirt has told of it; what it told is old */
	uint64_t gone_at_ns;    /* libvirt tells of its end then; 0: it runs, or has */
	int id;
	struct uuid uuid;
	unsigned int vcpus;
	uint64_t memory_kib, usage_kib, guarantee_mib;
	double share_on_0; /* of its memory */
	double demand_cpus, run_s, delay_s;
	bool has_admin_pins;
	bool is_trusted; /* since a reload: whatever masks it has are its own */
	struct soak_limit limit;
	struct soak_thread thread[SOAK_THREADS];
};

struct soak_request {
	struct uuid uuid;
	bool is_pin;
	struct pin_order pin;
	struct limit_order limit;
	uint64_t expires_ns;
};

/* A kernel or a host out of order: chances of 1 in 1000. */
struct soak_weather {
	unsigned int read, write, mask, virt, undo;
};

struct soak_counts {
	uint64_t steps, events, faults, lives, kills, reloads, guests, writes, masks, limits, cedes;
	double days;
};

struct soak_daemon;

struct soak {
	uint64_t seed, random;
	uint64_t now_ns;
	unsigned int nfiles;
	struct soak_file file[SOAK_FILES];
	uint64_t online;
	bool forgets_masks; /* as Linux before 6.2 when CPUs come and go */
	bool cgroup_v2, has_reclaim, has_swap;
	uint64_t pages_shared;
	double load_kib; /* of the host beside guests */
	double full_scans, scanned, ksmd_s, stall_s, swapped;
	struct {
		bool runs, begun;
		bool ended;
		int status;
	} unmerger;
	struct soak_guest guest[SOAK_GUESTS];
	struct soak_weather weather;
	uint64_t weather_ends_ns;
	bool link_up;
	size_t nrequests;
	struct soak_request request[SOAK_REQUESTS];
	struct soak_daemon *daemon; /* NULL: none runs */
	char run_dir[80];
	bool in_act, had_fault; /* had_fault: in this step */
	int die_after;          /* so many doings of act; 0: never */
	bool died;              /* there: what it had on the heap went with the process */
	bool admin_interferes;  /* right after the next write */
	bool cpus_changed;      /* since the daemon has looked last */
	jmp_buf death;
	struct soak_counts counts;
	bool broken;
	char told[SOAK_STORY][160];
	uint64_t ntold;
};

/* The one that the doors lead to. */
extern struct soak *the_soak;

/* ---- chance, and what is told ------------------------------------------------------------ */

static inline uint64_t soak_below(struct soak *s, uint64_t limit)
{
	return fixture_below(&s->random, limit);
}

static inline bool soak_chance(struct soak *s, unsigned int in_1000)
{
	return soak_below(s, 1000) < in_1000;
}

static inline double soak_between(struct soak *s, double low, double high)
{
	return low + (high - low) * fixture_share(&s->random);
}

void soak_tell(struct soak *s, const char *fmt, ...) KT_PRINTF(2, 3);
/* An invariant does not hold: says so with the last events, once. */
void soak_broken(struct soak *s, const char *fmt, ...) KT_PRINTF(2, 3);
/* True: it fails now, which is counted. */
bool soak_fails(struct soak *s, unsigned int in_1000);
/* A moment at which kill -9 may come. */
void soak_may_die(struct soak *s);

/* ---- soak_files.c -------------------------------------------------------------------------- */

void soak_files_make(struct soak *s);
struct soak_file *soak_file(struct soak *s, const char *key);
uint64_t soak_number(struct soak *s, const char *key);
/* By an administrator, or the kernel by itself. */
void soak_file_changes(struct soak *s, struct soak_file *f, const char *word);
/* A word that might stand in it, other than the present one and those on file. */
const char *soak_other_word(struct soak *s, const struct soak_file *f);

/* ---- soak_kernel.c ------------------------------------------------------------------------- */

struct soak_thread *soak_thread_of(struct soak *s, pid_t tid);
uint64_t soak_shown(const struct soak *s, uint64_t mask);
void soak_put_mask(struct soak *s, struct soak_thread *t, uint64_t mask);
void soak_cpus_change(struct soak *s, uint64_t online);
void soak_reset_is_own(struct soak_thread *t);
/* The child goes on; `dies`: with its parent. */
void soak_unmerger_goes_on(struct soak *s, bool dies);

/* ---- soak_undo.c --------------------------------------------------------------------------- */

/* The file has changed. */
void soak_undo_read(struct soak *s);

/* ---- soak_virt.c --------------------------------------------------------------------------- */

struct vm_ops soak_vm_ops(struct soak *s);
/* What it was asked for and did, and news of guests. */
void soak_virt_goes_on(struct soak *s);
/* The daemon has ended: what was asked for is done or lost. */
void soak_virt_forgets(struct soak *s);
struct soak_guest *soak_guest_of(struct soak *s, const struct uuid *uuid);

/* ---- soak_workers.c ------------------------------------------------------------------------ */

void soak_workers_go_on(struct soak *s, double seconds);
unsigned int soak_workers(void);

/* ---- soak_guests.c ------------------------------------------------------------------------- */

void soak_guest_starts(struct soak *s, struct soak_guest *g);
void soak_guest_ends(struct soak *s, struct soak_guest *g);
/* mother NULL: the main thread. */
struct soak_thread *soak_thread_starts(struct soak *s, struct soak_guest *g, enum thread_role role,
				       unsigned int number, const struct soak_thread *mother);
/* With all who work for it. */
void soak_thread_ends(struct soak_guest *g, struct soak_thread *t);
unsigned int soak_count_guests(const struct soak *s);
/* Time passes: usage and demand wander. */
void soak_guests_go_on(struct soak *s, double seconds);
/* As kvmtuned.conf(5) promises it. */
uint64_t soak_floor_kib(const struct soak *s, uint64_t memory_kib, uint64_t own_guarantee_mib);

/* ---- soak_migrate.c ------------------------------------------------------------------------ */

void soak_guest_leaves(struct soak *s);
void soak_guest_arrives(struct soak *s);
void soak_migrations_go_on(struct soak *s);
/* All guests are here to stay. */
void soak_jobs_end(struct soak *s);
/* The daemon plans with it. */
bool soak_is_known_busy(const struct soak *s, const struct soak_guest *g);
/* Whoever is said to be busy is left alone. */
void soak_check_hands_off(struct soak *s, const struct soak_guest *g, const char *what);
/* Somebody here knows what there was before the limit that came along. */
void soak_limit_is_ours(struct soak_limit *l, uint64_t original_kib);

/* ---- soak_sense.c -------------------------------------------------------------------------- */

void soak_topology(const struct soak *s, struct topology *ret);
void soak_sense(struct soak *s, struct soak_daemon *d);

/* ---- soak_conf.c --------------------------------------------------------------------------- */

void soak_make_conf(struct soak *s, struct policy_conf *conf);

/* ---- soak_events.c ------------------------------------------------------------------------- */

void soak_events(struct soak *s);

/* ---- soak_daemon.c ------------------------------------------------------------------------- */

struct soak_daemon {
	struct act *act;
	struct domains *domains;
	struct host_view *view;
	struct policy_conf conf;
	struct arbiter arbiter;
	struct topology topology;
	struct sample sample;
	struct plan plan;
	bool guests_known;
	uint64_t limits_checked_ns, looked_ns;
	bool reloaded; /* since the host was looked at */
	uint32_t bound[KT_GUESTS_MAX];
	struct guest_thread seen[SOAK_GUESTS][SOAK_THREADS];
	size_t pieces, nfds; /* of the heap; before it began */
};

enum soak_end { SOAK_KILL, SOAK_STOP, SOAK_RESTART };

/* Takes over what is on file. */
void soak_daemon_starts(struct soak *s);
void soak_daemon_ends(struct soak *s, enum soak_end how);
/* Without a word to anybody. */
void soak_daemon_frees(struct soak *s);
void soak_daemon_ticks(struct soak *s);
void soak_daemon_reloads(struct soak *s);
/* kvmtuned --restore, and nothing fails: all is as it would be without us. */
void soak_daemon_restores(struct soak *s);

/* ---- soak_check.c -------------------------------------------------------------------------- */

/* One of ours is written, or given back: may it be? */
void soak_check_write(struct soak *s, struct soak_file *f, const char *word);
void soak_check_mask(struct soak *s, const struct soak_guest *g, struct soak_thread *t,
		     uint64_t mask);
void soak_check(struct soak *s);
/* Nothing of ours is left. */
void soak_check_restored(struct soak *s);
bool soak_mask_is_own(const struct soak_thread *t);
/* What is on file of those that have their mother's mask. */
void soak_note_kin(struct soak *s);

/* ---- soak_cede.c --------------------------------------------------------------------------- */

void soak_check_cede(struct soak *s, const struct log_event *e);
void soak_forgets_strangers(struct soak *s, bool unless_on_file);
/* With a reload. */
void soak_forgives_strangers(struct soak *s);
/* By a plan: what threads have is noted, and what they get later is somebody else's. */
void soak_trust_ends(struct soak *s);

/* ---- soak_heap.c --------------------------------------------------------------------------- */

size_t soak_heap_pieces(void);

/* ---- the whole of it ----------------------------------------------------------------------- */

/* Runs so many simulated days.  False: an invariant was broken, which has been said. */
bool soak_run(uint64_t seed, double days, struct soak_counts *ret);

#endif
