/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is a limit of the guest's memory in its way, and is there one where there has to be? */
#include "audit_guest.h"
#include "capped.h"

/* What QEMU, its page tables and the kernel's need beside the guest's memory: a tenth, of which
 * a guest of 40 GiB has enough and a larger one too much. */
static uint64_t needed_kib(const struct audit_guest *g)
{
	static const uint64_t most_kib = UINT64_C(4) << 20;

	return add_capped(g->memory_kib, KT_MIN(g->memory_kib / 10, most_kib));
}

/* Locked memory that has no bound can take all of the host's: only there a limit is wanted. */
void judge_guest_memtune_hard_limit(const struct audit_input *in, struct audit_verdict *v)
{
	/* How libvirt writes that there is none, KiB. */
	static const uint64_t unlimited_kib = UINT64_C(9007199254740991);
	const struct audit_guest *g = audit_guest_judged(in, v);

	if (!g)
		return;
	if (g->hard_limit_kib == KT_UNLIMITED_KIB) {
		if (g->locked)
			audit_not_applicable(v, "There is none: see guest-memory-locked.");
		else
			audit_expect(v, true);
		v->reason = v->reason ? v->reason : "There is none.";
		return;
	}
	v->number[0] = g->hard_limit_kib / 1024;
	v->number[1] = g->memory_kib / 1024;
	v->number[2] = g->locked ? needed_kib(g) : unlimited_kib;
	audit_say(v->word[0], g->locked ? "locked" : "not locked");
	audit_expect(v, g->locked && g->hard_limit_kib >= needed_kib(g));
}

enum cgroup_version { CGROUP_UNKNOWN, CGROUP_V1, CGROUP_V2 };

static enum cgroup_version cgroup_of(const struct audit_input *in)
{
	const struct guest_sample *s = audit_guest_sample(in);

	if (!s || !s->has_cgroup)
		return CGROUP_UNKNOWN;
	return s->cgroup_v2 ? CGROUP_V2 : CGROUP_V1;
}

static void judge_limit(const struct audit_input *in, struct audit_verdict *v, uint64_t limit_kib,
			uint64_t enough_kib, enum cgroup_version harmful)
{
	enum cgroup_version is = cgroup_of(in);

	v->number[0] = limit_kib / 1024;
	v->number[1] = enough_kib / 1024;
	v->number[2] = enough_kib;
	if (limit_kib >= enough_kib)
		audit_expect(v, true);
	else if (is == CGROUP_UNKNOWN)
		audit_unknown(v, "It is not known whether the guest's cgroup is v1 or v2.", 0);
	else
		audit_expect(v, is != harmful);
}

/* A hint on v1; on v2 a throttle of a guest that uses what it has been given. */
void judge_guest_memtune_soft_limit(const struct audit_input *in, struct audit_verdict *v)
{
	const struct audit_guest *g = audit_guest_judged(in, v);

	if (!g)
		return;
	if (g->soft_limit_kib == KT_UNLIMITED_KIB) {
		audit_not_applicable(v, "It is not set.");
		return;
	}
	judge_limit(in, v, g->soft_limit_kib, needed_kib(g), CGROUP_V2);
	if (audit_guest_domain(in)->has_limit_mark || audit_guest_ours(in, in->slot)->limited) {
		v->reason = "It is kvmtuned's own.";
		audit_expect(v, true);
	}
}

/* On v1 it bounds memory and swap together, and who is beyond it is killed. */
void judge_guest_memtune_swap_limit(const struct audit_input *in, struct audit_verdict *v)
{
	const struct audit_guest *g = audit_guest_judged(in, v);

	if (!g)
		return;
	if (g->swap_hard_limit_kib == KT_UNLIMITED_KIB)
		audit_not_applicable(v, "It is not set.");
	else
		judge_limit(in, v, g->swap_hard_limit_kib, needed_kib(g), CGROUP_V1);
}

void judge_guest_memory_locked(const struct audit_input *in, struct audit_verdict *v)
{
	const struct audit_guest *g = audit_guest_judged(in, v);

	if (!g)
		return;
	if (!g->locked) {
		audit_not_applicable(v, "Its memory is not locked.");
		return;
	}
	v->number[0] = g->memory_kib / 1024;
	v->number[1] = needed_kib(g);
	audit_say(v->word[0], g->hard_limit_kib == KT_UNLIMITED_KIB ? "none" : "set");
	audit_expect(v, g->hard_limit_kib != KT_UNLIMITED_KIB);
}
