/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration: /etc/kvmtuned.conf and kvmtuned.conf.d, INI, read with inih. */
#ifndef KT_CONF_H
#define KT_CONF_H

#include <stdio.h>
#include <sys/socket.h>

#include "log.h"
#include "policy_conf.h"
#include "sample.h"

enum {
	CONF_RULES_MAX = 64,
	CONF_GLOB_MAX = 64,
	CONF_TEXT_MAX = 160,
	CONF_OPTIONS_MAX = 128,
	CONF_FILES_MAX = 65,                 /* the file and its drop-ins */
	CONF_PATH_MAX = CONF_TEXT_MAX + 258, /* of a drop-in */
};

enum on_stop {
	ON_STOP_RESTORE, /* every original value comes back */
	ON_STOP_KEEP,    /* pins, limits and KSM stay as they are */
};

enum conf_switch {
	CONF_NO,
	CONF_YES,
};

/* Rules of the audit: bits, by place in audit_host_rules and audit_guest_rules. */
struct rule_ids {
	uint64_t host, guest;
};

/* One [domain "GLOB"] section. */
struct conf_rule {
	char glob[CONF_GLOB_MAX];
	struct guest_wish wish; /* DEFAULT and 0 where the section says nothing */
};

struct conf {
	uint64_t interval_s;
	char libvirt_uri[CONF_TEXT_MAX];
	char run_dir[CONF_TEXT_MAX]; /* absolute */
	enum on_stop on_stop;
	enum log_level log_level;
	struct policy_conf policy;
	char metrics_listen[CONF_TEXT_MAX]; /* conf_parse_listen reads it */
	enum conf_switch metrics_per_domain;
	uint64_t audit_interval_s;
	struct rule_ids audit_ignore;
	size_t nrules;
	struct conf_rule rule[CONF_RULES_MAX]; /* in the order of the files: later ones win */
};

/* Where something was said last; line 0: nowhere, it is the default. */
struct conf_place {
	unsigned int file, line;
};

/* Where each value of a configuration comes from. */
struct conf_origins {
	struct conf_place option[CONF_OPTIONS_MAX]; /* by position in conf_options */
	struct conf_place rule[CONF_RULES_MAX];     /* its [domain] line */
	size_t nfiles;
	char file[CONF_FILES_MAX][CONF_PATH_MAX];
};

/* One call for each mistake: "FILE:LINE: what is wrong, what is allowed". */
typedef void conf_complaint_fn(const char *text, void *context);

/* Where a configuration is read from.  Whoever is about to write a drop-in can have it tried
 * first: together with all other files, in the order of its name. */
struct conf_source {
	const char *path;
	bool must_exist;
	const char *drop_in, *drop_in_name; /* read drop_in for PATH.d/drop_in_name; or NULL */
};

/* True for names of files that are read: "50-fleet.conf". */
bool conf_is_drop_in_name(const char *name);

/* Reads PATH, then PATH.d/[*].conf in the order of their names.  A PATH that does not
 * exist is an error only when `must_exist`.
 * -EINVAL: at least one complaint; *ret is untouched.  -errno: PATH cannot be read
 * (one complaint says so; -ENOMEM: there may be none). */
int conf_load(const char *path, bool must_exist, conf_complaint_fn *complain, void *context,
	      struct conf *ret) KT_MUST_USE;

/* What that answer below 0 is, and what to do about it: parts of a sentence. */
const char *conf_error_what(int error);
const char *conf_error_advice(int error);

/* The same, and *ret_origins, where it is not NULL. */
int conf_load_origins(const struct conf_source *source, conf_complaint_fn *complain, void *context,
		      struct conf *ret, struct conf_origins *ret_origins) KT_MUST_USE;

void conf_defaults(struct conf *ret);

/* A complaint function: each is an error in the log. */
void conf_complain(const char *text, void *context);

/* The whole option table as a commented configuration file. */
void conf_write_template(FILE *out);

/* "off", "127.0.0.1:PORT" or "[::1]:PORT": nobody else's interfaces are listened on.
 * 0: off, and *ret is untouched; > 0: bytes of the address; -EINVAL: none of these. */
int conf_parse_listen(const char *text, struct sockaddr_storage *ret) KT_MUST_USE;

/* What applies to a guest of this name: metadata over the last matching section. */
struct guest_wish conf_guest_wish(const struct conf *conf, const char *name,
				  const struct guest_wish *metadata);

/* As its section is called: "ksm", "placement", "memory"; NULL for _LOOP_MAX. */
const char *loop_str(enum kt_loop loop);
enum kt_loop loop_of_str(const char *word); /* _LOOP_MAX: none is called so */

#endif
