/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What do ksmtuned's values mean here? */
#include "import_private.h"

#include <errno.h>
#include <string.h>

const struct import_meaning import_keys[NKEYS] = {
	[KEY_INTERVAL] = { "KSM_MONITOR_INTERVAL", .option = "interval_s", .remark = "" },
	[KEY_BOOST] = { "KSM_NPAGES_BOOST", .option = "boost_pages", .remark = "" },
	[KEY_DECAY] = { "KSM_NPAGES_DECAY", .option = "decay_pages", .remark = "; below 0 there" },
	[KEY_MIN] = { "KSM_NPAGES_MIN", .option = "min_pages", .remark = "" },
	[KEY_MAX] = { "KSM_NPAGES_MAX", .option = "max_pages", .remark = "" },
	[KEY_SLEEP] = { "KSM_SLEEP_MSEC", .option = "sleep_ms",
			.remark = "; of a host of 16 GiB, as there: the daemon works out this "
				  "host's" },
	[KEY_PERCENT] = { "KSM_THRES_COEF", .option = "free_target_percent", .remark = "" },
	[KEY_FLOOR] = { "KSM_THRES_CONST", .option = "free_target_min_mib",
			.remark = "; documented as MB there, but compared with KiB" },
	[KEY_LOGFILE] = { "LOGFILE",
			  .note = "dropped: messages are in the journal (journalctl -u kvmtuned)" },
	[KEY_DEBUG] = { "DEBUG", .note = "dropped: for more messages set log_level = debug in "
					 "[daemon], and read journalctl -u kvmtuned" },
	[KEY_PIDFILE] = { "PIDFILE", .note = "dropped: hooks that send SIGUSR1 need no file with "
					     "systemctl kill --signal=USR1 kvmtuned" },
	[KEY_KERNEL_PAGES] = { "KSM_MAX_KERNEL_PAGES",
			       .note = "ignored: obsolete, kernels no longer have this limit" },
	[KEY_PS_METRIC] = { "KSM_PS_METRIC",
			    .note = "dropped: kvmtuned counts the guests of libvirt, not "
				    "processes, and those that Proxmox VE starts by itself are not "
				    "among them; without KSM_SLEEP_MSEC its ksmtuned slept 100 ms, "
				    "not 10" },
};

const struct conf_option *import_option(const char *key)
{
	for (size_t i = 0; i < conf_noptions; i++)
		if (strcmp(conf_options[i].section, "ksm") == 0 &&
		    strcmp(conf_options[i].key, key) == 0)
			return &conf_options[i];
	abort(); /* our two tables differ; the unit tests cannot pass */
}

/* As bash's arithmetic reads it, unless bash would read it as something else than the
 * number it looks like: a leading 0 makes it octal there. */
static int read_number(const char *text, bool *ret_negative, uint64_t *ret)
{
	text += strspn(text, " \t");
	*ret_negative = *text == '-';
	text += *text == '-' || *text == '+';
	if (*text < '0' || *text > '9' || (text[0] == '0' && text[1] >= '0' && text[1] <= '9'))
		return -EINVAL;
	return str_u64(text, ret);
}

/* ksmtuned's documents, and everybody who copied from them, say MB; its code compares
 * with the KiB of /proc/meminfo.  Who found out writes KiB, and no host has that many MiB
 * to keep free. */
static uint64_t floor_mib(struct import *im, const struct conf_option *o, uint64_t number)
{
	unsigned long long mib = number / 1024;

	if (number >= o->max) {
		import_warn(
			im,
			"far too much for MiB: taken as the KiB that ksmtuned compared it with, %llu MiB",
			mib);
		return mib;
	}
	if (number > 0)
		import_warn(
			im,
			"ksmtuned compared it with KiB (%llu KiB) though its documents say MB: taken as "
			"%llu MiB, as documented; if KiB was meant: %s = %llu",
			(unsigned long long)number, (unsigned long long)number, o->key, mib);
	return number;
}

static uint64_t clamped(struct import *im, const struct conf_option *o, uint64_t number)
{
	uint64_t fits = KT_CLAMP(number, o->min, o->max);
	char allowed[128];

	if (fits != number)
		import_warn(im, "%s is %s: %llu is taken", o->key,
			    conf_option_allowed(o, allowed, sizeof allowed),
			    (unsigned long long)fits);
	return fits;
}

static void take_number(struct import *im, enum import_key key)
{
	const struct conf_option *o = import_option(import_keys[key].option);
	bool negative;
	uint64_t number;
	int r = read_number(im->at.value, &negative, &number);

	if (r == -ERANGE)
		import_refuse(im, "too large a number, for the shell too");
	else if (r < 0)
		import_refuse(im, "wanted a whole number in decimal digits, without 0 in front");
	else if (negative && number && key != KEY_DECAY)
		import_refuse(im, "below 0, which makes no sense here");
	if (r < 0 || (negative && number && key != KEY_DECAY))
		return;
	if (key == KEY_DECAY && !negative && number)
		import_warn(im,
			    "above 0, so ksmtuned scanned faster where it should have slowed down: "
			    "taken as what was meant");
	if (key == KEY_FLOOR)
		number = floor_mib(im, o, number);
	im->value[key] = clamped(im, o, number);
	im->is_set[key] = true;
}

void import_take_value(struct import *im, enum import_key key)
{
	if (im->seen_line[key])
		import_warn(im, "given before in line %u: the last one counts, as in the shell",
			    im->seen_line[key]);
	im->seen_line[key] = im->line;
	if (import_keys[key].note) {
		import_warn(im, "%s", import_keys[key].note);
	} else if (im->at.value[0] == '\0') {
		im->is_set[key] = false;
		import_warn(im, "empty, which meant ksmtuned's default");
	} else {
		take_number(im, key);
	}
}

static uint64_t value_or_default(const struct import *im, enum import_key key)
{
	uint64_t number = im->value[key];

	if (!im->is_set[key] &&
	    str_u64(import_option(import_keys[key].option)->standard, &number) < 0)
		abort();
	return number;
}

/* ksmtuned wavered between the two, kvmtuned refuses them: what the file does not say
 * yields to what it says, and else the scan gets slower, not faster. */
void import_settle_min_and_max(struct import *im)
{
	uint64_t min = value_or_default(im, KEY_MIN), max = value_or_default(im, KEY_MAX);
	enum import_key kept = im->is_set[KEY_MAX] ? KEY_MAX : KEY_MIN;
	enum import_key yields = kept == KEY_MAX ? KEY_MIN : KEY_MAX;

	if (min <= max)
		return;
	im->line = im->seen_line[kept];
	im->at.key[0] = '\0';
	import_warn(im, "%s (%llu) is above %s (%llu): both become %llu", import_keys[KEY_MIN].name,
		    (unsigned long long)min, import_keys[KEY_MAX].name, (unsigned long long)max,
		    (unsigned long long)value_or_default(im, kept));
	im->value[yields] = im->value[kept];
	im->is_set[yields] = true;
}
