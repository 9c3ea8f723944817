/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which guest is read next, and when?
 *
 * An event or a resync marks a guest; the refresh timer reads one marked guest each
 * time the loop comes round, so that requests and events have their turn in between. */
#include "virt_thread.h"

enum {
	AGAIN_S = 1,       /* a busy guest is looked at each second until its job is over */
	LONG_S = 1,        /* to read a guest */
	UNREAD_MAX_S = 60, /* whatever the clock did meanwhile */
};

/* That a guest is there, or no longer, is worth the wait. */
static bool is_to_be_read(const struct virt_guest *g, uint64_t now_ns)
{
	bool comes = g->started && !g->announced;

	return g->used && g->dirty && (comes || g->stopped || now_ns >= g->unread_until_ns);
}

/* What has just started first: it waits to be placed.  Otherwise by turns, or one with an event
 * after the other would keep all behind it from being read. */
static struct virt_guest *next_dirty(struct virt *v)
{
	uint64_t now_ns = now_monotonic_ns();
	struct virt_guest *found = NULL;

	for (size_t n = 0; n < v->nguests; n++) {
		struct virt_guest *g = &v->guest[(v->next_guest + n) % v->nguests];

		if (!is_to_be_read(g, now_ns))
			continue;
		if (g->started) {
			found = g;
			break;
		}
		if (!found)
			found = g;
	}
	if (found)
		v->next_guest = (size_t)(found - v->guest) + 1;
	return found;
}

/* libvirt waits half a minute for a guest whose monitor is deaf, and everybody with it.  For as
 * long as it took, the time is that of the others. */
static void read_in_turn(struct virt *v, struct virt_guest *g)
{
	uint64_t began_ns = now_monotonic_ns(), end_ns, took_ns;

	virt_guest_refresh(v, g);
	end_ns = now_monotonic_ns();
	took_ns = KT_MIN(end_ns - began_ns, UNREAD_MAX_S * KT_NS_PER_S);
	g->unread_until_ns = took_ns >= LONG_S * KT_NS_PER_S ? end_ns + took_ns : 0;
}

/* Those that have to wait for their turn. */
static void watch_unread(struct virt *v)
{
	uint64_t now_ns = now_monotonic_ns(), first_ns = UINT64_MAX;

	for (size_t i = 0; i < v->nguests; i++)
		if (v->guest[i].used && v->guest[i].dirty)
			first_ns = KT_MIN(first_ns, v->guest[i].unread_until_ns);
	if (first_ns == UINT64_MAX || evtimer_pending(v->refresh_event, NULL))
		return;
	virt_after(v->refresh_event,
		   first_ns > now_ns ? (unsigned int)((first_ns - now_ns) / KT_NS_PER_S) + 1 : 0);
}

static void watch_busy(struct virt *v)
{
	for (size_t i = 0; i < v->nguests; i++) {
		if (v->guest[i].used && v->guest[i].again) {
			if (!evtimer_pending(v->again_event, NULL))
				virt_after(v->again_event, AGAIN_S);
			return;
		}
	}
}

static void finish_round(struct virt *v)
{
	const struct virt_news news = { .kind = VIRT_RESYNC_DONE, .link = atomic_load(&v->link) };

	if (v->may_refill)
		virt_guests_refill(v);
	virt_keepalive(v);
	watch_busy(v);
	if (v->resyncing)
		virt_tell(v, &news);
	v->resyncing = false;
	watch_unread(v);
}

void virt_refresh_callback(evutil_socket_t fd, short what, void *arg)
{
	struct virt *v = arg;
	struct virt_guest *g;

	(void)fd;
	(void)what;
	if (!v->connection || v->lost)
		return;
	virt_work_begins(v);
	g = next_dirty(v);
	if (g) {
		read_in_turn(v, g);
		virt_after(v->refresh_event, 0);
	} else {
		finish_round(v);
	}
	virt_work_ends(v);
}

void virt_again_callback(evutil_socket_t fd, short what, void *arg)
{
	struct virt *v = arg;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < v->nguests; i++)
		if (v->guest[i].used && v->guest[i].again)
			virt_guest_touch(v, &v->guest[i]);
}
