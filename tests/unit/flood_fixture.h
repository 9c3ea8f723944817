/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests of libvirt's test driver, to which something happens all the time. */
#ifndef KT_FLOOD_FIXTURE_H
#define KT_FLOOD_FIXTURE_H

#include "random_fixture.h"
#include "virt_fixture.h"

enum { GUESTS = 16, EVENTS = 10000 };

static virDomainPtr flooded[GUESTS];
static struct uuid flooded_uuid[GUESTS];

/* They are there for whoever is on the same driver. */
static inline void make_guests(virConnectPtr on)
{
	char xml[256];

	for (unsigned int i = 0; i < GUESTS; i++) {
		(void)snprintf(xml, sizeof xml,
			       "<domain type='test'><name>flood-%u</name><memory>65536</memory>"
			       "<os><type>hvm</type></os></domain>",
			       i);
		flooded[i] = virDomainDefineXML(on, xml);
		ck_assert_ptr_nonnull(flooded[i]);
		ck_assert_int_eq(virDomainGetUUID(flooded[i], flooded_uuid[i].byte), 0);
	}
}

static inline void free_guests(void)
{
	for (size_t i = 0; i < GUESTS; i++) {
		(void)virDomainDestroy(flooded[i]);
		ck_assert_int_eq(virDomainFree(flooded[i]), 0);
	}
}

static inline int state_of(virDomainPtr dom)
{
	int state = VIR_DOMAIN_NOSTATE;

	ck_assert_int_eq(virDomainGetState(dom, &state, NULL, 0), 0);
	return state;
}

/* One or two events. */
static inline void something_happens(uint64_t *seed)
{
	virDomainPtr dom = flooded[fixture_below(seed, GUESTS)];
	int state = state_of(dom);

	if (state == VIR_DOMAIN_SHUTOFF)
		ck_assert_int_eq(virDomainCreate(dom), 0);
	else if (fixture_below(seed, 3) == 0)
		ck_assert_int_eq(virDomainDestroy(dom), 0);
	else if (state == VIR_DOMAIN_PAUSED)
		ck_assert_int_eq(virDomainResume(dom), 0);
	else
		ck_assert_int_eq(virDomainSuspend(dom), 0);
}

#endif
