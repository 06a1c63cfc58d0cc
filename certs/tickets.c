#include "certs/tickets.h"

#include "certs/socket.h"
#include "certs/store.h"

#include <openssl/core_names.h>
#include <openssl/rand.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	KEYS = 4, /* one more than are used: the one that is being written */
	KEYS_USED = 3,
	NAME_OF_KEY = 16, /* bytes; OpenSSL's */
	IV_BYTES = 16,
};

struct ticket_key {
	unsigned char name[NAME_OF_KEY];
	unsigned char cipher[32];
	unsigned char mac[32];
};

struct ticket_keys {
	_Atomic uint32_t turn; /* keys[turn % KEYS] is the present one */
	struct ticket_key keys[KEYS];
};

struct ticket_keys *ticket_keys_new(void)
{
	struct ticket_keys *keys =
		mmap(NULL, sizeof *keys, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (keys == MAP_FAILED)
		return NULL;
	/* Neither to a core dump nor, where the limit allows, to swap. */
	madvise(keys, sizeof *keys, MADV_DONTDUMP);
	mlock(keys, sizeof *keys);
	/* Those that would be from before the start are random, too. */
	if (RAND_priv_bytes((unsigned char *)keys->keys, sizeof keys->keys) == 1)
		return keys;
	munmap(keys, sizeof *keys);
	return NULL;
}

void ticket_keys_free(struct ticket_keys *keys)
{
	if (!keys)
		return;
	OPENSSL_cleanse(keys->keys, sizeof keys->keys);
	munmap(keys, sizeof *keys);
}

bool ticket_keys_turn(struct ticket_keys *keys)
{
	uint32_t next = atomic_load(&keys->turn) + 1;
	struct ticket_key fresh;

	if (RAND_priv_bytes((unsigned char *)&fresh, sizeof fresh) != 1)
		return false;
	keys->keys[next % KEYS] = fresh;
	atomic_store(&keys->turn, next);
	OPENSSL_cleanse(&fresh, sizeof fresh);
	return true;
}

/* As they are written; whoever changes them changes `magic`. */
struct written {
	char magic[16];
	uint32_t turn;
	struct ticket_key keys[KEYS];
};

static const char MAGIC[16] = "ticket keys 1";

bool ticket_keys_write(const struct ticket_keys *keys, int fd)
{
	struct written all = { .turn = atomic_load(&keys->turn) };

	memcpy(all.magic, MAGIC, sizeof all.magic);
	memcpy(all.keys, keys->keys, sizeof all.keys);
	bool good = pwrite(fd, &all, sizeof all, 0) == (ssize_t)sizeof all;
	OPENSSL_cleanse(&all, sizeof all);
	return good;
}

bool ticket_keys_read(struct ticket_keys *keys, int fd)
{
	struct written all;
	bool good = pread(fd, &all, sizeof all, 0) == (ssize_t)sizeof all &&
		    memcmp(all.magic, MAGIC, sizeof all.magic) == 0;

	if (good) {
		memcpy(keys->keys, all.keys, sizeof all.keys);
		atomic_store(&keys->turn, all.turn);
	}
	OPENSSL_cleanse(&all, sizeof all);
	return good;
}

void ticket_keys_protect(const struct ticket_keys *keys)
{
	mprotect((void *)keys, sizeof *keys, PROT_READ);
}

static bool start(const struct ticket_key *key, const EVP_CIPHER *how, const unsigned char *iv,
		  EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int seal)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)key->mac,
						  sizeof key->mac),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_MAC_CTX_set_params(mac, params) == 1 &&
	       EVP_CipherInit_ex(cipher, how, NULL, key->cipher, iv, seal) == 1;
}

static int seal(const struct ticket_key *key, const EVP_CIPHER *how, unsigned char *name,
		unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
	if (RAND_bytes(iv, IV_BYTES) != 1 || !start(key, how, iv, cipher, mac, 1))
		return -1;
	memcpy(name, key->name, NAME_OF_KEY);
	return 1;
}

/* SSL_CTX_set_tlsext_ticket_key_evp_cb(3): 0 no such key, 1 good, 2 good and to be renewed. */
static int on_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
		  EVP_MAC_CTX *mac, int sealing)
{
	const struct tls_client *client = socket_owner(ssl);
	const struct ticket_keys *keys = client->store->keys;
	const EVP_CIPHER *how = client->store->ticket_cipher;
	uint32_t turn = atomic_load(&keys->turn);

	if (sealing)
		return seal(&keys->keys[turn % KEYS], how, name, iv, cipher, mac);
	for (uint32_t age = 0; age < KEYS_USED; age++) {
		const struct ticket_key *key = &keys->keys[(turn - age) % KEYS];
		if (CRYPTO_memcmp(name, key->name, NAME_OF_KEY) != 0)
			continue;
		if (!start(key, how, iv, cipher, mac, 0))
			return -1;
		return age == 0 ? 1 : 2;
	}
	return 0;
}

bool ticket_keys_install(const struct ticket_keys *keys, SSL_CTX *context)
{
	return !keys || SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_key) == 1;
}
