/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How do the daemon, the host and the loops look? */
#include <math.h>
#include <string.h>

#include "status.h"

#define NUMBER(object, key, decimals) show_number(get_number(object, key), decimals).text
#define SIZE(object, key)             show_kib(get_number(object, key)).text

static void print_libvirt(struct json_object *libvirt, FILE *out)
{
	const char *version = get_text(libvirt, "version"), *uri = get_text(libvirt, "uri");
	double waiting_s = get_number(libvirt, "waiting_s");

	fprintf(out, "  libvirt  %s %s",
		get_bool(libvirt, "connected") ? "connected to" : "no connection to",
		uri ? uri : "libvirt");
	if (version)
		fprintf(out, " (%s)", version);
	if (!isnan(waiting_s))
		fprintf(out, ", has not answered for %s", show_seconds(waiting_s).text);
	fputc('\n', out);
}

static void print_tick(struct json_object *status, FILE *out)
{
	struct json_object *tick = get_member(status, "tick");
	double next_s = get_number(tick, "next_in_s");

	fprintf(out, "  tick     %s, the last one %s ago, took %s ms", NUMBER(tick, "count", 0),
		show_seconds(get_number(status, "unix_s") - get_number(tick, "last_unix_s")).text,
		show_number(get_number(tick, "took_s") * 1000, 1).text);
	if (!isnan(next_s))
		fprintf(out, ", the next one in %s", show_seconds(next_s).text);
	fputc('\n', out);
}

static void print_host(struct json_object *host, FILE *out)
{
	fprintf(out, "  memory   %s of %s available, price %s; ", SIZE(host, "available_kib"),
		SIZE(host, "memory_kib"), NUMBER(host, "price", 2));
	if (get_number(host, "swap_total_kib") > 0)
		fprintf(out, "swap %s of %s free\n", SIZE(host, "swap_free_kib"),
			SIZE(host, "swap_total_kib"));
	else
		fputs("no swap\n", out);
	fprintf(out,
		"  pressure %s %% some, %s %% all wait for memory; %s %% steal of the host, %s CPUs idle\n",
		NUMBER(host, "psi_memory_some_percent", 1),
		NUMBER(host, "psi_memory_full_percent", 1), NUMBER(host, "steal_percent", 1),
		NUMBER(host, "idle_cpus", 1));
	for (size_t i = 0; i < get_length(host, "nodes"); i++) {
		struct json_object *node = get_element(host, "nodes", i);

		fprintf(out, "  node %-3s CPUs %s: %s of %s busy; %s of %s free, %s of guests\n",
			NUMBER(node, "id", 0), get_text(node, "cpus"), NUMBER(node, "busy_cpus", 1),
			NUMBER(node, "ncpus", 0), SIZE(node, "free_kib"), SIZE(node, "memory_kib"),
			SIZE(node, "guests_kib"));
	}
}

static void print_audit(struct json_object *audit, FILE *out)
{
	if (audit)
		fprintf(out, "  audit    %s critical, %s warnings, %s notes; kvmtunectl audit\n",
			NUMBER(audit, "critical", 0), NUMBER(audit, "warning", 0),
			NUMBER(audit, "note", 0));
}

void status_print_header(struct json_object *status, FILE *out)
{
	struct json_object *problems = get_member(status, "problems");

	fprintf(out, "kvmtuned %s: %s%s, %s, up %s\n", get_text(status, "version"),
		get_text(status, "mode"), get_bool(status, "dry_run") ? " (dry run)" : "",
		get_text(status, "state"),
		show_seconds(get_number(status, "unix_s") - get_number(status, "started_unix_s"))
			.text);
	for (size_t i = 0; i < get_length(status, "problems"); i++) {
		const char *problem =
			json_object_get_string(json_object_array_get_idx(problems, i));

		fprintf(out, "  problem  %s\n", problem ? problem : "-");
	}
	print_libvirt(get_member(status, "libvirt"), out);
	print_tick(status, out);
	print_host(get_member(status, "host"), out);
	print_audit(get_member(status, "audit"), out);
}

static void describe_moving(struct json_object *moving, char *buf, size_t size)
{
	const char *guest = get_text(moving, "guest");

	if (guest)
		(void)snprintf(buf, size, ", moving %s: %s at %s/s", guest,
			       SIZE(moving, "moved_kib"), SIZE(moving, "kib_per_s"));
	else
		buf[0] = '\0';
}

/* How fast it scans means nothing while it rests. */
static void describe_ksm(struct json_object *ksm, char *buf, size_t size)
{
	double run = get_number(ksm, "run");

	if (isnan(run))
		(void)snprintf(buf, size, "no KSM");
	else if (run != 1)
		(void)snprintf(buf, size, "%s merged, at rest", SIZE(ksm, "merged_kib"));
	else
		(void)snprintf(buf, size, "%s merged, %s pages each %s ms, ksmd %s %%",
			       SIZE(ksm, "merged_kib"), NUMBER(ksm, "pages_to_scan", 0),
			       NUMBER(ksm, "sleep_ms", 0), NUMBER(ksm, "ksmd_cpu_percent", 1));
}

/* What a loop has achieved, or is doing. */
static void describe(const char *name, struct json_object *loop, char *buf, size_t size)
{
	char moving[512];

	if (strcmp(name, "ksm") == 0) {
		describe_ksm(loop, buf, size);
	} else if (strcmp(name, "placement") == 0) {
		describe_moving(get_member(loop, "moving"), moving, sizeof moving);
		(void)snprintf(buf, size, "pinned guests: %s%s", NUMBER(loop, "pinned", 0), moving);
	} else {
		(void)snprintf(buf, size, "limited guests: %s, reclaimed %s%s%s",
			       NUMBER(loop, "limited", 0), SIZE(loop, "reclaimed_kib"),
			       get_bool(loop, "squeezing") ? ", squeezing: short of " : "",
			       get_bool(loop, "squeezing") ? SIZE(loop, "deficit_kib") : "");
	}
}

static const char *color_of_state(const char *state)
{
	if (strcmp(state, "active") == 0)
		return "green";
	if (strcmp(state, "ceded") == 0 || strcmp(state, "refused") == 0)
		return "red";
	return strcmp(state, "off") == 0 ? NULL : "yellow";
}

static void add_loop(struct table *t, const char *name, struct json_object *loop)
{
	struct json_object *last = get_member(loop, "last_change");
	double until = get_number(loop, "paused_until_unix_s");
	const char *message = get_text(last, "message");
	char now[768], change[1024], state[80];

	(void)snprintf(state, sizeof state, "%s%s%s", get_text(loop, "state"),
		       isnan(until) ? "" : " for ", isnan(until) ? "" : show_age(until).text);
	describe(name, loop, now, sizeof now);
	(void)snprintf(change, sizeof change, "%s ago: %s",
		       show_age(get_number(last, "unix_s")).text, message ? message : "");
	table_color(table_row(t, (const char *const[]){ name, state, get_text(loop, "reason"), now,
							message ? change : NULL }),
		    1, color_of_state(get_text(loop, "state")));
}

struct table status_loops(const struct options *o, struct json_object *status)
{
	static const struct column columns[] = {
		{ "LOOP", COLUMN_TEXT }, { "STATE", COLUMN_TEXT },       { "REASON", COLUMN_TEXT },
		{ "NOW", COLUMN_LONG },  { "LAST CHANGE", COLUMN_LONG },
	};
	struct table t = table_new(o, columns, KT_ARRAY_LEN(columns));

	for (size_t i = 0; i < LOOPS; i++)
		add_loop(&t, ctl_loops[i], get_member(get_member(status, "loops"), ctl_loops[i]));
	return t;
}
