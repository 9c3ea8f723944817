/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A daemon with guests that nobody runs, and what there is to be scraped of it. */
#ifndef KT_METRICS_FIXTURE_H
#define KT_METRICS_FIXTURE_H

#include <string.h>

#include "answer.h"
#include "audit_private.h"
#include "kt_check.h"

static struct kvmtuned *k;
static struct guest_sample *samples;
static struct in_force *in_force; /* act's own */
static char *text;

static inline struct guest_sample *put_guest(size_t slot, const char *name)
{
	struct domain d = { .id = (int)slot + 1, .uuid.byte = { (uint8_t)slot, 1 } };
	struct guest_sample *s = &samples[slot];
	uint32_t incarnation;

	strcpy(d.name, name);
	ck_assert_int_eq(domains_put(k->domains, &d), (int)slot);
	incarnation = k->domains->slot[slot].incarnation;
	k->view->nslots = k->plan->nslots = slot + 1;
	k->view->guest[slot] =
		(struct guest_view){ .present = true,
				     .incarnation = incarnation,
				     .domain = &k->domains->slot[slot].domain,
				     .sample = s,
				     .merged_kib = 8,
				     .delay_ns = { .known = true, .total = 12500000000 } };
	k->plan->guest[slot] = (struct guest_plan){ .present = true,
						    .incarnation = incarnation,
						    .memory.why = WHY_HOST_CALM };
	in_force->guest[slot] = (struct guest_in_force){ .incarnation = incarnation };
	*s = (struct guest_sample){ .present = true,
				    .has_node_memory = true,
				    .node_memory_kib = { 300, 100 },
				    .has_ksm = true };
	return s;
}

static inline void setup(void)
{
	k = kvmtuned_new();
	samples = calloc(KT_GUESTS_MAX, sizeof *samples);
	ck_assert(k && samples);
	conf_defaults(&k->conf);
	k->view->host = &k->sample->host;
	k->view->nsamples = 1;
	k->topology.node[0].present = k->topology.node[1].present = true;
	ck_assert_int_eq(hostfs_open("/", &k->fs), 0);
	ck_assert_int_eq(act_new(&k->fs, NULL, &k->vm_ops, &k->act), 0);
	in_force = (struct in_force *)(uintptr_t)act_in_force(k->act);
}

static inline void teardown(void)
{
	kvmtuned_free(k);
	free(samples);
	free(text);
	text = NULL;
}

static inline const char *scrape(bool openmetrics)
{
	struct question q = { .openmetrics = openmetrics };
	struct answer answer = { .status = 200 };

	answer_metrics(k, &q, &answer);
	ck_assert_int_eq(answer.status, 200);
	ck_assert_str_eq(answer.type,
			 openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
				     : "text/plain; version=0.0.4; charset=utf-8");
	free(text);
	text = answer.text;
	return text;
}

static inline bool has_line(const char *line)
{
	size_t n = strlen(line);

	for (const char *at = text; (at = strstr(at, line)) != NULL; at++)
		if ((at == text || at[-1] == '\n') && at[n] == '\n')
			return true;
	return false;
}

static inline void shows(const char *line)
{
	(void)scrape(false);
	ck_assert_msg(has_line(line), "no line \"%s\" in\n%.3000s", line, text);
}

static inline void shows_nothing_of(const char *words)
{
	ck_assert_msg(!strstr(scrape(false), words), "\"%s\" in\n%.3000s", words, text);
}

#endif
