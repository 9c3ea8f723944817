/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers of a daemon, small but with everything in them, and the page that is made of them. */
#ifndef KT_REPORT_FIXTURE_H
#define KT_REPORT_FIXTURE_H

#include <string.h>

#include "kt_check.h"
#include "report.h"

/* 2025-11-21 20:36:00 UTC */
#define REPORT_NOW "1763757360"

static const char status_text[] =
	"{'schema':1,'version':'0.1.0','unix_s':" REPORT_NOW ",'started_unix_s':1763757000,"
	"'mode':'active','dry_run':false,'state':'degraded','problems':['libvirt is slow'],"
	"'libvirt':{'connected':true},'host':{'nodes':["
	"{'id':0,'cpus':'0-3','ncpus':4,'memory_kib':1000000,'free_kib':200000,'busy_cpus':1.5},"
	"{'id':1,'cpus':'4-7','ncpus':4,'memory_kib':1000000,'free_kib':900000,'busy_cpus':0}],"
	"'memory_kib':2000000,'available_kib':1200000,'price':0.3,'psi_memory_some_percent':1,"
	"'psi_memory_full_percent':0,'steal_percent':0,'idle_cpus':6.5},'loops':{"
	"'ksm':{'state':'active','reason':'burst','sentence':'it pays','paused_until_unix_s':null,"
	"'last_change':{'unix_s':1763757300,'message':'ksm: run 0 -> 1'},'run':1,"
	"'pages_to_scan':100,'sleep_ms':20,'ksmd_cpu_percent':3,'merged_kib':5000,"
	"'profit_kib':4000},'placement':{'state':'paused','reason':'settled','sentence':'all is "
	"well','paused_until_unix_s':1763760000,'last_change':null,'pinned':1,'moving':"
	"{'guest':'web','moved_kib':10}},'memory':{'state':'off','reason':'off','sentence':'it is "
	"off','limited':0,'reclaimed_kib':0,'deficit_kib':7}},'guests':["
	"{'name':'we&b','running':true,'vcpus':2,'memory_kib':600000,'resident_kib':500000,"
	"'home':'0','node_memory_kib':{'0':400000,'1':100000},'local_percent':80,"
	"'steal_percent':1,'merged_kib':10,'limit_kib':null,'hold':null,'managed':true,"
	"'placement':{'sentence':'it is at home'},'last_decision':{'unix_s':1,'message':'we&b: "
	"home is node 0'}},"
	"{'name':'<db>','running':true,'vcpus':2,'memory_kib':9,'resident_kib':9,'home':null,"
	"'node_memory_kib':null,'local_percent':null,'steal_percent':0,'merged_kib':0,"
	"'limit_kib':5,'hold':'released','managed':false,'last_decision':null}]}";

static const char history_text[] =
	"{'schema':1,'points':["
	"{'unix_s':1763757060,'available_kib':1000000,'merged_kib':1,'ksmd_cpu_percent':1,"
	"'reclaimed_kib':0,'price':0.1,'psi_memory_some_percent':0},"
	"{'unix_s':1763757120,'available_kib':null,'merged_kib':2,'ksmd_cpu_percent':2,"
	"'reclaimed_kib':5,'price':0.2,'psi_memory_some_percent':3},"
	"{'unix_s':1763757180,'available_kib':1200000,'merged_kib':3,'ksmd_cpu_percent':3,"
	"'reclaimed_kib':0,'price':0.3,'psi_memory_some_percent':0},"
	"{'unix_s':1763757240,'available_kib':1300000,'merged_kib':3,'ksmd_cpu_percent':3,"
	"'reclaimed_kib':0,'price':0.3,'psi_memory_some_percent':0}],"
	"'guests':[{'name':'we&b','local_percent':[90,null,100,80]},"
	"{'name':'<db>','local_percent':[null,null,null,null]}]}";

static const char decisions_text[] =
	"{'schema':1,'first':1,'last':3,'decisions':["
	"{'seq':1,'unix_s':1763757065,'level':'info','guest':'we&b','loop':'placement',"
	"'reason':'settled','dry_run':true,'message':'we&b: home is node 0'},"
	"{'seq':2,'unix_s':1763757070,'level':'notice','guest':null,'loop':'ksm',"
	"'reason':'burst','dry_run':false,'message':'ksm: run 0 -> 1'},"
	"{'seq':3,'unix_s':1763757080,'level':'warning','guest':null,'loop':null,"
	"'reason':null,'dry_run':false,'message':'libvirt is gone'}]}";

/* In single quotes, for the sake of the reader. */
static inline struct json_object *report_json(const char *text)
{
	char *quoted = strdup(text);
	struct json_object *json;

	ck_assert_ptr_nonnull(quoted);
	for (char *at = quoted; (at = strchr(at, '\''));)
		*at = '"';
	json = json_tokener_parse(quoted);
	ck_assert_msg(json || strcmp(text, "null") == 0, "%s", text);
	free(quoted);
	return json;
}

static inline struct report report_new(const char *status, const char *history,
				       const char *decisions)
{
	return (struct report){ .hostname = "host",
				.since_s = 86400,
				.status = report_json(status),
				.history = report_json(history),
				.decisions = report_json(decisions) };
}

static inline void report_done(struct report *report)
{
	json_object_put(report->status);
	json_object_put(report->history);
	json_object_put(report->decisions);
}

/* Of malloc.  Inlined, gcc 12 takes the text for the variable that points to it. */
__attribute__((noinline)) static char *report_page(const struct report *report)
{
	char *page = NULL;
	size_t bytes;
	FILE *to = open_memstream(&page, &bytes);

	ck_assert_ptr_nonnull(to);
	ck_assert_int_eq(report_write(report, to), 0);
	ck_assert_int_eq(fclose(to), 0);
	return page;
}

static inline size_t occurrences(const char *text, const char *part)
{
	size_t count = 0;

	for (const char *at = text; (at = strstr(at, part)); at += strlen(part))
		count++;
	return count;
}

#endif
