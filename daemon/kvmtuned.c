/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does the daemon's state consist of? */
#include "kvmtuned.h"
#include "audit_run.h"

struct kvmtuned *kvmtuned_new(void)
{
	struct kvmtuned *k = calloc(1, sizeof *k);

	if (!k)
		return NULL;
	k->fs.root_fd = -1;
	k->cpu_online = k->node_online = HOSTFILE_CLOSED;
	k->domains = domains_new();
	k->sample = calloc(1, sizeof *k->sample);
	k->view = host_view_new();
	k->plan = calloc(1, sizeof *k->plan);
	k->arbiter = calloc(1, sizeof *k->arbiter);
	k->verdicts = verdicts_new();
	k->auditor = auditor_new(NULL);
	k->history = history_new();
	k->recorder = recorder_new();
	if (k->domains && k->sample && k->view && k->plan && k->arbiter && k->verdicts &&
	    k->auditor && k->history && k->recorder)
		return k;
	kvmtuned_free(k);
	return NULL;
}

void kvmtuned_free(struct kvmtuned *k)
{
	if (!k)
		return;
	act_free(k->act);
	sense_free(k->sense);
	verdicts_free(k->verdicts);
	auditor_free(k->auditor);
	log_set_listener(NULL, NULL, LOG_LEVEL_ERR);
	history_free(k->history);
	recorder_free(k->recorder);
	record_file_close(k);
	free(k->arbiter);
	free(k->plan);
	host_view_free(k->view);
	free(k->sample);
	domains_free(k->domains);
	hostfile_close(&k->cpu_online);
	hostfile_close(&k->node_online);
	hostfs_close(&k->fs);
	free(k);
}
