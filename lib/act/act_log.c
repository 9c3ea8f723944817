/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How is something said about a guest? */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "act_private.h"
#include "str.h"

void guest_log(const struct act_guest *g, struct log_event event, const char *fmt, ...)
{
	char name[ESCAPED_NAME_MAX], text[1024];
	va_list args;

	if (!log_wants(event.level))
		return;
	event.guest = str_escape(g->name, name, sizeof name);
	event.uuid = &g->uuid;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof text, fmt, args); /* a cut sentence is still a log line */
	va_end(args);
	log_emitf(event, "%.400s: %s", name, text);
}

const char *change_verb(const struct log_event *event)
{
	if (event->id == LOG_RESTORED)
		return "restored";
	return event->dry_run ? "would be set" : "set";
}

const char *reason_str(enum why why)
{
	return why == WHY_NONE ? NULL : why_str(why);
}

char *kib_str(uint64_t kib, char buf[KIB_TEXT_MAX])
{
	if (kib == KT_UNLIMITED_KIB || str_format(buf, KIB_TEXT_MAX, "%" PRIu64 " KiB", kib) < 0)
		memcpy(buf, "unlimited", sizeof "unlimited");
	return buf;
}
