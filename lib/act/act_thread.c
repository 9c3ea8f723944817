/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is a thread still the one we know, and where may it run? */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <string.h>

#include "act_private.h"
#include "str.h"

/* The kernel's own layout of a mask is ours: no conversion, thread by thread and tick by
 * tick. */
_Static_assert(sizeof(cpu_set_t) == sizeof(struct cpumask), "1,024 CPUs both");
_Static_assert(sizeof(unsigned long) == sizeof(uint64_t), "cpu_set_t is made of these");

/* Fields of /proc/PID/stat, numbered as in proc(5). */
enum { STAT_STATE = 3, STAT_FLAGS = 9, STAT_START = 22 };

/* Linux never renumbered it.  Before 6.3 the workers of io_uring have it, and they show up
 * among the threads of a QEMU that uses aio=io_uring. */
static const uint64_t pf_no_setaffinity = 0x04000000;
static const uint64_t pf_kthread = 0x00200000; /* this neither */

/* The name of a process stands in parentheses and may hold anything, also ") R 1". */
static int stat_field(const char *stat, unsigned int field, uint64_t *ret)
{
	const char *s = strrchr(stat, ')');
	char word[24];
	size_t length;

	if (!s || s[1] != ' ')
		return -EINVAL;
	s += 2;
	for (unsigned int i = STAT_STATE; i < field; i++) {
		s = strchr(s, ' ');
		if (!s)
			return -EINVAL;
		s++;
	}
	length = strcspn(s, " \n");
	if (length >= sizeof word)
		return -ERANGE;
	memcpy(word, s, length);
	word[length] = '\0';
	return str_u64(word, ret);
}

enum { STAT_MAX = 2048, STATUS_MAX = 8192 };

static int check_text(const char *stat, uint64_t start_ticks, uint64_t *ret_flags)
{
	uint64_t start = 0;

	if (stat_field(stat, STAT_START, &start) < 0 || stat_field(stat, STAT_FLAGS, ret_flags) < 0)
		return -EINVAL;
	if (strrchr(stat, ')')[2] == 'Z')
		return -ESRCH; /* dead, and its parent has not asked yet */
	return start == start_ticks ? 0 : -ESRCH;
}

static int check_stat(const struct hostfs *fs, const char *path, uint64_t start_ticks,
		      uint64_t *ret_flags)
{
	char stat[STAT_MAX];
	ssize_t n = hostfs_read(fs, path, stat, sizeof stat);

	if (n < 0)
		return n == -ENOENT ? -ESRCH : (int)n;
	return check_text(stat, start_ticks, ret_flags);
}

/* Before 6.4 vhost threads are the kernel's, and not below the process.  That they work for
 * it is in their name, which only a kernel thread has from the kernel. */
static int check_vhost(const struct hostfs *fs, pid_t pid, pid_t tid, uint64_t start_ticks,
		       uint64_t *ret_flags)
{
	char path[64], stat[STAT_MAX], begin[64];
	ssize_t n;
	int r;

	r = str_format(path, sizeof path, "proc/%d/stat", tid);
	if (r == 0)
		r = str_format(begin, sizeof begin, "%d (vhost-%d) ", tid, pid);
	n = r < 0 ? r : hostfs_read(fs, path, stat, sizeof stat);
	if (n < 0)
		return n == -ENOENT ? -ESRCH : (int)n;
	if (strncmp(stat, begin, strlen(begin)) != 0)
		return -ESRCH;
	r = check_text(stat, start_ticks, ret_flags);
	return r == 0 && !(*ret_flags & pf_kthread) ? -ESRCH : r;
}

int thread_check(const struct hostfs *fs, pid_t pid, pid_t tid, uint64_t start_ticks,
		 bool *ret_unpinnable)
{
	char path[64];
	uint64_t flags = 0;
	int r;

	r = str_format(path, sizeof path, "proc/%d/task/%d/stat", pid, tid);
	if (r == 0)
		r = check_stat(fs, path, start_ticks, &flags);
	if (r == -ESRCH)
		r = check_vhost(fs, pid, tid, start_ticks, &flags);
	if (r == 0)
		*ret_unpinnable = flags & pf_no_setaffinity;
	return r;
}

int process_check(const struct hostfs *fs, pid_t pid, uint64_t start_ticks)
{
	char path[64];
	uint64_t flags;
	int r;

	r = str_format(path, sizeof path, "proc/%d/stat", pid);
	return r < 0 ? r : check_stat(fs, path, start_ticks, &flags);
}

int thread_get_cpus(pid_t tid, struct cpumask *ret)
{
	cpu_set_t set;

	if (sched_getaffinity(tid, sizeof set, &set) < 0)
		return -errno;
	memcpy(ret, &set, sizeof *ret);
	return 0;
}

int act_whole_mask(const struct act *a, pid_t tid, struct cpumask *ret)
{
	static const char key[] = "\nCpus_allowed_list:";
	char path[32], status[STATUS_MAX], *list;
	int r = str_format(path, sizeof path, "proc/%d/status", tid);
	ssize_t n = r < 0 ? r : hostfs_read(a->fs, path, status, sizeof status);

	if (n < 0)
		return n == -ENOENT ? -ESRCH : (int)n;
	list = strstr(status, key);
	if (!list)
		return -EINVAL;
	list += sizeof key - 1;
	list[strcspn(list, "\n")] = '\0';
	return cpumask_parse(list, ret);
}

int thread_set_cpus(pid_t tid, const struct cpumask *cpus)
{
	cpu_set_t set;

	memcpy(&set, cpus, sizeof set);
	return sched_setaffinity(tid, sizeof set, &set) < 0 ? -errno : 0;
}

/* The kernel resets masks some milliseconds after a CPU came or went; plans come every few
 * seconds, and one of them may be late. */
static const uint64_t online_settle_ns = 15 * KT_NS_PER_S;

/* False: it is there, and cannot be read just now. */
static bool read_online(const struct act *a, struct cpumask *ret)
{
	char text[KT_CPULIST_MAX];
	ssize_t n = hostfs_read(a->fs, "sys/devices/system/cpu/online", text, sizeof text);

	if (n >= 0 && cpumask_parse(text, ret) == 0 && !cpumask_empty(ret))
		return true;
	memset(ret, 0xff, sizeof *ret); /* then masks are compared as they are */
	return n == -ENOENT;
}

/* -ENOENT: of this host it is not known. */
static int read_present(const struct act *a, struct cpumask *ret)
{
	char text[KT_CPULIST_MAX];
	ssize_t n = hostfs_read(a->fs, "sys/devices/system/cpu/present", text, sizeof text);

	if (n < 0)
		return (int)n;
	return cpumask_parse(text, ret) < 0 ? -ENOENT : 0;
}

/* As long as it cannot be read there may be. */
static bool is_any_offline(const struct act *a)
{
	struct cpumask present, offline;

	if (read_present(a, &present) < 0)
		memset(&present, 0xff, sizeof present);
	offline = cpumask_andnot(&present, &a->online);
	return !cpumask_empty(&offline);
}

const struct cpumask *act_online(struct act *a)
{
	struct cpumask online;

	if (a->online_known)
		return &a->online;
	a->online_known = true;
	a->online_unread = !read_online(a, &online);
	if (a->online_unread && a->online_ever_known)
		return &a->online; /* as it was a moment ago */
	if (a->online_ever_known && !cpumask_equal(&a->online, &online))
		a->online_settles_ns = a->now_ns + online_settle_ns;
	if (!a->online_ever_known || !cpumask_equal(&a->online, &online)) {
		a->online = online;
		a->any_offline = is_any_offline(a);
		act_pins_note_orphans(a);
	}
	a->online_ever_known = !a->online_unread;
	return &a->online;
}

bool act_may_hide_cpus(struct act *a)
{
	(void)act_online(a);
	return a->any_offline || a->online_unread;
}

bool act_shows(struct act *a, const struct cpumask *found, const struct cpumask *mask)
{
	struct cpumask expected;

	if (cpumask_equal(found, mask))
		return true;
	expected = cpumask_and(mask, act_online(a));
	expected = cpumask_andnot(&expected, found);
	if (!cpumask_empty(&expected) || cpumask_empty(found))
		return false;
	expected = cpumask_andnot(found, mask);
	return cpumask_empty(&expected);
}

int act_with_hidden_cpus(struct act *a, const struct cpumask *found, struct cpumask *ret)
{
	struct cpumask present = { 0 }, missing = cpumask_andnot(act_online(a), found);
	int r;

	*ret = *found;
	if (!cpumask_empty(&missing))
		return 0;
	r = read_present(a, &present);
	if (r == 0)
		*ret = cpumask_or(found, &present);
	return r == -ENOENT ? 0 : r;
}

bool act_has_every_cpu(struct act *a, const struct cpumask *original)
{
	struct cpumask present = { 0 }, missing = cpumask_andnot(act_online(a), original);
	int r;

	if (!cpumask_empty(&missing))
		return false;
	r = read_present(a, &present);
	if (r == 0)
		missing = cpumask_andnot(&present, original);
	return r == -ENOENT || (r == 0 && cpumask_empty(&missing));
}

/* Whoever had all CPUs that there are gets all that there may ever be: a CPU that is
 * switched on later, or added to its cpuset, is then its own as it would have been. */
int thread_restore_cpus(struct act *a, pid_t tid, const struct cpumask *original)
{
	struct cpumask every;

	memset(&every, 0xff, sizeof every);
	return thread_set_cpus(tid, act_has_every_cpu(a, original) ? &every : original);
}
