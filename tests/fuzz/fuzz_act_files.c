/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is read again before and after something is changed: whose thread it is, which CPUs are on
 * line, what KSM is set to, which memory is a guest's.  The input is a host's files, with a
 * process 7. */
#include "act_private.h"
#include "fuzz_said.h"
#include "mover_private.h"
#include "world.h"

enum { PID = 7, OTHER_TID = 8, START_TICKS = 1234 };

static void check_threads(const struct hostfs *fs)
{
	bool unpinnable;

	(void)!process_check(fs, PID, START_TICKS);
	(void)!thread_check(fs, PID, PID, START_TICKS, &unpinnable);
	(void)!thread_check(fs, PID, OTHER_TID, START_TICKS, &unpinnable);
}

static void read_values(struct act *a)
{
	static const struct cpumask two = { { 3 } }, eight = { { 0xff } };
	const struct cpumask *online = act_online(a);
	struct cpumask all, lost;
	uint64_t value;

	if (act_with_hidden_cpus(a, online, &all) == 0) {
		lost = cpumask_andnot(online, &all);
		FUZZ_CLAIM(cpumask_empty(&lost));
	}
	FUZZ_CLAIM(act_shows(a, &two, &two));
	FUZZ_CLAIM(!act_shows(a, &eight, &two));
	for (unsigned int i = 0; i < _KSM_KNOB_MAX; i++)
		if (act_ksm_read(a, i, &value) == 0)
			FUZZ_CLAIM(i != KSM_ADVISOR || value <= 1);
}

/* Mappings come once each; those of cells are as large as the cells. */
static void read_ranges(const struct hostfs *fs, const struct mover_order *order)
{
	static struct mover_ranges ranges;
	struct mover_range range;
	uint64_t last_end = 0, sizes = 0, wanted = 0;
	int r;

	mover_ranges_rewind(&ranges);
	while ((r = mover_ranges_next(fs, order, &ranges, &range)) > 0) {
		FUZZ_CLAIM(range.start < range.end);
		FUZZ_CLAIM(order->ncells > 1 || range.start >= last_end);
		last_end = range.end;
		sizes += (range.end - range.start) / 1024;
	}
	for (unsigned int c = 0; c < order->ncells; c++)
		wanted += order->cell[c].memory_kib;
	FUZZ_CLAIM(order->ncells == 1 || r < 0 || sizes == wanted);
}

static void read_memory(const struct hostfs *fs)
{
	struct mover_order order = { .pid = PID, .ncells = 1 };

	order.cell[0].nodes = 1;
	read_ranges(fs, &order);
	order.ncells = 2;
	order.cell[0].memory_kib = 2048;
	order.cell[1].memory_kib = 4096;
	order.cell[1].nodes = 2;
	read_ranges(fs, &order);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const struct vm_ops ops;
	char *text = fuzz_text(bytes, size);
	struct hostfs fs;
	struct act *a;

	fuzz_listen();
	world_enter();
	world_fill(text, size);
	FUZZ_CLAIM(hostfs_open("/", &fs) == 0);
	FUZZ_CLAIM(act_new(&fs, NULL, &ops, &a) == 0);
	check_threads(&fs);
	read_values(a);
	read_memory(&fs);
	act_free(a);
	hostfs_close(&fs);
	world_leave();
	free(text);
	return 0;
}
