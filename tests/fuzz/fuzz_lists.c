/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of CPUs and of rules: the text of what was read means the same. */
#include "conf_table.h"
#include "cpumask.h"
#include "fuzz.h"
#include "nodemask.h"

static void read_cpus(const char *text)
{
	char written[KT_CPULIST_MAX], nodes[KT_NODELIST_MAX], shortened[16];
	struct cpumask cpus = { 0 }, again = { 0 }, numbers = { 0 };

	if (cpumask_parse(text, &cpus) < 0) {
		FUZZ_CLAIM(cpumask_empty(&cpus));
		return;
	}
	FUZZ_CLAIM(cpumask_parse(cpumask_str(&cpus, written, sizeof written), &again) == 0);
	FUZZ_CLAIM(cpumask_equal(&cpus, &again));
	FUZZ_CLAIM(fuzz_is_tame(cpumask_str(&cpus, shortened, sizeof shortened)));
	numbers.word[0] = cpus.word[0];
	FUZZ_CLAIM(cpumask_parse(nodemask_str(cpus.word[0], nodes, sizeof nodes), &again) == 0);
	FUZZ_CLAIM(cpumask_equal(&numbers, &again));
}

static void read_rules(const char *text)
{
	struct rule_ids ids = { 0 }, again = { 0 };
	uint64_t rules = 0, rules_again = 0;
	char written[CONF_VALUE_MAX];

	if (conf_rule_ids_parse(text, &ids) == 0) {
		FUZZ_CLAIM(conf_rule_ids_parse(conf_rule_ids_text(&ids, written, sizeof written),
					       &again) == 0);
		FUZZ_CLAIM(ids.host == again.host && ids.guest == again.guest);
	}
	if (conf_host_rules_parse(text, &rules) == 0) {
		FUZZ_CLAIM(
			conf_host_rules_parse(conf_host_rules_text(rules, written, sizeof written),
					      &rules_again) == 0);
		FUZZ_CLAIM(rules == rules_again && !(rules & ~conf_host_rules()));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *text = fuzz_text(bytes, size);

	read_cpus(text);
	read_rules(text);
	free(text);
	return 0;
}
