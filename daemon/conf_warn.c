/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is allowed and yet cannot be meant? */
#include <fnmatch.h>
#include <stdarg.h>
#include <string.h>

#include "conf_check.h"

enum { SHOWN_GLOB = 4 * CONF_GLOB_MAX };

struct doubts {
	const struct conf *conf;
	const struct conf_origins *origins;
	conf_complaint_fn *warn;
	void *context;
};

/* Nothing of strangers goes in unescaped. */
static void KT_PRINTF(3, 4)
	doubt(const struct doubts *d, const struct conf_place *place, const char *fmt, ...)
{
	char what[1024], where[CONF_PLACE_MAX], text[sizeof what + sizeof where + 2];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(what, sizeof what, fmt, args);
	va_end(args);
	(void)snprintf(text, sizeof text, "%s: %s",
		       conf_place_text(d->origins, place, where, sizeof where), what);
	d->warn(text, d->context);
}

/* Where the option is set; NULL: it has its default. */
static const struct conf_place *set_at(const struct doubts *d, const char *section, const char *key)
{
	const struct conf_place *place = &d->origins->option[conf_option_find(section, key)];

	return place->line ? place : NULL;
}

/* Two thresholds that leave nothing between them. */
static void warn_of_no_gap(const struct doubts *d, const char *section, const char *low,
			   uint64_t low_value, const char *high, uint64_t high_value,
			   const char *effect)
{
	const struct conf_place *place = set_at(d, section, low);

	if (low_value == high_value)
		doubt(d, place ? place : set_at(d, section, high), "[%s] %s is %s (%llu): %s",
		      section, low, high, (unsigned long long)low_value, effect);
}

/* Options that have an effect only with some values of another one. */
static const struct {
	const char *section, *key, *with, *values[3];
} dependent[] = {
	{ "ksm", "merge", "policy", { "auto" } },
	{ "ksm", "max_cpu_percent", "policy", { "auto" } },
	{ "ksm", "trickle_permille", "policy", { "auto" } },
	{ "ksm", "settle_s", "policy", { "auto" } },
	{ "ksm", "min_yield_mib", "policy", { "auto" } },
	{ "ksm", "sweep_min_s", "policy", { "auto" } },
	{ "ksm", "sweep_max_s", "policy", { "auto" } },
	{ "ksm", "interval_s", "policy", { "ksmtuned", "ksmtuned-original" } },
	{ "ksm", "boost_pages", "policy", { "ksmtuned", "ksmtuned-original" } },
	{ "ksm", "decay_pages", "policy", { "ksmtuned", "ksmtuned-original" } },
	{ "ksm", "min_pages", "policy", { "ksmtuned", "ksmtuned-original" } },
	{ "ksm", "max_pages", "policy", { "ksmtuned", "ksmtuned-original" } },
	{ "ksm", "sleep_ms", "policy", { "ksmtuned", "ksmtuned-original" } },
	{ "ksm", "free_target_percent", "policy", { "ksmtuned", "ksmtuned-original" } },
	{ "ksm", "free_target_min_mib", "policy", { "ksmtuned", "ksmtuned-original" } },
	{ "placement", "horizon_s", "memory", { "move" } },
	{ "placement", "move_mib_per_s", "memory", { "move" } },
	{ "memory", "overhead_mib", "runaway", { "warn", "limit" } },
};

static void warn_of_dependent(const struct doubts *d, size_t i)
{
	const char *section = dependent[i].section, *with = dependent[i].with;
	const struct conf_place *place = set_at(d, section, dependent[i].key);
	const char *const *values = dependent[i].values;
	char now[CONF_VALUE_MAX];
	unsigned int ignored;

	if (!place)
		return;
	conf_option_text(&conf_options[conf_option_find(section, with)], d->conf, now, sizeof now);
	if (conf_word(values, now, &ignored) < 0)
		doubt(d, place, "[%s] %s has no effect with %s = %s, only with %s%s%s", section,
		      dependent[i].key, with, now, values[0], values[1] ? " or " : "",
		      values[1] ? values[1] : "");
}

static void warn_of_reserved_cpus(const struct doubts *d, const struct cpumask *online)
{
	const struct cpumask *reserved = &d->conf->policy.placement.reserved_cpus;
	struct cpumask left = cpumask_andnot(online, reserved);
	struct cpumask unknown = cpumask_andnot(reserved, online);
	const struct conf_place *place = set_at(d, "placement", "reserved_cpus");
	char text[200];

	if (!place)
		return;
	if (cpumask_empty(&left))
		doubt(d, place,
		      "[placement] reserved_cpus leaves guests none of this host's CPUs (%s): no "
		      "guest will be placed",
		      cpumask_str(online, text, sizeof text));
	else if (!cpumask_empty(&unknown))
		doubt(d, place,
		      "[placement] reserved_cpus: this host has no CPU %s, or it is offline",
		      cpumask_str(&unknown, text, sizeof text));
}

static void warn_of_travelling_pins(const struct doubts *d)
{
	if (d->conf->policy.placement.backend == PLACEMENT_LIBVIRT)
		doubt(d, set_at(d, "placement", "backend"),
		      "[placement] backend = libvirt: pins go along when a guest migrates, and a "
		      "host with other CPUs refuses it; copy /usr/lib/kvmtuned/libvirt-hook to "
		      "/etc/libvirt/hooks/qemu.d/kvmtuned on each host (MIGRATION in kvmtuned(8))");
}

/* Certain only: the narrow pattern is a plain name, or the wide one a plain beginning. */
static bool covers(const char *wide, const char *narrow)
{
	static const char special[] = "*?[\\";
	size_t beginning = strcspn(wide, special);

	if (strcmp(wide, narrow) == 0)
		return true;
	if (narrow[strcspn(narrow, special)] != '\0' && strcmp(wide + beginning, "*") != 0)
		return false;
	return fnmatch(wide, narrow, 0) == 0;
}

/* Which keys a section sets, as bits. */
static unsigned int keys_of(const struct guest_wish *w)
{
	return (w->ksm ? 1U : 0) | (w->placement ? 2U : 0) | (w->memory ? 4U : 0) |
	       (w->weight ? 8U : 0) | (w->min_guarantee_mib ? 16U : 0);
}

static const char *shown_glob(const struct doubts *d, size_t rule, char *buf, size_t size)
{
	return str_escape(d->conf->rule[rule].glob, buf, size);
}

static void say_shadowed(const struct doubts *d, size_t rule, size_t later)
{
	char glob[SHOWN_GLOB], winner[SHOWN_GLOB], where[CONF_PLACE_MAX];

	doubt(d, &d->origins->rule[rule],
	      "[domain \"%s\"] has no effect: [domain \"%s\"] (%s) comes later and wins for all "
	      "its guests",
	      shown_glob(d, rule, glob, sizeof glob), shown_glob(d, later, winner, sizeof winner),
	      conf_place_text(d->origins, &d->origins->rule[later], where, sizeof where));
}

static void warn_of_shadow(const struct doubts *d, size_t rule)
{
	const struct conf_rule *rules = d->conf->rule;
	unsigned int left = keys_of(&rules[rule].wish);

	for (size_t later = rule + 1; left && later < d->conf->nrules; later++) {
		if (!covers(rules[later].glob, rules[rule].glob))
			continue;
		left &= ~keys_of(&rules[later].wish);
		if (!left)
			say_shadowed(d, rule, later);
	}
}

static void warn_of_switch(const struct doubts *d, size_t rule, const char *loop,
			   enum loop_mode mode, enum guest_switch value)
{
	char glob[SHOWN_GLOB];

	if (mode == LOOP_OFF && value != GUEST_SWITCH_DEFAULT && value != GUEST_SWITCH_OFF)
		doubt(d, &d->origins->rule[rule],
		      "[domain \"%s\"] %s = %s has no effect: [%s] mode is off for all guests",
		      shown_glob(d, rule, glob, sizeof glob), loop, conf_switch_text(value), loop);
}

static void warn_of_rule(const struct doubts *d, size_t rule)
{
	const struct policy_conf *p = &d->conf->policy;
	const struct conf_rule *r = &d->conf->rule[rule];
	char glob[SHOWN_GLOB];

	if (strchr(r->glob, '/'))
		doubt(d, &d->origins->rule[rule],
		      "[domain \"%s\"] matches no guest: libvirt allows no / in names",
		      shown_glob(d, rule, glob, sizeof glob));
	warn_of_shadow(d, rule);
	warn_of_switch(d, rule, "ksm", p->ksm.mode, r->wish.ksm);
	warn_of_switch(d, rule, "placement", p->placement.mode, r->wish.placement);
	warn_of_switch(d, rule, "memory", p->memory.mode, r->wish.memory);
}

void conf_warn(const struct conf *conf, const struct conf_origins *origins,
	       const struct conf_host *host, conf_complaint_fn *warn, void *context)
{
	const struct doubts d = { conf, origins, warn, context };
	const struct policy_conf *p = &conf->policy;

	warn_of_no_gap(&d, "ksm", "short_percent", p->ksm.short_percent, "plenty_percent",
		       p->ksm.plenty_percent,
		       "memory then has either no price or the full one, and loops jump");
	warn_of_no_gap(&d, "memory", "calm_price", p->memory.calm_price, "squeeze_price",
		       p->memory.squeeze_price,
		       "guests are then squeezed and let go in turns, at the least change");
	for (size_t i = 0; i < KT_ARRAY_LEN(dependent); i++)
		warn_of_dependent(&d, i);
	if (host)
		warn_of_reserved_cpus(&d, &host->online);
	if (host && !host->hooked)
		warn_of_travelling_pins(&d);
	for (size_t rule = 0; rule < conf->nrules; rule++)
		warn_of_rule(&d, rule);
}
