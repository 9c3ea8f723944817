/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The undo file: it is refused as a whole, or what is written from it says the same. */
#include <errno.h>

#include "act_private.h"
#include "fuzz_said.h"
#include "hostfs.h"
#include "world.h"

static struct act *begin(const struct hostfs *fs)
{
	static const struct vm_ops ops;
	struct act *a;

	FUZZ_CLAIM(act_new(fs, "/run", &ops, &a) == 0);
	return a;
}

/* What the file said, filed again; *ret_size 0: nothing. */
static char *file_again(const struct hostfs *fs, size_t *ret_size)
{
	struct act *a = begin(fs);
	const char *filed;
	char *copy = NULL;

	*ret_size = 0;
	if (undo_read(a) == 0) {
		FUZZ_CLAIM(undo_save(a) == 0);
		filed = world_get("run/undo", ret_size);
		copy = filed ? strndup(filed, *ret_size) : NULL;
	}
	act_free(a);
	return copy;
}

/* Read, written and read again it is the same file; each reading turns the order of the guests
 * round. */
static void write_and_read(const struct hostfs *fs)
{
	size_t size, size_turned, size_again;
	char *once = file_again(fs, &size), *turned, *again;

	if (!once)
		return;
	world_put("run/undo", once, size);
	turned = file_again(fs, &size_turned);
	FUZZ_CLAIM(turned && size == size_turned);
	world_put("run/undo", turned, size_turned);
	again = file_again(fs, &size_again);
	FUZZ_CLAIM(again && size == size_again && memcmp(once, again, size) == 0);
	free(again);
	free(turned);
	free(once);
}

static void take_over(const struct hostfs *fs)
{
	struct act *a = begin(fs);
	size_t size;
	int r = act_load(a);

	FUZZ_CLAIM((r == -EBADMSG) == (world_get("run/undo.bad", &size) != NULL));
	FUZZ_CLAIM(r >= 0 || !a->guests);
	act_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const char run[] = "0\n", pages[] = "100\n";
	char *text = fuzz_text(bytes, size);
	struct hostfs fs;

	fuzz_listen();
	world_enter();
	world_put("sys/kernel/mm/ksm/run", run, strlen(run));
	world_put("sys/kernel/mm/ksm/pages_to_scan", pages, strlen(pages));
	world_put("run/undo", text, size);
	FUZZ_CLAIM(hostfs_open("/", &fs) == 0);
	take_over(&fs);
	world_put("run/undo", text, size);
	write_and_read(&fs);
	hostfs_close(&fs);
	world_leave();
	free(text);
	return 0;
}
