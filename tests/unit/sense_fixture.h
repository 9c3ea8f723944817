/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A sense that reads a scratch host, and questions about what it read. */
#ifndef KT_SENSE_FIXTURE_H
#define KT_SENSE_FIXTURE_H

#include "sense_root.h"

static struct domains *ds;
static struct sense *sense;
static struct sample sample;

/* More than the samples between two looks at what changes rarely. */
enum { MANY_SAMPLES = 200 };

static inline int read_once(void)
{
	static uint64_t now_ns;

	return sense_read(sense, ds, ++now_ns, &sample);
}

static inline void start(void)
{
	ck_assert_int_eq(sense_new(&fs, &sense), 0);
}

static inline void setup(void)
{
	root_setup();
	ds = domains_new();
	ck_assert_ptr_nonnull(ds);
	memset(&sample, 0xff, sizeof sample); /* what is not written shows */
}

static inline void teardown(void)
{
	sense_free(sense);
	domains_free(ds);
	root_teardown();
}

static inline void announce(unsigned int number)
{
	struct domain d = domain_of(number);

	strcpy(d.device[0], "br0");
	d.ndevices = 1;
	ck_assert_int_ge(domains_put(ds, &d), 0);
}

static inline const struct guest_sample *guest(unsigned int number)
{
	struct domain d = domain_of(number);
	int slot = domains_find(ds, &d.uuid);

	ck_assert_int_ge(slot, 0);
	return &sample.guest[slot];
}

/* How many samples until the guest is present, or not, or MANY_SAMPLES. */
static inline int samples_until(unsigned int number, bool present)
{
	for (int n = 1; n < MANY_SAMPLES; n++) {
		ck_assert_int_eq(read_once(), 0);
		if (guest(number)->present == present)
			return n;
	}
	return MANY_SAMPLES;
}

static inline bool never_present(unsigned int number)
{
	return samples_until(number, true) == MANY_SAMPLES;
}

static inline bool has_thread(unsigned int number, pid_t tid)
{
	for (size_t i = 0; i < guest(number)->nthreads; i++)
		if (guest(number)->threads[i].tid == tid)
			return true;
	return false;
}

static inline const struct guest_thread *thread(unsigned int number, pid_t tid)
{
	const struct guest_thread *t = guest(number)->threads;

	ck_assert(has_thread(number, tid));
	while (t->tid != tid)
		t++;
	return t;
}

static inline bool all_zero(const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((const char *)p)[i])
			return false;
	return true;
}

#define LOOP(tc, test, table) tcase_add_loop_test(tc, test, 0, KT_ARRAY_LEN(table))

#endif
