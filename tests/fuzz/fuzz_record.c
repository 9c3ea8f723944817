/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines of a recording, each by itself. */
#include <errno.h>

#include "fuzz_recording.h"

static void take_lines(struct record_reader *reader, char *line, const char *end)
{
	for (char *next; line < end; line = next) {
		size_t n = strcspn(line, "\n");
		int r;

		next = line + n + 1;
		line[n] = '\0';
		r = record_reader_take(reader, line, n);
		FUZZ_CLAIM(r == 0 || r == 1 || (r == -EBADMSG && reader->problem[0]));
		FUZZ_CLAIM(fuzz_is_tame(reader->problem));
		FUZZ_CLAIM(reader->begun || r < 0);
		FUZZ_CLAIM(reader->now->domains.nslots <= KT_GUESTS_MAX);
		if (r < 0)
			break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct record_reader begun, new;
	char *text = fuzz_text(bytes, size), *ticks = fuzz_ticks(text);
	struct record_reader *reader = ticks ? &begun : &new;

	fuzz_renew_reader(reader, ticks);
	take_lines(reader, ticks ? ticks : text, text + size);
	free(text);
	return 0;
}
