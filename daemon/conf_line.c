/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which lines of a configuration would inih read as we do?
 *
 * The distribution's inih cuts lines at 199 bytes and parses the tail as a line of
 * its own, takes an indented line for a continuation of the value before, and does
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

/* inih tells of a section only with its first key: names are checked before. */
static bool section_is_fit(struct conf_reader *r, const char *line)
{
	char section[CONF_SECTION_BYTES + 1];
	size_t n = strcspn(line, "]") - 1;

	r->section_line = r->line;
	if (line[n + 1] != ']') {
		conf_mistake(r, "section without closing bracket");
		return false;
	}
	if (n > CONF_SECTION_BYTES) {
		conf_mistake(r, "section name too long: at most %d bytes", CONF_SECTION_BYTES);
		return false;
	}
	memcpy(section, line + 1, n);
	section[n] = '\0';
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

/* Whether inih would read this line as we would: what it would not is said. */
static bool line_is_fit(struct conf_reader *r, const char *line)
{
	if (*line == '\0' || *line == '#' || *line == ';')
		return true;
	if (*line == '[')
		return section_is_fit(r, line);
	if (*line == ' ' || *line == '\t') {
		if (line[strspn(line, " \t")] == '\0')
			return true;
		conf_mistake(r, "line begins with a blank: options begin in the first column");
	} else if (strpbrk(line, "=:")) {
		return true;
	} else {
		conf_mistake(r, "neither [section], key = value nor # comment");
	}
	return false;
}

char *conf_read_line(char *line, int size, void *context)
{
	struct conf_reader *r = context;
	size_t n = 0, room = KT_MIN((size_t)size - 1, (size_t)CONF_LINE_BYTES);
	bool control = false;
	int c;

	c = getc(r->file);
	if (c == EOF)
		return NULL;
	r->line++;
	for (; c != EOF && c != '\n'; c = getc(r->file)) {
		control |= (c < ' ' && c != '\t' && c != '\r') || c == 0x7f;
		if (n < room)
			line[n] = (char)c;
		n++;
	}
	line[KT_MIN(n, room)] = '\0';
	if (n > room)
		conf_mistake(r, "line too long: at most %zu bytes", room);
	else if (control)
		conf_mistake(r, "control character in the line");
	else if (line_is_fit(r, line))
		return line;
	/* Keys below a section that was refused must not count for the one above. */
	strcpy(line, line[0] == '[' ? refused_section_line : "");
	return line;
}
