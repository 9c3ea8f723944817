/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which options are there, and what applies to which guest?  Adding an option is one
 * row here, one line in conf/kvmtuned.conf and one in kvmtuned.conf(5); a test
 * compares the three. */
#include "conf_table.h"

#include <fnmatch.h>
#include <stddef.h>
#include <string.h>

static const char *const daemon_modes[] = { "active", "observe", NULL };
static const char *const loop_modes[] = { "active", "observe", "off", NULL };
static const char *const on_stops[] = { "restore", "keep", NULL };
static const char *const ksm_policies[] = { "off", "auto", "ksmtuned", "ksmtuned-original", NULL };
static const char *const ksm_merges[] = { "auto", "always", "never", NULL };
static const char *const ksm_advisors[] = { "cede", "take-over", NULL };
static const char *const ksm_nodes[] = { "keep", "auto", "0", "1", NULL };
static const char *const ksm_switches[] = { "keep", "0", "1", NULL };
static const char *const backends[] = { "affinity", "libvirt", NULL };
static const char *const pins[] = { "node", "cache", "core", NULL };
static const char *const memories[] = { "move", "leave", NULL };
static const char *const balancings[] = { "keep", "off", NULL };
static const char *const memory_backends[] = { "auto", "reclaim", "limit", NULL };
static const char *const switches[] = { "no", "yes", NULL };
static const char *const runaways[] = { "off", "warn", "limit", NULL };
/* Positions are those of enum log_level. */
static const char *const log_levels[] = { "",       "",     "",      "error", "warning",
					  "notice", "info", "debug", NULL };

#define F(field)              offsetof(struct conf, field)
#define WORDS(list, field)    .words = (list), .offset = F(field)
#define TEXT(field)           .is_text = true, .offset = F(field)
#define FIT(check, what)      .text_fits = (check), .allowed = (what)
#define CPUS(field)           .is_cpus = true, .offset = F(field)
#define RULE_IDS(field)       .is_rule_ids = true, .offset = F(field)
#define HOST_RULES(field)     .is_host_rules = true, .offset = F(field)
#define NUMBER(lo, hi, field) .min = (lo), .max = (hi), .offset = F(field)

const struct conf_option conf_options[] = {
	{ "daemon", "mode", "active", WORDS(daemon_modes, policy.mode),
	  .doc = "observe: every loop decides and says what it would do, and writes nothing" },
	{ "daemon", "interval_s", "5", NUMBER(1, 3600, interval_s),
	  .doc = "seconds between two looks at the host while guests run; events come at once" },
	{ "daemon", "libvirt_uri", "qemu:///system", TEXT(libvirt_uri),
	  .doc = "which libvirt's guests are managed; local ones only; read at start" },
	{ "daemon", "on_stop", "restore", WORDS(on_stops, on_stop),
	  .doc = "restore: give every original value back; keep: leave pins, limits and KSM" },
	{ "daemon", "log_level", "info", WORDS(log_levels, log_level),
	  .doc = "the most verbose messages wanted: error, warning, notice, info, debug" },
	{ "daemon", "run_dir", "/run/kvmtuned", TEXT(run_dir),
	  FIT(conf_is_absolute, "an absolute path of at most 159 bytes"),
	  .doc = "folder of the undo file (original values); read at start" },

	{ "ksm", "mode", "active", WORDS(loop_modes, policy.ksm.mode),
	  .doc = "whether this loop acts, only says what it would do, or is off" },
	{ "ksm", "policy", "auto", WORDS(ksm_policies, policy.ksm.policy),
	  .doc = "auto: by need, cost and yield; ksmtuned: its law, with its plain bugs mended; "
		 "ksmtuned-original: with them, to compare; off: KSM is somebody else's" },
	{ "ksm", "merge", "auto", WORDS(ksm_merges, policy.ksm.merge),
	  .doc = "auto: while memory is not plentiful, or guests could outgrow it; always; never" },
	{ "ksm", "max_cpu_percent", "75", NUMBER(1, 95, policy.ksm.max_cpu_percent),
	  .doc = "of one CPU: what ksmd may use at most, and never more than half of what is idle "
		 "(where nothing is, what memory is worth: 5 % at most)" },
	{ "ksm", "trickle_permille", "2", NUMBER(1, 100, policy.ksm.trickle_permille),
	  .doc = "of one CPU: what ksmd uses when there is nothing new to look at" },
	{ "ksm", "settle_s", "1", NUMBER(0, 600, policy.ksm.settle_s),
	  .doc = "seconds for which new guests are left alone after the last of them has come, or "
		 "has filled much memory; 30 times as long at most" },
	{ "ksm", "plenty_percent", "40", NUMBER(1, 100, policy.ksm.plenty_percent),
	  .doc = "of all memory: above this much MemAvailable (and ZFS cache) memory has no price" },
	{ "ksm", "short_percent", "10", NUMBER(0, 100, policy.ksm.short_percent),
	  .doc = "of all memory: below this much it has the full price" },
	{ "ksm", "min_yield_mib", "4", NUMBER(1, 100000, policy.ksm.min_yield_mib),
	  .doc = "merged per second of ksmd's CPU time: below this a scan does not pay, at the "
		 "full price; at half the price it takes twice as much" },
	{ "ksm", "sweep_min_s", "60", NUMBER(1, 86400, policy.ksm.sweep_min_s),
	  .doc = "seconds until the next sweep (smart_scan off for three passes) when nothing "
		 "asks for one; twice as long after each that brought nothing" },
	{ "ksm", "sweep_max_s", "3600", NUMBER(1, 604800, policy.ksm.sweep_max_s),
	  .doc = "... up to this; longer where sweeps would cost more than 0.75 % of a CPU, half of "
		 "that after one in vain, a third after two" },
	{ "ksm", "advisor", "cede", WORDS(ksm_advisors, policy.ksm.advisor),
	  .doc = "when the kernel's own advisor is on (advisor_mode), or the active profile of tuned "
		 "sets or ends KSM: cede KSM to it, or take over and give it back in the end" },
	{ "ksm", "merge_across_nodes", "keep", WORDS(ksm_nodes, policy.ksm.merge_across_nodes),
	  .doc = "keep: as it is; auto: 0 where guests are placed per node; 0, 1: changed also when "
		 "all that is merged must be taken apart first, if there is room for it" },
	{ "ksm", "use_zero_pages", "keep", WORDS(ksm_switches, policy.ksm.use_zero_pages),
	  .doc = "keep: as it is; 1: pages of zeros merge with the kernel's zero page" },
	{ "ksm", "interval_s", "60", NUMBER(1, 86400, policy.ksm.interval_s),
	  .doc = "ksmtuned: seconds between two steps; guests that start or stop bring one "
		 "forward" },
	{ "ksm", "boost_pages", "300", NUMBER(0, 1000000, policy.ksm.boost_pages),
	  .doc = "ksmtuned: added to pages_to_scan at a step while memory is short" },
	{ "ksm", "decay_pages", "50", NUMBER(0, 1000000, policy.ksm.decay_pages),
	  .doc = "ksmtuned: taken from pages_to_scan at a step while memory is not short" },
	{ "ksm", "min_pages", "64", NUMBER(1, 1000000, policy.ksm.min_pages),
	  .doc = "ksmtuned: pages_to_scan never below this while scanning" },
	{ "ksm", "max_pages", "1250", NUMBER(1, 1000000, policy.ksm.max_pages),
	  .doc = "ksmtuned: pages_to_scan never above this" },
	{ "ksm", "sleep_ms", "10", NUMBER(1, 100000, policy.ksm.sleep_ms),
	  .doc = "ksmtuned: pause between two batches on a host of 16 GiB; larger hosts pause "
		 "less, down to 10 ms" },
	{ "ksm", "free_target_percent", "20", NUMBER(0, 100, policy.ksm.free_target_percent),
	  .doc = "ksmtuned: of all memory: below this much MemAvailable memory is short" },
	{ "ksm", "free_target_min_mib", "2048",
	  NUMBER(0, 1024 * 1024, policy.ksm.free_target_min_mib),
	  .doc = "... and at least this much (ksmtuned's KSM_THRES_CONST, as it was meant)" },

	{ "placement", "mode", "active", WORDS(loop_modes, policy.placement.mode),
	  .doc = "whether this loop acts, only says what it would do, or is off" },
	{ "placement", "backend", "affinity", WORDS(backends, policy.placement.backend),
	  .doc = "affinity: pins the threads, the XML stays untouched; libvirt: visible pins that "
		 "travel with live migrations" },
	{ "placement", "pin", "node", WORDS(pins, policy.placement.pin),
	  .doc = "a guest's vCPUs may run on all CPUs of its home: node; of one of its last-level "
		 "caches, where that is no tighter: cache; on a core each, while there are: core" },
	{ "placement", "reserved_cpus", "", CPUS(policy.placement.reserved_cpus),
	  .doc = "CPUs such as 0-1,8 for the host and for emulator and I/O threads: no vCPU that "
		 "kvmtuned places runs there" },
	{ "placement", "memory", "move", WORDS(memories, policy.placement.memory),
	  .doc = "move: memory follows its guest when that pays, in the background; leave: only "
		 "threads are placed" },
	{ "placement", "horizon_s", "600", NUMBER(1, 86400, policy.placement.horizon_s),
	  .doc = "seconds within which a move of memory has to pay back" },
	{ "placement", "move_mib_per_s", "1024",
	  NUMBER(1, 1024 * 1024, policy.placement.move_mib_per_s),
	  .doc = "budget of memory moves; less while memory is short" },
	{ "placement", "numa_balancing", "keep", WORDS(balancings, policy.placement.numa_balancing),
	  .doc = "kernel.numa_balancing, which moves memory on its own: keep it as it is, or off "
		 "while guests are placed" },
	{ "placement", "cooldown_s", "15", NUMBER(0, 86400, policy.placement.cooldown_s),
	  .doc = "seconds between two changes of one guest's home" },
	{ "placement", "node_reserve_mib", "256",
	  NUMBER(0, 1024 * 1024, policy.placement.node_reserve_mib),
	  .doc = "memory of each node that guests may not count on; 2 % of the node where that is more" },

	{ "memory", "mode", "active", WORDS(loop_modes, policy.memory.mode),
	  .doc = "whether this loop acts, only says what it would do, or is off" },
	{ "memory", "backend", "auto", WORDS(memory_backends, policy.memory.backend),
	  .doc = "reclaim: memory is taken once (memory.reclaim: cgroup v2, Linux 5.19), and "
		 "nobody is squeezed where that is not offered; limit: by soft limits; auto: "
		 "reclaim, limits where it is not offered" },
	{ "memory", "squeeze_price", "80", NUMBER(1, 100, policy.memory.squeeze_price),
	  .doc = "percent: what memory has to be worth before idle guests are squeezed; with "
		 "plenty_percent and short_percent of [ksm] as they are, 80 is 18.6 % available" },
	{ "memory", "calm_price", "50", NUMBER(0, 100, policy.memory.calm_price),
	  .doc = "percent: below this every limit is lifted; 50 is 25 % available" },
	{ "memory", "step_permille", "10", NUMBER(1, 100, policy.memory.step_permille),
	  .doc = "of the guest's usage: what its first step takes, and no more than 16 MiB; the "
		 "next take twice as much each, up to eight times this share, while they do no "
		 "harm" },
	{ "memory", "step_max_mib", "256", NUMBER(1, 65536, policy.memory.step_max_mib),
	  .doc = "... and at most this much" },
	{ "memory", "step_interval_s", "6", NUMBER(1, 3600, policy.memory.step_interval_s),
	  .doc = "seconds between two steps of one guest, in which the effect of the first is "
		 "awaited; down to a third of it where memory is shortest" },
	{ "memory", "floor_percent", "25", NUMBER(1, 100, policy.memory.floor_percent),
	  .doc = "of the guest's memory: nothing is taken below" },
	{ "memory", "min_guarantee_mib", "0",
	  NUMBER(0, KT_GUARANTEE_MIB_MAX, policy.memory.min_guarantee_mib),
	  .doc = "nothing is taken of a guest below this either; a guest's own min_guarantee_mib "
		 "([domain] section or metadata) wins" },
	{ "memory", "backoff_s", "300", NUMBER(1, 86400, policy.memory.backoff_s),
	  .doc = "a guest that suffered, or had nothing cold, is left alone for so long; when it "
		 "does again, for twice as long as before, up to 16 times" },
	{ "memory", "runaway", "warn", WORDS(runaways, policy.memory.runaway),
	  .doc = "a QEMU process that uses more than its guest's memory and what it may need "
		 "itself: off, warn (say so), limit (a soft limit where it is, so that it grows no "
		 "further)" },
	{ "memory", "overhead_mib", "256", NUMBER(0, 1024 * 1024, policy.memory.overhead_mib),
	  .doc = "what a QEMU process may need beyond what can be computed (1/512 of its guest's "
		 "memory, 8 MiB a vCPU and I/O thread, 1 GiB for passthrough and for TCG each)" },

	{ "host", "apply", "none", HOST_RULES(policy.host.apply),
	  .doc = "none, or ids of audit rules such as host-swappiness: what they find fault with is "
		 "changed on the host, at each audit, and given back in the end" },

	{ "audit", "interval_s", "600", NUMBER(10, 604800, audit_interval_s),
	  .doc = "seconds between two audits of the host and its guests; only while guests run" },
	{ "audit", "ignore", "", RULE_IDS(audit_ignore),
	  .doc = "ids of rules such as host-swappiness guest-balloon: they are not judged" },

	{ "metrics", "listen", "off", TEXT(metrics_listen),
	  FIT(conf_is_listen, "off, 127.0.0.1:PORT, [::1]:PORT"),
	  .doc = "off, or 127.0.0.1:PORT or [::1]:PORT, where /metrics is served over TCP too; the "
		 "unit's PrivateNetwork= must be lifted for it; read at start" },
	{ "metrics", "per_domain", "yes", WORDS(switches, metrics_per_domain),
	  .doc = "metrics of each guest; no: only of the host" },
};
const size_t conf_noptions = KT_ARRAY_LEN(conf_options);

size_t conf_option_find(const char *section, const char *key)
{
	size_t i = 0;

	while (i < conf_noptions && (strcmp(conf_options[i].section, section) != 0 ||
				     strcmp(conf_options[i].key, key) != 0))
		i++;
	return i;
}

void conf_defaults(struct conf *ret)
{
	*ret = (struct conf){ 0 };
	for (size_t i = 0; i < conf_noptions; i++)
		if (conf_option_set(&conf_options[i], ret, conf_options[i].standard) < 0)
			abort(); /* our own table is wrong; the unit tests cannot pass */
}

void conf_complain(const char *text, void *context)
{
	(void)context;
	log_emit(&(struct log_event){
		.level = LOG_LEVEL_ERR, .id = LOG_CONFIG_REJECTED, .message = text });
}

void conf_write_template(FILE *out)
{
	const char *section = "";

	fputs("# kvmtuned.conf: every option with its default.  See kvmtuned.conf(5).\n"
	      "# Check a change with: kvmtuned --test-config\n",
	      out);
	for (size_t i = 0; i < conf_noptions; i++) {
		const struct conf_option *o = &conf_options[i];

		if (strcmp(o->section, section) != 0)
			fprintf(out, "\n[%s]\n", o->section);
		section = o->section;
		fprintf(out, "# %s\n#%s = %s\n", o->doc, o->key, o->standard);
	}
	fputs("\n# For guests by name (shell pattern); metadata of the guest wins over it.\n"
	      "#[domain \"web-*\"]\n"
	      "#ksm = on        # on, observe, off\n"
	      "#placement = on  # on, full, cpu (no memory), observe, off\n"
	      "#memory = on     # on, observe, off\n"
	      "#weight = 100    # 1 to 1000: how much its memory is worth against others\n"
	      "#min_guarantee_mib = 1024  # of its memory that is never taken\n",
	      out);
}

static enum guest_switch stronger(enum guest_switch metadata, enum guest_switch configured)
{
	return metadata != GUEST_SWITCH_DEFAULT ? metadata : configured;
}

struct guest_wish conf_guest_wish(const struct conf *conf, const char *name,
				  const struct guest_wish *metadata)
{
	struct guest_wish wish = { 0 };

	for (size_t i = 0; i < conf->nrules; i++) {
		const struct guest_wish *rule = &conf->rule[i].wish;

		if (fnmatch(conf->rule[i].glob, name, 0) != 0)
			continue;
		wish.ksm = stronger(rule->ksm, wish.ksm);
		wish.placement = stronger(rule->placement, wish.placement);
		wish.memory = stronger(rule->memory, wish.memory);
		wish.weight = rule->weight ? rule->weight : wish.weight;
		wish.min_guarantee_mib =
			rule->min_guarantee_mib ? rule->min_guarantee_mib : wish.min_guarantee_mib;
	}
	wish.ksm = stronger(metadata->ksm, wish.ksm);
	wish.placement = stronger(metadata->placement, wish.placement);
	wish.memory = stronger(metadata->memory, wish.memory);
	wish.weight = metadata->weight ? metadata->weight : wish.weight;
	wish.min_guarantee_mib =
		metadata->min_guarantee_mib ? metadata->min_guarantee_mib : wish.min_guarantee_mib;
	return wish;
}
