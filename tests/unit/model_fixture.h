/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A host with one guest of two vCPUs, whose next sample a test makes by hand. */
#ifndef KT_MODEL_FIXTURE_H
#define KT_MODEL_FIXTURE_H

#include <math.h>
#include <string.h>

#include "kt_check.h"
#include "view.h"

#define SECONDS(s) ((uint64_t)(s)*KT_NS_PER_S)

static struct domains *ds;
static struct host_view *v;
static struct sample sample;
static struct topology topology;
static struct capabilities capabilities;
static struct guest_thread thread[4];

static inline void put_guest(uint8_t uuid, int id)
{
	struct domain d = { .uuid = { { uuid } }, .id = id, .running = true, .vcpus = 2 };

	ck_assert_int_ge(domains_put(ds, &d), 0);
}

static inline void setup(void)
{
	ds = domains_new();
	v = host_view_new();
	ck_assert(ds && v);
	memset(&sample, 0, sizeof sample);
	memset(thread, 0, sizeof thread);
	thread[0].role = THREAD_EMULATOR;
	thread[1].role = thread[2].role = THREAD_VCPU;
	thread[3].role = THREAD_IOTHREAD;
	for (size_t i = 0; i < 2; i++)
		sample.guest[i] = (struct guest_sample){
			.present = true, .nthreads = 4, .threads = thread, .has_cgroup = true
		};
	put_guest(1, 1);
}

static inline void teardown(void)
{
	domains_free(ds);
	host_view_free(v);
}

static inline void update_at(uint64_t now_ns)
{
	sample.now_ns = now_ns;
	host_view_update(v, &topology, &capabilities, ds, &sample, false);
}

static inline bool near(double a, double b)
{
	return fabs(a - b) < 1e-9;
}

#endif
