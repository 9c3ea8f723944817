/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How is a daemon recorded from its first tick on, when nobody can have asked it yet? */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "kvmtuned.h"

static int write_line(FILE *file, const char *line)
{
	errno = 0;
	if (fprintf(file, "%s\n", line) >= 0 && fflush(file) == 0)
		return 0;
	return errno ? -errno : -EIO;
}

static int write_header(FILE *file)
{
	struct json_object *header = recorder_header();
	int r = header ? write_line(file,
				    json_object_to_json_string_ext(header, JSON_C_TO_STRING_PLAIN))
		       : -ENOMEM;

	json_object_put(header);
	return r;
}

int record_file_open(struct kvmtuned *k, const char *path)
{
	/* It has the names of guests: for whoever started us only. */
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return -errno;
	k->record_file = fdopen(fd, "w");
	if (k->record_file)
		return write_header(k->record_file);
	close(fd);
	return -ENOMEM;
}

/* A disk that is full must not fill the journal as well. */
void record_file_write(struct kvmtuned *k, const char *line)
{
	int r = k->record_file ? write_line(k->record_file, line) : 0;

	if (r == 0)
		return;
	log_warning("the recording ends here, for it cannot be written: %s", strerror(-r));
	record_file_close(k);
}

void record_file_close(struct kvmtuned *k)
{
	if (k->record_file)
		fclose(k->record_file);
	k->record_file = NULL;
}
