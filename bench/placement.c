/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is lost under kvmtuned's placement, under numad's and under none, how far is it from
 * the optimum, and how long does it take to plan?
 *
 *	placement [--seeds A-B] [--vms 8,12,16] [--policy NAME,..] [--shape NAME] [--kind NAME]
 *		  [--seconds N] [--horizon S] [--cooldown S] [--move MIB_PER_S] [--only TABLE]
 *
 * In the environment: FIRST_SEED and SEEDS (how many), VMS, POLICY, SHAPE, KIND.  VMS is for
 * 32 cores; hosts with more get more.  TABLE is loss, each (loss, and seed by seed), gap or
 * time.  Constants were chosen on seeds 1-40 and 1001-1040, the last of
 * them with an eye on 2001-3040: others are fairer. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "numa_run.h"
#include "placement_tables.h"

static void usage(void)
{
	fprintf(stderr, "placement: see the top of bench/placement.c\n  shapes:");
	for (size_t i = 0; numa_shape_name(i); i++)
		fprintf(stderr, " %s", numa_shape_name(i));
	fprintf(stderr, "\n  kinds:");
	for (int k = 0; k < _NUMA_KINDS; k++)
		fprintf(stderr, " %s", numa_kind_name((enum numa_kind)k));
	fprintf(stderr, "\n  policies: unpinned static numad kvmtuned\n");
	exit(2);
}

static unsigned long number(const char *text, char **ret_end)
{
	unsigned long x;

	errno = 0;
	x = strtoul(text, ret_end, 10);
	if (errno || *ret_end == text || x > 1000000)
		usage();
	return x;
}

static unsigned long whole_number(const char *text)
{
	char *end;
	unsigned long x = number(text, &end);

	if (*end)
		usage();
	return x;
}

static void set_seeds(struct placement_bench *b, const char *text)
{
	char *end;

	b->first_seed = number(text, &end);
	b->nseeds = 1;
	if (*end == '-') {
		unsigned long last = whole_number(end + 1);

		if (last < b->first_seed)
			usage();
		b->nseeds = last - b->first_seed + 1;
	} else if (*end) {
		usage();
	}
}

static void set_seed_count(struct placement_bench *b, const char *text)
{
	if (strchr(text, '-'))
		set_seeds(b, text);
	else
		b->nseeds = whole_number(text);
	if (b->nseeds == 0)
		usage();
}

static void set_first_seed(struct placement_bench *b, const char *text)
{
	b->first_seed = whole_number(text);
}

static void set_vms(struct placement_bench *b, const char *text)
{
	for (b->nsizes = 0; b->nsizes < KT_ARRAY_LEN(b->size); text++) {
		char *end;

		b->size[b->nsizes++] = (unsigned int)number(text, &end);
		text = end;
		if (*text != ',')
			break;
	}
	if (*text)
		usage();
}

static void set_policies(struct placement_bench *b, const char *text)
{
	char list[128], *save = NULL;

	snprintf(list, sizeof list, "%s", text);
	b->npolicies = 0;
	for (char *name = strtok_r(list, ",", &save); name; name = strtok_r(NULL, ",", &save)) {
		const struct numa_policy *p = numa_policy_find(name);

		if (!p || b->npolicies == KT_ARRAY_LEN(b->policy))
			usage();
		b->policy[b->npolicies++] = p;
	}
	b->gap = b->time = false;
}

static void set_shape(struct placement_bench *b, const char *text)
{
	if (!numa_shape_find(text, &b->shape))
		usage();
}

static void set_kind(struct placement_bench *b, const char *text)
{
	for (int k = 0; k < _NUMA_KINDS; k++)
		if (strcmp(numa_kind_name((enum numa_kind)k), text) == 0) {
			b->kind = (enum numa_kind)k;
			return;
		}
	usage();
}

static void set_seconds(struct placement_bench *b, const char *text)
{
	b->seconds = (unsigned int)whole_number(text);
}

static void set_horizon(struct placement_bench *b, const char *text)
{
	b->conf.horizon_s = whole_number(text);
}

static void set_cooldown(struct placement_bench *b, const char *text)
{
	b->conf.cooldown_s = whole_number(text);
}

static void set_move(struct placement_bench *b, const char *text)
{
	b->conf.move_mib_per_s = whole_number(text);
}

static void set_only(struct placement_bench *b, const char *text)
{
	b->each = strcmp(text, "each") == 0;
	b->loss = b->each || strcmp(text, "loss") == 0;
	b->gap = strcmp(text, "gap") == 0;
	b->time = strcmp(text, "time") == 0;
	if (!b->loss && !b->gap && !b->time)
		usage();
}

static const struct {
	const char *variable, *option;
	void (*set)(struct placement_bench *b, const char *text);
} settings[] = {
	{ "FIRST_SEED", "--first-seed", set_first_seed },
	{ "SEEDS", "--seeds", set_seed_count },
	{ "VMS", "--vms", set_vms },
	{ "POLICY", "--policy", set_policies },
	{ "SHAPE", "--shape", set_shape },
	{ "KIND", "--kind", set_kind },
	{ NULL, "--seconds", set_seconds },
	{ NULL, "--horizon", set_horizon },
	{ NULL, "--cooldown", set_cooldown },
	{ NULL, "--move", set_move },
	{ NULL, "--only", set_only },
};

static void read_environment(struct placement_bench *b)
{
	for (size_t i = 0; i < KT_ARRAY_LEN(settings); i++) {
		const char *text = settings[i].variable ? getenv(settings[i].variable) : NULL;

		if (text && *text)
			settings[i].set(b, text);
	}
}

static void read_option(struct placement_bench *b, const char *option, const char *text)
{
	for (size_t i = 0; i < KT_ARRAY_LEN(settings); i++) {
		if (strcmp(settings[i].option, option) != 0)
			continue;
		settings[i].set(b, text);
		return;
	}
	usage();
}

int main(int argc, char **argv)
{
	struct placement_bench b = {
		.first_seed = 2001,
		.nseeds = 40,
		.seconds = 3600,
		.size = { 8, 12, 16 },
		.nsizes = 3,
		.policy = { &numa_unpinned, &numa_static, &numa_numad, &numa_kvmtuned },
		.npolicies = 4,
		.conf = numa_standard_conf(),
		.loss = true,
		.gap = true,
		.time = true,
	};

	set_shape(&b, "4x8");
	read_environment(&b);
	if (argc % 2 == 0)
		usage();
	for (int i = 1; i < argc; i += 2)
		read_option(&b, argv[i], argv[i + 1]);
	if (b.loss)
		placement_loss_tables(&b);
	if (b.gap)
		placement_gap_table(&b);
	if (b.time)
		placement_time_table(&b);
	return 0;
}
