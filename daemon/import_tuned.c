/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does the active profile of tuned mean here?
 *
 * Next to nothing of it is taken over: tuned goes on, and its values stay its own.  What the audit
 * knows of it is told, and that both run on one host without one undoing the other. */
#include <errno.h>
#include <string.h>

#include "import_private.h"
#include "sense_audit.h"
#include "str.h"

struct import_tuned {
	FILE *notes;
	struct audit_host host; /* only what the profile sets */
};

/* Rules of the audit that take tuned's word for the administrator's. */
static const struct {
	enum owned_value value;
	const char *name, *rule;
} told[] = {
	{ OWNED_SWAPPINESS, "vm.swappiness", "host-swappiness" },
	{ OWNED_DIRTY_RATIO, "vm.dirty_ratio", "host-dirty-ratio" },
	{ OWNED_DIRTY_BACKGROUND_RATIO, "vm.dirty_background_ratio",
	  "host-dirty-background-ratio" },
	{ OWNED_ZONE_RECLAIM, "vm.zone_reclaim_mode", "host-zone-reclaim" },
	{ OWNED_NUMA_BALANCING, "kernel.numa_balancing", "host-numa-balancing" },
	{ OWNED_THP_ENABLED, "transparent_hugepage/enabled", "host-thp-enabled" },
	{ OWNED_THP_DEFRAG, "transparent_hugepage/defrag", "host-thp-defrag" },
	{ OWNED_KHUGEPAGED_DEFRAG, "khugepaged/defrag", "host-khugepaged-defrag" },
	{ OWNED_KHUGEPAGED_SCAN_SLEEP, "khugepaged/scan_sleep_millisecs",
	  "host-khugepaged-scan-sleep" },
	{ OWNED_KSM, "ksm/run", "host-ksm-run" },
	{ OWNED_GOVERNOR, "governor of CPUs", "host-cpu-governor" },
	{ OWNED_CSTATES, "force_latency", "host-cpu-cstates" },
	{ OWNED_BLOCK_SCHEDULER, "scheduler of disks", "host-block-scheduler" },
	{ OWNED_HALT_POLL, "halt_poll_ns", "host-halt-poll" },
};

struct import_tuned *import_tuned_new(FILE *notes)
{
	struct import_tuned *t = calloc(1, sizeof *t);

	if (t)
		t->notes = notes;
	return t;
}

static void warn(const struct import_tuned *t)
{
	const struct audit_host *h = &t->host;

	if (h->tuned_missing[0])
		fprintf(t->notes,
			"tuned: warning: its profile %s does not exist: what that sets is not "
			"known\n",
			h->tuned_missing);
	if (strchr(h->tuned_isolated, '$'))
		fprintf(t->notes,
			"tuned: warning: isolated_cores=%s: tuned works this out, and kvmtuned "
			"runs nothing of it; cat /sys/devices/system/cpu/nohz_full "
			"/sys/devices/system/cpu/isolated\n",
			h->tuned_isolated);
}

int import_tuned_read(struct import_tuned *t, const char *root)
{
	struct hostfs fs;
	int r = hostfs_open(root ? root : "/", &fs);
	char shown[256];

	str_escape(root ? root : "/", shown, sizeof shown);
	if (r < 0) {
		fprintf(t->notes, "%s: cannot be opened: %s\n", shown, strerror(-r));
		return EXIT_FAILURE;
	}
	sense_audit_tuned(&fs, &t->host);
	hostfs_close(&fs);
	if (!t->host.tuned_profile[0]) {
		fprintf(t->notes,
			"%s: /etc/tuned/active_profile names no profile; choose one with tuned-adm "
			"profile, or ask for nothing of tuned\n",
			shown);
		return EXIT_FAILURE;
	}
	warn(t);
	return EXIT_SUCCESS;
}

static void print_values(const struct import_tuned *t, FILE *out)
{
	bool first = true;

	for (size_t i = 0; i < KT_ARRAY_LEN(told); i++) {
		const struct owner *o = &t->host.owner[told[i].value];

		if (!o->who[0])
			continue;
		if (first)
			fputs("#\n# What it sets, and which rule of kvmtunectl audit takes its "
			      "word for it:\n",
			      out);
		first = false;
		fprintf(out, "#   %s = %s (%s)\n", told[i].name,
			o->value[0] ? o->value : "as it says there", told[i].rule);
	}
}

/* NULL: it does not. */
static const char *reason_against_ksm(const struct audit_host *h)
{
	const struct owner *o = &h->owner[OWNED_KSM];

	if (o->who[0] && strcmp(o->value, "1") != 0)
		return "The profile has ended KSM";
	return h->tuned_isolated[0] ? "A profile with isolated_cores ends KSM" : NULL;
}

/* kvmtuned leaves it to tuned all the same; the option says so whatever profile comes next. */
static void print_ksm(const struct import_tuned *t, FILE *out)
{
	const struct conf_option *mode = import_option("ksm", "mode");
	const struct conf_option *advisor = import_option("ksm", "advisor");
	const char *reason = reason_against_ksm(&t->host);

	if (reason)
		fprintf(out,
			"\n[ksm]\n# %s, for guests that have to answer in time: who merges makes\n"
			"# them wait for a copy at their next write.\n%s = off\n",
			reason, mode->key);
	else if (audit_tuned_has_ksm(&t->host))
		fprintf(out,
			"\n[ksm]\n# The profile has started KSM, so it is tuned's; take-over has it "
			"driven by need.\n#%s = %s\n",
			advisor->key, advisor->standard);
	else
		fprintf(out, "\n[ksm]\n#%s = %s\n", mode->key, mode->standard);
}

static void print_isolated(const struct import_tuned *t, FILE *out)
{
	if (t->host.tuned_isolated[0])
		fprintf(out,
			"\n# isolated_cores = %s\n"
			"# That needs no option.  After the boot with tuned's command line (nohz_full=,\n"
			"# isolcpus=) no guest is placed on these CPUs, and those that the administrator\n"
			"# has pinned there are left alone.  They are nothing for reserved_cpus: emulator\n"
			"# and I/O threads of all guests would go there.\n",
			t->host.tuned_isolated);
}

void import_tuned_print(const struct import_tuned *t, FILE *out)
{
	fprintf(out,
		"# tuned is active with %s.  By kvmtuned --import-tuned.\n"
		"#\n"
		"# Leave it so: kvmtuned starts after tuned, and of what the profile sets it changes\n"
		"# nothing, whatever [host] apply names; KSM only with advisor = take-over in [ksm].\n",
		t->host.tuned_profile);
	print_values(t, out);
	print_ksm(t, out);
	print_isolated(t, out);
}
