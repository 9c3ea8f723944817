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

/* No mark of a limit, and no pin that a mark says is ours. */
static void claim_unmarked(const char *xml, size_t size)
{
	static struct domain_xml x;

	FUZZ_CLAIM(virt_domain_read(xml, size, &(struct cpumask){ 0 }, &x) == 0);
	FUZZ_CLAIM(!x.has_limit_mark && !x.has_marked_pins);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *xml = fuzz_text(bytes, size);
	struct fuzz_output first, second;
	int r = run(xml, size, &first);

	if (first.size > 0) {
		claim_unmarked(first.text, first.size);
		FUZZ_CLAIM(run(first.text, first.size, &second) == 0 && second.size == 0);
		free(second.text);
	} else if (r == 0) {
		claim_unmarked(xml, size);
	}
	if (fuzz_is_rare(bytes, size))
		run_as_filter(xml, size, &first);
	free(first.text);
	free(xml);
	return 0;
}
