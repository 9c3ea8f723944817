/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which functions of libvirt were called, in which order, for tests that stand in for them. */
#ifndef KT_VIRT_CALLS_FIXTURE_H
#define KT_VIRT_CALLS_FIXTURE_H

#include <errno.h>

#include "virt_limit_fixture.h"

static char calls[64]; /* a letter each, of the test's choice; read after the reply */
static atomic_int nreadings;

typedef int set_metadata_fn(virDomainPtr, int, const char *, const char *, const char *,
			    unsigned int);
typedef char *get_xml_fn(virDomainPtr, unsigned int);

static inline void note_call(char call)
{
	size_t n = strlen(calls);

	ck_assert_uint_lt(n, sizeof calls - 1);
	calls[n] = call;
}

/* Requests that are refused: each goes round the thread's loop once. */
static inline int readings_after_rounds(int nrounds)
{
	struct uuid stranger = uuid;

	stranger.byte[0] ^= 1;
	while (nrounds-- > 0) {
		ck_assert_int_eq(request_limit(&stranger, 4096, KT_UNLIMITED_KIB), 0);
		ck_assert_int_eq(next_of(VIRT_REPLY).reply.error, -ENOENT);
	}
	return nreadings;
}

/* Ours raise events, too, for each of which the guest is read again. */
static inline void events_come_to_an_end(void)
{
	int settled = readings_after_rounds(32);

	ck_assert_int_gt(settled, 0);
	ck_assert_int_eq(readings_after_rounds(32), settled);
}

#endif
