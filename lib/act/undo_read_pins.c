/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does an undo file say of the pins of a guest, in either of its versions? */
#include <errno.h>
#include <string.h>

#include "act_private.h"
#include "nodemask.h"
#include "undo_read.h"

static int read_cpus_before(const char *word, struct cpumask *ret)
{
	*ret = (struct cpumask){ 0 };
	return strcmp(word, "-") == 0 ? 0 : undo_read_cpus(word, ret);
}

static int read_nodes(const char *word, uint64_t *ret)
{
	struct cpumask numbers, nodes;

	if (undo_read_cpus(word, &numbers) < 0)
		return -EBADMSG;
	nodes = (struct cpumask){ { numbers.word[0] } };
	if (!cpumask_equal(&numbers, &nodes))
		return -EBADMSG;
	*ret = nodes.word[0];
	return 0;
}

/* "0-1/2": cell by cell. */
static int read_home(char *word, struct home *ret)
{
	char *next;

	for (; word; word = next) {
		uint64_t *nodes = &ret->cell_nodes[ret->ncells];

		next = strchr(word, '/');
		if (next)
			*next++ = '\0';
		if (ret->ncells == KT_CELLS_MAX || read_nodes(word, nodes) < 0)
			return -EBADMSG;
		ret->nodes |= *nodes;
		ret->ncells++;
	}
	return 0;
}

static int read_pins(struct undo_reader *r, const struct undo_line *l, size_t words)
{
	struct placement p = { 0 };
	int backend = l->nwords == words
			      ? undo_word_index(l->word[1], undo_backend_word, UNDO_BACKENDS)
			      : -EBADMSG;

	if (!r->guest || r->has_pins || backend < 0 || read_home(l->word[2], &p.home) < 0 ||
	    undo_read_cpus(l->word[3], &p.home.cpus) < 0)
		return -EBADMSG;
	p.backend = (enum placement_backend)backend;
	r->guest->placement = p;
	r->has_pins = true;
	return 0;
}

int undo_read_pins_1(struct undo_reader *r, const struct undo_line *l)
{
	int result = read_pins(r, l, 5);

	if (result < 0 || nodemask_count(r->guest->placement.home.nodes) != 1 ||
	    r->guest->placement.home.ncells != 1)
		return -EBADMSG;
	r->asked = r->guest->placement.home.cpus;
	return read_cpus_before(l->word[4], &r->before);
}

int undo_read_pins_2(struct undo_reader *r, const struct undo_line *l)
{
	return read_pins(r, l, 4);
}

static int read_pin(struct undo_reader *r, const struct undo_line *l, size_t words,
		    const struct cpumask *asked, const struct cpumask *before)
{
	uint64_t tid = 0, start = 0, number = 0;
	struct cpumask original;
	struct pin *pin;
	int role = l->nwords == words ? undo_word_index(l->word[3], undo_role_word, UNDO_ROLES)
				      : -EBADMSG;

	if (!r->guest || !r->has_pins || role < 0 ||
	    undo_read_number(l->word[1], INT32_MAX, &tid) < 0 || tid == 0 ||
	    undo_read_number(l->word[2], UINT64_MAX, &start) < 0 ||
	    undo_read_number(l->word[4], UINT32_MAX, &number) < 0 ||
	    undo_read_cpus(l->word[5], &original) < 0)
		return -EBADMSG;
	if (act_pin_find(&r->guest->placement, (pid_t)tid, 0) ||
	    r->guest->placement.npins == KT_THREADS_MAX)
		return -EBADMSG;
	pin = act_pin_add(&r->guest->placement);
	if (!pin)
		return -ENOMEM; /* ours: the file is whole, and must not be thrown away */
	pin->ours = true;
	pin->tid = (pid_t)tid;
	pin->start_ticks = start;
	pin->role = (enum thread_role)role;
	pin->number = (unsigned int)number;
	pin->original = pin->got = original;
	pin->asked = *asked;
	pin->before = *before;
	return 0;
}

int undo_read_pin_1(struct undo_reader *r, const struct undo_line *l)
{
	return read_pin(r, l, 6, &r->asked, &r->before);
}

int undo_read_pin_2(struct undo_reader *r, const struct undo_line *l)
{
	struct cpumask asked, before;

	if (l->nwords != 8 || undo_read_cpus(l->word[6], &asked) < 0 ||
	    read_cpus_before(l->word[7], &before) < 0)
		return -EBADMSG;
	return read_pin(r, l, 8, &asked, &before);
}
