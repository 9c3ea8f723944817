/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /proc, /sys and cgroups as a tick reads them, of a host with two guests.  The input is its
 * files. */
#include "fuzz_said.h"
#include "sense.h"
#include "world.h"

enum { GUESTS = 2 };

static struct domains *two_guests(void)
{
	static struct domains *ds;

	if (ds)
		return ds;
	ds = domains_new();
	FUZZ_CLAIM(ds);
	for (int i = 1; i <= GUESTS; i++) {
		struct domain d = { .id = i, .running = true, .vcpus = 2, .ndevices = 2 };

		d.hugepages = i == 2; /* which its cgroup does not count */

		/* as in tests/hosts: 00000001-0000-4000-8000-000000000001 */
		d.uuid.byte[3] = d.uuid.byte[15] = (uint8_t)i;
		d.uuid.byte[6] = 0x40;
		d.uuid.byte[8] = 0x80;
		(void)snprintf(d.name, sizeof d.name, "guest-%d", i);
		strcpy(d.device[0], "0000:3b:00.0");
		strcpy(d.device[1], "br0");
		FUZZ_CLAIM(domains_put(ds, &d) >= 0);
	}
	return ds;
}

static void look(const struct sample *s)
{
	for (size_t i = 0; i < GUESTS; i++) {
		const struct guest_sample *g = &s->guest[i];

		FUZZ_CLAIM(g->present || (g->nthreads == 0 && g->pid == 0));
		FUZZ_CLAIM(!g->present || g->pid > 0);
		FUZZ_CLAIM(g->nthreads <= KT_THREADS_MAX);
		for (size_t t = 0; t < g->nthreads; t++)
			FUZZ_CLAIM(g->threads[t].number < KT_THREADS_MAX);
	}
}

static void read_twice(const struct hostfs *fs)
{
	static struct sample sample;
	struct sense *s;

	if (sense_new(fs, &s) < 0)
		return;
	for (uint64_t now_ns = 1; now_ns <= 2; now_ns++)
		if (sense_read(s, two_guests(), now_ns, &sample) == 0)
			look(&sample);
	sense_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *text = fuzz_text(bytes, size);
	struct hostfs fs;

	fuzz_listen();
	world_enter();
	world_fill(text, size);
	FUZZ_CLAIM(hostfs_open("/", &fs) == 0 && !fs.is_live);
	read_twice(&fs);
	hostfs_close(&fs);
	world_leave();
	free(text);
	return 0;
}
