/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does kvmtuned --replay read a file, and what does it say of it? */
#include "replay.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sysexits.h>

#include "str.h"

/* A file that is being replayed. */
struct play {
	FILE *in, *err;
	char path[256]; /* escaped */
	uint64_t line;
	struct replay *replay;
	struct replay_teller *teller;
	bool from_start;
};

static void note(const struct play *p, const char *text)
{
	fprintf(p->err, "%s:%" PRIu64 ": note: %s\n", p->path, p->line, text);
}

static void look_at_first(struct play *p)
{
	const struct record_reader *reader = &p->replay->reader;

	p->from_start = reader->now->head.first;
	if (!p->from_start)
		note(p, "the recording begins after the daemon's start: what its policies "
			"remembered by then is not in it, so decisions may differ, most of them "
			"the first");
	if (reader->is_strange)
		note(p, "another version of kvmtuned has recorded it, with other fields: decisions "
			"may differ for that");
	if (reader->nstrange && !p->replay->conf)
		note(p, "it has options that this version of kvmtuned does not know: decisions may "
			"differ for that");
}

static int take_line(struct play *p, const char *line, size_t bytes)
{
	int e = replay_take(p->replay, line, bytes);

	if (e <= 0)
		return e;
	if (p->replay->ticks == 1)
		look_at_first(p);
	replay_compare(p->teller, p->replay->reader.now, &p->replay->plan);
	return 0;
}

/* False: the end, or an error of the file.  Of a line that is too long the rest is left. */
static bool read_line(FILE *in, char *line, size_t size, size_t *ret_bytes)
{
	size_t n = 0;
	int c = EOF;

	while (n < size - 1 && (c = getc_unlocked(in)) != EOF && c != '\n')
		line[n++] = (char)c;
	line[n] = '\0';
	*ret_bytes = n;
	return n > 0 || c == '\n';
}

static int take_lines(struct play *p)
{
	size_t size = RECORD_LINE_BYTES + 2, bytes;
	KT_AUTOFREE char *line = malloc(size);
	int e = line ? 0 : -ENOMEM;

	while (e >= 0 && read_line(p->in, line, size, &bytes)) {
		p->line++;
		e = take_line(p, line, bytes);
	}
	return e;
}

static int failed(const struct play *p, const char *problem)
{
	fprintf(p->err, "%s: %s\n", p->path, problem);
	return EXIT_FAILURE;
}

static int play(struct play *p)
{
	int e = take_lines(p);

	if (e == -EBADMSG) {
		fprintf(p->err, "%s:%" PRIu64 ": %s\n", p->path, p->line,
			p->replay->reader.problem);
		return EXIT_FAILURE;
	}
	if (e < 0 || ferror(p->in))
		return failed(p, strerror(e < 0 ? -e : errno));
	if (p->replay->ticks == 0)
		return failed(p, "it has no tick of the daemon: record for longer");
	replay_sum_up(p->teller, p->replay->nguests, p->from_start);
	if (fflush(p->teller->out) != 0)
		return failed(p, "what differs cannot be written");
	return p->teller->ticks_that_differ ? REPLAY_DIFFERS : EXIT_SUCCESS;
}

static int replay_stream(struct play *p, const struct conf *conf, bool json, FILE *out)
{
	int status;

	p->replay = replay_new(conf);
	p->teller = replay_teller_new(out, json);
	status = p->replay && p->teller ? play(p) : failed(p, strerror(ENOMEM));
	replay_teller_free(p->teller);
	if (p->replay)
		replay_free(p->replay);
	return status;
}

static void complain(const char *text, void *err)
{
	char shown[1024];

	fprintf(err, "%s\n", str_escape(text, shown, sizeof shown));
}

int replay(const char *path, const char *conf_path, bool json, FILE *out, FILE *err)
{
	bool is_stdin = strcmp(path, "-") == 0;
	KT_AUTOFREE struct conf *conf = conf_path ? malloc(sizeof *conf) : NULL;
	KT_AUTOFCLOSE FILE *file = is_stdin ? NULL : fopen(path, "re");
	struct play p = { .in = is_stdin ? stdin : file, .err = err };
	int error = errno;

	str_escape(path, p.path, sizeof p.path);
	if (!p.in)
		return failed(&p, strerror(error));
	if (conf_path && (!conf || conf_load(conf_path, true, complain, err, conf) < 0))
		return EX_CONFIG;
	return replay_stream(&p, conf, json, out);
}
