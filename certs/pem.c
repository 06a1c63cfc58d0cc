#include "certs/pem.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int check_kind(const struct stat *status, off_t most)
{
	if (S_ISDIR(status->st_mode))
		return EISDIR;
	if (!S_ISREG(status->st_mode))
		return EINVAL;
	return status->st_size > most ? EFBIG : 0;
}

static int read_all(int fd, struct pem_file *file, size_t size)
{
	while (file->len < size) {
		ssize_t n = read(fd, file->text + file->len, size - file->len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		if (n == 0)
			break;
		file->len += (size_t)n;
	}
	return 0;
}

static int read_open(int fd, struct pem_file *file, off_t most)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return errno;
	int error = check_kind(&status, most);
	if (error != 0)
		return error;
	file->mode = status.st_mode;
	file->text = malloc((size_t)status.st_size + 1);
	return file->text ? read_all(fd, file, (size_t)status.st_size) : ENOMEM;
}

int pem_read(struct pem_file *file, const char *path, off_t most)
{
	*file = (struct pem_file){ 0 };
	/* O_NONBLOCK: a FIFO at that path would stop the start without a word. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return errno;
	int error = read_open(fd, file, most);
	close(fd);
	if (error != 0)
		pem_release(file);
	return error;
}

void pem_release(struct pem_file *file)
{
	if (file->text)
		OPENSSL_cleanse(file->text, file->len);
	free(file->text);
	*file = (struct pem_file){ 0 };
}

/* OpenSSL's own callback would ask at the terminal. */
static int refuse_passphrase(char *to, int size, int writing, void *asked)
{
	(void)to;
	(void)size;
	(void)writing;
	*(bool *)asked = true;
	return -1;
}

STACK_OF(X509) * pem_certificates(const struct pem_file *file, size_t *damaged)
{
	STACK_OF(X509) *list = sk_X509_new_null();
	BIO *bio = BIO_new_mem_buf(file->text, (int)file->len);
	bool asked = false;
	X509 *x509 = NULL;

	*damaged = 0;
	ERR_clear_error();
	while (bio && list && (x509 = PEM_read_bio_X509(bio, NULL, refuse_passphrase, &asked)))
		if (sk_X509_push(list, x509) <= 0) {
			X509_free(x509);
			break;
		}
	if (list && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		*damaged = (size_t)sk_X509_num(list) + 1;
	ERR_clear_error();
	BIO_free(bio);
	return list;
}

EVP_PKEY *pem_key(const struct pem_file *file, bool *encrypted)
{
	BIO *bio = BIO_new_mem_buf(file->text, (int)file->len);
	EVP_PKEY *key = NULL;

	*encrypted = false;
	if (bio)
		key = PEM_read_bio_PrivateKey(bio, NULL, refuse_passphrase, encrypted);
	ERR_clear_error();
	BIO_free(bio);
	return key;
}
