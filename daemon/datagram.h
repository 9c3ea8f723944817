/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A word to another process's socket, from somebody who does not wait, or not long, for it to
 * be read. */
#ifndef KT_DATAGRAM_H
#define KT_DATAGRAM_H

#include <stddef.h>

#include "util.h"

/* to: a path, or "@name" of the abstract namespace.  *fd: the caller's own socket, -1 before
 * the first call; it is opened once and kept, for a time when there are no descriptors.  It
 * serves one receiver: what waits to be read counts against its buffer.
 * wait_ms: for room, at most.
 * -EAGAIN: the receiver does not read; -ENOENT, -ECONNREFUSED: there is none; -errno. */
int datagram_send(int *fd, const char *to, const void *bytes, size_t size,
		  unsigned int wait_ms) KT_MUST_USE;

#endif
