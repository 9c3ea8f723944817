/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Are metrics well-formed in both forms, whatever guests are called?
 *
 * KT_METRICS_DIR=DIR leaves the texts there, for those who judge them: see tests/metrics. */
#include "metrics_fixture.h"

static void leave(const char *name, bool openmetrics)
{
	const char *folder = getenv("KT_METRICS_DIR");
	char path[512];
	FILE *f;

	if (!folder)
		return;
	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	f = fopen(path, "w");
	ck_assert_msg(f && fputs(scrape(openmetrics), f) >= 0, "%s", path);
	fclose(f);
}

static const struct {
	const char *name, *label;
} names[] = {
	{ "web-01", "web-01" },
	{ "quo\"te\\", "quo\\\"te\\\\" },
	{ "new\nline{} 1", "new\\nline{} 1" },
	{ "escape\x1b[2J\x7f\t", "escape\\\\x1b[2J\\\\x7f\\\\x09" },
	{ "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa7",
	  "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa7" },
	{ "\xc2\x9b"
	  "2J",
	  "\\\\xc2\\\\x9b2J" }, /* a control sequence in one character */
	{ "\xff\x80", "\\\\xff\\\\x80" },
	{ "cut\xe2\x82", "cut\\\\xe2\\\\x82" },
	{ "\xe2\x82x\xf0\x9f\x90", "\\\\xe2\\\\x82x\\\\xf0\\\\x9f\\\\x90" },
	{ "\xc0\xaf\xe0\x80\xaf", "\\\\xc0\\\\xaf\\\\xe0\\\\x80\\\\xaf" }, /* overlong */
	{ "\xed\xa0\x80\xf4\x90\x80\x80", "\\\\xed\\\\xa0\\\\x80\\\\xf4\\\\x90\\\\x80\\\\x80" },
	{ "\xe2\x80\xa8"
	  "\xe2\x80\xae"
	  "exe \xe2\x80\xaf", /* a line, the other direction; and a narrow blank */
	  "\\\\xe2\\\\x80\\\\xa8\\\\xe2\\\\x80\\\\xae"
	  "exe \xe2\x80\xaf" },
	{ "../%s%n", "../%s%n" },
};

START_TEST(a_name_stays_a_name)
{
	char line[512];

	put_guest(0, names[_i].name);
	(void)snprintf(line, sizeof line, "kvmtuned_domain_steal_seconds_total{domain=\"%s\"} 12.5",
		       names[_i].label);
	shows(line);
}
END_TEST

/* Everything that there can be, and two ways to get it wrong. */
static void fill(void)
{
	struct log_event refused = { .level = LOG_LEVEL_ERR,
				     .id = LOG_WRITE_REFUSED,
				     .actuator = "ksm",
				     .action = "refuse" };

	for (size_t i = 0; i < KT_ARRAY_LEN(names); i++)
		put_guest(i, names[i].name);
	in_force->guest[0].pinned = true;
	in_force->guest[0].nodes = 2;
	k->domains->slot[1].domain.hold = GUEST_HOLD_PAUSED;
	k->sample->host.ksm.has_ksmd = true;
	history_listen(&refused, k->history);
	history_tick(k->history, k->view, k->plan, in_force, 1);
	histogram_add(&k->tick_times, 3000000);
	k->auditor->counts.known = true;
}

/* What a sample of this family is called. */
static bool is_of(const char *sample, const char *family, const char *type, bool openmetrics)
{
	static const char *const of_histogram[] = { "_bucket", "_sum", "_count" };
	size_t n = strlen(family);
	char name[128];

	(void)snprintf(name, sizeof name, "%.*s", (int)strcspn(sample, "{ "), sample);
	if (strncmp(name, family, n) != 0)
		return false;
	if (strcmp(type, "counter") == 0 && openmetrics)
		return strcmp(name + n, "_total") == 0;
	for (size_t i = 0; strcmp(type, "histogram") == 0 && i < KT_ARRAY_LEN(of_histogram); i++)
		if (strcmp(name + n, of_histogram[i]) == 0)
			return true;
	return name[n] == '\0' && strcmp(type, "histogram") != 0;
}

START_TEST(each_family_is_announced_once_and_has_its_samples_behind_it)
{
	char family[128] = "", type[16], name[128], seen[8192] = "\n";
	bool openmetrics = _i == 1;
	char *line, *rest;

	fill();
	(void)scrape(openmetrics);
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (sscanf(line, "# HELP %127s", name) == 1) {
			ck_assert_msg(line[strlen("# HELP ") + strlen(name) + 1], "%s", line);
			line = strtok_r(NULL, "\n", &rest);
			ck_assert_int_eq(sscanf(line, "# TYPE %127s %15s", family, type), 2);
			ck_assert_str_eq(family, name);
			(void)snprintf(name, sizeof name, "\n%s\n", family);
			ck_assert_msg(!strstr(seen, name), "%s is there twice", family);
			strcat(strcat(seen, family), "\n");
		} else if (strcmp(line, "# EOF") == 0) {
			ck_assert(openmetrics && strtok_r(NULL, "\n", &rest) == NULL);
			return;
		} else {
			ck_assert_msg(is_of(line, family, type, openmetrics), "%s", line);
		}
	}
	ck_assert(!openmetrics);
}
END_TEST

START_TEST(no_family_is_empty_when_everything_is_there)
{
	const char *at;
	unsigned int n = 0;

	fill();
	for (at = scrape(false); (at = strstr(at, "\n# TYPE ")) != NULL; n++) {
		at = strchr(at + 1, '\n');
		ck_assert_msg(at[1] != '#' && at[1] != '\0', "nothing before %.60s", at);
	}
	ck_assert_uint_gt(n, 20);
	leave("full.prom", false);
	leave("full.openmetrics", true);
}
END_TEST

START_TEST(without_guests_and_before_the_first_tick_all_is_well)
{
	shows("kvmtuned_domains 0");
	shows("kvmtuned_last_cycle_timestamp_seconds 0");
	shows("kvmtuned_cycle_duration_seconds_count 0");
	shows("kvmtuned_libvirt_reconnects_total 0");
	shows("kvmtuned_actuator_errors_total{actuator=\"numa_balancing\"} 0");
	leave("empty.prom", false);
}
END_TEST

START_TEST(guests_are_left_out_when_that_is_wanted)
{
	fill();
	k->conf.metrics_per_domain = CONF_NO;
	shows_nothing_of("domain=\"");
	shows_nothing_of("kvmtuned_domain_");
	shows("kvmtuned_domains_managed 12");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("metrics");
	TCase *c = tcase_create("metrics");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, a_name_stays_a_name, 0, KT_ARRAY_LEN(names));
	tcase_add_loop_test(c, each_family_is_announced_once_and_has_its_samples_behind_it, 0, 2);
	tcase_add_test(c, no_family_is_empty_when_everything_is_there);
	tcase_add_test(c, without_guests_and_before_the_first_tick_all_is_well);
	tcase_add_test(c, guests_are_left_out_when_that_is_wanted);
	suite_add_tcase(s, c);
	return kt_run(s);
}
