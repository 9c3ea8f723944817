/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The soft limit of the test driver's guest, its mark, and somebody else who writes them. */
#ifndef KT_VIRT_LIMIT_FIXTURE_H
#define KT_VIRT_LIMIT_FIXTURE_H

#include <dlfcn.h>
#include <string.h>

#include "virt_fixture.h"

#define MARK_NAMESPACE "urn:kvmtuned:limit:1"

/* Of libvirt or libc, behind a namesake in a test. */
static inline void *real(const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	ck_assert_ptr_nonnull(found);
	return found;
}

static inline uint64_t limit_in_force(void)
{
	virTypedParameter params[8];
	unsigned long long kib = 0;
	int n = KT_ARRAY_LEN(params);

	memset(params, 0, sizeof params);
	ck_assert_int_eq(virDomainGetMemoryParameters(guest, params, &n, VIR_DOMAIN_AFFECT_LIVE),
			 0);
	ck_assert_int_eq(virTypedParamsGetULLong(params, n, VIR_DOMAIN_MEMORY_SOFT_LIMIT, &kib), 1);
	virTypedParamsClear(params, n);
	return kib;
}

/* libvirt sends no event for this. */
static inline void somebody_limits_to(unsigned long long kib)
{
	virTypedParameter limit = { .field = VIR_DOMAIN_MEMORY_SOFT_LIMIT,
				    .type = VIR_TYPED_PARAM_ULLONG,
				    .value.ul = kib };

	ck_assert_int_eq(virDomainSetMemoryParameters(guest, &limit, 1, VIR_DOMAIN_AFFECT_LIVE), 0);
}

/* NULL: there is none. */
static inline void mark_is(const char *wanted)
{
	KT_AUTOFREE char *mark = virDomainGetMetadata(guest, VIR_DOMAIN_METADATA_ELEMENT,
						      MARK_NAMESPACE, VIR_DOMAIN_AFFECT_LIVE);

	if (wanted)
		ck_assert_str_eq(mark ? mark : "(none)", wanted);
	else
		ck_assert_ptr_null(mark);
}

#endif
