/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is there a verdict of every rule on any guest, and a text for every place? */
#include "audit_guest_fixture.h"
#include "random_fixture.h"

/* ---- who is not judged -------------------------------------------------------------------- */

static void paused(void)
{
	guest_of(A)->running = false;
}

static void gone(void)
{
	fx.domains.slot[A].used = false;
}

static void emulated(void)
{
	facts_of(A)->emulation = GUEST_TCG;
}

static void of_another_kind(void)
{
	facts_of(A)->emulation = GUEST_OTHER;
}

static void broken(void)
{
	memset(facts_of(A), 0, sizeof *facts_of(A));
}

static const struct {
	void (*given)(void);
	enum audit_result result;
} not_judged[] = {
	{ paused, AUDIT_NOT_APPLICABLE },   { gone, AUDIT_NOT_APPLICABLE },
	{ emulated, AUDIT_NOT_APPLICABLE }, { of_another_kind, AUDIT_NOT_APPLICABLE },
	{ broken, AUDIT_UNKNOWN },
};

START_TEST(no_rule_judges_it)
{
	for (size_t i = 0; i < audit_nguest_rules; i++) {
		const struct audit_rule *rule = &audit_guest_rules[i];

		fixture_guests();
		not_judged[_i].given();
		audit_judge(rule, &fx.in, &fx.v);
		ck_assert_msg(fx.v.result == not_judged[_i].result, "%s: %d", rule->id,
			      (int)fx.v.result);
		ck_assert_ptr_nonnull(fx.v.reason);
	}
}
END_TEST

START_TEST(nothing_is_found_of_a_good_guest)
{
	fixture_guests();
	for (size_t i = 0; i < audit_nguest_rules; i++) {
		audit_judge(&audit_guest_rules[i], &fx.in, &fx.v);
		ck_assert_msg(fx.v.result == AUDIT_OK || fx.v.result == AUDIT_NOT_APPLICABLE,
			      "%s: %d", audit_guest_rules[i].id, (int)fx.v.result);
	}
}
END_TEST

/* ---- any guest ---------------------------------------------------------------------------- */

static struct cpumask any_cpus(uint64_t *seed)
{
	struct cpumask m = { { 0 } };

	m.word[0] = fixture_any(seed);
	m.word[fixture_below(seed, KT_ARRAY_LEN(m.word))] |= fixture_any(seed);
	return m;
}

static bool any_bool(uint64_t *seed)
{
	return fixture_below(seed, 2);
}

static unsigned int any_count(uint64_t *seed)
{
	return fixture_below(seed, 2) ? (unsigned int)fixture_below(seed, 20)
				      : (unsigned int)fixture_any(seed);
}

static struct fact any_fact(uint64_t *seed)
{
	return (struct fact){ (enum fact_state)fixture_below(seed, 3), 5, fixture_any(seed) };
}

static struct count_fact any_counts(uint64_t *seed)
{
	struct count_fact c = { .n = any_count(seed), .of = any_count(seed) };

	memset(c.first, 'x', fixture_below(seed, sizeof c.first));
	return c;
}

static void any_threads(uint64_t *seed, struct audit_guest *g)
{
	g->max_vcpus = any_count(seed);
	g->current_vcpus = any_count(seed);
	g->npinned_vcpus = any_bool(seed) ? g->max_vcpus : any_count(seed);
	g->nsingle_cpu_pins = any_bool(seed) ? g->max_vcpus : any_count(seed);
	g->sockets = any_count(seed);
	g->threads = any_count(seed);
	g->pinned_cpus = any_cpus(seed);
	g->emulator_cpus = any_cpus(seed);
	g->iothread_cpus = any_cpus(seed);
	g->has_emulator_pin = any_bool(seed);
	g->has_iothread_pin = any_bool(seed);
	g->npin_masks = any_count(seed);
	for (size_t i = 0; i < AUDIT_MASKS_MAX; i++)
		g->pin_mask[i] = any_cpus(seed);
	g->more_pin_masks = any_bool(seed);
	g->hint_dedicated = any_bool(seed);
	g->niothreads = any_count(seed);
	g->nunused_iothreads = any_count(seed);
	g->nvirtio_disks = any_count(seed);
}

static void any_memory(uint64_t *seed, struct audit_guest *g)
{
	g->memory_kib = fixture_any(seed);
	g->current_kib = fixture_any(seed);
	g->has_numatune = any_bool(seed);
	g->numatune_strict = any_bool(seed);
	g->strict_nodes = fixture_any(seed);
	g->nnuma_cells = any_count(seed);
	g->hugepages = any_bool(seed);
	g->hugepages_1g = any_bool(seed);
	g->locked = any_bool(seed);
	g->hard_limit_kib = fixture_any(seed);
	g->soft_limit_kib = fixture_any(seed);
	g->swap_hard_limit_kib = fixture_any(seed);
	g->has_balloon = any_bool(seed);
}

static void any_guest(uint64_t *seed, size_t slot)
{
	struct audit_guest *g = facts_of(slot);
	struct domain *d = guest_of(slot);

	any_threads(seed, g);
	any_memory(seed, g);
	g->disk_cache = any_counts(seed);
	g->disk_io = any_counts(seed);
	g->disk_bus = any_counts(seed);
	g->disk_iothread = any_counts(seed);
	g->disk_throttle = any_counts(seed);
	g->scsi_queues = any_counts(seed);
	g->nic_model = any_counts(seed);
	g->nic_vhost = any_counts(seed);
	g->nic_queues = any_counts(seed);
	g->nhostdevs = any_count(seed);
	d->has_cpuset = any_bool(seed);
	d->cpuset = any_cpus(seed);
	d->realtime = any_bool(seed);
	d->wish.weight = any_count(seed);
	memset(d->name, any_bool(seed) ? '\n' : '\xff', sizeof d->name - 1);
	ours(slot)->pinned = any_bool(seed);
	ours(slot)->nodes = fixture_any(seed);
}

static void any_host(uint64_t *seed)
{
	for (unsigned int n = 0; n < KT_NODES_MAX; n++) {
		struct node_topology *node = &fx.topology.node[n];

		fx.host.small[n].total = any_fact(seed);
		fx.host.large[n].total = any_fact(seed);
		fx.sample.node_memory_kib[n] = fixture_any(seed);
		node->present = fixture_below(seed, 8) == 0;
		node->all_cpus = any_cpus(seed);
		node->cpus = any_cpus(seed);
		node->mem_total_kib = fixture_any(seed);
	}
	for (unsigned int cpu = 0; cpu < KT_CPUS_MAX; cpu++)
		fx.topology.core_of[cpu] = (uint16_t)fixture_any(seed);
	fx.topology.online = any_cpus(seed);
	fx.topology.usable = any_cpus(seed);
	fx.conf.placement.reserved_cpus = any_cpus(seed);
	fx.conf.placement.node_reserve_mib = fixture_any(seed);
	fx.host.cpus.isolated = any_cpus(seed);
	fx.host.cpus.isolation = any_fact(seed);
	fx.host.has_vhost_net = any_fact(seed);
	fx.host.ksm_run = any_fact(seed);
	fx.sample.pci_nodes = fixture_any(seed);
	fx.in.view = any_bool(seed) ? &fx.view : NULL;
	fx.in.in_force = any_bool(seed) ? &fx.in_force : NULL;
}

static void check_verdict(const struct audit_rule *rule, int seed)
{
	ck_assert_msg(fx.v.result < _AUDIT_RESULT_MAX, "%s: seed %d", rule->id, seed);
	ck_assert_msg(fx.v.result < AUDIT_NOT_APPLICABLE || fx.v.reason, "%s: seed %d", rule->id,
		      seed);
	for (size_t w = 0; w < 2; w++)
		for (const char *s = fx.v.word[w]; *s; s++)
			ck_assert_msg(*s >= ' ' && *s <= '~', "%s: seed %d", rule->id, seed);
}

START_TEST(any_guest_has_a_verdict)
{
	unsigned int seen[_AUDIT_RESULT_MAX] = { 0 };

	for (int i = 0; i < 300; i++) {
		uint64_t seed = (uint64_t)(1000 * _i + i);

		fixture_guests();
		any_host(&seed);
		any_guest(&seed, A);
		any_guest(&seed, B);
		for (size_t r = 0; r < audit_nguest_rules; r++) {
			audit_judge(&audit_guest_rules[r], &fx.in, &fx.v);
			check_verdict(&audit_guest_rules[r], 1000 * _i + i);
			seen[fx.v.result]++;
		}
	}
	for (size_t i = 0; i < _AUDIT_RESULT_MAX; i++)
		ck_assert_uint_gt(seen[i], 0);
}
END_TEST

/* ---- the table ---------------------------------------------------------------------------- */

/* The places that texts have are {0} to {3}, {a}, {b} and {uuid}. */
static void check_places(const struct audit_rule *rule, const char *text)
{
	for (const char *s = text; (s = strchr(s, '{')); s++)
		ck_assert_msg((strchr("0123ab", s[1]) && s[2] == '}') ||
				      strncmp(s, "{uuid}", 6) == 0,
			      "%s: %s", rule->id, s);
}

START_TEST(every_rule_says_all_there_is_to_say)
{
	const struct audit_rule *r = &audit_guest_rules[_i];
	const char *const texts[] = { r->is, r->should, r->why, r->source, r->fix };

	for (size_t i = 0; i < KT_ARRAY_LEN(texts); i++) {
		ck_assert_ptr_nonnull(texts[i]);
		ck_assert_msg(texts[i][0], "%s: text %zu", r->id, i);
		check_places(r, texts[i]);
	}
	ck_assert_msg(strncmp(r->id, "guest-", 6) == 0, "%s", r->id);
	ck_assert(r->is_of_guest && !r->path && !r->text);
	ck_assert_int_eq(r->why[strlen(r->why) - 1], '.');
	for (size_t i = 0; i < audit_nguest_rules; i++)
		ck_assert_msg(i == (size_t)_i || strcmp(r->id, audit_guest_rules[i].id) != 0, "%s",
			      r->id);
}
END_TEST

/* What a shell runs has nothing in it that a guest or its owner has chosen. */
START_TEST(a_command_has_numbers_and_our_own_words)
{
	static const char *const ours_alone[] = { "guest-vcpu-pin",     "guest-emulator-pin",
						  "guest-iothread-pin", "guest-cpu-shared",
						  "guest-hugepages",    "guest-iothreads" };
	const struct audit_rule *r = &audit_guest_rules[_i];
	bool known = !strstr(r->fix, "virsh") || !strstr(r->fix, "{a}");

	for (size_t i = 0; i < KT_ARRAY_LEN(ours_alone); i++)
		known |= strcmp(ours_alone[i], r->id) == 0;
	ck_assert_msg(known && !(strstr(r->fix, "virsh") && strstr(r->fix, "{b}")), "%s", r->id);
}
END_TEST

START_TEST(what_cannot_be_checked_has_a_reason_and_no_rule)
{
	for (size_t i = 0; i < audit_nimpossible; i++) {
		ck_assert(audit_impossible[i].why[0]);
		for (size_t r = 0; r < audit_nguest_rules; r++)
			ck_assert_str_ne(audit_impossible[i].id, audit_guest_rules[r].id);
	}
	ck_assert_uint_gt(audit_nimpossible, 0);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("audit_guest_any");
	TCase *t = tcase_create("rules");

	tcase_add_loop_test(t, no_rule_judges_it, 0, KT_ARRAY_LEN(not_judged));
	tcase_add_test(t, nothing_is_found_of_a_good_guest);
	tcase_add_loop_test(t, any_guest_has_a_verdict, 0, 10);
	tcase_add_loop_test(t, every_rule_says_all_there_is_to_say, 0, (int)audit_nguest_rules);
	tcase_add_loop_test(t, a_command_has_numbers_and_our_own_words, 0, (int)audit_nguest_rules);
	tcase_add_test(t, what_cannot_be_checked_has_a_reason_and_no_rule);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return kt_run(suite());
}
