/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which configuration is in force? */
#include <inttypes.h>

#include "answer_private.h"
#include "conf_table.h"

/* As it would be written in a file. */
static void put_value(struct json_object *o, const struct conf_option *option,
		      const struct conf *conf)
{
	const void *field = (const char *)conf + option->offset;
	char text[KT_CPULIST_MAX];

	if (option->is_text) {
		json_put_name(o, "value", field);
		return;
	}
	if (option->words)
		(void)snprintf(text, sizeof text, "%s",
			       option->words[*(const unsigned int *)field]);
	else if (option->is_cpus)
		cpumask_str(field, text, sizeof text);
	else
		(void)snprintf(text, sizeof text, "%" PRIu64, *(const uint64_t *)field);
	json_put_text(o, "value", text);
}

static struct json_object *options_of(const struct conf *conf)
{
	struct json_object *all = json_object_new_array();

	for (size_t i = 0; i < conf_noptions; i++) {
		struct json_object *o = json_object_new_object();

		json_put_text(o, "section", conf_options[i].section);
		json_put_text(o, "key", conf_options[i].key);
		put_value(o, &conf_options[i], conf);
		json_put_text(o, "standard", conf_options[i].standard);
		json_add(all, o);
	}
	return all;
}

static const char *switch_word(enum guest_switch value)
{
	static const char *const words[] = {
		[GUEST_SWITCH_DEFAULT] = NULL,      [GUEST_SWITCH_OFF] = "off",
		[GUEST_SWITCH_OBSERVE] = "observe", [GUEST_SWITCH_ON] = "on",
		[GUEST_SWITCH_CPU] = "cpu",         [GUEST_SWITCH_FULL] = "full",
	};

	return words[value];
}

static struct json_object *domains_of(const struct conf *conf)
{
	struct json_object *all = json_object_new_array();

	for (size_t i = 0; i < conf->nrules; i++) {
		const struct guest_wish *w = &conf->rule[i].wish;
		struct json_object *o = json_object_new_object();

		json_put_name(o, "glob", conf->rule[i].glob);
		json_put_text(o, "ksm", switch_word(w->ksm));
		json_put_text(o, "placement", switch_word(w->placement));
		json_put_text(o, "memory", switch_word(w->memory));
		json_put_known(o, "weight", w->weight > 0, w->weight);
		json_put_known(o, "min_guarantee_mib", w->min_guarantee_mib > 0,
			       (double)w->min_guarantee_mib);
		json_add(all, o);
	}
	return all;
}

void answer_config(struct kvmtuned *k, const struct question *q, struct answer *ret)
{
	(void)q;
	ret->json = answer_new();
	json_put_name(ret->json, "file", k->conf_path);
	json_put_object(ret->json, "options", options_of(&k->conf));
	json_put_object(ret->json, "domains", domains_of(&k->conf));
}
