/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where would a guest that does not exist yet be placed? */
#include "answer_private.h"
#include "capped.h"

static struct json_object *considered(const struct advice *advice)
{
	struct json_object *all = json_object_new_array();

	for (size_t i = 0; i < advice->n; i++) {
		const struct advised_nodes *a = &advice->considered[i];
		struct json_object *o = json_object_new_object();

		json_put_nodes(o, "nodes", a->nodes);
		json_put_bool(o, "fits", a->fits);
		json_put_number(o, "lost_cpus", a->lost_cpus);
		json_put_count(o, "free_kib", a->free_kib);
		json_add(all, o);
	}
	return all;
}

static void put_advice(const struct question *q, uint64_t memory_kib, const struct advice *advice,
		       struct json_object *o)
{
	json_put_count(o, "vcpus", q->vcpus);
	json_put_known(o, "memory_kib", q->given & ASKS_MIB, (double)memory_kib);
	json_put_nodes(o, "nodes", advice->nodes);
	json_put_why(o, advice->why);
	json_put_object(o, "considered", considered(advice));
}

void answer_advise(struct kvmtuned *k, const struct question *q, struct answer *ret)
{
	KT_AUTOFREE struct advise_scratch *scratch = malloc(sizeof *scratch);
	uint64_t memory_kib = mul_capped(q->mib, 1024);
	unsigned int vcpus = (unsigned int)KT_CLAMP(q->vcpus, 1, KT_CPUS_MAX);
	struct advice advice = { 0 };

	if (!host_is_known(k)) {
		answer_error(ret, 503, "busy",
			     "the host has not been read yet: ask again in a moment");
		return;
	}
	if (!scratch) {
		answer_error(ret, 500, "failed", "there is no memory left for the answer");
		return;
	}
	placement_advise(k->arbiter, &k->conf.policy.placement, k->view, act_in_force(k->act),
			 vcpus, memory_kib, scratch, &advice);
	ret->json = answer_new();
	put_advice(q, memory_kib, &advice, ret->json);
}
