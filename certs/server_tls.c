#include "certs/server_tls.h"

#include "certs/allow.h"
#include "certs/authorities.h"
#include "certs/names.h"
#include "certs/policy.h"
#include "certs/socket.h"
#include "config/allow.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

/* What is known of one server. */
struct known {
	char name[NAME_BYTES]; /* to be found in its certificate: a host name or an address */
	bool is_host;
	SSL_SESSION *session; /* the last that it gave; NULL: none */
};

struct server_tls {
	SSL_CTX *context;
	BIO_METHOD *sockets;
	struct known *servers;
	size_t server_count;
	unsigned char (*pins)[ALLOW_DIGEST_BYTES];
	size_t pin_count;
};

/* A session counts from when it came: of TLS 1.3 that is after the handshake. */
static int on_session(SSL *ssl, SSL_SESSION *session)
{
	struct known *known = socket_owner(ssl);

	SSL_SESSION_free(known->session);
	known->session = session;
	return 1;
}

/* In place of the whole verification: the key is known, whoever signed it. */
static int on_pinned(X509_STORE_CTX *context, void *arg)
{
	const struct server_tls *tls = arg;
	X509 *leaf = X509_STORE_CTX_get0_cert(context);
	unsigned char digest[ALLOW_DIGEST_BYTES];

	if (leaf && allow_digest_key(leaf, digest))
		for (size_t i = 0; i < tls->pin_count; i++)
			if (memcmp(tls->pins[i], digest, sizeof digest) == 0)
				return 1;
	X509_STORE_CTX_set_error(context, X509_V_ERR_APPLICATION_VERIFICATION);
	return 0;
}

const char *server_tls_refusal(const SSL *ssl)
{
	long error = SSL_get_verify_result(ssl);

	if (error == X509_V_OK)
		return NULL;
	if (error == X509_V_ERR_APPLICATION_VERIFICATION)
		return "the server's key is none of tls_pin";
	return X509_verify_cert_error_string(error);
}

/* ------------------------------------------------------------------------------------- loading */

static bool take_pins(struct server_tls *tls, const struct backend_config *backend)
{
	struct allow_rule rule;
	const char *why;

	tls->pins = calloc(backend->tls_pin.count + 1, sizeof *tls->pins);
	if (!tls->pins)
		return false;
	for (size_t i = 0; i < backend->tls_pin.count; i++)
		if (allow_parse(slice_str(backend->tls_pin.item[i]), &rule, &why))
			memcpy(tls->pins[tls->pin_count++], rule.digest, sizeof rule.digest);
	return true;
}

/* What `server` names, without its port. */
static struct slice host_of(const struct server_config *server)
{
	struct slice text = slice_str(server->written);

	if (server->addr.any.sa_family == AF_UNIX)
		return SLICE("");
	if (text.len > 0 && text.ptr[0] == '[')
		return slice_skip(slice_head(text, slice_find(text, ']', 0)), 1);
	return slice_head(text, slice_find(text, ':', 0));
}

static bool take_name(struct known *known, const struct backend_config *backend,
		      const struct server_config *server)
{
	struct slice host = backend->tls_name ? slice_str(backend->tls_name) : host_of(server);

	known->is_host = name_normalize(host, known->name);
	if (!known->is_host && host.len < sizeof known->name) {
		memcpy(known->name, host.ptr, host.len);
		known->name[host.len] = '\0';
	}
	return host.len > 0 && host.len < sizeof known->name;
}

static bool take_servers(struct server_tls *tls, const struct backend_config *backend,
			 struct complaints *complaints)
{
	tls->server_count = backend->server.count;
	tls->servers = calloc(tls->server_count, sizeof *tls->servers);
	if (!tls->servers)
		return false;
	for (size_t i = 0; i < tls->server_count; i++) {
		const struct server_config *server = &backend->server.item[i];
		if (take_name(&tls->servers[i], backend, server) || tls->pin_count > 0)
			continue;
		complain(complaints, backend->place,
			 "[backend %s]: `tls_name` is needed, as %s says no name that its "
			 "certificate could have",
			 backend->name, server->written);
		return false;
	}
	return true;
}

/* NULL: there are none, and it is told. To be freed with X509_STORE_free(). */
static X509_STORE *find_authorities(const struct backend_config *backend,
				    struct authorities *system, struct complaints *complaints)
{
	bool is_system = strcmp(backend->tls_ca, "system") == 0;
	int error = 0;
	X509_STORE *store =
		is_system ? authorities_bundle(system) : authorities_read(backend->tls_ca, &error);

	if (store && is_system)
		X509_STORE_up_ref(store);
	if (store)
		return store;
	const char *path = is_system ? system->path : backend->tls_ca;
	error = is_system ? system->error : error;
	if (error != 0)
		complain(complaints, backend->place, "[backend %s]: tls_ca: %s cannot be read: %s",
			 backend->name, path ? path : "the system's list of authorities",
			 strerror(error));
	else
		complain(complaints, backend->place,
			 "[backend %s]: tls_ca: %s has no certificate, or a damaged one",
			 backend->name, path);
	return NULL;
}

static bool take_authorities(struct server_tls *tls, const struct backend_config *backend,
			     struct authorities *system, struct complaints *complaints)
{
	X509_STORE *store = find_authorities(backend, system, complaints);

	if (store)
		SSL_CTX_set_cert_store(tls->context, store);
	return store != NULL;
}

static bool set_up(struct server_tls *tls, const struct backend_config *backend,
		   struct authorities *system, struct complaints *complaints)
{
	tls->context = policy_client_context(backend->tls_policy);
	tls->sockets = socket_method_new();
	if (!tls->context || !tls->sockets || !take_pins(tls, backend)) {
		complain(complaints, backend->place, "[backend %s]: TLS cannot be set up",
			 backend->name);
		return false;
	}
	if (!take_servers(tls, backend, complaints))
		return false;
	SSL_CTX_set_verify(tls->context, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_session_cache_mode(tls->context,
				       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(tls->context, on_session);
	if (tls->pin_count == 0)
		return take_authorities(tls, backend, system, complaints);
	SSL_CTX_set_cert_verify_callback(tls->context, on_pinned, tls);
	return true;
}

struct server_tls *server_tls_load(const struct backend_config *backend, struct authorities *system,
				   struct complaints *complaints)
{
	struct server_tls *tls = calloc(1, sizeof *tls);

	ERR_clear_error();
	if (!tls)
		complain(complaints, backend->place, "out of memory");
	else if (set_up(tls, backend, system, complaints))
		return tls;
	ERR_clear_error();
	server_tls_free(tls);
	return NULL;
}

void server_tls_free(struct server_tls *tls)
{
	if (!tls)
		return;
	for (size_t i = 0; tls->servers && i < tls->server_count; i++)
		SSL_SESSION_free(tls->servers[i].session);
	SSL_CTX_free(tls->context);
	BIO_meth_free(tls->sockets);
	free(tls->servers);
	free(tls->pins);
	free(tls);
}

/* ------------------------------------------------------------------------------------- serving */

static bool set_name(SSL *ssl, const struct known *known, bool is_verified)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

	if (known->is_host && SSL_set_tlsext_host_name(ssl, known->name) != 1)
		return false;
	if (!is_verified)
		return true;
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return (known->is_host ? X509_VERIFY_PARAM_set1_host(param, known->name, 0)
			       : X509_VERIFY_PARAM_set1_ip_asc(param, known->name)) == 1;
}

SSL *server_tls_ssl(struct server_tls *tls, size_t server, int fd)
{
	struct known *known = &tls->servers[server];
	SSL *ssl = SSL_new(tls->context);

	if (ssl && socket_give(ssl, tls->sockets, fd, known) &&
	    set_name(ssl, known, tls->pin_count == 0)) {
		if (known->session)
			SSL_set_session(ssl, known->session);
		SSL_set_connect_state(ssl);
		return ssl;
	}
	SSL_free(ssl);
	ERR_clear_error();
	return NULL;
}
