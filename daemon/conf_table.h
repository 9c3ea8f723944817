/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The option table, for the reader of files and for the tests. */
#ifndef KT_CONF_TABLE_H
#define KT_CONF_TABLE_H

#include "conf.h"
#include "str.h"

struct conf_option {
	const char *section, *key, *standard;
	const char *const *words; /* the field is an enum, these its values; else */
	bool is_text;             /* char[CONF_TEXT_MAX], any unless text_fits says more; else */
	bool (*text_fits)(const char *text);
	const char *allowed; /* what fits, in words */
	bool is_cpus;        /* struct cpumask; else */
	bool is_rule_ids;    /* struct rule_ids; else */
	bool is_host_rules;  /* uint64_t: rules of the host, by bit, that the daemon may write for;
			      * else  uint64_t of this range */
	uint64_t min, max;
	size_t offset; /* into struct conf */
	const char *doc;
};

extern const struct conf_option conf_options[];
extern const size_t conf_noptions;

/* By position in conf_options; conf_noptions: there is none. */
size_t conf_option_find(const char *section, const char *key);

/* -EINVAL: not allowed. */
int conf_option_set(const struct conf_option *o, struct conf *conf, const char *text) KT_MUST_USE;
int conf_word(const char *const *words, const char *text, unsigned int *ret) KT_MUST_USE;

enum { CONF_VALUE_MAX = KT_CPULIST_MAX }; /* bytes that the text of any value fits into */

/* The value as conf_option_set would take it, of a configuration as it was loaded; a text is
 * not escaped.  Returns buf. */
char *conf_option_text(const struct conf_option *o, const struct conf *conf, char *buf,
		       size_t size);

/* "on", "cpu"; NULL: the section says nothing. */
const char *conf_switch_text(enum guest_switch value);

/* Ids with blanks or commas between them.  -EINVAL: there is no such rule. */
int conf_rule_ids_parse(const char *text, struct rule_ids *ret) KT_MUST_USE;
char *conf_rule_ids_text(const struct rule_ids *ids, char *buf, size_t size);
/* The same, or "none"; only those of the host that the daemon may write for. */
int conf_host_rules_parse(const char *text, uint64_t *ret) KT_MUST_USE;
char *conf_host_rules_text(uint64_t rules, char *buf, size_t size);
/* All of them. */
uint64_t conf_host_rules(void);

bool conf_is_absolute(const char *path);
bool conf_is_listen(const char *text);

/* "a whole number from 1 to 3600", "active, observe, off". */
char *conf_option_allowed(const struct conf_option *o, char *buf, size_t size);

#endif
