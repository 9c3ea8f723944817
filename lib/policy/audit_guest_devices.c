/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Are its disks, network, host devices and clock of the fast kind? */
#include "audit_guest.h"
#include "nodemask.h"

/* What some of several are not; `none` of them: it does not apply. */
static void judge_count(struct audit_verdict *v, const struct count_fact *c, const char *none)
{
	if (c->of == 0) {
		audit_not_applicable(v, none);
		return;
	}
	v->number[0] = c->n;
	v->number[1] = c->of;
	audit_say(v->word[0], c->n ? c->first : "none");
	audit_expect(v, c->n == 0);
}

/* What was set on purpose, and has no right value. */
static void judge_throttle(struct audit_verdict *v, const struct count_fact *c)
{
	if (c->n == 0)
		audit_not_applicable(v, "It is not set.");
	else
		judge_count(v, c, "");
}

#define JUDGE_COUNT(name, member, none)                                                            \
	void judge_guest_##name(const struct audit_input *in, struct audit_verdict *v)             \
	{                                                                                          \
		const struct audit_guest *g = audit_guest_judged(in, v);                           \
                                                                                                   \
		if (g)                                                                             \
			judge_count(v, &g->member, none);                                          \
	}

/* ---- disks ---------------------------------------------------------------------------- */

JUDGE_COUNT(disk_cache, disk_cache, "The guest has no disk.")
JUDGE_COUNT(disk_bus, disk_bus, "The guest has no disk.")
JUDGE_COUNT(disk_io, disk_io, "No raw disk has the cache mode none: see guest-disk-cache.")

void judge_guest_scsi_queues(const struct audit_input *in, struct audit_verdict *v)
{
	const struct audit_guest *g = audit_guest_judged(in, v);

	if (!g)
		return;
	v->number[2] = audit_guest_vcpus(g);
	if (v->number[2] < 2)
		audit_not_applicable(v, "The guest has one vCPU.");
	else
		judge_count(v, &g->scsi_queues, "The guest has no virtio-scsi controller.");
}

/* Without one, disks are served by QEMU's main loop, together with all else: no mistake in a
 * guest that nobody wants to be fast. */
void judge_guest_iothreads(const struct audit_input *in, struct audit_verdict *v)
{
	const struct audit_guest *g = audit_guest_judged(in, v);
	unsigned int most = 2 * cpumask_count(&in->topology->online);
	bool lacking;

	if (!g)
		return;
	if (g->nvirtio_disks == 0) {
		audit_not_applicable(v, "The guest has no virtio disk.");
		return;
	}
	lacking = g->niothreads == 0 && audit_guest_is_fast(in);
	v->number[0] = g->niothreads;
	v->number[1] = most;
	v->number[2] = lacking ? 1 : g->niothreads;
	audit_say(v->word[0], lacking ? "iothreadadd" : "iothreaddel");
	audit_expect(v, !lacking && g->niothreads <= most);
}

void judge_guest_disk_iothread(const struct audit_input *in, struct audit_verdict *v)
{
	const struct audit_guest *g = audit_guest_judged(in, v);

	if (!g)
		return;
	if (g->niothreads == 0) {
		audit_not_applicable(v, "The guest has no I/O threads.");
		return;
	}
	v->number[2] = g->nunused_iothreads;
	v->number[3] = g->niothreads;
	judge_count(v, &g->disk_iothread, "The guest has no virtio disk.");
	/* Disks may share a thread, and some may need none: only a thread too many is wrong. */
	if (g->disk_iothread.of)
		audit_expect(v, g->nunused_iothreads == 0 || g->disk_iothread.n == 0);
}

void judge_guest_disk_throttle(const struct audit_input *in, struct audit_verdict *v)
{
	const struct audit_guest *g = audit_guest_judged(in, v);

	if (g)
		judge_throttle(v, &g->disk_throttle);
}

/* ---- network -------------------------------------------------------------------------- */

JUDGE_COUNT(nic_model, nic_model, "The guest has no emulated network interface.")

/* A driver that nobody names falls back to QEMU's without a word where the host lacks vhost. */
void judge_guest_nic_vhost(const struct audit_input *in, struct audit_verdict *v)
{
	const struct audit_guest *g = audit_guest_judged(in, v);
	const struct fact *vhost = &in->host->has_vhost_net;
	bool lacking =
		vhost->state == FACT_ABSENT || (vhost->state == FACT_KNOWN && vhost->value == 0);

	if (!g)
		return;
	judge_count(v, &g->nic_vhost, "The guest has no virtio interface that vhost could serve.");
	if (v->result != AUDIT_OK)
		return;
	if (vhost->state == FACT_UNKNOWN) {
		audit_unknown(v, "It is not known whether the host has vhost_net.", vhost->error);
		return;
	}
	v->number[0] = lacking ? g->nic_vhost.of : 0;
	audit_expect(v, !lacking);
}

void judge_guest_nic_queues(const struct audit_input *in, struct audit_verdict *v)
{
	const struct audit_guest *g = audit_guest_judged(in, v);

	if (!g)
		return;
	v->number[2] = KT_MIN(audit_guest_vcpus(g), 8);
	if (v->number[2] < 2)
		audit_not_applicable(v, "The guest has one vCPU.");
	else
		judge_count(v, &g->nic_queues, "The guest has no virtio interface of this kind.");
}

void judge_guest_nic_throttle(const struct audit_input *in, struct audit_verdict *v)
{
	const struct audit_guest *g = audit_guest_judged(in, v);

	if (g)
		judge_throttle(v, &g->nic_throttle);
}

/* ---- host devices and clock ----------------------------------------------------------- */

void judge_guest_hostdev_node(const struct audit_input *in, struct audit_verdict *v)
{
	const struct audit_guest *g = audit_guest_placed(in, v);
	const struct guest_sample *s = g ? audit_guest_sample(in) : NULL;
	uint64_t home = g ? audit_guest_home(in) : 0;

	if (!g)
		return;
	if (g->nhostdevs == 0) {
		audit_not_applicable(v, "No PCI device of the host is the guest's.");
		return;
	}
	if (!s) {
		audit_unknown(v, "It is not known on which nodes the devices are.", 0);
		return;
	}
	if (!s->pci_nodes || !home) {
		audit_not_applicable(v, s->pci_nodes
						? "The vCPUs are not pinned: see guest-vcpu-pin."
						: "The devices are on no node in particular.");
		return;
	}
	v->number[0] = g->nhostdevs;
	(void)nodemask_str(s->pci_nodes, v->word[0], sizeof v->word[0]);
	(void)nodemask_str(home, v->word[1], sizeof v->word[1]);
	audit_expect(v, !(s->pci_nodes & ~home));
}

void judge_guest_clock(const struct audit_input *in, struct audit_verdict *v)
{
	const struct audit_guest *g = audit_guest_judged(in, v);

	if (!g)
		return;
	if (g->uses_hyperv_clock)
		audit_not_applicable(v, "The guest has the Hyper-V clock.");
	else
		audit_expect(v, !g->kvmclock_off);
	audit_say(v->word[0], g->kvmclock_off ? "off" : "on");
}
