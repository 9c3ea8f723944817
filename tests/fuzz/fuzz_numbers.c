/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers, UUIDs and names: what is read is what was written. */
#include "fuzz.h"
#include "parse.h"
#include "str.h"
#include "uuid.h"

static void read_numbers(const char *text)
{
	const char *end = text;
	char written[32];
	uint64_t u = 0, again = 0;
	int64_t i = 0;

	if (parse_number(&end, &u))
		FUZZ_CLAIM(end > text && end <= text + strlen(text));
	else
		FUZZ_CLAIM(end == text && u == 0);
	if (str_u64(text, &u) == 0) {
		(void)snprintf(written, sizeof written, "%llu", (unsigned long long)u);
		FUZZ_CLAIM(strstr(text, written) && str_u64(written, &again) == 0 && again == u);
	}
	if (parse_i64(text, &i) == 0) {
		(void)snprintf(written, sizeof written, "%lld", (long long)i);
		FUZZ_CLAIM(parse_i64(written, &(int64_t){ 0 }) == 0);
	}
}

static void read_uuid(const char *text)
{
	char written[KT_UUID_STR];
	struct uuid uuid;

	if (uuid_parse(text, &uuid) == 0)
		FUZZ_CLAIM(strcasecmp(uuid_str(&uuid, written), text) == 0);
}

/* Into a buffer that has room, and into one that has none to spare. */
static void escape(const char *text, size_t size)
{
	size_t room = 4 * size + 1, small = size / 2 + 1;
	char *shown = malloc(room), *cut = malloc(small), *back = malloc(size + 1);

	FUZZ_CLAIM(shown && cut && back);
	FUZZ_CLAIM(fuzz_is_tame(str_escape(text, shown, room)));
	FUZZ_CLAIM(str_unescape(shown, back, size + 1) == 0 && strcmp(back, text) == 0);
	FUZZ_CLAIM(small < 3 || fuzz_is_tame(str_escape(text, cut, small)));
	if (str_unescape(text, back, size + 1) == 0)
		FUZZ_CLAIM(strlen(back) <= size);
	FUZZ_CLAIM(str_format(back, size + 1, "%s", text) == 0 && strcmp(back, text) == 0);
	FUZZ_CLAIM(strlen(text) < small || (str_format(cut, small, "%s", text) < 0 && !*cut));
	free(shown);
	free(cut);
	free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *text = fuzz_text(bytes, size);

	read_numbers(text);
	read_uuid(text);
	escape(text, size);
	free(text);
	return 0;
}
