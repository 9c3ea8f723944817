/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hostfs' door: what lib/act reads and writes is in memory, and behaves as the kernel's. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "soak.h"

static struct soak_file *at_path(struct soak *s, const char *path)
{
	for (unsigned int i = 0; i < s->nfiles; i++)
		if (strcmp(s->file[i].path, path) == 0)
			return &s->file[i];
	return NULL;
}

/* ---- what the kernel makes of a write ------------------------------------------------------- */

static bool is(const struct soak_file *f, const char *key)
{
	return strcmp(f->key, key) == 0;
}

/* What is on file cannot be told from ours; nor can a stop, while we unmerge, from a failure. */
static bool is_on_file(const struct soak_file *f, const char *word)
{
	if (strcmp(f->key, "ksm run") == 0 && f->filed.known && f->filed.asked[0] == '2' &&
	    word[0] == '0')
		return true;
	return f->filed.known &&
	       (strcmp(word, f->filed.original) == 0 || strcmp(word, f->filed.before) == 0 ||
		strcmp(word, f->filed.asked) == 0);
}

static const char *pages_of_kernel(bool advisor)
{
	return advisor ? "500" : "100";
}

/* pages_to_scan is the advisor's while there is one, and 100 afterwards; whose doing it was
 * does not matter.  Where the advisor writes over a stranger's speed, nobody who starts then
 * can know that there was one. */
static void advisor_was_set(struct soak *s, bool by_us, bool on)
{
	struct soak_file *pages = soak_file(s, "ksm pages_to_scan");

	snprintf(pages->now, sizeof pages->now, "%s", pages_of_kernel(on));
	pages->stranger &= !on;
	pages->touched |= !by_us && pages->filed.known;
	if (on || !by_us) /* what looks like ours cannot be told from it */
		snprintf(pages->own, sizeof pages->own, "%s",
			 pages->filed.known && strcmp(pages->filed.asked, pages->now) == 0
				 ? pages->filed.original
				 : pages->now);
	pages->ours = strcmp(pages->now, pages->own) != 0;
}

static int refusal(struct soak *s, const struct soak_file *f, const char *word)
{
	bool advisor = soak_number(s, "ksm advisor_mode");

	if (is(f, "ksm pages_to_scan") && advisor)
		return -EINVAL;
	if (is(f, "ksm merge_across_nodes") && s->pages_shared && strcmp(f->now, word) != 0)
		return -EBUSY;
	return 0;
}

/* ---- by others ------------------------------------------------------------------------------ */

static const char *any_word(struct soak *s, const struct soak_file *f)
{
	static const char *const numbers[] = { "150", "300", "77", "2000", "33", "45" };
	static const char *const switches[] = { "0", "1" };
	static const char *const levels[] = { "0", "1", "2", "3" };
	static const char *const lists[] = { "0-7", "8-15", "3", "2,4,6", "0-15" };

	if (f->kind == SOAK_BALANCING)
		return levels[soak_below(s, KT_ARRAY_LEN(levels))];
	if (f->kind == SOAK_IRQ)
		return lists[soak_below(s, KT_ARRAY_LEN(lists))];
	if (f->kind == SOAK_KSM && !is(f, "ksm pages_to_scan") && !is(f, "ksm sleep_millisecs"))
		return switches[soak_below(s, KT_ARRAY_LEN(switches))];
	return numbers[soak_below(s, KT_ARRAY_LEN(numbers))];
}

/* Whoever switches the advisor has the kernel write to pages_to_scan.  If that is what was
 * there before our last write, who starts then takes it for a write that was not done; and if
 * it is what that write asked for, and has been given back since without a word on file, for one
 * that was.  Who has lived through it knows better. */
static bool makes_speed_doubtful(struct soak *s, const struct soak_file *f, const char *word)
{
	const struct soak_file *pages = soak_file(s, "ksm pages_to_scan");
	const struct soak_filed *filed = &pages->filed;
	const char *speed = pages_of_kernel(word[0] != '0');

	if (!is(f, "ksm advisor_mode") || !filed->known || strcmp(speed, filed->original) == 0)
		return false;
	return strcmp(speed, filed->asked) == 0 ? strcmp(pages->now, filed->original) == 0
						: strcmp(speed, filed->before) == 0;
}

const char *soak_other_word(struct soak *s, const struct soak_file *f)
{
	for (int i = 0; i < 8; i++) {
		const char *word = any_word(s, f);

		if (strcmp(word, f->now) != 0 && !is_on_file(f, word) &&
		    !makes_speed_doubtful(s, f, word) && refusal(s, f, word) == 0)
			return word;
	}
	return NULL;
}

void soak_file_changes(struct soak *s, struct soak_file *f, const char *word)
{
	soak_tell(s, "somebody writes %s into %s, where was %s%s", word, f->key, f->now,
		  f->filed.known ? " (on file)" : "");
	f->stranger = f->filed.known && strcmp(f->now, f->filed.original) != 0 &&
		      (f->stranger || !f->ceded);
	f->touched |= f->filed.known || is(f, "ksm run");
	f->ours = false;
	snprintf(f->now, sizeof f->now, "%s", word);
	snprintf(f->own, sizeof f->own, "%s", word);
	if (is(f, "ksm advisor_mode"))
		advisor_was_set(s, false, word[0] != '0');
}

/* ---- by us ------------------------------------------------------------------------------------
 */

static void take(struct soak *s, struct soak_file *f, const char *word)
{
	soak_check_write(s, f, word);
	f->ours = strcmp(word, f->own) != 0;
	snprintf(f->now, sizeof f->now, "%s", word);
	if (is(f, "ksm advisor_mode"))
		advisor_was_set(s, true, word[0] != '0');
	s->counts.writes++;
	soak_tell(s, "we write %s into %s", word, f->key);
}

static int any_write_error(struct soak *s)
{
	static const int errors[] = { EACCES, EBUSY, EIO, EINVAL, EROFS, EPERM, ENOMEM };

	return -errors[soak_below(s, KT_ARRAY_LEN(errors))];
}

int hostfs_write(const struct hostfs *fs, const char *path, const char *text)
{
	struct soak *s = the_soak;
	struct soak_file *f = at_path(s, path);
	char word[SOAK_WORD];
	const char *other;
	int r;

	(void)fs;
	if (!f)
		return -ENOENT;
	snprintf(word, sizeof word, "%.*s", (int)strcspn(text, "\n"), text);
	if (is(f, "ksm advisor_mode"))
		snprintf(word, sizeof word, "%d", strcmp(text, "none\n") != 0);
	soak_may_die(s);
	if (soak_fails(s, s->weather.write))
		return any_write_error(s);
	r = refusal(s, f, word);
	if (r < 0)
		return r;
	take(s, f, word);
	soak_may_die(s);
	other = s->admin_interferes ? soak_other_word(s, f) : NULL;
	s->admin_interferes = false;
	if (other)
		soak_file_changes(s, f, other);
	return 0;
}

int hostfs_write_once(const struct hostfs *fs, const char *path, const char *text)
{
	return hostfs_write(fs, path, text);
}

/* ---- reading ----------------------------------------------------------------------------------
 */

/* "proc/PID/stat", "proc/PID/task/TID/stat", "proc/TID/status": the last number counts. */
static ssize_t read_process(struct soak *s, const char *path, char *buf, size_t size)
{
	const char *task = strstr(path, "/task/");
	struct soak_thread *t = soak_thread_of(s, atoi(task ? task + 6 : path + 5));
	char list[KT_CPULIST_MAX];

	if (!t)
		return -ENOENT;
	if (!strstr(path, "/status"))
		return snprintf(buf, size, "%s", t->stat);
	return snprintf(buf, size, "Name:\tqemu\nCpus_allowed_list:\t%s\n",
			cpumask_str(&(struct cpumask){ { t->now } }, list, sizeof list));
}

static ssize_t read_online(struct soak *s, char *buf, size_t size)
{
	struct cpumask online = { { s->online } };

	cpumask_str(&online, buf, size);
	return (ssize_t)strlen(strcat(buf, "\n"));
}

static ssize_t read_file(struct soak *s, const char *path, char *buf, size_t size)
{
	struct soak_file *f;

	if (strncmp(path, "proc/", 5) == 0 && path[5] >= '0' && path[5] <= '9')
		return read_process(s, path, buf, size);
	if (strcmp(path, "sys/devices/system/cpu/online") == 0)
		return read_online(s, buf, size);
	if (strcmp(path, "sys/devices/system/cpu/present") == 0)
		return snprintf(buf, size, "0-%d\n", SOAK_CPUS - 1);
	if (strcmp(path, "sys/kernel/mm/ksm/pages_shared") == 0)
		return snprintf(buf, size, "%lu\n", s->pages_shared);
	if (strncmp(path, "guest/", 6) == 0)
		return snprintf(buf, size, "%lu\n", s->guest[atoi(path + 6)].usage_kib * 1024);
	f = at_path(s, path);
	if (!f)
		return -ENOENT;
	if (is(f, "ksm advisor_mode"))
		return snprintf(buf, size, "%s\n",
				f->now[0] == '1' ? "none [scan-time]" : "[none] scan-time");
	return snprintf(buf, size, "%s\n", f->now);
}

ssize_t hostfs_read(const struct hostfs *fs, const char *path, char *buf, size_t size)
{
	static const int errors[] = { EIO, EMFILE, EACCES, ENOMEM };
	struct soak *s = the_soak;

	(void)fs;
	if (soak_fails(s, s->weather.read))
		return -errors[soak_below(s, KT_ARRAY_LEN(errors))];
	return read_file(s, path, buf, size);
}

int hostfs_read_u64(const struct hostfs *fs, const char *path, uint64_t *ret)
{
	char text[64], *end;
	ssize_t n = hostfs_read(fs, path, text, sizeof text);

	if (n < 0)
		return (int)n;
	*ret = strtoull(text, &end, 10);
	return *end == '\n' ? 0 : -EINVAL;
}

bool hostfs_exists(const struct hostfs *fs, const char *path)
{
	(void)fs;
	return at_path(the_soak, path) != NULL;
}

/* "proc/PID/task" */
int hostfs_each_number(const struct hostfs *fs, const char *path, hostfs_number_fn *each,
		       void *context)
{
	struct soak *s = the_soak;
	const struct soak_thread *first = soak_thread_of(s, atoi(path + 5));
	int r = 0;

	(void)fs;
	if (soak_fails(s, s->weather.read))
		return -EMFILE;
	for (size_t g = 0; first && g < SOAK_GUESTS; g++)
		for (size_t i = 0; s->guest[g].thread == first && i < SOAK_THREADS && r == 0; i++)
			if (s->guest[g].thread[i].alive)
				r = each(context, s->guest[g].thread[i].tid);
	return first ? r : -ENOENT;
}

int hostfs_open(const char *root, struct hostfs *ret)
{
	(void)root;
	*ret = (struct hostfs){ .root_fd = -1, .is_live = true };
	return 0;
}

void hostfs_close(struct hostfs *fs)
{
	(void)fs;
}
