/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is paused, and until when?  (pause_file.c remembers it.) */
#include "pause.h"

#include <errno.h>
#include <string.h>

static int find(const struct pauses *p, const struct uuid *uuid)
{
	for (size_t i = 0; i < p->n; i++)
		if (uuid_equal(&p->guest[i].uuid, uuid))
			return (int)i;
	return -ENOENT;
}

/* The others stay in their order. */
static void remove_at(struct pauses *p, size_t i)
{
	p->n--;
	memmove(&p->guest[i], &p->guest[i + 1], (p->n - i) * sizeof p->guest[0]);
}

bool pauses_take_ended(struct pauses *p, uint64_t now_ns, struct ended_pause *ret)
{
	for (unsigned int loop = 0; loop < _LOOP_MAX; loop++) {
		if (p->loop_until_ns[loop] == 0 || p->loop_until_ns[loop] > now_ns)
			continue;
		p->loop_until_ns[loop] = 0;
		*ret = (struct ended_pause){ .is_of_loop = true, .loop = (enum kt_loop)loop };
		return true;
	}
	for (size_t i = 0; i < p->n; i++) {
		if (p->guest[i].until_ns > now_ns)
			continue;
		*ret = (struct ended_pause){ .guest = p->guest[i] };
		remove_at(p, i);
		return true;
	}
	return false;
}

uint64_t pauses_next_end_ns(const struct pauses *p)
{
	uint64_t end_ns = UINT64_MAX;

	for (size_t loop = 0; loop < _LOOP_MAX; loop++)
		if (p->loop_until_ns[loop] != 0)
			end_ns = KT_MIN(end_ns, p->loop_until_ns[loop]);
	for (size_t i = 0; i < p->n; i++)
		end_ns = KT_MIN(end_ns, p->guest[i].until_ns);
	return end_ns;
}

void pauses_apply(const struct pauses *p, struct policy_conf *conf)
{
	enum loop_mode *modes[_LOOP_MAX] = { [LOOP_KSM] = &conf->ksm.mode,
					     [LOOP_PLACEMENT] = &conf->placement.mode,
					     [LOOP_MEMORY] = &conf->memory.mode };

	for (size_t loop = 0; loop < _LOOP_MAX; loop++)
		if (p->loop_until_ns[loop] != 0 && *modes[loop] != LOOP_OFF)
			*modes[loop] = LOOP_PAUSED;
}

enum guest_hold pauses_of_guest(const struct pauses *p, const struct uuid *uuid,
				uint64_t *ret_until_ns)
{
	int i = find(p, uuid);

	if (i < 0)
		return GUEST_HOLD_NONE;
	*ret_until_ns = p->guest[i].until_ns;
	return p->guest[i].hold;
}

int pauses_set_guest(struct pauses *p, const struct uuid *uuid, enum guest_hold hold,
		     uint64_t until_ns)
{
	pauses_clear_guest(p, uuid);
	if (p->n == PAUSES_MAX)
		return -ENOSPC;
	p->guest[p->n++] =
		(struct guest_pause){ .uuid = *uuid, .hold = hold, .until_ns = until_ns };
	return 0;
}

void pauses_clear_guest(struct pauses *p, const struct uuid *uuid)
{
	int i = find(p, uuid);

	if (i >= 0)
		remove_at(p, (size_t)i);
}
