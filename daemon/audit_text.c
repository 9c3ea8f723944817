/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does a rule say of this host, in words? */
#include <inttypes.h>
#include <string.h>

#include "audit_run.h"

const char *audit_result_str(enum audit_result result)
{
	static const char *const words[_AUDIT_RESULT_MAX] = {
		[AUDIT_OK] = "ok",
		[AUDIT_FINDING] = "finding",
		[AUDIT_NOT_APPLICABLE] = "not-applicable",
		[AUDIT_UNKNOWN] = "unknown",
	};

	return words[result];
}

const char *audit_severity_str(enum audit_severity severity)
{
	static const char *const words[_AUDIT_SEVERITY_MAX] = {
		[AUDIT_NOTE] = "note", [AUDIT_WARNING] = "warning", [AUDIT_CRITICAL] = "critical"
	};

	return words[severity];
}

const char *audit_class_str(enum audit_class class)
{
	static const char *const words[] = {
		[AUDIT_TUNED] = "tuned",     [AUDIT_LIVE] = "live", [AUDIT_DOMAIN] = "domain",
		[AUDIT_RESTART] = "restart", [AUDIT_BOOT] = "boot", [AUDIT_SIZING] = "sizing",
	};

	return words[class];
}

/* Words come from files and XML of others: what is offered to be pasted into a shell has nothing
 * in it that one would interpret. */
static bool is_plain(const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_./:@%+,=-";

	return word[strspn(word, plain)] == '\0';
}

struct places {
	const struct audit_verdict *verdict;
	const struct uuid *guest; /* NULL: the host */
	bool is_command;
	char value[sizeof((struct audit_verdict *)NULL)->word[0] + KT_UUID_STR];
};

static const char *word_at(struct places *p, unsigned int i)
{
	char *to = p->value;

	if (p->is_command && !is_plain(p->verdict->word[i]))
		return "...";
	for (const char *from = p->verdict->word[i]; *from; from++)
		*to++ = (char)(*from >= 0x20 && *from < 0x7f ? *from : '?');
	*to = '\0';
	return p->value;
}

/* What stands for the place of this name; NULL: it is none, but text with braces. */
static const char *value_of(struct places *p, const char *name, size_t length)
{
	if (length == 1 && *name >= '0' && *name <= '3') {
		(void)snprintf(p->value, sizeof p->value, "%" PRIu64,
			       p->verdict->number[*name - '0']);
		return p->value;
	}
	if (length == 1 && (*name == 'a' || *name == 'b'))
		return word_at(p, *name == 'b');
	if (length == 4 && memcmp(name, "uuid", 4) == 0 && p->guest)
		return uuid_str(p->guest, p->value);
	return NULL;
}

char *audit_text(const char *text, const struct audit_verdict *verdict, const struct uuid *guest,
		 bool is_command, char buf[AUDIT_TEXT_MAX])
{
	struct places p = { .verdict = verdict, .guest = guest, .is_command = is_command };
	size_t used = 0;

	buf[0] = '\0';
	while (*text && used < AUDIT_TEXT_MAX) {
		size_t length = *text == '{' ? strcspn(text + 1, "}") : 0;
		const char *value =
			length && text[length + 1] ? value_of(&p, text + 1, length) : NULL;
		size_t before = value ? 0 : 1 + strcspn(text + 1, "{");

		used += (size_t)snprintf(buf + used, AUDIT_TEXT_MAX - used, "%.*s%s", (int)before,
					 text, value ? value : "");
		text += value ? length + 2 : before;
	}
	if (used >= AUDIT_TEXT_MAX)
		memcpy(buf + AUDIT_TEXT_MAX - 3, "..", 3);
	return buf;
}
