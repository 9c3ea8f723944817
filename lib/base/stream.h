/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Our own files, line by line, without a failure that nobody hears of. */
#ifndef KT_STREAM_H
#define KT_STREAM_H

#include <stdio.h>

#include "util.h"

/* *fd as a stream, which closes it from now on.  mode as of fdopen.  -errno: *fd is still the
 * caller's. */
int stream_of_fd(int *fd, const char *mode, FILE **ret) KT_MUST_USE;

/* 0: the kernel has all that was written; -errno of the write that failed, -EIO when that was
 * an earlier one. */
int stream_flush(FILE *f) KT_MUST_USE;

#endif
