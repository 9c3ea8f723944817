/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How is something said without waiting until it is heard? */
#include "datagram.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

static int address_of(const char *to, struct sockaddr_un *ret, socklen_t *ret_size)
{
	size_t length = strlen(to);

	if (length < 2 || length >= sizeof ret->sun_path || (to[0] != '/' && to[0] != '@'))
		return -EINVAL;
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(ret->sun_path, to, length);
	if (to[0] == '@')
		ret->sun_path[0] = '\0'; /* the name then has no end but that of the address */
	*ret_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (to[0] == '/'));
	return 0;
}

/* poll(2) does not know the queue of a receiver that the socket is not connected to. */
static int wait_at_most(int fd, unsigned int ms)
{
	struct timeval patience = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

/* The address goes with each datagram: a receiver that was started anew needs no care. */
int datagram_send(int *fd, const char *to, const void *bytes, size_t size, unsigned int wait_ms)
{
	struct sockaddr_un address;
	socklen_t address_size;
	ssize_t sent;
	int r = address_of(to, &address, &address_size);

	if (r < 0)
		return r;
	if (*fd < 0)
		*fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return -errno;
	sent = sendto(*fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL,
		      (const struct sockaddr *)&address, address_size);
	if (sent < 0 && errno == EAGAIN && wait_ms > 0 && wait_at_most(*fd, wait_ms) == 0)
		sent = sendto(*fd, bytes, size, MSG_NOSIGNAL, (const struct sockaddr *)&address,
			      address_size);
	return sent < 0 ? -errno : 0;
}
