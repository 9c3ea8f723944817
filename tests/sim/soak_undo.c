/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does the undo file say?  Read by other code than that which wrote it. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "soak.h"

static void forget_all(struct soak *s)
{
	for (unsigned int i = 0; i < s->nfiles; i++)
		s->file[i].filed.known = s->file[i].ceded = false;
	for (size_t g = 0; g < SOAK_GUESTS; g++) {
		s->guest[g].limit.filed.known = false;
		for (size_t i = 0; i < SOAK_THREADS; i++)
			s->guest[g].thread[i].filed.known = false;
	}
}

/* `line` begins with the key of the file, and three words follow. */
static bool read_value(struct soak *s, const char *line)
{
	for (unsigned int i = 0; i < s->nfiles; i++) {
		struct soak_file *f = &s->file[i];
		size_t length = strlen(f->key);

		if (strncmp(line, f->key, length) != 0 || line[length] != ' ')
			continue;
		f->filed.known = sscanf(line + length, " %31s %31s %31s", f->filed.original,
					f->filed.before, f->filed.asked) == 3;
		return f->filed.known;
	}
	return false;
}

static bool read_mask(const char *word, uint64_t *ret)
{
	struct cpumask mask;

	*ret = 0;
	if (strcmp(word, "-") == 0)
		return true;
	if (cpumask_parse(word, &mask) < 0)
		return false;
	*ret = mask.word[0] & soak_all_cpus;
	return true;
}

/* Of a thread that has gone nothing can be said. */
static bool read_pin(struct soak *s, const char *line)
{
	char original[256], asked[256], before[256];
	unsigned long start;
	struct soak_thread *t;
	int tid;

	if (sscanf(line, "pin %d %lu %*s %*u %255s %255s %255s", &tid, &start, original, asked,
		   before) != 5)
		return false;
	t = soak_thread_of(s, tid);
	if (!t || t->start_ticks != start)
		return true;
	t->filed.known = true;
	return read_mask(original, &t->filed.original) && read_mask(asked, &t->filed.asked) &&
	       read_mask(before, &t->filed.before);
}

static struct soak_guest *read_guest(struct soak *s, const char *line)
{
	unsigned long start;
	char word[64];
	struct uuid uuid;
	struct soak_guest *g;
	int pid;

	if (sscanf(line, "guest %63s %d %lu", word, &pid, &start) != 3 ||
	    uuid_parse(word, &uuid) < 0)
		return NULL;
	g = soak_guest_of(s, &uuid);
	return g && g->runs && g->thread[0].tid == pid && g->thread[0].start_ticks == start ? g
											    : NULL;
}

static bool read_limit(struct soak_guest *g, const char *line)
{
	unsigned long original, before, asked;

	if (sscanf(line, "limit %lu %lu %lu", &original, &before, &asked) != 3)
		return false;
	if (!g)
		return true;
	g->limit.filed.known = true;
	g->limit.filed.original = original;
	g->limit.filed.before = before;
	g->limit.filed.asked = asked;
	soak_limit_is_ours(&g->limit, original);
	return true;
}

static bool read_line(struct soak *s, const char *line, struct soak_guest **guest)
{
	if (strncmp(line, "guest ", 6) == 0) {
		*guest = read_guest(s, line);
		return true;
	}
	if (strncmp(line, "pin ", 4) == 0)
		return read_pin(s, line);
	if (strncmp(line, "limit ", 6) == 0)
		return read_limit(*guest, line);
	if (strncmp(line, "kvmtuned-undo 2", 15) == 0 || strncmp(line, "pins ", 5) == 0 ||
	    strncmp(line, "end ", 4) == 0)
		return true;
	return read_value(s, line);
}

void soak_undo_read(struct soak *s)
{
	static char text[256 * 1024];
	char path[96], *line, *end;
	struct soak_guest *guest = NULL;
	ssize_t n;
	int fd;

	forget_all(s);
	snprintf(path, sizeof path, "%s/undo", s->run_dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n < 0 ? 0 : n] = '\0';
	for (line = text; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		if (!read_line(s, line, &guest))
			soak_broken(s, "the undo file has a line that says nothing: %s", line);
	}
	soak_note_kin(s);
}
