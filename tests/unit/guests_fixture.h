/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's table of guests behind the libvirt thread, on libvirt's test driver, which takes its
 * time when the test says so. */
#ifndef KT_GUESTS_FIXTURE_H
#define KT_GUESTS_FIXTURE_H

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "kvmtuned.h"
#include "scratch.h"
#include "virt_limit_fixture.h"

static char root[64];
static struct kvmtuned *k;

/* ---- libvirt, when it takes its time: these take the place of their namesakes ----------- */

/* Who sets a limit has a number, from 1, and waits until that is let in. */
enum { EVERYBODY = 1000 };
static atomic_int nat_gate, nlet_in = EVERYBODY;
static atomic_int seconds_ahead;

typedef int set_memory_fn(virDomainPtr, virTypedParameterPtr, int, unsigned int);
typedef int clock_fn(clockid_t, struct timespec *);

int virDomainSetMemoryParameters(virDomainPtr dom, virTypedParameterPtr params, int n,
				 unsigned int flags)
{
	set_memory_fn *call = (set_memory_fn *)real("virDomainSetMemoryParameters");
	int number = ++nat_gate;

	while (number > nlet_in)
		(void)poll(NULL, 0, 1);
	return call(dom, params, n, flags);
}

int clock_gettime(clockid_t id, struct timespec *ret)
{
	clock_fn *call = (clock_fn *)real("clock_gettime");
	int r = call(id, ret);

	ret->tv_sec += seconds_ahead;
	return r;
}

/* ---- kvmtuned --------------------------------------------------------------------------- */

static inline void begin(void)
{
	set_up();
	scratch_make(root, sizeof root);
	k = kvmtuned_new();
	ck_assert_ptr_nonnull(k);
	k->virt = virt;
	k->vm_ops = guests_vm_ops(k);
	conf_defaults(&k->conf);
	ck_assert_int_eq(hostfs_open("/", &k->fs), 0);
	ck_assert_int_eq(act_new(&k->fs, root, &k->vm_ops, &k->act), 0);
}

static inline void end(void)
{
	kvmtuned_free(k);
	ck_assert_int_eq(scratch_remove(root), 0);
	tear_down();
}

/* Waits as long as the test may.  True: there is something to look at. */
static inline bool take_some_news(void)
{
	struct pollfd ready = { .fd = virt_wake_fd(virt), .events = POLLIN };

	ck_assert_int_eq(poll(&ready, 1, -1), 1);
	return guests_take_news(k, now_monotonic_ns());
}

static inline void mark_is_set(const char *mark)
{
	ck_assert_int_eq(virDomainSetMetadata(guest, VIR_DOMAIN_METADATA_ELEMENT, mark,
					      "kvmtuned-limit", MARK_NAMESPACE,
					      VIR_DOMAIN_AFFECT_LIVE),
			 0);
}

/* Its facts, as they are now, are here. */
static inline size_t see_guest(bool marked)
{
	int slot;

	ck_assert_int_eq(virt_request_refresh(virt, &uuid), 0);
	while ((slot = domains_find(k->domains, &uuid)) < 0 ||
	       k->domains->slot[slot].domain.has_limit_mark != marked)
		(void)take_some_news();
	return (size_t)slot;
}

static inline struct domain_slot *slot_of_guest(void)
{
	int slot = domains_find(k->domains, &uuid);

	return slot < 0 ? NULL : &k->domains->slot[slot];
}

/* Until its facts have been read once more: the balloon's size is made another each time. */
static inline void until_read_again(void)
{
	static unsigned long kib = 1048576;

	kib -= 1024;
	ck_assert_int_eq(virDomainSetMemory(guest, kib), 0);
	ck_assert_int_eq(virt_request_refresh(virt, &uuid), 0);
	while (!slot_of_guest() || slot_of_guest()->domain.audit.current_kib != kib)
		(void)take_some_news();
}

static inline uint64_t own_start_ticks(void)
{
	FILE *f = fopen("/proc/self/stat", "re");
	unsigned long long ticks = 0;

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f,
				"%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u "
				"%*d %*d %*d %*d %*d %*d %llu",
				&ticks),
			 1);
	fclose(f);
	return ticks;
}

/* Its process was found: it is this one. */
static inline const struct guest_in_force *bind_guest(size_t slot)
{
	k->sample->guest[slot] = (struct guest_sample){ .present = true,
							.pid = getpid(),
							.start_ticks = own_start_ticks() };
	guests_bind(k, slot);
	return &act_in_force(k->act)->guest[slot];
}

static inline void ask(uint64_t kib)
{
	const struct limit_order order = { .kib = kib,
					   .original_kib = KT_UNLIMITED_KIB,
					   .expected_kib = { KT_UNLIMITED_KIB, KT_UNLIMITED_KIB } };

	ck_assert_int_eq(k->vm_ops.set_soft_limit(k, &uuid, &order), 0);
}

#endif
