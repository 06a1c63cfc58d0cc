#include "bench/mail.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

bool mailbox_init(struct mailbox *box, const char *dir)
{
	*box = (struct mailbox){ .dir = dir };
	tally_init(&box->tally);
	if (!dir)
		return true;
	if (strlen(dir) > PATH_BYTES - 64) {
		errno = ENAMETOOLONG;
		return false;
	}
	if (mkdir(dir, 0777) != 0 && errno != EEXIST)
		return false;
	return access(dir, W_OK | X_OK) == 0;
}

void mailbox_release(struct mailbox *box)
{
	tally_release(&box->tally);
}

void mail_init(struct mail *mail, struct mailbox *box, uint64_t connection, enum mail_lie lie)
{
	*mail = (struct mail){ .box = box, .connection = connection, .lie = lie };
}

static void incoming_path(const struct mail *mail, char *path)
{
	snprintf(path, PATH_BYTES, "%s/.incoming-%" PRIu64, mail->box->dir, mail->connection);
}

static void remove_file(struct mail *mail)
{
	char path[PATH_BYTES];

	if (!mail->file)
		return;
	fclose(mail->file);
	mail->file = NULL;
	incoming_path(mail, path);
	unlink(path);
}

void mail_release(struct mail *mail)
{
	remove_file(mail);
	free(mail->envelope);
	mail->envelope = NULL;
}

static void set_name(char *to, struct slice name)
{
	name = slice_head(name, MAIL_NAME_BYTES - 1);
	if (name.len > 0)
		memcpy(to, name.ptr, name.len);
	to[name.len] = '\0';
}

void mail_helo(struct mail *mail, struct slice name)
{
	set_name(mail->helo, name);
}

void mail_user(struct mail *mail, struct slice name)
{
	set_name(mail->user, name);
}

static bool add_line(struct mail *mail, const char *word, struct slice rest)
{
	size_t word_len = strlen(word);
	size_t len = mail->envelope_len + word_len + rest.len + 1;

	if (len > MAIL_ENVELOPE_BYTES)
		return false;
	if (!mail->box->dir) {
		mail->envelope_len = len;
		return true;
	}
	char *envelope = realloc(mail->envelope, len);
	if (!envelope)
		return false;
	mail->envelope = envelope;
	memcpy(envelope + mail->envelope_len, word, word_len);
	if (rest.len > 0)
		memcpy(envelope + mail->envelope_len + word_len, rest.ptr, rest.len);
	envelope[len - 1] = '\n';
	mail->envelope_len = len;
	return true;
}

bool mail_from(struct mail *mail, struct slice path)
{
	return add_line(mail, "from ", path);
}

bool mail_to(struct mail *mail, struct slice path)
{
	if (!add_line(mail, "to ", path))
		return false;
	mail->recipients++;
	return true;
}

void mail_begin(struct mail *mail)
{
	char path[PATH_BYTES];

	mail->has_text = true;
	mail->bytes = 0;
	mail->damaged_it = false;
	message_check_init(&mail->check);
	if (!mail->box->dir)
		return;
	incoming_path(mail, path);
	mail->file = fopen(path, "w");
}

static void take(struct mail *mail, struct slice octets)
{
	mail->bytes += octets.len;
	message_check_feed(&mail->check, octets);
	if (mail->file)
		fwrite(octets.ptr, 1, octets.len, mail->file);
}

void mail_text(struct mail *mail, struct slice octets)
{
	if (mail->lie == MAIL_DAMAGE && mail->check.in_body && !mail->damaged_it && octets.len) {
		char wrong = (char)(octets.ptr[0] ^ 1);
		take(mail, slice_of(&wrong, 1));
		octets = slice_skip(octets, 1);
		mail->damaged_it = true;
	}
	take(mail, octets);
}

/* Appears whole or not at all: whoever sees it may read it. */
static bool write_envelope(const struct mail *mail, uint64_t number)
{
	char path[PATH_BYTES], part[PATH_BYTES];

	snprintf(path, sizeof path, "%s/%06" PRIu64 ".env", mail->box->dir, number);
	snprintf(part, sizeof part, "%s/.envelope-%" PRIu64, mail->box->dir, mail->connection);
	FILE *file = fopen(part, "w");
	if (!file)
		return false;
	fprintf(file, "connection %" PRIu64 "\nhelo %s\n", mail->connection, mail->helo);
	if (*mail->user)
		fprintf(file, "user %s\n", mail->user);
	fwrite(mail->envelope, 1, mail->envelope_len, file);
	fprintf(file, "bytes %" PRIu64 "\n", mail->bytes);
	return fclose(file) == 0 && rename(part, path) == 0;
}

static bool keep(struct mail *mail, uint64_t number)
{
	char path[PATH_BYTES], part[PATH_BYTES];

	if (!mail->box->dir)
		return true;
	if (!mail->file || fflush(mail->file) != 0 || ferror(mail->file))
		return false;
	incoming_path(mail, part);
	snprintf(path, sizeof path, "%s/%06" PRIu64 ".eml", mail->box->dir, number);
	unlink(path);
	/* A second name, not a new one: MAIL_DOUBLE keeps it twice. The first goes in
	 * mail_forget(). */
	return link(part, path) == 0 && write_envelope(mail, number);
}

static bool accept_once(struct mail *mail)
{
	struct mailbox *box = mail->box;
	struct message_id id;

	if (!keep(mail, box->messages + 1))
		return false;
	box->messages++;
	box->recipients += mail->recipients;
	box->bytes += mail->bytes;
	enum message_verdict verdict = message_check_end(&mail->check, &id);
	box->checked += verdict != MESSAGE_FOREIGN;
	box->damaged += verdict == MESSAGE_DAMAGED;
	if (id.number > 0)
		tally_see(&box->tally, &id);
	if (id.number > 0 && verdict == MESSAGE_DAMAGED)
		tally_damage(&box->tally, &id);
	return true;
}

bool mail_accept(struct mail *mail)
{
	bool good = mail->lie == MAIL_LOSE || accept_once(mail);

	if (good && mail->lie == MAIL_DOUBLE)
		good = accept_once(mail);
	mail_forget(mail);
	return good;
}

void mail_forget(struct mail *mail)
{
	remove_file(mail);
	mail->has_text = false;
	mail->bytes = 0;
	mail->envelope_len = 0;
	mail->recipients = 0;
}
