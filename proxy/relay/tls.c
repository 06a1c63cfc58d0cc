#include "proxy/relay/tls.h"

#include "certs/certs.h"
#include "certs/server_tls.h"
#include "certs/socket.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

/* OpenSSL's words for a first record that is none. */
static bool is_plain_text(const SSL *ssl, unsigned long error)
{
	static const int reasons[] = {
		SSL_R_HTTP_REQUEST,           SSL_R_HTTPS_PROXY_REQUEST,
		SSL_R_WRONG_VERSION_NUMBER,   SSL_R_UNKNOWN_PROTOCOL,
		SSL_R_BAD_RECORD_TYPE,        SSL_R_RECORD_LENGTH_MISMATCH,
		SSL_R_PACKET_LENGTH_TOO_LONG, SSL_R_RECORD_TOO_SMALL,
	};

	/* A ClientHello that was read would have brought the handshake further. */
	if (SSL_get_state(ssl) != TLS_ST_BEFORE && SSL_get_state(ssl) != TLS_ST_SR_CLNT_HELLO)
		return false;
	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
		if (ERR_GET_REASON(error) == reasons[i])
			return true;
	return false;
}

static enum tls_handshake accept_failed(SSL *ssl, int result, const char **why)
{
	unsigned long error = ERR_peek_error();
	const char *sentence = ERR_reason_error_string(error);

	*why = sentence ? sentence : "the client went away";
	if (cert_foreign_alpn(ssl))
		return TLS_FOREIGN;
	if (ERR_GET_REASON(error) == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE ||
	    ERR_GET_REASON(error) == SSL_R_CERTIFICATE_VERIFY_FAILED)
		return TLS_REFUSED;
	if (result == SSL_ERROR_SSL && is_plain_text(ssl, error))
		return TLS_PLAIN;
	return result == SSL_ERROR_SSL && error != 0 &&
			       ERR_GET_REASON(error) != SSL_R_UNEXPECTED_EOF_WHILE_READING
		       ? TLS_FAILED
		       : TLS_CLOSED;
}

static enum tls_handshake connect_failed(SSL *ssl, int result, const char **why)
{
	unsigned long error = ERR_peek_error();
	const char *refusal = server_tls_refusal(ssl);
	const char *sentence = ERR_reason_error_string(error);

	if (refusal && ERR_GET_REASON(error) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
		*why = refusal;
		return TLS_REFUSED;
	}
	*why = sentence ? sentence : "the server closed the connection";
	return result == SSL_ERROR_SSL && error != 0 ? TLS_FAILED : TLS_CLOSED;
}

/* `failed` says what became of it. */
static inline enum tls_handshake go_on(SSL *ssl, const char **why,
				       enum tls_handshake (*failed)(SSL *ssl, int result,
								    const char **why))
{
	enum tls_handshake outcome;

	ERR_clear_error();
	/* A record's header and body in one read; the buffer is given back when it is empty. */
	SSL_set_read_ahead(ssl, 1);
	int result = SSL_do_handshake(ssl);
	if (result == 1)
		return TLS_DONE;
	switch (result = SSL_get_error(ssl, result)) {
	case SSL_ERROR_WANT_READ:
		return TLS_WANTS_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WANTS_WRITE;
	default:
		outcome = failed(ssl, result, why);
		ERR_clear_error();
		return outcome;
	}
}

enum tls_handshake tls_accept(SSL *ssl, const char **why)
{
	return go_on(ssl, why, accept_failed);
}

enum tls_handshake tls_connect(SSL *ssl, const char **why)
{
	return go_on(ssl, why, connect_failed);
}

ssize_t tls_read(SSL *ssl, char *to, size_t room, bool *clean, bool *wants_write)
{
	size_t n;

	*wants_write = false;
	ERR_clear_error();
	if (SSL_read_ex(ssl, to, room, &n) == 1)
		return (ssize_t)n;
	switch (cert_flooded(ssl) ? SSL_ERROR_SYSCALL : SSL_get_error(ssl, 0)) {
	case SSL_ERROR_WANT_WRITE:
		*wants_write = true;
		return IO_AGAIN;
	case SSL_ERROR_WANT_READ:
		return IO_AGAIN;
	case SSL_ERROR_ZERO_RETURN:
		*clean = true;
		return IO_EOF;
	case SSL_ERROR_SSL:
		*clean = false;
		return ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING
			       ? IO_EOF
			       : IO_ERROR;
	default:
		*clean = false;
		return IO_EOF;
	}
}

ssize_t tls_write(SSL *ssl, struct slice bytes)
{
	size_t n;

	ERR_clear_error();
	if (SSL_write_ex(ssl, bytes.ptr, bytes.len, &n) == 1)
		return (ssize_t)n;
	switch (SSL_get_error(ssl, 0)) {
	case SSL_ERROR_WANT_WRITE:
	case SSL_ERROR_WANT_READ:
		return IO_AGAIN;
	default:
		return IO_ERROR;
	}
}

void tls_refill(SSL *ssl)
{
	socket_refill(ssl);
}

bool tls_is_dry(const SSL *ssl)
{
	return socket_is_dry(ssl) && !SSL_has_pending(ssl);
}

void tls_cork(SSL *ssl)
{
	socket_cork(ssl);
}

void tls_finish(SSL *ssl)
{
	ERR_clear_error();
	if (SSL_is_init_finished(ssl) && !(SSL_get_shutdown(ssl) & SSL_SENT_SHUTDOWN))
		SSL_shutdown(ssl);
	ERR_clear_error();
}

void tls_free(SSL *ssl)
{
	cert_ssl_free(ssl);
}
