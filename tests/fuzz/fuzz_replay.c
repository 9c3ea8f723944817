/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A recording that is decided again: whatever it says was sampled, the policies stand. */
#include "fuzz_said.h"
#include "record.h"
#include "world.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *text = fuzz_text(bytes, size);
	struct fuzz_output out = { 0 }, said = { 0 };
	int status;

	world_enter();
	world_put("recording", text, size);
	status = replay("/recording", NULL, size % 2, fuzz_output_begin(&out)->f,
			fuzz_output_begin(&said)->f);
	FUZZ_CLAIM(status == EXIT_SUCCESS || status == EXIT_FAILURE || status == REPLAY_DIFFERS);
	fuzz_output_close(&out);
	fuzz_output_close(&said);
	FUZZ_CLAIM(status != EXIT_FAILURE || said.size > 0);
	fuzz_output_end(&out);
	fuzz_output_end(&said);
	world_leave();
	free(text);
	return 0;
}
