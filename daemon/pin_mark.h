/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which pins of a guest are ours?  A mark in its live metadata says so:
 *
 *	<kvmtuned-pin:pins>
 *	  <kvmtuned-pin:pin of="vcpu" number="0" cpus="0-7" was="none"/>
 *	  <kvmtuned-pin:pin of="emulator" number="0" cpus="0-7" was="0-63"/>
 *	</kvmtuned-pin:pins>
 *
 * `was` is the pin that there was before the first of ours.  A mark means something only
 * as long as that very pin is in force.  A thread that moves has two of them, of which one
 * is in force at any moment.  As libvirt cannot delete a live pin, one that was given back
 * stays as a pin to every CPU, and keeps its mark. */
#ifndef KT_PIN_MARK_H
#define KT_PIN_MARK_H

#include <libxml/tree.h>

#include "cpumask.h"
#include "guest_thread.h"

#define PIN_MARK_NAMESPACE "urn:kvmtuned:pin:1"
#define PIN_MARK_PREFIX    "kvmtuned-pin"

/* Two for each thread that libvirt can pin. */
enum { PIN_MARKS_MAX = 2 * KT_THREADS_MAX };

struct pin_mark {
	enum thread_role role;
	unsigned int number;
	struct cpumask cpus, was;
	bool was_pinned; /* else `was` is empty, and written as "none" */
};

struct pin_marks {
	size_t n, capacity;
	struct pin_mark *mark;
};

void pin_marks_free(struct pin_marks *m);

#define PIN_MARKS_AUTO __attribute__((cleanup(pin_marks_free)))

/* Each adds to what is there.  -ENOMEM; -E2BIG: too many. */
int pin_marks_add(struct pin_marks *m, const struct pin_mark *mark) KT_MUST_USE;
/* Of a <domain>; without a mark none.  -EINVAL: one that cannot be understood, which means
 * nothing. */
int pin_marks_read(const xmlNode *domain, struct pin_marks *m) KT_MUST_USE;
/* What is pinned, by whomever; `was` is not filled.  What cannot be read is left out. */
int pin_marks_read_pins(const xmlNode *domain, struct pin_marks *m) KT_MUST_USE;

/* A vcpupin, emulatorpin or iothreadpin.  False: none, or one that cannot be read. */
bool pin_read(const xmlNode *n, struct pin_mark *ret) KT_MUST_USE;

/* The mark of this very pin; NULL: it is not ours. */
const struct pin_mark *pin_marks_of(const struct pin_marks *m, const struct pin_mark *pin);
/* The pin of this thread; NULL: it has none. */
const struct pin_mark *pin_marks_of_thread(const struct pin_marks *m, enum thread_role role,
					   unsigned int number);

/* Somebody has put a pin in the place of one of ours. */
bool pin_marks_replaced(const struct pin_marks *m, const struct pin_mark *pin);

/* As virDomainSetMetadata takes it; the caller frees it.  NULL: no memory. */
char *pin_marks_text(const struct pin_marks *m);

#endif
