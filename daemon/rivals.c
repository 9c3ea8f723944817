/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who else is at work on what we are about to tune?
 *
 * What Conflicts= of the unit has stopped is not: these were started by hand, or are not ours to
 * stop.  What happens when they write is the loops' business, and is said then; here the
 * operator hears of it before. */
#include "rivals.h"

#include <stdarg.h>

#include "audit_sample.h"
#include "log.h"
#include "sense.h"
#include "sense_audit.h"
#include "str.h"
#include "util.h"

static void KT_PRINTF(2, 3) warn(const char *actuator, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	log_emitf((struct log_event){ .level = LOG_LEVEL_WARNING,
				      .id = LOG_VERDICT,
				      .actuator = actuator,
				      .action = "decide" },
		  "%s", text);
}

/* A unit that runs has a cgroup, of v2 or of systemd's own hierarchy. */
static bool unit_is_active(const struct hostfs *fs, const char *unit)
{
	static const char *const slices[] = { "sys/fs/cgroup/system.slice",
					      "sys/fs/cgroup/systemd/system.slice" };
	char path[128];

	for (size_t i = 0; i < KT_ARRAY_LEN(slices); i++)
		if (str_format(path, sizeof path, "%s/%s", slices[i], unit) == 0 &&
		    hostfs_exists(fs, path))
			return true;
	return false;
}

/* The oVirt node agent's, which owns more than KSM: it is not ours to stop. */
static void say_mom(const struct hostfs *fs)
{
	static const char *const units[] = { "mom-vdsm.service", "momd.service" };

	for (size_t i = 0; i < KT_ARRAY_LEN(units); i++)
		if (unit_is_active(fs, units[i]))
			warn("ksm",
			     "%s is active and drives KSM, too: as soon as it writes, KSM is left "
			     "to it; say mode = off in [ksm] to leave it from the start",
			     units[i]);
}

static void say_ksmtuned(const struct hostfs *fs)
{
	pid_t pid = sense_find_daemon(fs, "ksmtuned");

	if (pid > 0)
		warn("ksm",
		     "ksmtuned runs (process %d) and drives KSM, too: as soon as it writes, KSM is "
		     "left to it; end it and reload kvmtuned, or say mode = off in [ksm]",
		     (int)pid);
}

static void say_tuned(const struct audit_host *h)
{
	warn("ksm",
	     "tuned profile %s %s KSM, which is left to it: say advisor = take-over in [ksm] to "
	     "have it driven all the same",
	     h->tuned_profile, h->owner[OWNED_KSM].who[0] ? "sets" : "ends");
}

static void say_numad(const struct hostfs *fs)
{
	pid_t pid = sense_find_daemon(fs, "numad");

	if (pid > 0)
		warn("placement",
		     "numad runs (process %d) and overrides every pin: no guest is placed until it "
		     "has ended; systemctl disable --now numad, or end the process",
		     (int)pid);
}

static void say(const struct hostfs *fs, const struct policy_conf *conf,
		const struct audit_host *tuned)
{
	if (conf->mode != DAEMON_ACTIVE)
		return;
	if (conf->ksm.mode == LOOP_ACTIVE && conf->ksm.policy != KSM_POLICY_OFF) {
		say_ksmtuned(fs);
		say_mom(fs);
		if (conf->ksm.advisor == KSM_ADVISOR_CEDE && audit_tuned_has_ksm(tuned))
			say_tuned(tuned);
	}
	if (conf->placement.mode == LOOP_ACTIVE)
		say_numad(fs);
}

bool rivals_look(const struct hostfs *fs, const struct policy_conf *conf, bool tuned_had_ksm)
{
	KT_AUTOFREE struct audit_host *tuned = calloc(1, sizeof *tuned);

	if (!tuned)
		return tuned_had_ksm;
	sense_audit_tuned(fs, tuned);
	say(fs, conf, tuned);
	return audit_tuned_has_ksm(tuned);
}
