/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does a file become a configuration, and what is said of its mistakes? */
#include <dirent.h>
#include <errno.h>
#include <ini.h>
#include <string.h>

#include "conf_reader.h"

/* In the order of enum guest_switch. */
static const char *const switch_words[] = { "", "off", "observe", "on", NULL };
static const char *const placement_words[] = { "", "off", "observe", "on", "cpu", "full", NULL };

const char *conf_switch_text(enum guest_switch value)
{
	return value == GUEST_SWITCH_DEFAULT ? NULL : placement_words[value];
}

static struct conf_place here(const struct conf_reader *r, unsigned int line)
{
	return (struct conf_place){ .file = (unsigned int)r->origins.nfiles - 1, .line = line };
}

/* The section is of the right form: section_is_fit has seen it. */
static void begin_rule(struct conf_reader *r, const char *section)
{
	const char *quoted = conf_quoted_pattern(section);

	memset(r->rule_seen, 0, sizeof r->rule_seen);
	r->rule = NULL;
	if (!quoted)
		return;
	if (r->conf->nrules >= CONF_RULES_MAX) {
		conf_mistake(r, "[%s]: more than %d domain sections", section, CONF_RULES_MAX);
		return;
	}
	r->origins.rule[r->conf->nrules] = here(r, r->section_line);
	r->rule = &r->conf->rule[r->conf->nrules++];
	*r->rule = (struct conf_rule){ 0 };
	/* fits: CONF_SECTION_BYTES < CONF_GLOB_MAX */
	memcpy(r->rule->glob, quoted + 1, strlen(quoted) - 2);
}

/* In the order of rule_keys. */
enum { RULE_KSM, RULE_PLACEMENT, RULE_MEMORY, RULE_WEIGHT, RULE_MIN_GUARANTEE };
static const char *const rule_keys[] = { "ksm",    "placement",         "memory",
					 "weight", "min_guarantee_mib", NULL };

static void set_rule_switch(struct conf_reader *r, const char *section, unsigned int k,
			    const char *value)
{
	enum guest_switch *const switches[] = { &r->rule->wish.ksm, &r->rule->wish.placement,
						&r->rule->wish.memory };
	bool placement = k == RULE_PLACEMENT;
	unsigned int word;

	if (conf_word(placement ? placement_words : switch_words, value, &word) < 0)
		conf_mistake(r, "[%s] %s: \"%s\" is not allowed; allowed: %s", section,
			     rule_keys[k], value,
			     placement ? "off, observe, cpu, full, on" : "off, observe, on");
	else
		*switches[k] = (enum guest_switch)word;
}

static void set_rule_number(struct conf_reader *r, const char *section, unsigned int k,
			    const char *value)
{
	int max = k == RULE_WEIGHT ? 1000 : KT_GUARANTEE_MIB_MAX;
	uint64_t number;

	if (str_u64(value, &number) < 0 || number < 1 || number > (uint64_t)max)
		conf_mistake(r,
			     "[%s] %s: \"%s\" is not allowed; allowed: a whole number from 1 to %d",
			     section, rule_keys[k], value, max);
	else if (k == RULE_WEIGHT)
		r->rule->wish.weight = (unsigned int)number;
	else
		r->rule->wish.min_guarantee_mib = number;
}

static void set_rule_key(struct conf_reader *r, const char *section, const char *key,
			 const char *value)
{
	unsigned int k;

	if (conf_word(rule_keys, key, &k) < 0) {
		conf_mistake(r,
			     "[%s] %s: unknown key; allowed: ksm, placement, memory, weight, "
			     "min_guarantee_mib",
			     section, key);
		return;
	}
	if (r->rule_seen[k]) {
		conf_mistake(r, "[%s] %s: given twice", section, key);
		return;
	}
	r->rule_seen[k] = true;
	if (k < RULE_WEIGHT)
		set_rule_switch(r, section, k, value);
	else
		set_rule_number(r, section, k, value);
}

static void set_option(struct conf_reader *r, size_t i, const char *value)
{
	const struct conf_option *o = &conf_options[i];
	char allowed[768]; /* all rules that can be applied */

	if (r->seen[i]) {
		conf_mistake(r, "[%s] %s: given twice", o->section, o->key);
		return;
	}
	r->seen[i] = true;
	r->origins.option[i] = here(r, r->line);
	if (conf_option_set(o, r->conf, value) < 0)
		conf_mistake(r, "[%s] %s: \"%s\" is not allowed; allowed: %s", o->section, o->key,
			     value, conf_option_allowed(o, allowed, sizeof allowed));
}

static void set_key(struct conf_reader *r, const char *section, const char *key, const char *value)
{
	size_t i = conf_option_find(section, key);

	if (i < conf_noptions)
		set_option(r, i, value);
	else if (*section)
		conf_mistake(r, "[%s] %s: unknown key; see kvmtuned.conf(5)", section, key);
	else
		conf_mistake(r, "%s: before any [section]", key);
}

static int take_key(void *context, const char *section, const char *key, const char *value)
{
	struct conf_reader *r = context;
	bool is_domain = conf_is_domain_section(section);

	if (strcmp(section, r->last_section) != 0) {
		(void)snprintf(r->last_section, sizeof r->last_section, "%s", section);
		if (is_domain)
			begin_rule(r, section);
	}
	if (strcmp(section, conf_refused_section) == 0)
		return 1;
	if (!is_domain)
		set_key(r, section, key, value);
	else if (r->rule)
		set_rule_key(r, section, key, value);
	return 1;
}

/* What single values cannot tell is told of the place where one of them was set. */
static void go_to(struct conf_reader *r, size_t option)
{
	const struct conf_place *place = &r->origins.option[option];

	r->path = r->origins.file[place->file];
	r->line = place->line;
}

static void contradiction(struct conf_reader *r, const char *section, const char *low,
			  uint64_t low_value, const char *high, uint64_t high_value)
{
	size_t at = conf_option_find(section, low);

	if (low_value <= high_value)
		return;
	go_to(r, r->origins.option[at].line ? at : conf_option_find(section, high));
	conf_mistake(r, "[%s] %s (%llu) is above %s (%llu)", section, low,
		     (unsigned long long)low_value, high, (unsigned long long)high_value);
}

static void check_together(struct conf_reader *r)
{
	const struct policy_conf *p = &r->conf->policy;

	contradiction(r, "ksm", "short_percent", p->ksm.short_percent, "plenty_percent",
		      p->ksm.plenty_percent);
	contradiction(r, "ksm", "sweep_min_s", p->ksm.sweep_min_s, "sweep_max_s",
		      p->ksm.sweep_max_s);
	contradiction(r, "ksm", "min_pages", p->ksm.min_pages, "max_pages", p->ksm.max_pages);
	contradiction(r, "memory", "calm_price", p->memory.calm_price, "squeeze_price",
		      p->memory.squeeze_price);
	if (p->memory.runaway == RUNAWAY_LIMIT && p->memory.backend == MEMORY_BACKEND_RECLAIM) {
		go_to(r, conf_option_find("memory", "runaway"));
		conf_mistake(r, "[memory] runaway = limit needs limits, which backend = reclaim "
				"never sets; allowed with it: off, warn");
	}
}

static int read_file(struct conf_reader *r, const char *path)
{
	KT_AUTOFCLOSE FILE *file = fopen(path, "re");
	struct conf_origins *o = &r->origins;
	unsigned int mistakes = r->mistakes;
	int line;

	if (!file)
		return -errno;
	if (o->nfiles >= CONF_FILES_MAX || strlen(path) >= CONF_PATH_MAX)
		return o->nfiles >= CONF_FILES_MAX ? -E2BIG : -ENAMETOOLONG;
	r->file = file;
	r->path = strcpy(o->file[o->nfiles++], path);
	r->line = 0;
	memset(r->seen, 0, sizeof r->seen);
	r->last_section[0] = '\0';
	line = ini_parse_stream(conf_read_line, r, take_key, r);
	if (line < 0)
		return -ENOMEM;
	/* Of the first mistake that it has found; by now all are told, but for a new inih's. */
	if (line > 0 && r->mistakes == mistakes) {
		r->line = (unsigned int)line;
		conf_mistake(r, "not understood");
	}
	return ferror(file) ? -EIO : 0;
}

static void unreadable(struct conf_reader *r, const char *path, int error)
{
	char text[CONF_PATH_MAX + 128];

	if (error == -E2BIG) /* EMFILE is for want of descriptors */
		(void)snprintf(text, sizeof text, "%s: one too many; allowed: %d drop-ins", path,
			       CONF_FILES_MAX - 1);
	else
		(void)snprintf(text, sizeof text, "%s: cannot be read: %s", path, strerror(-error));
	r->complain(text, r->context);
	r->mistakes++;
	r->no_memory |= error == -ENOMEM;
}

bool conf_is_drop_in_name(const char *name)
{
	size_t n = strlen(name);

	return name[0] != '.' && !strchr(name, '/') && n > 5 && strcmp(name + n - 5, ".conf") == 0;
}

static int is_drop_in(const struct dirent *e)
{
	return conf_is_drop_in_name(e->d_name);
}

static void read_drop_in(struct conf_reader *r, const char *file)
{
	int e = read_file(r, file);

	if (e < 0)
		unreadable(r, file, e);
}

static void read_drop_ins(struct conf_reader *r, const struct conf_source *source)
{
	char folder[CONF_TEXT_MAX], file[CONF_PATH_MAX];
	const char *tried = source->drop_in;
	struct dirent **entries;
	int n, order;

	(void)snprintf(folder, sizeof folder, "%s.d", source->path);
	n = scandir(folder, &entries, is_drop_in, alphasort);
	if (n < 0 && errno != ENOENT)
		unreadable(r, folder, -errno);
	for (int i = 0; i < n; i++) {
		order = tried ? strcoll(source->drop_in_name, entries[i]->d_name) : 1;
		if (order <= 0) {
			read_drop_in(r, tried);
			tried = NULL;
		}
		(void)snprintf(file, sizeof file, "%s/%s", folder, entries[i]->d_name);
		if (order != 0)
			read_drop_in(r, file);
		free(entries[i]);
	}
	if (tried)
		read_drop_in(r, tried);
	if (n >= 0)
		free(entries);
}

int conf_load_origins(const struct conf_source *source, conf_complaint_fn *complain, void *context,
		      struct conf *ret, struct conf_origins *ret_origins)
{
	const char *path = source->path;
	KT_AUTOFREE struct conf *conf = malloc(sizeof *conf);
	KT_AUTOFREE struct conf_reader *r = calloc(1, sizeof *r);
	int e;

	if (!conf || !r)
		return -ENOMEM;
	conf_defaults(conf);
	r->conf = conf;
	r->complain = complain;
	r->context = context;
	e = strlen(path) < CONF_TEXT_MAX - 8 ? read_file(r, path) : -ENAMETOOLONG;
	if (e < 0 && (e != -ENOENT || source->must_exist)) {
		unreadable(r, path, e);
		return e;
	}
	read_drop_ins(r, source);
	check_together(r);
	if (r->mistakes)
		return r->no_memory ? -ENOMEM : -EINVAL;
	*ret = *conf;
	if (ret_origins)
		*ret_origins = r->origins;
	return 0;
}

int conf_load(const char *path, bool must_exist, conf_complaint_fn *complain, void *context,
	      struct conf *ret)
{
	const struct conf_source source = { .path = path, .must_exist = must_exist };

	return conf_load_origins(&source, complain, context, ret, NULL);
}

const char *conf_error_what(int error)
{
	return error == -ENOMEM ? "there was no memory to read the configuration"
				: "the configuration has mistakes";
}

const char *conf_error_advice(int error)
{
	return error == -ENOMEM ? "reload when there is some"
				: "kvmtunectl check-config names them; correct them and reload";
}
