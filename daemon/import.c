/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How do configurations of other tuners become one of ours? */
#include "import.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

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

/* ---- all of them ---------------------------------------------------------------------------- */

struct imports {
	struct import_ksmtuned *ksmtuned;
	struct import_numad *numad;
	struct import_tuned *tuned;
};

static void free_imports(struct imports *i)
{
	free(i->ksmtuned);
	free(i->numad);
	free(i->tuned);
}

static bool is_there(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_size > 0;
}

/* Where no profile is active, tuned's file is empty. */
static bool find(struct import_request *r, FILE *notes)
{
	r->ksmtuned |= is_there("/etc/ksmtuned.conf");
	r->numad |= is_there("/etc/default/numad") || is_there("/etc/numad.conf");
	r->tuned |= is_there("/etc/tuned/active_profile");
	if (r->ksmtuned || r->numad || r->tuned)
		return true;
	fputs("kvmtuned: there is nothing to import: no /etc/ksmtuned.conf, /etc/default/numad or "
	      "/etc/numad.conf, and no profile in /etc/tuned/active_profile\n",
	      notes);
	return false;
}

static bool make_imports(const struct import_request *request, FILE *notes, struct imports *ret)
{
	if (request->ksmtuned)
		ret->ksmtuned = import_ksmtuned_new(notes);
	if (request->numad)
		ret->numad = import_numad_new(notes);
	if (request->tuned)
		ret->tuned = import_tuned_new(notes);
	if ((!request->ksmtuned || ret->ksmtuned) && (!request->numad || ret->numad) &&
	    (!request->tuned || ret->tuned))
		return true;
	fprintf(notes, "kvmtuned: %s\n", strerror(ENOMEM));
	return false;
}

/* Mistakes in all of them are told before any is a reason to give up. */
static int read_imports(const struct import_request *request, const struct imports *i)
{
	int status[3] = { EXIT_SUCCESS, EXIT_SUCCESS, EXIT_SUCCESS };

	if (i->ksmtuned)
		status[0] = import_ksmtuned_read(i->ksmtuned, request->ksmtuned_path);
	if (i->numad)
		status[1] = import_numad_read(i->numad, request->numad_path);
	if (i->tuned)
		status[2] = import_tuned_read(i->tuned, request->tuned_path);
	for (size_t n = 0; n < KT_ARRAY_LEN(status); n++)
		if (status[n] != EXIT_SUCCESS)
			return status[n];
	return EXIT_SUCCESS;
}

static int print(const struct imports *i, FILE *out, FILE *notes)
{
	if (i->ksmtuned)
		import_ksmtuned_print(i->ksmtuned, out);
	if (i->ksmtuned && i->numad)
		fputs("\n", out);
	if (i->numad)
		import_numad_print(i->numad, out);
	if ((i->ksmtuned || i->numad) && i->tuned)
		fputs("\n", out);
	if (i->tuned)
		import_tuned_print(i->tuned, out);
	if (fflush(out) == 0 && !ferror(out))
		return EXIT_SUCCESS;
	fprintf(notes, "kvmtuned: the result cannot be written: %s\n", strerror(errno));
	return EXIT_FAILURE;
}

int import_print(const struct import_request *request, FILE *out, FILE *notes)
{
	struct import_request wanted = *request;
	struct imports i = { 0 };
	int status = EXIT_FAILURE;

	if ((!wanted.found || find(&wanted, notes)) && make_imports(&wanted, notes, &i))
		status = read_imports(&wanted, &i);
	if (status == EXIT_SUCCESS)
		status = print(&i, out, notes);
	free_imports(&i);
	return status;
}
