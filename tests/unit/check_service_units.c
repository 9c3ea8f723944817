/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What do the shipped units leave to a daemon that somebody has taken over?  kvmtuned-security(7)
 * promises it; whether the kernel keeps it is tried in the vm tier. */
#include <stdbool.h>
#include <string.h>

#include "kt_check.h"

enum { LINE_BYTES = 512, VALUE_BYTES = 2048 };

/* The value of a line "KEY=...", or NULL. */
static const char *value_of(char *line, const char *key)
{
	size_t n = strlen(key);

	line[strcspn(line, "\n")] = '\0';
	return strncmp(line, key, n) == 0 && line[n] == '=' ? line + n + 1 : NULL;
}

/* As systemd reads it: the last line counts for a setting; lines of a list add up, and an empty one
 * begins it anew. */
static const char *setting(const char *unit, const char *key, bool is_list)
{
	static char ret[VALUE_BYTES];
	char path[LINE_BYTES], line[LINE_BYTES];
	const char *value;
	FILE *f;

	snprintf(path, sizeof path, KT_TESTS_DIR "/../systemd/%s.service", unit);
	f = fopen(path, "r");
	ck_assert_msg(f != NULL, "%s", path);
	ret[0] = '\0';
	while (fgets(line, sizeof line, f)) {
		value = value_of(line, key);
		if (!value)
			continue;
		if (!is_list || !*value)
			ret[0] = '\0';
		ck_assert_uint_lt(strlen(ret) + strlen(value) + 2, sizeof ret);
		if (*ret)
			strcat(ret, " ");
		strcat(ret, value);
	}
	ck_assert_int_eq(fclose(f), 0);
	return ret;
}

static void assert_setting(const char *unit, const char *key, const char *value)
{
	const char *is = setting(unit, key, false);

	ck_assert_msg(strcmp(is, value) == 0, "%s: %s=%s and not %s", unit, key, is, value);
}

static void assert_list(const char *unit, const char *key, const char *values)
{
	const char *is = setting(unit, key, true);

	ck_assert_msg(strcmp(is, values) == 0, "%s: %s=%s and not %s", unit, key, is, values);
}

START_TEST(the_daemon_has_three_capabilities)
{
	assert_list("kvmtuned", "CapabilityBoundingSet",
		    "CAP_SYS_NICE CAP_SYS_PTRACE CAP_DAC_READ_SEARCH");
	assert_list("kvmtuned", "AmbientCapabilities", "");
	assert_setting("kvmtuned", "NoNewPrivileges", "yes");
	assert_setting("kvmtuned", "RestrictSUIDSGID", "yes");
	assert_setting("kvmtuned", "RestrictNamespaces", "yes");
}
END_TEST

START_TEST(it_has_no_network_and_no_device)
{
	assert_setting("kvmtuned", "PrivateNetwork", "yes");
	assert_list("kvmtuned", "RestrictAddressFamilies", "AF_UNIX");
	assert_list("kvmtuned", "IPAddressDeny", "any");
	assert_list("kvmtuned", "IPAddressAllow", "");
	assert_setting("kvmtuned", "PrivateDevices", "yes");
	assert_list("kvmtuned", "DeviceAllow", "");
}
END_TEST

START_TEST(it_cannot_read_the_memory_of_other_processes)
{
	assert_list("kvmtuned", "SystemCallFilter",
		    "@system-service ~@privileged process_vm_readv process_vm_writev");
	assert_setting("kvmtuned", "SystemCallArchitectures", "native");
	assert_setting("kvmtuned", "MemoryDenyWriteExecute", "yes");
}
END_TEST

START_TEST(it_writes_the_files_of_its_loops)
{
	assert_setting("kvmtuned", "ProtectSystem", "strict");
	assert_setting("kvmtuned", "ProtectHome", "yes");
	assert_setting("kvmtuned", "ProtectKernelTunables", "yes");
	assert_setting("kvmtuned", "ProtectControlGroups", "yes");
	assert_setting("kvmtuned", "PrivateTmp", "yes");
	assert_list("kvmtuned", "ReadWritePaths",
		    "-/sys/kernel/mm/ksm -/sys/fs/cgroup/machine.slice");
	assert_list("kvmtuned", "RuntimeDirectory", "kvmtuned");
	assert_setting("kvmtuned", "RuntimeDirectoryMode", "0750");
	assert_list("kvmtuned", "StateDirectory", "");
	assert_list("kvmtuned", "BindPaths", "");
	assert_setting("kvmtuned", "UMask", "0077");
}
END_TEST

START_TEST(it_is_bounded)
{
	assert_setting("kvmtuned", "MemoryMax", "128M");
	assert_setting("kvmtuned", "TasksMax", "16");
	assert_setting("kvmtuned", "RestrictRealtime", "yes");
}
END_TEST

/* Whose ways round the daemon's own unit would be no less useful. */
START_TEST(the_others_have_no_more_than_they_need)
{
	static const char *const others[] = { "kvmtuned-restore", "kvmtuned-stopped",
					      "kvmtuned-textfile" };
	const char *unit = others[_i];

	assert_setting(unit, "NoNewPrivileges", "yes");
	assert_setting(unit, "ProtectSystem", "strict");
	assert_setting(unit, "ProtectHome", "yes");
	assert_setting(unit, "PrivateDevices", "yes");
	assert_setting(unit, "PrivateNetwork", "yes");
	assert_list(unit, "RestrictAddressFamilies", "AF_UNIX");
	assert_setting(unit, "MemoryDenyWriteExecute", "yes");
	assert_setting(unit, "RestrictNamespaces", "yes");
	ck_assert_ptr_nonnull(strstr(setting(unit, "SystemCallFilter", true), "@system-service"));
}
END_TEST

START_TEST(who_restores_has_the_tunables_besides)
{
	assert_list("kvmtuned-restore", "CapabilityBoundingSet",
		    "CAP_SYS_NICE CAP_SYS_PTRACE CAP_DAC_READ_SEARCH CAP_SYS_ADMIN");
	assert_list("kvmtuned-restore", "ReadWritePaths", "/run/kvmtuned");
	assert_list("kvmtuned-stopped", "CapabilityBoundingSet", "");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("service_units");
	TCase *c = tcase_create("service_units");

	tcase_add_test(c, the_daemon_has_three_capabilities);
	tcase_add_test(c, it_has_no_network_and_no_device);
	tcase_add_test(c, it_cannot_read_the_memory_of_other_processes);
	tcase_add_test(c, it_writes_the_files_of_its_loops);
	tcase_add_test(c, it_is_bounded);
	tcase_add_loop_test(c, the_others_have_no_more_than_they_need, 0, 3);
	tcase_add_test(c, who_restores_has_the_tunables_besides);
	suite_add_tcase(s, c);
	return kt_run(s);
}
