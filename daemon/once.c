/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What do runs do that end by themselves, --once and --restore? */
#include <errno.h>
#include <string.h>

#include "kvmtuned.h"

enum {
	RESTORE_PATIENCE_S = 30, /* of --restore, for libvirt's answers */
	ONCE_PATIENCE_S = 10,    /* of --once and --audit, for libvirt's list of guests */
};

int once_connect(struct kvmtuned *k)
{
	struct virt_options options = { .uri = k->conf.libvirt_uri };
	int r = virt_start(&options, &k->virt);

	if (r < 0)
		log_emitf((struct log_event){ .level = LOG_LEVEL_ERR, .error = -r },
			  "the libvirt thread cannot be started: %s", strerror(-r));
	return r < 0 ? EXIT_FAILURE : 0;
}

static void wait_for_guests(struct kvmtuned *k, unsigned int patience_s)
{
	uint64_t deadline_ns = now_monotonic_ns() + patience_s * KT_NS_PER_S;

	while (k->virt && !k->guests_known && (!k->link_told || k->link_up) &&
	       now_monotonic_ns() < deadline_ns)
		loop_pause_for_news(k);
}

void once_wait_for_guests(struct kvmtuned *k)
{
	wait_for_guests(k, ONCE_PATIENCE_S);
}

/* What guests want shows only between two looks. */
static void look_once_before(struct kvmtuned *k)
{
	const struct timespec a_while = { .tv_sec = 1, .tv_nsec = 100 * 1000 * 1000 };

	if (sense_read(k->sense, k->domains, now_monotonic_ns(), k->sample) < 0)
		return;
	host_view_update(k->view, &k->topology, sense_capabilities(k->sense), k->domains, k->sample,
			 false);
	(void)nanosleep(&a_while, NULL);
}

int once_run(struct kvmtuned *k)
{
	int r;

	once_wait_for_guests(k);
	if (k->fs.is_live && k->domains->nused > 0)
		look_once_before(k);
	k->kicked = true;
	r = kvmtuned_tick(k, now_monotonic_ns());
	if (!k->dry_run && !loop_restore(k, ONCE_PATIENCE_S))
		r = -EIO;
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Where the undo file is lost, marks in the live XML still tell of limits and pins that are
 * ours; and whether there is room to take apart what is merged only a look at the host and at
 * every guest can tell. */
static void look_at_guests(struct kvmtuned *k)
{
	if (!k->guests_known || sense_read(k->sense, k->domains, now_monotonic_ns(), k->sample) < 0)
		return;
	host_view_update(k->view, &k->topology, sense_capabilities(k->sense), k->domains, k->sample,
			 false);
	act_allow_unmerge(k->act, ksm_has_room_to_unmerge(k->view));
	for (size_t i = 0; i < k->domains->nslots; i++)
		if (k->domains->slot[i].used && k->sample->guest[i].present)
			guests_bind(k, i);
}

static size_t count_marked(const struct kvmtuned *k)
{
	size_t n = 0;

	for (size_t i = 0; i < k->domains->nslots; i++)
		n += k->domains->slot[i].used && k->domains->slot[i].domain.marked_pins;
	return n;
}

/* False: not all could be, which is said. */
static bool lift_and_wait(struct kvmtuned *k)
{
	uint64_t deadline_ns = now_monotonic_ns() + RESTORE_PATIENCE_S * KT_NS_PER_S;
	size_t n;

	k->conf.policy.mode = DAEMON_ACTIVE; /* an observer changes nothing, but gives back */
	lift_marked_pins(k);
	while ((n = count_marked(k)) > 0 && now_monotonic_ns() < deadline_ns)
		loop_pause_for_news(k);
	if (n > 0)
		log_warning("%zu guests still have pins that an earlier kvmtuned has set, because "
			    "libvirt is at work on them or does not answer: run kvmtuned --restore "
			    "later",
			    n);
	return n == 0;
}

/* KSM's speed and affinities need no libvirt.  Limits and visible pins do, and first the word
 * of libvirt whether they are still ours; unmerging does, to know the guests. */
int once_restore(struct kvmtuned *k)
{
	(void)act_restore(k->act, now_monotonic_ns()); /* what waits is asked for below */
	if (once_connect(k) != 0)
		return EXIT_FAILURE;
	wait_for_guests(k, RESTORE_PATIENCE_S);
	look_at_guests(k);
	if (!loop_restore(k, RESTORE_PATIENCE_S) || !lift_and_wait(k))
		return EXIT_FAILURE;
	log_info("everything that kvmtuned had set is as it was before%s",
		 k->guests_known ? "" : ", as far as is known without libvirt");
	return EXIT_SUCCESS;
}
