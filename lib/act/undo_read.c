/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does an undo file say?  (undo.c shows its lines.)
 *
 * The file was ours when it was written, but it may have been cut, edited or made by
 * somebody else since: every line is either wholly understood or the file is refused. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "act_private.h"
#include "str.h"
#include "stream.h"
#include "undo_read.h"

enum {
	LINE_BYTES = 4 * KT_CPULIST_MAX,
	GUESTS_MAX = 2 * KT_GUESTS_MAX, /* those of one life, and what a life before left */
};

/* Cuts a line at its blanks; the last word keeps what is left, blanks and all. */
static void cut(char *text, size_t max, struct undo_line *ret)
{
	ret->nwords = 0;
	while (text && ret->nwords < max) {
		ret->word[ret->nwords++] = text;
		text = ret->nwords < max ? strchr(text, ' ') : NULL;
		if (text)
			*text++ = '\0';
	}
}

int undo_word_index(const char *word, const char *const words[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(word, words[i]) == 0)
			return (int)i;
	return -EBADMSG;
}

int undo_read_number(const char *word, uint64_t max, uint64_t *ret)
{
	uint64_t value;

	if (str_u64(word, &value) < 0 || value > max)
		return -EBADMSG;
	*ret = value;
	return 0;
}

static int read_three(char *const word[3], uint64_t ret[3])
{
	for (size_t i = 0; i < 3; i++)
		if (undo_read_number(word[i], UINT64_MAX, &ret[i]) < 0)
			return -EBADMSG;
	return 0;
}

int undo_read_cpus(const char *word, struct cpumask *ret)
{
	struct cpumask cpus;

	if (cpumask_parse(word, &cpus) < 0 || cpumask_empty(&cpus))
		return -EBADMSG;
	*ret = cpus;
	return 0;
}

static int read_ksm(struct undo_reader *r, const struct undo_line *l)
{
	uint64_t value[3] = { 0 };
	struct knob *k;
	int i = l->nwords == 5 ? undo_word_index(l->word[1], ksm_knob_name, _KSM_KNOB_MAX)
			       : -EBADMSG;

	if (i < 0 || read_three(&l->word[2], value) < 0)
		return -EBADMSG;
	k = &r->act->ksm.knob[i];
	if (k->ours || r->guest)
		return -EBADMSG;
	*k = (struct knob){
		.ours = true, .original = value[0], .before = value[1], .asked = value[2]
	};
	return 0;
}

static int read_balancing(struct undo_reader *r, const struct undo_line *l)
{
	uint64_t value[3] = { 0 };
	struct knob *k = &r->act->balancing.knob;

	if (l->nwords != 4 || read_three(&l->word[1], value) < 0 || k->ours || r->guest)
		return -EBADMSG;
	*k = (struct knob){
		.ours = true, .original = value[0], .before = value[1], .asked = value[2]
	};
	return 0;
}

/* Which file it is comes from our own table: what the line says can only name a rule. */
static int read_host(struct undo_reader *r, const struct undo_line *l)
{
	int rule = l->nwords == 6 ? act_host_rule(l->word[1]) : -ENOENT;
	struct host_value *v;
	uint64_t irq = 0;

	if (rule < 0 || r->guest || undo_read_number(l->word[2], UINT32_MAX, &irq) < 0 ||
	    (irq && !act_host_is_of_irqs((unsigned int)rule)) ||
	    act_host_find(r->act, (unsigned int)rule, (unsigned int)irq) ||
	    r->act->host.nvalues >= HOST_RULES_MAX + HOST_IRQS_MAX)
		return -EBADMSG;
	for (size_t i = 3; i < 6; i++)
		if (!act_host_is_word(l->word[i]))
			return -EBADMSG;
	v = act_host_add(r->act, (unsigned int)rule, (unsigned int)irq);
	if (!v)
		return -ENOMEM;
	v->ours = true;
	strcpy(v->original, l->word[3]);
	strcpy(v->before, l->word[4]);
	strcpy(v->asked, l->word[5]);
	return 0;
}

static int read_guest(struct undo_reader *r, const struct undo_line *l)
{
	struct uuid uuid;
	uint64_t pid = 0, start = 0;
	char name[KT_NAME_MAX];

	if (l->nwords != 5 || uuid_parse(l->word[1], &uuid) < 0 ||
	    undo_read_number(l->word[2], INT32_MAX, &pid) < 0 ||
	    undo_read_number(l->word[3], UINT64_MAX, &start) < 0 ||
	    str_unescape(l->word[4], name, sizeof name) < 0)
		return -EBADMSG;
	if (act_find(r->act, &uuid) || pid == 0 || ++r->guests > GUESTS_MAX)
		return -EBADMSG;
	r->guest = act_add(r->act, &uuid);
	if (!r->guest)
		return -ENOMEM;
	r->guest->pid = (pid_t)pid;
	r->guest->start_ticks = start;
	memcpy(r->guest->name, name, sizeof name);
	r->has_pins = false;
	return 0;
}

static int read_limit(struct undo_reader *r, const struct undo_line *l)
{
	uint64_t value[3] = { 0 };

	if (!r->guest || r->guest->limit.ours || l->nwords != 4 ||
	    read_three(&l->word[1], value) < 0)
		return -EBADMSG;
	r->guest->limit = (struct limit){ .ours = true,
					  .known = true,
					  .loaded = true,
					  .original = value[0],
					  .before = value[1],
					  .asked = value[2],
					  .got = value[2] };
	return 0;
}

static int read_line(struct undo_reader *r, char *text)
{
	static const struct {
		const char *word;
		unsigned int version; /* 0: in all */
		size_t words;
		int (*read)(struct undo_reader *r, const struct undo_line *l);
	} kinds[] = {
		{ "ksm", 0, 5, read_ksm },
		{ "guest", 0, 5, read_guest },
		{ "pins", 1, 5, undo_read_pins_1 },
		{ "pin", 1, 6, undo_read_pin_1 },
		{ "pins", 2, 4, undo_read_pins_2 },
		{ "pin", 2, 8, undo_read_pin_2 },
		{ "balancing", 2, 4, read_balancing },
		{ "host", 2, 6, read_host },
		{ "limit", 0, 4, read_limit },
	};
	size_t length = strcspn(text, " ");
	struct undo_line line;

	r->lines++;
	for (size_t i = 0; i < KT_ARRAY_LEN(kinds); i++) {
		if (length != strlen(kinds[i].word) || memcmp(text, kinds[i].word, length) != 0 ||
		    (kinds[i].version && kinds[i].version != r->version))
			continue;
		cut(text, kinds[i].words, &line);
		return kinds[i].read(r, &line);
	}
	return -EBADMSG;
}

/* A line without its newline; -EBADMSG: it has none (cut, too long, or with a NUL). */
static int next_line(FILE *f, char *text, size_t size)
{
	size_t length;

	if (!fgets(text, (int)size, f))
		return ferror(f) ? -EIO : -EBADMSG;
	length = strlen(text);
	if (length == 0 || text[length - 1] != '\n')
		return -EBADMSG;
	text[length - 1] = '\0';
	return 0;
}

static int read_end(const struct undo_reader *r, FILE *f, const char *count)
{
	uint64_t lines;

	if (undo_read_number(count, UINT64_MAX, &lines) < 0 || lines != r->lines || fgetc(f) != EOF)
		return -EBADMSG;
	return 0;
}

static int read_file(struct act *a, FILE *f)
{
	struct undo_reader reader = { .act = a };
	char text[LINE_BYTES];
	int r;

	r = next_line(f, text, sizeof text);
	if (r == 0 && strcmp(text, UNDO_HEADER) == 0)
		reader.version = 2;
	else if (r == 0 && strcmp(text, UNDO_HEADER_1) == 0)
		reader.version = 1;
	else
		return r < 0 ? r : -EBADMSG;
	while (r == 0) {
		r = next_line(f, text, sizeof text);
		if (r < 0)
			return r;
		if (strncmp(text, "end ", 4) == 0)
			return read_end(&reader, f, text + 4);
		r = read_line(&reader, text);
	}
	return r;
}

int undo_read(struct act *a)
{
	KT_AUTOCLOSE int fd = openat(a->dir_fd, "undo", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	KT_AUTOFCLOSE FILE *f = NULL;
	int r = fd < 0 ? -errno : stream_of_fd(&fd, "r", &f);

	return r < 0 ? r : read_file(a, f);
}
