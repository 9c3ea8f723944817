/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How is a configuration recorded, and read again?  Texts are not: paths and addresses decide
 * nothing, and they are nobody's business. */
#include <inttypes.h>
#include <string.h>

#include "conf_table.h"
#include "record_private.h"

void record_write_text(FILE *out, const char *ascii)
{
	fputc('"', out);
	for (; *ascii; ascii++) {
		if (*ascii == '\\' || *ascii == '"')
			fputc('\\', out);
		fputc(*ascii, out);
	}
	fputc('"', out);
}

static void write_option(FILE *out, const char *section, const char *key, const char *value)
{
	fputs("[", out);
	record_write_text(out, section);
	fputs(",", out);
	record_write_text(out, key);
	fputs(",", out);
	record_write_text(out, value);
	fputs("]", out);
}

/* value NULL: the section says nothing. */
static void write_one_more(FILE *out, const char *section, const char *key, const char *value)
{
	if (!value)
		return;
	fputs(",", out);
	write_option(out, section, key, value);
}

static void write_count(FILE *out, const char *section, const char *key, uint64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof text, "%" PRIu64, value);
	write_one_more(out, section, key, value ? text : NULL);
}

/* For who reads the recording: what applies to each guest is in its facts. */
static void write_rule(FILE *out, const struct conf_rule *rule)
{
	char glob[4 * CONF_GLOB_MAX], section[sizeof glob + 16];

	(void)snprintf(section, sizeof section, "domain \"%s\"",
		       str_escape(rule->glob, glob, sizeof glob));
	write_one_more(out, section, "ksm", conf_switch_text(rule->wish.ksm));
	write_one_more(out, section, "placement", conf_switch_text(rule->wish.placement));
	write_one_more(out, section, "memory", conf_switch_text(rule->wish.memory));
	write_count(out, section, "weight", rule->wish.weight);
	write_count(out, section, "min_guarantee_mib", rule->wish.min_guarantee_mib);
}

void record_conf_write(FILE *out, const struct conf *conf)
{
	char value[CONF_VALUE_MAX];
	bool any = false;

	fputs("[", out);
	for (size_t i = 0; i < conf_noptions; i++) {
		const struct conf_option *o = &conf_options[i];

		if (o->is_text)
			continue;
		fputs(any ? "," : "", out);
		write_option(out, o->section, o->key,
			     conf_option_text(o, conf, value, sizeof value));
		any = true;
	}
	for (size_t i = 0; i < conf->nrules; i++)
		write_rule(out, &conf->rule[i]);
	fputs("]", out);
}

bool record_conf_take(struct conf *conf, const char *section, const char *key, const char *value)
{
	for (size_t i = 0; i < conf_noptions; i++) {
		const struct conf_option *o = &conf_options[i];

		if (strcmp(o->section, section) == 0 && strcmp(o->key, key) == 0)
			return !o->is_text && conf_option_set(o, conf, value) == 0;
	}
	return strncmp(section, "domain ", strlen("domain ")) == 0;
}
