/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What systemd is told, and what it tells us.  Without systemd all of this is silent; with one
 * that does not listen nothing waits for it. */
#ifndef KT_SERVICE_H
#define KT_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "util.h"

/* READY=1; once, after the first good sample.  What cannot be said now is said again when a
 * tick has finished. */
void service_ready(void);
/* RELOADING=1 with the time; the caller answers with service_ready when done. */
void service_reloading(uint64_t now_ns);
void service_stopping(void);

/* STATUS=, one human line; sent only when it differs from the last one. */
void service_status(const char *fmt, ...) KT_PRINTF(1, 2);

/* WATCHDOG=1: at the end of a finished tick, and from nowhere else. */
void service_tick_finished(void);

/* How often a tick has to finish for the watchdog's sake: a third of WatchdogSec;
 * 0: no watchdog. */
uint64_t service_watchdog_interval_ns(void);

/* Whether systemd is stopping us in order to start us again. */
bool service_is_restarting(void);

#endif
