/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does numad's configuration mean here?
 *
 * It has two files: Debian's /etc/default/numad, whose DAEMON_ARGS are options of numad, and
 * /etc/numad.conf, whose only word is INTERVAL. */
#include <errno.h>
#include <string.h>
#include <sysexits.h>

#include "conf_reader.h"
#include "import_private.h"

static const char default_args[] = "/etc/default/numad", default_conf[] = "/etc/numad.conf";

enum {
	NUMAD_INTERVAL_S = 15, /* its default */
	PIDS_MAX = 100,        /* bytes of a list */
	PLACE_MAX = 256 + 32,  /* "FILE, line N" */
	LETTERS = 'z' + 1,
	/* so that they fit into a line of kvmtuned.conf */
	LISTED_CPUS_MAX = CONF_LINE_BYTES - (int)sizeof "reserved_cpus = " + 1,
};

struct import_numad {
	struct import im;
	char files[2 * 256 + 8];
	/* of DAEMON_ARGS */
	bool given[LETTERS];
	uint64_t number[LETTERS];
	char pids_in[PIDS_MAX], pids_out[PIDS_MAX];
	char args_at[PLACE_MAX], interval_at[PLACE_MAX];
	bool has_cpus, has_interval;
	struct cpumask cpus;
	uint64_t interval_s;
};

/* Options that are a number and have no equal here, and what takes their place. */
static const struct {
	char letter;
	const char *instead;
} comments[] = {
	{ 'm', "how much of its memory has to be at home: here it moves as far as that pays back "
	       "within horizon_s" },
	{ 'u', "how full a node may get: here guests go where the fewest CPUs are lost, and "
	       "node_reserve_mib of memory stay free" },
	{ 't', "what the second thread of a core is worth: here it is worked out from how long "
	       "vCPUs wait; pin = core gives each vCPU a core" },
	{ 'K', "interleaved memory: guests that have it by <numatune> in their XML are left alone "
	       "here" },
	{ 'C', "whether file cache is free memory: here it is, as far as the kernel says so" },
	{ 'H', "pause of khugepaged in ms: kvmtuned leaves it alone" },
	{ 'S', "which processes are looked at: here the guests of libvirt, and no others" },
	{ 'l', "messages: here log_level in [daemon], and journalctl -u kvmtuned" },
};

static void take_number(struct import_numad *t, char letter, const char *value)
{
	if (value[strspn(value, "0123456789")] || str_u64(value, &t->number[(size_t)letter]) < 0)
		import_refuse(&t->im, "-%c wants a whole number", letter);
}

static void take_pid(struct import_numad *t, char letter, const char *value)
{
	char *list = letter == 'x' ? t->pids_out : t->pids_in;
	size_t used = strlen(list);

	if (!*value || strlen(value) > 10 || value[strspn(value, "0123456789")])
		import_refuse(&t->im, "-%c wants the number of a process", letter);
	else if (used + 13 < PIDS_MAX)
		(void)snprintf(list + used, PIDS_MAX - used, "%s%s", used ? ", " : "", value);
	else if (strcmp(list + used - 2, "..") != 0)
		(void)snprintf(list + used, PIDS_MAX - used, "..");
}

static void take_cpus(struct import_numad *t, const char *value)
{
	char text[KT_CPULIST_MAX];

	if (!*value || cpumask_parse(value, &t->cpus) < 0)
		import_refuse(&t->im, "-R wants a list of CPUs such as 0-3,8, below %d",
			      KT_CPUS_MAX);
	else if (strlen(cpumask_str(&t->cpus, text, sizeof text)) > LISTED_CPUS_MAX)
		import_refuse(&t->im, "-R is too long a list for a line of kvmtuned.conf");
	t->has_cpus = true;
}

static void set_place(const struct import_numad *t, char *place)
{
	(void)snprintf(place, PLACE_MAX, "%.80s%s, line %u", t->im.path,
		       strlen(t->im.path) > 80 ? ".." : "", t->im.line);
}

/* "[MIN:]MAX".  MIN, the pause after a move, has no equal: each guest has one of its own. */
static void take_interval(struct import_numad *t, const char *value)
{
	const char *colon = strchr(value, ':'), *max = colon ? colon + 1 : value;
	uint64_t seconds;

	if (!*max || max[strspn(max, "0123456789")] || str_u64(max, &seconds) < 0 ||
	    value[strspn(value, "0123456789:")]) {
		import_refuse(&t->im, "wanted seconds, as MAX or MIN:MAX");
		return;
	}
	if (seconds == 0) {
		import_warn(&t->im, "with 0 numad ends: dropped");
		return;
	}
	t->has_interval = seconds != NUMAD_INTERVAL_S;
	if (t->has_interval)
		t->interval_s =
			import_clamped(&t->im, import_option("daemon", "interval_s"), seconds);
	set_place(t, t->interval_at);
}

static void take_option(struct import_numad *t, char letter, const char *value)
{
	t->given[(size_t)letter] = true;
	if (letter == 'i') {
		import_warn(&t->im, "Debian's unit adds -i 15, which won over -i here: taken as "
				    "what was meant");
		take_interval(t, value);
	} else if (letter == 'R') {
		take_cpus(t, value);
	} else if (letter == 'x' || letter == 'p') {
		take_pid(t, letter, value);
	} else if (letter == 'r' || letter == 'w') {
		import_warn(&t->im, "-%c is no option to start numad with: dropped", letter);
	} else {
		take_number(t, letter, value);
	}
}

/* One word of options, as getopt reads it; their value may be the next word.  Answers how
 * many words were used. */
static int take_word(struct import_numad *t, const char *word, const char *next)
{
	for (const char *at = word + 1; *at; at++) {
		if (strchr("dv", *at)) {
			t->given['l'] = true;
			t->number['l'] = *at == 'd' ? 7 : 6;
		} else if (strchr("hV", *at)) {
			import_warn(&t->im, "-%c only prints something: dropped", *at);
		} else if (!strchr("CHiKlmprRStuwx", *at)) {
			import_refuse(&t->im, "numad has no option -%c", *at);
			return 1;
		} else if (at[1]) {
			take_option(t, *at, at + 1);
			return 1;
		} else if (next) {
			take_option(t, *at, next);
			return 2;
		} else {
			import_refuse(&t->im, "-%c without a value", *at);
		}
	}
	return 1;
}

/* Of several DAEMON_ARGS the last one counts. */
static void forget_args(struct import_numad *t)
{
	if (t->args_at[0])
		import_warn(&t->im, "given before (%s): the last one counts", t->args_at);
	if (t->given['i'])
		t->has_interval = false;
	memset(t->given, 0, sizeof t->given);
	t->pids_in[0] = t->pids_out[0] = '\0';
	t->has_cpus = false;
}

static void take_args(struct import_numad *t)
{
	char args[IMPORT_LINE_BYTES + 1], *save, *word, *next;

	forget_args(t);
	set_place(t, t->args_at);
	strcpy(args, t->im.at.value);
	if (strpbrk(args, "'\"")) {
		import_refuse(&t->im, "quotes within the options: write them without");
		return;
	}
	for (word = strtok_r(args, " \t", &save); word; word = next) {
		next = strtok_r(NULL, " \t", &save);
		if (word[0] != '-' || !word[1])
			import_warn(&t->im, "\"%.32s\" is no option: dropped", word);
		else if (take_word(t, word, next) == 2)
			next = strtok_r(NULL, " \t", &save);
	}
}

static void take_key(void *context)
{
	struct import_numad *t = context;
	const char *key = t->im.at.key;

	if (strcmp(key, "DAEMON_ARGS") == 0)
		take_args(t);
	else if (strcmp(key, "INTERVAL") == 0 && t->given['i'])
		import_warn(&t->im, "-i in DAEMON_ARGS (%s) says otherwise and counts", t->args_at);
	else if (strcmp(key, "INTERVAL") == 0)
		take_interval(t, t->im.at.value);
	else if (strcmp(key, "NUMAD_ENABLE") != 0) /* the init script's */
		import_warn(&t->im, "unknown to numad and to kvmtuned: dropped");
}

struct import_numad *import_numad_new(FILE *notes)
{
	struct import_numad *t = calloc(1, sizeof *t);

	if (t)
		t->im = (struct import){
			.tool = "numad", .notes = notes, .take_key = take_key, .context = t
		};
	return t;
}

static int read_file(struct import_numad *t, const char *path)
{
	size_t used = strlen(t->files);
	int r = import_read(&t->im, path);

	if (r == 0)
		(void)snprintf(t->files + used, sizeof t->files - used, "%s%.80s%s",
			       used ? " and " : "", t->im.path,
			       strlen(t->im.path) > 80 ? ".." : "");
	return r;
}

/* Each distribution has one or the other, or both. */
static int read_defaults(struct import_numad *t)
{
	int r = read_file(t, default_args), other;

	if (r < 0 && r != -ENOENT)
		return r;
	other = read_file(t, default_conf);
	return other == -ENOENT ? r : other;
}

int import_numad_read(struct import_numad *t, const char *path)
{
	int r = path ? read_file(t, path) : read_defaults(t);

	if (r == -ENOENT && !path) {
		fprintf(t->im.notes, "%s, %s: neither exists; name a file: --import-numad=FILE\n",
			default_args, default_conf);
		return EXIT_FAILURE;
	}
	if (r < 0)
		return import_unusable(&t->im, "cannot be read", -r);
	return t->im.refusals ? EX_CONFIG : EXIT_SUCCESS;
}

static void print_notes(const struct import_numad *t, FILE *out)
{
	fprintf(out,
		"# From %s, by kvmtuned --import-numad.\n"
		"#\n"
		"# Stop numad for good: systemctl disable --now numad.  Both would pin the same\n"
		"# threads, and numad overrides pins of others.\n"
		"# Leave its program installed: libvirt asks it where a guest with placement='auto'\n"
		"# goes, and kvmtuned leaves such guests alone.  A script at /usr/bin/numad can stand\n"
		"# in for it:   exec kvmtunectl advise \"$2\"\n",
		t->files);
	if (!t->given['H'] || t->number['H'] > 0)
		fputs("# numad sets khugepaged's pause, to 1000 ms unless told otherwise, and leaves "
		      "it so;\n# as the kernel has it:  echo 10000 > "
		      "/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs\n",
		      out);
}

static void print_interval(const struct import_numad *t, FILE *out)
{
	const struct conf_option *o = import_option("daemon", "interval_s");

	fputs("\n[daemon]\n", out);
	if (t->has_interval)
		fprintf(out,
			"# %s (%s).  Seldom looks saved numad CPU time; kvmtuned's cost little, and\n"
			"# what happens to guests is looked at when it happens: %s, the default, will do.\n"
			"%s = %llu\n",
			t->given['i'] ? "-i" : "INTERVAL", t->interval_at, o->standard, o->key,
			(unsigned long long)t->interval_s);
	else
		fprintf(out, "#%s = %s\n", o->key, o->standard);
}

static void print_placement(const struct import_numad *t, FILE *out)
{
	char text[KT_CPULIST_MAX];

	fputs("\n[placement]\n", out);
	if (t->has_cpus)
		fprintf(out,
			"# -R (%s).  Emulator and I/O threads of guests run there, their vCPUs do not.\n"
			"reserved_cpus = %s\n",
			t->args_at, cpumask_str(&t->cpus, text, sizeof text));
	else
		fputs("#reserved_cpus = \n", out);
	for (size_t i = 0; i < KT_ARRAY_LEN(comments); i++)
		if (t->given[(size_t)comments[i].letter])
			fprintf(out, "# -%c %llu, %s.\n", comments[i].letter,
				(unsigned long long)t->number[(size_t)comments[i].letter],
				comments[i].instead);
}

/* Numbers of processes die with them; kvmtuned asks for names. */
static void print_guests(const struct import_numad *t, FILE *out)
{
	if (t->given['S'] && t->number['S'] == 0)
		fprintf(out,
			"\n# numad was to look only at the processes it was told of (-S 0 -p%s%s).\n"
			"# Of guests that is said by name, all others first:\n"
			"#[domain \"*\"]\n#placement = off\n#[domain \"NAME\"]\n#placement = on\n",
			t->pids_in[0] ? " " : "", t->pids_in);
	if (t->pids_out[0])
		fprintf(out,
			"\n# numad left these processes alone (-x %s).  Of guests that is said by name:\n"
			"#[domain \"NAME\"]\n#placement = off\n"
			"# or in their metadata: virsh metadata NAME urn:kvmtuned:1 --live --config \\\n"
			"#   --key kvmtuned --set '<policy placement=\"off\"/>'\n",
			t->pids_out);
}

void import_numad_print(const struct import_numad *t, FILE *out)
{
	print_notes(t, out);
	print_interval(t, out);
	print_placement(t, out);
	print_guests(t, out);
}
