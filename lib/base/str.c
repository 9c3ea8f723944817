/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How is text from strangers made harmless, and numbers read without mercy? */
#include "str.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '\\' && c != '"';
}

char *str_escape(const char *text, char *buf, size_t size)
{
	static const char hex[] = "0123456789abcdef";
	size_t used = 0;

	for (const unsigned char *s = (const unsigned char *)text; *s; s++) {
		size_t need = is_plain(*s) ? 1 : 4;

		if (used + need + 1 > size) {
			if (size > 2)
				memcpy(buf + KT_MIN(used, size - 3), "..", 3);
			return buf;
		}
		if (need == 1) {
			buf[used++] = (char)*s;
		} else {
			buf[used++] = '\\';
			buf[used++] = 'x';
			buf[used++] = hex[*s >> 4];
			buf[used++] = hex[*s & 15];
		}
	}
	buf[used] = '\0';
	return buf;
}

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

int str_unescape(const char *text, char *buf, size_t size)
{
	size_t used = 0;

	while (*text) {
		char c = *text++;

		if (c == '\\') {
			int high, low;

			if (*text++ != 'x')
				return -EINVAL;
			high = hex_digit(*text);
			low = high < 0 ? -1 : hex_digit(text[1]);
			if (low < 0 || (high == 0 && low == 0))
				return -EINVAL;
			c = (char)(high << 4 | low);
			text += 2;
		}
		if (used + 1 >= size)
			return -ENAMETOOLONG;
		buf[used++] = c;
	}
	if (used >= size)
		return -ENAMETOOLONG;
	buf[used] = '\0';
	return 0;
}

int str_u64(const char *text, uint64_t *ret)
{
	uint64_t value = 0;

	text += strspn(text, " \t");
	if (*text < '0' || *text > '9')
		return -EINVAL;
	for (; *text >= '0' && *text <= '9'; text++) {
		if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
			return -ERANGE;
	}
	if (text[strspn(text, " \t\n")])
		return -EINVAL;
	*ret = value;
	return 0;
}

int str_format(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(buf, size, fmt, args);
	va_end(args);
	if (n >= 0 && (size_t)n < size)
		return 0;
	if (size)
		buf[0] = '\0';
	return -ENAMETOOLONG;
}
