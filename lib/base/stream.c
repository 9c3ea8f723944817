/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose is the descriptor, and has everything been written? */
#include "stream.h"

#include <errno.h>

int stream_of_fd(int *fd, const char *mode, FILE **ret)
{
	FILE *f = fdopen(*fd, mode);

	if (!f)
		return -errno;
	(void)KT_TAKE_FD(*fd); /* fclose closes it */
	*ret = f;
	return 0;
}

int stream_flush(FILE *f)
{
	errno = 0;
	if (fflush(f) == 0 && !ferror(f))
		return 0;
	return errno ? -errno : -EIO;
}
