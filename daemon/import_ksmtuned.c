/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does ksmtuned's configuration mean here? */
#include "import_private.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>

static const char default_path[] = "/etc/ksmtuned.conf";

enum ksmtuned_key {
	KEY_INTERVAL,
	KEY_BOOST,
	KEY_DECAY,
	KEY_MIN,
	KEY_MAX,
	KEY_SLEEP,
	KEY_PERCENT,
	KEY_FLOOR,
	NVALUES, /* those above have an option */
	KEY_LOGFILE = NVALUES,
	KEY_DEBUG,
	KEY_PIDFILE,
	KEY_KERNEL_PAGES,
	KEY_PS_METRIC,
	NKEYS,
};

struct import_ksmtuned {
	struct import im;
	unsigned int seen_line[NKEYS]; /* 0: not in the file */
	bool is_set[NVALUES];
	uint64_t value[NVALUES];
};

/* option: of [ksm], with a remark for the output; or note: why there is none. */
static const struct {
	const char *name, *option, *remark, *note;
} keys[NKEYS] = {
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

static const struct conf_option *option_of(enum ksmtuned_key key)
{
	return import_option("ksm", keys[key].option);
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

static void take_number(struct import_ksmtuned *t, enum ksmtuned_key key)
{
	const struct conf_option *o = option_of(key);
	bool negative;
	uint64_t number;
	int r = read_number(t->im.at.value, &negative, &number);

	if (r == -ERANGE)
		import_refuse(&t->im, "too large a number, for the shell too");
	else if (r < 0)
		import_refuse(&t->im,
			      "wanted a whole number in decimal digits, without 0 in front");
	else if (negative && number && key != KEY_DECAY)
		import_refuse(&t->im, "below 0, which makes no sense here");
	if (r < 0 || (negative && number && key != KEY_DECAY))
		return;
	if (key == KEY_DECAY && !negative && number)
		import_warn(&t->im,
			    "above 0, so ksmtuned scanned faster where it should have slowed down: "
			    "taken as what was meant");
	if (key == KEY_FLOOR)
		number = floor_mib(&t->im, o, number);
	t->value[key] = import_clamped(&t->im, o, number);
	t->is_set[key] = true;
}

static void take_value(struct import_ksmtuned *t, enum ksmtuned_key key)
{
	if (t->seen_line[key])
		import_warn(&t->im, "given before in line %u: the last one counts, as in the shell",
			    t->seen_line[key]);
	t->seen_line[key] = t->im.line;
	if (keys[key].note) {
		import_warn(&t->im, "%s", keys[key].note);
	} else if (t->im.at.value[0] == '\0') {
		t->is_set[key] = false;
		import_warn(&t->im, "empty, which meant ksmtuned's default");
	} else {
		take_number(t, key);
	}
}

static uint64_t value_or_default(const struct import_ksmtuned *t, enum ksmtuned_key key)
{
	uint64_t number = t->value[key];

	if (!t->is_set[key] && str_u64(option_of(key)->standard, &number) < 0)
		abort();
	return number;
}

/* ksmtuned wavered between the two, kvmtuned refuses them: what the file does not say
 * yields to what it says, and else the scan gets slower, not faster. */
static void settle_min_and_max(struct import_ksmtuned *t)
{
	uint64_t min = value_or_default(t, KEY_MIN), max = value_or_default(t, KEY_MAX);
	enum ksmtuned_key kept = t->is_set[KEY_MAX] ? KEY_MAX : KEY_MIN;
	enum ksmtuned_key yields = kept == KEY_MAX ? KEY_MIN : KEY_MAX;

	if (min <= max)
		return;
	t->im.line = t->seen_line[kept];
	t->im.at.key[0] = '\0';
	import_warn(&t->im, "%s (%llu) is above %s (%llu): both become %llu", keys[KEY_MIN].name,
		    (unsigned long long)min, keys[KEY_MAX].name, (unsigned long long)max,
		    (unsigned long long)value_or_default(t, kept));
	t->value[yields] = t->value[kept];
	t->is_set[yields] = true;
}

static void take_key(void *context)
{
	struct import_ksmtuned *t = context;
	enum ksmtuned_key key = 0;

	while (key < NKEYS && strcmp(keys[key].name, t->im.at.key) != 0)
		key++;
	if (key < NKEYS)
		take_value(t, key);
	else
		import_warn(&t->im, "unknown to ksmtuned and to kvmtuned: dropped");
}

struct import_ksmtuned *import_ksmtuned_new(FILE *notes)
{
	struct import_ksmtuned *t = calloc(1, sizeof *t);

	if (t)
		t->im = (struct import){
			.tool = "ksmtuned", .notes = notes, .take_key = take_key, .context = t
		};
	return t;
}

int import_ksmtuned_read(struct import_ksmtuned *t, const char *path)
{
	int r = import_read(&t->im, path ? path : default_path);

	if (r < 0)
		return import_unusable(&t->im, "cannot be read", -r);
	if (t->im.refusals)
		return EX_CONFIG;
	settle_min_and_max(t);
	return EXIT_SUCCESS;
}

static void print_notes(const struct import_ksmtuned *t, FILE *out)
{
	const char *standard = import_option("ksm", "policy")->standard;

	fprintf(out,
		"# From %.80s%s, by kvmtuned --import-ksmtuned.\n"
		"#\n"
		"# Debian's ksmtuned never saw libvirt's guests: its pattern does not match their\n"
		"# command lines, so committed memory was always 0 and only the rule for free memory\n"
		"# ever worked.  On such a host these values have never been put to the test.\n"
		"#\n"
		"# SIGUSR1 still means: decide now (systemctl kill --signal=USR1 kvmtuned).\n",
		t->im.path, strlen(t->im.path) > 80 ? ".." : "");
	if (strcmp(standard, "ksmtuned") != 0)
		fprintf(out, "# policy = %s, the default, needs none of these values.\n", standard);
	fputs("# What is not set there is commented out, with the default.\n", out);
}

void import_ksmtuned_print(const struct import_ksmtuned *t, FILE *out)
{
	print_notes(t, out);
	fputs("\n[ksm]\npolicy = ksmtuned\n", out);
	for (enum ksmtuned_key key = 0; key < NVALUES; key++) {
		const char *option = keys[key].option;

		if (!t->is_set[key]) {
			fprintf(out, "#%s = %s\n", option, option_of(key)->standard);
			continue;
		}
		fprintf(out, "# %s", keys[key].name);
		if (t->seen_line[key])
			fprintf(out, " in line %u", t->seen_line[key]);
		fprintf(out, "%s\n%s = %llu\n", keys[key].remark, option,
			(unsigned long long)t->value[key]);
	}
}
