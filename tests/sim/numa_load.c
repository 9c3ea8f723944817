/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What do the guests want of the host, and which of them are there? */
#include <math.h>
#include <string.h>

#include "numa_world.h"
#include "util.h"

struct range {
	double low, high;
};

struct kind_row {
	const char *name;
	double busy_share; /* of phases */
	struct range first_phase_s, phase_s, first_birth_s, birth_s;
	double fill;       /* of the host's memory, about; 0: as drawn, with no look at capacity */
	double wide_share; /* of guests */
	double device_share;
	bool small;
};

static const struct kind_row kinds[_NUMA_KINDS] = {
	[NUMA_STANDARD] = { "standard",
			    0.5,
			    { 60, 600 },
			    { 120, 900 },
			    { 200, 500 },
			    { 150, 500 },
			    0,
			    0,
			    0,
			    false },
	[NUMA_TIGHT] = { "tight",
			 0.5,
			 { 60, 600 },
			 { 120, 900 },
			 { 200, 500 },
			 { 150, 500 },
			 0.88,
			 0,
			 0,
			 false },
	[NUMA_BURSTY] = { "bursty",
			  0.4,
			  { 5, 60 },
			  { 5, 60 },
			  { 200, 500 },
			  { 150, 500 },
			  0,
			  0,
			  0,
			  false },
	[NUMA_CHURN] = { "churn",
			 0.5,
			 { 60, 600 },
			 { 120, 900 },
			 { 20, 50 },
			 { 15, 50 },
			 0,
			 0,
			 0,
			 false },
	[NUMA_WIDE] = { "wide",
			0.5,
			{ 60, 600 },
			{ 120, 900 },
			{ 200, 500 },
			{ 150, 500 },
			0,
			0.1,
			0,
			false },
	[NUMA_DEVICES] = { "devices",
			   0.5,
			   { 60, 600 },
			   { 120, 900 },
			   { 200, 500 },
			   { 150, 500 },
			   0,
			   0,
			   0.5,
			   false },
	[NUMA_SMALL] = { "small",
			 0.25,
			 { 60, 600 },
			 { 120, 900 },
			 { 20, 50 },
			 { 15, 50 },
			 0,
			 0,
			 0,
			 true },
};

const char *numa_kind_name(enum numa_kind kind)
{
	return kinds[kind].name;
}

double numa_random(struct numa_world *w, double low, double high)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return low + (high - low) * ((double)(w->random >> 11) / 9007199254740992.0);
}

static double draw(struct numa_world *w, struct range r)
{
	return numa_random(w, r.low, r.high);
}

/* ---- a guest is born ----------------------------------------------------------------- */

static const double mean_gib = 3.25 * 5; /* of what follows */

static unsigned int draw_vcpus(struct numa_world *w)
{
	double u = numa_random(w, 0, 1);

	if (kinds[w->kind].small)
		return u < 0.5 ? 1 : 2;
	return u < 0.25 ? 1 : u < 0.55 ? 2 : u < 0.85 ? 4 : 8;
}

/* Twice the cores of a node; every other one with a virtual cell for each half. */
static void draw_width(struct numa_world *w, struct numa_guest *g)
{
	g->vcpus = draw_vcpus(w);
	g->ncells = 1;
	if (kinds[w->kind].wide_share > 0 && numa_random(w, 0, 1) < kinds[w->kind].wide_share) {
		g->vcpus = 2 * w->shape.cores[0];
		g->ncells = numa_random(w, 0, 1) < 0.5 ? 1 : 2;
	}
}

static unsigned int draw_cpu_node(struct numa_world *w)
{
	unsigned int n, ncpu_nodes = 0;

	while (ncpu_nodes < w->shape.nnodes && w->shape.cores[ncpu_nodes])
		ncpu_nodes++; /* nodes of memory only are the last ones */
	n = (unsigned int)numa_random(w, 0, ncpu_nodes);
	return KT_MIN(n, ncpu_nodes - 1);
}

static double capacity_gib(const struct numa_world *w)
{
	double gib = 0;

	for (unsigned int n = 0; n < w->shape.nnodes; n++)
		gib += w->shape.gib[n] - NUMA_HOST_GIB;
	return gib;
}

static double host_free_gib(const struct numa_world *w)
{
	double gib = 0;

	for (unsigned int n = 0; n < w->shape.nnodes; n++)
		gib += fmax(0, numa_free_gib(w, n));
	return gib;
}

/* As memory falls on a host without a tuner: much on one node, and some everywhere. */
static void spread_memory(struct numa_world *w, struct numa_guest *g, unsigned int node,
			  double share)
{
	for (unsigned int c = 0; c < g->ncells; c++)
		for (unsigned int n = 0; n < w->shape.nnodes; n++)
			g->gib_on[c][n] = g->gib / g->ncells *
					  (n == node ? share : (1 - share) / (w->shape.nnodes - 1));
}

/* The same where there is room, and the rest where there is any; 1 GiB stays free everywhere.
 * What a node holds of a guest is the same share of all its cells. */
static void squeeze_memory(struct numa_world *w, struct numa_guest *g)
{
	double room_gib[NUMA_NODES], left = 0, room = 0, on;

	for (unsigned int n = 0; n < w->shape.nnodes; n++)
		room_gib[n] = fmax(0, numa_free_gib(w, n) + numa_guest_gib_on(g, n) - 1);
	for (unsigned int n = 0; n < w->shape.nnodes; n++) {
		on = numa_guest_gib_on(g, n);
		left += fmax(0, on - room_gib[n]);
		room += fmax(0, room_gib[n] - on);
	}
	for (unsigned int n = 0; n < w->shape.nnodes; n++) {
		on = numa_guest_gib_on(g, n);
		on = on > room_gib[n] ? room_gib[n]
				      : on + (room > 0 ? left * (room_gib[n] - on) / room : 0);
		for (unsigned int c = 0; c < g->ncells; c++)
			g->gib_on[c][n] = on / g->ncells;
	}
}

static void draw_device(struct numa_world *w, struct numa_guest *g)
{
	const struct kind_row *k = &kinds[w->kind];

	g->device_node = -1;
	if (k->device_share <= 0 || numa_random(w, 0, 1) >= k->device_share)
		return;
	g->device_node = (int)draw_cpu_node(w);
	g->device_weight = numa_random(w, 0.02, 0.2);
}

static void be_born(struct numa_world *w, unsigned int guest)
{
	const struct kind_row *k = &kinds[w->kind];
	struct numa_guest *g = &w->guest[guest];
	unsigned int node;

	*g = (struct numa_guest){ .birth = ++w->births };
	draw_width(w, g);
	g->gib = g->vcpus * numa_random(w, 2, 8);
	if (k->fill > 0)
		g->gib = fmin(g->gib * k->fill * capacity_gib(w) / (w->nguests * mean_gib),
			      fmax(1, host_free_gib(w) - 5.0 * w->shape.nnodes));
	g->intensity = numa_random(w, 0.05, 0.5);
	node = draw_cpu_node(w);
	spread_memory(w, g, node, numa_random(w, 0.3, 1));
	if (k->fill > 0)
		squeeze_memory(w, g);
	g->busy = numa_random(w, 0, 1) < k->busy_share;
	g->phase_end_s = w->now_s + draw(w, k->first_phase_s);
	draw_device(w, g);
}

void numa_world_init(struct numa_world *w, const struct numa_shape *shape, enum numa_kind kind,
		     unsigned int nguests, uint64_t seed)
{
	memset(w, 0, sizeof *w);
	w->shape = *shape;
	w->kind = kind;
	w->random = seed * UINT64_C(2654435761) + UINT64_C(88172645463325252);
	w->nguests = KT_MIN(nguests, (unsigned int)NUMA_GUESTS);
	for (unsigned int i = 0; i < w->nguests; i++)
		be_born(w, i);
	w->next_birth_s = draw(w, kinds[kind].first_birth_s);
}

/* ---- a second -------------------------------------------------------------------------- */

static int replace_one(struct numa_world *w)
{
	unsigned int guest;

	if (w->now_s < w->next_birth_s)
		return -1;
	guest = (unsigned int)numa_random(w, 0, w->nguests);
	guest = KT_MIN(guest, w->nguests - 1);
	be_born(w, guest);
	w->next_birth_s = w->now_s + draw(w, kinds[w->kind].birth_s);
	return (int)guest;
}

static void want(struct numa_world *w, struct numa_guest *g)
{
	const struct kind_row *k = &kinds[w->kind];
	double share;

	if (w->now_s >= g->phase_end_s) {
		g->busy = numa_random(w, 0, 1) < k->busy_share;
		g->phase_end_s = w->now_s + draw(w, k->phase_s);
	}
	share = g->busy ? numa_random(w, 0.6, 1) : numa_random(w, 0.02, 0.15);
	g->cpus = 0.7 * g->cpus + 0.3 * g->vcpus * share;
}

int numa_world_draw(struct numa_world *w)
{
	int newcomer = replace_one(w);

	for (unsigned int i = 0; i < w->nguests; i++)
		want(w, &w->guest[i]);
	return newcomer;
}
