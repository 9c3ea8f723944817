/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The libvirt thread on libvirt's own test driver, which lives in this process, and an
 * admin who works on the same guests. */
#ifndef KT_VIRT_FIXTURE_H
#define KT_VIRT_FIXTURE_H

#include <libvirt/libvirt.h>
#include <poll.h>
#include <stdatomic.h>

#include "kt_check.h"
#include "log.h"
#include "virt.h"

#define NEVER UINT64_MAX

/* The one guest of test:///default. */
static const char guest_uuid[] = "6695eb01-f6a4-8304-79aa-97f2502e193f";

static struct virt *virt;
static virConnectPtr admin; /* somebody else, on the same driver */
static virDomainPtr guest;
static struct uuid uuid;
static atomic_int warnings;

static inline void count_warnings(const struct log_event *event, void *context)
{
	(void)context;
	if (event->level <= LOG_LEVEL_WARNING)
		atomic_fetch_add(&warnings, 1);
}

static inline struct virt *start(const char *uri)
{
	const struct virt_options options = { .uri = uri };
	struct virt *v;

	ck_assert_int_eq(virt_start(&options, &v), 0);
	return v;
}

/* Waits as long as the test may. */
static inline struct virt_news next(void)
{
	struct pollfd ready = { .fd = virt_wake_fd(virt), .events = POLLIN };
	struct virt_news news;

	while (!virt_next(virt, &news))
		ck_assert_int_eq(poll(&ready, 1, -1), 1);
	return news;
}

static inline struct virt_news next_of(enum virt_news_kind kind)
{
	struct virt_news news = next();

	while (news.kind != kind)
		news = next();
	return news;
}

/* By somebody who has not looked where the thread runs. */
static inline int request_pin(const struct uuid *of, enum thread_role role, unsigned int number,
			      const struct cpumask *cpus, uint64_t deadline_ns)
{
	const struct pin_order order = { .role = role, .number = number, .cpus = *cpus };

	return virt_request_pin(virt, of, &order, deadline_ns);
}

/* By somebody who has not set one yet: what he found is there. */
static inline int request_limit(const struct uuid *of, uint64_t kib, uint64_t original_kib)
{
	const struct limit_order order = { .kib = kib,
					   .original_kib = original_kib,
					   .expected_kib = { original_kib, original_kib } };

	return virt_request_soft_limit(virt, of, &order, NEVER);
}

static inline void set_up(void)
{
	ck_assert_int_eq(uuid_parse(guest_uuid, &uuid), 0);
	log_set_sink(count_warnings, NULL, LOG_LEVEL_DEBUG);
	virt = start("test:///default");
	admin = virConnectOpen("test:///default");
	ck_assert_ptr_nonnull(admin);
	guest = virDomainLookupByUUIDString(admin, guest_uuid);
	ck_assert_ptr_nonnull(guest);
	(void)next_of(VIRT_RESYNC_DONE);
}

static inline void tear_down(void)
{
	ck_assert_int_eq(virDomainFree(guest), 0);
	ck_assert_int_eq(virConnectClose(admin), 0);
	ck_assert_int_eq(virt_stop(virt, 10000), 0);
}

static inline struct cpumask one_cpu(unsigned int cpu)
{
	struct cpumask cpus = { 0 };

	cpumask_set(&cpus, cpu);
	return cpus;
}

#endif
