/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How is a guest's UUID read and written as text? */
#include "uuid.h"

#include <errno.h>

static bool dash_follows(size_t byte)
{
	return byte == 3 || byte == 5 || byte == 7 || byte == 9;
}

char *uuid_str(const struct uuid *u, char buf[KT_UUID_STR])
{
	static const char hex[] = "0123456789abcdef";
	char *p = buf;

	for (size_t i = 0; i < sizeof u->byte; i++) {
		*p++ = hex[u->byte[i] >> 4];
		*p++ = hex[u->byte[i] & 15];
		if (dash_follows(i))
			*p++ = '-';
	}
	*p = '\0';
	return buf;
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -EINVAL;
}

int uuid_parse(const char *text, struct uuid *ret)
{
	struct uuid u;

	for (size_t i = 0; i < sizeof u.byte; i++) {
		int high = nibble(text[0]);
		int low = high < 0 ? high : nibble(text[1]);

		if (low < 0)
			return -EINVAL;
		u.byte[i] = (uint8_t)(high << 4 | low);
		text += 2;
		if (dash_follows(i) && *text++ != '-')
			return -EINVAL;
	}
	if (*text)
		return -EINVAL;
	*ret = u;
	return 0;
}
