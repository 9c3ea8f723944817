/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A recording that is decided again: whatever it says was sampled, the policies stand. */
#include <errno.h>

#include "fuzz_said.h"
#include "record.h"
#include "replay.h"
#include "world.h"

static void take_line(struct replay *r, struct replay_teller *t, const char *line, size_t n,
		      int *ret)
{
	*ret = replay_take(r, line, n);
	FUZZ_CLAIM(*ret == 0 || *ret == 1 || (*ret == -EBADMSG && r->reader.problem[0]));
	FUZZ_CLAIM(fuzz_is_tame(r->reader.problem));
	if (*ret == 1)
		replay_compare(t, r->reader.now, &r->plan);
}

static void take_lines(char *text, size_t size, bool json)
{
	struct fuzz_output out = { 0 };
	struct replay_teller *t = replay_teller_new(fuzz_output_begin(&out)->f, json);
	struct replay *r = replay_new(NULL);
	char *next;
	int taken = 0;

	FUZZ_CLAIM(t && r);
	for (char *line = text; line < text + size && taken >= 0; line = next) {
		size_t n = strcspn(line, "\n");

		next = line + n + 1;
		line[n] = '\0';
		take_line(r, t, line, n, &taken);
	}
	replay_sum_up(t, r->nguests, true);
	replay_teller_free(t);
	replay_free(r);
	fuzz_output_close(&out);
	fuzz_output_end(&out);
}

/* As --replay does it.  The buffer for the longest line takes a sanitizer more time than all
 * else. */
static void run_whole(const char *text, size_t size)
{
	struct fuzz_output out = { 0 }, said = { 0 };
	int status;

	world_enter();
	world_put("recording", text, size);
	status = replay("/recording", NULL, true, fuzz_output_begin(&out)->f,
			fuzz_output_begin(&said)->f);
	FUZZ_CLAIM(status == EXIT_SUCCESS || status == EXIT_FAILURE || status == REPLAY_DIFFERS);
	fuzz_output_close(&out);
	fuzz_output_close(&said);
	FUZZ_CLAIM(status != EXIT_FAILURE || said.size > 0);
	fuzz_output_end(&out);
	fuzz_output_end(&said);
	world_leave();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *text = fuzz_text(bytes, size);

	if (size % 32 == 0)
		run_whole(text, size);
	take_lines(text, size, size % 2);
	free(text);
	return 0;
}
