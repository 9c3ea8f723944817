/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is it a status, with everything that is shown of it? */
#include "status.h"

bool status_guest_is_proper(struct json_object *guest)
{
	static const char shape[] =
		"name:s uuid:s running:b busy:b vcpus:n memory_kib:n resident_kib:n? home:s? "
		"node_memory_kib:o? local_percent:n? steal_percent:n? demand_cpus:n? merged_kib:n? "
		"limit_kib:n? reclaimed_kib:n? hold:s? hold_until_unix_s:n? managed:b ksm:o "
		"placement:o memory:o last_decision:o?";
	struct json_object *last;

	if (!ctl_has_shape(guest, shape, "a guest"))
		return false;
	for (size_t i = 0; i < LOOPS; i++)
		if (!ctl_has_shape(get_member(guest, ctl_loops[i]), "reason:s sentence:s",
				   "a loop of a guest"))
			return false;
	last = get_member(guest, "last_decision");
	return !last || ctl_has_shape(last, "unix_s:n message:s", "a last decision");
}

static bool loops_are_proper(struct json_object *loops)
{
	static const char *const own_shapes[LOOPS] = {
		"run:n? pages_to_scan:n? sleep_ms:n? ksmd_cpu_percent:n? merged_kib:n?",
		"pinned:n moving:o?",
		"limited:n reclaimed_kib:n? deficit_kib:n? squeezing:b",
	};

	for (size_t i = 0; i < LOOPS; i++) {
		struct json_object *loop = get_member(loops, ctl_loops[i]);
		struct json_object *last = get_member(loop, "last_change");

		if (!ctl_has_shape(
			    loop,
			    "state:s reason:s sentence:s paused_until_unix_s:n? last_change:o?",
			    ctl_loops[i]) ||
		    !ctl_has_shape(loop, own_shapes[i], ctl_loops[i]) ||
		    (last && !ctl_has_shape(last, "unix_s:n message:s", "a last change")))
			return false;
	}
	return true;
}

static bool host_is_proper(struct json_object *host)
{
	return ctl_has_shape(
		       host,
		       "nodes:a memory_kib:n? available_kib:n? swap_total_kib:n? swap_free_kib:n? "
		       "price:n? psi_memory_some_percent:n? psi_memory_full_percent:n? "
		       "steal_percent:n? idle_cpus:n?",
		       "the host") &&
	       ctl_elements_have_shape(
		       host, "nodes",
		       "id:n cpus:s ncpus:n memory_kib:n? free_kib:n? guests_kib:n? "
		       "busy_cpus:n?",
		       "a node");
}

static bool audit_is_proper_or_none(struct json_object *audit)
{
	return !audit ||
	       ctl_has_shape(audit, "unix_s:n critical:n warning:n note:n unknown:n", "the audit");
}

bool status_is_proper(struct json_object *status)
{
	if (!ctl_has_shape(
		    status,
		    "version:s unix_s:n started_unix_s:n mode:s dry_run:b state:s problems:a "
		    "libvirt:o tick:o host:o loops:o audit:o? guests:a",
		    "the status") ||
	    !ctl_has_shape(get_member(status, "libvirt"),
			   "connected:b uri:s? version:s? waiting_s:n?", "libvirt") ||
	    !ctl_has_shape(get_member(status, "tick"),
			   "count:n last_unix_s:n? took_s:n? next_in_s:n?", "the tick") ||
	    !audit_is_proper_or_none(get_member(status, "audit")) ||
	    !host_is_proper(get_member(status, "host")) ||
	    !loops_are_proper(get_member(status, "loops")))
		return false;
	for (size_t i = 0; i < get_length(status, "guests"); i++)
		if (!status_guest_is_proper(get_element(status, "guests", i)))
			return false;
	return true;
}
