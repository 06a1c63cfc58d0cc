#include "certs/socket.h"

#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>

/* What a BIO holds in place of a pointer: the descriptor, and what is known of it. */
enum {
	DRY = 1,
	ENDED = 2,
	CORKED = 4,
	FD_SHIFT = 3,
};

static uintptr_t state_of(BIO *bio)
{
	return (uintptr_t)BIO_get_data(bio);
}

static void set_state(BIO *bio, uintptr_t state)
{
	BIO_set_data(bio, (void *)state); /* NOLINT(performance-no-int-to-ptr): a number of ours */
}

static int fd_of(BIO *bio)
{
	return (int)(state_of(bio) >> FD_SHIFT);
}

static bool would_block(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

static int on_read(BIO *bio, char *to, int room)
{
	uintptr_t state = state_of(bio);
	ssize_t n = -1;

	BIO_clear_retry_flags(bio);
	if (state & DRY) {
		BIO_set_retry_read(bio);
		return -1;
	}
	n = recv(fd_of(bio), to, (size_t)room, 0);
	if (n < 0 && would_block(errno))
		BIO_set_retry_read(bio);
	if (n == 0)
		set_state(bio, state | ENDED);
	else if (n > 0 ? n < room : BIO_should_retry(bio) && errno != EINTR)
		set_state(bio, state | DRY);
	return (int)n;
}

static int on_write(BIO *bio, const char *from, int len)
{
	int more = state_of(bio) & CORKED ? MSG_MORE : 0;
	ssize_t n = send(fd_of(bio), from, (size_t)len, MSG_NOSIGNAL | more);

	BIO_clear_retry_flags(bio);
	if (n < 0 && would_block(errno))
		BIO_set_retry_write(bio);
	return (int)n;
}

static long on_control(BIO *bio, int command, long number, void *pointer)
{
	(void)number;
	(void)pointer;
	switch (command) {
	case BIO_CTRL_FLUSH:
		return 1;
	case BIO_CTRL_EOF:
		return (state_of(bio) & ENDED) != 0;
	case BIO_C_GET_FD:
		return fd_of(bio);
	default:
		return 0;
	}
}

BIO_METHOD *socket_method_new(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOCKET, "socket");

	if (method && BIO_meth_set_read(method, on_read) && BIO_meth_set_write(method, on_write) &&
	    BIO_meth_set_ctrl(method, on_control))
		return method;
	BIO_meth_free(method);
	return NULL;
}

bool socket_give(SSL *ssl, const BIO_METHOD *method, int fd, void *owner)
{
	BIO *bio = BIO_new(method);

	if (!bio)
		return false;
	set_state(bio, (uintptr_t)fd << FD_SHIFT);
	BIO_set_callback_arg(bio, owner);
	BIO_set_init(bio, 1);
	SSL_set_bio(ssl, bio, bio);
	return true;
}

void *socket_owner(const SSL *ssl)
{
	return BIO_get_callback_arg(SSL_get_rbio(ssl));
}

void socket_cork(SSL *ssl)
{
	BIO *bio = SSL_get_wbio(ssl);

	set_state(bio, state_of(bio) | CORKED);
}

void socket_refill(SSL *ssl)
{
	BIO *bio = SSL_get_rbio(ssl);

	set_state(bio, state_of(bio) & ~(uintptr_t)DRY);
}

bool socket_is_dry(const SSL *ssl)
{
	return state_of(SSL_get_rbio(ssl)) & DRY;
}
