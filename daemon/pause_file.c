/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How do pauses outlive a restart of the daemon?
 *
 *	kvmtuned-pauses 1
 *	loop LOOP UNTIL
 *	guest UUID paused|released UNTIL
 *	end LINES
 *
 * UNTIL is nanoseconds of CLOCK_MONOTONIC, or "resumed".  "end" counts the lines between it and
 * the first one.  The folder is root's, but a file may have been cut or edited: one that is not
 * wholly understood counts for nothing. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "conf_table.h"
#include "log.h"
#include "pause.h"
#include "str.h"
#include "stream.h"

#define HEADER "kvmtuned-pauses 1"

static const char *const hold_words[] = { [GUEST_HOLD_NONE] = "",
					  [GUEST_HOLD_PAUSED] = "paused",
					  [GUEST_HOLD_RELEASED] = "released",
					  NULL };
static const char resumed[] = "resumed";

enum { LINE_BYTES = 128, WORD_BYTES = 40 };

/* ---- writing ------------------------------------------------------------------------------ */

static const char *until_str(uint64_t until_ns, char *buf, size_t size)
{
	if (until_ns == UINT64_MAX)
		return resumed;
	(void)snprintf(buf, size, "%" PRIu64, until_ns);
	return buf;
}

static int write_lines(const struct pauses *p, FILE *f)
{
	char until[24], uuid[KT_UUID_STR];
	size_t lines = p->n;

	fputs(HEADER "\n", f);
	for (size_t i = 0; i < _LOOP_MAX; i++) {
		if (p->loop_until_ns[i] == 0)
			continue;
		fprintf(f, "loop %s %s\n", loop_str((enum kt_loop)i),
			until_str(p->loop_until_ns[i], until, sizeof until));
		lines++;
	}
	for (size_t i = 0; i < p->n; i++)
		fprintf(f, "guest %s %s %s\n", uuid_str(&p->guest[i].uuid, uuid),
			hold_words[p->guest[i].hold],
			until_str(p->guest[i].until_ns, until, sizeof until));
	fprintf(f, "end %zu\n", lines);
	return stream_flush(f);
}

static int write_file(const struct pauses *p, const char *path)
{
	KT_AUTOCLOSE int fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	KT_AUTOFCLOSE FILE *f = NULL;
	int r = fd < 0 ? -errno : stream_of_fd(&fd, "w", &f);

	return r < 0 ? r : write_lines(p, f);
}

static bool is_empty(const struct pauses *p)
{
	for (size_t i = 0; i < _LOOP_MAX; i++)
		if (p->loop_until_ns[i] != 0)
			return false;
	return p->n == 0;
}

int pauses_save(const struct pauses *p, const char *run_dir)
{
	char path[KT_PATH_MAX], new_path[KT_PATH_MAX];
	int r = str_format(path, sizeof path, "%s/pauses", run_dir);

	if (r == 0)
		r = str_format(new_path, sizeof new_path, "%s.tmp", path);
	if (r < 0)
		return r;
	if (is_empty(p))
		return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
	r = write_file(p, new_path);
	if (r == 0 && rename(new_path, path) < 0)
		r = -errno;
	if (r < 0)
		(void)unlink(new_path); /* half a file is of no use */
	return r;
}

/* ---- reading ------------------------------------------------------------------------------ */

static int read_until(const char *word, uint64_t *ret)
{
	if (strcmp(word, resumed) == 0)
		*ret = UINT64_MAX;
	else if (str_u64(word, ret) < 0 || *ret == 0 || *ret == UINT64_MAX)
		return -EBADMSG;
	return 0;
}

static int read_loop(struct pauses *p, const char *loop, const char *until)
{
	enum kt_loop i = loop_of_str(loop);

	if (i == _LOOP_MAX || p->loop_until_ns[i] != 0)
		return -EBADMSG;
	return read_until(until, &p->loop_until_ns[i]);
}

static int read_guest(struct pauses *p, const char *guest, const char *hold, const char *until)
{
	unsigned int i;
	struct uuid uuid;
	uint64_t until_ns;

	if (conf_word(hold_words, hold, &i) < 0 || uuid_parse(guest, &uuid) < 0 ||
	    read_until(until, &until_ns) < 0 ||
	    pauses_of_guest(p, &uuid, &(uint64_t){ 0 }) != GUEST_HOLD_NONE)
		return -EBADMSG;
	return pauses_set_guest(p, &uuid, (enum guest_hold)i, until_ns);
}

static int read_line(struct pauses *p, const char *line)
{
	char word[4][WORD_BYTES], rest[2];
	int n = sscanf(line, "%39s %39s %39s %39s %1s", word[0], word[1], word[2], word[3], rest);

	if (n == 3 && strcmp(word[0], "loop") == 0)
		return read_loop(p, word[1], word[2]);
	if (n == 4 && strcmp(word[0], "guest") == 0)
		return read_guest(p, word[1], word[2], word[3]);
	return -EBADMSG;
}

/* -EBADMSG: it has none (cut, too long, or with a NUL). */
static int next_line(FILE *f, char line[LINE_BYTES])
{
	size_t length;

	if (!fgets(line, LINE_BYTES, f))
		return -EBADMSG;
	length = strlen(line);
	if (length == 0 || line[length - 1] != '\n')
		return -EBADMSG;
	line[length - 1] = '\0';
	return 0;
}

static int read_lines(struct pauses *p, FILE *f)
{
	char line[LINE_BYTES];
	uint64_t count;
	size_t lines = 0;
	int r = next_line(f, line);

	if (r == 0 && strcmp(line, HEADER) != 0)
		r = -EBADMSG;
	for (; r == 0; lines++) {
		r = next_line(f, line);
		if (r == 0 && strncmp(line, "end ", 4) == 0)
			break;
		if (r == 0)
			r = read_line(p, line);
	}
	if (r == 0 && (str_u64(line + 4, &count) < 0 || count != lines || fgetc(f) != EOF))
		r = -EBADMSG;
	return r;
}

static int read_file(struct pauses *p, const char *path)
{
	KT_AUTOCLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	KT_AUTOFCLOSE FILE *f = NULL;
	int r = fd < 0 ? -errno : stream_of_fd(&fd, "r", &f);

	return r < 0 ? r : read_lines(p, f);
}

void pauses_load(struct pauses *p, const char *run_dir)
{
	char path[KT_PATH_MAX];
	int r = str_format(path, sizeof path, "%s/pauses", run_dir);

	*p = (struct pauses){ 0 };
	if (r == 0)
		r = read_file(p, path);
	if (r == 0 || r == -ENOENT)
		return;
	*p = (struct pauses){ 0 };
	log_emitf((struct log_event){ .level = LOG_LEVEL_WARNING, .error = -r },
		  "%s cannot be understood (%s): nothing is paused any more; pause again what "
		  "should be",
		  path, strerror(-r));
}
