/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When is asked again for what the kernel or libvirt has failed to do? */
#include <errno.h>
#include <string.h>

#include "act_private.h"
#include "str.h"

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
	return error == -ENOTSUP || error == -EACCES || error == -EPERM || error == -EROFS;
}

bool act_error_is_ours(int error)
{
	return error == -EMFILE || error == -ENFILE || error == -ENOMEM || error == -EINTR;
}

bool act_file_has_gone(const struct act *a, const char *path, int error)
{
	const char *slash = strchr(path, '/');
	char mount[KT_PATH_MAX];

	slash = slash ? strchr(slash + 1, '/') : NULL; /* after "proc/sys", "sys/module", ... */
	if (error != -ENOENT || !slash)
		return error == -ENOENT;
	return str_format(mount, sizeof mount, "%.*s", (int)(slash - path), path) == 0 &&
	       hostfs_exists(a->fs, mount);
}

void act_say_ours(struct act *a, const char *path, int error)
{
	static const uint64_t every_ns = WAIT_MAX_S * KT_NS_PER_S;

	a->postponed++;
	if (a->ours_said_ns && a->now_ns < a->ours_said_ns + every_ns)
		return;
	a->ours_said_ns = KT_MAX(a->now_ns, UINT64_C(1));
	log_emitf((struct log_event){ .level = LOG_LEVEL_WARNING,
				      .id = LOG_WRITE_REFUSED,
				      .actuator = "host",
				      .action = "postpone",
				      .error = -error },
		  "/%s: %s: kvmtuned itself has run out of it; nothing is turned off, and the next "
		  "look tries again",
		  path, strerror(-error));
}

void act_say_no_thread(struct act *a, int error)
{
	act_say_ours(a, "proc/self/task", error);
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

bool act_retry_is_hopeless(const struct retry *r)
{
	return r->at_ns == 0 || r->wait_s > 2 * FIRST_WAIT_S;
}

const char *act_retry_str(const struct retry *r, char buf[RETRY_TEXT_MAX])
{
	buf[0] = '\0';
	if (r->at_ns != 0)
		(void)snprintf(buf, RETRY_TEXT_MAX, " for %u s", r->wait_s);
	return buf;
}
