/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When is libvirt asked again for what it has failed to do? */
#include <errno.h>

#include "act_private.h"

/* A call that fails now and then costs a guest seconds of its place; one that always fails is
 * made, and told of, six times an hour. */
enum { FIRST_WAIT_S = 10, WAIT_MAX_S = 600 };

bool act_error_passes(int error)
{
	return error == -EAGAIN || error == -ENOTCONN || error == -ETIMEDOUT || error == -EBUSY ||
	       error == -ENOENT;
}

bool act_error_is_final(int error)
{
	return error == -ENOTSUP || error == -EACCES || error == -EPERM;
}

void act_retry_later(struct retry *r, uint64_t now_ns)
{
	r->wait_s = r->wait_s ? KT_MIN(2 * r->wait_s, (unsigned int)WAIT_MAX_S) : FIRST_WAIT_S;
	r->at_ns = now_ns + r->wait_s * KT_NS_PER_S;
}

bool act_retry_is_due(struct retry *r, uint64_t now_ns)
{
	if (r->at_ns == 0 || now_ns < r->at_ns)
		return false;
	r->at_ns = 0;
	return true;
}

const char *act_retry_str(const struct retry *r, char buf[RETRY_TEXT_MAX])
{
	buf[0] = '\0';
	if (r->at_ns != 0)
		(void)snprintf(buf, RETRY_TEXT_MAX, " for %u s", r->wait_s);
	return buf;
}
