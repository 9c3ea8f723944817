/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How are originals kept so that a crash loses none?
 *
 *	kvmtuned-undo 2
 *	ksm KNOB ORIGINAL BEFORE ASKED
 *	balancing ORIGINAL BEFORE ASKED
 *	host AUDIT-RULE IRQ ORIGINAL BEFORE ASKED
 *	guest UUID PID START-TICKS ESCAPED-NAME
 *	pins BACKEND NODES[/NODES]... CPUS
 *	pin TID START-TICKS ROLE NUMBER ORIGINAL-CPUS ASKED-CPUS CPUS-BEFORE|-
 *	limit ORIGINAL BEFORE ASKED
 *	end LINES
 *
 * pins, pin and limit belong to the guest above them; pins has the nodes cell by cell, and
 * the CPUs of the first cell.  In version 1 there was one node, and one mask for all threads:
 *
 *	pins BACKEND NODE ASKED-CPUS CPUS-BEFORE|-
 *	pin TID START-TICKS ROLE NUMBER ORIGINAL-CPUS
 *
 * "end" counts the lines between it
 * and the first one, so that a file that was cut, anywhere, is seen to be.
 *
 * There is no fsync: what we set does not outlive the kernel, and a process that is
 * killed takes nothing with it that it has handed to the kernel. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

#include "act_private.h"
#include "str.h"
#include "stream.h"

const char *const undo_backend_word[UNDO_BACKENDS] = {
	[PLACEMENT_AFFINITY] = "affinity", [PLACEMENT_LIBVIRT] = "libvirt"
};
const char *const undo_role_word[UNDO_ROLES] = {
	[THREAD_EMULATOR] = "emulator",
	[THREAD_VCPU] = "vcpu",
	[THREAD_IOTHREAD] = "iothread",
	[THREAD_VHOST] = "vhost",
};

static size_t count_pins(const struct placement *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->npins; i++)
		n += p->pin[i].ours;
	return n;
}

static bool anything_ours(const struct act *a)
{
	for (size_t i = 0; i < KT_ARRAY_LEN(a->ksm.knob); i++)
		if (a->ksm.knob[i].ours)
			return true;
	if (a->balancing.knob.ours)
		return true;
	for (size_t i = 0; i < a->host.nvalues; i++)
		if (a->host.value[i].ours)
			return true;
	for (const struct act_guest *g = a->guests; g; g = g->next)
		if (g->limit.ours || count_pins(&g->placement) > 0)
			return true;
	return false;
}

static size_t write_ksm(FILE *f, const struct act_ksm *ksm)
{
	size_t lines = 0;

	for (size_t i = 0; i < KT_ARRAY_LEN(ksm->knob); i++) {
		const struct knob *k = &ksm->knob[i];

		if (!k->ours)
			continue;
		fprintf(f, "ksm %s %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", ksm_knob_name[i],
			k->original, k->before, k->asked);
		lines++;
	}
	return lines;
}

static size_t write_balancing(FILE *f, const struct knob *k)
{
	if (!k->ours)
		return 0;
	fprintf(f, "balancing %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", k->original, k->before,
		k->asked);
	return 1;
}

static size_t write_host(FILE *f, const struct act_host *h)
{
	size_t lines = 0;

	for (size_t i = 0; i < h->nvalues; i++) {
		const struct host_value *v = &h->value[i];

		if (!v->ours)
			continue;
		fprintf(f, "host %s %u %s %s %s\n", host_rule_id(v->rule), v->irq, v->original,
			v->before, v->asked);
		lines++;
	}
	return lines;
}

static void write_pin(FILE *f, const struct pin *pin)
{
	char original[KT_CPULIST_MAX], asked[KT_CPULIST_MAX], before[KT_CPULIST_MAX];

	cpumask_str(&pin->before, before, sizeof before);
	fprintf(f, "pin %d %" PRIu64 " %s %u %s %s %s\n", pin->tid, pin->start_ticks,
		undo_role_word[pin->role], pin->number,
		cpumask_str(&pin->original, original, sizeof original),
		cpumask_str(&pin->asked, asked, sizeof asked), before[0] ? before : "-");
}

/* The main thread's is told as long as there is any: by its mask those are known that were
 * born of it and that no plan has named. */
static bool is_told(const struct act_guest *g, const struct pin *pin)
{
	return pin->ours || (pin->tid == g->pid && !cpumask_empty(&pin->asked));
}

static size_t write_pins(FILE *f, const struct act_guest *g)
{
	const struct placement *p = &g->placement;
	char cpus[KT_CPULIST_MAX], nodes[KT_HOME_MAX];
	size_t lines = 1;

	fprintf(f, "pins %s %s %s\n", undo_backend_word[p->backend],
		act_home_str(&p->home, nodes, sizeof nodes),
		cpumask_str(&p->home.cpus, cpus, sizeof cpus));
	for (size_t i = 0; i < p->npins; i++) {
		const struct pin *pin = &p->pin[i];

		if (!is_told(g, pin))
			continue;
		write_pin(f, pin);
		lines++;
	}
	return lines;
}

static size_t format_guest(FILE *f, const struct act_guest *g)
{
	char name[ESCAPED_NAME_MAX], uuid[KT_UUID_STR];
	bool has_pins = count_pins(&g->placement) > 0;
	size_t lines = 1;

	if (!has_pins && !g->limit.ours)
		return 0;
	fprintf(f, "guest %s %d %" PRIu64 " %s\n", uuid_str(&g->uuid, uuid), g->pid, g->start_ticks,
		str_escape(g->name, name, sizeof name));
	if (has_pins)
		lines += write_pins(f, g);
	if (g->limit.ours) {
		fprintf(f, "limit %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", g->limit.original,
			g->limit.before, g->limit.asked);
		lines++;
	}
	return lines;
}

static bool is_fresh(const struct undo_text *t, const struct limit *l)
{
	return t->fresh && t->limit_ours == l->ours &&
	       (!l->ours || (t->limit_original == l->original && t->limit_before == l->before &&
			     t->limit_asked == l->asked));
}

static int format_text(struct act_guest *g)
{
	const struct limit *l = &g->limit;
	struct undo_text t = { .fresh = true,
			       .limit_ours = l->ours,
			       .limit_original = l->original,
			       .limit_before = l->before,
			       .limit_asked = l->asked };
	FILE *f = open_memstream(&t.bytes, &t.length);
	int r;

	if (!f)
		return -errno;
	t.lines = format_guest(f, g);
	r = stream_flush(f);
	/* glibc shrinks the buffer then; without memory for that it is gone, and all is said
	 * to be well. */
	if ((fclose(f) != 0 || !t.bytes) && r == 0)
		r = -ENOMEM;
	if (r < 0) {
		free(t.bytes);
		return r;
	}
	free(g->text.bytes);
	g->text = t;
	return 0;
}

/* An event changes one guest, and the file has the lines of all. */
static int write_guests(struct act *a, FILE *f, size_t *lines)
{
	for (struct act_guest *g = a->guests; g; g = g->next) {
		int r = is_fresh(&g->text, &g->limit) ? 0 : format_text(g);

		if (r < 0)
			return r;
		(void)fwrite(g->text.bytes, 1, g->text.length, f); /* stream_flush tells */
		*lines += g->text.lines;
	}
	return 0;
}

int undo_write(struct act *a, FILE *f)
{
	size_t lines;
	int r;

	fprintf(f, UNDO_HEADER "\n");
	lines = write_ksm(f, &a->ksm);
	lines += write_balancing(f, &a->balancing.knob);
	lines += write_host(f, &a->host);
	r = write_guests(a, f, &lines);
	if (r < 0)
		return r;
	fprintf(f, "end %zu\n", lines);
	return stream_flush(f);
}

/* A thousand guests have half a MiB of lines. */
enum { STREAM_BYTES = 64 * 1024 };

static int write_new_file(struct act *a)
{
	char buffer[STREAM_BYTES]; /* outlives the stream */
	const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW;
	KT_AUTOCLOSE int fd = openat(a->dir_fd, "undo.tmp", flags, 0600);
	KT_AUTOFCLOSE FILE *f = NULL;
	int r = fd < 0 ? -errno : stream_of_fd(&fd, "w", &f);

	if (!f)
		return r;
	(void)setvbuf(f, buffer, _IOFBF, sizeof buffer); /* else with the library's own */
	return undo_write(a, f);
}

int undo_save(struct act *a)
{
	int r;

	if (!anything_ours(a)) {
		if (unlinkat(a->dir_fd, "undo", 0) < 0 && errno != ENOENT)
			return -errno;
		a->undo_stale = false;
		return 0;
	}
	r = write_new_file(a);
	if (r == 0 && renameat(a->dir_fd, "undo.tmp", a->dir_fd, "undo") < 0)
		r = -errno;
	if (r < 0) {
		(void)unlinkat(a->dir_fd, "undo.tmp", 0); /* half a file is of no use */
		return r;
	}
	a->undo_stale = false;
	return 0;
}
