/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which rules of the audit does a list name? */
#include <errno.h>
#include <string.h>

#include "audit.h"
#include "conf_table.h"

static const char blanks[] = " \t,";

/* 0: there is no such rule. */
static uint64_t bit_of(const struct audit_rule *rules, size_t n, const char *id, size_t length)
{
	for (size_t i = 0; i < n && i < AUDIT_RULES_MAX; i++)
		if (strlen(rules[i].id) == length && memcmp(rules[i].id, id, length) == 0)
			return UINT64_C(1) << i;
	return 0;
}

int conf_rule_ids_parse(const char *text, struct rule_ids *ret)
{
	struct rule_ids ids = { 0 };

	for (text += strspn(text, blanks); *text; text += strspn(text, blanks)) {
		size_t length = strcspn(text, blanks);
		uint64_t host = bit_of(audit_host_rules, audit_nhost_rules, text, length);
		uint64_t guest = bit_of(audit_guest_rules, audit_nguest_rules, text, length);

		if (!host && !guest)
			return -EINVAL;
		ids.host |= host;
		ids.guest |= guest;
		text += length;
	}
	*ret = ids;
	return 0;
}

static void add_ids(const struct audit_rule *rules, size_t n, uint64_t set, char *buf, size_t size)
{
	size_t used = strlen(buf);

	for (size_t i = 0; i < n && i < AUDIT_RULES_MAX && used < size; i++)
		if (set >> i & 1)
			used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? " " : "",
						 rules[i].id);
}

char *conf_rule_ids_text(const struct rule_ids *ids, char *buf, size_t size)
{
	buf[0] = '\0';
	add_ids(audit_host_rules, audit_nhost_rules, ids->host, buf, size);
	add_ids(audit_guest_rules, audit_nguest_rules, ids->guest, buf, size);
	return buf;
}

/* ---- those of the host that the daemon may write for -------------------------------------- */

uint64_t conf_host_rules(void)
{
	uint64_t rules = 0;

	for (unsigned int i = 0; i < AUDIT_RULES_MAX && host_rule_id(i); i++)
		if (host_rule_path(i))
			rules |= UINT64_C(1) << i;
	return rules;
}

int conf_host_rules_parse(const char *text, uint64_t *ret)
{
	struct rule_ids ids = { 0 };

	if (!text[strspn(text, blanks)])
		return -EINVAL;
	if (strcmp(text, "none") != 0 && conf_rule_ids_parse(text, &ids) < 0)
		return -EINVAL;
	if (ids.guest || (ids.host & ~conf_host_rules()))
		return -EINVAL;
	*ret = ids.host;
	return 0;
}

char *conf_host_rules_text(uint64_t rules, char *buf, size_t size)
{
	if (!rules)
		(void)snprintf(buf, size, "none");
	else
		conf_rule_ids_text(&(struct rule_ids){ .host = rules }, buf, size);
	return buf;
}
