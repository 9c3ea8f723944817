/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which file of the host cannot be read, though there is one?
 *
 * All else goes on, so nobody would miss it: what such a file says of is as it was, or unknown, and
 * the loop that needs it does nothing. */
#include "trouble.h"

#include <errno.h>
#include <string.h>

#include "kvmtuned.h"
#include "str.h"

enum { SAID_EVERY_S = 600 };

static const char *hint(int error)
{
	switch (error) {
	case -EACCES:
	case -EPERM:
		return "check that it runs as root, and ProtectProc= and InaccessiblePaths= of the "
		       "unit";
	case -EMFILE:
	case -ENFILE:
		return "check LimitNOFILE= of the unit";
	case -ENOMEM:
		return "check MemoryMax= of the unit";
	case -EINVAL:
	case -ERANGE:
		return "it says what this version of kvmtuned does not understand";
	default:
		return "the kernel's log may say more";
	}
}

/* Once, for as long as it lasts; one that comes and goes is said now and then. */
static bool is_news(struct kvmtuned *k, const char *path, uint64_t now_ns)
{
	bool is_said = strcmp(k->trouble, path) == 0;
	bool is_soon =
		k->trouble_said_ns && now_ns - k->trouble_said_ns < SAID_EVERY_S * KT_NS_PER_S;

	return !is_said && !is_soon;
}

void trouble_say(struct kvmtuned *k, uint64_t now_ns)
{
	int error;
	const char *path = sense_trouble(k->sense, &error);

	if (!path) {
		k->trouble[0] = '\0';
		return;
	}
	if (!is_news(k, path, now_ns))
		return;
	k->trouble_said_ns = now_ns;
	(void)snprintf(k->trouble, sizeof k->trouble, "%s", path);
	log_emitf((struct log_event){ .level = LOG_LEVEL_WARNING,
				      .id = LOG_SENSE_FAILED,
				      .error = -error },
		  "%s: %s; until it can be read, nothing is changed by what it would say (%s)",
		  path, strerror(-error), hint(error));
}
