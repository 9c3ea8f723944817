/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The active profile of tuned, and those that it includes; the input is their files. */
#include "fuzz_import.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *text = fuzz_text(bytes, size);

	world_enter();
	world_fill(text, size);
	fuzz_import(&(struct import_request){ .tuned = true });
	world_leave();
	free(text);
	return 0;
}
