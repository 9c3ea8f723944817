/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does the text of a value mean, and what is the text of a value? */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "conf_table.h"

int conf_word(const char *const *words, const char *text, unsigned int *ret)
{
	for (unsigned int i = 0; words[i]; i++) {
		if (*text && strcmp(words[i], text) == 0) {
			*ret = i;
			return 0;
		}
	}
	return -EINVAL;
}

static const char *const loops[] = {
	[LOOP_KSM] = "ksm", [LOOP_PLACEMENT] = "placement", [LOOP_MEMORY] = "memory", NULL
};

const char *loop_str(enum kt_loop loop)
{
	return loops[loop];
}

enum kt_loop loop_of_str(const char *word)
{
	unsigned int loop;

	return conf_word(loops, word, &loop) == 0 ? (enum kt_loop)loop : _LOOP_MAX;
}

bool conf_is_absolute(const char *path)
{
	return path[0] == '/';
}

int conf_parse_listen(const char *text, struct sockaddr_storage *ret)
{
	static const char v4[] = "127.0.0.1:", v6[] = "[::1]:";
	bool is_v4 = strncmp(text, v4, strlen(v4)) == 0;
	uint64_t port;

	if (strcmp(text, "off") == 0)
		return 0;
	if (!is_v4 && strncmp(text, v6, strlen(v6)) != 0)
		return -EINVAL;
	text += is_v4 ? strlen(v4) : strlen(v6);
	/* str_u64 allows blanks, too */
	if (text[strspn(text, "0123456789")] || str_u64(text, &port) < 0 || port < 1 ||
	    port > UINT16_MAX)
		return -EINVAL;
	memset(ret, 0, sizeof *ret);
	if (is_v4) {
		*(struct sockaddr_in *)ret = (struct sockaddr_in){
			.sin_family = AF_INET,
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
			.sin_port = htons((uint16_t)port),
		};
		return (int)sizeof(struct sockaddr_in);
	}
	*(struct sockaddr_in6 *)ret = (struct sockaddr_in6){
		.sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT,
		.sin6_port = htons((uint16_t)port),
	};
	return (int)sizeof(struct sockaddr_in6);
}

bool conf_is_listen(const char *text)
{
	struct sockaddr_storage address;

	return conf_parse_listen(text, &address) >= 0;
}

static int set_text(const struct conf_option *o, char *field, const char *text)
{
	if (!*text || strlen(text) >= CONF_TEXT_MAX || (o->text_fits && !o->text_fits(text)))
		return -EINVAL;
	strcpy(field, text);
	return 0;
}

/* The fields are enums (unsigned here), uint64_t, char[CONF_TEXT_MAX], sets of CPUs and of rules.
 */
int conf_option_set(const struct conf_option *o, struct conf *conf, const char *text)
{
	char *field = (char *)conf + o->offset;
	uint64_t number;

	if (o->words)
		return conf_word(o->words, text, (unsigned int *)(void *)field);
	if (o->is_text)
		return set_text(o, field, text);
	if (o->is_cpus)
		return cpumask_parse(text, (struct cpumask *)(void *)field) < 0 ? -EINVAL : 0;
	if (o->is_rule_ids)
		return conf_rule_ids_parse(text, (struct rule_ids *)(void *)field);
	if (o->is_host_rules)
		return conf_host_rules_parse(text, (uint64_t *)(void *)field);
	if (str_u64(text, &number) < 0 || number < o->min || number > o->max)
		return -EINVAL;
	*(uint64_t *)(void *)field = number;
	return 0;
}

char *conf_option_text(const struct conf_option *o, const struct conf *conf, char *buf, size_t size)
{
	const void *field = (const char *)conf + o->offset;

	if (o->is_cpus)
		return cpumask_str(field, buf, size);
	if (o->is_rule_ids)
		return conf_rule_ids_text(field, buf, size);
	if (o->is_host_rules)
		return conf_host_rules_text(*(const uint64_t *)field, buf, size);
	if (o->words)
		(void)snprintf(buf, size, "%s", o->words[*(const unsigned int *)field]);
	else if (o->is_text)
		(void)snprintf(buf, size, "%s", (const char *)field);
	else
		(void)snprintf(buf, size, "%llu", (unsigned long long)*(const uint64_t *)field);
	return buf;
}

static void allowed_host_rules(char *buf, size_t size)
{
	char ids[CONF_VALUE_MAX];

	(void)snprintf(buf, size, "none, or some of %s",
		       conf_host_rules_text(conf_host_rules(), ids, sizeof ids));
}

char *conf_option_allowed(const struct conf_option *o, char *buf, size_t size)
{
	size_t used = 0;

	if (o->is_text && o->allowed)
		(void)snprintf(buf, size, "%s", o->allowed);
	else if (o->is_text)
		(void)snprintf(buf, size, "a text of 1 to %d bytes", CONF_TEXT_MAX - 1);
	else if (o->is_cpus)
		(void)snprintf(buf, size, "a list of CPUs such as 0-3,8, below %d", KT_CPUS_MAX);
	else if (o->is_rule_ids)
		(void)snprintf(buf, size,
			       "ids of rules as kvmtuned(8) lists them, with blanks between them");
	else if (o->is_host_rules)
		allowed_host_rules(buf, size);
	else if (!o->words)
		(void)snprintf(buf, size, "a whole number from %llu to %llu",
			       (unsigned long long)o->min, (unsigned long long)o->max);
	else
		for (size_t i = 0; o->words[i] && used < size; i++)
			if (*o->words[i])
				used += (size_t)snprintf(buf + used, size - used, "%s%s",
							 used ? ", " : "", o->words[i]);
	return buf;
}
