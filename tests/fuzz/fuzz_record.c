/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines of a recording, each by itself. */
#include <errno.h>

#include "fuzz_said.h"
#include "record_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *text = fuzz_text(bytes, size), *line = text, *next;
	struct record_reader reader;

	FUZZ_CLAIM(record_reader_open(&reader) == 0);
	for (; line < text + size; line = next) {
		size_t n = strcspn(line, "\n");
		int r;

		next = line + n + 1;
		line[n] = '\0';
		r = record_reader_take(&reader, line, n);
		FUZZ_CLAIM(r == 0 || r == 1 || (r == -EBADMSG && reader.problem[0]));
		FUZZ_CLAIM(fuzz_is_tame(reader.problem));
		FUZZ_CLAIM(reader.begun || r < 0);
		FUZZ_CLAIM(reader.now->domains.nslots <= KT_GUESTS_MAX);
		if (r < 0)
			break;
	}
	record_reader_close(&reader);
	free(text);
	return 0;
}
