/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What /proc/PID and its cgroup say of a guest. */
#include "fuzz.h"
#include "parse.h"

static void read_process(const char *text, size_t size)
{
	struct pid_stat stat;
	unsigned int number = 0;
	enum thread_role role = parse_thread_name(text, &number);
	struct uuid uuid, other;

	FUZZ_CLAIM(role <= THREAD_VHOST && number < KT_THREADS_MAX);
	if (parse_pid_stat(text, &stat) == 0)
		FUZZ_CLAIM(stat.ppid >= 0);
	if (parse_qemu_uuid(text, size, &uuid) == 0)
		FUZZ_CLAIM(parse_uuid_argument(text, size, &other) == 0 &&
			   uuid_equal(&uuid, &other) && strstr(text, "qemu"));
}

static void read_memory(const char *text)
{
	uint64_t kib[KT_NODES_MAX] = { 0 }, start = 0, end = 0;

	(void)!parse_node_counts(text, "anon", 1, kib);
	(void)!parse_node_counts(text, "total", 4096, kib);
	parse_numa_maps_line(text, kib);
	if (parse_maps_line(text, &start, &end))
		FUZZ_CLAIM(start < end);
}

/* Whatever room there is, it holds; and more room gives the same. */
static void read_cgroup(const char *text, const char *controller)
{
	char small[16], large[KT_PATH_MAX];
	int r = parse_cgroup_path(text, controller, small, sizeof small);

	if (r == 0)
		FUZZ_CLAIM(parse_cgroup_path(text, controller, large, sizeof large) == 0 &&
			   strcmp(small, large) == 0);
	r = parse_cgroup_mount(text, controller, small, sizeof small);
	if (r == 0)
		FUZZ_CLAIM(parse_cgroup_mount(text, controller, large, sizeof large) == 0 &&
			   strcmp(small, large) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *text = fuzz_text(bytes, size);

	read_process(text, size);
	read_memory(text);
	read_cgroup(text, "");
	read_cgroup(text, "memory");
	free(text);
	return 0;
}
