/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How do messages, names, numbers, times and files look? */
#include "ctl.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "str.h"

void ctl_say(const char *fmt, ...)
{
	va_list args;

	(void)fflush(stdout); /* what was shown before belongs before */
	fputs("kvmtunectl: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
}

void ctl_print_json(struct json_object *object)
{
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN |
							    JSON_C_TO_STRING_NOSLASHESCAPE));
}

int ctl_duration(const char *text, uint64_t *ret_s)
{
	static const struct {
		char unit;
		uint64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	char number[24];
	size_t digits = strspn(text, "0123456789");
	uint64_t value, seconds = text[digits] ? 0 : 1;
	int r;

	if (text[digits] && text[digits + 1])
		return -EINVAL;
	for (size_t i = 0; i < KT_ARRAY_LEN(units); i++)
		if (text[digits] == units[i].unit)
			seconds = units[i].seconds;
	if (!digits || !seconds)
		return -EINVAL;
	if (digits >= sizeof number)
		return -ERANGE;
	(void)snprintf(number, sizeof number, "%.*s", (int)digits, text);
	r = str_u64(number, &value);
	if (r < 0)
		return r;
	return __builtin_mul_overflow(value, seconds, ret_s) ? -ERANGE : 0;
}

static int write_and_rename(int fd, const char *temporary, const char *path, const char *text,
			    size_t bytes)
{
	while (bytes > 0) {
		ssize_t n = write(fd, text, bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		bytes -= (size_t)n;
	}
	/* Without it a crash of the host may leave a file of the right name and no content. */
	if (fchmod(fd, 0644) < 0 || fsync(fd) < 0 || rename(temporary, path) < 0)
		return -errno;
	return 0;
}

int ctl_write_file(const char *path, const char *text, size_t bytes)
{
	KT_AUTOFREE char *temporary = NULL;
	KT_AUTOCLOSE int fd = -1;
	int r;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
		temporary = NULL;
		return -ENOMEM;
	}
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = write_and_rename(fd, temporary, path, text, bytes);
	if (r < 0)
		(void)unlink(temporary);
	return r;
}

struct shown show_number(double value, int decimals)
{
	struct shown shown = { "-" };

	if (!isnan(value))
		(void)snprintf(shown.text, sizeof shown.text, "%.*f", decimals,
			       KT_CLAMP(value, -1e15, 1e15));
	return shown;
}

struct shown show_kib(double kib)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB" };
	struct shown number;
	size_t unit = 0;

	if (isnan(kib))
		return (struct shown){ "-" };
	/* What would be rounded up to 1024 is one of the next unit. */
	for (; fabs(kib) >= 1023.5 && unit + 1 < KT_ARRAY_LEN(units); unit++)
		kib /= 1024;
	number = show_number(kib, unit == 0 || fabs(kib) >= 99.95 ? 0 : 1);
	(void)strcat(strcat(number.text, " "), units[unit]);
	return number;
}

struct shown show_seconds(double seconds)
{
	struct shown shown = { "-" };
	unsigned long s;

	if (isnan(seconds))
		return shown;
	seconds = KT_CLAMP(seconds, 0, 1e12);
	s = (unsigned long)(seconds + 0.5);
	if (seconds < 9.95)
		(void)snprintf(shown.text, sizeof shown.text, "%.1f s", seconds);
	else if (s < 120)
		(void)snprintf(shown.text, sizeof shown.text, "%lu s", s);
	else if (s < 7200)
		(void)snprintf(shown.text, sizeof shown.text, "%lu min", s / 60);
	else if (s < 2 * 86400 && s % 3600 < 60)
		(void)snprintf(shown.text, sizeof shown.text, "%lu h", s / 3600);
	else if (s < 2 * 86400)
		(void)snprintf(shown.text, sizeof shown.text, "%lu h %lu min", s / 3600,
			       s / 60 % 60);
	else
		(void)snprintf(shown.text, sizeof shown.text, "%lu d %lu h", s / 86400,
			       s / 3600 % 24);
	return shown;
}

struct shown show_age(double unix_s)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return show_seconds(fabs((double)now.tv_sec - unix_s));
}

static size_t write_time(char *buf, size_t size, enum time_part part, const struct tm *when)
{
	switch (part) {
	case TIME_DAY:
		return strftime(buf, size, "%e %b", when);
	case TIME_MINUTE:
		return strftime(buf, size, "%H:%M", when);
	case TIME_SECOND:
		return strftime(buf, size, "%T", when);
	case TIME_DAY_AND_SECOND:
		return strftime(buf, size, "%e %b %T", when);
	case TIME_WHOLE:
		return strftime(buf, size, "%e %b %Y, %T %Z", when);
	case TIME_SORTABLE:
		return strftime(buf, size, "%F %T", when);
	}
	return 0;
}

struct shown show_time(double unix_s, enum time_part part)
{
	struct shown shown;
	time_t seconds;
	struct tm local;

	if (!(fabs(unix_s) < 1e11)) /* NAN, too */
		return (struct shown){ "-" };
	seconds = (time_t)unix_s;
	if (!localtime_r(&seconds, &local) ||
	    !write_time(shown.text, sizeof shown.text, part, &local))
		return (struct shown){ "-" };
	return shown;
}

const char *show_without_name(const char *message, const char *name)
{
	size_t length = strlen(name);

	if (length && strncmp(message, name, length) == 0 &&
	    strncmp(message + length, ": ", 2) == 0)
		return message + length + 2;
	return message;
}

char *ctl_question_about(const char *path, const char *name)
{
	char *escaped = curl_easy_escape(NULL, name, 0), *question = NULL;

	if (!escaped || asprintf(&question, "%s%s", path, escaped) < 0) {
		ctl_say("no memory to ask");
		question = NULL;
	}
	curl_free(escaped);
	return question;
}
