#include "bench/tls.h"
#include "base/net.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>

struct tls_plan {
	const struct tls_options *options;
	SSL_CTX *context;
	SSL_SESSION *session; /* the last that the server gave; NULL: none */
};

struct tls {
	SSL *ssl;
	int wants;         /* as SSL_get_error() said last */
	int errnum;        /* errno, when the socket failed */
	unsigned long why; /* OpenSSL's error, when it was no socket's */
};

static bool load_authorities(const struct tls_plan *plan)
{
	const struct tls_options *options = plan->options;

	if (!options->check)
		return true;
	SSL_CTX_set_verify(plan->context, SSL_VERIFY_PEER, NULL);
	if (!options->ca)
		return SSL_CTX_set_default_verify_paths(plan->context) == 1;
	return SSL_CTX_load_verify_file(plan->context, options->ca) == 1;
}

static bool set_version(const struct tls_plan *plan)
{
	const char *version = plan->options->version;
	int number = TLS1_3_VERSION;

	if (!version)
		return SSL_CTX_set_min_proto_version(plan->context, TLS1_2_VERSION) == 1;
	if (strcmp(version, "1.2") == 0)
		number = TLS1_2_VERSION;
	return SSL_CTX_set_min_proto_version(plan->context, number) == 1 &&
	       SSL_CTX_set_max_proto_version(plan->context, number) == 1;
}

static bool set_algorithms(const struct tls_plan *plan)
{
	const struct tls_options *options = plan->options;

	if (options->ciphers && SSL_CTX_set_cipher_list(plan->context, options->ciphers) != 1)
		return false;
	if (options->suites && SSL_CTX_set_ciphersuites(plan->context, options->suites) != 1)
		return false;
	return !options->groups || SSL_CTX_set1_groups_list(plan->context, options->groups) == 1;
}

static bool load_own(const struct tls_plan *plan)
{
	const struct tls_options *options = plan->options;
	const char *key = options->key ? options->key : options->cert;

	if (!options->cert)
		return true;
	return SSL_CTX_use_certificate_chain_file(plan->context, options->cert) == 1 &&
	       SSL_CTX_use_PrivateKey_file(plan->context, key, SSL_FILETYPE_PEM) == 1;
}

/* Keeps a copy, which no bad end of the connection spoils. Returns 0: the session stays its own. */
static int on_session(SSL *ssl, SSL_SESSION *session)
{
	struct tls_plan *plan = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	SSL_SESSION_free(plan->session);
	plan->session = SSL_SESSION_dup(session);
	return 0;
}

/* A copy: OpenSSL spends a session of TLS 1.3 with its first use, and not all servers give another
 * where one is resumed. */
static bool resume_session(const struct tls_plan *plan, SSL *ssl)
{
	SSL_SESSION *copy = plan->session ? SSL_SESSION_dup(plan->session) : NULL;
	bool good = !plan->session || (copy && SSL_set_session(ssl, copy) == 1);

	SSL_SESSION_free(copy);
	return good;
}

static void set_cache(struct tls_plan *plan)
{
	if (!plan->options->resume) {
		SSL_CTX_set_session_cache_mode(plan->context, SSL_SESS_CACHE_OFF);
		return;
	}
	SSL_CTX_set_app_data(plan->context, plan);
	SSL_CTX_set_session_cache_mode(plan->context,
				       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
	SSL_CTX_sess_set_new_cb(plan->context, on_session);
}

struct tls_plan *bench_tls_plan_new(const struct tls_options *options, char *why)
{
	struct tls_plan *plan = calloc(1, sizeof *plan);

	if (plan) {
		plan->options = options;
		plan->context = SSL_CTX_new(TLS_client_method());
	}
	if (!plan || !plan->context || !load_authorities(plan) || !set_version(plan) ||
	    !set_algorithms(plan) || !load_own(plan)) {
		ERR_error_string_n(ERR_get_error(), why, TLS_WHY_BYTES);
		bench_tls_plan_free(plan);
		return NULL;
	}
	/* A server that closes without close_notify is no news here: SMTP has its own ends. */
	SSL_CTX_set_options(plan->context, SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(plan->context, SSL_MODE_ENABLE_PARTIAL_WRITE |
						SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
						SSL_MODE_RELEASE_BUFFERS);
	set_cache(plan);
	return plan;
}

void bench_tls_plan_free(struct tls_plan *plan)
{
	if (!plan)
		return;
	SSL_SESSION_free(plan->session);
	SSL_CTX_free(plan->context);
	free(plan);
}

bool bench_tls_plan_lacks_session(const struct tls_plan *plan)
{
	return plan->options->resume && !plan->session;
}

static bool set_up(struct tls *tls, const struct tls_plan *plan, int fd, bool resume)
{
	const char *name = plan->options->name;

	if (SSL_set_fd(tls->ssl, fd) != 1)
		return false;
	SSL_set_connect_state(tls->ssl);
	if (resume && !resume_session(plan, tls->ssl))
		return false;
	if (!name)
		return true;
	return SSL_set_tlsext_host_name(tls->ssl, name) == 1 && SSL_set1_host(tls->ssl, name) == 1;
}

struct tls *bench_tls_new(struct tls_plan *plan, int fd, bool resume)
{
	struct tls *tls = calloc(1, sizeof *tls);

	if (!tls)
		return NULL;
	tls->ssl = SSL_new(plan->context);
	if (!tls->ssl || !set_up(tls, plan, fd, resume)) {
		bench_tls_free(tls);
		return NULL;
	}
	return tls;
}

void bench_tls_free(struct tls *tls)
{
	if (!tls)
		return;
	SSL_free(tls->ssl);
	free(tls);
}

/* What the result of an SSL_* function means, which was called with an empty error queue. */
static ssize_t result(struct tls *tls, int n)
{
	if (n > 0)
		return n;
	tls->errnum = errno;
	tls->wants = SSL_get_error(tls->ssl, n);
	switch (tls->wants) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return IO_AGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return IO_EOF;
	default:
		tls->why = ERR_peek_error();
		return IO_ERROR;
	}
}

ssize_t bench_tls_handshake(struct tls *tls)
{
	ERR_clear_error();
	ssize_t n = result(tls, SSL_do_handshake(tls->ssl));
	return n == IO_EOF ? IO_ERROR : n;
}

ssize_t bench_tls_read(struct tls *tls, char *to, size_t room)
{
	ERR_clear_error();
	return result(tls, SSL_read(tls->ssl, to, (int)room));
}

ssize_t bench_tls_write(struct tls *tls, struct slice bytes)
{
	ERR_clear_error();
	ssize_t n = result(tls, SSL_write(tls->ssl, bytes.ptr, (int)bytes.len));
	return n == IO_EOF ? IO_ERROR : n;
}

void bench_tls_finish(struct tls *tls)
{
	ERR_clear_error();
	SSL_shutdown(tls->ssl);
	ERR_clear_error();
}

bool bench_tls_is_resumed(const struct tls *tls)
{
	return SSL_session_reused(tls->ssl);
}

bool bench_tls_wants_write(const struct tls *tls)
{
	return tls->wants == SSL_ERROR_WANT_WRITE;
}

void bench_tls_why(const struct tls *tls, char *why, size_t size)
{
	long verdict = SSL_get_verify_result(tls->ssl);
	const char *reason = tls->why ? ERR_reason_error_string(tls->why) : NULL;

	if (verdict != X509_V_OK && SSL_get_verify_mode(tls->ssl) != SSL_VERIFY_NONE)
		reason = X509_verify_cert_error_string(verdict);
	else if (!reason)
		reason = tls->errnum ? strerror(tls->errnum) : "the server closed the connection";
	snprintf(why, size, "%s", reason);
}

void bench_tls_describe(const struct tls *tls, char *text, size_t size)
{
	snprintf(text, size, "%s %s", SSL_get_version(tls->ssl), SSL_get_cipher_name(tls->ssl));
}
