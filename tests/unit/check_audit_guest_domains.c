/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What do the rules find of guests as libvirt shows them?  Nothing of a good one, and all
 * faults of a bad one, but no other.
 *
 * NAME.findings of tests/domains is all that is found of NAME.xml on a host of two nodes and on
 * one of one, and what cannot be told, compared by hand with the sources of the rules.  With
 * NAME as argument this program prints that text instead of testing; read the difference before
 * believing it. */
#include <dirent.h>

#include "audit_guest_fixture.h"
#include "audit_verdicts.h"

static const struct {
	const char *document;
	unsigned int nnodes; /* each with 8 cores of two threads, N and N + 16 */
	const char *found[11];
} guests[] = {
	{ "libvirt-10-well-configured", 2, { NULL } },
	{ "libvirt-10-well-configured", 1, { NULL } },
	{ "libvirt-10-ten-faults",
	  1,
	  { "guest-kvm-hint-dedicated", "guest-kvm-poll-control", "guest-memory-locked",
	    "guest-disk-cache", "guest-disk-io", "guest-disk-bus", "guest-scsi-queues",
	    "guest-disk-iothread", "guest-nic-vhost", "guest-clock" } },
	{ "libvirt-9-tcg", 2, { NULL } },
};

static void put_host(unsigned int nnodes)
{
	fixture_reset();
	fixture_nodes(nnodes);
	for (unsigned int n = 0; n < nnodes; n++) {
		struct cpumask siblings = cpus(8 * n + 16, 8 * n + 23);
		struct node_topology *node = &fx.topology.node[n];

		node->cpus = cpumask_or(&node->cpus, &siblings);
		node->all_cpus = node->cpus;
		node->mem_total_kib = 64 * GIB_KIB;
		fx.topology.online = cpumask_or(&fx.topology.online, &node->cpus);
	}
	for (unsigned int cpu = 0; cpu < 32; cpu++)
		fx.topology.core_of[cpu] = (uint16_t)(cpu % 16);
	fx.topology.usable = fx.topology.online;
	fx.host.has_vhost_net = fact(1);
	fx.host.ksm_run = fact(1);
}

static void put_guest(const char *document)
{
	fixture_guest();
	read_guest(document, guest_of(A));
	sampled(A);
}

static bool is_expected(size_t guest, const char *id)
{
	for (size_t i = 0; guests[guest].found[i]; i++)
		if (strcmp(guests[guest].found[i], id) == 0)
			return true;
	return false;
}

START_TEST(what_is_found_is_what_is_wrong)
{
	put_host(guests[_i].nnodes);
	put_guest(guests[_i].document);
	for (size_t i = 0; i < audit_nguest_rules; i++) {
		const char *id = audit_guest_rules[i].id;

		audit_judge(&audit_guest_rules[i], &fx.in, &fx.v);
		ck_assert_msg(fx.v.result != AUDIT_UNKNOWN, "%s: %s", id, fx.v.reason);
		ck_assert_msg((fx.v.result == AUDIT_FINDING) == is_expected((size_t)_i, id),
			      "%s: %s: %d", guests[_i].document, id, (int)fx.v.result);
	}
}
END_TEST

/* ---- all documents ------------------------------------------------------------------------ */

static void print_document(FILE *out, const char *document)
{
	for (unsigned int nnodes = 2; nnodes > 0; nnodes--) {
		fprintf(out, "on a host with nodes: %u\n", nnodes);
		put_host(nnodes);
		put_guest(document);
		print_verdicts(out, audit_guest_rules, audit_nguest_rules, &fx.in);
	}
}

static int is_document(const struct dirent *e)
{
	const char *dot = strrchr(e->d_name, '.');

	return dot && strcmp(dot, ".xml") == 0;
}

static void check_document(const char *document)
{
	KT_AUTOFREE char *said = NULL, *expected = NULL;
	char path[KT_PATH_MAX];
	size_t length;
	FILE *out = open_memstream(&said, &length);

	ck_assert_ptr_nonnull(out);
	print_document(out, document);
	ck_assert_int_eq(fclose(out), 0);
	snprintf(path, sizeof path, KT_TESTS_DIR "/domains/%s.findings", document);
	expected = verdicts_file(path);
	compare_verdicts(document, said, expected);
}

START_TEST(what_is_found_of_a_document_was_found_by_hand)
{
	enum { DOCUMENTS_MIN = 16 };
	struct dirent **entry;
	int n = scandir(KT_TESTS_DIR "/domains", &entry, is_document, alphasort);

	ck_assert_int_ge(n, DOCUMENTS_MIN);
	for (int i = 0; i < n; i++) {
		*strrchr(entry[i]->d_name, '.') = '\0';
		check_document(entry[i]->d_name);
		free(entry[i]);
	}
	free(entry);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("audit_guest_domains");
	TCase *t = tcase_create("documents");

	tcase_add_loop_test(t, what_is_found_is_what_is_wrong, 0, KT_ARRAY_LEN(guests));
	tcase_add_test(t, what_is_found_of_a_document_was_found_by_hand);
	suite_add_tcase(s, t);
	return s;
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		print_document(stdout, argv[1]);
		return 0;
	}
	return kt_run(suite());
}
