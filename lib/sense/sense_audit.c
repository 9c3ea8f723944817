/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How are memory, KSM, disks and modules of this host set, for the audit? */
#include "sense_audit.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "parse.h"
#include "sense_audit_private.h"
#include "str.h"

#define THP "sys/kernel/mm/transparent_hugepage/"
#define KSM "sys/kernel/mm/ksm/"

/* ---- one file --------------------------------------------------------------------------- */

struct fact audit_failed(int error)
{
	if (error == -ENOENT || error == -ENOTDIR)
		return (struct fact){ .state = FACT_ABSENT };
	return (struct fact){ .state = FACT_UNKNOWN, .error = -error };
}

struct fact audit_number(const struct hostfs *fs, const char *fmt, ...)
{
	char path[KT_PATH_MAX];
	uint64_t value;
	va_list args;
	int r;

	va_start(args, fmt);
	r = vsnprintf(path, sizeof path, fmt, args);
	va_end(args);
	r = r < (int)sizeof path ? hostfs_read_u64(fs, path, &value) : -ENAMETOOLONG;
	return r < 0 ? audit_failed(r) : audit_known(value);
}

/* Parameters of type bool show letters, those of type int digits; which one a parameter is
 * changed more than once. */
struct fact audit_switch(const struct hostfs *fs, const char *path)
{
	char text[8];
	ssize_t n = hostfs_read(fs, path, text, sizeof text);

	if (n < 0)
		return audit_failed((int)n);
	text[strcspn(text, "\n")] = '\0';
	if (strcmp(text, "Y") == 0 || strcmp(text, "1") == 0)
		return audit_known(1);
	if (strcmp(text, "N") == 0 || strcmp(text, "0") == 0)
		return audit_known(0);
	return audit_failed(-EINVAL);
}

bool audit_plain_word(const char *text, size_t length, char ret[AUDIT_WORD])
{
	if (length == 0 || length >= AUDIT_WORD)
		return false;
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)text[i]) && (!text[i] || !strchr("_.+-", text[i])))
			return false;
	memcpy(ret, text, length);
	ret[length] = '\0';
	return true;
}

struct word_fact audit_word(const struct hostfs *fs, const char *fmt, ...)
{
	struct word_fact w = { .state = FACT_KNOWN };
	char path[KT_PATH_MAX], text[512] = "";
	const char *word;
	struct fact failed;
	va_list args;
	ssize_t n;

	va_start(args, fmt);
	n = vsnprintf(path, sizeof path, fmt, args);
	va_end(args);
	n = n < (ssize_t)sizeof path ? hostfs_read(fs, path, text, sizeof text) : -ENAMETOOLONG;
	word = strchr(text, '[') ? strchr(text, '[') + 1 : text;
	if (n >= 0 && !audit_plain_word(word, strcspn(word, "]\n"), w.word))
		n = -EINVAL;
	if (n >= 0)
		return w;
	failed = audit_failed((int)n);
	return (struct word_fact){ .state = failed.state, .error = failed.error };
}

static char *trim(char *s)
{
	char *end;

	s += strspn(s, " \t\r");
	for (end = s + strlen(s); end > s && strchr(" \t\r", end[-1]);)
		*--end = '\0';
	return s;
}

bool audit_split(char *line, char **ret_key, char **ret_value)
{
	char *key = trim(line), *value = strchr(key, '=');
	size_t length;

	if (!value || value == key)
		return false;
	*value++ = '\0';
	*ret_key = trim(key);
	value = trim(value);
	length = strlen(value);
	if (length >= 2 && strchr("'\"", *value) && value[length - 1] == *value) {
		value[length - 1] = '\0';
		value++;
	}
	*ret_value = value;
	return true;
}

int audit_each_line(const struct hostfs *fs, const char *path, hostfs_line_fn *each, void *context)
{
	char buf[AUDIT_LINE];

	return hostfs_each_line(fs, path, buf, sizeof buf, each, context);
}

/* ---- memory ------------------------------------------------------------------------------- */

static void read_numbers(const struct hostfs *fs, struct audit_host *h)
{
	const struct {
		const char *path;
		struct fact *ret;
	} files[] = {
		{ "proc/sys/vm/swappiness", &h->swappiness },
		{ "proc/sys/vm/dirty_ratio", &h->dirty_ratio },
		{ "proc/sys/vm/dirty_bytes", &h->dirty_bytes },
		{ "proc/sys/vm/dirty_background_ratio", &h->dirty_background_ratio },
		{ "proc/sys/vm/dirty_background_bytes", &h->dirty_background_bytes },
		{ "proc/sys/vm/zone_reclaim_mode", &h->zone_reclaim_mode },
		{ "proc/sys/kernel/numa_balancing", &h->numa_balancing },
		{ THP "khugepaged/defrag", &h->khugepaged_defrag },
		{ THP "khugepaged/scan_sleep_millisecs", &h->khugepaged_scan_sleep_ms },
		{ KSM "run", &h->ksm_run },
		{ KSM "pages_to_scan", &h->ksm_pages_to_scan },
		{ KSM "sleep_millisecs", &h->ksm_sleep_ms },
		{ KSM "merge_across_nodes", &h->ksm_across_nodes },
		{ KSM "pages_shared", &h->ksm_shared },
	};

	for (size_t i = 0; i < KT_ARRAY_LEN(files); i++)
		*files[i].ret = audit_number(fs, "%s", files[i].path);
	h->thp_enabled = audit_word(fs, THP "enabled");
	h->thp_defrag = audit_word(fs, THP "defrag");
	h->ksm_advisor = audit_word(fs, KSM "advisor_mode");
}

/* A header line, and one for each. */
static struct fact read_swaps(const struct hostfs *fs)
{
	char text[1024];
	ssize_t n = hostfs_read(fs, "proc/swaps", text, sizeof text);
	const char *newline;

	if (n < 0 && n != -EFBIG)
		return audit_failed((int)n);
	newline = strchr(text, '\n');
	return newline ? audit_known(newline[1] != '\0') : audit_failed(-EINVAL);
}

static struct fact read_mem_total(const struct hostfs *fs)
{
	uint64_t total_kib = 0;
	const struct parse_key key = { "MemTotal", &total_kib };
	char text[4096];
	ssize_t n = hostfs_read(fs, "proc/meminfo", text, sizeof text);

	if (n < 0 && n != -EFBIG)
		return audit_failed((int)n);
	return parse_keys(text, &key, 1) ? audit_known(total_kib) : audit_failed(-EINVAL);
}

static struct audit_hugepages read_pool(const struct hostfs *fs, const char *folder,
					unsigned int kib)
{
	return (struct audit_hugepages){
		.total = audit_number(fs, "%s/hugepages-%ukB/nr_hugepages", folder, kib),
		.free = audit_number(fs, "%s/hugepages-%ukB/free_hugepages", folder, kib),
	};
}

/* A kernel without NUMA has them in another place. */
static void read_hugepages(const struct hostfs *fs, struct audit_host *h)
{
	bool has_nodes = hostfs_exists(fs, "sys/devices/system/node/online");
	char folder[64];

	for (unsigned int id = 0; id < (has_nodes ? KT_NODES_MAX : 1); id++) {
		if (str_format(folder, sizeof folder, "sys/devices/system/node/node%u/hugepages",
			       id) < 0 ||
		    (has_nodes && !hostfs_exists(fs, folder)))
			continue;
		h->small[id] = read_pool(fs, has_nodes ? folder : "sys/kernel/mm/hugepages", 2048);
		h->large[id] =
			read_pool(fs, has_nodes ? folder : "sys/kernel/mm/hugepages", 1048576);
	}
}

/* ---- devices -------------------------------------------------------------------------------- */

struct disk_walk {
	const struct hostfs *fs;
	struct audit_host *h;
	int error; /* of a disk that could not be read or understood */
};

/* Loop devices, device-mapper and their like have no device of their own: what is below them
 * has.  CD and floppy drives do not matter to guests. */
static bool is_disk(const struct hostfs *fs, const char *name)
{
	char path[KT_PATH_MAX];

	return *name != '.' && strncmp(name, "sr", 2) != 0 && strncmp(name, "fd", 2) != 0 &&
	       str_format(path, sizeof path, "sys/block/%s/device", name) == 0 &&
	       hostfs_exists(fs, path);
}

/* "none" without brackets: it has no queue of requests to schedule. */
static int read_scheduler(const struct hostfs *fs, const char *name, char ret[AUDIT_WORD])
{
	char path[KT_PATH_MAX], text[256];
	const char *word;
	ssize_t n;

	if (str_format(path, sizeof path, "sys/block/%s/queue/scheduler", name) < 0)
		return -ENAMETOOLONG;
	n = hostfs_read(fs, path, text, sizeof text);
	if (n < 0)
		return n == -ENOENT ? 0 : (int)n;
	if (strcmp(text, "none\n") == 0)
		return 0;
	word = strchr(text, '[');
	return word && audit_plain_word(word + 1, strcspn(word + 1, "]"), ret) ? 0 : -EINVAL;
}

static int take_disk(void *context, const char *name)
{
	struct disk_walk *w = context;
	struct audit_host *h = w->h;
	struct audit_disk *d;
	struct fact rotational;
	int r;

	if (!is_disk(w->fs, name))
		return 0;
	if (h->ndisks == AUDIT_DISKS_MAX)
		return -E2BIG;
	d = &h->disk[h->ndisks++];
	str_escape(name, d->name, sizeof d->name);
	r = read_scheduler(w->fs, name, d->scheduler);
	w->error = r < 0 ? r : w->error;
	d->is_nvme = strncmp(name, "nvme", 4) == 0 && isdigit((unsigned char)name[4]);
	rotational = audit_number(w->fs, "sys/block/%s/queue/rotational", name);
	w->error = rotational.state == FACT_UNKNOWN ? -rotational.error : w->error;
	d->is_rotational = rotational.value == 1;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct audit_disk *)a)->name, ((const struct audit_disk *)b)->name);
}

static void read_disks(const struct hostfs *fs, struct audit_host *h)
{
	struct disk_walk w = { .fs = fs, .h = h };
	int r = hostfs_each_name(fs, "sys/block", take_disk, &w);

	qsort(h->disk, h->ndisks, sizeof h->disk[0], by_name);
	r = r < 0 ? r : w.error;
	h->disks = r < 0 ? audit_failed(r) : audit_known(h->ndisks);
}

/* By the driver that is loaded and not by its file in /dev: that may only stand for a module
 * that is loaded when somebody opens it, and the daemon's own /dev has no devices. */
static struct fact has_misc(const struct hostfs *fs, const char *path)
{
	if (!hostfs_exists(fs, "sys/class/misc"))
		return (struct fact){ .state = FACT_UNKNOWN, .error = ENOENT };
	return audit_known(hostfs_exists(fs, path));
}

void sense_audit(const struct hostfs *fs, struct audit_host *ret)
{
	const uint64_t busy = ret->busy_hz_total, all = ret->all_hz_total;
	const double share = ret->busy_share;

	memset(ret, 0, sizeof *ret); /* 300 KiB: none of it on the stack */
	ret->busy_share = share;
	ret->busy_hz_total = busy;
	ret->all_hz_total = all;
	read_numbers(fs, ret);
	ret->has_swap = read_swaps(fs);
	ret->mem_total_kib = read_mem_total(fs);
	read_hugepages(fs, ret);
	read_disks(fs, ret);
	ret->has_vhost_net = has_misc(fs, "sys/class/misc/vhost-net");
	ret->has_kvm = has_misc(fs, "sys/class/misc/kvm");
	sense_audit_cpus(fs, &ret->cpus);
	sense_audit_busy(fs, ret);
	sense_audit_irqs(fs, ret);
	sense_audit_owners(fs, ret);
}
