/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said about memory that moves? */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "act_private.h"
#include "nodemask.h"

static uint64_t target_of(const struct mover_order *order)
{
	uint64_t nodes = 0;

	for (unsigned int c = 0; c < order->ncells; c++)
		nodes |= order->cell[c].nodes;
	return nodes;
}

static uint64_t mib(uint64_t kib)
{
	return (kib + 1023) / 1024;
}

/* Less is what trickles in between two tries. */
enum { NEWS_KIB = 1024 };

bool act_move_is_old_news(const struct act_move *m, const struct act_guest *g)
{
	return g->unreached_nodes == target_of(&m->order) && m->answer.moved_kib < NEWS_KIB;
}

static bool is_unreached(const struct act_move *m)
{
	return m->answer.state == MOVER_FULL || m->answer.state == MOVER_FAILED;
}

/* What is tried again and again is not told each time. */
static enum log_level level_of(const struct act_move *m, const struct act_guest *g,
			       enum log_level of_news)
{
	return is_unreached(m) && act_move_is_old_news(m, g) ? LOG_LEVEL_DEBUG : of_news;
}

void act_move_say_begin(const struct act_move *m, const struct act_guest *g)
{
	char from[KT_NODELIST_MAX], to[KT_NODELIST_MAX];
	struct log_event event = { .level = level_of(m, g, LOG_LEVEL_NOTICE),
				   .id = LOG_MEMORY_MOVED,
				   .actuator = "placement",
				   .action = "move-memory",
				   .reason = reason_str(m->why),
				   .dry_run = m->order.look_only };

	event.to = nodemask_str(target_of(&m->order), to, sizeof to);
	if (!m->answer.looked) {
		guest_log(g, event,
			  "what of its memory is elsewhere would be moved to nodes %s%s%s", to,
			  event.reason ? ": " : "", event.reason ? why_sentence(m->why) : "");
		return;
	}
	if (!m->answer.away_kib)
		return;
	event.from = nodemask_str(m->answer.away_nodes, from, sizeof from);
	guest_log(g, event, "%" PRIu64 " MiB of its memory %s from nodes %s to nodes %s%s%s",
		  mib(m->answer.away_kib), event.dry_run ? "would be moved" : "are moved", from, to,
		  event.reason ? ": " : "", event.reason ? why_sentence(m->why) : "");
}

static void say_moved(const struct act_move *m, const struct act_guest *g)
{
	static const char *const outcome[] = {
		[MOVER_RESTS] = "; stopped before the end",
		[MOVER_DONE] = "",
		[MOVER_FULL] = "; no node that it goes to has more to spare",
		[MOVER_FAILED] = "; given up for now",
	};
	char from[KT_NODELIST_MAX], to[KT_NODELIST_MAX];
	const struct mover_answer *answer = &m->answer;
	bool stopped = answer->state == MOVER_RESTS && m->why_stopped != WHY_NONE;

	guest_log(g,
		  (struct log_event){ .level = level_of(m, g, LOG_LEVEL_NOTICE),
				      .id = LOG_MEMORY_MOVED,
				      .actuator = "placement",
				      .action = "moved-memory",
				      .reason = reason_str(m->why),
				      .from = nodemask_str(answer->away_nodes, from, sizeof from),
				      .to = nodemask_str(target_of(&m->order), to, sizeof to) },
		  "%" PRIu64
		  " MiB of its memory moved to nodes %s in %.1f s, longest call %.1f ms; "
		  "%" PRIu64 " MiB did not move, %" PRIu64 " MiB are shared and stay%s%s%s",
		  mib(answer->moved_kib), to, (double)answer->elapsed_ns / (double)KT_NS_PER_S,
		  (double)answer->longest_call_ns / (double)KT_NS_PER_MS, mib(answer->failed_kib),
		  mib(answer->shared_kib),
		  answer->state < KT_ARRAY_LEN(outcome) && outcome[answer->state]
			  ? outcome[answer->state]
			  : "",
		  stopped ? ": " : "", stopped ? why_sentence(m->why_stopped) : "");
}

/* It stays so until memory has gone there. */
static void note_unreached(const struct act_move *m, struct act_guest *g)
{
	if (is_unreached(m))
		g->unreached_nodes = target_of(&m->order);
	else if (m->answer.state == MOVER_DONE)
		g->unreached_nodes = 0;
}

static void say_refused(const struct act_guest *g, enum log_level level, int error,
			const char *text)
{
	guest_log(g,
		  (struct log_event){ .level = level,
				      .id = LOG_WRITE_REFUSED,
				      .actuator = "placement",
				      .action = "refuse",
				      .reason = why_str(WHY_ACTUATOR_OFF),
				      .error = error },
		  "%s (%s)", text, strerror(error));
}

void act_move_say_end(const struct act_move *m, struct act_guest *g)
{
	enum log_level level = level_of(m, g, LOG_LEVEL_WARNING);
	const struct mover_answer *answer = &m->answer;

	if (answer->state == MOVER_GONE)
		return;
	if (answer->looked && answer->away_kib && !m->order.look_only)
		say_moved(m, g);
	note_unreached(m, g);
	if (answer->state == MOVER_FAILED)
		say_refused(
			g, level, answer->error,
			"its memory does not move, or too much of it: it stays where it is for now, "
			"and is tried again within ten minutes");
	else if (answer->state == MOVER_UNCLEAR)
		say_refused(g, LOG_LEVEL_WARNING, answer->error,
			    "its process has not one mapping of memory for each of its cells: "
			    "its memory stays where it is");
	else if (answer->state == MOVER_OFF && answer->error == ENOSYS)
		say_refused(g, LOG_LEVEL_ERR, answer->error,
			    "this kernel cannot move memory: no guest's memory is moved");
	else if (answer->state == MOVER_OFF)
		say_refused(g, LOG_LEVEL_ERR, answer->error,
			    "the kernel lets kvmtuned move no memory: no guest's is moved until it "
			    "is reloaded; check CapabilityBoundingSet= (CAP_SYS_PTRACE, "
			    "CAP_SYS_NICE) and SystemCallFilter= of the unit");
}
