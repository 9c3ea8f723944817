/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is this configuration right, and is it what was meant? */
#include "conf_check.h"

#include <errno.h>
#include <sysexits.h>

#include "hostfs.h"
#include "json_put.h"

static const char hook[] = "etc/libvirt/hooks/qemu.d/kvmtuned";

static int look_at(const char *root, struct conf_host *ret)
{
	char text[KT_CPULIST_MAX];
	struct hostfs fs;
	ssize_t n, hooked;

	if (hostfs_open(root, &fs) < 0)
		return -1;
	hooked = hostfs_read(&fs, hook, text, sizeof text);
	n = hostfs_read(&fs, "sys/devices/system/cpu/online", text, sizeof text);
	hostfs_close(&fs);
	ret->hooked = hooked >= 0 || hooked == -EFBIG;
	return n < 0 ? -1 : cpumask_parse(text, &ret->online);
}

static void take_warning(const char *text, void *context)
{
	log_warning("%s", text);
	json_add(context, json_object_new_string(text));
}

static int show(const char *path, const struct conf *conf, const struct conf_origins *origins,
		struct json_object *warnings, enum conf_show what, FILE *out)
{
	if (what != CONF_SHOW_JSON) {
		json_object_put(warnings);
	} else if (conf_show_json(path, conf, origins, warnings, out) < 0) {
		log_error("%s cannot be shown: not enough memory", path);
		return EXIT_FAILURE;
	}
	if (what == CONF_SHOW_VALUES)
		conf_show_text(conf, origins, out);
	if (what == CONF_SHOW_VERDICT)
		fprintf(out, "%s: no mistakes\n", path);
	if (fflush(out) == 0 && !ferror(out))
		return EXIT_SUCCESS;
	log_error("the configuration cannot be printed");
	return EXIT_FAILURE;
}

/* After EX_CONFIG systemd would not try again. */
int conf_refused(const char *path, int error)
{
	if (error != -ENOMEM)
		return EX_CONFIG;
	log_error("%s: %s", path, conf_error_what(error));
	return EXIT_FAILURE;
}

int conf_check(const struct conf_source *source, const char *root, enum conf_show what, FILE *out)
{
	KT_AUTOFREE struct conf *conf = malloc(sizeof *conf);
	KT_AUTOFREE struct conf_origins *origins = malloc(sizeof *origins);
	struct json_object *warnings;
	struct conf_host host;
	bool known;
	int r;

	if (!conf || !origins) {
		log_error("%s cannot be checked: not enough memory", source->path);
		return EXIT_FAILURE;
	}
	r = conf_load_origins(source, conf_complain, NULL, conf, origins);
	if (r < 0)
		return conf_refused(source->path, r);
	warnings = json_object_new_array();
	known = look_at(root, &host) == 0;
	conf_warn(conf, origins, known ? &host : NULL, take_warning, warnings);
	return show(source->path, conf, origins, warnings, what, out);
}
