/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does the audit know what a guest's XML says, and no more than it says?
 *
 * Each tests/domains/NAME.xml is what libvirt of some version shows of a guest that runs, made
 * by hand after what Nova, oVirt, KubeVirt and virt-install write.  NAME.facts is what must be
 * understood, reviewed by hand.  With such a file as argument this program prints its facts
 * instead of testing; read the difference before believing it. */
#include <dirent.h>
#include <string.h>

#include "virt_audit.h"
#include "virt_audit_fixture.h"

#define DOMAINS KT_TESTS_DIR "/domains"

enum { DOMAINS_MIN = 16 };

/* Of the machines that the documents are of. */
#define HOST_CPUS "0-31"

static char *load(const char *path, size_t *ret_size)
{
	KT_AUTOFCLOSE FILE *f = fopen(path, "r");
	char *text = calloc(1, KT_FILE_MAX);

	if (!f)
		perror(path);
	must(f && text);
	*ret_size = fread(text, 1, KT_FILE_MAX - 1, f);
	return text;
}

/* ---- whole documents ---------------------------------------------------------------------- */

static char *domains[64];
static int ndomains;

static int is_domain(const struct dirent *e)
{
	const char *dot = strrchr(e->d_name, '.');

	return dot && strcmp(dot, ".xml") == 0;
}

static void find_domains(void)
{
	struct dirent **entry;
	int n = scandir(DOMAINS, &entry, is_domain, alphasort);

	for (int i = 0; i < n; i++) {
		if (ndomains < (int)KT_ARRAY_LEN(domains))
			domains[ndomains++] = strdup(entry[i]->d_name);
		free(entry[i]);
	}
	if (n >= 0)
		free(entry);
}

static char *path_of(const char *name, const char *suffix, char path[static KT_PATH_MAX])
{
	int stem = (int)(strrchr(name, '.') - name);

	ck_assert_int_lt(snprintf(path, KT_PATH_MAX, DOMAINS "/%.*s%s", stem, name, suffix),
			 KT_PATH_MAX);
	return path;
}

/* Line by line, so that the message is the first line that differs. */
static void compare(const char *name, char *said, char *expected)
{
	char *rest_said, *rest_expected;
	char *a = strtok_r(said, "\n", &rest_said), *b = strtok_r(expected, "\n", &rest_expected);

	while (a && b && strcmp(a, b) == 0) {
		a = strtok_r(NULL, "\n", &rest_said);
		b = strtok_r(NULL, "\n", &rest_expected);
	}
	ck_assert_msg(!a && !b, "%s: said \"%s\", expected \"%s\"", name, a ? a : "(end)",
		      b ? b : "(end)");
}

START_TEST(a_document_says_what_was_found_by_hand)
{
	char path[KT_PATH_MAX];
	struct audit_guest g;
	size_t size, length;
	KT_AUTOFREE char *xml = load(path_of(domains[_i], ".xml", path), &size);
	KT_AUTOFREE char *expected = load(path_of(domains[_i], ".facts", path), &length);
	KT_AUTOFREE char *said = NULL;

	ck_assert_msg(read_text(xml, size, HOST_CPUS, &g) == 0, "%s", domains[_i]);
	said = facts_text(&g);
	compare(domains[_i], said, expected);
}
END_TEST

static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static void check_terminated(const struct audit_guest *g)
{
	for (size_t i = 0; i < KT_ARRAY_LEN(fact_fields); i++) {
		const char *p = (const char *)g + fact_fields[i].offset;

		if (fact_fields[i].kind == 'c')
			p += offsetof(struct count_fact, first);
		else if (fact_fields[i].kind != 's')
			continue;
		ck_assert_ptr_nonnull(memchr(p, '\0', AUDIT_WORD));
	}
	ck_assert_uint_le(g->npin_masks, AUDIT_MASKS_MAX);
	ck_assert_uint_le(g->npinned_vcpus, g->max_vcpus);
	ck_assert_uint_le(g->current_vcpus, g->max_vcpus);
}

/* The answer may be anything that keeps its word; the sanitizers watch. */
START_TEST(damaged_documents_are_survived)
{
	uint32_t random = 2463534242U + (uint32_t)_i;
	char path[KT_PATH_MAX];
	size_t size, understood = 0;
	KT_AUTOFREE char *text = load(path_of(domains[_i], ".xml", path), &size);
	KT_AUTOFREE char *damaged = malloc(size);
	struct audit_guest g;

	ck_assert_ptr_nonnull(damaged);
	for (int round = 0; round < 200; round++) {
		memcpy(damaged, text, size);
		for (uint32_t n = next_random(&random) % 3 + 1; n > 0; n--)
			damaged[next_random(&random) % size] = (char)('!' + random % 90);
		if (read_text(damaged, size, HOST_CPUS, &g) < 0)
			continue;
		check_terminated(&g);
		understood++;
	}
	ck_assert_uint_gt(understood, 0);
}
END_TEST

/* ---- single facts --------------------------------------------------------------------------- */

static const char unpinned[] = "npinned_vcpus=0 nsingle_cpu_pins=0 pinned_cpus=0 pin_mask=0";

static const struct {
	const char *xml, *want;
} rows[] = {
	{ "", "emulation=kvm known=1 max_vcpus=1 current_vcpus=1 memory_kib=1048576 "
	      "current_kib=1048576 cpu_mode=0 has_balloon=0 all_cache_none=1" },
	/* vCPUs */
	{ "<vcpu current='2'>4</vcpu>", "max_vcpus=4 current_vcpus=2" },
	{ "<vcpu>1024</vcpu>", "known=1 max_vcpus=1024" },
	{ "<vcpu>1025</vcpu>", "known=0" },
	{ "<vcpu>0</vcpu>", "known=0" },
	{ "<vcpu>many</vcpu>", "known=0" },
	{ "<vcpu current='5'>4</vcpu>", "known=0" },
	{ "<vcpu placement='auto'>4</vcpu>", "placement_auto=1 strict_nodes=0" },
	/* pins */
	{ "<vcpu>2</vcpu><cputune><vcpupin vcpu='0' cpuset='3'/></cputune>",
	  "npinned_vcpus=1 nsingle_cpu_pins=1 pinned_cpus=3 pin_mask=0 emulator_cpus=0" },
	{ "<vcpu>2</vcpu><cputune><vcpupin vcpu='1' cpuset='2-3'/></cputune>",
	  "npinned_vcpus=1 nsingle_cpu_pins=0 pinned_cpus=2-3 pin_mask=2-3" },
	{ "<vcpu>2</vcpu><cputune><vcpupin vcpu='2' cpuset='3'/></cputune>", unpinned },
	{ "<vcpu>2</vcpu><cputune><vcpupin vcpu='1' cpuset='0-7'/></cputune>", unpinned },
	{ "<vcpu>2</vcpu><cputune><vcpupin vcpu='0' cpuset='3'/><vcpupin vcpu='0' "
	  "cpuset='4'/></cputune>",
	  "npinned_vcpus=1 pinned_cpus=3" },
	{ "<vcpu>2</vcpu><cputune><vcpupin cpuset='3'/></cputune>", unpinned },
	{ "<vcpu>2</vcpu><cputune><vcpupin vcpu='0'/></cputune>", "known=0" },
	{ "<vcpu>2</vcpu><cputune><vcpupin vcpu='0' cpuset='1024'/></cputune>", "known=0" },
	{ "<vcpu cpuset='4-5'>3</vcpu><cputune><vcpupin vcpu='0' cpuset='3'/></cputune>",
	  "npinned_vcpus=3 nsingle_cpu_pins=1 pinned_cpus=3-5 pin_mask=4-5 emulator_cpus=4-5 "
	  "has_emulator_pin=0" },
	{ "<vcpu cpuset='4'>3</vcpu>",
	  "npinned_vcpus=3 nsingle_cpu_pins=3 pinned_cpus=4 pin_mask=0 emulator_cpus=4" },
	{ "<vcpu cpuset='4-5'>1</vcpu><cputune><vcpupin vcpu='0' cpuset='3'/><emulatorpin "
	  "cpuset='2'/></cputune>",
	  "pinned_cpus=3 emulator_cpus=2 has_emulator_pin=1 pin_mask=0" },
	{ "<cputune><emulatorpin cpuset='0-7'/></cputune>",
	  "has_emulator_pin=0 emulator_cpus=0 pin_mask=0" },
	{ "<vcpu cpuset='6'>1</vcpu><iothreads>2</iothreads><cputune><iothreadpin iothread='1' "
	  "cpuset='1-2'/></cputune>",
	  "niothreads=2 has_iothread_pin=1 iothread_cpus=1-2,6 pin_mask=1-2" },
	{ "<iothreads>1025</iothreads>", "known=0" },
	/* bandwidth of the CPU */
	{ "<cputune><quota>-1</quota><shares>1024</shares></cputune>", "has_quota=0 has_shares=1" },
	{ "<cputune><emulator_quota>1000</emulator_quota></cputune>", "has_quota=1 has_shares=0" },
	{ "<cputune><iothread_quota>1000</iothread_quota></cputune>", "has_quota=1" },
	{ "<cputune><period>100000</period></cputune>", "has_quota=0" },
	{ "<cputune><quota>0</quota></cputune>", "has_quota=0" },
	/* the guest's processor */
	{ "<cpu><topology sockets='1' cores='2' threads='2'/></cpu>",
	  "cpu_mode=0 sockets=1 dies=1 cores=2 threads=2" },
	{ "<cpu><topology sockets='-1' cores='2' threads='2'/></cpu>", "known=0" },
	{ "<cpu><cache mode='disable'/></cpu>", "has_l3_cache=0" },
	{ "<cpu><cache mode='passthrough'/></cpu>", "has_l3_cache=1" },
	{ "<cpu><cache level='2' mode='passthrough'/></cpu>", "has_l3_cache=0" },
	{ "<cpu><cache level='3' mode='emulate'/></cpu>", "has_l3_cache=1" },
	{ "<cpu mode='custom'><feature name='svm'/></cpu>", "uses_nested=1" },
	{ "<cpu mode='custom'><feature policy='disable' name='vmx'/></cpu>", "uses_nested=0" },
	{ "<cpu mode='host-passthrough'/>", "uses_nested=1 cpu_mode=host-passthrough" },
	{ "<cpu mode='host-passthrough'><feature policy='forbid' name='vmx'/></cpu>",
	  "uses_nested=0" },
	{ "<features><kvm><hint-dedicated state='off'/><poll-control "
	  "state='on'/></kvm></features>",
	  "hint_dedicated=0 poll_control=1" },
	{ "<clock><timer name='kvmclock'/><timer name='hypervclock'/></clock>",
	  "kvmclock_off=0 uses_hyperv_clock=0" },
	/* memory */
	{ "<currentMemory unit='b'>1025</currentMemory>", "current_kib=2" },
	{ "<currentMemory>2000000</currentMemory>", "known=0" },
	{ "<memtune><hard_limit unit='MiB'>2</hard_limit></memtune>", "hard_limit_kib=2048" },
	{ "<memtune><hard_limit unit='mb'>2</hard_limit></memtune>", "hard_limit_kib=1954" },
	{ "<memtune><hard_limit unit='T'>1</hard_limit></memtune>", "hard_limit_kib=1073741824" },
	{ "<memtune><soft_limit unit='KB'>512</soft_limit></memtune>", "soft_limit_kib=500" },
	{ "<memtune><swap_hard_limit unit=''>5</swap_hard_limit></memtune>",
	  "swap_hard_limit_kib=5" },
	{ "<memtune><hard_limit>4503599627370495</hard_limit></memtune>",
	  "known=1 hard_limit_kib=4503599627370495" },
	{ "<memtune><hard_limit>4503599627370496</hard_limit></memtune>",
	  "known=1 hard_limit_kib=0" },
	{ "<memtune><hard_limit unit='EiB'>99999999999</hard_limit></memtune>",
	  "known=1 hard_limit_kib=0" },
	{ "<memtune><hard_limit unit='Kibi'>2</hard_limit></memtune>", "known=0" },
	{ "<memtune><hard_limit unit='xB'>2</hard_limit></memtune>", "known=0" },
	{ "<memtune><hard_limit>-2</hard_limit></memtune>", "known=0" },
	{ "<memoryBacking><hugepages><page size='1' unit='G'/></hugepages></memoryBacking>",
	  "hugepages=1 hugepages_1g=1" },
	{ "<memoryBacking><hugepages><page size='2048'/></hugepages></memoryBacking>",
	  "hugepages=1 hugepages_1g=0" },
	{ "<memoryBacking><hugepages><page/></hugepages></memoryBacking>", "known=0" },
	{ "<memoryBacking><source type='anonymous'/></memoryBacking>", "memfd_or_file=0" },
	{ "<memoryBacking><source type='file'/></memoryBacking>", "memfd_or_file=1" },
	{ "<numatune><memory nodeset='0'/></numatune>",
	  "has_numatune=1 numatune_strict=1 strict_nodes=1" },
	{ "<numatune><memory nodeset='0,3'/><memnode cellid='0' nodeset='1'/></numatune>",
	  "strict_nodes=11" },
	{ "<numatune><memory nodeset='64'/></numatune>", "known=0" },
	{ "<numatune><memory mode='preferred' nodeset='0'/><memnode cellid='0' "
	  "nodeset='0'/></numatune>",
	  "numatune_strict=0 memnodes_strict=1" },
	{ "<numatune><memory mode='strict' placement='auto'/></numatune>",
	  "placement_auto=1 strict_nodes=0" },
	{ "<numatune><memnode cellid='0' mode='strict' nodeset='0'/><memnode cellid='1' "
	  "mode='restrictive' nodeset='1'/></numatune>",
	  "has_numatune=1 numatune_strict=0 memnodes_strict=1 strict_nodes=1" },
	{ "<numatune/>", "has_numatune=0 numatune_strict=0" },
};

START_TEST(an_element_says_what_libvirt_means_by_it)
{
	check_fragment(rows[_i].xml, rows[_i].want);
}
END_TEST

/* ---- the processor of host-model ------------------------------------------------------------ */

static const struct {
	const char *live, *persistent, *mode;
	bool hidden;
} modes[] = {
	{ "custom", "host-model", "host-model", false },
	{ "custom", "custom", "custom", false },
	{ "custom", NULL, "custom", true },
	{ "host-passthrough", "host-model", "host-passthrough", false },
	{ "host-passthrough", NULL, "host-passthrough", false },
	{ "", "host-model", "", false },
};

START_TEST(libvirt_hides_host_model_of_a_guest_that_runs)
{
	struct domain_xml *live = calloc(2, sizeof *live), *persistent = live + 1;
	struct domain_judge judge = { .live = live };
	struct domain *guest = calloc(1, sizeof *guest);

	ck_assert(live && guest);
	strcpy(live->audit.cpu_mode, modes[_i].live);
	live->audit.memory_kib = 5;
	if (modes[_i].persistent) {
		strcpy(persistent->audit.cpu_mode, modes[_i].persistent);
		judge.persistent = persistent;
	}
	virt_domain_judge(&judge, guest);
	ck_assert_str_eq(guest->audit.cpu_mode, modes[_i].mode);
	ck_assert_int_eq(guest->audit.cpu_mode_hidden, modes[_i].hidden);
	ck_assert_uint_eq(guest->audit.memory_kib, 5);
	free(live);
	free(guest);
}
END_TEST

static int print_facts(const char *path)
{
	size_t size;
	KT_AUTOFREE char *xml = load(path, &size), *text = NULL;
	struct audit_guest g;

	if (read_text(xml, size, HOST_CPUS, &g) < 0)
		return 1;
	text = facts_text(&g);
	fputs(text, stdout);
	return 0;
}

int main(int argc, char **argv)
{
	Suite *s = suite_create("virt_audit");
	TCase *t = tcase_create("virt_audit");
	int r;

	if (argc > 1)
		return print_facts(argv[1]);
	find_domains();
	if (ndomains < DOMAINS_MIN)
		return 1;
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, a_document_says_what_was_found_by_hand, 0, ndomains);
	tcase_add_loop_test(t, damaged_documents_are_survived, 0, ndomains);
	tcase_add_loop_test(t, an_element_says_what_libvirt_means_by_it, 0,
			    (int)KT_ARRAY_LEN(rows));
	tcase_add_loop_test(t, libvirt_hides_host_model_of_a_guest_that_runs, 0,
			    (int)KT_ARRAY_LEN(modes));
	suite_add_tcase(s, t);
	r = kt_run(s);
	while (ndomains > 0)
		free(domains[--ndomains]);
	return r;
}
