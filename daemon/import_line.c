/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which lines of a shell file mean the same without a shell?
 *
 * Only KEY=VALUE does.  Whatever would have to be run or expanded is refused, in quotes
 * too: who means a plain value can write one, and a guess would be a wrong setting. */
#include "import_line.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

static const char name_characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789_";

static int KT_PRINTF(2, 3) refuse(struct import_line *ret, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(ret->why, sizeof ret->why, fmt, args);
	va_end(args);
	ret->key[0] = '\0';
	return -EINVAL;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static const char *skip_blanks(const char *text)
{
	return text + strspn(text, " \t");
}

static int refuse_shell(struct import_line *ret, char c)
{
	char shown[] = { '\'', c, '\'', '\0' };

	return refuse(ret,
		      "%s outside a comment: a shell would have to run this, and kvmtuned runs "
		      "nothing of it; write the value itself",
		      c == '\\' ? "a backslash" : shown);
}

/* What a quote character does to the quote that is open: '\0' is none. */
static char quote_after(char quote, char c)
{
	if (quote)
		return c == quote ? '\0' : quote;
	return c == '"' || c == '\'' ? c : '\0';
}

/* Everything before the comment goes to `code`, which has room for it. */
static int take_code(const char *line, size_t n, char *code, struct import_line *ret)
{
	char quote = '\0';
	size_t i;

	for (i = 0; i < n; i++) {
		char c = line[i];

		if (c == '#' && !quote && (i == 0 || is_blank(line[i - 1])))
			break;
		if (strchr("$`\\();|&<>", c))
			return refuse_shell(ret, c);
		if (((unsigned char)c < ' ' && c != '\t') || c == 0x7f)
			return refuse(ret, "control character in the line");
		quote = quote_after(quote, c);
		code[i] = c;
	}
	code[i] = '\0';
	return quote ? refuse(ret, "a quote without its other half on the line") : 0;
}

static int refuse_start(struct import_line *ret, const char *after_name, bool has_name)
{
	if (is_blank(*after_name) && *skip_blanks(after_name) == '=')
		return refuse(ret, "blank before '=': to the shell this is a command, not a value");
	if (has_name && (*after_name == '[' || strncmp(after_name, "+=", 2) == 0))
		return refuse(ret, "arrays and += are not imported; wanted KEY=VALUE");
	return refuse(ret, "neither KEY=VALUE nor a comment: the shell would run it as a command");
}

static int take_value(const char *text, struct import_line *ret)
{
	const char *at = text;
	char quote = '\0', *out = ret->value;

	for (; *at && (quote || !is_blank(*at)); at++) {
		char before = quote;

		quote = quote_after(quote, *at);
		if (quote == before)
			*out++ = *at;
	}
	*out = '\0';
	if (*skip_blanks(at) == '\0')
		return 1;
	if (at == text)
		return refuse(ret, "blank after '=': to the shell the rest is a command");
	return refuse(ret, "more than KEY=VALUE: the shell would take the rest for a command or "
			   "another value");
}

int import_line_read(const char *line, size_t n, struct import_line *ret)
{
	char code[IMPORT_LINE_BYTES + 1];
	const char *at = code;
	size_t name;

	*ret = (struct import_line){ .ends_in_cr = n > 0 && line[n - 1] == '\r' };
	n -= ret->ends_in_cr;
	if (n > IMPORT_LINE_BYTES)
		return refuse(ret, "line too long: at most %d bytes", IMPORT_LINE_BYTES);
	if (memchr(line, '\0', n))
		return refuse(ret, "NUL byte in the line: this is no text file");
	if (take_code(line, n, code, ret) < 0)
		return -EINVAL;
	at = skip_blanks(at);
	if (*at == '\0')
		return 0;
	if (strncmp(at, "export", 6) == 0 && is_blank(at[6]))
		at = skip_blanks(at + 6);
	name = strspn(at, name_characters);
	if (name == 0 || (*at >= '0' && *at <= '9') || at[name] != '=')
		return refuse_start(ret, at + name, name > 0);
	memcpy(ret->key, at, name);
	return take_value(at + name + 1, ret);
}
