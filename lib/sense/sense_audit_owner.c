/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who else sets the values that the audit looks at, and to what?
 *
 * sysctl.d is applied at boot, tuned's profile when it starts; after its own values tuned
 * applies again what is below /etc and /run, unless it is told not to. */
#include <string.h>

#include "sense_audit_private.h"
#include "str.h"

enum {
	CONF_FILES_MAX = 256,
	CONF_NAME = 80,
};

/* Of files with the same name the first counts. */
static const struct {
	const char *path;
	bool is_applied_again;
} folders[] = {
	{ "etc/sysctl.d", true },
	{ "run/sysctl.d", true },
	{ "usr/local/lib/sysctl.d", false },
	{ "usr/lib/sysctl.d", false },
};

struct owners {
	struct owner *owner;
	bool is_tuned[_OWNED_MAX];
	bool is_reapplied; /* by tuned */
	/* of the file that is being read */
	const char *who;
	bool is_applied_again;
};

/* ---- one value --------------------------------------------------------------------------------
 */

/* sysctl takes slashes for dots. */
static bool is_key(const char *text, const char *key)
{
	for (; *text && *key; text++, key++)
		if (*text != *key && !(*text == '/' && *key == '.'))
			return false;
	return !*text && !*key;
}

enum owned_value audit_sysctl(const char *key)
{
	static const struct {
		const char *key;
		enum owned_value value;
	} keys[] = {
		{ "vm.swappiness", OWNED_SWAPPINESS },
		{ "vm.dirty_ratio", OWNED_DIRTY_RATIO },
		{ "vm.dirty_bytes", OWNED_DIRTY_RATIO },
		{ "vm.dirty_background_ratio", OWNED_DIRTY_BACKGROUND_RATIO },
		{ "vm.dirty_background_bytes", OWNED_DIRTY_BACKGROUND_RATIO },
		{ "vm.zone_reclaim_mode", OWNED_ZONE_RECLAIM },
		{ "kernel.numa_balancing", OWNED_NUMA_BALANCING },
	};

	for (size_t i = 0; i < KT_ARRAY_LEN(keys); i++)
		if (is_key(key, keys[i].key))
			return keys[i].value;
	return _OWNED_MAX;
}

void audit_own(struct owner *o, const char *who, const char *value)
{
	size_t length = strlen(value);

	*o = (struct owner){ 0 };
	str_escape(who, o->who, sizeof o->who);
	if (length > 1 && value[length - 1] == '%')
		length--;
	if (!audit_plain_word(value, length, o->value))
		o->value[0] = '\0';
}

/* ---- sysctl.d ------------------------------------------------------------------------------- */

/* A minus before the key: it need not exist. */
static int take_line(void *context, char *line)
{
	struct owners *w = context;
	enum owned_value v;
	char *key, *value;

	if (!audit_split(line, &key, &value))
		return 0;
	v = audit_sysctl(key + (*key == '-'));
	if (v != _OWNED_MAX && !(w->is_tuned[v] && !(w->is_reapplied && w->is_applied_again)))
		audit_own(&w->owner[v], w->who, value);
	return 0;
}

static void read_conf(const struct hostfs *fs, struct owners *w, const char *path,
		      bool is_applied_again)
{
	char who[KT_PATH_MAX];

	if (str_format(who, sizeof who, "/%s", path) < 0)
		return;
	w->who = who;
	w->is_applied_again = is_applied_again;
	audit_each_line(fs, path, take_line, w);
	w->who = NULL;
}

struct pick {
	size_t folder; /* that is being looked through */
	const char *after;
	char name[CONF_NAME]; /* the first one after that; "": none */
	size_t found_in;
};

static int take_name(void *context, const char *name)
{
	struct pick *p = context;
	size_t length = strlen(name);

	if (length < 5 || length >= CONF_NAME || strcmp(name + length - 5, ".conf") != 0 ||
	    strcmp(name, p->after) <= 0 || (p->name[0] && strcmp(name, p->name) >= 0))
		return 0;
	memcpy(p->name, name, length + 1);
	p->found_in = p->folder;
	return 0;
}

/* The next file in the order of names, of all folders together.  False: that was the last. */
static bool pick_conf(const struct hostfs *fs, const char *after, struct pick *ret)
{
	*ret = (struct pick){ .after = after };
	for (; ret->folder < KT_ARRAY_LEN(folders); ret->folder++)
		if (hostfs_each_name(fs, folders[ret->folder].path, take_name, ret) < 0)
			continue; /* most hosts lack one of them */
	return ret->name[0];
}

static bool read_next_conf(const struct hostfs *fs, struct owners *w, char after[CONF_NAME])
{
	char path[KT_PATH_MAX];
	struct pick p;

	if (!pick_conf(fs, after, &p))
		return false;
	memcpy(after, p.name, CONF_NAME);
	if (str_format(path, sizeof path, "%s/%s", folders[p.found_in].path, p.name) == 0)
		read_conf(fs, w, path, folders[p.found_in].is_applied_again);
	return true;
}

/* ---- both ------------------------------------------------------------------------------------ */

static int take_reapply(void *context, char *line)
{
	bool *ret = context;
	char *key, *value;

	if (audit_split(line, &key, &value) && strcmp(key, "reapply_sysctl") == 0)
		*ret = strchr("1TtYy", *value) && *value;
	return 0;
}

void sense_audit_owners(const struct hostfs *fs, struct audit_host *h)
{
	struct owners w = { .owner = h->owner, .is_reapplied = true };
	char after[CONF_NAME] = "";

	sense_audit_tuned(fs, h);
	for (size_t i = 0; i < _OWNED_MAX; i++)
		w.is_tuned[i] = h->owner[i].who[0];
	audit_each_line(fs, "etc/tuned/tuned-main.conf", take_reapply, &w.is_reapplied);
	for (unsigned int i = 0; i < CONF_FILES_MAX && read_next_conf(fs, &w, after); i++)
		;
	read_conf(fs, &w, "etc/sysctl.conf", true);
}
