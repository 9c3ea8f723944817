/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What libvirt's hook takes out of a guest's XML: once, and then there is nothing of it. */
#include "fuzz_said.h"
#include "unmark.h"
#include "virt_domain.h"

static int run(const char *xml, size_t size, struct fuzz_output *ret)
{
	int r;

	*ret = (struct fuzz_output){ 0 };
	r = unmark_text(xml, size, fuzz_output_begin(ret)->f);
	FUZZ_CLAIM(fclose(ret->f) == 0);
	FUZZ_CLAIM(r == 0 || ret->size == 0);
	return r;
}

/* As the hook does it.  The buffer for the largest XML takes a sanitizer more time than all else.
 */
static void run_as_filter(char *xml, size_t size, const struct fuzz_output *expected)
{
	FILE *in = fmemopen(xml, size, "r");
	struct fuzz_output out = { 0 }, said = { 0 };

	FUZZ_CLAIM(in);
	FUZZ_CLAIM(unmark(in, fuzz_output_begin(&out)->f, fuzz_output_begin(&said)->f) ==
		   EXIT_SUCCESS);
	fclose(in);
	FUZZ_CLAIM(fclose(out.f) == 0);
	FUZZ_CLAIM(out.size == expected->size && memcmp(out.text, expected->text, out.size) == 0);
	fuzz_output_close(&said);
	FUZZ_CLAIM(said.size == 0 || out.size == 0);
	fuzz_output_end(&said);
	free(out.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct domain_xml x;
	char *xml = fuzz_text(bytes, size);
	struct fuzz_output first, second;

	(void)!run(xml, size, &first);
	if (first.size > 0) {
		FUZZ_CLAIM(virt_domain_read(first.text, first.size, &(struct cpumask){ 0 }, &x) ==
			   0);
		FUZZ_CLAIM(!x.has_limit_mark && !x.has_marked_pins);
		FUZZ_CLAIM(run(first.text, first.size, &second) == 0 && second.size == 0);
		free(second.text);
	}
	if (size % 32 == 0)
		run_as_filter(xml, size, &first);
	free(first.text);
	free(xml);
	return 0;
}
