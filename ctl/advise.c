/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where would a new guest be placed? */
#include "ctl.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "str.h"

static int parse_wish(const char *text, uint64_t *ret_vcpus, uint64_t *ret_mib)
{
	char vcpus[24];
	size_t length = strcspn(text, ":");

	*ret_mib = 0;
	if (length >= sizeof vcpus)
		return -EINVAL;
	(void)snprintf(vcpus, sizeof vcpus, "%.*s", (int)length, text);
	if (str_u64(vcpus, ret_vcpus) < 0 ||
	    (text[length] && str_u64(text + length + 1, ret_mib) < 0))
		return -EINVAL;
	return *ret_vcpus > 0 ? 0 : -EINVAL;
}

static int show(const struct options *o, struct json_object *answer)
{
	const char *nodes = get_text(answer, "nodes");

	if (o->json)
		ctl_print_json(answer);
	else if (nodes)
		puts(nodes);
	if (nodes)
		return EXIT_SUCCESS;
	ctl_say("there is no node to advise: %s (%s)", get_text(answer, "sentence"),
		get_text(answer, "reason"));
	return EXIT_FAILURE;
}

int verb_advise(const struct options *o, int argc, char **argv)
{
	struct json_object *answer = NULL;
	uint64_t vcpus, mib;
	char path[96];
	int status;

	(void)argc;
	if (parse_wish(argv[1], &vcpus, &mib) < 0) {
		ctl_say("\"%s\" is not VCPUS[:MIB], such as 4 or 4:8192", argv[1]);
		return EXIT_USAGE;
	}
	(void)snprintf(path, sizeof path, "/v1/advise?vcpus=%llu", (unsigned long long)vcpus);
	if (mib)
		(void)snprintf(path + strlen(path), sizeof path - strlen(path), "&mib=%llu",
			       (unsigned long long)mib);
	status = ctl_get(o, path, &answer);
	if (status == EXIT_SUCCESS &&
	    !ctl_has_shape(answer, "nodes:s? reason:s sentence:s", "the advice"))
		status = EXIT_FAILURE;
	if (status == EXIT_SUCCESS)
		status = show(o, answer);
	json_object_put(answer);
	return status;
}

int advise_as_numad(int argc, char **argv)
{
	struct options o;
	char *wish[] = { (char[]){ "advise" }, NULL };
	char *none[] = { argv[0], NULL };
	int letter, status = options_parse(1, none, &o);

	optind = 0; /* glibc: from the start again */
	while (status < 0 && (letter = getopt(argc, argv, "w:")) != -1) {
		if (letter != 'w')
			status = EXIT_USAGE;
		wish[1] = optarg;
	}
	if (status < 0 && wish[1] && optind == argc)
		return verb_advise(&o, 2, wish);
	ctl_say("called as numad it knows \"numad -w VCPUS[:MIB]\" and nothing else; kvmtuned does "
		"the rest");
	return EXIT_USAGE;
}
