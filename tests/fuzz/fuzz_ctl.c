/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What kvmtunectl makes of answers that need not be the daemon's.  The input is its answers, by
 * path ("=== v1/status"). */
#include "ctl.h"
#include "fuzz_said.h"
#include "report_unit.h"
#include "world.h"

/* As request.c lets it in.  NULL: none is given for this path. */
static char *answer_at(const char *path, size_t *ret_size)
{
	char name[128], *copy;
	const char *text;

	path += strspn(path, "/");
	(void)snprintf(name, sizeof name, "%.*s", (int)strcspn(path, "?"), path);
	text = world_get(name, ret_size);
	if (!text)
		return NULL;
	copy = fuzz_text((const uint8_t *)text, *ret_size);
	for (size_t i = 0; i < *ret_size; i++)
		if ((copy[i] < ' ' || copy[i] > '~') && copy[i] != '\n')
			copy[i] = '?';
	return copy;
}

/* In the places of those of request.c. */
int __wrap_ctl_get(const struct options *o, const char *path, struct json_object **ret);
int __wrap_ctl_get(const struct options *o, const char *path, struct json_object **ret)
{
	size_t size = 0;
	char *text = answer_at(path, &size);

	(void)o;
	*ret = text ? ctl_parse(text, size) : NULL;
	free(text);
	return *ret ? EXIT_SUCCESS : EXIT_FAILURE;
}

int __wrap_ctl_stream(const struct options *o, const char *path, ctl_line_fn *line, void *context);
int __wrap_ctl_stream(const struct options *o, const char *path, ctl_line_fn *line, void *context)
{
	size_t size = 0;
	char *text = answer_at(path, &size), *rest = text;
	int r = 0;

	(void)o;
	for (char *each; rest && r == 0 && (each = strsep(&rest, "\n"));)
		r = line(context, each);
	free(text);
	return r;
}

static void run(verb_fn *verb, const char *operand, struct options o)
{
	char name[] = "verb", *argv[] = { name, (char *)(uintptr_t)operand, NULL };

	(void)verb(&o, operand ? 2 : 1, argv);
}

static void run_verbs(bool json)
{
	const struct options o = { .json = json, .legend = true, .since = "0" };
	struct options all = o;

	all.given = OPTION_ALL | OPTION_LONG;
	run(verb_status, NULL, o);
	run(verb_status, "guest-1", o);
	run(verb_explain, "ksm", o);
	run(verb_plan, NULL, o);
	run(verb_audit, NULL, all);
	run(verb_advise, "4:1024", o);
	run(verb_monitor, NULL, o);
}

/* What all of them print. */
static void look_at_pages(bool json)
{
	struct fuzz_output out = { 0 };
	FILE *console = stdout;

	stdout = fuzz_output_begin(&out)->f;
	run_verbs(json);
	stdout = console;
	fuzz_output_close(&out);
	fuzz_output_end(&out);
}

/* A list of nodes, as in an answer. */
static void look_into_list(const char *list)
{
	bool any = false;

	for (unsigned int node = 0; node < 64; node++)
		any |= report_list_has(list, node);
	FUZZ_CLAIM(!any || (*list && strpbrk(list, "0123456789")));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *text = fuzz_text(bytes, size);
	FILE *terminal = stderr;
	struct fuzz_output said = { 0 };
	uint64_t s;

	(void)!ctl_duration(text, &s);
	look_into_list(text);
	stderr = fuzz_output_begin(&said)->f;
	world_enter();
	world_fill(text, size);
	look_at_pages(false);
	look_at_pages(true);
	world_leave();
	stderr = terminal;
	fuzz_output_close(&said);
	fuzz_output_end(&said);
	free(text);
	return 0;
}
