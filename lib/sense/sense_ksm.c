/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What has KSM merged, how is it set, and what does it cost? */
#include <errno.h>
#include <string.h>

#include "sense_private.h"
#include "str.h"

static const char *const names[_KSM_FILE_MAX] = {
	[KSM_FILE_RUN] = "run",
	[KSM_FILE_PAGES_TO_SCAN] = "pages_to_scan",
	[KSM_FILE_SLEEP] = "sleep_millisecs",
	[KSM_FILE_SHARED] = "pages_shared",
	[KSM_FILE_SHARING] = "pages_sharing",
	[KSM_FILE_UNSHARED] = "pages_unshared",
	[KSM_FILE_VOLATILE] = "pages_volatile",
	[KSM_FILE_FULL_SCANS] = "full_scans",
	[KSM_FILE_ACROSS_NODES] = "merge_across_nodes",
	[KSM_FILE_USE_ZERO_PAGES] = "use_zero_pages",
	[KSM_FILE_ZERO_PAGES] = "ksm_zero_pages",
	[KSM_FILE_SCANNED] = "pages_scanned",
	[KSM_FILE_SKIPPED] = "pages_skipped",
	[KSM_FILE_SMART_SCAN] = "smart_scan",
	[KSM_FILE_PROFIT] = "general_profit",
	[KSM_FILE_ADVISOR] = "advisor_mode",
};

/* A file that this kernel does not have is looked for once. */
static bool text_of(struct sense *s, enum ksm_file f)
{
	ssize_t n;

	if (s->ksm_lacks[f])
		return false;
	n = sense_text(s, &s->ksm[f], "sys/kernel/mm/ksm/%s", names[f]);
	s->ksm_lacks[f] = n == -ENOENT;
	return n > 0;
}

static bool number_of(struct sense *s, enum ksm_file f, uint64_t *ret)
{
	int r;

	if (!text_of(s, f))
		return false;
	r = str_u64(s->text, ret);
	sense_note(s, r, "sys/kernel/mm/ksm/%s", names[f]);
	return r == 0;
}

struct search {
	struct sense *s;
	pid_t found;
};

/* A kernel thread: child of kthreadd, without a command line.  Its name alone could be
 * anybody's. */
static int is_ksmd(void *context, pid_t pid)
{
	struct search *search = context;
	struct sense *s = search->s;
	struct pid_stat stat;
	char path[64];

	if (str_format(path, sizeof path, "proc/%d/stat", pid) < 0 ||
	    hostfs_read(s->fs, path, s->text, sizeof s->text) < 0 || !strstr(s->text, " (ksmd) ") ||
	    parse_pid_stat(s->text, &stat) < 0 || stat.ppid != 2)
		return 0;
	if (str_format(path, sizeof path, "proc/%d/cmdline", pid) < 0 ||
	    hostfs_read(s->fs, path, s->text, sizeof s->text) != 0)
		return 0;
	search->found = pid;
	return 1;
}

/* Kernel threads do not come and go: not found once (a PID namespace) is not found. */
static void read_ksmd(struct sense *s, struct ksm_sample *k)
{
	struct search search = { .s = s };
	uint64_t delay_ns;

	if (!s->ksmd_sought && hostfs_each_number(s->fs, "proc", is_ksmd, &search) > 0)
		s->ksmd_pid = search.found;
	s->ksmd_sought = true;
	if (s->ksmd_pid == 0 || !s->capabilities.schedstat)
		return;
	k->has_ksmd = sense_text(s, &s->ksmd, "proc/%d/schedstat", s->ksmd_pid) > 0 &&
		      parse_schedstat(s->text, &k->ksmd_cpu_ns_total, &delay_ns) == 0 &&
		      k->ksmd_cpu_ns_total > 0; /* "0 0 0": a kernel without schedstats */
}

void sense_ksm_read(struct sense *s, struct ksm_sample *ret)
{
	struct ksm_sample k = { 0 };

	if (!s->capabilities.ksm || !number_of(s, KSM_FILE_RUN, &k.run)) {
		*ret = (struct ksm_sample){ 0 };
		return;
	}
	k.present = number_of(s, KSM_FILE_PAGES_TO_SCAN, &k.pages_to_scan) &&
		    number_of(s, KSM_FILE_SLEEP, &k.sleep_ms) &&
		    number_of(s, KSM_FILE_SHARED, &k.shared_pages) &&
		    number_of(s, KSM_FILE_SHARING, &k.sharing_pages) &&
		    number_of(s, KSM_FILE_UNSHARED, &k.unshared_pages) &&
		    number_of(s, KSM_FILE_FULL_SCANS, &k.full_scans);
	if (text_of(s, KSM_FILE_VOLATILE)) {
		int64_t pages = 0; /* counted without a lock: may be below zero for a moment */

		if (parse_i64(s->text, &pages) == 0 && pages > 0)
			k.volatile_pages = (uint64_t)pages;
	}
	(void)number_of(s, KSM_FILE_ACROSS_NODES, &k.merge_across_nodes); /* CONFIG_NUMA */
	(void)number_of(s, KSM_FILE_USE_ZERO_PAGES, &k.use_zero_pages);   /* 4.12 */
	k.has_zero_pages = number_of(s, KSM_FILE_ZERO_PAGES, &k.zero_pages);
	k.has_scanned = number_of(s, KSM_FILE_SCANNED, &k.scanned_total);
	(void)number_of(s, KSM_FILE_SKIPPED, &k.skipped_total);
	k.has_smart_scan = number_of(s, KSM_FILE_SMART_SCAN, &k.smart_scan);
	k.has_profit = text_of(s, KSM_FILE_PROFIT) && parse_i64(s->text, &k.profit_bytes) == 0;
	if (text_of(s, KSM_FILE_ADVISOR))
		k.advisor =
			strstr(s->text, "[scan-time]") ? KSM_ADVISOR_SCAN_TIME : KSM_ADVISOR_NONE;
	read_ksmd(s, &k);
	if (s->fs->is_live)
		k.probe = ksm_probe_look(&s->ksm_probe, s->fs, &k);
	*ret = k;
}
