/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does systemd know that we are well? */
#include "service.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>

#include "datagram.h"

/* A status that was not taken is sent again with the next tick; so is READY=1, without which
 * systemd would end us. */
static char last_status[256];
static bool ready_owed;

/* sd_notify(3) would wait for a systemd that does not read. */
static bool notify(const char *text)
{
	static int fd = -1;
	const char *to = getenv("NOTIFY_SOCKET");

	return !to || datagram_send(&fd, to, text, strlen(text), 0) == 0;
}

void service_ready(void)
{
	ready_owed = !notify("READY=1");
}

void service_reloading(uint64_t now_ns)
{
	char text[64];

	(void)snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, now_ns / 1000);
	(void)notify(text); /* for whoever looks */
}

void service_stopping(void)
{
	(void)notify("STOPPING=1"); /* for whoever looks */
}

void service_status(const char *fmt, ...)
{
	char line[sizeof last_status], text[sizeof line + 8];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(line, sizeof line, fmt, args);
	va_end(args);
	if (strcmp(line, last_status) == 0)
		return;
	(void)snprintf(text, sizeof text, "STATUS=%s", line);
	strcpy(last_status, notify(text) ? line : "");
}

void service_tick_finished(void)
{
	(void)notify("WATCHDOG=1"); /* the next one comes well before its time */
	if (ready_owed)
		service_ready();
}

uint64_t service_watchdog_interval_ns(void)
{
	uint64_t timeout_us;

	if (sd_watchdog_enabled(0, &timeout_us) <= 0)
		return 0;
	return timeout_us * 1000 / 3;
}

static int job_of_unit(sd_bus *bus, const char *unit, char **ret)
{
	sd_bus_message *reply = NULL;
	const char *job;
	uint32_t id;
	int r;

	r = sd_bus_get_property(bus, "org.freedesktop.systemd1", unit,
				"org.freedesktop.systemd1.Unit", "Job", NULL, &reply, "(uo)");
	if (r >= 0)
		r = sd_bus_message_read(reply, "(uo)", &id, &job);
	if (r >= 0)
		r = id == 0 ? -ENOENT
			    : sd_bus_get_property_string(bus, "org.freedesktop.systemd1", job,
							 "org.freedesktop.systemd1.Job", "JobType",
							 NULL, ret);
	sd_bus_message_unref(reply);
	return r;
}

static int job_of_mine(sd_bus *bus, char **ret)
{
	sd_bus_message *reply = NULL;
	const char *unit;
	int r;

	r = sd_bus_call_method(bus, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
			       "org.freedesktop.systemd1.Manager", "GetUnitByPID", NULL, &reply,
			       "u", (uint32_t)getpid());
	if (r >= 0)
		r = sd_bus_message_read(reply, "o", &unit);
	if (r >= 0)
		r = job_of_unit(bus, unit, ret);
	sd_bus_message_unref(reply);
	return r;
}

/* SIGTERM is the same for stop and restart; the job that systemd runs for our unit
 * tells them apart.  Its private socket needs no message bus, which may be on its
 * way down, too.  No answer means stop: undoing is the safe side. */
bool service_is_restarting(void)
{
	sd_bus *bus = NULL;
	KT_AUTOFREE char *job = NULL;
	bool restarting = false;

	if (!getenv("INVOCATION_ID") || sd_bus_new(&bus) < 0)
		return false;
	if (sd_bus_set_address(bus, "unix:path=/run/systemd/private") >= 0 &&
	    sd_bus_set_method_call_timeout(bus, 1000000) >= 0 && sd_bus_start(bus) >= 0 &&
	    job_of_mine(bus, &job) >= 0)
		restarting = strcmp(job, "restart") == 0 || strcmp(job, "try-restart") == 0;
	sd_bus_close_unref(bus);
	return restarting;
}
