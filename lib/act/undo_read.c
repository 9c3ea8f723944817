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

enum {
	LINE_BYTES = 4 * KT_CPULIST_MAX,
	WORDS_MAX = 8,
	GUESTS_MAX = 2 * KT_GUESTS_MAX, /* those of one life, and what a life before left */
};

struct reader {
	struct act *act;
	unsigned int version;
	struct act_guest *guest;      /* the lines belong to; NULL: none yet */
	bool has_pins;                /* that guest */
	struct cpumask asked, before; /* version 1: of all its pins */
	size_t guests, lines;
};

struct line {
	size_t nwords;
	char *word[WORDS_MAX];
};

/* Cuts a line at its blanks; the last word keeps what is left, blanks and all. */
static void cut(char *text, size_t max, struct line *ret)
{
	ret->nwords = 0;
	while (text && ret->nwords < max) {
		ret->word[ret->nwords++] = text;
		text = ret->nwords < max ? strchr(text, ' ') : NULL;
		if (text)
			*text++ = '\0';
	}
}

static int word_index(const char *word, const char *const words[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(word, words[i]) == 0)
			return (int)i;
	return -EBADMSG;
}

static int read_bounded(const char *word, uint64_t max, uint64_t *ret)
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
		if (read_bounded(word[i], UINT64_MAX, &ret[i]) < 0)
			return -EBADMSG;
	return 0;
}

static int read_cpus(const char *word, struct cpumask *ret)
{
	struct cpumask cpus;

	if (cpumask_parse(word, &cpus) < 0 || cpumask_empty(&cpus))
		return -EBADMSG;
	*ret = cpus;
	return 0;
}

static int read_ksm(struct reader *r, const struct line *l)
{
	uint64_t value[3] = { 0 };
	struct knob *k;
	int i = l->nwords == 5 ? word_index(l->word[1], ksm_knob_name, _KSM_KNOB_MAX) : -EBADMSG;

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

static int read_balancing(struct reader *r, const struct line *l)
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
static int read_host(struct reader *r, const struct line *l)
{
	int rule = l->nwords == 6 ? act_host_rule(l->word[1]) : -ENOENT;
	struct host_value *v;
	uint64_t irq = 0;

	if (rule < 0 || r->guest || read_bounded(l->word[2], UINT32_MAX, &irq) < 0 ||
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

static int read_guest(struct reader *r, const struct line *l)
{
	struct uuid uuid;
	uint64_t pid = 0, start = 0;
	char name[KT_NAME_MAX];

	if (l->nwords != 5 || uuid_parse(l->word[1], &uuid) < 0 ||
	    read_bounded(l->word[2], INT32_MAX, &pid) < 0 ||
	    read_bounded(l->word[3], UINT64_MAX, &start) < 0 ||
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

static int read_cpus_before(const char *word, struct cpumask *ret)
{
	*ret = (struct cpumask){ 0 };
	return strcmp(word, "-") == 0 ? 0 : read_cpus(word, ret);
}

static int read_nodes(const char *word, uint64_t *ret)
{
	struct cpumask numbers, nodes;

	if (read_cpus(word, &numbers) < 0)
		return -EBADMSG;
	nodes = (struct cpumask){ { numbers.word[0] } };
	if (!cpumask_equal(&numbers, &nodes))
		return -EBADMSG;
	*ret = nodes.word[0];
	return 0;
}

/* "0-1/2": cell by cell. */
static int read_home(char *word, struct home *ret)
{
	char *next;

	for (; word; word = next) {
		uint64_t *nodes = &ret->cell_nodes[ret->ncells];

		next = strchr(word, '/');
		if (next)
			*next++ = '\0';
		if (ret->ncells == KT_CELLS_MAX || read_nodes(word, nodes) < 0)
			return -EBADMSG;
		ret->nodes |= *nodes;
		ret->ncells++;
	}
	return 0;
}

static int read_pins(struct reader *r, const struct line *l, size_t words)
{
	struct placement p = { 0 };
	int backend = l->nwords == words ? word_index(l->word[1], undo_backend_word, UNDO_BACKENDS)
					 : -EBADMSG;

	if (!r->guest || r->has_pins || backend < 0 || read_home(l->word[2], &p.home) < 0 ||
	    read_cpus(l->word[3], &p.home.cpus) < 0)
		return -EBADMSG;
	p.backend = (enum placement_backend)backend;
	r->guest->placement = p;
	r->has_pins = true;
	return 0;
}

static int read_pins_1(struct reader *r, const struct line *l)
{
	int result = read_pins(r, l, 5);

	if (result < 0 || nodemask_count(r->guest->placement.home.nodes) != 1 ||
	    r->guest->placement.home.ncells != 1)
		return -EBADMSG;
	r->asked = r->guest->placement.home.cpus;
	return read_cpus_before(l->word[4], &r->before);
}

static int read_pins_2(struct reader *r, const struct line *l)
{
	return read_pins(r, l, 4);
}

static int read_pin(struct reader *r, const struct line *l, size_t words,
		    const struct cpumask *asked, const struct cpumask *before)
{
	uint64_t tid = 0, start = 0, number = 0;
	struct cpumask original;
	struct pin *pin;
	int role =
		l->nwords == words ? word_index(l->word[3], undo_role_word, UNDO_ROLES) : -EBADMSG;

	if (!r->guest || !r->has_pins || role < 0 ||
	    read_bounded(l->word[1], INT32_MAX, &tid) < 0 || tid == 0 ||
	    read_bounded(l->word[2], UINT64_MAX, &start) < 0 ||
	    read_bounded(l->word[4], UINT32_MAX, &number) < 0 ||
	    read_cpus(l->word[5], &original) < 0)
		return -EBADMSG;
	if (act_pin_find(&r->guest->placement, (pid_t)tid, 0) ||
	    r->guest->placement.npins == KT_THREADS_MAX)
		return -EBADMSG;
	pin = act_pin_add(&r->guest->placement);
	if (!pin)
		return -ENOMEM; /* ours: the file is whole, and must not be thrown away */
	pin->ours = true;
	pin->tid = (pid_t)tid;
	pin->start_ticks = start;
	pin->role = (enum thread_role)role;
	pin->number = (unsigned int)number;
	pin->original = pin->got = original;
	pin->asked = *asked;
	pin->before = *before;
	return 0;
}

static int read_pin_1(struct reader *r, const struct line *l)
{
	return read_pin(r, l, 6, &r->asked, &r->before);
}

static int read_pin_2(struct reader *r, const struct line *l)
{
	struct cpumask asked, before;

	if (l->nwords != 8 || read_cpus(l->word[6], &asked) < 0 ||
	    read_cpus_before(l->word[7], &before) < 0)
		return -EBADMSG;
	return read_pin(r, l, 8, &asked, &before);
}

static int read_limit(struct reader *r, const struct line *l)
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

static int read_line(struct reader *r, char *text)
{
	static const struct {
		const char *word;
		unsigned int version; /* 0: in all */
		size_t words;
		int (*read)(struct reader *r, const struct line *l);
	} kinds[] = {
		{ "ksm", 0, 5, read_ksm },
		{ "guest", 0, 5, read_guest },
		{ "pins", 1, 5, read_pins_1 },
		{ "pin", 1, 6, read_pin_1 },
		{ "pins", 2, 4, read_pins_2 },
		{ "pin", 2, 8, read_pin_2 },
		{ "balancing", 2, 4, read_balancing },
		{ "host", 2, 6, read_host },
		{ "limit", 0, 4, read_limit },
	};
	size_t length = strcspn(text, " ");
	struct line line;

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

static int read_end(const struct reader *r, FILE *f, const char *count)
{
	uint64_t lines;

	if (read_bounded(count, UINT64_MAX, &lines) < 0 || lines != r->lines || fgetc(f) != EOF)
		return -EBADMSG;
	return 0;
}

static int read_file(struct act *a, FILE *f)
{
	struct reader reader = { .act = a };
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
