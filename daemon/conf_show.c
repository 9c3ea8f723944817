/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which values are in force, and which line says so? */
#include <errno.h>
#include <string.h>

#include "conf_check.h"
#include "json_put.h"

enum { SHOW_SCHEMA = 1, SHOW_COLUMN = 40 };

char *conf_place_text(const struct conf_origins *origins, const struct conf_place *place, char *buf,
		      size_t size)
{
	char file[4 * CONF_PATH_MAX];

	if (place->line)
		(void)snprintf(buf, size, "%s:%u",
			       str_escape(origins->file[place->file], file, sizeof file),
			       place->line);
	else
		(void)snprintf(buf, size, "default");
	return buf;
}

/* As texts of people go to a terminal. */
static char *shown_value(const struct conf_option *o, const struct conf *conf, char *buf,
			 size_t size)
{
	char text[CONF_VALUE_MAX];

	conf_option_text(o, conf, text, sizeof text);
	return str_escape(text, buf, size);
}

static void show_line(const char *name, const char *value, const char *place, FILE *out)
{
	int used = fprintf(out, "%s = %s", name, value);

	fprintf(out, "%*s # %s\n", used < SHOW_COLUMN ? SHOW_COLUMN - used : 0, "", place);
}

static void show_rule_key(const char *glob, const char *key, const char *value, const char *place,
			  FILE *out)
{
	char name[4 * CONF_GLOB_MAX + 64];

	if (!value)
		return;
	(void)snprintf(name, sizeof name, "[domain \"%s\"] %s", glob, key);
	show_line(name, value, place, out);
}

static const char *number_text(uint64_t number, char *buf, size_t size)
{
	if (!number)
		return NULL;
	(void)snprintf(buf, size, "%llu", (unsigned long long)number);
	return buf;
}

static void show_rule(const struct conf_rule *rule, const char *place, FILE *out)
{
	const struct guest_wish *w = &rule->wish;
	char glob[4 * CONF_GLOB_MAX], number[24];

	str_escape(rule->glob, glob, sizeof glob);
	show_rule_key(glob, "ksm", conf_switch_text(w->ksm), place, out);
	show_rule_key(glob, "placement", conf_switch_text(w->placement), place, out);
	show_rule_key(glob, "memory", conf_switch_text(w->memory), place, out);
	show_rule_key(glob, "weight", number_text(w->weight, number, sizeof number), place, out);
	show_rule_key(glob, "min_guarantee_mib",
		      number_text(w->min_guarantee_mib, number, sizeof number), place, out);
}

void conf_show_text(const struct conf *conf, const struct conf_origins *origins, FILE *out)
{
	char value[CONF_VALUE_MAX], place[CONF_PLACE_MAX], name[64];

	for (size_t i = 0; i < conf_noptions; i++) {
		(void)snprintf(name, sizeof name, "%s.%s", conf_options[i].section,
			       conf_options[i].key);
		conf_place_text(origins, &origins->option[i], place, sizeof place);
		show_line(name, shown_value(&conf_options[i], conf, value, sizeof value), place,
			  out);
	}
	for (size_t i = 0; i < conf->nrules; i++)
		show_rule(&conf->rule[i],
			  conf_place_text(origins, &origins->rule[i], place, sizeof place), out);
}

static void put_text(struct json_object *o, const char *key, const char *text)
{
	json_put_object(o, key, text ? json_object_new_string(text) : NULL);
}

static void put_number(struct json_object *o, const char *key, uint64_t number)
{
	json_put_object(o, key, number ? json_object_new_uint64(number) : NULL);
}

static void put_place(struct json_object *o, const struct conf_origins *origins,
		      const struct conf_place *place)
{
	char file[4 * CONF_PATH_MAX];

	put_text(o, "file",
		 place->line ? str_escape(origins->file[place->file], file, sizeof file) : NULL);
	put_number(o, "line", place->line);
}

static struct json_object *option_json(size_t i, const struct conf *conf,
				       const struct conf_origins *origins)
{
	struct json_object *o = json_object_new_object();
	char value[CONF_VALUE_MAX];

	put_text(o, "section", conf_options[i].section);
	put_text(o, "key", conf_options[i].key);
	put_text(o, "value", shown_value(&conf_options[i], conf, value, sizeof value));
	put_text(o, "standard", conf_options[i].standard);
	put_place(o, origins, &origins->option[i]);
	return o;
}

static struct json_object *rule_json(size_t i, const struct conf *conf,
				     const struct conf_origins *origins)
{
	const struct guest_wish *w = &conf->rule[i].wish;
	struct json_object *o = json_object_new_object();
	char glob[4 * CONF_GLOB_MAX];

	put_text(o, "glob", str_escape(conf->rule[i].glob, glob, sizeof glob));
	put_text(o, "ksm", conf_switch_text(w->ksm));
	put_text(o, "placement", conf_switch_text(w->placement));
	put_text(o, "memory", conf_switch_text(w->memory));
	put_number(o, "weight", w->weight);
	put_number(o, "min_guarantee_mib", w->min_guarantee_mib);
	put_place(o, origins, &origins->rule[i]);
	return o;
}

int conf_show_json(const char *path, const struct conf *conf, const struct conf_origins *origins,
		   struct json_object *warnings, FILE *out)
{
	struct json_object *o = json_object_new_object(), *options = json_object_new_array(),
			   *domains = json_object_new_array();
	char file[4 * CONF_PATH_MAX];
	const char *text;

	json_put_object(o, "schema", json_object_new_int(SHOW_SCHEMA));
	put_text(o, "file", str_escape(path, file, sizeof file));
	for (size_t i = 0; i < conf_noptions; i++)
		json_add(options, option_json(i, conf, origins));
	for (size_t i = 0; i < conf->nrules; i++)
		json_add(domains, rule_json(i, conf, origins));
	json_put_object(o, "options", options);
	json_put_object(o, "domains", domains);
	json_put_object(o, "warnings", warnings);
	text = o ? json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY |
							     JSON_C_TO_STRING_NOSLASHESCAPE)
		 : NULL;
	if (text)
		fprintf(out, "%s\n", text);
	json_object_put(o);
	return text ? 0 : -ENOMEM;
}
