#include "bench/base64.h"
#include "bench/dialog_verbs.h"

enum { SECRET_BYTES = 3 * MAIL_NAME_BYTES }; /* what PLAIN packs together (RFC 4616) */

/* A user's name and password against the one pair that is accepted, if there is one. */
static bool is_right(const struct dialog *dialog, struct slice user, struct slice password)
{
	if (!dialog->rules->auth)
		return true;
	struct slice pair = slice_str(dialog->rules->auth);
	size_t colon = slice_find(pair, ':', 0);
	return slice_eq(user, slice_head(pair, colon)) &&
	       slice_eq(password, slice_skip(pair, colon + 1));
}

static void decide(struct dialog *dialog, struct slice user, struct slice password,
		   struct dialog_reply *reply)
{
	dialog->at = DIALOG_COMMAND;
	if (!is_right(dialog, user, password)) {
		dialog_say(dialog, reply, 535, "5.7.8", "credentials not accepted");
		return;
	}
	dialog->has_auth = true;
	mail_user(dialog->mail, user);
	dialog_say(dialog, reply, 235, "2.7.0", "welcome");
}

static void malformed(struct dialog *dialog, struct dialog_reply *reply)
{
	dialog->at = DIALOG_COMMAND;
	dialog_error(dialog, reply, 501, "5.5.2", "that cannot be read");
}

/* authorization NUL user NUL password. */
static void take_plain(struct dialog *dialog, struct slice secret, struct dialog_reply *reply)
{
	size_t first = slice_find(secret, '\0', 0);
	size_t second = slice_find(secret, '\0', first + 1);

	if (second >= secret.len) {
		malformed(dialog, reply);
		return;
	}
	struct slice user = slice_head(slice_skip(secret, first + 1), second - first - 1);
	decide(dialog, user, slice_skip(secret, second + 1), reply);
}

static void take_user(struct dialog *dialog, struct slice user, struct dialog_reply *reply)
{
	if (user.len >= sizeof dialog->user) {
		malformed(dialog, reply);
		return;
	}
	if (user.len > 0)
		memcpy(dialog->user, user.ptr, user.len);
	dialog->user[user.len] = '\0';
	dialog->at = DIALOG_AUTH_PASSWORD;
	dialog_line(reply, "334 UGFzc3dvcmQ6\r\n");
}

void dialog_auth_answer(struct dialog *dialog, struct slice line, struct dialog_reply *reply)
{
	char text[SECRET_BYTES];
	size_t len = 0;

	/* "=" stands for an empty initial response (RFC 4954 section 4). */
	if (!slice_eq(line, SLICE("=")))
		len = base64_decode(text, sizeof text, line);
	if (len == BASE64_BAD) { /* so is "*", which gives up */
		malformed(dialog, reply);
		return;
	}
	struct slice secret = slice_of(text, len);
	if (dialog->at == DIALOG_AUTH_PLAIN)
		take_plain(dialog, secret, reply);
	else if (dialog->at == DIALOG_AUTH_USER)
		take_user(dialog, secret, reply);
	else
		decide(dialog, slice_str(dialog->user), secret, reply);
}

void dialog_auth_begin(struct dialog *dialog, struct slice args, struct dialog_reply *reply)
{
	struct slice mechanism = slice_word(&args), initial = slice_word(&args);
	bool is_plain = slice_eq_nocase(mechanism, SLICE("PLAIN"));

	if (dialog->has_auth || dialog->has_from || !dialog->has_helo) {
		dialog_error(dialog, reply, 503, "5.5.1", "AUTH has no place here");
		return;
	}
	if (!is_plain && !slice_eq_nocase(mechanism, SLICE("LOGIN"))) {
		dialog_error(dialog, reply, 504, "5.5.4", "there is no such mechanism");
		return;
	}
	dialog->at = is_plain ? DIALOG_AUTH_PLAIN : DIALOG_AUTH_USER;
	if (initial.len > 0)
		dialog_auth_answer(dialog, initial, reply);
	else
		dialog_line(reply, is_plain ? "334 \r\n" : "334 VXNlcm5hbWU6\r\n");
}
