/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is what a value is printed as what it is read from, and does metrics listen where
 * nobody else can ask? */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "audit.h"
#include "conf_table.h"
#include "kt_check.h"

static void takes_and_gives(const struct conf_option *o, const char *text)
{
	static struct conf conf; /* of the option before: each has to change what it finds */
	char back[CONF_VALUE_MAX];

	ck_assert_msg(conf_option_set(o, &conf, text) == 0, "[%s] %s = %s", o->section, o->key,
		      text);
	ck_assert_msg(conf_option_text(o, &conf, back, sizeof back) == back, "%s", o->key);
	ck_assert_msg(strcmp(back, text) == 0, "[%s] %s = %s is printed as \"%s\"", o->section,
		      o->key, text, back);
}

static void both_ends(const struct conf_option *o)
{
	char text[32];

	(void)snprintf(text, sizeof text, "%llu", (unsigned long long)o->min);
	takes_and_gives(o, text);
	(void)snprintf(text, sizeof text, "%llu", (unsigned long long)o->max);
	takes_and_gives(o, text);
}

START_TEST(every_value_of_every_option_is_printed_as_it_is_read)
{
	const struct conf_option *o = &conf_options[_i];

	if (o->words) {
		for (size_t i = 0; o->words[i]; i++)
			if (*o->words[i])
				takes_and_gives(o, o->words[i]);
	} else if (o->is_cpus) {
		takes_and_gives(o, "0-3,8,10-11,1023");
		takes_and_gives(o, "");
	} else if (o->is_rule_ids) {
		takes_and_gives(o, audit_host_rules[0].id);
		takes_and_gives(o, "");
	} else if (o->is_host_rules) {
		takes_and_gives(o, "host-swappiness");
		takes_and_gives(o, "none");
	} else if (!o->is_text) {
		both_ends(o);
	} else if (!o->text_fits) {
		takes_and_gives(o, "any \"text\" = \xff");
	}
	takes_and_gives(o, o->standard);
}
END_TEST

START_TEST(the_longest_list_of_cpus_fits)
{
	const struct conf_option *o = conf_options;
	struct conf conf = { 0 };
	char text[CONF_VALUE_MAX];
	size_t used = 0;

	while (!o->is_cpus)
		o++;
	for (unsigned int cpu = 1; cpu < KT_CPUS_MAX; cpu += 2)
		used += (size_t)snprintf(text + used, sizeof text - used, "%s%u", used ? "," : "",
					 cpu);
	ck_assert_uint_lt(used, sizeof text);
	takes_and_gives(o, text);
	ck_assert_str_eq(conf_option_text(o, &conf, text, sizeof text), "");
}
END_TEST

START_TEST(rules_are_named_by_their_ids_and_others_are_a_mistake)
{
	const struct audit_rule *host = audit_host_rules, *guest = audit_guest_rules;
	struct rule_ids ids = { .host = 7 };
	char text[128], wrong[128];

	(void)snprintf(text, sizeof text, " %s,%s\t%s ", guest[0].id, host[1].id, host[1].id);
	ck_assert_int_eq(conf_rule_ids_parse(text, &ids), 0);
	ck_assert_uint_eq(ids.host, 2);
	ck_assert_uint_eq(ids.guest, 1);
	(void)snprintf(text, sizeof text, "%s %s", host[1].id, guest[0].id);
	ck_assert_str_eq(conf_rule_ids_text(&ids, wrong, sizeof wrong), text);
	(void)snprintf(wrong, sizeof wrong, "%s %.*s", host[0].id, (int)strlen(guest[0].id) - 1,
		       guest[0].id);
	ck_assert_int_eq(conf_rule_ids_parse(wrong, &ids), -EINVAL);
	(void)snprintf(wrong, sizeof wrong, "%sx", host[0].id);
	ck_assert_int_eq(conf_rule_ids_parse(wrong, &ids), -EINVAL);
	ck_assert_uint_eq(ids.host, 2);
}
END_TEST

START_TEST(all_rules_have_a_bit_and_a_text)
{
	struct rule_ids all = { .host = UINT64_MAX, .guest = UINT64_MAX }, back;
	char text[CONF_VALUE_MAX];

	ck_assert_uint_le(audit_nhost_rules, AUDIT_RULES_MAX);
	ck_assert_uint_le(audit_nguest_rules, AUDIT_RULES_MAX);
	conf_rule_ids_text(&all, text, sizeof text);
	ck_assert_int_eq(conf_rule_ids_parse(text, &back), 0);
	ck_assert_int_eq(__builtin_popcountll(back.host), (int)audit_nhost_rules);
	ck_assert_int_eq(__builtin_popcountll(back.guest), (int)audit_nguest_rules);
}
END_TEST

static const struct conf_option *host_apply(void)
{
	return &conf_options[conf_option_find("host", "apply")];
}

static const struct {
	const char *text, *means; /* NULL: refused */
} applies[] = {
	{ "none", "none" },
	{ "host-swappiness", "host-swappiness" },
	{ "host-thp-enabled, host-swappiness", "host-swappiness host-thp-enabled" },
	{ "host-swappiness host-swappiness", "host-swappiness" },
	{ "", NULL },
	{ " , ", NULL },
	{ "None", NULL },
	{ "none host-swappiness", NULL },
	{ "host-swappiness none", NULL },
	{ "host-swap", NULL },
	{ "host-swappinesses", NULL },
	{ "host-cpu-use", NULL }, /* a rule that nothing can be written for */
	{ "guest-balloon", NULL },
	{ "../../etc/passwd", NULL },
};

START_TEST(only_rules_that_can_be_applied_are)
{
	struct conf conf = { 0 };
	char text[CONF_VALUE_MAX];
	bool fits = applies[_i].means;

	conf.policy.host.apply = 42;
	ck_assert_int_eq(conf_option_set(host_apply(), &conf, applies[_i].text),
			 fits ? 0 : -EINVAL);
	if (fits)
		ck_assert_str_eq(conf_option_text(host_apply(), &conf, text, sizeof text),
				 applies[_i].means);
	else
		ck_assert_uint_eq(conf.policy.host.apply, 42);
}
END_TEST

START_TEST(who_names_another_is_told_all_that_can_be)
{
	char text[768];

	conf_option_allowed(host_apply(), text, sizeof text);
	ck_assert_int_eq(strncmp(text, "none, or some of host-", 22), 0);
	ck_assert_ptr_nonnull(strstr(text, "host-swappiness"));
	ck_assert_ptr_nonnull(strstr(text, "host-irq-affinity"));
	ck_assert_ptr_null(strstr(text, "host-cpu-use"));
	ck_assert_ptr_null(strstr(text, "guest-"));
	ck_assert_uint_lt(strlen(text), sizeof text - 1);
}
END_TEST

static const struct {
	const char *text;
	int family; /* 0: off; -1: refused */
	uint16_t port;
} listens[] = {
	{ "off", 0, 0 },
	{ "127.0.0.1:9177", AF_INET, 9177 },
	{ "[::1]:9177", AF_INET6, 9177 },
	{ "127.0.0.1:1", AF_INET, 1 },
	{ "127.0.0.1:65535", AF_INET, 65535 },
	{ "127.0.0.1:0", -1, 0 },
	{ "127.0.0.1:65536", -1, 0 },
	{ "[::1]:65536", -1, 0 },
	{ "127.0.0.1", -1, 0 },
	{ "127.0.0.1:", -1, 0 },
	{ "127.0.0.1: 80", -1, 0 },
	{ "127.0.0.1:80 ", -1, 0 },
	{ "127.0.0.1:80x", -1, 0 },
	{ "127.0.0.1:-1", -1, 0 },
	{ "127.0.0.1:+80", -1, 0 },
	{ "127.0.0.1:18446744073709551696", -1, 0 },
	{ "127.0.0.2:80", -1, 0 },
	{ "0.0.0.0:80", -1, 0 },
	{ "[::]:80", -1, 0 },
	{ "::1:80", -1, 0 },
	{ "[::1]80", -1, 0 },
	{ "localhost:80", -1, 0 },
	{ "80", -1, 0 },
	{ "Off", -1, 0 },
	{ "", -1, 0 },
};

START_TEST(metrics_are_served_on_loopback_or_not_at_all)
{
	struct sockaddr_storage address;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address;
	int r, family = listens[_i].family;

	memset(&address, 0x55, sizeof address);
	r = conf_parse_listen(listens[_i].text, &address);
	ck_assert_int_eq(conf_is_listen(listens[_i].text), family >= 0);
	if (family <= 0) {
		ck_assert_msg(r == (family < 0 ? -EINVAL : 0), "%s: %d", listens[_i].text, r);
		ck_assert_uint_eq(address.ss_family, 0x5555);
		return;
	}
	ck_assert_int_eq(address.ss_family, family);
	ck_assert_int_eq(r, (int)(family == AF_INET ? sizeof *v4 : sizeof *v6));
	ck_assert_uint_eq(ntohs(family == AF_INET ? v4->sin_port : v6->sin6_port),
			  listens[_i].port);
	if (family == AF_INET)
		ck_assert_uint_eq(ntohl(v4->sin_addr.s_addr), INADDR_LOOPBACK);
	else
		ck_assert_mem_eq(&v6->sin6_addr, &in6addr_loopback, sizeof in6addr_loopback);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("conf value");
	TCase *c = tcase_create("value");

	tcase_add_loop_test(c, every_value_of_every_option_is_printed_as_it_is_read, 0,
			    (int)conf_noptions);
	tcase_add_test(c, the_longest_list_of_cpus_fits);
	tcase_add_test(c, rules_are_named_by_their_ids_and_others_are_a_mistake);
	tcase_add_test(c, all_rules_have_a_bit_and_a_text);
	tcase_add_loop_test(c, only_rules_that_can_be_applied_are, 0, KT_ARRAY_LEN(applies));
	tcase_add_test(c, who_names_another_is_told_all_that_can_be);
	tcase_add_loop_test(c, metrics_are_served_on_loopback_or_not_at_all, 0,
			    (int)KT_ARRAY_LEN(listens));
	suite_add_tcase(s, c);
	return kt_run(s);
}
