/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does an event become a journal entry, or a line? */
#include "journal.h"

#include <endian.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "datagram.h"
#include "message_ids.h"

/* sd_journal_sendv(3) would wait for a journald that does not read. */
#define JOURNAL_SOCKET "/run/systemd/journal/socket"

#define X(event, id) [event] = (id),
static const char *const message_ids[_LOG_EVENT_MAX] = { KT_MESSAGE_ID_LIST(X) };
#undef X

/* Main writes, the libvirt thread reads: a number beside a log line, so a torn or
 * late value would harm nobody, but the race detector wants it said. */
static _Atomic uint64_t current_cycle;

typedef bool deliver_fn(const struct log_event *event);

/* Two threads log.  Nothing waits long under the lock: a log that nobody reads must not hang
 * the guests' host. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static deliver_fn *deliver;
static uint64_t nlost; /* in a row, up to now */

/* Who reads slowly gets all, as long as that does not hold up a tick; who has stopped to read is
 * not waited for again. */
enum { PATIENCE_MS = 1000 };
static unsigned int patience_ms; /* what is left of it until the next tick */

static unsigned int patience(void)
{
	return nlost > 0 ? 0 : patience_ms;
}

/* ---- the journal ------------------------------------------------------------------- */

enum { FIELD_BYTES = 2048, LENGTH_BYTES = sizeof(uint64_t) };

struct entry {
	size_t used;
	char bytes[3 * FIELD_BYTES];
};

static void put(struct entry *e, const void *bytes, size_t size)
{
	memcpy(e->bytes + e->used, bytes, size);
	e->used += size;
}

/* journald's own protocol: "NAME=value" and a newline, or, for a value of several lines, its
 * length between the two.  What does not fit is left out: MESSAGE comes first and always
 * fits. */
static void KT_PRINTF(3, 4) add(struct entry *e, const char *name, const char *fmt, ...)
{
	char value[FIELD_BYTES];
	uint64_t length;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(value, sizeof value, fmt, args);
	va_end(args);
	if (n < 0 || strlen(name) + strlen(value) + LENGTH_BYTES + 2 > sizeof e->bytes - e->used)
		return;
	length = htole64(strlen(value));
	put(e, name, strlen(name));
	if (strchr(value, '\n')) {
		put(e, "\n", 1);
		put(e, &length, sizeof length);
	} else {
		put(e, "=", 1);
	}
	put(e, value, strlen(value));
	put(e, "\n", 1);
}

static void add_text(struct entry *e, const char *name, const char *value)
{
	if (value)
		add(e, name, "%s", value);
}

static bool to_journal(const struct log_event *event)
{
	static int fd = -1;
	char uuid[KT_UUID_STR];
	struct entry e;

	e.used = 0;
	add_text(&e, "MESSAGE", event->message);
	add(&e, "PRIORITY", "%d", (int)event->level);
	add_text(&e, "SYSLOG_IDENTIFIER", "kvmtuned");
	add_text(&e, "MESSAGE_ID", message_ids[event->id]);
	add_text(&e, "DOCUMENTATION", "man:kvmtuned(8)");
	add_text(&e, "KVMTUNED_DOMAIN", event->guest);
	if (event->uuid)
		add_text(&e, "KVMTUNED_UUID", uuid_str(event->uuid, uuid));
	add_text(&e, "KVMTUNED_ACTUATOR", event->actuator);
	add_text(&e, "KVMTUNED_ACTION", event->action);
	add_text(&e, "KVMTUNED_REASON", event->reason);
	add_text(&e, "KVMTUNED_FROM", event->from);
	add_text(&e, "KVMTUNED_TO", event->to);
	add(&e, "KVMTUNED_CYCLE", "%" PRIu64, (uint64_t)current_cycle);
	if (event->dry_run)
		add_text(&e, "KVMTUNED_DRY_RUN", "1");
	if (event->error)
		add(&e, "ERRNO", "%d", event->error);
	return datagram_send(&fd, JOURNAL_SOCKET, e.bytes, e.used, patience()) == 0;
}

/* ---- lines ------------------------------------------------------------------------- */

/* Of a terminal, which may take a part of a line and make the rest wait, an open file of our
 * own, that does not wait; the one that it came with is others' as well. */
static int out = STDERR_FILENO;

static void open_terminal(void)
{
	int fd = isatty(STDERR_FILENO)
			 ? open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
			 : -1;

	if (out != STDERR_FILENO)
		close(out);
	out = fd >= 0 ? fd : STDERR_FILENO;
}

/* Lines are shorter than PIPE_BUF, and for so much a pipe has room where poll(2) says so. */
_Static_assert(FIELD_BYTES + 64 <= PIPE_BUF, "a line could wait in the middle");

static bool write_line(char *line, size_t size, int length)
{
	struct pollfd room = { .fd = out, .events = POLLOUT };
	size_t n = (size_t)KT_CLAMP(length, 0, (int)size - 2);

	line[n] = '\n';
	return poll(&room, 1, (int)patience()) == 1 && write(out, line, n + 1) == (ssize_t)n + 1;
}

static bool to_stderr(const struct log_event *event)
{
	char line[FIELD_BYTES + 64];
	int n;

	n = snprintf(line, sizeof line - 1, "<%d>%s", (int)event->level, event->message);
	return write_line(line, sizeof line, n);
}

static bool to_terminal(const struct log_event *event)
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

	localtime_r(&now, &tm);
	strftime(clock, sizeof clock, "%H:%M:%S", &tm);
	n = snprintf(line, sizeof line - 1, "%s %-7s %s", clock, names[event->level],
		     event->message);
	return write_line(line, sizeof line, n);
}

/* ---- what nobody reads ------------------------------------------------------------- */

static bool say_lost(void)
{
	char message[96];
	struct log_event event = { .level = LOG_LEVEL_WARNING, .message = message };

	(void)snprintf(message, sizeof message,
		       "%" PRIu64 " messages before this one are lost: nobody took them", nlost);
	return deliver(&event);
}

static void sink(const struct log_event *event, void *context)
{
	uint64_t began_ns;

	(void)context;
	pthread_mutex_lock(&lock);
	began_ns = now_monotonic_ns();
	if (nlost > 0 && say_lost())
		nlost = 0;
	if (nlost > 0 || !deliver(event))
		nlost++;
	patience_ms -= (unsigned int)KT_MIN((now_monotonic_ns() - began_ns) / 1000000, patience_ms);
	pthread_mutex_unlock(&lock);
}

void journal_set_cycle(uint64_t cycle)
{
	current_cycle = cycle;
	pthread_mutex_lock(&lock);
	if (nlost > 0 && say_lost())
		nlost = 0;
	patience_ms = PATIENCE_MS;
	pthread_mutex_unlock(&lock);
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
	deliver = target == JOURNAL_FOREGROUND ? to_terminal
		  : stderr_is_journal()        ? to_journal
					       : to_stderr;
	open_terminal();
	patience_ms = PATIENCE_MS;
	log_set_sink(sink, NULL, most_verbose);
}
