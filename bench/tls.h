/* The client's side of TLS: the only file here that knows OpenSSL's SSL_* functions. */
#ifndef BENCH_TLS_H
#define BENCH_TLS_H

#include "base/slice.h"

#include <sys/types.h>

struct tls_plan; /* the same for all connections */
struct tls;      /* one connection */

struct tls_options {
	bool check;          /* the server's certificate */
	const char *ca;      /* a file of certificates to check against; NULL: the system's */
	const char *name;    /* the server's, for SNI and the check; NULL: none */
	const char *version; /* "1.2" or "1.3" alone; NULL: both */
	const char *ciphers; /* for TLS 1.2, as SSL_CTX_set_cipher_list(3); NULL: OpenSSL's */
	const char *suites;  /* for TLS 1.3, as SSL_CTX_set_ciphersuites(3); NULL: OpenSSL's */
	const char *groups;  /* as SSL_CTX_set1_groups_list(3); NULL: OpenSSL's */
	const char *cert;    /* a file with the chain shown to the server; NULL: none */
	const char *key;     /* a file with its key; NULL: in the same file */
	bool resume;         /* keeps the server's last session, for connections that want it */
};

enum { TLS_WHY_BYTES = 256 };

/* NULL with a sentence in `why` of TLS_WHY_BYTES. `options` must live as long. */
struct tls_plan *bench_tls_plan_new(const struct tls_options *options, char *why);
void bench_tls_plan_free(struct tls_plan *plan);

/* A session is to be kept, and there is none yet. */
bool bench_tls_plan_lacks_session(const struct tls_plan *plan);

/* `fd` stays the caller's. With the session kept last, if `resume`. NULL when out of memory. */
struct tls *bench_tls_new(struct tls_plan *plan, int fd, bool resume);
void bench_tls_free(struct tls *tls);

/* 1 when done, IO_AGAIN, or IO_ERROR. */
ssize_t bench_tls_handshake(struct tls *tls);

/* As net_read() and net_write(). After IO_AGAIN the same bytes, or more, are to be written. */
ssize_t bench_tls_read(struct tls *tls, char *to, size_t room);
ssize_t bench_tls_write(struct tls *tls, struct slice bytes);

/* Says close_notify; whether it leaves is not waited for. */
void bench_tls_finish(struct tls *tls);

/* The handshake went on from a session of before. */
bool bench_tls_is_resumed(const struct tls *tls);

/* The last IO_AGAIN was for want of room in the socket, not for want of input. */
bool bench_tls_wants_write(const struct tls *tls);

/* The reason of the last IO_ERROR, in OpenSSL's words. */
void bench_tls_why(const struct tls *tls, char *why, size_t size);

/* "TLSv1.3 TLS_AES_256_GCM_SHA384". */
void bench_tls_describe(const struct tls *tls, char *text, size_t size);

#endif
