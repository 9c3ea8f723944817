/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything that the policies have seen, as JSON lines, and the way back.
 *
 * A recording is what was sampled, what libvirt said, what was in force and what was
 * decided, tick by tick.  Replayed with the same configuration from the daemon's start on, it
 * decides the same; with another one, it shows where that would have decided otherwise.
 * Only what has changed is written.  The first line has the names of all fields. */
#ifndef KT_RECORD_H
#define KT_RECORD_H

#include <stdio.h>

#include <json-c/json.h>

#include "conf.h"
#include "policy.h"

#define RECORD_KIND "kvmtuned-recording"

struct recorder;

struct recorder *recorder_new(void); /* NULL: no memory */
void recorder_free(struct recorder *r);

/* What one tick of the daemon had: all arguments of arbiter_step, and its answer. */
struct recorded_tick {
	uint64_t now_ns;
	int64_t unix_us;
	bool kicked, guests_known, tuned_has_ksm;
	bool first;       /* no tick was before: the policies remember nothing */
	uint64_t reloads; /* of the configuration, so far: each forgives what has failed */
	const struct conf *conf;
	const struct policy_conf *policy; /* the one decided by: with what is paused */
	const struct topology *topology;
	const struct capabilities *capabilities;
	const struct domains *domains;
	const struct sample *sample;
	const struct in_force *in_force;
	const struct plan *plan;
};

/* A line without its newline, of malloc.  NULL: no memory. */
char *recorder_line(struct recorder *r, const struct recorded_tick *tick);
/* The first line of a recording: what the numbers of the others are. */
struct json_object *recorder_header(void);
/* The next line can be understood without those before: somebody new is listening. */
void recorder_restart(struct recorder *r);

/* kvmtuned --replay: reads lines, runs the policies, prints where they decide otherwise than
 * was recorded, as JSON lines when `json`.  path "-" is stdin; conf_path NULL: with the recorded
 * configuration.  The exit status: 0 all the same, 4 otherwise decided, 1 failed, 78
 * configuration. */
enum { REPLAY_DIFFERS = 4 };
int replay(const char *path, const char *conf_path, bool json, FILE *out, FILE *err);

#endif
