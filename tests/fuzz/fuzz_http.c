/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What somebody asks on the socket: a method, a path with a query, and a body.
 *
 * The input is "METHOD URI\n", one header "Accept: ...\n" and the body. */
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>

#include "fuzz_said.h"
#include "http_private.h"
#include "kvmtuned.h"

/* Linked in its place: root asks, without a connection. */
bool __wrap_peer_is_root(int fd);
bool __wrap_peer_is_root(int fd)
{
	(void)fd;
	return true;
}

static void judge_error(struct answer *error)
{
	FUZZ_CLAIM(error->json && error->status >= 400);
	FUZZ_CLAIM(fuzz_is_tame(answer_text(error->json)));
	json_object_put(error->json);
	*error = (struct answer){ .status = 200 };
}

static void add_guest(struct kvmtuned *k, int id, const char *name)
{
	struct domain d = { .id = id, .running = true, .vcpus = 2, .memory_kib = 1 << 20 };

	d.soft_limit_kib = d.hard_limit_kib = KT_UNLIMITED_KIB;
	d.uuid.byte[0] = (uint8_t)id;
	(void)snprintf(d.name, sizeof d.name, "%s", name);
	FUZZ_CLAIM(domains_put(k->domains, &d) >= 0);
}

static void add_node(struct kvmtuned *k, unsigned int node)
{
	struct topology *t = &k->topology;

	t->node[node].present = true;
	t->node[node].ncores = 2;
	t->node[node].mem_total_kib = 8 << 20;
	for (unsigned int cpu = 2 * node; cpu < 2 * node + 2; cpu++) {
		cpumask_set(&t->online, cpu);
		cpumask_set(&t->usable, cpu);
		cpumask_set(&t->node[node].cpus, cpu);
		t->core_of[cpu] = (uint16_t)cpu;
	}
	t->node[node].distance[node] = 10;
	t->node[node].distance[!node] = 20;
	t->nnodes = t->ncpu_nodes = node + 1;
	t->ncores = 2 * node + 2;
}

/* After its first tick. */
static void let_look(struct kvmtuned *k)
{
	const struct capabilities capabilities = { .psi_memory = true, .ksm = true };
	struct host_sample *host = &k->sample->host;

	k->sample->now_ns = 1;
	host->mem_total_kib = 16 << 20;
	host->mem_free_kib = host->mem_available_kib = 4 << 20;
	for (unsigned int node = 0; node < k->topology.nnodes; node++) {
		host->node[node].present = true;
		host->node[node].mem_total_kib = 8 << 20;
		host->node[node].mem_free_kib = 2 << 20;
	}
	for (size_t slot = 0; slot < k->domains->nslots; slot++) {
		k->sample->guest[slot].present = true;
		k->sample->guest[slot].pid = 1000 + (pid_t)slot;
	}
	host_view_update(k->view, &k->topology, &capabilities, k->domains, k->sample, true);
	arbiter_step(k->arbiter, &k->conf.policy, k->view, act_in_force(k->act), k->plan);
}

static struct kvmtuned *new_daemon(void)
{
	static const struct vm_ops none;
	struct kvmtuned *k = kvmtuned_new();

	FUZZ_CLAIM(k && act_new(&k->fs, NULL, &none, &k->act) == 0);
	conf_defaults(&k->conf);
	k->conf_path = "/etc/kvmtuned.conf";
	add_node(k, 0);
	add_node(k, 1);
	add_guest(k, 1, "web-1");
	add_guest(k, 2, "a\n\"\\b");
	k->guests_known = k->link_told = k->link_up = true;
	k->dry_run = true; /* pauses are filed by fuzz_pauses.c */
	let_look(k);
	return k;
}

/* Of two nodes and two guests, and one guest that is paused and has gone; the same each time. */
static struct kvmtuned *daemon_with_guests(void)
{
	static struct kvmtuned *k;
	const struct uuid gone = { { 3 } };

	if (!k)
		k = new_daemon();
	k->pauses = (struct pauses){ 0 };
	FUZZ_CLAIM(pauses_set_guest(&k->pauses, &gone, GUEST_HOLD_PAUSED, UINT64_MAX) == 0);
	return k;
}

static void look_for_guest(const struct question *q)
{
	struct answer error = { .status = 200 };
	int slot = answer_find_guest(daemon_with_guests(), q, &error);

	FUZZ_CLAIM(slot < 2 && (slot < 0) == (error.json != NULL));
	if (slot < 0)
		judge_error(&error);
}

/* What is asked with something is answered. */
static void let_answer(answer_fn *fn, const struct question *q)
{
	static answer_fn *const with_something[] = {
		answer_status, answer_explain, answer_decisions, answer_history, answer_audit,
		answer_advise, answer_pause,   answer_resume,    answer_release
	};
	struct answer answer = { .status = 200 };
	size_t i = 0;

	while (i < KT_ARRAY_LEN(with_something) && with_something[i] != fn)
		i++;
	if (i == KT_ARRAY_LEN(with_something))
		return;
	fn(daemon_with_guests(), q, &answer);
	FUZZ_CLAIM(answer.json || answer.text || answer.stream);
	FUZZ_CLAIM(!answer.json || fuzz_is_tame(answer_text(answer.json)));
	for (char *rest = answer.text, *line; (line = strsep(&rest, "\n"));)
		FUZZ_CLAIM(fuzz_is_tame(line));
	json_object_put(answer.json);
	free(answer.text);
}

static void judge(const struct asked *asked, int r, struct answer *error)
{
	const struct question *q = &asked->question;

	if (r < 0) {
		judge_error(error);
		return;
	}
	FUZZ_CLAIM(!error->json);
	if (q->given & ASKS_GUEST) {
		FUZZ_CLAIM(q->guest == asked->guest &&
			   memchr(asked->guest, '\0', sizeof asked->guest) && *asked->guest);
		look_for_guest(q);
	}
	if (q->given & ASKS_LOOP)
		FUZZ_CLAIM(q->loop < _LOOP_MAX);
}

/* What is asked may be had in a query and in a body. */
static void ask_directly(const char *text, size_t length)
{
	const unsigned int all = 0x1ff;
	struct answer error = { .status = 200 };
	struct asked asked;
	int r = question_of_query(text, all, &asked, &error);

	judge(&asked, r, &error);
	r = question_of_body(text, length, all, &asked, &error);
	judge(&asked, r, &error);
	if (r == 0) {
		r = question_check(&asked.question, ASKS_GUEST, &error);
		judge(&asked, r, &error);
	}
}

static struct evhttp_connection *connection(void)
{
	static struct event_base *base;
	static struct evhttp_connection *all;

	if (!base) {
		base = event_base_new();
		all = evhttp_connection_base_new(base, NULL, "127.0.0.1", 1);
	}
	FUZZ_CLAIM(all);
	return all;
}

static void set_method(struct evhttp_request *request, const char *method)
{
	static const struct {
		const char *word;
		enum evhttp_cmd_type type;
	} methods[] = { { "GET", EVHTTP_REQ_GET }, { "POST", EVHTTP_REQ_POST } };

	request->type = EVHTTP_REQ_HEAD;
	for (size_t i = 0; i < KT_ARRAY_LEN(methods); i++)
		if (strcmp(method, methods[i].word) == 0)
			request->type = methods[i].type;
}

static void ask(char *method, char *uri, const char *accept, const char *body)
{
	struct evhttp_request *request = evhttp_request_new(NULL, NULL);
	struct answer error = { .status = 200 };
	struct asked asked;
	answer_fn *answer = NULL;

	FUZZ_CLAIM(request);
	set_method(request, method);
	request->evcon = connection();
	request->uri_elems = evhttp_uri_parse_with_flags(uri, EVHTTP_URI_NONCONFORMANT);
	(void)evhttp_add_header(request->input_headers, "Accept", accept);
	FUZZ_CLAIM(evbuffer_add(request->input_buffer, body, strlen(body)) == 0);
	for (int is_local = 0; is_local < 2 && request->uri_elems; is_local++) {
		int r = request_read(request, is_local, &answer, &asked, &error);

		FUZZ_CLAIM((r == 0) == (answer != NULL));
		judge(&asked, r, &error);
		if (r == 0)
			let_answer(answer, &asked.question);
		answer = NULL;
	}
	request->evcon = NULL;
	evhttp_request_free(request);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *text = fuzz_text(bytes, size), *uri, *accept, *body;

	fuzz_listen();
	ask_directly(text, size);
	uri = strchr(text, ' ');
	accept = uri ? strchr(uri, '\n') : NULL;
	body = accept ? strchr(accept + 1, '\n') : NULL;
	if (body) {
		*uri = *accept = *body = '\0';
		ask(text, uri + 1, accept + 1, body + 1);
		ask_directly(body + 1, strlen(body + 1));
	}
	free(text);
	return 0;
}
