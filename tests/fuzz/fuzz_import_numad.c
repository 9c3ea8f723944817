/* SPDX-License-Identifier: GPL-2.0-or-later */
/* numad's files, in which there are arguments of a command line. */
#include "fuzz_import.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *text = fuzz_text(bytes, size);

	world_enter();
	world_put("etc/default/numad", text, size);
	fuzz_import(&(struct import_request){ .numad = true });
	world_put("n", text, size);
	fuzz_import(&(struct import_request){ .numad = true, .numad_path = "/n" });
	world_leave();
	free(text);
	return 0;
}
