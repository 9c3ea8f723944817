/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ksmtuned.conf, a shell script that is not run. */
#include "fuzz_import.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *text = fuzz_text(bytes, size);

	world_enter();
	world_put("k", text, size);
	fuzz_import(&(struct import_request){ .ksmtuned = true, .ksmtuned_path = "/k" });
	world_leave();
	free(text);
	return 0;
}
