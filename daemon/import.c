/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How do configurations of other tuners become one of ours? */
#include "import.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "import_private.h"

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

const struct conf_option *import_option(const char *section, const char *key)
{
	size_t i = conf_option_find(section, key);

	if (i == conf_noptions)
		abort(); /* our two tables differ; the unit tests cannot pass */
	return &conf_options[i];
}

uint64_t import_clamped(struct import *im, const struct conf_option *o, uint64_t number)
{
	uint64_t fits = KT_CLAMP(number, o->min, o->max);
	char allowed[128];

	if (fits != number)
		import_warn(im, "%s is %s: %llu is taken", o->key,
			    conf_option_allowed(o, allowed, sizeof allowed),
			    (unsigned long long)fits);
	return fits;
}

static void take_line(struct import *im, const char *line, size_t n)
{
	int r = import_line_read(line, n, &im->at);

	if (r < 0)
		import_refuse(im, "%s", im->at.why);
	if (r <= 0)
		return;
	if (im->at.ends_in_cr && !im->cr_said) {
		import_warn(im,
			    "the line ends in CR LF: to the shell the CR is part of the value, so "
			    "%s could not use it",
			    im->tool);
		im->cr_said = true;
	}
	im->take_key(im->context);
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

int import_unusable(const struct import *im, const char *what, int error)
{
	fprintf(im->notes, "%s: %s: %s\n", im->path, what, strerror(error));
	return EXIT_FAILURE;
}

int import_read(struct import *im, const char *path)
{
	KT_AUTOFREE char *text = malloc(IMPORT_FILE_BYTES + 1);
	size_t n;
	int r;

	str_escape(path, im->path, sizeof im->path);
	im->line = 0;
	im->at.key[0] = '\0';
	if (!text)
		return -ENOMEM;
	r = read_text(path, text, IMPORT_FILE_BYTES + 1, &n);
	if (r < 0)
		return r;
	if (n > IMPORT_FILE_BYTES)
		import_refuse(im, "too large: at most %d bytes", IMPORT_FILE_BYTES);
	else
		take_text(im, text, n);
	return 0;
}

static int print(const struct import_ksmtuned *ksmtuned, const struct import_numad *numad,
		 FILE *out, FILE *notes)
{
	if (ksmtuned)
		import_ksmtuned_print(ksmtuned, out);
	if (ksmtuned && numad)
		fputs("\n", out);
	if (numad)
		import_numad_print(numad, out);
	if (fflush(out) == 0 && !ferror(out))
		return EXIT_SUCCESS;
	fprintf(notes, "kvmtuned: the result cannot be written: %s\n", strerror(errno));
	return EXIT_FAILURE;
}

int import_print(const struct import_request *request, FILE *out, FILE *notes)
{
	KT_AUTOFREE struct import_ksmtuned *ksmtuned = NULL;
	KT_AUTOFREE struct import_numad *numad = NULL;
	int status = EXIT_SUCCESS, other = EXIT_SUCCESS;

	if (request->ksmtuned)
		ksmtuned = import_ksmtuned_new(notes);
	if (request->numad)
		numad = import_numad_new(notes);
	if ((request->ksmtuned && !ksmtuned) || (request->numad && !numad)) {
		fprintf(notes, "kvmtuned: %s\n", strerror(ENOMEM));
		return EXIT_FAILURE;
	}
	/* Mistakes in both are told before any is a reason to give up. */
	if (ksmtuned)
		status = import_ksmtuned_read(ksmtuned, request->ksmtuned_path);
	if (numad)
		other = import_numad_read(numad, request->numad_path);
	if (status != EXIT_SUCCESS || other != EXIT_SUCCESS)
		return status != EXIT_SUCCESS ? status : other;
	return print(ksmtuned, numad, out, notes);
}
