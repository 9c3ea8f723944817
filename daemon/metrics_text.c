/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How are metrics written, so that no name of a guest can be anything but a name? */
#include "metrics_text.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

static const char *const kinds[] = {
	[METRIC_GAUGE] = "gauge", [METRIC_COUNTER] = "counter", [METRIC_HISTOGRAM] = "histogram"
};

void metrics_family(struct metrics_text *t, const char *name, enum metric_kind kind,
		    const char *help)
{
	size_t length = strlen(name);

	/* In OpenMetrics the family of x_total is x. */
	if (t->openmetrics && kind == METRIC_COUNTER)
		length -= strlen("_total");
	fprintf(t->out, "# HELP %.*s %s\n# TYPE %.*s %s\n", (int)length, name, help, (int)length,
		name, kinds[kind]);
	t->family = name;
}

void metrics_name(struct metrics_text *t, const char *suffix)
{
	fprintf(t->out, "%s%s", t->family, suffix);
	t->labelled = false;
}

/* Separators of lines and switches of direction do to a terminal what control characters do. */
static bool is_readable(uint32_t code)
{
	return code >= 0x20 && (code < 0x7f || code >= 0xa0) && (code < 0x2028 || code > 0x202e) &&
	       (code < 0x2066 || code > 0x2069) && (code < 0xd800 || code > 0xdfff) &&
	       code <= 0x10ffff;
}

/* Bytes of the character that begins here; 0: it is not UTF-8, or not for reading. */
static size_t readable_length(const unsigned char *s)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 }; /* of n bytes */
	size_t n = *s < 0x80         ? 1
		   : *s >> 5 == 0x06 ? 2
		   : *s >> 4 == 0x0e ? 3
		   : *s >> 3 == 0x1e ? 4
				     : 0;
	uint32_t code = n == 1 ? *s : *s & (0x7fU >> n);

	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3fU);
	}
	return code >= least[n] && is_readable(code) ? n : 0;
}

/* Bytes of text that needs no escape. */
static size_t plain_length(const unsigned char *s)
{
	size_t n = 0, length;

	while (s[n] != '"' && s[n] != '\\' && (length = readable_length(s + n)) > 0)
		n += length;
	return n;
}

static void put_escaped(FILE *out, unsigned char c)
{
	if (c == '\n')
		fputs("\\n", out);
	else if (c == '"' || c == '\\')
		fprintf(out, "\\%c", c);
	else
		fprintf(out, "\\\\x%02x", c);
}

void metrics_label(struct metrics_text *t, const char *name, const char *value)
{
	const unsigned char *s = (const unsigned char *)value;

	fprintf(t->out, "%c%s=\"", t->labelled ? ',' : '{', name);
	for (;;) {
		size_t n = plain_length(s);

		fwrite(s, 1, n, t->out);
		s += n;
		if (!*s)
			break;
		put_escaped(t->out, *s++);
	}
	fputc('"', t->out);
	t->labelled = true;
}

void metrics_value(struct metrics_text *t, double value)
{
	if (isfinite(value))
		fprintf(t->out, "%s %.15g\n", t->labelled ? "}" : "", value);
	else
		fprintf(t->out, "%s NaN\n", t->labelled ? "}" : "");
}

void metrics_put(struct metrics_text *t, double value)
{
	metrics_name(t, "");
	metrics_value(t, value);
}

void metrics_put_labelled(struct metrics_text *t, const char *label, const char *word, double value)
{
	metrics_name(t, "");
	metrics_label(t, label, word);
	metrics_value(t, value);
}

void metrics_end(struct metrics_text *t)
{
	if (t->openmetrics)
		fputs("# EOF\n", t->out);
}
