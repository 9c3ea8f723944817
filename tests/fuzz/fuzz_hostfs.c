/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines and whole texts, whatever pieces the kernel gives them in and however small the buffer.
 *
 * The first byte of the input chooses the buffer, the second the pieces; the rest is the file. */
#include <errno.h>

#include "fuzz.h"
#include "hostfs.h"
#include "world.h"

struct walk {
	const char *rest, *end; /* of the file: what has not been told */
	size_t room;            /* bytes that a line may have */
};

/* The next line that fits; NULL: there is none. */
static const char *next_line(struct walk *w, size_t *ret_length)
{
	while (w->rest < w->end) {
		const char *line = w->rest;
		const char *newline = memchr(line, '\n', (size_t)(w->end - line));

		*ret_length = (size_t)((newline ? newline : w->end) - line);
		w->rest = newline ? newline + 1 : w->end;
		if (*ret_length <= w->room)
			return line;
	}
	return NULL;
}

static int take_line(void *context, char *line)
{
	size_t length = 0;
	const char *expected = next_line(context, &length);

	FUZZ_CLAIM(expected && memcmp(line, expected, length) == 0 && line[length] == '\0');
	return 0;
}

static void read_lines(const struct hostfs *fs, const char *text, size_t size, size_t buffer)
{
	struct walk w = { .rest = text, .end = text + size, .room = buffer - 2 };
	char *buf = malloc(buffer);
	size_t length;

	FUZZ_CLAIM(buf);
	FUZZ_CLAIM(hostfs_each_line(fs, "file", buf, buffer, take_line, &w) == 0);
	FUZZ_CLAIM(!next_line(&w, &length));
	free(buf);
}

/* The whole, or its beginning and an error. */
static void claim_text(ssize_t n, const char *buf, size_t buffer, const char *text, size_t size)
{
	size_t expected = KT_MIN(size, buffer - 1);

	FUZZ_CLAIM(n == (size < buffer ? (ssize_t)size : -EFBIG));
	FUZZ_CLAIM(memcmp(buf, text, expected) == 0 && buf[expected] == '\0');
}

static void read_text(const struct hostfs *fs, const char *text, size_t size, size_t buffer)
{
	struct hostfile file = HOSTFILE_CLOSED;
	char *buf = malloc(buffer);
	ssize_t n;

	FUZZ_CLAIM(buf);
	claim_text(hostfs_read(fs, "file", buf, buffer), buf, buffer, text, size);
	for (int i = 0; i < 2; i++)
		claim_text(hostfile_read(fs, &file, "file", buf, buffer), buf, buffer, text, size);
	n = hostfile_read_first(fs, &file, "file", buf, buffer);
	FUZZ_CLAIM(n >= 0 && (size_t)n <= KT_MIN(size, buffer - 1) &&
		   memcmp(buf, text, (size_t)n) == 0);
	hostfile_close(&file);
	free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct hostfs fs;
	char *text;
	size_t buffer;

	if (size < 2)
		return 0;
	text = fuzz_text(bytes + 2, size - 2);
	buffer = 3 + (size_t)bytes[0];
	world_enter();
	world_put("file", text, size - 2);
	world_read_in_pieces(1 + (size_t)bytes[1]);
	FUZZ_CLAIM(hostfs_open("/", &fs) == 0);
	read_lines(&fs, text, size - 2, buffer);
	read_text(&fs, text, size - 2, buffer);
	hostfs_close(&fs);
	world_leave();
	free(text);
	return 0;
}
