#include "certs/authorities.h"

#include "certs/pem.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>

static bool take_list(X509_STORE *store, STACK_OF(X509) * list)
{
	bool done = sk_X509_num(list) > 0;

	for (int i = 0; i < sk_X509_num(list); i++)
		done = X509_STORE_add_cert(store, sk_X509_value(list, i)) == 1 && done;
	return done;
}

X509_STORE *authorities_read(const char *path, int *error)
{
	struct pem_file file;
	size_t damaged = 0;

	*error = pem_read(&file, path, PEM_FILE_BYTES);
	if (*error != 0)
		return NULL;
	STACK_OF(X509) *list = pem_certificates(&file, &damaged);
	X509_STORE *store = X509_STORE_new();
	pem_release(&file);
	bool good = list && store && damaged == 0 && take_list(store, list);
	sk_X509_pop_free(list, X509_free);
	if (good)
		return store;
	X509_STORE_free(store);
	return NULL;
}

static const char *find_bundle(void)
{
	const char *paths[] = { getenv(X509_get_default_cert_file_env()),
				X509_get_default_cert_file(), "/etc/ssl/certs/ca-certificates.crt",
				"/etc/pki/tls/cert.pem" };
	struct pem_file file;

	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		if (!paths[i] || pem_read(&file, paths[i], PEM_FILE_BYTES) != 0)
			continue;
		pem_release(&file);
		return paths[i];
	}
	return NULL;
}

X509_STORE *authorities_bundle(struct authorities *authorities)
{
	if (authorities->tried)
		return authorities->bundle;
	authorities->tried = true;
	authorities->path = find_bundle();
	authorities->error = ENOENT;
	if (authorities->path)
		authorities->bundle = authorities_read(authorities->path, &authorities->error);
	return authorities->bundle;
}

/* The certificates of both are the same, in memory, too. */
X509_STORE *authorities_all(struct authorities *authorities)
{
	const char *directory = getenv(X509_get_default_cert_dir_env());

	if (authorities->all)
		return authorities->all;
	X509_STORE *bundle = authorities_bundle(authorities), *all = X509_STORE_new();
	STACK_OF(X509_OBJECT) *objects = bundle ? X509_STORE_get0_objects(bundle) : NULL;
	for (int i = 0; all && objects && i < sk_X509_OBJECT_num(objects); i++)
		X509_STORE_add_cert(all, X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i)));
	if (all)
		X509_STORE_load_path(all, directory ? directory : X509_get_default_cert_dir());
	ERR_clear_error();
	authorities->all = all;
	return all;
}

void authorities_release(struct authorities *authorities)
{
	X509_STORE_free(authorities->bundle);
	X509_STORE_free(authorities->all);
	*authorities = (struct authorities){ 0 };
}
