/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is taken of a guest's memory first, and what does it cost to get it back? */
#include <math.h>

#include "plant.h"

static const struct {
	double in_s; /* a page, while nothing is written */
	double in_kib_s, out_kib_s;
	double memory_share;  /* of what is swapped, that it takes from memory */
	double slower_by_out; /* a read that waits for writes */
} devices[] = {
	[PLANT_SSD] = { 1e-4, 400.0 * 1024, 400.0 * 1024, 0, 1 },
	[PLANT_ZRAM] = { 5e-6, 1500.0 * 1024, 500.0 * 1024, 1.0 / 3, 0 },
	[PLANT_DISK] = { 1e-3, 5.0 * 1024, 50.0 * 1024, 0, 3 },
};

/* The mean time between two looks at a page. */
static const double touched_s[PLANT_LAYERS] = { 2, 180, 50000 };

/* The kernel knows only what was looked at since it last looked itself: a page in use goes
 * by mistake, the more often the less cold ones there are. */
static const double taken_share[PLANT_LAYERS] = { 0.02, 0.1, 1 };

double plant_swap_in_kib_s(const struct plant *p)
{
	return devices[p->swap].in_kib_s;
}

double plant_swap_out_kib_s(const struct plant *p)
{
	return devices[p->swap].out_kib_s;
}

double plant_swapped_kib(const struct plant_guest *g)
{
	return g->swapped_kib[PLANT_HOT] + g->swapped_kib[PLANT_WARM] + g->swapped_kib[PLANT_COLD];
}

double plant_resident_layer_kib(const struct plant_guest *g, enum plant_layer layer)
{
	return fmax(0, g->layer_kib[layer] - g->swapped_kib[layer]);
}

static double all_swapped_kib(const struct plant *p)
{
	double sum = plant_swapped_kib(&p->services);

	for (unsigned int i = 0; i < p->nguests; i++)
		sum += plant_swapped_kib(&p->guest[i]);
	return sum;
}

double plant_swap_free_kib(const struct plant *p)
{
	return fmax(0, p->swap_kib - all_swapped_kib(p));
}

double plant_swap_memory_kib(const struct plant *p)
{
	return devices[p->swap].memory_share * all_swapped_kib(p);
}

void plant_swap_begin(struct plant *p, double seconds)
{
	p->swap_free_s = seconds;
	p->swapped_out_in_step_kib = 0;
}

void plant_swap_end(struct plant *p, double seconds)
{
	p->swap_write_share = p->swapped_out_in_step_kib / (devices[p->swap].out_kib_s * seconds);
}

/* ---- layers --------------------------------------------------------------------------- */

/* What is swapped out of the one is swapped out of the other then. */
static void shift(struct plant_guest *g, enum plant_layer from, enum plant_layer to, double kib)
{
	double share = g->layer_kib[from] > 0 ? fmin(1, kib / g->layer_kib[from]) : 0;
	double moved_kib = share * g->layer_kib[from], swapped_kib = share * g->swapped_kib[from];

	g->layer_kib[from] -= moved_kib;
	g->layer_kib[to] += moved_kib;
	g->swapped_kib[from] -= swapped_kib;
	g->swapped_kib[to] += swapped_kib;
}

void plant_move_working_set(struct plant_guest *g, double share)
{
	double kib = fmin(share * g->layer_kib[PLANT_HOT], g->layer_kib[PLANT_COLD]);
	double swapped_share = kib > 0 ? g->swapped_kib[PLANT_COLD] / g->layer_kib[PLANT_COLD] : 0;
	double was_share = kib > 0 ? g->swapped_kib[PLANT_HOT] / g->layer_kib[PLANT_HOT] : 0;
	double more_kib = kib * (swapped_share - was_share);

	g->swapped_kib[PLANT_HOT] += more_kib;
	g->swapped_kib[PLANT_COLD] -= more_kib;
}

/* What is new is resident, and where it is wanted; what has gone was the coldest. */
static void take_in_growth(struct plant_guest *g, const double wanted_kib[PLANT_LAYERS],
			   double grown_kib)
{
	for (int i = 0; i < PLANT_LAYERS && grown_kib > 0; i++) {
		double lack_kib = fmax(0, wanted_kib[i] - g->layer_kib[i]);
		double kib = i == PLANT_COLD ? grown_kib : fmin(lack_kib, grown_kib);

		g->layer_kib[i] += kib;
		grown_kib -= kib;
	}
	for (int i = PLANT_COLD; i >= 0 && grown_kib < 0; i--) {
		double kib = fmin(plant_resident_layer_kib(g, (enum plant_layer)i), -grown_kib);

		g->layer_kib[i] -= kib;
		grown_kib += kib;
	}
}

void plant_set_layers(struct plant_guest *g)
{
	double size_kib = plant_resident_kib(g) + plant_swapped_kib(g);
	double wanted_kib[PLANT_LAYERS], known_kib = 0;

	wanted_kib[PLANT_HOT] = fmin(g->hot_kib, size_kib);
	wanted_kib[PLANT_WARM] = fmin(g->warm_kib, size_kib - wanted_kib[PLANT_HOT]);
	wanted_kib[PLANT_COLD] = size_kib - wanted_kib[PLANT_HOT] - wanted_kib[PLANT_WARM];
	for (int i = 0; i < PLANT_LAYERS; i++)
		known_kib += g->layer_kib[i];
	take_in_growth(g, wanted_kib, size_kib - known_kib);
	for (enum plant_layer i = PLANT_HOT; i < PLANT_COLD; i++)
		shift(g, i, PLANT_COLD, fmax(0, g->layer_kib[i] - wanted_kib[i]));
	for (enum plant_layer i = PLANT_HOT; i < PLANT_COLD; i++)
		shift(g, PLANT_COLD, i, fmax(0, wanted_kib[i] - g->layer_kib[i]));
}

/* ---- out --------------------------------------------------------------------------------- */

static void shrink(struct plant_guest *g, double kib)
{
	double resident_kib = plant_resident_kib(g);

	for (unsigned int n = 0; n < PLANT_NODES && resident_kib > 0; n++)
		g->on_node_kib[n] -= g->on_node_kib[n] * kib / resident_kib;
}

/* Of each layer its share, as long as it has any. */
static void take_of_layers(struct plant_guest *g, double kib)
{
	for (int round = 0; round < PLANT_LAYERS && kib > 1e-6; round++) {
		double weight = 0, left_kib = kib;

		for (int i = 0; i < PLANT_LAYERS; i++)
			weight += taken_share[i] * plant_resident_layer_kib(g, (enum plant_layer)i);
		for (int i = 0; i < PLANT_LAYERS && weight > 0; i++) {
			double here_kib = plant_resident_layer_kib(g, (enum plant_layer)i);
			double got_kib =
				fmin(here_kib, left_kib * taken_share[i] * here_kib / weight);

			g->swapped_kib[i] += got_kib;
			kib -= got_kib;
		}
	}
}

double plant_swap_out(struct plant *p, struct plant_guest *g, double kib)
{
	double out_kib_s = devices[p->swap].out_kib_s;

	kib = fmin(kib, plant_resident_kib(g) - g->pinned_kib);
	kib = fmin(fmin(kib, plant_swap_free_kib(p)), p->swap_free_s * out_kib_s);
	if (kib <= 0)
		return 0;
	plant_set_layers(g);
	take_of_layers(g, kib);
	shrink(g, kib);
	p->swap_free_s -= kib / out_kib_s;
	p->swapped_out_in_step_kib += kib;
	p->swapped_out_kib += kib;
	g->swapped_out_kib += kib;
	return kib;
}

/* ---- in ---------------------------------------------------------------------------------- */

static double page_in_s(const struct plant *p)
{
	return devices[p->swap].in_s * (1 + devices[p->swap].slower_by_out * p->swap_write_share);
}

/* Each vCPU waits for one page at a time. */
void plant_swap_wanted(const struct plant *p, const struct plant_guest *g, double seconds,
		       double ret_kib[PLANT_LAYERS])
{
	double most_kib = g->vcpus * seconds / page_in_s(p) * KT_PAGE_KIB, sum_kib = 0;

	for (int i = 0; i < PLANT_LAYERS; i++) {
		ret_kib[i] = g->swapped_kib[i] * (1 - exp(-seconds / touched_s[i]));
		sum_kib += ret_kib[i];
	}
	for (int i = 0; i < PLANT_LAYERS && sum_kib > most_kib; i++)
		ret_kib[i] *= most_kib / sum_kib;
}

/* What does not come back now is waited for all the same. */
void plant_swap_in(struct plant *p, struct plant_guest *g, const double wanted_kib[PLANT_LAYERS],
		   double share, double seconds)
{
	double sum_kib = 0, stall_s;

	for (int i = 0; i < PLANT_LAYERS; i++) {
		g->swapped_kib[i] = fmax(0, g->swapped_kib[i] - share * wanted_kib[i]);
		sum_kib += wanted_kib[i];
	}
	plant_touch(p, g, share * sum_kib);
	stall_s = fmin(seconds, sum_kib / KT_PAGE_KIB * page_in_s(p));
	p->swap_free_s -= share * sum_kib / devices[p->swap].in_kib_s;
	p->swapped_in_kib += share * sum_kib;
	g->majfaults += share * sum_kib / KT_PAGE_KIB;
	g->stall_s += stall_s;
	p->stall_s += stall_s;
}
