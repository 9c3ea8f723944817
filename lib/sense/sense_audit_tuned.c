/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which values does the active profile of tuned set?
 *
 * A profile is a file of sections; what it includes is applied before it, and it may include
 * again.  Variables and functions are not expanded: a value that needs them is his, whatever
 * it is.  Of variables only isolated_cores is of interest. */
#include <stdio.h>
#include <string.h>

#include "sense_audit_private.h"
#include "str.h"

enum {
	DEPTH_MAX = 8,
	PROFILES_MAX = 32,
	SECTION = 32,
	NAMES = 256,
	PROFILE_NAME = 64,
};

struct tuned {
	const struct hostfs *fs;
	struct audit_host *host;
	struct owner *owner; /* of it */
	const char *who;
	unsigned int nprofiles;
};

struct profile {
	struct tuned *tuned;
	char section[SECTION]; /* its type, which is its name unless it says otherwise */
	bool is_of_some;       /* a [disk] that names devices says nothing of others */
	char include[NAMES];
};

static const struct {
	const char *section, *key;
	enum owned_value value;
} settings[] = {
	{ "vm", "transparent_hugepages", OWNED_THP_ENABLED },
	{ "vm", "transparent_hugepage", OWNED_THP_ENABLED },
	{ "vm", "transparent_hugepage.defrag", OWNED_THP_DEFRAG },
	{ "vm", "dirty_ratio", OWNED_DIRTY_RATIO },
	{ "vm", "dirty_bytes", OWNED_DIRTY_RATIO },
	{ "vm", "dirty_background_ratio", OWNED_DIRTY_BACKGROUND_RATIO },
	{ "vm", "dirty_background_bytes", OWNED_DIRTY_BACKGROUND_RATIO },
	{ "cpu", "governor", OWNED_GOVERNOR },
	{ "cpu", "force_latency", OWNED_CSTATES },
	{ "disk", "elevator", OWNED_BLOCK_SCHEDULER },
	{ "sysfs", "/sys/kernel/mm/ksm/run", OWNED_KSM },
	{ "sysfs", "/sys/kernel/mm/transparent_hugepage/enabled", OWNED_THP_ENABLED },
	{ "sysfs", "/sys/kernel/mm/transparent_hugepage/defrag", OWNED_THP_DEFRAG },
	{ "sysfs", "/sys/kernel/mm/transparent_hugepage/khugepaged/defrag",
	  OWNED_KHUGEPAGED_DEFRAG },
	{ "sysfs", "/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs",
	  OWNED_KHUGEPAGED_SCAN_SLEEP },
	{ "sysfs", "/sys/module/kvm/parameters/halt_poll_ns", OWNED_HALT_POLL },
};

static enum owned_value value_of(const char *section, const char *key)
{
	if (strcmp(section, "sysctl") == 0)
		return audit_sysctl(key);
	for (size_t i = 0; i < KT_ARRAY_LEN(settings); i++)
		if (strcmp(settings[i].section, section) == 0 && strcmp(settings[i].key, key) == 0)
			return settings[i].value;
	return _OWNED_MAX;
}

/* ---- one profile -------------------------------------------------------------------------- */

static bool take_section(struct profile *p, const char *line)
{
	line += strspn(line, " \t");
	if (*line != '[')
		return false;
	(void)snprintf(p->section, sizeof p->section, "%.*s", (int)strcspn(line + 1, "]"),
		       line + 1);
	p->is_of_some = false;
	return true;
}

/* Words behind a value are a comment there, as whole lines are. */
static void cut_comment(char *line)
{
	for (char *hash = strchr(line, '#'); hash; hash = strchr(hash + 1, '#'))
		if (hash > line && (hash[-1] == ' ' || hash[-1] == '\t')) {
			*hash = '\0';
			return;
		}
}

static int take_include(void *context, char *line)
{
	struct profile *p = context;
	char *key, *value;

	cut_comment(line);
	if (!take_section(p, line) && audit_split(line, &key, &value) &&
	    strcmp(p->section, "main") == 0 && strcmp(key, "include") == 0)
		(void)snprintf(p->include, sizeof p->include, "%s", value);
	return 0;
}

/* What sections of this type set before is dropped. */
static void forget_section(struct profile *p)
{
	struct owner *owner = p->tuned->owner;

	for (size_t i = 0; i < KT_ARRAY_LEN(settings); i++)
		if (strcmp(settings[i].section, p->section) == 0)
			owner[settings[i].value] = (struct owner){ 0 };
	/* They are the first ones, see audit_sample.h. */
	if (strcmp(p->section, "sysctl") == 0)
		for (size_t v = OWNED_SWAPPINESS; v <= OWNED_NUMA_BALANCING; v++)
			owner[v] = (struct owner){ 0 };
}

static void narrow_section(struct profile *p)
{
	p->is_of_some = true;
	if (strcmp(p->section, "disk") == 0)
		p->tuned->owner[OWNED_BLOCK_SCHEDULER].value[0] = '\0';
}

static void take_isolated(struct audit_host *h, const char *key, const char *value)
{
	/* Handed on, to profiles that include this one. */
	if (strcmp(key, "isolated_cores") == 0 && strcmp(value, "${isolated_cores}") != 0)
		str_escape(value, h->tuned_isolated, sizeof h->tuned_isolated);
}

static int take_variable_line(void *context, char *line)
{
	struct audit_host *h = context;
	char *key, *value;

	cut_comment(line);
	if (audit_split(line, &key, &value))
		take_isolated(h, key, value);
	return 0;
}

static void take_variable(const struct tuned *t, const char *key, const char *value)
{
	static const char folder[] = "/etc/tuned/";

	take_isolated(t->host, key, value);
	if (strcmp(key, "include") == 0 && strncmp(value, folder, strlen(folder)) == 0 &&
	    !strstr(value, ".."))
		audit_each_line(t->fs, value + 1, take_variable_line, t->host);
}

static int take_setting(void *context, char *line)
{
	struct profile *p = context;
	enum owned_value v;
	char *key, *value;

	cut_comment(line);
	if (take_section(p, line) || !audit_split(line, &key, &value))
		return 0;
	if (strcmp(key, "type") == 0)
		(void)snprintf(p->section, sizeof p->section, "%s", value);
	else if (strcmp(key, "uname_regex") == 0 || strcmp(key, "cpuinfo_regex") == 0)
		p->section[0] = '\0'; /* for some machines only, which are hardly this one */
	else if (strcmp(key, "replace") == 0 && strchr("1Tt", *value) && *value)
		forget_section(p);
	else if (strncmp(key, "devices", strlen("devices")) == 0)
		narrow_section(p);
	else if (strcmp(p->section, "variables") == 0)
		take_variable(p->tuned, key, value);
	v = value_of(p->section, key);
	if (v != _OWNED_MAX)
		audit_own(&p->tuned->owner[v], p->tuned->who, p->is_of_some ? "" : value);
	return 0;
}

/* A name and not a path; what variables or functions make of it is not known. */
static bool is_profile_name(const char *name)
{
	return *name && *name != '.' && strlen(name) < PROFILE_NAME && !strpbrk(name, "/${}");
}

static bool find_profile(const struct hostfs *fs, const char *name, char *path, size_t size)
{
	static const char *const folders[] = { "etc/tuned/profiles", "etc/tuned",
					       "usr/lib/tuned/profiles", "usr/lib/tuned" };

	for (size_t i = 0; i < KT_ARRAY_LEN(folders); i++)
		if (str_format(path, size, "%s/%s/tuned.conf", folders[i], name) == 0 &&
		    hostfs_exists(fs, path))
			return true;
	return false;
}

/* ---- profiles that include others ------------------------------------------------------------ */

static void add_profiles(struct tuned *t, char *names, const char *separators, unsigned int depth);

static void add_profile(struct tuned *t, const char *name, unsigned int depth)
{
	struct profile p = { .tuned = t };
	bool must_exist = *name != '-';
	char path[KT_PATH_MAX];

	name += !must_exist;
	if (depth > DEPTH_MAX || ++t->nprofiles > PROFILES_MAX)
		return;
	if (!is_profile_name(name) || !find_profile(t->fs, name, path, sizeof path)) {
		if (must_exist && !t->host->tuned_missing[0])
			str_escape(name, t->host->tuned_missing, sizeof t->host->tuned_missing);
		return;
	}
	audit_each_line(t->fs, path, take_include, &p);
	add_profiles(t, p.include, ", \t", depth + 1);
	p.section[0] = '\0';
	audit_each_line(t->fs, path, take_setting, &p);
}

static void add_profiles(struct tuned *t, char *names, const char *separators, unsigned int depth)
{
	char *rest, *name;

	for (name = strtok_r(names, separators, &rest); name;
	     name = strtok_r(NULL, separators, &rest))
		add_profile(t, name, depth);
}

void sense_audit_tuned(const struct hostfs *fs, struct audit_host *h)
{
	char names[NAMES], who[NAMES + sizeof "tuned profile "];
	struct tuned t = { .fs = fs, .host = h, .owner = h->owner, .who = who };
	ssize_t n = hostfs_read(fs, "etc/tuned/active_profile", names, sizeof names);

	if (n < 0)
		return;
	names[strcspn(names, "\n")] = '\0';
	str_escape(names, h->tuned_profile, sizeof h->tuned_profile);
	(void)snprintf(who, sizeof who, "tuned profile %s", names);
	add_profiles(&t, names, " \t", 0);
}
