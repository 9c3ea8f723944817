/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file of pauses: it counts for nothing, or what is written from it says the same. */
#include "fuzz_said.h"
#include "pause.h"
#include "world.h"

static bool any(const struct pauses *p)
{
	for (size_t i = 0; i < _LOOP_MAX; i++)
		if (p->loop_until_ns[i])
			return true;
	return p->n > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct pauses pauses, again;
	char *text = fuzz_text(bytes, size);

	fuzz_listen();
	world_enter();
	world_put("run/pauses", text, size);
	pauses_load(&pauses, "/run");
	FUZZ_CLAIM(pauses.n <= PAUSES_MAX);
	FUZZ_CLAIM(pauses_save(&pauses, "/run") == 0);
	pauses_load(&again, "/run");
	FUZZ_CLAIM(memcmp(&again, &pauses, sizeof again) == 0);
	FUZZ_CLAIM(any(&pauses) == (world_get("run/pauses", &size) != NULL));
	world_leave();
	free(text);
	return 0;
}
