/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why is it so, rule by rule, and when could it be otherwise?
 *
 * The rules are those that the policies decide by: nothing is said here that is not done.  All
 * functions are pure and change no state. */
#ifndef KT_EXPLAIN_H
#define KT_EXPLAIN_H

#include "policy.h"

enum { EXPLAIN_RULES_MAX = 40 };

/* What a policy asks before it acts, in its order: the first that forbids is the reason. */
struct rule_answer {
	enum why why; /* that it gives when it forbids */
	bool known;   /* it could be asked: of a guest that is not sampled little can be */
	bool forbids; /* false where that is not known */
};

struct explanation {
	size_t nrules;
	struct rule_answer rule[EXPLAIN_RULES_MAX];
	/* When what forbids now ends by itself (a cool-down, a back-off, being young), as
	 * host_view's clock, and later than now; 0: it does not, or nobody knows, or only the
	 * operator's pause does, whose end the daemon knows. */
	uint64_t until_ns;
};

/* The first that forbids; WHY_NONE: there is none. */
enum why explanation_reason(const struct explanation *e);

/* All of it is said of this moment: with an in_force that the last plan has changed, the
 * reason may be the next plan's and not the last one's.  `arbiter` has made its step with
 * this view.  Without a guest in the slot there are no rules. */
void explain_placement(const struct arbiter *arbiter, const struct policy_conf *conf,
		       const struct host_view *view, const struct in_force *in_force, size_t slot,
		       struct explanation *ret);
/* The runaway guard's limit is beside these rules: it is made although they forbid a step. */
void explain_memory(const struct arbiter *arbiter, const struct policy_conf *conf,
		    const struct host_view *view, const struct in_force *in_force,
		    const struct plan *plan, size_t slot, struct explanation *ret);
/* What keeps KSM from one guest's memory ... */
void explain_ksm_of_guest(const struct host_view *view, size_t slot, struct explanation *ret);
/* ... and what keeps the loop from driving KSM, or from more than a trickle. */
void explain_ksm(const struct arbiter *arbiter, const struct policy_conf *conf,
		 const struct host_view *view, const struct in_force *in_force,
		 struct explanation *ret);
/* What the other two loops ask that is the same for every guest. */
void explain_placement_of_host(const struct arbiter *arbiter, const struct policy_conf *conf,
			       const struct host_view *view, struct explanation *ret);
void explain_memory_of_host(const struct arbiter *arbiter, const struct policy_conf *conf,
			    const struct host_view *view, const struct plan *plan,
			    struct explanation *ret);

/* ---- advise: where a guest that does not exist yet would be placed ----------------- */

enum { ADVICE_MAX = 8 };

/* One set of nodes that was considered. */
struct advised_nodes {
	uint64_t nodes;
	bool fits;         /* as many CPUs as vCPUs, whoever else uses them, and its memory */
	double lost_cpus;  /* by everybody, if it came here, above what is lost now */
	uint64_t free_kib; /* that guests may count on, beside what those here have not used yet */
};

struct advice {
	/* Bit by id.  Where it fits nowhere now, the least bad, whose first `considered` does
	 * not fit: why is node-crowded.  0: it cannot be placed here at all, why is no-cpus
	 * or wider-than-node. */
	uint64_t nodes;
	enum why why;
	size_t n; /* the best first */
	struct advised_nodes considered[ADVICE_MAX];
};

/* Some 5 MiB, of the caller; nothing of it has to be set or is of use afterwards. */
struct advise_scratch {
	struct placement_policy placement;
};

/* A guest of so many vCPUs that all want to run, with so much memory (0: not known), beside
 * the others where they are now.  A host of one node is always the answer itself. */
void placement_advise(const struct arbiter *arbiter, const struct placement_conf *conf,
		      const struct host_view *view, const struct in_force *in_force,
		      unsigned int vcpus, uint64_t memory_kib, struct advise_scratch *scratch,
		      struct advice *ret);

#endif
