/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How is it written, and read, that a pin is ours? */
#include "pin_mark.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "str.h"
#include "virt_xml.h"

/* In the words of the undo file. */
static const struct {
	const char *word, *element, *number;
	enum thread_role role;
} kinds[] = {
	{ "vcpu", "vcpupin", "vcpu", THREAD_VCPU },
	{ "emulator", "emulatorpin", NULL, THREAD_EMULATOR },
	{ "iothread", "iothreadpin", "iothread", THREAD_IOTHREAD },
};

void pin_marks_free(struct pin_marks *m)
{
	free(m->mark);
}

int pin_marks_add(struct pin_marks *m, const struct pin_mark *mark)
{
	if (m->n == PIN_MARKS_MAX)
		return -E2BIG;
	if (m->n == m->capacity) {
		size_t capacity = KT_MAX(2 * m->capacity, (size_t)16);
		struct pin_mark *grown = realloc(m->mark, capacity * sizeof *grown);

		if (!grown)
			return -ENOMEM;
		m->mark = grown;
		m->capacity = capacity;
	}
	m->mark[m->n++] = *mark;
	return 0;
}

/* ---- reading ------------------------------------------------------------------- */

static bool read_cpus(const xmlNode *n, const char *name, struct cpumask *ret)
{
	XML_AUTO_TEXT xmlChar *value = xml_attribute(n, name);

	return value && cpumask_parse((const char *)value, ret) == 0 && !cpumask_empty(ret);
}

static bool read_number(const xmlNode *n, const char *name, unsigned int *ret)
{
	XML_AUTO_TEXT xmlChar *value = xml_attribute(n, name);
	uint64_t number;

	if (!value || str_u64((const char *)value, &number) < 0 || number >= KT_THREADS_MAX)
		return false;
	*ret = (unsigned int)number;
	return true;
}

static bool read_was(const xmlNode *n, struct pin_mark *mark)
{
	mark->was_pinned = !xml_attribute_is(n, "was", "none");
	return !mark->was_pinned || read_cpus(n, "was", &mark->was);
}

static bool read_mark(const xmlNode *n, struct pin_mark *ret)
{
	*ret = (struct pin_mark){ 0 };
	if (!xml_is_named(n, "pin"))
		return false;
	for (size_t i = 0; i < KT_ARRAY_LEN(kinds); i++) {
		if (!xml_attribute_is(n, "of", kinds[i].word))
			continue;
		ret->role = kinds[i].role;
		return read_number(n, "number", &ret->number) && read_cpus(n, "cpus", &ret->cpus) &&
		       read_was(n, ret);
	}
	return false;
}

int pin_marks_read(const xmlNode *domain, struct pin_marks *m)
{
	const xmlNode *pins = xml_first_child(xml_find_child(domain, "metadata"));
	struct pin_mark mark;
	int r = 0;

	while (pins && !xml_is_of(pins, PIN_MARK_NAMESPACE, "pins"))
		pins = xml_next_element(pins->next);
	for (const xmlNode *n = xml_first_child(pins); n && r == 0; n = xml_next_element(n->next))
		r = read_mark(n, &mark) ? pin_marks_add(m, &mark) : -EINVAL;
	if (r < 0)
		m->n = 0;
	return r;
}

bool pin_read(const xmlNode *n, struct pin_mark *ret)
{
	*ret = (struct pin_mark){ 0 };
	for (size_t i = 0; i < KT_ARRAY_LEN(kinds); i++) {
		if (n->ns || !xml_is_named(n, kinds[i].element))
			continue;
		ret->role = kinds[i].role;
		return (!kinds[i].number || read_number(n, kinds[i].number, &ret->number)) &&
		       read_cpus(n, "cpuset", &ret->cpus);
	}
	return false;
}

int pin_marks_read_pins(const xmlNode *domain, struct pin_marks *m)
{
	const xmlNode *n = xml_first_child(xml_find_child(domain, "cputune"));
	struct pin_mark pin;
	int r = 0;

	for (; n && r == 0; n = xml_next_element(n->next))
		if (pin_read(n, &pin))
			r = pin_marks_add(m, &pin);
	return r;
}

/* ---- finding ------------------------------------------------------------------- */

static bool same_thread(const struct pin_mark *m, enum thread_role role, unsigned int number)
{
	return m->role == role && m->number == number;
}

const struct pin_mark *pin_marks_of(const struct pin_marks *m, const struct pin_mark *pin)
{
	for (size_t i = 0; i < m->n; i++)
		if (same_thread(&m->mark[i], pin->role, pin->number) &&
		    cpumask_equal(&m->mark[i].cpus, &pin->cpus))
			return &m->mark[i];
	return NULL;
}

const struct pin_mark *pin_marks_of_thread(const struct pin_marks *m, enum thread_role role,
					   unsigned int number)
{
	for (size_t i = 0; i < m->n; i++)
		if (same_thread(&m->mark[i], role, number))
			return &m->mark[i];
	return NULL;
}

bool pin_marks_replaced(const struct pin_marks *m, const struct pin_mark *pin)
{
	return pin_marks_of_thread(m, pin->role, pin->number) && !pin_marks_of(m, pin);
}

/* ---- writing ------------------------------------------------------------------- */

static const char *word_of(enum thread_role role)
{
	for (size_t i = 0; i < KT_ARRAY_LEN(kinds); i++)
		if (kinds[i].role == role)
			return kinds[i].word;
	return "";
}

static void write_mark(FILE *f, const struct pin_mark *mark)
{
	char cpus[KT_CPULIST_MAX], was[KT_CPULIST_MAX] = "none";

	if (mark->was_pinned)
		cpumask_str(&mark->was, was, sizeof was);
	fprintf(f, "<pin of=\"%s\" number=\"%u\" cpus=\"%s\" was=\"%s\"/>", word_of(mark->role),
		mark->number, cpumask_str(&mark->cpus, cpus, sizeof cpus), was);
}

char *pin_marks_text(const struct pin_marks *m)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	fputs("<pins>", f);
	for (size_t i = 0; i < m->n; i++)
		write_mark(f, &m->mark[i]);
	fputs("</pins>", f);
	if (fclose(f) == 0)
		return text;
	free(text);
	return NULL;
}
