/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is remembered of kernel.numa_balancing, and of the files of the host that audit rules
 * are about.  Only act_private.h includes it. */
#ifndef KT_ACT_HOST_H
#define KT_ACT_HOST_H

#include "act.h"
#include "act_value.h"
#include "log.h"
#include "plan.h"

struct act;

struct act_balancing {
	struct knob knob;
	bool ceded, off;
	struct retry retry;   /* off until then; without: until reload */
	enum ksm_switch said; /* the last wish that a dry run told of */
};

struct host_value {
	unsigned int rule, irq;                 /* irq: 0 where there is one file for the rule */
	bool ours, fresh, todo, gave_up, doubt; /* as of a knob */
	bool fixed;                             /* an interrupt that nobody can move */
	bool theirs; /* somebody has changed what we wrote, to what was wished then */
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
/* Is what is there ours?  Where nobody could read it for a while it may also be what was there
 * before, and then it was not written, or what was there at first: it is nobody's any more. */
bool act_host_recognise(struct act *a, struct host_value *v, const char *found);

/* ---- act_host_values.c ------------------------------------------------- */

void act_host_forgive(struct act *a);
/* What was refused for a while may be tried to be given back once more. */
void act_host_last_chance(struct act *a);
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

#endif
