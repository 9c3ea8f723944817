/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is in a file of the host that an audit rule is about, and can it be made another word?
 *
 * All these files hold one word: a number, a list of CPUs, or one of several words, which
 * then is in brackets. */
#include <errno.h>
#include <string.h>

#include "act_private.h"
#include "str.h"

/* Where the number of an interrupt goes. */
static const char place[] = "{0}";

bool act_host_is_of_irqs(unsigned int rule)
{
	const char *path = host_rule_path(rule);

	return path && strstr(path, place);
}

int act_host_rule(const char *id)
{
	for (unsigned int i = 0; i < HOST_RULES_MAX && host_rule_id(i); i++)
		if (strcmp(host_rule_id(i), id) == 0)
			return host_rule_path(i) ? (int)i : -ENOENT;
	return -ENOENT;
}

char *act_host_path(const struct host_value *v, char buf[KT_PATH_MAX])
{
	const char *path = host_rule_path(v->rule), *number = strstr(path, place);
	int before = number ? (int)(number - path) : 0;

	if (number)
		(void)snprintf(buf, KT_PATH_MAX, "%.*s%u%s", before, path, v->irq,
			       number + strlen(place));
	else
		(void)snprintf(buf, KT_PATH_MAX, "%s", path);
	return buf;
}

bool act_host_is_word(const char *text)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_,.+-";
	size_t n = strspn(text, allowed);

	return n > 0 && n < HOST_TEXT_MAX && !text[n];
}

/* "always [madvise] never" -> "madvise". */
static void keep_choice(char *text)
{
	char *open = strchr(text, '['), *end = open ? strchr(open, ']') : NULL;
	size_t length = end ? (size_t)(end - open - 1) : strlen(text);

	if (end)
		memmove(text, open + 1, length);
	else if (length && text[length - 1] == '\n')
		length--;
	text[length] = '\0';
}

int act_host_read(const struct act *a, const struct host_value *v, char ret[HOST_TEXT_MAX])
{
	char path[KT_PATH_MAX], text[HOST_TEXT_MAX];
	ssize_t n = hostfs_read(a->fs, act_host_path(v, path), text, sizeof text);

	if (n < 0)
		return (int)n;
	keep_choice(text);
	if (!act_host_is_word(text))
		return -EINVAL;
	strcpy(ret, text);
	return 0;
}

int act_host_write(const struct act *a, const struct host_value *v, const char *word,
		   char ret_found[HOST_TEXT_MAX])
{
	char path[KT_PATH_MAX], text[HOST_TEXT_MAX + 1];
	int r = str_format(text, sizeof text, "%s\n", word);

	if (r == 0)
		r = hostfs_write(a->fs, act_host_path(v, path), text);
	if (r == 0)
		r = act_host_read(a, v, ret_found);
	return r == 0 && strcmp(ret_found, word) != 0 ? -ESTALE : r;
}
