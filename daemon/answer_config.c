/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which configuration is in force? */
#include "answer_private.h"
#include "conf_table.h"

static struct json_object *options_of(const struct conf *conf)
{
	struct json_object *all = json_object_new_array();
	char value[CONF_VALUE_MAX];

	for (size_t i = 0; i < conf_noptions; i++) {
		struct json_object *o = json_object_new_object();

		json_put_text(o, "section", conf_options[i].section);
		json_put_text(o, "key", conf_options[i].key);
		json_put_name(o, "value",
			      conf_option_text(&conf_options[i], conf, value, sizeof value));
		json_put_text(o, "standard", conf_options[i].standard);
		json_add(all, o);
	}
	return all;
}

static struct json_object *domains_of(const struct conf *conf)
{
	struct json_object *all = json_object_new_array();

	for (size_t i = 0; i < conf->nrules; i++) {
		const struct guest_wish *w = &conf->rule[i].wish;
		struct json_object *o = json_object_new_object();

		json_put_name(o, "glob", conf->rule[i].glob);
		json_put_text(o, "ksm", conf_switch_text(w->ksm));
		json_put_text(o, "placement", conf_switch_text(w->placement));
		json_put_text(o, "memory", conf_switch_text(w->memory));
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
