/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file for the import, and what became of it. */
#ifndef KT_IMPORT_FIXTURE_H
#define KT_IMPORT_FIXTURE_H

#include <string.h>
#include <sysexits.h>

#include "conf_table.h"
#include "import.h"
#include "kt_check.h"
#include "scratch.h"

static char folder[64], path[96]; /* of the file that is imported */
static char out[16384], notes[262144];

static inline void import_setup(void)
{
	scratch_make(folder, sizeof folder);
	(void)snprintf(path, sizeof path, "%s/ksmtuned.conf", folder);
}

static inline void import_teardown(void)
{
	ck_assert_int_eq(scratch_remove(folder), 0);
}

static inline void write_bytes(const char *name, const char *bytes, size_t n)
{
	FILE *f = fopen(name, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
	fclose(f);
}

/* Leaves what was printed in out and notes. */
static inline int import_run(const struct import_request *request)
{
	FILE *o = fmemopen(memset(out, 0, sizeof out), sizeof out, "w");
	FILE *n = fmemopen(memset(notes, 0, sizeof notes), sizeof notes, "w");
	int status = import_print(request, o, n);

	fclose(o);
	fclose(n);
	return status;
}

static inline int import_path(const char *name)
{
	return import_run(&(struct import_request){ .ksmtuned = true, .ksmtuned_path = name });
}

static inline int import_bytes(const char *bytes, size_t n)
{
	write_bytes(path, bytes, n);
	return import_path(path);
}

static inline int import_text(const char *text)
{
	return import_bytes(text, strlen(text));
}

static inline unsigned int count_lines(const char *text)
{
	unsigned int n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static inline void shout(const char *text, void *context)
{
	(void)context;
	ck_abort_msg("the output is not a configuration: %s", text);
}

/* What the daemon makes of `out`. */
static inline struct conf load_all(void)
{
	struct conf conf;
	char name[128];

	(void)snprintf(name, sizeof name, "%s/kvmtuned.conf", folder);
	write_bytes(name, out, strlen(out));
	ck_assert_int_eq(conf_load(name, true, shout, NULL, &conf), 0);
	return conf;
}

static inline struct ksm_conf load_output(void)
{
	struct conf conf = load_all();

	ck_assert_int_eq(conf.policy.ksm.policy, KSM_POLICY_KSMTUNED);
	return conf.policy.ksm;
}

#endif
