/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One thread of a guest's QEMU process: read by sense, pinned by act. */
#ifndef KT_GUEST_THREAD_H
#define KT_GUEST_THREAD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "cpumask.h"

enum thread_role {
	THREAD_EMULATOR, /* main loop, monitor, workers */
	THREAD_VCPU,
	THREAD_IOTHREAD,
	THREAD_VHOST, /* before Linux 6.4 a kernel thread, outside of QEMU's process */
};

struct guest_thread {
	pid_t tid;
	uint64_t start_ticks; /* field 22 of stat: tells a recycled tid */
	enum thread_role role;
	bool outside;        /* a kernel thread: not below the process in /proc */
	unsigned int number; /* of the vCPU or iothread; 0 for emulator threads */
	/* vCPUs only; nanoseconds, of /proc/PID/task/TID/schedstat */
	uint64_t run_ns_total, delay_ns_total; /* delay: runnable but not running, the
						  steal the guest feels */
	struct cpumask first_allowed;          /* its affinity when it was first seen */
};

#endif
