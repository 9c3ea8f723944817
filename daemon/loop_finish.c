/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does the daemon let go of all that is in force when it ends, or leave it? */
#include "kvmtuned.h"
#include "service.h"

/* What is merged takes the kernel longer to take apart than libvirt to answer; and systemd
 * waits for 30 s (TimeoutStopSec). */
enum {
	UNMERGE_PATIENCE = 5,
	RESTORE_PATIENCE_S = 5, /* for what only libvirt can give back */
	ENDING_PATIENCE_S = 2,  /* for the news that a guest has ended that refused */
};

static bool is_patient(const struct kvmtuned *k, uint64_t since_ns, unsigned int patience_s)
{
	if (act_in_force(k->act)->ksm.unmerging)
		patience_s *= UNMERGE_PATIENCE;
	return now_monotonic_ns() - since_ns < patience_s * KT_NS_PER_S;
}

/* At shutdown guests end when we do: each refuses what it is to have back, and libvirt tells of
 * its end a little later. */
static void wait_for_ending_guests(struct kvmtuned *k)
{
	uint64_t since_ns = now_monotonic_ns();

	while (act_owes(k->act) && now_monotonic_ns() - since_ns < ENDING_PATIENCE_S * KT_NS_PER_S)
		loop_pause_for_news(k);
	if (!act_owes(k->act))
		(void)act_restore(k->act, now_monotonic_ns()); /* which the undo file learns */
}

/* What the kernel holds is back at once; what libvirt holds takes as long as libvirt
 * does.  False: something of ours is still in force. */
bool loop_restore(struct kvmtuned *k, unsigned int patience_s)
{
	uint64_t since_ns = now_monotonic_ns();
	size_t waiting;

	while ((waiting = act_restore(k->act, now_monotonic_ns())) > 0 &&
	       is_patient(k, since_ns, patience_s))
		loop_pause_for_news(k);
	if (waiting == 0)
		wait_for_ending_guests(k);
	if (waiting > 0)
		log_warning("%zu values could not be restored in time, because %s; they are "
			    "remembered in %s/undo: run kvmtuned --restore later",
			    waiting,
			    act_in_force(k->act)->ksm.unmerging ? "the kernel still unmerges"
								: "libvirt does not answer",
			    k->conf.run_dir);
	else if (act_owes(k->act))
		log_warning("some values could not be restored, for the reasons said before; "
			    "they are remembered in %s/undo",
			    k->conf.run_dir);
	return !act_owes(k->act);
}

void loop_pause_for_news(struct kvmtuned *k)
{
	nanosleep(&(struct timespec){ .tv_nsec = 20 * 1000 * 1000 }, NULL);
	(void)guests_take_news(k, now_monotonic_ns());
}

bool loop_finish(struct kvmtuned *k)
{
	bool restored = true;

	service_stopping();
	if (service_is_restarting()) {
		act_leave(k->act);
		log_info("restarting: everything stays as it is");
	} else if (k->conf.on_stop == ON_STOP_KEEP) {
		act_leave(k->act);
		log_info("on_stop = keep: everything stays as it is; kvmtuned --restore undoes it");
	} else {
		restored = loop_restore(k, RESTORE_PATIENCE_S);
	}
	log_emitf((struct log_event){ .level = LOG_LEVEL_INFO, .id = LOG_STOPPED }, "stopped");
	return restored;
}
