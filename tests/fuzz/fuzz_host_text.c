/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counters of the host: meminfo, vmstat, stat, pressure, arcstats. */
#include "fuzz.h"
#include "parse.h"

/* In one order and in the other: as many are found, and the same. */
static void read_keys(const char *text)
{
	enum { KEYS = 4 };
	static const char *const names[KEYS] = { "MemTotal", "MemAvailable", "pswpin", "anon" };
	uint64_t value[KEYS] = { 0 }, other[KEYS] = { 0 };
	struct parse_key keys[KEYS], backwards[KEYS];

	for (size_t i = 0; i < KEYS; i++) {
		keys[i] = (struct parse_key){ names[i], &value[i] };
		backwards[KEYS - 1 - i] = (struct parse_key){ names[i], &other[i] };
	}
	(void)parse_keys(text, keys, KEYS);
	FUZZ_CLAIM(parse_keys(text, backwards, KEYS) <= strlen(text));
	for (size_t i = 0; i < KEYS; i++)
		FUZZ_CLAIM(value[i] == 0 || strstr(text, names[i]));
}

static void read_ticks(const char *text)
{
	static uint64_t hz[KT_CPUS_MAX];
	uint64_t busy, idle, steal;

	if (parse_cpu_ticks(text, &busy, &idle, &steal) == 0)
		FUZZ_CLAIM(strncmp(text, "cpu ", 4) == 0);
	parse_cpus_idle(text, hz);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *text = fuzz_text(bytes, size);
	struct psi_sample psi = { 0 };
	uint64_t number, run_ns, delay_ns;

	read_keys(text);
	read_ticks(text);
	if (parse_psi(text, &psi) == 0)
		FUZZ_CLAIM(psi.present && strstr(text, "some"));
	else
		FUZZ_CLAIM(!psi.present);
	if (parse_kstat(text, "size", &number))
		FUZZ_CLAIM(strstr(text, "size"));
	(void)!parse_schedstat(text, &run_ns, &delay_ns);
	free(text);
	return 0;
}
