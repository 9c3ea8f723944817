/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's real loop, on the real host and libvirt's test driver; what is decided, and when
 * the loop is stopped, is the test's (arbiter_step). */
#ifndef KT_LOOP_FIXTURE_H
#define KT_LOOP_FIXTURE_H

#include <signal.h>

#include "kvmtuned.h"
#include "virt_fixture.h"

static struct kvmtuned *k;

static inline void loop_begin(void)
{
	ck_assert_int_eq(uuid_parse(guest_uuid, &uuid), 0);
	log_set_sink(count_warnings, NULL, LOG_LEVEL_DEBUG);
	k = kvmtuned_new();
	ck_assert_ptr_nonnull(k);
	conf_defaults(&k->conf);
	ck_assert_int_eq(hostfs_open("/", &k->fs), 0);
	ck_assert_int_eq(sense_new(&k->fs, &k->sense), 0);
	k->vm_ops = guests_vm_ops(k);
	ck_assert_int_eq(act_new(&k->fs, NULL, &k->vm_ops, &k->act), 0);
	k->virt = start("test:///default");
}

static inline void loop_end(void)
{
	ck_assert_int_eq(virt_stop(k->virt, 10000), 0);
	kvmtuned_free(k);
}

#endif
