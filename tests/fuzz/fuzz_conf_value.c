/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "section key value": what a value is set to is written as a value that sets the same. */
#include "conf_table.h"
#include "fuzz.h"

static void set(const struct conf_option *o, const char *value)
{
	static struct conf conf, again;
	char written[CONF_VALUE_MAX], allowed[1024];

	conf_defaults(&conf);
	again = conf;
	if (conf_option_set(o, &conf, value) < 0) {
		FUZZ_CLAIM(memcmp(&conf, &again, sizeof conf) == 0);
		FUZZ_CLAIM(fuzz_is_tame(conf_option_allowed(o, allowed, sizeof allowed)));
		return;
	}
	conf_option_text(o, &conf, written, sizeof written);
	FUZZ_CLAIM(conf_option_set(o, &again, written) == 0);
	FUZZ_CLAIM(memcmp(&conf, &again, sizeof conf) == 0);
}

static void read_words(const char *text)
{
	struct sockaddr_storage address;
	enum kt_loop loop = loop_of_str(text);

	FUZZ_CLAIM(loop == _LOOP_MAX || strcmp(loop_str(loop), text) == 0);
	FUZZ_CLAIM(conf_is_listen(text) == (conf_parse_listen(text, &address) >= 0));
	FUZZ_CLAIM(!conf_is_drop_in_name(text) || !strchr(text, '/'));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *text = fuzz_text(bytes, size), *key = strchr(text, ' ');
	char *value = key ? strchr(key + 1, ' ') : NULL;

	read_words(text);
	if (value) {
		size_t i;

		*key = *value = '\0';
		i = conf_option_find(text, key + 1);
		if (i < conf_noptions)
			set(&conf_options[i], value + 1);
		read_words(value + 1);
	}
	free(text);
	return 0;
}
