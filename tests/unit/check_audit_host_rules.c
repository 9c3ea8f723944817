/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is the table of the host's rules whole, and does every rule bear anything? */
#include "audit_fixture.h"
#include "random_fixture.h"

/* Ids are what scripts and configurations name: never renamed, never reused. */
static const char *const ids[] = {
	"host-swappiness",
	"host-dirty-ratio",
	"host-dirty-background-ratio",
	"host-zone-reclaim",
	"host-thp-enabled",
	"host-thp-defrag",
	"host-khugepaged-defrag",
	"host-khugepaged-scan-sleep",
	"host-numa-balancing",
	"host-hugepages-2m",
	"host-hugepages-1g",
	"host-memory-overcommit",
	"host-memory-reserve",
	"host-ksm-run",
	"host-ksm-pages-to-scan",
	"host-ksm-sleep",
	"host-ksm-merge-across-nodes",
	"host-ksm-advisor",
	"host-cpu-governor",
	"host-cpu-cstates",
	"host-halt-poll",
	"host-ept",
	"host-npt",
	"host-nested",
	"host-reserved-cpus",
	"host-irq-affinity",
	"host-vcpu-overcommit",
	"host-cpu-use",
	"host-block-scheduler",
	"host-vhost-net",
};

START_TEST(every_known_rule_is_there_once)
{
	size_t n = 0;

	for (size_t i = 0; i < audit_nhost_rules; i++)
		n += strcmp(audit_host_rules[i].id, ids[_i]) == 0;
	ck_assert_msg(n == 1, "%s: %zu times", ids[_i], n);
	ck_assert_uint_eq(audit_nhost_rules, KT_ARRAY_LEN(ids));
}
END_TEST

/* Every place is one of {0} to {3}, {a} and {b}. */
static bool has_known_places(const char *text)
{
	for (; (text = strchr(text, '{')); text++)
		if (!text[1] || !strchr("0123ab", text[1]) || text[2] != '}')
			return false;
	return true;
}

START_TEST(every_row_is_whole)
{
	const struct audit_rule *r = &audit_host_rules[_i];
	const char *const texts[] = { r->is, r->should, r->why, r->source };

	ck_assert_msg(!r->is_of_guest && r->judge, "%s", r->id);
	for (size_t i = 0; i < KT_ARRAY_LEN(texts); i++)
		ck_assert_msg(texts[i] && texts[i][0] && has_known_places(texts[i]), "%s: %zu",
			      r->id, i);
	ck_assert_msg(r->fix && has_known_places(r->fix), "%s", r->id);
	ck_assert_msg(!r->fix[0] == (r->class == AUDIT_SIZING), "%s: no fix is for sizing", r->id);
	ck_assert_msg(r->why[strlen(r->why) - 1] == '.', "%s: a sentence ends", r->id);
	if (!r->path) {
		ck_assert_msg(!r->text, "%s", r->id);
		return;
	}
	ck_assert_msg(r->class == AUDIT_LIVE, "%s: is written live", r->id);
	ck_assert_msg(r->path[0] != '/', "%s", r->id);
	/* What is written into a file for each interrupt is not for a text to say. */
	ck_assert_msg(strstr(r->path, "{0}") ? !r->text : has_known_places(r->text), "%s", r->id);
}
END_TEST

/* ---- anything ----------------------------------------------------------------------------- */

static struct fact any_fact(uint64_t *seed)
{
	static const uint64_t small[] = { 0, 1, 2, 3 };
	struct fact f = { .state = (enum fact_state)fixture_below(seed, FACT_KNOWN + 1) };

	f.error = f.state == FACT_UNKNOWN ? 13 : 0;
	f.value = fixture_below(seed, 2) ? small[fixture_below(seed, KT_ARRAY_LEN(small))]
					 : fixture_any(seed);
	return f;
}

static void any_text(uint64_t *seed, char *text, size_t size)
{
	static const char *const known[] = { "none", "never", "madvise", "40%",
					     "cpu-partitioning" };

	if (fixture_below(seed, 2)) {
		strncpy(text, known[fixture_below(seed, KT_ARRAY_LEN(known))], size - 1);
		return;
	}
	for (size_t i = 0; i < size - 1; i++)
		text[i] = (char)fixture_random(seed);
}

static struct cpumask any_cpus(uint64_t *seed)
{
	unsigned int first = (unsigned int)fixture_below(seed, 20);

	return cpus(first + 1, first + (unsigned int)fixture_below(seed, 20)); /* or none */
}

static void any_facts(uint64_t *seed)
{
	struct audit_host *h = &fx.host;
	struct audit_cpus *c = &h->cpus;
	struct fact *const facts[] = { &h->swappiness,
				       &h->dirty_ratio,
				       &h->dirty_bytes,
				       &h->dirty_background_ratio,
				       &h->dirty_background_bytes,
				       &h->zone_reclaim_mode,
				       &h->numa_balancing,
				       &h->has_swap,
				       &h->khugepaged_defrag,
				       &h->khugepaged_scan_sleep_ms,
				       &h->ksm_run,
				       &h->ksm_pages_to_scan,
				       &h->ksm_sleep_ms,
				       &h->ksm_across_nodes,
				       &h->ksm_shared,
				       &h->mem_total_kib,
				       &c->governors,
				       &c->not_performance,
				       &c->cstate_limit_us,
				       &c->deepest_cstate_us,
				       &c->halt_poll_ns,
				       &c->ept,
				       &c->npt,
				       &c->nested,
				       &h->has_vhost_net,
				       &h->irqs };

	for (size_t i = 0; i < KT_ARRAY_LEN(facts); i++)
		*facts[i] = any_fact(seed);
	for (size_t i = 0; i < KT_NODES_MAX; i++) {
		h->small[i].total = any_fact(seed);
		h->large[i].total = any_fact(seed);
	}
	h->busy_share = fixture_share(seed) * 2 - 0.5;
}

static void any_words(uint64_t *seed)
{
	struct audit_host *h = &fx.host;
	struct word_fact *const words[] = { &h->thp_enabled, &h->thp_defrag, &h->ksm_advisor };

	for (size_t i = 0; i < KT_ARRAY_LEN(words); i++) {
		words[i]->state = (enum fact_state)fixture_below(seed, FACT_KNOWN + 1);
		any_text(seed, words[i]->word, sizeof words[i]->word);
	}
	for (size_t i = 0; i < _OWNED_MAX; i++)
		if (fixture_below(seed, 2))
			fixture_owner((enum owned_value)i, "40%");
	any_text(seed, h->tuned_profile, sizeof h->tuned_profile);
	any_text(seed, h->cpus.first_governor, sizeof h->cpus.first_governor);
}

static void any_devices(uint64_t *seed)
{
	struct audit_host *h = &fx.host;

	h->ndisks = fixture_below(seed, AUDIT_DISKS_MAX + 1);
	for (size_t i = 0; i < h->ndisks; i++) {
		any_text(seed, h->disk[i].name, sizeof h->disk[i].name);
		any_text(seed, h->disk[i].scheduler, sizeof h->disk[i].scheduler);
		h->disk[i].is_nvme = fixture_below(seed, 2);
	}
	h->nirqs = fixture_below(seed, 2) ? AUDIT_IRQS_MAX : fixture_below(seed, 3);
	for (size_t i = 0; i < h->nirqs; i++) {
		any_text(seed, h->irq[i].device, sizeof h->irq[i].device);
		h->irq[i].is_nic = fixture_below(seed, 2);
		h->irq[i].is_managed = fixture_below(seed, 2);
		h->irq[i].allowed = any_cpus(seed);
		h->irq[i].effective = any_cpus(seed);
	}
	h->cpus.isolated = any_cpus(seed);
	h->irq_banned = any_cpus(seed);
	h->irqbalance_runs = fixture_below(seed, 2);
}

static void any_guests(uint64_t *seed)
{
	for (uint64_t n = fixture_below(seed, 4); n > 0; n--) {
		struct audit_guest *guest = fixture_guest();
		struct domain_slot *slot = &fx.domains.slot[fx.domains.nslots - 1];

		slot->used = fixture_below(seed, 4);
		slot->domain.memory_kib = guest->memory_kib = fixture_any(seed);
		slot->domain.vcpus = (unsigned int)fixture_any(seed);
		any_text(seed, slot->domain.name, sizeof slot->domain.name);
		guest->known = fixture_below(seed, 4);
		guest->npinned_vcpus = (unsigned int)fixture_below(seed, 6);
		guest->pinned_cpus = any_cpus(seed);
		guest->hugepages = fixture_below(seed, 2);
		guest->hugepages_1g = fixture_below(seed, 2);
		guest->all_cache_none = fixture_below(seed, 2);
		guest->nic_model.of = (unsigned int)fixture_below(seed, 3);
	}
	fx.in_force.guest[0] = (struct guest_in_force){ .incarnation = 1,
							.pinned = fixture_below(seed, 2),
							.nodes = fixture_random(seed) };
	fx.in_force.ksm.ours = fixture_below(seed, 2);
}

/* Ends in time, and is fit for a terminal. */
static bool is_fit(const char *word)
{
	for (size_t i = 0; i < AUDIT_OWNER; i++)
		if (word[i] < ' ' || word[i] > '~')
			return !word[i];
	return false;
}

static void check_verdict(const struct audit_rule *rule, int run)
{
	const struct audit_verdict *v = &fx.v;

	ck_assert_msg(v->result < _AUDIT_RESULT_MAX, "%s in run %d", rule->id, run);
	ck_assert_msg(v->result < AUDIT_NOT_APPLICABLE || v->reason, "%s in run %d: why?", rule->id,
		      run);
	ck_assert_msg(!v->error || v->result == AUDIT_UNKNOWN, "%s in run %d", rule->id, run);
	ck_assert_msg(is_fit(v->word[0]) && is_fit(v->word[1]), "%s in run %d", rule->id, run);
}

/* Names of interrupts come escaped, and are not again. */
static void escape_irqs(void)
{
	for (size_t i = 0; i < fx.host.nirqs; i++)
		for (char *c = fx.host.irq[i].device; *c; c++)
			*c = *c >= ' ' && *c <= '~' ? *c : '.';
}

START_TEST(every_rule_bears_anything)
{
	uint64_t seed = fixture_seed(_i + 1);

	fixture_reset();
	fixture_nodes((unsigned int)fixture_below(&seed, 4));
	any_facts(&seed);
	any_words(&seed);
	any_devices(&seed);
	escape_irqs();
	any_guests(&seed);
	if (fixture_below(&seed, 2))
		fx.conf.placement.reserved_cpus = any_cpus(&seed);
	for (size_t i = 0; i < audit_nhost_rules; i++) {
		audit_judge(&audit_host_rules[i], &fx.in, &fx.v);
		check_verdict(&audit_host_rules[i], _i);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("audit_host_rules");
	TCase *t = tcase_create("table");

	tcase_add_loop_test(t, every_known_rule_is_there_once, 0, KT_ARRAY_LEN(ids));
	tcase_add_loop_test(t, every_row_is_whole, 0, (int)audit_nhost_rules);
	tcase_add_loop_test(t, every_rule_bears_anything, 0, 200);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return kt_run(suite());
}
