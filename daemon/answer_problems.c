/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wrong, and what should the operator do? */
#include <stdarg.h>

#include "answer_private.h"
#include "privileges.h"
#include "str.h"

/* At each tick they are counted, and nothing is taken from the heap for that. */
struct problems {
	size_t count;
	struct json_object *texts; /* NULL: nobody reads them */
};

static void KT_PRINTF(2, 3) complain(struct problems *problems, const char *fmt, ...)
{
	char text[1024];
	va_list args;

	problems->count++;
	if (!problems->texts)
		return;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof text, fmt, args); /* a cut sentence still helps */
	va_end(args);
	json_add(problems->texts, json_object_new_string(text));
}

double libvirt_waiting_s(const struct kvmtuned *k)
{
	uint64_t since_ns = k->virt ? virt_waiting_since_ns(k->virt) : 0;
	uint64_t now_ns = now_monotonic_ns();

	return since_ns && now_ns > since_ns ? (double)(now_ns - since_ns) / 1e9 : 0;
}

static void complain_of_libvirt(const struct kvmtuned *k, struct problems *problems)
{
	char uri[4 * CONF_TEXT_MAX];

	if (k->link_told && !k->link_up)
		complain(
			problems,
			"there is no connection to libvirt at %.200s: see that it runs; connecting "
			"is tried again and again",
			str_escape(k->conf.libvirt_uri, uri, sizeof uri));
	if (k->late_said_ns && libvirt_waiting_s(k) > 0)
		complain(problems,
			 "libvirt has not answered for %.0f s: look at its journal; what does not "
			 "need it goes on",
			 libvirt_waiting_s(k));
}

static void complain_of_privileges(const struct kvmtuned *k, struct problems *problems)
{
	const struct privilege *p;

	for (unsigned int i = 0; (p = privilege_of(i)); i++)
		if (k->privileges_missing >> i & 1)
			complain(problems,
				 "missing: %s; %s: check User= and CapabilityBoundingSet= of the "
				 "unit and its drop-ins, and start kvmtuned again",
				 p->name, p->off);
}

static void complain_of_ourselves(const struct kvmtuned *k, struct problems *problems)
{
	char run_dir[4 * CONF_TEXT_MAX];

	(void)str_escape(k->conf.run_dir, run_dir, sizeof run_dir);
	if (k->misses > 0)
		complain(problems, "the host's counters cannot be read: see the journal; %s",
			 k->let_go ? "original values are back until they can"
				   : "the last plan holds");
	if (k->conf_error < 0)
		complain(problems, "%s, and the one of before stays in force: %s",
			 conf_error_what(k->conf_error), conf_error_advice(k->conf_error));
	complain_of_privileges(k, problems);
	if (act_cannot_save(k->act))
		complain(
			problems,
			"the undo file below %.200s cannot be written, so nothing is changed until "
			"it can: check the space there",
			run_dir);
	if (k->cannot_undo)
		complain(problems,
			 "%.200s cannot be written, so nothing is changed, for it could not be "
			 "undone: check RuntimeDirectory= and start kvmtuned again",
			 run_dir);
}

/* What the kernel or libvirt has refused, of how many guests, and whose it was first. */
static void complain_of_guests(const struct kvmtuned *k, struct problems *problems,
			       const char *what, bool (*refused)(const struct guest_in_force *f))
{
	char first[4 * KT_NAME_MAX] = "";
	unsigned int n = 0;

	for (size_t i = 0; i < k->domains->nslots; i++) {
		struct known_guest g = known_guest_of(k, i);

		if (!g.domain || !refused(g.in_force))
			continue;
		if (n++ == 0)
			str_escape(g.domain->name, first, sizeof first);
	}
	if (n > 0)
		complain(
			problems,
			"%s was refused for %u guest%s (%.200s%s): the journal says why; kvmtunectl "
			"reload tries again",
			what, n, n > 1 ? "s" : "", first, n > 1 ? ", .." : "");
}

static bool pin_refused(const struct guest_in_force *f)
{
	return f->pin_off;
}

static bool limit_refused(const struct guest_in_force *f)
{
	return f->limit_off;
}

static bool reclaim_refused(const struct guest_in_force *f)
{
	return f->reclaim_off;
}

static void complain_of_refusals(const struct kvmtuned *k, struct problems *problems)
{
	const struct in_force *f = act_in_force(k->act);
	const struct {
		bool refused;
		const char *what;
	} host[] = { { f->ksm.off, "writing to /sys/kernel/mm/ksm" },
		     { f->move.off, "moving memory of guests" },
		     { f->balancing.off, "writing kernel.numa_balancing" },
		     { f->host.off, "writing what apply in [host] names" } };

	for (size_t i = 0; i < KT_ARRAY_LEN(host); i++)
		if (host[i].refused)
			complain(problems,
				 "%s was refused: the journal says why; kvmtunectl reload tries "
				 "again",
				 host[i].what);
	complain_of_guests(k, problems, "pinning", pin_refused);
	complain_of_guests(k, problems, "a soft limit", limit_refused);
	complain_of_guests(k, problems, "memory.reclaim", reclaim_refused);
}

static void find_problems(const struct kvmtuned *k, struct problems *ret)
{
	complain_of_libvirt(k, ret);
	complain_of_ourselves(k, ret);
	complain_of_refusals(k, ret);
}

struct json_object *problems_of(const struct kvmtuned *k)
{
	struct problems problems = { .texts = json_object_new_array() };

	find_problems(k, &problems);
	return problems.texts;
}

size_t problems_count(const struct kvmtuned *k)
{
	struct problems problems = { 0 };

	find_problems(k, &problems);
	return problems.count;
}
