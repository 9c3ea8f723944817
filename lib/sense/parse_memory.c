/* SPDX-License-Identifier: GPL-2.0-or-later */
/* On which nodes is memory, which cgroup does it belong to, and whose process is it? */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "parse.h"

/* " N0=12 N3=4" anywhere in the line; ids beyond limits.h are left out. */
static void add_counts(const char *line, uint64_t unit_bytes, uint64_t kib[KT_NODES_MAX])
{
	for (const char *s = line; *s && *s != '\n'; s++) {
		const char *at = s + 2;
		uint64_t node, count, bytes;

		if (s[0] != ' ' || s[1] != 'N' || *at == ' ')
			continue;
		if (!parse_number(&at, &node) || *at++ != '=' || !parse_number(&at, &count))
			continue;
		if (node < KT_NODES_MAX && !__builtin_mul_overflow(count, unit_bytes, &bytes))
			kib[node] += bytes / 1024;
		s = at - 1;
	}
}

bool parse_node_counts(const char *text, const char *key, uint64_t unit_bytes,
		       uint64_t kib[KT_NODES_MAX])
{
	size_t n = strlen(key);

	while (*text) {
		/* v1: "anon=5 N0=5"; v2: "anon N0=20480" */
		if (strncmp(text, key, n) == 0 && (text[n] == '=' || text[n] == ' ')) {
			add_counts(text + n, unit_bytes, kib);
			return true;
		}
		text = strchr(text, '\n');
		if (!text)
			break;
		text++;
	}
	return false;
}

void parse_numa_maps_line(const char *line, uint64_t kib[KT_NODES_MAX])
{
	const char *size = strstr(line, " kernelpagesize_kB=");
	uint64_t page_kib = 4;

	if (size) {
		size += strlen(" kernelpagesize_kB=");
		if (!parse_number(&size, &page_kib) || page_kib > 1024 * 1024)
			return;
	}
	add_counts(line, page_kib * 1024, kib);
}

static bool hex_number(const char **s, uint64_t *ret)
{
	const char *p = *s;
	uint64_t value = 0;

	for (; isxdigit((unsigned char)*p); p++) {
		int digit = *p <= '9' ? *p - '0' : (*p | 0x20) - 'a' + 10;

		if (value >> 60)
			return false;
		value = value << 4 | (uint64_t)digit;
	}
	if (p == *s)
		return false;
	*s = p;
	*ret = value;
	return true;
}

/* "7f12c8000000-7f12d0000000 rw-p 00000000 00:00 0 [anon:x]": memfd and hugetlbfs are
 * shared, and so is a device's memory, which has a path of its own. */
bool parse_maps_line(const char *line, uint64_t *ret_start, uint64_t *ret_end)
{
	uint64_t start, end, inode = 0;
	const char *mode, *s = line;

	if (!hex_number(&s, &start) || *s++ != '-' || !hex_number(&s, &end) || *s++ != ' ' ||
	    end <= start)
		return false;
	mode = s;
	for (int field = 0; field < 3; field++) { /* mode, offset, device */
		s = strchr(s, ' ');
		if (!s)
			return false;
		s++;
	}
	if (strncmp(mode, "rw", 2) != 0 || strcspn(mode, " ") != 4 || !parse_number(&s, &inode))
		return false;
	if (mode[3] == 's' ? strstr(s, " anon_inode:") != NULL : inode != 0)
		return false;
	*ret_start = start;
	*ret_end = end;
	return true;
}

static int copy(const char *from, size_t n, char *ret, size_t size)
{
	if (n >= size)
		return -ENAMETOOLONG;
	memcpy(ret, from, n);
	ret[n] = '\0';
	return 0;
}

/* Whether `word` is one of the words that commas separate. */
static bool has_word(const char *list, size_t length, const char *word)
{
	size_t n = strlen(word);

	for (const char *end = list + length; list < end; list++) {
		size_t here = strcspn(list, ",\n: ");

		here = KT_MIN(here, (size_t)(end - list));
		if (here == n && memcmp(list, word, n) == 0)
			return true;
		list += here;
	}
	return false;
}

/* "4:memory:/machine/qemu-1-web.libvirt-qemu", "0::/machine.slice/..." */
int parse_cgroup_path(const char *text, const char *controller, char *ret, size_t size)
{
	while (*text) {
		size_t length = strcspn(text, "\n");
		const char *list = memchr(text, ':', length);
		const char *path =
			list ? memchr(list + 1, ':', length - (size_t)(list + 1 - text)) : NULL;

		if (path) {
			size_t words = (size_t)(path - list - 1);

			if (*controller ? has_word(list + 1, words, controller) : words == 0)
				return copy(path + 1, length - (size_t)(path + 1 - text), ret,
					    size);
		}
		text += length;
		text += *text == '\n';
	}
	return -ENOENT;
}

/* mountinfo writes blanks and backslashes as \ooo. */
static int unescape_octal(const char *from, size_t n, char *ret, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		char c = from[i];

		if (c == '\\' && i + 3 < n && from[i + 1] >= '0' && from[i + 1] <= '3' &&
		    from[i + 2] >= '0' && from[i + 2] <= '7' && from[i + 3] >= '0' &&
		    from[i + 3] <= '7') {
			c = (char)((from[i + 1] - '0') << 6 | (from[i + 2] - '0') << 3 |
				   (from[i + 3] - '0'));
			i += 3;
		}
		if (used + 1 >= size)
			return -ENAMETOOLONG;
		ret[used++] = c;
	}
	ret[used] = '\0';
	return 0;
}

/* "36 35 0:33 / /sys/fs/cgroup/memory rw,nosuid shared:9 - cgroup cgroup rw,memory" */
int parse_cgroup_mount(const char *line, const char *controller, char *ret, size_t size)
{
	static const char v1[] = " - cgroup ", v2[] = " - cgroup2 ";
	const char *kind = strstr(line, " - "), *mount = line;

	if (!kind)
		return -ENOENT;
	if (*controller ? strncmp(kind, v1, sizeof v1 - 1) != 0
			: strncmp(kind, v2, sizeof v2 - 1) != 0)
		return -ENOENT;
	if (*controller) {
		const char *options = strrchr(kind, ' ') + 1;

		if (!has_word(options, strlen(options), controller))
			return -ENOENT;
	}
	for (int field = 1; field < 5; field++) {
		mount = strchr(mount, ' ');
		if (!mount || mount >= kind)
			return -ENOENT;
		mount++;
		if (field == 3 && strncmp(mount, "/ ", 2) != 0)
			return -ENOENT;
	}
	return unescape_octal(mount, strcspn(mount, " "), ret, size);
}

int parse_uuid_argument(const char *cmdline, size_t length, struct uuid *ret)
{
	const char *end = cmdline + length;

	for (const char *word = cmdline; word < end;) {
		size_t here = strnlen(word, (size_t)(end - word));
		const char *next = word + here + 1;

		if (strcmp(word, "-uuid") == 0 && next < end && uuid_parse(next, ret) == 0)
			return 0;
		word = next;
	}
	return -ENOENT;
}

int parse_qemu_uuid(const char *cmdline, size_t length, struct uuid *ret)
{
	const char *name = memrchr(cmdline, '/', strnlen(cmdline, length));

	name = name ? name + 1 : cmdline;
	if (strncmp(name, "qemu", 4) != 0)
		return -ENOENT;
	return parse_uuid_argument(cmdline, length, ret);
}
