/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tick of a host of chance, to be recorded. */
#ifndef KT_RECORD_UNIT_FIXTURE_H
#define KT_RECORD_UNIT_FIXTURE_H

#include <string.h>

#include "kt_check.h"
#include "random_fixture.h"
#include "record_private.h"

enum { FIXTURE_GUESTS = 5, FIXTURE_THREADS = 4 };

/* All that a tick refers to. */
struct record_world {
	struct conf conf;
	struct topology topology;
	struct capabilities capabilities;
	struct domains domains;
	struct sample sample;
	struct in_force in_force;
	struct plan plan;
	struct guest_thread thread[FIXTURE_GUESTS][FIXTURE_THREADS];
	struct recorded_tick tick;
};

/* Every word of a table, within its bounds. */
static inline void fixture_fill(enum record_table_id table, void *to, uint64_t *seed)
{
	struct record_layout layout;

	ck_assert_int_eq(record_layout_ours(&layout), 0);
	for (size_t i = 0; i < layout.nwords[table]; i++) {
		const struct record_word *w = &layout.word[table][i];
		uint64_t any = fixture_any(seed);

		record_word_set(w, to, w->max == UINT64_MAX ? any : any % (w->max + 1));
	}
	record_layout_clear(&layout);
}

static inline void fixture_fill_guest(struct record_world *w, size_t i, uint64_t *seed)
{
	struct domain_slot *slot = &w->domains.slot[i];
	struct recorded_guest g;

	fixture_fill(TABLE_DOMAINS, slot, seed);
	slot->used = i != 1;
	(void)snprintf(slot->domain.name, sizeof slot->domain.name, "a\"\\\n%%s\xff%zu", i);
	slot->domain.uuid = (struct uuid){ { 7, (uint8_t)i } };
	fixture_fill(TABLE_GUESTS, &g, seed);
	w->sample.guest[i] = g.sample;
	w->sample.guest[i].pid = 100;
	w->sample.guest[i].threads = w->thread[i];
	w->sample.guest[i].nthreads = FIXTURE_THREADS;
	for (size_t t = 0; t < FIXTURE_THREADS; t++) {
		w->thread[i][t] = (struct guest_thread){ .tid = 100 + (pid_t)t,
							 .role = (enum thread_role)(fixture_below(
								 seed, THREAD_VHOST + 1)),
							 .run_ns_total = fixture_any(seed) >> 2,
							 .delay_ns_total = fixture_any(seed) >> 2 };
		w->thread[i][t].first_allowed.word[3] = fixture_any(seed);
	}
	fixture_fill(TABLE_GUESTS_IN_FORCE, &w->in_force.guest[i], seed);
	w->plan.guest[i].placement.wish = WISH_HOLD;
	w->plan.guest[i].placement.why = (enum why)fixture_below(seed, _WHY_MAX);
	w->plan.guest[i].memory.wish = WISH_SET;
	w->plan.guest[i].memory.target_kib = fixture_any(seed);
}

/* Everything is another than before. */
static inline void record_world_change(struct record_world *w, uint64_t *seed)
{
	struct recorded_host host;

	fixture_fill(TABLE_CAPABILITIES, &w->capabilities, seed);
	fixture_fill(TABLE_TOPOLOGY, &w->topology, seed);
	for (unsigned int n = 0; n < 3; n++) {
		fixture_fill(TABLE_NODES, &w->topology.node[7 * n], seed);
		fixture_fill(TABLE_CACHES, &w->topology.cache[7 * n], seed);
		w->topology.node[7 * n].cpus = (struct cpumask){ .word[0] = UINT64_C(3) << 2 * n };
	}
	fixture_fill(TABLE_HOST, &host, seed);
	w->sample.host = host.sample;
	for (unsigned int cpu = 0; cpu < 6; cpu++)
		w->sample.host.idle_hz_of_cpu[cpu] = fixture_any(seed) >> 2;
	fixture_fill(TABLE_IN_FORCE, &w->in_force, seed);
	for (size_t i = 0; i < FIXTURE_GUESTS; i++)
		fixture_fill_guest(w, i, seed);
	w->plan.ksm = (struct ksm_plan){ .wish = WISH_SET,
					 .run = true,
					 .pages_to_scan = fixture_any(seed) };
	w->plan.memory.price = fixture_share(seed);
	w->tick.now_ns = fixture_any(seed);
	w->tick.kicked = !w->tick.kicked;
	w->tick.tuned_has_ksm = !w->tick.tuned_has_ksm;
}

static inline struct record_world *record_world_new(void)
{
	struct record_world *w = calloc(1, sizeof *w);

	ck_assert_ptr_nonnull(w);
	conf_defaults(&w->conf);
	w->domains.nslots = FIXTURE_GUESTS;
	w->domains.nused = FIXTURE_GUESTS - 1;
	w->tick = (struct recorded_tick){ .unix_us = 1000000,
					  .first = true,
					  .conf = &w->conf,
					  .policy = &w->conf.policy,
					  .topology = &w->topology,
					  .capabilities = &w->capabilities,
					  .domains = &w->domains,
					  .sample = &w->sample,
					  .in_force = &w->in_force,
					  .plan = &w->plan };
	return w;
}

#endif
