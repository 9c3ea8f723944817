/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is what the audit says of recorded hosts true?
 *
 * HOST/audit.txt of tests/hosts is what it must say, each line compared by hand with what the
 * sources of its rule ask for: of the host while nobody knows its guests, as kvmtuned --audit
 * --root tells it, and then with two guests of tests/domains.  With a folder as argument this
 * program prints that text instead of testing; read the difference before believing it. */
#include <dirent.h>
#include <errno.h>

#include "audit_verdicts.h"
#include "sense_audit.h"
#include "standard_conf.h"

#define HOSTS KT_TESTS_DIR "/hosts"

enum { HOSTS_MIN = 7 };

/* One with a CPU for each vCPU and huge pages, and one that floats. */
static const char *const guests[] = { "libvirt-9-nova-dedicated", "libvirt-9-virt-install" };

static void put_guest(struct domains *ds, const char *document)
{
	struct domain d;

	read_guest(document, &d);
	d.uuid.byte[0] = (uint8_t)(ds->nused + 1);
	must(domains_put(ds, &d) >= 0);
}

static int print_host(FILE *out, const char *folder)
{
	static struct audit_host host;
	static struct topology topology;
	const struct policy_conf conf = standard_policy_conf();
	struct audit_input in = { .host = &host, .topology = &topology, .conf = &conf };
	struct domains *ds = domains_new();
	struct hostfs fs;
	int r = ds ? hostfs_open(folder, &fs) : -ENOMEM;

	if (r == 0) {
		host = (struct audit_host){ .busy_share = -1 };
		sense_audit(&fs, &host);
		r = sense_topology(&fs, &topology);
		hostfs_close(&fs);
	}
	if (r == 0) {
		print_verdicts(out, audit_host_rules, audit_nhost_rules, &in);
		fprintf(out, "\nwith %s and %s:\n", guests[0], guests[1]);
		for (size_t i = 0; i < KT_ARRAY_LEN(guests); i++)
			put_guest(ds, guests[i]);
		in.domains = ds;
		print_verdicts(out, audit_host_rules, audit_nhost_rules, &in);
	}
	domains_free(ds);
	return r;
}

static int is_host(const struct dirent *e)
{
	return e->d_name[0] >= '0' && e->d_name[0] <= '9';
}

START_TEST(what_is_said_of_a_host_is_true)
{
	struct dirent **entry;
	int n = scandir(HOSTS, &entry, is_host, alphasort);

	ck_assert_int_ge(n, HOSTS_MIN);
	for (int i = 0; i < n; i++) {
		KT_AUTOFREE char *said = NULL, *expected = NULL;
		char folder[512], path[KT_PATH_MAX];
		size_t length;
		FILE *out = open_memstream(&said, &length);

		ck_assert_ptr_nonnull(out);
		snprintf(folder, sizeof folder, HOSTS "/%s", entry[i]->d_name);
		snprintf(path, sizeof path, "%s/audit.txt", folder);
		ck_assert_msg(print_host(out, folder) == 0, "%s", folder);
		ck_assert_int_eq(fclose(out), 0);
		expected = verdicts_file(path);
		compare_verdicts(entry[i]->d_name, said, expected);
		free(entry[i]);
	}
	free(entry);
}
END_TEST

int main(int argc, char **argv)
{
	TCase *t = NULL;
	Suite *s = NULL;

	if (argc > 1)
		return print_host(stdout, argv[1]) < 0;
	s = suite_create("audit hosts");
	t = tcase_create("hosts");
	tcase_add_test(t, what_is_said_of_a_host_is_true);
	suite_add_tcase(s, t);
	return kt_run(s);
}
