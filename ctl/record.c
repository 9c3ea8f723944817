/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does what the policies see come into a file? */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "anonymous.h"
#include "ctl.h"

struct recording {
	const struct options *options;
	const char *path;
	FILE *file; /* NULL: nothing has come yet */
	off_t whole_bytes;
	uint64_t lines;
	struct anonymous *anonymous; /* NULL: names stay */
};

static int failed(const struct recording *r, int error)
{
	ctl_say("%s cannot be written: %s", r->path, strerror(error ? error : EIO));
	return EXIT_FAILURE;
}

/* It has the names of guests: for whoever records only.  A daemon that is not there leaves an
 * older recording alone. */
static int open_file(struct recording *r)
{
	int fd = open(r->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return failed(r, errno);
	r->file = fdopen(fd, "w");
	if (r->file)
		return EXIT_SUCCESS;
	close(fd);
	return failed(r, ENOMEM);
}

/* A disk that is full must not leave half a line, which replay would refuse. */
static int write_line(struct recording *r, const char *text)
{
	int error;

	errno = 0;
	if (fprintf(r->file, "%s\n", text) >= 0 && fflush(r->file) == 0) {
		r->whole_bytes += (off_t)strlen(text) + 1;
		r->lines++;
		return EXIT_SUCCESS;
	}
	error = errno;
	if (ftruncate(fileno(r->file), r->whole_bytes) < 0)
		ctl_say("the last line of %s is not whole", r->path);
	return failed(r, error);
}

static int write_anonymous(struct recording *r, const char *line)
{
	KT_AUTOFREE char *text = strdup(line);
	struct json_object *object = text ? ctl_parse(text, strlen(text)) : NULL;
	int status = EXIT_FAILURE, e;

	if (!object)
		return status;
	e = anonymous_take(r->anonymous, object);
	if (e < 0)
		ctl_say("what the daemon sends is not understood, so it may have names in it: "
			"nothing more is recorded");
	else
		status = write_line(r,
				    json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
	json_object_put(object);
	return status;
}

static int take_line(void *context, const char *line)
{
	struct recording *r = context;
	int status = r->file ? EXIT_SUCCESS : open_file(r);

	if (status != EXIT_SUCCESS)
		return status;
	return r->anonymous ? write_anonymous(r, line) : write_line(r, line);
}

/* The first line has no tick. */
static void say_result(const struct recording *r)
{
	if (r->lines && !r->options->quiet)
		ctl_say("%llu ticks are in %s; replay them with kvmtunectl replay",
			(unsigned long long)r->lines - 1, r->path);
}

int verb_record(const struct options *o, int argc, char **argv)
{
	struct recording r = { .options = o, .path = argv[1] };
	int status;

	(void)argc;
	if (o->given & OPTION_ANONYMOUS) {
		r.anonymous = anonymous_new();
		if (!r.anonymous)
			return failed(&r, ENOMEM);
	}
	status = ctl_stream(o, "/v1/record", take_line, &r);
	say_result(&r);
	if (r.file && fclose(r.file) != 0 && status == EXIT_SUCCESS)
		status = failed(&r, errno);
	anonymous_free(r.anonymous);
	return status;
}
