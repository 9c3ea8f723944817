/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configuration, looked at without a daemon: --test-config and --show-config. */
#ifndef KT_CONF_CHECK_H
#define KT_CONF_CHECK_H

#include "conf_table.h"

enum conf_show {
	CONF_SHOW_VERDICT, /* "no mistakes" */
	CONF_SHOW_VALUES,  /* each value and where it comes from */
	CONF_SHOW_JSON,    /* the same, as in ctl/schema/show-config.json */
};

/* Tells mistakes and doubts through the log, and prints the rest to `out`.  `root`: the
 * host that the configuration is for.
 * The exit status: EX_CONFIG when there is a mistake, and nothing was printed then. */
int conf_check(const struct conf_source *source, const char *root, enum conf_show show,
	       FILE *out) KT_MUST_USE;

/* The exit status of a program that cannot go on for that answer of conf_load(): where it is no
 * mistake, which has been told, it is said here. */
int conf_refused(const char *path, int error) KT_MUST_USE;

struct conf_host {
	struct cpumask online;
	bool hooked; /* our hook is where libvirt looks for it */
};

/* What is allowed and yet cannot be meant: a complaint for each, at its FILE:LINE.
 * `host`: NULL where it is not known. */
void conf_warn(const struct conf *conf, const struct conf_origins *origins,
	       const struct conf_host *host, conf_complaint_fn *warn, void *context);

/* "/etc/kvmtuned.conf:12", escaped, or "default".  Returns buf. */
char *conf_place_text(const struct conf_origins *origins, const struct conf_place *place, char *buf,
		      size_t size);
enum { CONF_PLACE_MAX = 4 * CONF_PATH_MAX + 16 }; /* bytes that any place fits into */

void conf_show_text(const struct conf *conf, const struct conf_origins *origins, FILE *out);

struct json_object;
/* Takes `warnings`, an array of texts, over.  -ENOMEM: nothing was printed. */
int conf_show_json(const char *path, const struct conf *conf, const struct conf_origins *origins,
		   struct json_object *warnings, FILE *out) KT_MUST_USE;

#endif
