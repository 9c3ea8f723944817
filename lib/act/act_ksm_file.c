/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How is each of KSM's files read and written? */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "act_private.h"
#include "str.h"

const char *const ksm_knob_name[_KSM_KNOB_MAX] = {
	[KSM_ADVISOR] = "advisor_mode",
	[KSM_NODES] = "merge_across_nodes",
	[KSM_ZERO_PAGES] = "use_zero_pages",
	[KSM_SMART_SCAN] = "smart_scan",
	[KSM_PAGES] = "pages_to_scan",
	[KSM_SLEEP] = "sleep_millisecs",
	[KSM_RUN] = "run",
};

const char *const ksm_advisor_word[] = { "none", "scan-time" };

char *act_ksm_path(enum ksm_knob knob, char buf[KSM_PATH_MAX])
{
	(void)snprintf(buf, KSM_PATH_MAX, "sys/kernel/mm/ksm/%s", ksm_knob_name[knob]); /* fits */
	return buf;
}

int act_ksm_number(const struct act *a, const char *file, uint64_t *ret)
{
	char path[64];
	int r = str_format(path, sizeof path, "sys/kernel/mm/ksm/%s", file);

	return r < 0 ? r : hostfs_read_u64(a->fs, path, ret);
}

/* "[none] scan-time" */
static int read_advisor(const struct act *a, uint64_t *ret)
{
	char text[64];
	ssize_t n = hostfs_read(a->fs, "sys/kernel/mm/ksm/advisor_mode", text, sizeof text);

	if (n < 0)
		return (int)n;
	*ret = strstr(text, "[scan-time]") != NULL;
	return *ret || strstr(text, "[none]") ? 0 : -EINVAL;
}

int act_ksm_read(const struct act *a, enum ksm_knob knob, uint64_t *ret)
{
	if (knob == KSM_ADVISOR)
		return read_advisor(a, ret);
	return act_ksm_number(a, ksm_knob_name[knob], ret);
}

static int write_text(const struct act *a, enum ksm_knob knob, uint64_t value)
{
	char path[KSM_PATH_MAX], text[24];
	int r;

	if (knob == KSM_ADVISOR)
		r = str_format(text, sizeof text, "%s\n", ksm_advisor_word[value != 0]);
	else
		r = str_format(text, sizeof text, "%" PRIu64 "\n", value);
	return r == 0 ? hostfs_write(a->fs, act_ksm_path(knob, path), text) : r;
}

/* A write of run or merge_across_nodes waits for ksmd's current batch: some 5 ms with our
 * own, 120 ms with the 30,000 pages of the kernel's advisor.  The others never wait. */
int act_ksm_write(const struct act *a, enum ksm_knob knob, uint64_t value, uint64_t *ret_found)
{
	int r = write_text(a, knob, value);

	if (r == 0)
		r = act_ksm_read(a, knob, ret_found);
	return r == 0 && *ret_found != value ? -ESTALE : r;
}
