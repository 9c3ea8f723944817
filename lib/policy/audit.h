/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every known rule of tuning a KVM host and its guests: one row and one small pure predicate
 * each.  Adding a rule is one place: its row in audit_host_rules.c or audit_guest_rules.c.
 *
 * A predicate gives numbers and words; the row's texts have places for them, so that policies
 * print nothing: {0} to {3} are numbers, {a} and {b} are words, {uuid} is the guest's. */
#ifndef KT_AUDIT_H
#define KT_AUDIT_H

#include "audit_sample.h"
#include "policy.h"

enum audit_result {
	AUDIT_OK,
	AUDIT_FINDING,
	AUDIT_NOT_APPLICABLE,
	AUDIT_UNKNOWN,
	_AUDIT_RESULT_MAX,
};

enum audit_severity {
	AUDIT_NOTE,     /* a matter of taste, or of sizing */
	AUDIT_WARNING,  /* costs speed */
	AUDIT_CRITICAL, /* costs guests, or a lot of speed */
	_AUDIT_SEVERITY_MAX,
};

/* When what fixes it takes effect. */
enum audit_class {
	AUDIT_TUNED,   /* kvmtuned does it live, when allowed */
	AUDIT_LIVE,    /* live, but somebody else's */
	AUDIT_DOMAIN,  /* per guest, live through libvirt */
	AUDIT_RESTART, /* the guest's next start, or a device plugged again */
	AUDIT_BOOT,    /* of the host, or a module loaded again */
	AUDIT_SIZING,  /* no knob */
};

enum { AUDIT_RULES_MAX = 64 }; /* of the host, and of guests: sets of them are bits */

/* What a rule may look at. */
struct audit_input {
	const struct audit_host *host;
	const struct topology *topology;
	const struct domains *domains; /* each with its audit facts; NULL: nobody has told us */
	const struct host_view *view;  /* NULL: without the daemon's memory */
	const struct policy_conf *conf;
	const struct in_force *in_force; /* NULL: nothing is ours */
	size_t slot;                     /* of guest rules */
};

struct audit_verdict {
	enum audit_result result;
	/* static: why it does not apply, what is not known, or what else is to be said; may be
	 * NULL */
	const char *reason;
	int error; /* with UNKNOWN, positive errno or 0 */
	uint64_t number[4];
	/* Escaped; a list of CPUs in a command must not be cut. */
	char word[2][KT_CPULIST_MAX];
	const char *owner; /* who sets it, whatever it is now; NULL: nobody known */
};

struct audit_rule {
	const char *id; /* host-..., guest-...; never renamed */
	bool is_of_guest;
	enum audit_severity severity;
	enum audit_class class;
	const char *is, *should; /* short */
	const char *why;         /* one sentence with the gain that sources report */
	const char *source;      /* where it comes from */
	const char *fix;         /* command or XML; live where possible; "": no knob */
	void (*judge)(const struct audit_input *in, struct audit_verdict *v); /* *v is zeroed */
	/* The daemon may write it when [host] apply names it; NULL: never.  A path below the root
	 * and the word to write, or "{1}", that number; with "{0}" in the path: one file for each
	 * interrupt that is to be moved, and no text. */
	const char *path, *text;
};

extern const struct audit_rule audit_host_rules[], audit_guest_rules[];
extern const size_t audit_nhost_rules, audit_nguest_rules;

/* Rules of the knob table that cannot be checked from here: id and why not. */
struct audit_impossible {
	const char *id, *why;
};
extern const struct audit_impossible audit_impossible[];
extern const size_t audit_nimpossible;

void audit_judge(const struct audit_rule *rule, const struct audit_input *in,
		 struct audit_verdict *ret);

/* ---- for predicates (audit.c) ----------------------------------------------------------- */

/* ok or finding. */
void audit_expect(struct audit_verdict *v, bool ok);
void audit_not_applicable(struct audit_verdict *v, const char *reason);
void audit_unknown(struct audit_verdict *v, const char *reason, int error);
/* True: it is known, and its value is number[0].  Else the verdict is made: absent does not
 * apply (with `absent`), unknown is unknown. */
bool audit_take(struct audit_verdict *v, const struct fact *f, const char *absent);
/* The same, and word[0]. */
bool audit_take_word(struct audit_verdict *v, const struct word_fact *f, const char *absent);
/* After one of these.  True: somebody owns the value and it is, or may be, what he says, so the
 * verdict is ok.  He is named in any case. */
bool audit_owned(const struct audit_input *in, struct audit_verdict *v, enum owned_value value);

/* True: the active profile of tuned trades everything for low latency, as do its values that it
 * sets by scripts; so the verdict is ok, and the profile is named. */
bool audit_owned_by_latency(const struct audit_input *in, struct audit_verdict *v);

bool audit_word_is(const char *word, const char *expected);
/* What is escaped already; what does not fit is cut. */
void audit_say(char ret[AUDIT_OWNER], const char *word);
/* Escapes. */
void audit_say_raw(char ret[AUDIT_OWNER], const char *raw);
void audit_say_cpus(char ret[AUDIT_OWNER], const struct cpumask *cpus);

/* Of how many guests is something so? */
struct audit_count {
	bool known; /* who they are */
	unsigned int of, yes;
	unsigned int unknown; /* their XML is not */
};
struct audit_count audit_count(const struct audit_input *in,
			       bool (*is_so)(const struct audit_input *in, size_t slot));
/* True: there are some, and all are known.  Else the verdict is made. */
bool audit_some_guests(struct audit_verdict *v, struct audit_count count);
/* True: known to be so of one guest at least.  Else the verdict is made: it does not apply
 * (with `none`), or that is unknown. */
bool audit_any(struct audit_verdict *v, struct audit_count count, const char *none);
/* True: known not to be so of every guest, or there are none.  Else the same. */
bool audit_not_all(struct audit_verdict *v, struct audit_count count, const char *all);
/* True: the host has more than one node. */
bool audit_several_nodes(const struct audit_input *in, struct audit_verdict *v);
/* What of this guest is ours; NULL: nothing. */
const struct guest_in_force *audit_in_force(const struct audit_input *in, size_t slot);

#endif
