/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configuration file: nothing of it is passed over in silence. */
#include "conf_check.h"
#include "fuzz_said.h"
#include "world.h"

static size_t complaints;

static void hear(const char *text, void *context)
{
	(void)context;
	complaints++;
	FUZZ_CLAIM(fuzz_is_tame(text) && strstr(text, "conf"));
}

static void write_options(const struct conf *conf, FILE *out)
{
	char value[CONF_VALUE_MAX];

	for (size_t i = 0; i < conf_noptions; i++)
		fprintf(out, "[%s]\n%s=%s\n", conf_options[i].section, conf_options[i].key,
			conf_option_text(&conf_options[i], conf, value, sizeof value));
}

/* Two sections of one name, one after the other, are two: by the blank in front of it. */
static void write_rule(const struct conf_rule *rule, size_t i, FILE *out)
{
	const struct guest_wish *w = &rule->wish;
	const enum guest_switch value[] = { w->ksm, w->placement, w->memory };
	static const char *const key[] = { "ksm", "placement", "memory" };

	fprintf(out, "[domain%c\"%s\"]\n", i % 2 ? '\t' : ' ', rule->glob);
	for (size_t k = 0; k < KT_ARRAY_LEN(key); k++)
		if (conf_switch_text(value[k]))
			fprintf(out, "%s=%s\n", key[k], conf_switch_text(value[k]));
	if (w->weight)
		fprintf(out, "weight=%u\n", w->weight);
	if (w->min_guarantee_mib)
		fprintf(out, "min_guarantee_mib=%llu\n", (unsigned long long)w->min_guarantee_mib);
}

/* A file with all values means the same. */
static void write_and_read(const struct conf *conf)
{
	static struct conf again;
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	FUZZ_CLAIM(f);
	write_options(conf, f);
	for (size_t i = 0; i < conf->nrules; i++)
		write_rule(&conf->rule[i], i, f);
	fclose(f);
	world_put("written.conf", text, size);
	FUZZ_CLAIM(conf_load("/written.conf", true, hear, NULL, &again) == 0);
	FUZZ_CLAIM(memcmp(&again, conf, sizeof again) == 0);
	free(text);
}

static void show(const struct conf *conf, const struct conf_origins *origins)
{
	static const struct conf_host host = { .online = { { 0xff } } };
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	FUZZ_CLAIM(f);
	conf_warn(conf, origins, NULL, hear, NULL);
	conf_warn(conf, origins, &host, hear, NULL);
	conf_show_text(conf, origins, f);
	fclose(f);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		FUZZ_CLAIM(fuzz_is_tame(line));
	free(text);
}

static int sets_something(const struct conf_origins *origins, unsigned int line)
{
	for (size_t i = 0; i < CONF_OPTIONS_MAX; i++)
		if (origins->option[i].line == line)
			return 1;
	return 0;
}

/* What is neither blank nor a comment is a section alone, or sets an option. */
static void account_for_lines(const char *text, const struct conf_origins *origins)
{
	unsigned int line = 1;
	int in_domain = 0;

	for (; text; text = strchr(text, '\n') ? strchr(text, '\n') + 1 : NULL, line++) {
		size_t n = strcspn(text, "\n");
		const char *end = text + n;

		if (strspn(text, " \t\r") >= n || *text == '#' || *text == ';')
			continue;
		if (*text == '[') {
			const char *rest = (const char *)memchr(text, ']', n) + 1;

			in_domain = strncmp(text, "[domain", 7) == 0;
			rest += strspn(rest, " \t\r");
			FUZZ_CLAIM(rest >= end || *rest == '#' || *rest == ';');
		} else {
			FUZZ_CLAIM(in_domain || sets_something(origins, line));
		}
	}
}

/* As --test-config and --show-config do it, on a host whose list of CPUs is a comment in the first
 * line. */
static void check_for_host(const struct conf_source *source, const char *text, enum conf_show what)
{
	struct fuzz_output out = { 0 };

	if (*text == '#')
		world_put("sys/devices/system/cpu/online", text + 1, strcspn(text + 1, "\n"));
	FUZZ_CLAIM(conf_check(source, "/", what, fuzz_output_begin(&out)->f) == EXIT_SUCCESS);
	fuzz_output_close(&out);
	FUZZ_CLAIM(out.size > 0);
	fuzz_output_end(&out);
}

/* Of guests that are called as the patterns. */
static void wish(const struct conf *conf)
{
	const struct guest_wish none = { 0 };

	for (size_t i = 0; i < conf->nrules; i++)
		(void)conf_guest_wish(conf, conf->rule[i].glob, &none);
	FUZZ_CLAIM(conf->nrules || !conf_guest_wish(conf, "a", &none).weight);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct conf conf;
	static struct conf_origins origins;
	char *text = fuzz_text(bytes, size);
	const struct conf_source source = { .path = "/k.conf", .must_exist = true };
	int r;

	fuzz_listen();
	world_enter();
	world_put("k.conf", text, size);
	complaints = 0;
	r = conf_load_origins(&source, hear, NULL, &conf, &origins);
	FUZZ_CLAIM((r == 0) == (complaints == 0));
	if (r == 0) {
		account_for_lines(text, &origins);
		show(&conf, &origins);
		wish(&conf);
		write_and_read(&conf);
		if (size % 4 == 0)
			check_for_host(&source, text, size / 4 % 3);
	}
	world_leave();
	free(text);
	return 0;
}
