/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which lines of a configuration would inih read as we do?
 *
 * The distribution's inih cuts lines at 199 bytes and parses the tail as a line of
 * its own, takes an indented line for a continuation of the value before, skips what
 * stands behind a section and each line whose bracket or sign is in a comment, and does
 * not tell line numbers.  So it reads through our own line reader, which refuses
 * what inih would misread and counts. */
#include <stdarg.h>
#include <string.h>

#include "conf_reader.h"

void conf_mistake(struct conf_reader *r, const char *fmt, ...)
{
	char what[512], shown[sizeof what * 4], text[sizeof shown + 512];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(what, sizeof what, fmt, args);
	va_end(args);
	(void)snprintf(text, sizeof text, "%s:%u: %s", r->path, r->line,
		       str_escape(what, shown, sizeof shown));
	r->complain(text, r->context);
	r->mistakes++;
}

const char conf_refused_section[] = "\001";
static const char refused_section_line[] = "[\001]";

bool conf_is_domain_section(const char *section)
{
	return strncmp(section, "domain", 6) == 0 && strchr(" \t", section[6]); /* '\0' too */
}

const char *conf_quoted_pattern(const char *section)
{
	const char *quoted = section + strlen("domain");
	size_t n;

	quoted += strspn(quoted, " \t");
	n = strlen(quoted);
	return n >= 3 && quoted[0] == '"' && quoted[n - 1] == '"' ? quoted : NULL;
}

static bool is_option_section(const char *section)
{
	for (size_t i = 0; i < conf_noptions; i++)
		if (strcmp(conf_options[i].section, section) == 0)
			return true;
	return false;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* As inih looks: the first of these, else the comment that a blank and a semicolon begin, else
 * the end. */
static const char *find_before_comment(const char *text, const char *wanted)
{
	bool after_blank = false;

	for (; *text && !strchr(wanted, *text) && !(after_blank && *text == ';'); text++)
		after_blank = is_blank(*text);
	return text;
}

static bool section_is_known(struct conf_reader *r, const char *section)
{
	if (is_option_section(section) ||
	    (conf_is_domain_section(section) && conf_quoted_pattern(section)))
		return true;
	conf_mistake(r, "[%s]: %s", section,
		     conf_is_domain_section(section)
			     ? "wanted [domain \"PATTERN\"], where PATTERN has no ]"
			     : "unknown section; allowed: daemon, ksm, placement, "
			       "memory, host, audit, metrics, domain \"PATTERN\"");
	return false;
}

/* inih tells of a section only with its first key: names are checked before. */
static bool section_is_fit(struct conf_reader *r, const char *line)
{
	char section[CONF_SECTION_BYTES + 1];
	const char *end = find_before_comment(line + 1, "]");
	size_t n = (size_t)(end - line) - 1;

	r->section_line = r->line;
	if (*end != ']') {
		conf_mistake(r, *end ? "section without closing bracket before the comment, which "
				       "a blank and ; begin"
				     : "section without closing bracket");
		return false;
	}
	if (n > CONF_SECTION_BYTES) {
		conf_mistake(r, "section name too long: at most %d bytes", CONF_SECTION_BYTES);
		return false;
	}
	memcpy(section, line + 1, n);
	section[n] = '\0';
	if (!section_is_known(r, section))
		return false;
	end += 1 + strspn(end + 1, " \t");
	if (*end == '\0' || *end == '#' || *end == ';')
		return true;
	conf_mistake(r, "[%s]: text behind it; allowed: a comment; options begin on the next line",
		     section);
	return false;
}

static bool option_is_fit(struct conf_reader *r, const char *line)
{
	const char *value = find_before_comment(line, "=:"), *end;

	if (*value != '=' && *value != ':') {
		conf_mistake(r, "neither [section], key = value nor # comment");
		return false;
	}
	end = find_before_comment(++value, "");
	for (; value < end; value++) {
		if (*value != '#' || !is_blank(value[-1]))
			continue;
		conf_mistake(r, "a comment behind a value begins with ;, and # only with the line");
		return false;
	}
	return true;
}

/* Whether inih would read this line as we would: what it would not is said. */
static bool line_is_fit(struct conf_reader *r, const char *line)
{
	if (*line == '#' || *line == ';' || line[strspn(line, " \t")] == '\0')
		return true;
	if (*line == '[')
		return section_is_fit(r, line);
	if (!is_blank(*line))
		return option_is_fit(r, line);
	conf_mistake(r, "line begins with a blank: options begin in the first column");
	return false;
}

static bool has_control_character(const char *line, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((unsigned char)line[i] < ' ' && line[i] != '\t') || line[i] == 0x7f)
			return true;
	return false;
}

/* What editors of other systems put in front of a text, and inih skips. */
static bool has_byte_order_mark(const char *line)
{
	return strncmp(line, "\xef\xbb\xbf", 3) == 0;
}

/* The line without its end, and cut to `room`; *ret_bytes is how long it was.  False: there is
 * no more. */
static bool take_line(FILE *file, char *line, size_t room, size_t *ret_bytes)
{
	size_t n = 0;
	int c = getc(file);

	if (c == EOF)
		return false;
	for (; c != EOF && c != '\n'; c = getc(file), n++)
		if (n < room)
			line[n] = (char)c;
	*ret_bytes = n;
	n = KT_MIN(n, room);
	line[n] = '\0';
	return true;
}

char *conf_read_line(char *line, int size, void *context)
{
	struct conf_reader *r = context;
	size_t n, room = KT_MIN((size_t)size - 1, (size_t)CONF_LINE_BYTES);
	bool refused_section;

	if (!take_line(r->file, line, room, &n))
		return NULL;
	r->line++;
	if (n > 0 && n <= room && line[n - 1] == '\r')
		line[--n] = '\0';
	if (n > room)
		conf_mistake(r, "line too long: at most %zu bytes", room);
	else if (has_control_character(line, n))
		conf_mistake(r, "control character in the line");
	else if (has_byte_order_mark(line))
		conf_mistake(r, "byte order mark: allowed is UTF-8 without one");
	else if (line_is_fit(r, line))
		return line;
	/* Keys below a section that was refused must not count for the one above. */
	refused_section = line[0] == '[' || has_byte_order_mark(line);
	strcpy(line, refused_section ? refused_section_line : "");
	return line;
}
