/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How is everything unmerged without harm?
 *
 * merge_across_nodes can only change while nothing is merged, and run=2 takes all merged
 * pages apart within that one write: seconds to minutes, and as much memory as was saved.
 * Whoever writes it is the OOM killer's first choice then.  So a child of ours does, which
 * owns nothing; when it is killed the kernel stops unmerging, and nobody is worse off. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "act_private.h"

/* Other threads may have held any lock at the fork: system calls only. */
static _Noreturn void unmerge_all(const struct hostfs *fs)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGTERM, SIG_DFL);
	if (hostfs_write(fs, "proc/self/oom_score_adj", "1000") < 0)
		_exit(EPERM);
	_exit(-hostfs_write(fs, "sys/kernel/mm/ksm/run", "2\n"));
}

static void note_failure(struct act *a, int error)
{
	a->ksm.nodes_off = true;
	log_emitf((struct log_event){ .level = LOG_LEVEL_WARNING,
				      .id = LOG_WRITE_REFUSED,
				      .actuator = "ksm",
				      .action = "refuse",
				      .reason = why_str(WHY_NO_ROOM),
				      .error = error },
		  "KSM: what is merged could not all be unmerged (%s): merge_across_nodes stays "
		  "as it is until kvmtuned is reloaded",
		  strerror(error));
}

void act_ksm_unmerge(struct act *a)
{
	pid_t pid = fork();

	if (pid == 0)
		unmerge_all(a->fs);
	if (pid > 0) {
		a->ksm.unmerger = pid;
		return;
	}
	note_failure(a, errno);
	a->ksm.knob[KSM_RUN].asked = a->ksm.knob[KSM_RUN].before;
}

/* How the child has ended: 0, or what the kernel said to it; a signal is the OOM killer's. */
static int outcome(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : ENOMEM;
}

bool act_ksm_is_unmerging(struct act *a)
{
	struct knob *run = &a->ksm.knob[KSM_RUN];
	uint64_t found;
	int status;

	if (a->ksm.unmerger <= 0)
		return false;
	switch (waitpid(a->ksm.unmerger, &status, WNOHANG)) {
	case 0:
		return true;
	case -1: /* somebody else has waited for it */
		status = 0;
	}
	a->ksm.unmerger = 0;
	if (outcome(status) != 0)
		note_failure(a, outcome(status));
	/* After a failure the kernel has written 0. */
	if (run->ours && act_ksm_read(a, KSM_RUN, &found) == 0)
		run->asked = found;
	return false;
}
