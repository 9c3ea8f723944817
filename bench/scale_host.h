/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A large host in a folder: what the kernel would show of 1,024 CPUs, 16 nodes and so many
 * guests on cgroup v2. */
#ifndef KT_SCALE_HOST_H
#define KT_SCALE_HOST_H

#include "sample.h"

enum {
	SCALE_NODES = 16,
	SCALE_CPUS_PER_NODE = 64,
	SCALE_CPUS = SCALE_NODES * SCALE_CPUS_PER_NODE,
	SCALE_PID_FIRST = 5000000, /* above any pid_max: nobody of this kernel is meant */
	SCALE_PIDS_PER_GUEST = 16,
	SCALE_HZ_PER_TICK = 500, /* 5 s */
	SCALE_TICK_S = 5,
};

/* The same machine for hwloc. */
#define SCALE_SYNTHETIC "pack:16 [numa(memory=412316860416)] l3:4 core:8 pu:2"

struct scale_host {
	char root[64]; /* on a tmpfs */
	int root_fd;
	unsigned int nguests;
	unsigned int busy_one_in; /* every so manieth guest runs; 1: all do */
	unsigned int ticks;
	unsigned int born[KT_GUESTS_MAX + 1]; /* tick, by the guest's number */
};

/* Exits with a message where the folder cannot be made. */
void scale_host_make(struct scale_host *h, unsigned int busy_one_in);
void scale_host_remove(const struct scale_host *h);

/* One more guest, which libvirt would describe so. */
struct domain scale_host_add_guest(struct scale_host *h);

/* Five seconds go by: what ran has run. */
void scale_host_run(struct scale_host *h);

#endif
