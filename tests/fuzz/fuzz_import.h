/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Another tuner's configuration becomes one of ours, or nothing. */
#ifndef KT_FUZZ_IMPORT_H
#define KT_FUZZ_IMPORT_H

#include "conf.h"
#include "fuzz_said.h"
#include "import.h"
#include "world.h"

static inline void fuzz_import_complain(const char *text, void *context)
{
	(void)context;
	fprintf(stderr, "what was imported is no configuration: %s\n", text);
	abort();
}

/* In a world that has its files. */
static inline void fuzz_import(const struct import_request *request)
{
	static struct conf conf;
	struct fuzz_output out = { 0 }, notes = { 0 };
	int status =
		import_print(request, fuzz_output_begin(&out)->f, fuzz_output_begin(&notes)->f);

	fuzz_output_close(&out);
	fuzz_output_close(&notes);
	if (status == EXIT_SUCCESS) {
		world_put("imported.conf", out.text, out.size);
		FUZZ_CLAIM(conf_load("/imported.conf", true, fuzz_import_complain, NULL, &conf) ==
			   0);
	} else {
		FUZZ_CLAIM(out.size == 0 && notes.size > 0);
	}
	fuzz_output_end(&out);
	fuzz_output_end(&notes);
}

#endif
