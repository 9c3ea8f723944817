/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does an event become a journal entry, or a line? */
#include "journal.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <time.h>

/* The source location of a log wrapper tells nobody anything. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "message_ids.h"

#define X(event, id) [event] = (id),
static const char *const message_ids[_LOG_EVENT_MAX] = { KT_MESSAGE_ID_LIST(X) };
#undef X

/* Main writes, the libvirt thread reads: a number beside a log line, so a torn or
 * late value would harm nobody, but the race detector wants it said. */
static _Atomic uint64_t current_cycle;

void journal_set_cycle(uint64_t cycle)
{
	current_cycle = cycle;
}

enum { FIELDS_MAX = 16, FIELD_BYTES = 2048 };

struct entry {
	struct iovec field[FIELDS_MAX];
	int nfields;
	size_t used;
	char text[3 * FIELD_BYTES];
};

/* NAME=value; a value that is NULL gives no field.  What does not fit is left out:
 * MESSAGE comes first and always fits. */
static void KT_PRINTF(2, 3) add(struct entry *e, const char *fmt, ...)
{
	char *at = e->text + e->used;
	size_t room = sizeof e->text - e->used;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(at, room, fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= room || e->nfields == FIELDS_MAX)
		return;
	e->field[e->nfields++] = (struct iovec){ .iov_base = at, .iov_len = (size_t)n };
	e->used += (size_t)n + 1;
}

static void add_text(struct entry *e, const char *name, const char *value)
{
	if (value)
		add(e, "%s=%s", name, value);
}

static void to_journal(const struct log_event *event, void *context)
{
	const char *id = message_ids[event->id];
	char uuid[KT_UUID_STR];
	struct entry e;

	(void)context;
	e.nfields = 0;
	e.used = 0;
	add(&e, "MESSAGE=%.*s", FIELD_BYTES, event->message);
	add(&e, "PRIORITY=%d", (int)event->level);
	add_text(&e, "SYSLOG_IDENTIFIER", "kvmtuned");
	if (id)
		add(&e, "MESSAGE_ID=%s", id);
	add_text(&e, "DOCUMENTATION", "man:kvmtuned(8)");
	add_text(&e, "KVMTUNED_DOMAIN", event->guest);
	if (event->uuid)
		add_text(&e, "KVMTUNED_UUID", uuid_str(event->uuid, uuid));
	add_text(&e, "KVMTUNED_ACTUATOR", event->actuator);
	add_text(&e, "KVMTUNED_ACTION", event->action);
	add_text(&e, "KVMTUNED_REASON", event->reason);
	add_text(&e, "KVMTUNED_FROM", event->from);
	add_text(&e, "KVMTUNED_TO", event->to);
	add(&e, "KVMTUNED_CYCLE=%" PRIu64, (uint64_t)current_cycle);
	if (event->dry_run)
		add(&e, "KVMTUNED_DRY_RUN=1");
	if (event->error)
		add(&e, "ERRNO=%d", event->error);
	(void)sd_journal_sendv(e.field, e.nfields); /* nobody left to tell */
}

static void to_stderr(const struct log_event *event, void *context)
{
	char line[FIELD_BYTES + 64];
	int n;

	(void)context;
	n = snprintf(line, sizeof line - 1, "<%d>%s", (int)event->level, event->message);
	n = KT_CLAMP(n, 0, (int)sizeof line - 2);
	line[n] = '\n';
	/* One write a line: two threads log. */
	(void)!write(STDERR_FILENO, line, (size_t)n + 1);
}

static void to_terminal(const struct log_event *event, void *context)
{
	static const char *const names[] = { [LOG_LEVEL_ERR] = "error",
					     [LOG_LEVEL_WARNING] = "warning",
					     [LOG_LEVEL_NOTICE] = "notice",
					     [LOG_LEVEL_INFO] = "info",
					     [LOG_LEVEL_DEBUG] = "debug" };
	char line[FIELD_BYTES + 64], clock[16];
	time_t now = time(NULL);
	struct tm tm;
	int n;

	(void)context;
	localtime_r(&now, &tm);
	strftime(clock, sizeof clock, "%H:%M:%S", &tm);
	n = snprintf(line, sizeof line - 1, "%s %-7s %s", clock, names[event->level],
		     event->message);
	n = KT_CLAMP(n, 0, (int)sizeof line - 2);
	line[n] = '\n';
	(void)!write(STDERR_FILENO, line, (size_t)n + 1);
}

/* systemd says in JOURNAL_STREAM which device and inode its stream has; only when
 * stderr is that stream does the journal hear us there anyway, and fields are
 * better. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

void journal_open(enum journal_target target, enum log_level most_verbose)
{
	log_sink_fn *sink = to_stderr;

	if (target == JOURNAL_FOREGROUND)
		sink = to_terminal;
	else if (stderr_is_journal())
		sink = to_journal;
	log_set_sink(sink, NULL, most_verbose);
}
