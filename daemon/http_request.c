/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is there to be asked, by whom, and what does this request ask? */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <string.h>

#include "http_private.h"

static const struct route {
	const char *path;
	bool changes;                /* POST, by root; else GET */
	unsigned int allowed, needs; /* parts; of `needs` one at least */
	answer_fn *answer;
} routes[] = {
	{ "/v1/status", false, ASKS_GUEST, 0, answer_status },
	{ "/v1/explain", false, ASKS_GUEST | ASKS_LOOP, ASKS_GUEST | ASKS_LOOP, answer_explain },
	{ "/v1/plan", false, 0, 0, answer_plan },
	{ "/v1/decisions", false, ASKS_AFTER | ASKS_FOLLOW, 0, answer_decisions },
	{ "/v1/history", false, ASKS_RECENT, 0, answer_history },
	{ "/v1/audit", false, ASKS_GUEST | ASKS_ALL, 0, answer_audit },
	{ "/v1/advise", false, ASKS_VCPUS | ASKS_MIB, ASKS_VCPUS, answer_advise },
	{ "/v1/config", false, 0, 0, answer_config },
	{ "/v1/record", false, 0, 0, answer_record },
	{ "/metrics", false, 0, 0, answer_metrics },
	{ "/v1/pause", true, ASKS_GUEST | ASKS_LOOP | ASKS_FOR_S, 0, answer_pause },
	{ "/v1/resume", true, ASKS_GUEST | ASKS_LOOP, 0, answer_resume },
	{ "/v1/release", true, ASKS_GUEST | ASKS_FOR_S, ASKS_GUEST, answer_release },
	{ "/v1/reload", true, 0, 0, answer_reload },
	{ "/v1/tick", true, 0, 0, answer_tick },
};

static const struct route *find_route(const char *path)
{
	for (size_t i = 0; path && i < KT_ARRAY_LEN(routes); i++)
		if (strcmp(routes[i].path, path) == 0)
			return &routes[i];
	return NULL;
}

static const char *method_of(const struct route *route)
{
	return route->changes ? "POST" : "GET";
}

int request_fd(struct evhttp_request *request)
{
	struct evhttp_connection *connection = evhttp_request_get_connection(request);

	return bufferevent_getfd(evhttp_connection_get_bufferevent(connection));
}

/* NULL: not so, and *error says why. */
static const struct route *choose_route(struct evhttp_request *request, bool is_local,
					struct answer *error)
{
	const struct route *route =
		find_route(evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request)));
	enum evhttp_cmd_type method = evhttp_request_get_command(request);

	if (!route || (!is_local && route->answer != answer_metrics)) {
		answer_error(error, 404, "not-found", "there is no such path; see kvmtuned(8)");
		return NULL;
	}
	if (method != (route->changes ? EVHTTP_REQ_POST : EVHTTP_REQ_GET)) {
		evhttp_add_header(evhttp_request_get_output_headers(request), "Allow",
				  method_of(route));
		answer_error(error, 405, "method-not-allowed", "%s takes %s only", route->path,
			     method_of(route));
		return NULL;
	}
	if (route->changes && !peer_is_root(request_fd(request))) {
		answer_error(error, 403, "forbidden", "only root may change something: use sudo");
		return NULL;
	}
	return route;
}

static int read_query(struct evhttp_request *request, const struct route *route, struct asked *ret,
		      struct answer *error)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);

	return question_of_query(evhttp_uri_get_query(uri), route->allowed, ret, error);
}

/* A change says all in its body. */
static int read_body(struct evhttp_request *request, const struct route *route, struct asked *ret,
		     struct answer *error)
{
	struct evbuffer *input = evhttp_request_get_input_buffer(request);
	char body[BODY_MAX + 1] = "";
	ev_ssize_t length = evbuffer_copyout(input, body, BODY_MAX);

	if (evhttp_uri_get_query(evhttp_request_get_evhttp_uri(request))) {
		answer_error(error, 400, "bad-request", "%s takes a JSON object, and no query",
			     route->path);
		return -1;
	}
	body[KT_MAX(length, 0)] = '\0';
	return question_of_body(body, (size_t)KT_MAX(length, 0), route->allowed, ret, error);
}

static bool accepts_openmetrics(struct evhttp_request *request)
{
	const char *accept =
		evhttp_find_header(evhttp_request_get_input_headers(request), "Accept");

	return accept && strcasestr(accept, "application/openmetrics-text");
}

int request_read(struct evhttp_request *request, bool is_local, answer_fn **ret,
		 struct asked *ret_asked, struct answer *error)
{
	const struct route *route = choose_route(request, is_local, error);

	if (!route || (route->changes ? read_body(request, route, ret_asked, error)
				      : read_query(request, route, ret_asked, error)) < 0)
		return -1;
	if (question_check(&ret_asked->question, route->needs, error) < 0)
		return -1;
	ret_asked->question.openmetrics = accepts_openmetrics(request);
	*ret = route->answer;
	return 0;
}
