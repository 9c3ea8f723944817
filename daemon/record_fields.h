/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which fields of which structs are recorded?  One table for each struct, by which it is
 * written and read, so that the two cannot differ.
 *
 * A struct is a row of words: whole numbers, masks in pieces of 64 bits, a double as its
 * bits.  What is recorded is by how much each word has grown since the line before, modulo
 * 2^64.  Recorded is what the model and the policies read, and for the host a little more. */
#ifndef KT_RECORD_FIELDS_H
#define KT_RECORD_FIELDS_H

#include <stddef.h>

#include "record.h"

enum { RECORD_SCHEMA = 1, RECORD_WORDS_MAX = 8192 };

/* ---- what is recorded in another form than the daemon has it ------------------------- */

struct recorded_head {
	uint64_t now_ns, unix_us;
	bool kicked, guests_known, tuned_has_ksm;
	bool first;       /* nothing was decided before */
	uint64_t reloads; /* what had failed was forgiven, when it has grown */
	bool paused[_LOOP_MAX];
	uint64_t nslots;
};

struct recorded_host {
	struct host_sample sample;
	uint64_t idle_hz_of_node[KT_NODES_MAX]; /* of its usable CPUs, together */
};

/* All threads of a guest, as far as anybody asks. */
struct recorded_threads {
	uint64_t run_ns_total, delay_ns_total; /* of its vCPUs */
	uint64_t niothreads;
	struct cpumask first_allowed; /* to all that tell of pins */
};

struct recorded_guest {
	struct guest_sample sample;
	struct recorded_threads threads;
};

/* What was decided; 0 where it does not matter.  These are compared. */
struct decided_host {
	enum wish ksm_wish;
	enum why ksm_why;
	bool ksm_dry_run, ksm_run, ksm_sweep, stops_advisor, may_unmerge;
	uint64_t pages_to_scan, sleep_ms;
	enum ksm_switch use_zero_pages, merge_across_nodes;
	bool move, placement_observes;
	enum why move_why;
	uint64_t move_slot, move_from, move_kib_per_s;
	enum ksm_switch numa_balancing;
	bool squeezing;
	uint64_t deficit_kib, price_ppm; /* of the full price */
	uint64_t look_again_ns;
};

struct decided_guest {
	enum why ksm_why;
	bool settling;
	enum wish placement_wish;
	enum why placement_why;
	bool placement_dry_run;
	uint64_t nodes, cpus_hash; /* of all its cells */
	enum wish memory_wish;
	enum why memory_why;
	bool memory_dry_run, runaway;
	enum memory_means means;
	uint64_t target_kib;
};

/* ---- tables --------------------------------------------------------------------------- */

struct record_field {
	const char *name;
	size_t offset, size;   /* of the first word: 1, 2, 4 or 8 bytes */
	size_t nwords, stride; /* 1 and 0 for a single one */
	uint64_t max;          /* what is above it in a file is refused */
};

enum record_table_id {
	TABLE_TICK,
	TABLE_CAPABILITIES,
	TABLE_TOPOLOGY,
	TABLE_NODES,
	TABLE_CACHES,
	TABLE_HOST,
	TABLE_IN_FORCE,
	TABLE_PLAN,
	/* by slot */
	TABLE_DOMAINS,
	TABLE_GUESTS,
	TABLE_GUESTS_IN_FORCE,
	TABLE_GUEST_PLANS,
	_TABLE_MAX
};

struct record_table {
	const char *name; /* of the member of a line */
	size_t nfields;
	const struct record_field *field;
	size_t stride, nelements; /* an array of so many; 0: a single struct */
};

extern const struct record_table record_tables[_TABLE_MAX];

/* The field's name, with its number of words where there are several.  Returns buf. */
enum { RECORD_NAME_MAX = 64 };
char *record_field_name(const struct record_field *f, char *buf, size_t size);

/* One word of a struct, wherever it comes from. */
struct record_word {
	uint32_t offset, size; /* size 0: unknown here, and ignored */
	uint64_t max;
};

/* The words of all tables in the order of a recording. */
struct record_layout {
	size_t nwords[_TABLE_MAX];
	struct record_word *word[_TABLE_MAX]; /* each owned */
};

int record_layout_ours(struct record_layout *ret) KT_MUST_USE;
/* Adds the words, at least one, of one field.  -E2BIG: there are too many; -ENOMEM. */
int record_layout_add(struct record_layout *l, enum record_table_id table,
		      const struct record_field *field, size_t nwords) KT_MUST_USE;
void record_layout_clear(struct record_layout *l);

uint64_t record_word_get(const struct record_word *w, const void *from);
void record_word_set(const struct record_word *w, void *to, uint64_t value);

#endif
