/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A recording that is decided again: whatever it says was sampled, the policies stand. */
#include <errno.h>

#include "fuzz_recording.h"
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

static void take_lines(struct replay *r, struct replay_teller *t, char *line, const char *end)
{
	struct fuzz_output out = { 0 };
	int taken = 0;

	t->out = fuzz_output_begin(&out)->f;
	for (char *next; line < end && taken >= 0; line = next) {
		size_t n = strcspn(line, "\n");

		next = line + n + 1;
		line[n] = '\0';
		take_line(r, t, line, n, &taken);
	}
	replay_sum_up(t, r->nguests, true);
	fuzz_output_close(&out);
	fuzz_output_end(&out);
}

/* As a new one, or as one behind our own header. */
static struct replay *renew_replay(bool begun)
{
	static struct replay *replays[2];
	struct replay *r = replays[begun];
	struct record_reader reader;
	struct host_view *view;

	if (!r)
		r = replays[begun] = replay_new(NULL);
	FUZZ_CLAIM(r);
	for (size_t i = 0; i < KT_GUESTS_MAX; i++)
		free(r->thread[i]);
	reader = r->reader;
	view = r->view;
	memset(r, 0, sizeof *r);
	memset(view, 0, sizeof *view);
	fuzz_renew_reader(&reader, begun);
	r->reader = reader;
	r->view = view;
	return r;
}

static struct replay_teller *renew_teller(bool json)
{
	static struct replay_teller *t;
	struct record_layout layout;

	if (!t)
		t = replay_teller_new(NULL, json);
	FUZZ_CLAIM(t);
	layout = t->layout; /* ours, always */
	memset(t, 0, sizeof *t);
	t->json = json;
	t->layout = layout;
	return t;
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
	char *text = fuzz_text(bytes, size), *ticks = fuzz_ticks(text);

	if (!ticks && fuzz_is_rare(bytes, size))
		run_whole(text, size);
	take_lines(renew_replay(ticks), renew_teller(size % 2), ticks ? ticks : text, text + size);
	free(text);
	return 0;
}
