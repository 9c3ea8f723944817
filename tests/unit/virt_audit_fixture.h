/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the audit knows of a guest, as text: a line "key=value" for each fact that is not 0. */
#ifndef KT_VIRT_AUDIT_FIXTURE_H
#define KT_VIRT_AUDIT_FIXTURE_H

#include <inttypes.h>
#include <string.h>

#include "kt_check.h"
#include "virt_domain.h"

struct fact_field {
	const char *name;
	size_t offset;
	char kind;
};

/* A count_fact is "n/of|first". */
#define FACT(member)                                                                               \
	{                                                                                          \
#member, offsetof(struct audit_guest, member),                                     \
			_Generic(&((struct audit_guest *)0)->member, bool *                        \
				 : 'b', uint64_t *                                                 \
				 : 'u', unsigned int *                                             \
				 : 'n', struct count_fact *                                        \
				 : 'c', struct cpumask *                                           \
				 : 'm', char(*)[AUDIT_WORD]                                        \
				 : 's')               \
	}

static const struct fact_field fact_fields[] = {
	FACT(known),
	FACT(max_vcpus),
	FACT(current_vcpus),
	FACT(cpu_mode),
	FACT(cpu_mode_hidden),
	FACT(sockets),
	FACT(dies),
	FACT(cores),
	FACT(threads),
	FACT(npinned_vcpus),
	FACT(nsingle_cpu_pins),
	FACT(pinned_cpus),
	FACT(has_emulator_pin),
	FACT(has_iothread_pin),
	FACT(emulator_cpus),
	FACT(iothread_cpus),
	FACT(more_pin_masks),
	FACT(has_shares),
	FACT(has_quota),
	FACT(hint_dedicated),
	FACT(poll_control),
	FACT(has_l3_cache),
	FACT(uses_nested),
	FACT(memory_kib),
	FACT(current_kib),
	FACT(has_numatune),
	FACT(numatune_strict),
	FACT(placement_auto),
	FACT(memnodes_strict),
	FACT(strict_nodes),
	FACT(nnuma_cells),
	FACT(hugepages),
	FACT(hugepages_1g),
	FACT(locked),
	FACT(nosharepages),
	FACT(memfd_or_file),
	FACT(hard_limit_kib),
	FACT(soft_limit_kib),
	FACT(swap_hard_limit_kib),
	FACT(has_balloon),
	FACT(disk_cache),
	FACT(disk_io),
	FACT(disk_bus),
	FACT(disk_iothread),
	FACT(disk_throttle),
	FACT(scsi_queues),
	FACT(niothreads),
	FACT(nunused_iothreads),
	FACT(nvirtio_disks),
	FACT(all_cache_none),
	FACT(nic_model),
	FACT(nic_vhost),
	FACT(nic_queues),
	FACT(nic_throttle),
	FACT(nhostdevs),
	FACT(kvmclock_off),
	FACT(uses_hyperv_clock),
};

static inline void print_number(FILE *out, const char *name, uint64_t value)
{
	if (value && value != KT_UNLIMITED_KIB)
		fprintf(out, "%s=%" PRIu64 "\n", name, value);
}

static inline void print_mask(FILE *out, const char *name, const struct cpumask *cpus)
{
	char text[KT_CPULIST_MAX];

	if (!cpumask_empty(cpus))
		fprintf(out, "%s=%s\n", name, cpumask_str(cpus, text, sizeof text));
}

static inline void print_count(FILE *out, const char *name, const struct count_fact *c)
{
	if (c->of)
		fprintf(out, "%s=%u/%u%s%s\n", name, c->n, c->of, c->first[0] ? "|" : "", c->first);
}

static inline void print_fact(FILE *out, const struct audit_guest *g, const struct fact_field *f)
{
	const void *p = (const char *)g + f->offset;

	if (f->kind == 'b')
		print_number(out, f->name, *(const bool *)p);
	else if (f->kind == 'u')
		print_number(out, f->name, *(const uint64_t *)p);
	else if (f->kind == 'n')
		print_number(out, f->name, *(const unsigned int *)p);
	else if (f->kind == 'c')
		print_count(out, f->name, p);
	else if (f->kind == 'm')
		print_mask(out, f->name, p);
	else if (*(const char *)p)
		fprintf(out, "%s=%s\n", f->name, (const char *)p);
}

/* Also where no test runs, which Check's own words do not allow. */
static inline void must(bool be_true)
{
	if (!be_true)
		abort();
}

/* The caller frees it. */
static inline char *facts_text(const struct audit_guest *g)
{
	static const char *const emulations[] = { "kvm", "tcg", "other" };
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	must(out != NULL);
	fprintf(out, "emulation=%s\n", emulations[g->emulation]);
	for (size_t i = 0; i < KT_ARRAY_LEN(fact_fields); i++)
		print_fact(out, g, &fact_fields[i]);
	for (size_t i = 0; i < g->npin_masks; i++)
		print_mask(out, "pin_mask", &g->pin_mask[i]);
	must(fclose(out) == 0);
	return text;
}

static inline int read_text(const char *text, size_t size, const char *host,
			    struct audit_guest *ret)
{
	struct domain_xml *x = malloc(sizeof *x);
	struct cpumask cpus;
	int r;

	must(x != NULL);
	must(cpumask_parse(host, &cpus) == 0);
	r = virt_domain_read(text, size, &cpus, x);
	if (r == 0)
		*ret = x->audit;
	free(x);
	return r;
}

/* Within <domain type='kvm'><memory>1048576</memory>, on a host of CPUs 0 to 7. */
static inline int read_fragment(const char *xml, struct audit_guest *ret)
{
	static const char begin[] = "<domain type='kvm'><memory>1048576</memory>";
	size_t size = strlen(begin) + strlen(xml) + 32;
	KT_AUTOFREE char *text = malloc(size);

	ck_assert_ptr_nonnull(text);
	return read_text(text, (size_t)snprintf(text, size, "%s%s</domain>", begin, xml), "0-7",
			 ret);
}

/* Whole lines; "x=0" stands for none that begins with "x=". */
static inline bool says(const char *facts, const char *word)
{
	size_t length = strlen(word);
	bool absent = strcmp(word + length - 2, "=0") == 0;

	for (const char *line = facts; *line; line = strchr(line, '\n') + 1) {
		if (absent && strncmp(line, word, length - 1) == 0)
			return false;
		if (!absent && strncmp(line, word, length) == 0 && line[length] == '\n')
			return true;
	}
	return absent;
}

static inline void check_fragment(const char *xml, const char *want)
{
	KT_AUTOFREE char *words = strdup(want), *facts = NULL;
	struct audit_guest g;
	char *rest;

	ck_assert_msg(read_fragment(xml, &g) == 0, "%s", xml);
	facts = facts_text(&g);
	for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		ck_assert_msg(says(facts, word), "%s: not %s, but\n%s", xml, word, facts);
}

#endif
