/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How is the daemon asked?
 *
 * HTTP over its unix socket, one question a connection.  Whatever is behind the socket: an
 * answer is bounded in time and size. */
#include "ctl.h"

#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>

struct exchange {
	const struct options *options;
	CURL *curl;
	char error[CURL_ERROR_SIZE];
	char *text; /* what has come and is not a whole line of a stream yet */
	size_t bytes, size;
	bool is_too_large, is_out_of_memory;

	ctl_line_fn *line; /* NULL: no stream */
	void *context;
	int left; /* what line() said that was not 0 */
	bool has_headers, is_over;
	double began_s;
};

static volatile sig_atomic_t is_interrupted;

static void interrupt(int number)
{
	(void)number;
	is_interrupted = 1;
}

static double clock_s(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static long http_status(const struct exchange *e)
{
	long status = 0;

	(void)curl_easy_getinfo(e->curl, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

static bool make_room(struct exchange *e, size_t bytes)
{
	size_t size = KT_MAX(e->size, (size_t)4096);
	char *larger;

	if (bytes >= CTL_ANSWER_MAX - e->bytes) {
		e->is_too_large = true;
		return false;
	}
	while (size <= e->bytes + bytes)
		size *= 2;
	if (size == e->size)
		return true;
	larger = realloc(e->text, size);
	e->is_out_of_memory = !larger;
	if (!larger)
		return false;
	e->text = larger;
	e->size = size;
	return true;
}

/* Nothing but printable ASCII and line ends goes further. */
static void append(struct exchange *e, const char *from, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		char c = from[i];

		e->text[e->bytes++] = (char)((c >= 0x20 && c < 0x7f) || c == '\n' ? c : '?');
	}
	e->text[e->bytes] = '\0';
}

static void hand_out_lines(struct exchange *e, size_t new_bytes)
{
	char *line = e->text, *search = e->text + e->bytes - new_bytes, *end;

	while (!e->left && (end = strchr(search, '\n'))) {
		*end = '\0';
		e->left = e->line(e->context, line);
		line = search = end + 1;
	}
	e->bytes -= (size_t)(line - e->text);
	memmove(e->text, line, e->bytes + 1);
}

static size_t receive(char *from, size_t one, size_t bytes, void *context)
{
	struct exchange *e = context;

	if (!make_room(e, one * bytes))
		return 0;
	append(e, from, one * bytes);
	if (e->line && http_status(e) == 200)
		hand_out_lines(e, one * bytes);
	return e->left ? 0 : one * bytes;
}

static size_t receive_header(char *from, size_t one, size_t bytes, void *context)
{
	struct exchange *e = context;

	(void)from;
	e->has_headers = e->has_headers || one * bytes <= 2; /* the empty line */
	return one * bytes;
}

/* libcurl asks at least once a second whether to stop. */
static int is_stream_over(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	struct exchange *e = context;
	double age_s = clock_s() - e->began_s;

	(void)a, (void)b, (void)c, (void)d;
	if (is_interrupted || (e->options->for_s && age_s >= (double)e->options->for_s))
		e->is_over = true;
	return e->is_over || (!e->has_headers && age_s * 1000 > CTL_ANSWER_MS);
}

static int no_connection(const struct exchange *e)
{
	const char *path = e->options->socket;
	long error = 0;

	(void)curl_easy_getinfo(e->curl, CURLINFO_OS_ERRNO, &error);
	if (error == EACCES || error == EPERM) {
		ctl_say("no permission to ask kvmtuned at %s: only root and the group kvmtuned may",
			path);
		return EX_NOPERM;
	}
	if (error && error != ENOENT && error != ECONNREFUSED && error != ENOTDIR) {
		ctl_say("%s: %s", path, strerror((int)error));
		return EXIT_FAILURE;
	}
	ctl_say("kvmtuned is not running (nobody listens at %s).  Start it: systemctl start "
		"kvmtuned",
		path);
	return EXIT_NOT_RUNNING;
}

static int hangs(void)
{
	ctl_say("kvmtuned does not answer within %d s: it hangs or is very busy.  See: systemctl "
		"status kvmtuned",
		CTL_ANSWER_MS / 1000);
	return EXIT_FAILURE;
}

static int failed(const struct exchange *e, CURLcode code)
{
	if (e->is_too_large)
		ctl_say("the answer is larger than %d MiB, which kvmtuned never sends",
			CTL_ANSWER_MAX >> 20);
	else if (e->is_out_of_memory)
		ctl_say("no memory for the answer");
	else if (code == CURLE_COULDNT_CONNECT)
		return no_connection(e);
	else if (code == CURLE_OPERATION_TIMEDOUT || code == CURLE_ABORTED_BY_CALLBACK)
		return hangs();
	else if (code == CURLE_SEND_ERROR)
		ctl_say("kvmtuned takes no questions now: it hangs, or too many ask at once");
	else if (code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR ||
		 code == CURLE_PARTIAL_FILE)
		ctl_say("kvmtuned closed the connection before it had answered: it stops, restarts "
			"or is asked too much at once");
	else
		ctl_say("what answers at %s is not kvmtuned: %s", e->options->socket,
			e->error[0] ? e->error : curl_easy_strerror(code));
	return EXIT_FAILURE;
}

static int refused(struct exchange *e)
{
	struct json_object *answer;
	const char *message;
	long status = http_status(e);

	answer = e->text ? ctl_parse(e->text, e->bytes) : NULL;
	message = get_text(answer, "message");
	if (message)
		ctl_say("%s", message);
	else if (answer || !e->text)
		ctl_say("the daemon refuses, and does not say why (HTTP status %ld)", status);
	json_object_put(answer);
	return status == 403 ? EX_NOPERM : EXIT_FAILURE;
}

static void set_up(struct exchange *e, const char *url, const char *body)
{
	CURL *curl = e->curl;

	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, e->error);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, e->options->socket);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* whatever http_proxy= says */
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CTL_CONNECT_MS);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, e);
	if (e->line) {
		curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, receive_header);
		curl_easy_setopt(curl, CURLOPT_HEADERDATA, e);
		curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, is_stream_over);
		curl_easy_setopt(curl, CURLOPT_XFERINFODATA, e);
		curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	} else {
		curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)CTL_ANSWER_MS);
	}
	if (body)
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
}

static int check_socket_path(const char *path)
{
	struct sockaddr_un address;

	if (strlen(path) < sizeof address.sun_path && path[0])
		return 0;
	ctl_say("the path of the socket must have 1 to %zu bytes", sizeof address.sun_path - 1);
	return EXIT_USAGE;
}

static int perform(struct exchange *e, const char *url, const char *body)
{
	struct curl_slist *headers =
		body ? curl_slist_append(NULL, "Content-Type: application/json") : NULL;
	CURLcode code;

	set_up(e, url, body);
	curl_easy_setopt(e->curl, CURLOPT_HTTPHEADER, headers);
	e->began_s = clock_s();
	code = curl_easy_perform(e->curl);
	curl_slist_free_all(headers);
	if (e->left)
		return e->left;
	if (e->is_over)
		return EXIT_SUCCESS;
	if (e->line && e->has_headers && http_status(e) == 200 && !e->is_too_large &&
	    !e->is_out_of_memory) {
		ctl_say("kvmtuned has ended the stream: it stops, restarts, or could not wait for "
			"us to read");
		return EXIT_NOT_RUNNING;
	}
	if (code != CURLE_OK)
		return failed(e, code);
	return http_status(e) == 200 ? EXIT_SUCCESS : refused(e);
}

/* On success e->text is the whole answer. */
static int ask(struct exchange *e, const char *path, const char *body)
{
	KT_AUTOFREE char *url = NULL;
	int status = check_socket_path(e->options->socket);

	if (status != EXIT_SUCCESS)
		return status;
	e->curl = curl_easy_init();
	if (!e->curl || asprintf(&url, "http://localhost%s", path) < 0) {
		url = NULL;
		ctl_say("no memory to ask");
		status = EXIT_FAILURE;
	} else {
		status = perform(e, url, body);
	}
	curl_easy_cleanup(e->curl);
	return status;
}

static int ask_for_json(const struct options *o, const char *path, const char *body,
			struct json_object **ret)
{
	struct exchange e = { .options = o };
	struct json_object *answer;
	int status = ask(&e, path, body);

	if (status == EXIT_SUCCESS) {
		answer = ctl_parse(e.text ? e.text : (char[]){ "" }, e.bytes);
		if (answer)
			*ret = answer;
		else
			status = EXIT_FAILURE;
	}
	free(e.text);
	return status;
}

int ctl_get(const struct options *o, const char *path_and_query, struct json_object **ret)
{
	return ask_for_json(o, path_and_query, NULL, ret);
}

int ctl_post(const struct options *o, const char *path, struct json_object *body,
	     struct json_object **ret)
{
	return ask_for_json(o, path, body ? json_object_to_json_string(body) : "{}", ret);
}

int ctl_get_text(const struct options *o, const char *path, char **ret)
{
	struct exchange e = { .options = o };
	int status = ask(&e, path, NULL);

	if (status == EXIT_SUCCESS && !e.text) {
		ctl_say("the answer is empty");
		status = EXIT_FAILURE;
	}
	if (status == EXIT_SUCCESS)
		*ret = e.text;
	else
		free(e.text);
	return status;
}

int ctl_stream(const struct options *o, const char *path_and_query, ctl_line_fn *line,
	       void *context)
{
	struct exchange e = { .options = o, .line = line, .context = context };
	const struct sigaction action = { .sa_handler = interrupt };
	int status;

	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGHUP, &action, NULL);
	status = ask(&e, path_and_query, NULL);
	free(e.text);
	return status;
}
