/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A socket like systemd's, to which a service tells its state. */
#ifndef KT_NOTIFY_SOCKET_H
#define KT_NOTIFY_SOCKET_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "kt_check.h"

static int notify_fd;
static char heard[512];

static inline void notify_listen(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char name[64];

	(void)snprintf(name, sizeof name, "@kt-notify-%d", (int)getpid());
	notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	strcpy(address.sun_path + 1, name + 1);
	ck_assert_int_eq(bind(notify_fd, (struct sockaddr *)&address,
			      (socklen_t)(sizeof(sa_family_t) + strlen(name))),
			 0);
	setenv("NOTIFY_SOCKET", name, 1);
}

/* The next message; "": there is none. */
static inline const char *hear(void)
{
	ssize_t n = recv(notify_fd, heard, sizeof heard - 1, 0);

	heard[n > 0 ? n : 0] = '\0';
	return heard;
}

#endif
