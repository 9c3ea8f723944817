/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the audit reads of a host beside that: sysctl.d, tuned, interrupts, governors, modules.
 * The input is its files. */
#include "audit.h"
#include "fuzz_said.h"
#include "sense_audit.h"
#include "world.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct audit_host host;
	char *text = fuzz_text(bytes, size);
	struct hostfs fs;

	fuzz_listen();
	host = (struct audit_host){ 0 };
	world_enter();
	world_fill(text, size);
	FUZZ_CLAIM(hostfs_open("/", &fs) == 0);
	sense_audit(&fs, &host);
	if (size % 2)
		sense_audit(&fs, &host); /* some of it is from call to call */
	FUZZ_CLAIM(fuzz_is_tame(host.tuned_profile) && fuzz_is_tame(host.tuned_missing) &&
		   fuzz_is_tame(host.tuned_isolated));
	for (size_t i = 0; i < _OWNED_MAX; i++)
		FUZZ_CLAIM(fuzz_is_tame(host.owner[i].who) && fuzz_is_tame(host.owner[i].value));
	hostfs_close(&fs);
	world_leave();
	free(text);
	return 0;
}
