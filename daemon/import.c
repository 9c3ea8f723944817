/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does a configuration of ksmtuned become one of ours? */
#include "import.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sysexits.h>

#include "import_private.h"

static const char default_path[] = "/etc/ksmtuned.conf";

enum { IMPORT_FILE_BYTES = 65536 };

/* Text of the file comes in here only, and goes out escaped and cut. */
static void KT_PRINTF(3, 0) say(struct import *im, const char *kind, const char *fmt, va_list args)
{
	enum { SHOWN = 48 };
	char what[640], shown[sizeof what * 4];
	size_t used = 0;

	if (im->at.key[0])
		used = (size_t)snprintf(what, sizeof what, "%.*s%s=%.*s%s: ", SHOWN, im->at.key,
					strlen(im->at.key) > SHOWN ? ".." : "", SHOWN, im->at.value,
					strlen(im->at.value) > SHOWN ? ".." : "");
	(void)vsnprintf(what + used, sizeof what - used, fmt, args);
	str_escape(what, shown, sizeof shown);
	if (im->line)
		fprintf(im->notes, "%s:%u: %s%s\n", im->path, im->line, kind, shown);
	else
		fprintf(im->notes, "%s: %s%s\n", im->path, kind, shown);
}

void import_warn(struct import *im, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(im, "warning: ", fmt, args);
	va_end(args);
}

void import_refuse(struct import *im, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(im, "", fmt, args);
	va_end(args);
	im->refusals++;
}

static void take_line(struct import *im, const char *line, size_t n)
{
	int r = import_line_read(line, n, &im->at);
	enum import_key key = 0;

	if (r < 0)
		import_refuse(im, "%s", im->at.why);
	if (r <= 0)
		return;
	if (im->at.ends_in_cr && !im->cr_said) {
		import_warn(im,
			    "the line ends in CR LF: to the shell the CR is part of the value, so "
			    "ksmtuned could not use it");
		im->cr_said = true;
	}
	while (key < NKEYS && strcmp(import_keys[key].name, im->at.key) != 0)
		key++;
	if (key < NKEYS)
		import_take_value(im, key);
	else
		import_warn(im, "unknown to ksmtuned and to kvmtuned: dropped");
}

static void take_text(struct import *im, const char *text, size_t n)
{
	for (size_t at = 0; at < n;) {
		const char *end = memchr(text + at, '\n', n - at);
		size_t bytes = end ? (size_t)(end - (text + at)) : n - at;

		im->line++;
		take_line(im, text + at, bytes);
		at += bytes + 1;
	}
}

static void print_notes(const struct import *im, FILE *out)
{
	const char *standard = import_option("policy")->standard;

	fprintf(out,
		"# From %.80s%s, by kvmtuned --import-ksmtuned.\n"
		"#\n"
		"# Debian's ksmtuned never saw libvirt's guests: its pattern does not match their\n"
		"# command lines, so committed memory was always 0 and only the rule for free memory\n"
		"# ever worked.  On such a host these values have never been put to the test.\n"
		"#\n"
		"# SIGUSR1 still means: decide now (systemctl kill --signal=USR1 kvmtuned).\n",
		im->path, strlen(im->path) > 80 ? ".." : "");
	if (strcmp(standard, "ksmtuned") != 0)
		fprintf(out, "# policy = %s, the default, needs none of these values.\n", standard);
	fputs("# What is not set there is commented out, with the default.\n", out);
}

static void print_section(const struct import *im, FILE *out)
{
	print_notes(im, out);
	fputs("\n[ksm]\npolicy = ksmtuned\n", out);
	for (enum import_key key = 0; key < NVALUES; key++) {
		const char *option = import_keys[key].option;

		if (!im->is_set[key]) {
			fprintf(out, "#%s = %s\n", option, import_option(option)->standard);
			continue;
		}
		fprintf(out, "# %s", import_keys[key].name);
		if (im->seen_line[key])
			fprintf(out, " in line %u", im->seen_line[key]);
		fprintf(out, "%s\n%s = %llu\n", import_keys[key].remark, option,
			(unsigned long long)im->value[key]);
	}
}

static int read_text(const char *path, char *text, size_t size, size_t *ret_bytes)
{
	KT_AUTOFCLOSE FILE *file = fopen(path, "re");
	size_t n;

	if (!file)
		return -errno;
	errno = 0;
	n = fread(text, 1, size, file);
	if (ferror(file))
		return errno ? -errno : -EIO;
	*ret_bytes = n;
	return 0;
}

static int unusable(const struct import *im, const char *what, int error)
{
	fprintf(im->notes, "%s: %s: %s\n", im->path, what, strerror(error));
	return EXIT_FAILURE;
}

int import_ksmtuned(const char *path, FILE *out, FILE *notes)
{
	KT_AUTOFREE char *text = malloc(IMPORT_FILE_BYTES + 1);
	KT_AUTOFREE struct import *im = calloc(1, sizeof *im);
	size_t n;
	int r;

	if (!text || !im) {
		fprintf(notes, "kvmtuned: %s\n", strerror(ENOMEM));
		return EXIT_FAILURE;
	}
	im->notes = notes;
	path = path ? path : default_path;
	str_escape(path, im->path, sizeof im->path);
	r = read_text(path, text, IMPORT_FILE_BYTES + 1, &n);
	if (r < 0)
		return unusable(im, "cannot be read", -r);
	if (n > IMPORT_FILE_BYTES)
		import_refuse(im, "too large: at most %d bytes", IMPORT_FILE_BYTES);
	else
		take_text(im, text, n);
	if (im->refusals)
		return EX_CONFIG;
	import_settle_min_and_max(im);
	print_section(im, out);
	if (fflush(out) != 0 || ferror(out))
		return unusable(im, "the result cannot be written", errno);
	return EXIT_SUCCESS;
}
