/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records what the closed loop sees and decides, as the daemon does it. */
#ifndef KT_RECORD_FIXTURE_H
#define KT_RECORD_FIXTURE_H

#include <string.h>

#include "kt_check.h"
#include "plant_loop.h"
#include "replay.h"

struct record_fixture {
	struct recorder *recorder;
	struct conf conf; /* what is paused is in the loop's configuration only */
	bool first;
	uint64_t reloads;
	FILE *file;    /* NULL: none */
	size_t nticks; /* since it was opened */
	size_t bytes, guest_ticks;
	struct replay *replay; /* NULL: none; it gets each line at once */
};

static inline char *record_fixture_line(struct record_fixture *f, const struct loop *l, bool kicked)
{
	char *line = recorder_line(
		f->recorder, &(struct recorded_tick){ .now_ns = l->sample.now_ns,
						      .unix_us = (int64_t)(l->sample.now_ns / 1000),
						      .kicked = kicked,
						      .guests_known = l->view->guests_known,
						      .first = f->first,
						      .reloads = f->reloads,
						      .conf = &f->conf,
						      .policy = &l->conf,
						      .topology = &l->plant.topology,
						      .capabilities = &loop_capabilities,
						      .domains = l->domains,
						      .sample = &l->sample,
						      .in_force = &l->plant.in_force,
						      .plan = &l->plan });

	ck_assert_ptr_nonnull(line);
	f->first = false;
	return line;
}

/* No word of the configuration says LOOP_PAUSED. */
static inline void record_fixture_take_conf(struct record_fixture *f, const struct loop *l)
{
	enum loop_mode modes[] = { f->conf.policy.ksm.mode, f->conf.policy.placement.mode,
				   f->conf.policy.memory.mode };

	f->conf.policy = l->conf;
	if (l->conf.ksm.mode == LOOP_PAUSED)
		f->conf.policy.ksm.mode = modes[LOOP_KSM];
	if (l->conf.placement.mode == LOOP_PAUSED)
		f->conf.policy.placement.mode = modes[LOOP_PLACEMENT];
	if (l->conf.memory.mode == LOOP_PAUSED)
		f->conf.policy.memory.mode = modes[LOOP_MEMORY];
}

static inline void record_fixture_header(struct record_fixture *f, FILE *file)
{
	struct json_object *header = recorder_header();
	const char *text = json_object_to_json_string_ext(header, JSON_C_TO_STRING_PLAIN);

	if (file)
		fprintf(file, "%s\n", text);
	if (f->replay)
		ck_assert_int_eq(replay_take(f->replay, text, strlen(text)), 0);
	json_object_put(header);
}

/* Into a file, and into a replay that goes along; either may be missing. */
static inline void record_fixture_open(struct record_fixture *f, FILE *file, bool replays)
{
	*f = (struct record_fixture){ .recorder = recorder_new(), .first = true, .file = file };
	conf_defaults(&f->conf);
	f->replay = replays ? replay_new(NULL) : NULL;
	ck_assert(f->recorder && (f->replay || !replays));
	record_fixture_header(f, file);
}

static inline void record_fixture_close(struct record_fixture *f)
{
	recorder_free(f->recorder);
	if (f->replay)
		replay_free(f->replay);
	if (f->file)
		fclose(f->file);
}

/* For struct loop's `decided`. */
static inline void record_fixture_tick(struct loop *l, bool kicked, void *context)
{
	struct record_fixture *f = context;
	char *line;

	record_fixture_take_conf(f, l);
	line = record_fixture_line(f, l, kicked);
	f->nticks++;
	f->bytes += strlen(line) + 1;
	f->guest_ticks += l->domains->nused;
	if (f->file)
		fprintf(f->file, "%s\n", line);
	if (f->replay)
		ck_assert_msg(replay_take(f->replay, line, strlen(line)) == 1, "tick %zu: %s",
			      f->nticks, f->replay->reader.problem);
	free(line);
}

#endif
