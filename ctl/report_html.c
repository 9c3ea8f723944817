/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does text get into a page without becoming markup? */
#include "report_html.h"

#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

static const char *entity(char c)
{
	switch (c) {
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '&':
		return "&amp;";
	case '\'':
		return "&#39;";
	case '"':
		return "&quot;";
	default:
		return c < 0x20 || c > 0x7e ? "&#xfffd;" : NULL;
	}
}

static void write_text(FILE *to, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		const char *escaped = entity(text[i]);

		if (escaped)
			fputs(escaped, to);
		else
			fputc(text[i], to);
	}
}

/* Behind the '%'; returns what comes after the conversion. */
static const char *write_argument(FILE *to, const char *at, va_list *args)
{
	int precision = 6;

	if (at[0] == '.' && isdigit((unsigned char)at[1])) {
		precision = at[1] - '0';
		at += 2;
	}
	if (*at == 's') {
		const char *text = va_arg(*args, const char *);

		write_text(to, text, strlen(text));
	} else if (*at == 'd') {
		fprintf(to, "%d", va_arg(*args, int));
	} else if (*at == 'f') {
		double number = va_arg(*args, double);

		fprintf(to, "%.*f", precision, isfinite(number) ? number : 0);
	} else if (*at == 'z') {
		fprintf(to, "%zu", va_arg(*args, size_t));
		at++;
	} else {
		assert(*at == '%');
		fputc('%', to);
	}
	return at + 1;
}

void html(FILE *to, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	while (*format) {
		size_t literal = strcspn(format, "%");

		(void)fwrite(format, 1, literal, to); /* ferror() is asked at the end */
		format += literal;
		if (*format == '%')
			format = write_argument(to, format + 1, &args);
	}
	va_end(args);
}

void html_cut(FILE *to, const char *text, size_t characters)
{
	size_t length = strnlen(text, characters);

	write_text(to, text, length);
	if (text[length])
		fputs("…", to);
}
