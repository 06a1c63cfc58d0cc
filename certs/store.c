#include "certs/dir.h"
#include "certs/names.h"
#include "certs/policy.h"
#include "certs/socket.h"
#include "certs/store.h"
#include "certs/tickets.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>

/* A name of a certificate, before those with the same name are brought together. */
struct claim {
	const char *name;
	size_t cert;
};

static int compare_claims(const void *left, const void *right)
{
	const struct claim *a = left;
	const struct claim *b = right;
	int order = strcmp(a->name, b->name);

	return order != 0 ? order : (a->cert > b->cert) - (a->cert < b->cert);
}

static int compare_name(const void *wanted, const void *row)
{
	return strcmp(wanted, ((const struct cert_name *)row)->name);
}

static const struct cert_context *find_exact(const struct cert_store *store, const char *name)
{
	const struct cert_name *row =
		bsearch(name, store->names, store->name_count, sizeof *store->names, compare_name);

	return row ? row->context : NULL;
}

const struct cert_context *store_find(const struct cert_store *store, const char *name)
{
	char wildcard[NAME_BYTES];
	const struct cert_context *found = find_exact(store, name);

	if (!found && name_wildcard(name, wildcard))
		found = find_exact(store, wildcard);
	return found ? found : store->fallback;
}

static bool add_certificate(SSL_CTX *context, const struct cert *cert)
{
	STACK_OF(X509) *rest = sk_X509_dup(cert->chain);
	bool done = rest != NULL;

	if (done) {
		sk_X509_shift(rest);
		/* Each SSL gets a copy of the chain, be it empty. */
		done = SSL_CTX_use_cert_and_key(context, cert_leaf(cert), cert->key,
						sk_X509_num(rest) > 0 ? rest : NULL, 1) == 1;
	}
	sk_X509_free(rest);
	return done;
}

static bool digest_certificate(EVP_MD_CTX *sum, const struct cert *cert)
{
	unsigned char fingerprint[EVP_MAX_MD_SIZE];
	unsigned len;

	return X509_digest(cert_leaf(cert), EVP_sha256(), fingerprint, &len) == 1 &&
	       EVP_DigestUpdate(sum, fingerprint, len) == 1;
}

static bool digest_context(struct cert_context *into, const struct cert_store *store,
			   const char *listener)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *sum = EVP_MD_CTX_new();
	bool done = sum && EVP_DigestInit_ex(sum, EVP_sha256(), NULL) == 1 &&
		    EVP_DigestUpdate(sum, listener, strlen(listener) + 1) == 1;

	for (enum cert_kind kind = 0; kind < CERT_KINDS; kind++)
		if (into->of[kind])
			done = done && digest_certificate(sum, into->of[kind]);
	if (store->clients)
		done = done &&
		       EVP_DigestUpdate(sum, store->clients->digest, CLIENTS_DIGEST_BYTES) == 1;
	done = done && EVP_DigestFinal_ex(sum, digest, NULL) == 1;
	if (done)
		memcpy(into->digest, digest, STORE_DIGEST_BYTES);
	EVP_MD_CTX_free(sum);
	return done;
}

static bool open_context(struct cert_store *store, struct cert_context *context,
			 const struct listener_config *listener)
{
	enum policy_fault fault;

	context->context = policy_context(listener, &fault);
	if (!context->context || !digest_context(context, store, listener->name))
		return false;
	for (enum cert_kind kind = 0; kind < CERT_KINDS; kind++)
		if (context->of[kind] && !add_certificate(context->context, context->of[kind]))
			return false;
	policy_set_tickets(context->context, listener->tickets,
			   store->clients || context->of[CERT_RSA] || context->of[CERT_RSA_PSS]);
	client_install_tickets(context->context);
	if (!ticket_keys_install(store->keys, context->context))
		return false;
	if (store->clients && !client_policy_install(store->clients, context->context))
		return false;
	hello_install(context->context, store);
	staple_install(context);
	return true;
}

/* The context of exactly these certificates, a new one only where there is none yet. */
static const struct cert_context *context_of(struct cert_store *store,
					     const struct cert_context *set)
{
	for (size_t i = 0; i < store->context_count; i++)
		if (memcmp(store->contexts[i].of, set->of, sizeof set->of) == 0)
			return &store->contexts[i];
	store->contexts[store->context_count] = *set;
	return &store->contexts[store->context_count++];
}

static void warn_shadowed(struct cert *cert, const struct cert *first, const char *name,
			  struct complaints *complaints)
{
	struct cert_load load = { .config = cert->config,
				  .place = cert->config->place,
				  .complaints = complaints };

	if (cert == first || cert->shadowed)
		return;
	cert->shadowed = true;
	cert_warn(
		&load,
		"[certificate %s] has the name %s and an %s key as this one has: the first is used",
		first->config->name, name, cert_kind_name(cert->kind));
}

/* The certificates of the claims that share a name. Returns how many claims that are. */
static size_t gather(const struct cert_store *store, const struct claim *claims, size_t count,
		     struct cert_context *set, struct complaints *complaints)
{
	size_t n = 0;

	*set = (struct cert_context){ 0 };
	for (; n < count && strcmp(claims[n].name, claims[0].name) == 0; n++) {
		struct cert *cert = store->certs[claims[n].cert];

		if (!set->of[cert->kind])
			set->of[cert->kind] = cert;
		warn_shadowed(cert, set->of[cert->kind], claims[n].name, complaints);
	}
	return n;
}

static size_t count_names(const struct cert_store *store)
{
	size_t count = 0;

	for (size_t i = 0; i < store->cert_count; i++)
		count += store->certs[i]->name_count;
	return count;
}

static void fill_claims(const struct cert_store *store, struct claim *claims)
{
	for (size_t i = 0; i < store->cert_count; i++)
		for (size_t j = 0; j < store->certs[i]->name_count; j++)
			*claims++ = (struct claim){ store->certs[i]->names[j], i };
}

static void choose_fallback(struct cert_store *store)
{
	const struct cert *first = store->certs[0];
	struct cert_context alone = { .of = { [CERT_RSA] = NULL } };

	alone.of[first->kind] = first;
	/* With the others for its first name, so that it serves as many clients as that does. */
	store->fallback = first->name_count > 0 ? find_exact(store, first->names[0])
						: context_of(store, &alone);
}

static bool index_names(struct cert_store *store, struct complaints *complaints)
{
	size_t count = count_names(store);
	struct claim *claims = calloc(count + 1, sizeof *claims);

	store->names = calloc(count + 1, sizeof *store->names);
	store->contexts = calloc(count + 1, sizeof *store->contexts);
	if (!claims || !store->names || !store->contexts) {
		free(claims);
		return false;
	}
	fill_claims(store, claims);
	qsort(claims, count, sizeof *claims, compare_claims);
	for (size_t i = 0, n; i < count; i += n) {
		struct cert_context set;

		n = gather(store, claims + i, count - i, &set, complaints);
		store->names[store->name_count++] =
			(struct cert_name){ claims[i].name, context_of(store, &set) };
	}
	free(claims);
	choose_fallback(store);
	return true;
}

static bool open_contexts(struct cert_store *store, const struct listener_config *listener)
{
	store->foreign = hello_foreign_context();
	if (!store->foreign)
		return false;
	for (size_t i = 0; i < store->context_count; i++)
		if (!open_context(store, &store->contexts[i], listener))
			return false;
	return true;
}

/* What goes wrong behind the certificates: in OpenSSL, or memory. */
static void say_failed(const struct listener_config *listener, struct complaints *complaints)
{
	unsigned long code = ERR_peek_error();
	const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;

	complain(complaints, listener->place, "[listener %s]: TLS cannot be set up: %s",
		 listener->name, reason ? reason : "out of memory");
}

static bool load_one(struct cert_store *store, const struct certificate_config *section,
		     struct authorities *system, struct complaints *complaints)
{
	struct cert *cert = cert_load(section, system, complaints);
	struct cert **certs = realloc(store->certs, (store->cert_count + 1) * sizeof *certs);

	if (certs)
		store->certs = certs;
	if (cert && certs)
		store->certs[store->cert_count++] = cert;
	else
		cert_free(cert);
	return cert && certs;
}

static bool load_section(struct cert_store *store, const struct certificate_config *section,
			 struct authorities *system, struct complaints *complaints)
{
	if (!section->dir)
		return load_one(store, section, system, complaints);
	struct cert_dir *dirs = realloc(store->dirs, (store->dir_count + 1) * sizeof *dirs);
	if (!dirs)
		return false;
	store->dirs = dirs;
	struct cert_dir *dir = &dirs[store->dir_count++];
	bool good = cert_dir_read(dir, section, complaints);
	for (size_t i = 0; good && i < dir->count; i++)
		good = load_one(store, &dir->sections[i], system, complaints);
	return good;
}

static bool load_certificates(struct cert_store *store, const struct listener_config *listener,
			      struct authorities *system, struct complaints *complaints)
{
	bool good = true;

	for (size_t i = 0; i < listener->certificate_count; i++)
		good = load_section(store, listener->certificates[i], system, complaints) && good;
	ERR_clear_error();
	return good;
}

static bool check_policy(const struct listener_config *listener, struct complaints *complaints)
{
	enum policy_fault fault;

	SSL_CTX_free(policy_context(listener, &fault));
	ERR_clear_error();
	if (fault == POLICY_CIPHERS)
		complain(complaints, listener->place,
			 "[listener %s] ciphers: `%s` has a name that this OpenSSL does not know "
			 "(`openssl ciphers -s -v ALL` lists them)",
			 listener->name, listener->ciphers);
	if (fault == POLICY_GROUPS)
		complain(complaints, listener->place,
			 "[listener %s] groups: `%s` has a name that this OpenSSL does not know",
			 listener->name, listener->groups);
	return fault == POLICY_GOOD || fault == POLICY_FAILED;
}

static bool load(struct cert_store *store, const struct listener_config *listener,
		 struct authorities *system, struct complaints *complaints)
{
	if (listener->certificate_count == 0) {
		complain(complaints, listener->place,
			 "[listener %s] has no certificate: expected a [certificate NAME] section "
			 "with chain and key",
			 listener->name);
		return false;
	}
	bool good = true;
	if (listener->clients) {
		store->clients = client_policy_load(listener->clients, complaints);
		good = store->clients != NULL;
	}
	good = check_policy(listener, complaints) && good;
	if (!load_certificates(store, listener, system, complaints) || !good)
		return false;
	if (index_names(store, complaints) && open_contexts(store, listener))
		return true;
	say_failed(listener, complaints);
	return false;
}

struct cert_store *cert_store_load(const struct listener_config *listener,
				   const struct ticket_keys *keys, struct authorities *system,
				   struct complaints *complaints)
{
	struct cert_store *store = calloc(1, sizeof *store);
	struct authorities own = { 0 };
	bool good = false;

	ERR_clear_error();
	if (store) {
		store->keys = keys;
		store->sockets = socket_method_new();
		store->ticket_cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	}
	if (store && store->sockets && store->ticket_cipher)
		good = load(store, listener, system ? system : &own, complaints);
	else
		say_failed(listener, complaints);
	authorities_release(&own);
	if (good)
		return store;
	ERR_clear_error();
	cert_store_free(store);
	return NULL;
}

void cert_store_free(struct cert_store *store)
{
	if (!store)
		return;
	for (size_t i = 0; i < store->context_count; i++)
		SSL_CTX_free(store->contexts[i].context);
	for (size_t i = 0; i < store->cert_count; i++)
		cert_free(store->certs[i]);
	SSL_CTX_free(store->foreign);
	BIO_meth_free(store->sockets);
	EVP_CIPHER_free(store->ticket_cipher);
	client_policy_free(store->clients);
	for (size_t i = 0; i < store->dir_count; i++)
		cert_dir_release(&store->dirs[i]);
	free(store->dirs);
	free(store->contexts);
	free(store->names);
	free(store->certs);
	free(store);
}

SSL *cert_store_ssl(const struct cert_store *store, int fd, bool legacy, struct tls_client *client)
{
	SSL *ssl = SSL_new(store->fallback->context);

	*client = (struct tls_client){ .store = store, .legacy = legacy };
	if (store->clients)
		client->why = CLIENT_NONE;
	if (ssl && (!legacy || policy_relax(ssl)) && socket_give(ssl, store->sockets, fd, client)) {
		hello_count_updates(ssl, client);
		SSL_set_accept_state(ssl);
		return ssl;
	}
	SSL_free(ssl);
	ERR_clear_error();
	return NULL;
}

void cert_ssl_free(SSL *ssl)
{
	/* With one of our servers at the other end there is no client. */
	struct tls_client *client = ssl && SSL_is_server(ssl) ? socket_owner(ssl) : NULL;

	if (client) {
		X509_free(client->refused);
		free(client->login);
	}
	SSL_free(ssl);
}
