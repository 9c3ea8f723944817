/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which files of the host may be ours, and what do they say at first? */
#include <stdio.h>
#include <string.h>

#include "soak.h"

static struct soak_file *add(struct soak *s, enum soak_kind kind, const char *path, const char *key,
			     const char *word)
{
	struct soak_file *f = &s->file[s->nfiles++];

	*f = (struct soak_file){ .kind = kind, .rule = -1 };
	snprintf(f->path, sizeof f->path, "%s", path);
	snprintf(f->key, sizeof f->key, "%s", key);
	snprintf(f->now, sizeof f->now, "%s", word);
	snprintf(f->own, sizeof f->own, "%s", word);
	return f;
}

static void add_ksm(struct soak *s, const char *name, const char *word)
{
	char path[96], key[64];

	snprintf(path, sizeof path, "sys/kernel/mm/ksm/%s", name);
	snprintf(key, sizeof key, "ksm %s", name);
	add(s, SOAK_KSM, path, key, word);
}

static void add_irqs(struct soak *s, unsigned int rule)
{
	for (unsigned int irq = 40; irq < 40 + SOAK_IRQS; irq++) {
		char path[96], key[64];
		struct soak_file *f;

		snprintf(path, sizeof path, "proc/irq/%u/smp_affinity_list", irq);
		snprintf(key, sizeof key, "host %s %u", host_rule_id(rule), irq);
		f = add(s, SOAK_IRQ, path, key, "0-15");
		f->irq = irq;
		f->rule = (int)rule;
	}
}

/* kernel.numa_balancing is placement's here: a file has one master. */
static void add_host_files(struct soak *s)
{
	for (unsigned int rule = 0; rule < HOST_RULES_MAX && host_rule_id(rule); rule++) {
		const char *path = host_rule_path(rule);
		char key[64];

		if (!path || strcmp(path, "proc/sys/kernel/numa_balancing") == 0)
			continue;
		if (strstr(path, "{0}")) {
			add_irqs(s, rule);
			continue;
		}
		snprintf(key, sizeof key, "host %s 0", host_rule_id(rule));
		add(s, SOAK_HOST_FILE, path, key, "60")->rule = (int)rule;
	}
}

void soak_files_make(struct soak *s)
{
	add_ksm(s, "advisor_mode", soak_chance(s, 200) ? "1" : "0");
	add_ksm(s, "merge_across_nodes", soak_chance(s, 800) ? "1" : "0");
	add_ksm(s, "use_zero_pages", "0");
	add_ksm(s, "smart_scan", "1");
	add_ksm(s, "pages_to_scan", "100");
	add_ksm(s, "sleep_millisecs", "20");
	add_ksm(s, "run", soak_chance(s, 200) ? "1" : "0");
	add(s, SOAK_BALANCING, "proc/sys/kernel/numa_balancing", "balancing",
	    soak_chance(s, 800) ? "1" : "2");
	add_host_files(s);
}

struct soak_file *soak_file(struct soak *s, const char *key)
{
	for (unsigned int i = 0; i < s->nfiles; i++)
		if (strcmp(s->file[i].key, key) == 0)
			return &s->file[i];
	return NULL;
}

uint64_t soak_number(struct soak *s, const char *key)
{
	return strtoull(soak_file(s, key)->now, NULL, 10);
}
