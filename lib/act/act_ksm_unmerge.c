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
static _Noreturn void unmerge_all(const struct hostfs *fs, pid_t parent)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	if (getppid() != parent || hostfs_write(fs, "proc/self/oom_score_adj", "1000") < 0)
		_exit(EPERM);
	_exit(-hostfs_write(fs, "sys/kernel/mm/ksm/run", "2\n"));
}

void act_ksm_give_up_nodes(struct act *a, int error, const char *reason)
{
	a->ksm.nodes_off = true;
	log_emitf((struct log_event){ .level = LOG_LEVEL_WARNING,
				      .id = LOG_WRITE_REFUSED,
				      .actuator = "ksm",
				      .action = "refuse",
				      .reason = why_str(WHY_ACTUATOR_OFF),
				      .error = error },
		  "KSM: what is merged cannot all be taken apart (%s): merge_across_nodes stays "
		  "as it is until kvmtuned is reloaded",
		  reason);
}

void act_ksm_unmerge(struct act *a)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0)
		unmerge_all(a->fs, parent);
	if (pid > 0) {
		a->ksm.unmerger = pid;
		return;
	}
	act_ksm_give_up_nodes(a, errno, strerror(errno));
	a->ksm.knob[KSM_RUN].asked = a->ksm.knob[KSM_RUN].before;
}

static void take_outcome(struct act *a, int status)
{
	int error = WIFEXITED(status) ? WEXITSTATUS(status) : 0;

	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		act_ksm_give_up_nodes(a, ENOMEM, "killed, as if memory had run out");
	else if (WIFSIGNALED(status))
		act_ksm_give_up_nodes(a, EINTR, "ended by a signal");
	else if (error)
		act_ksm_give_up_nodes(a, error, strerror(error));
	else
		a->ksm.unmerged = true;
}

/* The kernel has written 0, or the child nothing; where it cannot be read it is either. */
static void note_failure(struct act *a)
{
	struct knob *run = &a->ksm.knob[KSM_RUN];
	uint64_t found;

	if (act_ksm_read(a, KSM_RUN, &found) < 0) {
		run->asked = RUN_STOPPED;
		run->doubt = true;
	} else if (found == RUN_STOPPED || found == run->before) {
		run->asked = found;
	}
}

bool act_ksm_is_unmerging(struct act *a)
{
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
	take_outcome(a, status);
	if (a->ksm.nodes_off)
		note_failure(a);
	return false;
}
