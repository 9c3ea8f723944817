/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configuration file with drop-ins, and what is said of it. */
#ifndef KT_CONF_FIXTURE_H
#define KT_CONF_FIXTURE_H

#include <string.h>
#include <sys/stat.h>

#include "conf_table.h"
#include "kt_check.h"
#include "scratch.h"

static char folder[64], path[96]; /* of k.conf; its drop-ins are in k.conf.d */
static char complaints[8192];
static unsigned int ncomplaints;

static inline void hear(const char *text, void *context)
{
	(void)context;
	ncomplaints++;
	strncat(complaints, text, sizeof complaints - strlen(complaints) - 2);
	strcat(complaints, "\n");
}

static inline void write_file(const char *name, const char *text)
{
	char full[256];
	FILE *f;

	(void)snprintf(full, sizeof full, "%s/%s", folder, name);
	f = fopen(full, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

static inline void conf_setup(void)
{
	char drop_ins[128];

	scratch_make(folder, sizeof folder);
	(void)snprintf(path, sizeof path, "%s/k.conf", folder);
	(void)snprintf(drop_ins, sizeof drop_ins, "%s.d", path);
	mkdir(drop_ins, 0700);
	ncomplaints = 0;
	complaints[0] = '\0';
}

static inline void conf_teardown(void)
{
	ck_assert_int_eq(scratch_remove(folder), 0);
}

static inline int load(const char *text, struct conf *conf)
{
	write_file("k.conf", text);
	return conf_load(path, true, hear, NULL, conf);
}

#endif
