/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A plan with one guest, whose soft limit libvirt is asked for. */
#ifndef KT_ACT_LIMIT_FIXTURE_H
#define KT_ACT_LIMIT_FIXTURE_H

#include "act_fixture.h"
#include "undo_text.h"

enum { SLOT = 5, INCARNATION = 9 };

static const struct uuid uuid = { .byte = { 1, 2, 3 } };

/* This process stands in for the guest's; its entry below the root's /proc is made up. */
static inline void setup(void)
{
	setup_at(NULL);
	put_process("a ) R 1");
	plan->nslots = SLOT + 1;
	plan->guest[SLOT] = (struct guest_plan){ .present = true,
						 .incarnation = INCARNATION,
						 .uuid = uuid,
						 .name = "db-1",
						 .pid = 42,
						 .start_ticks = 777,
						 .soft_limit_kib = KT_UNLIMITED_KIB };
}

static inline void bind(void)
{
	act_bind(act, SLOT, INCARNATION, &uuid, 42, 777);
}

static inline const struct guest_in_force *in_force(void)
{
	return &act_in_force(act)->guest[SLOT];
}

/* What libvirt's facts say, from the next plan on. */
static inline void fact(uint64_t kib)
{
	plan->guest[SLOT].soft_limit_kib = kib;
}

static inline void limit(uint64_t kib)
{
	plan->guest[SLOT].memory = (struct memory_plan){ .wish = WISH_SET,
							 .why = WHY_IDLEST_UNDER_PRESSURE,
							 .means = MEMORY_SOFT_LIMIT,
							 .target_kib = kib };
	act_apply(act, plan);
	assert_kept_lines_are_true(act);
}

static inline void release(void)
{
	plan->guest[SLOT].memory =
		(struct memory_plan){ .wish = WISH_RELEASE, .why = WHY_HOST_CALM };
	act_apply(act, plan);
	assert_kept_lines_are_true(act);
}

/* As it came: saved or migrated with a limit of a kvmtuned's. */
static inline void adopt(uint64_t kib, uint64_t original_kib)
{
	act_adopt_soft_limit(act, &uuid, kib, original_kib);
	fact(kib);
}

static inline void reply(uint64_t kib, int error)
{
	struct vm_reply answer = { .uuid = uuid, .error = error, .soft_limit_kib = kib };

	act_reply(act, &answer, 2000);
}

/* The only request since the last one, and libvirt did it. */
#define assert_asked(kib_)                                                                         \
	do {                                                                                       \
		ck_assert_uint_eq(nrequests, 1);                                                   \
		ck_assert(!request[0].is_pin);                                                     \
		ck_assert_uint_eq(request[0].kib, kib_);                                           \
		nrequests = 0;                                                                     \
	} while (0)

/* What the next request, which is not taken away, may find in force. */
static inline void assert_expects(uint64_t one_kib, uint64_t other_kib)
{
	ck_assert_uint_eq(nrequests, 1);
	ck_assert_uint_eq(request[0].order.expected_kib[0], one_kib);
	ck_assert_uint_eq(request[0].order.expected_kib[1], other_kib);
}

#define assert_done(kib_)                                                                          \
	do {                                                                                       \
		assert_asked(kib_);                                                                \
		reply(kib_, 0);                                                                    \
	} while (0)

#endif
