/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How is the daemon told what to do, or to leave alone? */
#include "ctl.h"

/* target NULL: everything. */
static struct json_object *make_body(const struct options *o, const char *target, bool guests_only)
{
	struct json_object *body = json_object_new_object();
	bool loop = target && !guests_only && ctl_is_loop(o, target);

	if (target)
		(void)json_object_object_add(body, loop ? "loop" : "guest",
					     json_object_new_string(target));
	if (o->for_s)
		(void)json_object_object_add(body, "for_s", json_object_new_uint64(o->for_s));
	return body;
}

static int tell(const struct options *o, const char *path, struct json_object *body)
{
	struct json_object *answer = NULL;
	int status = ctl_post(o, path, body, &answer);

	json_object_put(body);
	if (status == EXIT_SUCCESS && !ctl_has_shape(answer, "done:s", "the answer"))
		status = EXIT_FAILURE;
	if (status == EXIT_SUCCESS && o->json)
		ctl_print_json(answer);
	else if (status == EXIT_SUCCESS && !o->quiet)
		puts(get_text(answer, "done"));
	json_object_put(answer);
	return status;
}

int verb_pause(const struct options *o, int argc, char **argv)
{
	return tell(o, "/v1/pause", make_body(o, argc > 1 ? argv[1] : NULL, false));
}

int verb_resume(const struct options *o, int argc, char **argv)
{
	return tell(o, "/v1/resume", make_body(o, argc > 1 ? argv[1] : NULL, false));
}

int verb_release(const struct options *o, int argc, char **argv)
{
	(void)argc;
	return tell(o, "/v1/release", make_body(o, argv[1], true));
}

int verb_reload(const struct options *o, int argc, char **argv)
{
	(void)argc, (void)argv;
	return tell(o, "/v1/reload", NULL);
}

int verb_tick(const struct options *o, int argc, char **argv)
{
	(void)argc, (void)argv;
	return tell(o, "/v1/tick", NULL);
}
