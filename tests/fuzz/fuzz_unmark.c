/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What libvirt's hook takes out of a guest's XML: once, and then there is nothing of it. */
#include "fuzz_said.h"
#include "unmark.h"
#include "virt_domain.h"

static struct fuzz_output run(const char *xml, size_t size, size_t *ret_said)
{
	static char nothing[1];
	FILE *in = fmemopen(size ? (char *)(uintptr_t)xml : nothing, size, "r");
	struct fuzz_output out = { 0 }, said = { 0 };

	FUZZ_CLAIM(in);
	FUZZ_CLAIM(unmark(in, fuzz_output_begin(&out)->f, fuzz_output_begin(&said)->f) ==
		   EXIT_SUCCESS);
	fclose(in);
	FUZZ_CLAIM(fclose(out.f) == 0);
	fuzz_output_close(&said);
	*ret_said = said.size;
	fuzz_output_end(&said);
	return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct domain_xml x;
	char *xml = fuzz_text(bytes, size);
	size_t said;
	struct fuzz_output first = run(xml, size, &said), second;

	FUZZ_CLAIM(said == 0 || first.size == 0);
	if (first.size > 0) {
		FUZZ_CLAIM(virt_domain_read(first.text, first.size, &(struct cpumask){ 0 }, &x) ==
			   0);
		FUZZ_CLAIM(!x.has_limit_mark && !x.has_marked_pins);
		second = run(first.text, first.size, &said);
		FUZZ_CLAIM(said == 0 && second.size == 0);
		free(second.text);
	}
	free(first.text);
	free(xml);
	return 0;
}
