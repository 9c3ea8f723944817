/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is there to be scraped?  Only what nobody else exports: where guests lie and why, what
 * was decided, done, ceded and refused, and what we cost.
 *
 * CPU, disks and network of guests are in the exporters of libvirt, NUMA and KSM of the host in
 * node_exporter. */
#include "answer_metrics.h"

struct metric_family {
	const char *name; /* in kvmtuned(8) as well */
	enum metric_kind kind;
	const char *help;
	metric_fn *write; /* one of the two */
	metric_of_guest_fn *write_guest;
};

static const struct metric_family families[] = {
	{ "kvmtuned_build_info", METRIC_GAUGE,
	  "Versions of kvmtuned and of the libvirt that it talks to.", .write = metric_build_info },
	{ "kvmtuned_mode", METRIC_GAUGE, "What kvmtuned does as a whole, 1 for the present mode.",
	  .write = metric_mode },
	{ "kvmtuned_loop_state", METRIC_GAUGE, "What each loop does, 1 for the present state.",
	  .write = metric_loop_state },
	{ "kvmtuned_config_last_reload_successful", METRIC_GAUGE,
	  "Whether the configuration that was read last is in force.", .write = metric_config_ok },
	{ "kvmtuned_libvirt_connected", METRIC_GAUGE, "Whether there is a connection to libvirt.",
	  .write = metric_connected },
	{ "kvmtuned_libvirt_reconnects_total", METRIC_COUNTER,
	  "Connections to libvirt after the first one.", .write = metric_reconnects },
	{ "kvmtuned_cycle_duration_seconds", METRIC_HISTOGRAM,
	  "How long a look at the host and what follows from it took.",
	  .write = metric_cycle_duration },
	{ "kvmtuned_last_cycle_timestamp_seconds", METRIC_GAUGE,
	  "When the host was last looked at with success.", .write = metric_last_cycle },
	{ "kvmtuned_process_cpu_seconds_total", METRIC_COUNTER, "CPU time of kvmtuned itself.",
	  .write = metric_cpu },
	{ "kvmtuned_process_resident_bytes", METRIC_GAUGE, "Memory of kvmtuned itself.",
	  .write = metric_resident },
	{ "kvmtuned_decisions_total", METRIC_COUNTER,
	  "What was decided and done, by actuator, action and reason.", .write = metric_decisions },
	{ "kvmtuned_actuator_errors_total", METRIC_COUNTER,
	  "Writes that the kernel or libvirt refused.", .write = metric_errors },
	{ "kvmtuned_actuator_ceded", METRIC_GAUGE,
	  "Values left to somebody else who writes them; of placement and memory: guests.",
	  .write = metric_ceded },
	{ "kvmtuned_memory_price_ratio", METRIC_GAUGE,
	  "What memory is worth: 0 there is plenty, 1 there is none to spare.",
	  .write = metric_price },
	{ "kvmtuned_ksm_target_pages", METRIC_GAUGE,
	  "Pages per batch that KSM was told to scan; 0: it rests, or is not ours.",
	  .write = metric_target },
	{ "kvmtuned_ksmd_cpu_seconds_total", METRIC_COUNTER, "CPU time of the kernel's KSM thread.",
	  .write = metric_ksmd_cpu },
	{ "kvmtuned_moved_bytes_total", METRIC_COUNTER, "Guest memory moved to other NUMA nodes.",
	  .write = metric_moved },
	{ "kvmtuned_reclaimed_bytes_total", METRIC_COUNTER, "Guest memory reclaimed.",
	  .write = metric_reclaimed },
	{ "kvmtuned_locality_ratio", METRIC_GAUGE,
	  "The share of memory that is local, of all guests together.", .write = metric_locality },
	{ "kvmtuned_audit_findings", METRIC_GAUGE,
	  "Rules of tuning that the host and its guests break, by the last audit.",
	  .write = metric_audit_findings },
	{ "kvmtuned_domains", METRIC_GAUGE, "Guests that run or are paused.",
	  .write = metric_domains },
	{ "kvmtuned_domains_managed", METRIC_GAUGE, "Guests that at least one loop may act on.",
	  .write = metric_domains_managed },
	{ "kvmtuned_domains_pinned", METRIC_GAUGE, "Guests that are pinned by kvmtuned.",
	  .write = metric_domains_pinned },
	{ "kvmtuned_domains_limited", METRIC_GAUGE, "Guests with a soft limit of kvmtuned's.",
	  .write = metric_domains_limited },
	{ "kvmtuned_domain_info", METRIC_GAUGE,
	  "Identity of a guest, and whether any loop may act on it, or why none may.",
	  .write_guest = metric_domain_info },
	{ "kvmtuned_domain_hold", METRIC_GAUGE, "Guests that the operator has paused or released.",
	  .write_guest = metric_domain_hold },
	{ "kvmtuned_domain_home", METRIC_GAUGE, "NUMA nodes that a guest is pinned to by kvmtuned.",
	  .write_guest = metric_domain_home },
	{ "kvmtuned_domain_memory_bytes", METRIC_GAUGE,
	  "Resident guest memory per NUMA node of the host.", .write_guest = metric_domain_memory },
	{ "kvmtuned_domain_locality_ratio", METRIC_GAUGE,
	  "Share of guest memory on its home, or, unpinned, on the node with most of it.",
	  .write_guest = metric_domain_locality },
	{ "kvmtuned_domain_steal_seconds_total", METRIC_COUNTER,
	  "Time for which vCPUs were runnable and not running.",
	  .write_guest = metric_domain_steal },
	{ "kvmtuned_domain_ksm_merged_bytes", METRIC_GAUGE, "Guest memory merged by KSM.",
	  .write_guest = metric_domain_merged },
	{ "kvmtuned_domain_reclaimed_bytes_total", METRIC_COUNTER,
	  "Memory reclaimed from a guest since it started.",
	  .write_guest = metric_domain_reclaimed },
};

static void write_of_guests(struct metrics_text *t, const struct kvmtuned *k,
			    metric_of_guest_fn *write)
{
	for (size_t slot = 0; slot < k->domains->nslots; slot++) {
		struct known_guest g = known_guest_of(k, slot);

		if (g.domain)
			write(t, k, &g);
	}
}

static void write_families(struct metrics_text *t, const struct kvmtuned *k)
{
	for (size_t i = 0; i < KT_ARRAY_LEN(families); i++) {
		const struct metric_family *f = &families[i];

		if (f->write_guest && k->conf.metrics_per_domain == CONF_NO)
			continue;
		metrics_family(t, f->name, f->kind, f->help);
		if (f->write_guest)
			write_of_guests(t, k, f->write_guest);
		else
			f->write(t, k);
	}
	metrics_end(t);
}

void answer_metrics(struct kvmtuned *k, const struct question *q, struct answer *ret)
{
	struct metrics_text t = { .openmetrics = q->openmetrics };
	char *text = NULL;
	size_t size;
	bool failed;

	t.out = open_memstream(&text, &size);
	if (t.out)
		write_families(&t, k);
	failed = !t.out || ferror(t.out);
	if (t.out && (fclose(t.out) != 0 || !text))
		failed = true;
	if (failed) {
		free(text);
		answer_error(ret, 500, "failed", "there is no memory left for the metrics");
		return;
	}
	ret->text = text;
	ret->type = q->openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
				   : "text/plain; version=0.0.4; charset=utf-8";
}
