/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The identity of a guest: libvirt's UUID.  Names can change, PIDs recycle. */
#ifndef KT_UUID_H
#define KT_UUID_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "util.h"

struct uuid {
	uint8_t byte[16];
};

enum { KT_UUID_STR = 37 };

static inline bool uuid_equal(const struct uuid *a, const struct uuid *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

/* 36 characters, as libvirt prints it.  Returns buf. */
char *uuid_str(const struct uuid *u, char buf[KT_UUID_STR]);

/* Accepts exactly what uuid_str writes, in either case.  -EINVAL otherwise. */
int uuid_parse(const char *text, struct uuid *ret) KT_MUST_USE;

#endif
