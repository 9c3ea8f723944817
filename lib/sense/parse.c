/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What do the kernel's counters say? */
#include "parse.h"

#include <errno.h>
#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* As many digits as never overflow. */
enum { SAFE_DIGITS = 19 };

/* A tick reads some ten thousand of them: no call for the blanks, and few questions. */
bool parse_number(const char **s, uint64_t *ret)
{
	const char *p = *s;
	uint64_t value = 0;

	while (*p == ' ' || *p == '\t')
		p++;
	if (!is_digit(*p))
		return false;
	for (int n = 0; n < SAFE_DIGITS && is_digit(*p); n++, p++)
		value = 10 * value + (uint64_t)(*p - '0');
	for (; is_digit(*p); p++)
		if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
			return false;
	*s = p;
	*ret = value;
	return true;
}

int parse_i64(const char *text, int64_t *ret)
{
	bool negative = *text == '-';
	const char *s = text + negative;
	uint64_t value;

	if (!is_digit(*s) || !parse_number(&s, &value) || s[strspn(s, "\n")] || value > INT64_MAX)
		return -EINVAL;
	*ret = negative ? -(int64_t)value : (int64_t)value;
	return 0;
}

/* The value's place, if the line begins with the key as a whole word. */
static const char *value_of(const char *line, const char *key)
{
	while (*key && *line == *key) {
		line++;
		key++;
	}
	if (*key || (*line != ' ' && *line != '\t' && *line != ':'))
		return NULL;
	return line + (*line == ':');
}

/* One of 64 that the first two letters of a line choose. */
static uint64_t bit_of(const char *letters)
{
	return UINT64_C(1) << ((8 * (unsigned char)letters[0] + (unsigned char)letters[1]) & 63);
}

static uint64_t bits_of(const struct parse_key *keys, size_t nkeys)
{
	uint64_t bits = 0;

	for (size_t k = 0; k < nkeys; k++)
		bits |= bit_of(keys[k].key);
	return bits;
}

/* Files keep their order, so the key behind the last one found is tried first. */
static bool take_line(const char *line, const struct parse_key *keys, size_t nkeys, size_t *next)
{
	size_t k = *next;

	for (size_t n = 0; n < nkeys; n++, k++) {
		const char *value;

		if (k >= nkeys)
			k = 0;
		value = value_of(line, keys[k].key);
		if (!value)
			continue;
		*next = k + 1;
		return parse_number(&value, keys[k].value);
	}
	return false;
}

/* Most lines of a long file are somebody else's, and begin with other letters. */
size_t parse_keys(const char *text, const struct parse_key *keys, size_t nkeys)
{
	const uint64_t wanted = bits_of(keys, nkeys);
	size_t found = 0, next = 0;

	while (*text && found < nkeys) {
		if (wanted & bit_of(text))
			found += take_line(text, keys, nkeys, &next);
		text = strchr(text, '\n');
		if (!text)
			break;
		text++;
	}
	return found;
}

bool parse_kstat(const char *text, const char *key, uint64_t *ret)
{
	uint64_t type, value;

	for (; text; text = strchr(text, '\n') ? strchr(text, '\n') + 1 : NULL) {
		const char *s = value_of(text, key);

		if (!s || !parse_number(&s, &type) || !parse_number(&s, &value))
			continue;
		*ret = value;
		return true;
	}
	return false;
}

static bool psi_total(const char *text, const char *which, uint64_t *ret)
{
	const char *line = strstr(text, which), *total;

	total = line ? strstr(line, " total=") : NULL;
	if (!total || memchr(line, '\n', (size_t)(total - line)))
		return false;
	total += strlen(" total=");
	return parse_number(&total, ret);
}

int parse_psi(const char *text, struct psi_sample *ret)
{
	struct psi_sample s = { .present = true };

	if (!psi_total(text, "some", &s.some_us_total))
		return -EINVAL;
	if (!psi_total(text, "full", &s.full_us_total))
		s.full_us_total = 0; /* /proc/pressure/cpu before 5.13 has no such line */
	*ret = s;
	return 0;
}

int parse_cpu_ticks(const char *text, uint64_t *ret_busy, uint64_t *ret_idle, uint64_t *ret_steal)
{
	uint64_t tick[8]; /* user nice system idle iowait irq softirq steal */
	const char *s = text + 4;

	if (strncmp(text, "cpu ", 4) != 0)
		return -EINVAL;
	for (size_t i = 0; i < KT_ARRAY_LEN(tick); i++)
		if (!parse_number(&s, &tick[i]))
			return -EINVAL;
	*ret_busy = tick[0] + tick[1] + tick[2] + tick[5] + tick[6];
	*ret_idle = tick[3] + tick[4];
	*ret_steal = tick[7];
	return 0;
}

/* "cpu12 user nice system idle iowait ..", after the line of all of them; CPUs that are off
 * line have none.  A line that was cut says nothing. */
void parse_cpus_idle(const char *text, uint64_t hz[KT_CPUS_MAX])
{
	for (; strncmp(text, "cpu", 3) == 0; text++) {
		const char *end = strchr(text, '\n'), *s = text + 3;
		uint64_t cpu, before, idle, iowait;

		if (!end)
			return;
		if (is_digit(*s) && parse_number(&s, &cpu) && cpu < KT_CPUS_MAX &&
		    parse_number(&s, &before) && parse_number(&s, &before) &&
		    parse_number(&s, &before) && parse_number(&s, &idle) &&
		    parse_number(&s, &iowait))
			hz[cpu] = idle + iowait;
		text = end;
	}
}

int parse_schedstat(const char *text, uint64_t *ret_run_ns, uint64_t *ret_delay_ns)
{
	uint64_t run_ns, delay_ns;

	if (!parse_number(&text, &run_ns) || !parse_number(&text, &delay_ns))
		return -EINVAL;
	*ret_run_ns = run_ns;
	*ret_delay_ns = delay_ns;
	return 0;
}

int parse_pid_stat(const char *text, struct pid_stat *ret)
{
	enum { PPID = 4, UTIME = 14, STIME = 15, NTHREADS = 20, START = 22, RSS = 24, FIELDS };
	const char *s = strrchr(text, ')');
	uint64_t field[FIELDS];

	/* Behind the name a letter, the state; then numbers, some of them negative. */
	if (!s || s[1] != ' ' || !s[2] || s[3] != ' ')
		return -EINVAL;
	s += 4;
	for (size_t i = PPID; i < FIELDS; i++) {
		while (*s == ' ')
			s++;
		s += *s == '-';
		if (!is_digit(*s) || !parse_number(&s, &field[i]))
			return -EINVAL;
	}
	if (field[PPID] > INT32_MAX)
		return -EINVAL;
	*ret = (struct pid_stat){ .ppid = (pid_t)field[PPID],
				  .cpu_hz = field[UTIME] + field[STIME],
				  .nthreads = field[NTHREADS],
				  .start_ticks = field[START],
				  .rss_pages = field[RSS] };
	return 0;
}

/* "vhost-4711", the process that it works for: since 6.4 a thread of that process. */
static bool is_vhost(const char *comm)
{
	static const char prefix[] = "vhost-";
	const char *s = comm + sizeof prefix - 1;
	uint64_t pid;

	return strncmp(comm, prefix, sizeof prefix - 1) == 0 && is_digit(*s) &&
	       parse_number(&s, &pid) && (!*s || *s == '\n');
}

enum thread_role parse_thread_name(const char *comm, unsigned int *ret_number)
{
	static const struct {
		const char *prefix;
		enum thread_role role;
		char behind; /* the number; 0: a newline or the end */
	} names[] = { { "CPU ", THREAD_VCPU, '/' }, { "IO iothread", THREAD_IOTHREAD, 0 } };

	*ret_number = 0;
	if (is_vhost(comm))
		return THREAD_VHOST;
	for (size_t i = 0; i < KT_ARRAY_LEN(names); i++) {
		size_t n = strlen(names[i].prefix);
		const char *s = comm + n;
		uint64_t number;

		if (strncmp(comm, names[i].prefix, n) != 0 || !is_digit(*s) ||
		    !parse_number(&s, &number) || number >= KT_THREADS_MAX)
			continue;
		if (names[i].behind ? *s != names[i].behind : *s && *s != '\n')
			continue;
		*ret_number = (unsigned int)number;
		return names[i].role;
	}
	return THREAD_EMULATOR;
}
