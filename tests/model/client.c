#include "tests/model/client.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* What smugglers are made of. */
static const struct slice fragments[] = {
	{ "\r\n", 2 },
	{ ".", 1 },
	{ "\n", 1 },
	{ "\r", 1 },
	{ "\0", 1 },
	{ "text", 4 },
	{ "..", 2 },
	{ "\n.\n", 3 },
	{ "\r\n.\n", 4 },
	{ "\n.\r\n", 4 },
	{ "\r.\r", 3 },
	{ "\r\n.\r", 4 },
	{ "\r\n\0.\r\n", 6 },
	{ "\r\n.\0\r\n", 6 },
	{ "\r\r\n.\r\n", 6 },
	{ "\r\n.\r\r\n", 6 },
	{ "MAIL FROM:<evil>\r\n", 18 },
	{ "DATA\r\n", 6 },
	{ "\r\n.\r\n", 5 },
	{ "\xff\x80 ", 3 },
	{ "RSET\n", 5 },
	{ "BDAT 9 LAST\r\n", 13 },
	{ " .\t", 3 },
};

void client_begin(struct client *client, struct choice *choice)
{
	static const unsigned manners[] = { 1000, 200, 40, 6 };

	*client = (struct client){ .choice = choice, .number = 1, .expects = 1 };
	client->manners = manners[choose(choice, 4)];
}

void client_end(struct client *client)
{
	for (size_t i = 0; i < client->honest_count; i++)
		free(client->honest[i].ptr);
}

static bool rude(struct client *client)
{
	return client->manners < 1000 && seldom(client->choice, client->manners);
}

__attribute__((format(printf, 2, 3))) static void put(struct text_buf *out, const char *format, ...)
{
	char text[600];
	va_list args;

	va_start(args, format);
	int n = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	text_add(out, text, (size_t)n);
}

static void put_fragment(struct client *client, struct text_buf *out)
{
	struct slice f = fragments[choose(client->choice, sizeof fragments / sizeof *fragments)];

	text_add(out, f.ptr, f.len);
}

/* A message as RFC 5321 section 4.5.2 wants it: each line's dot doubled. */
static void honest_text(struct client *client, struct text_buf *out)
{
	static const char *const lines[] = { "",
					     ".",
					     "..",
					     "Subject: x",
					     ".x",
					     "\xe4\xf6 8 bit",
					     " . ",
					     "MAIL FROM:<evil>",
					     "a\tb\x01\x7f" };
	unsigned number = client->number++, count = choose(client->choice, 8);
	struct text_buf *kept = NULL;

	if (client->honest_count < CLIENT_HONEST) {
		client->honest_number[client->honest_count] = number;
		kept = &client->honest[client->honest_count++];
		*kept = (struct text_buf){ 0 };
		put(kept, "m%u\r\n", number);
	}
	put(out, "m%u\r\n", number);
	for (unsigned i = 0; i < count; i++) {
		const char *line = lines[choose(client->choice, 9)];
		put(out, "%s%s\r\n", *line == '.' ? "." : "", line);
		if (kept)
			put(kept, "%s\r\n", line);
	}
	put(out, ".\r\n");
	client->in_text = false;
	client->expects++;
}

/* What would go on with a line in front of it. */
static const char *blank(const struct client *client)
{
	static const char *const rows[8] = { "", " ", "", "\t", "", ". ", "", ".\r" };

	return rows[client->number % 8];
}

static void text(struct client *client, struct text_buf *out)
{
	unsigned n = choose(client->choice, 8);

	if (n < 3) {
		honest_text(client, out);
		return;
	}
	if (n == 7)
		for (unsigned lines = choose(client->choice, 60) / 2; lines > 0; lines--)
			put(out, "%s",
			    "0123456789 0123456789 0123456789 0123456789 0123456789\r\n");
	put(out, "%st%u ", blank(client), client->number);
	client->number++;
	for (; n > 0; n--)
		put_fragment(client, out);
	if (choose(client->choice, 3) == 0) {
		put(out, "\r\n.\r\n");
		client->in_text = false;
		client->expects++;
	}
}

static void octets(struct client *client, struct text_buf *out)
{
	struct text_buf body = { 0 };
	unsigned kind = choose(client->choice, client->manners < 200 ? 16 : 13);
	bool last = choose(client->choice, 2);

	client->in_mail &= !last;
	if (kind != 1) {
		put(&body, "%so%u", blank(client), client->number);
		client->number++;
		for (unsigned n = choose(client->choice, 6); n > 0; n--)
			put_fragment(client, &body);
	}
	if (kind == 15)
		put(out, "BDAT 99999999999999999999999\r\n");
	else if (kind == 14)
		put(out, "BDAT  %zu\r\n", body.len);
	else if (kind == 13)
		put(out, "bdat %zu lAST \r\n", body.len);
	else
		put(out, "%s %s%zu%s\r\n", kind == 12 ? "bDat" : "BDAT", kind == 11 ? "000" : "",
		    body.len, last ? " LAST" : "");
	text_add(out, body.ptr, body.len);
	free(body.ptr);
}

static void strange(struct client *client, struct text_buf *out)
{
	unsigned n = client->number++;

	switch (choose(client->choice, 14)) {
	case 0:
		put(out, "XCLIENT ADDR=c%u\r\n", n);
		break;
	case 1:
		put(out, "XFOO c%u\r\n", n);
		break;
	case 2:
		put(out, "NOOP c%u\nRSET\r\n", n);
		break;
	case 3:
		put(out, "NOOP c%u\rRSET\r\n", n);
		break;
	case 4:
		put(out, " NOOP c%u\r\n", n);
		break;
	case 5:
		put(out, "NOOP c%u%cx\r\n", n, 0);
		break;
	case 6:
		put(out, "NOOP c%u %0500u\r\n", n, n);
		break;
	case 7:
		put(out, "PROXY TCP4 1.1.1.1 2.2.2.2 c%u 25\r\n", n);
		break;
	case 8:
		put(out, "TURN c%u\r\n", n);
		break;
	case 9:
		put(out, "STARTTLS c%u\r\n", n);
		break;
	case 10:
		put(out, "\r\n");
		break;
	case 11:
		put(out, "NOOP c%u\n", n);
		break;
	case 12:
		put(out, "MAIL FROM:<c%u> SIZE=3 SIZE=99999\r\n", n);
		break;
	default:
		put(out, "DATA c%u\r\n", n);
		client->waits = true;
		client->sent = SENT_DATA;
	}
}

static void one_word(struct client *client, struct text_buf *out)
{
	static const char *const verbs[] = {
		"NOOP", "RSET", "VRFY", "HELP", "EXPN", "ETRN", "noop"
	};

	put(out, "%s c%u\r\n", verbs[choose(client->choice, 7)], client->number++);
}

static void mail(struct client *client, struct text_buf *out)
{
	static const char *const parameters[] = { "",
						  "",
						  " SIZE=30",
						  " BODY=8BITMIME",
						  " SIZE=100000",
						  " REQUIRETLS",
						  " size=5 RET=HDRS" };

	put(out, "MAIL FROM:<c%u@x>%s\r\n", client->number++,
	    parameters[choose(client->choice, 7)]);
}

static void auth(struct client *client, struct text_buf *out)
{
	static const char *const forms[] = { "AUTH PLAIN ", "AUTH LOGIN ", "auth plain =" };

	put(out, "%sSECRET%u\r\n", forms[choose(client->choice, 3)], client->number++);
	client->waits = true;
	client->sent = SENT_AUTH;
}

static void hold(struct client *client, struct text_buf *out, const char *line)
{
	put(out, "%s", line);
	client->waits = true;
}

/* Not always without a word behind it. */
static void quit(struct client *client, struct text_buf *out)
{
	hold(client, out, "QUIT\r\n");
	client->waits = choose(client->choice, 2) == 0;
}

/* A whole transaction up to DATA, in one go. */
static void transaction(struct client *client, struct text_buf *out)
{
	mail(client, out);
	put(out, "RCPT TO:<c%u@x>\r\n", client->number++);
	put(out, "DATA\r\n");
	client->expects += 2;
	client->waits = true;
	client->sent = SENT_DATA;
}

/* What a client does who wants its mail delivered. */
static void polite(struct client *client, struct text_buf *out)
{
	if (!client->helloed) {
		put(out, "EHLO c%u.test\r\n", client->number++);
		client->waits = client->helloed = true;
	} else if (!client->may_chunk || seldom(client->choice, 3)) {
		transaction(client, out);
	} else if (!client->in_mail) {
		mail(client, out);
		put(out, "RCPT TO:<c%u@x>\r\n", client->number++);
		client->expects++;
		client->in_mail = true;
	} else {
		octets(client, out);
	}
}

void client_told(struct client *client, struct slice reply)
{
	static const struct slice words[] = { { "PIPELINING", 10 }, { "CHUNKING", 8 } };
	bool has[2] = { false, false };

	for (size_t i = 0; i < reply.len; i++)
		for (size_t w = 0; w < 2; w++)
			has[w] |= slice_starts_nocase(slice_skip(reply, i), words[w]);
	if (has[0])
		client->may_chunk = has[1];
}

static void command(struct client *client, struct text_buf *out)
{
	char line[64];

	client->waits = false;
	client->sent = SENT_OTHER;
	client->expects++;
	if (choose(client->choice, 3) < 2) {
		polite(client, out);
		return;
	}
	snprintf(line, sizeof line, "%s c%u.test\r\n", seldom(client->choice, 5) ? "HELO" : "EHLO",
		 client->number);
	switch (choose(client->choice, 20)) {
	case 0:
	case 1:
		client->number++;
		hold(client, out, line);
		break;
	case 2:
	case 3:
	case 4:
		mail(client, out);
		break;
	case 5:
	case 6:
		put(out, "RCPT TO:<c%u@x>\r\n", client->number++);
		break;
	case 7:
	case 8:
		hold(client, out, "DATA\r\n");
		client->sent = SENT_DATA;
		break;
	case 9:
	case 10:
	case 11:
		if (client->may_chunk || client->manners < 200)
			octets(client, out);
		else
			one_word(client, out);
		break;
	case 12:
		one_word(client, out);
		break;
	case 13:
		auth(client, out);
		break;
	case 14:
		hold(client, out, "STARTTLS\r\n");
		break;
	case 15:
		if (client->manners < 1000)
			strange(client, out);
		else
			one_word(client, out);
		break;
	case 16:
		put(out, "RSET c%u\r\n", client->number++);
		break;
	case 17:
		if (seldom(client->choice, 3))
			quit(client, out);
		else
			one_word(client, out);
		break;
	default:
		transaction(client, out);
	}
}

void client_next(struct client *client, size_t replies, unsigned code, struct text_buf *out)
{
	bool answered = replies >= client->expects;

	if (rude(client)) {
		for (unsigned n = 1 + choose(client->choice, 4); n > 0; n--)
			put_fragment(client, out);
		return;
	}
	/* In a hurry it sends the text before it may, or the next command. */
	if (!answered && (client->waits || replies == 0) && !rude(client))
		return;
	if (client->sent == SENT_DATA && (!answered || code == 354)) {
		client->in_text = true;
	} else if (client->sent == SENT_AUTH && answered && code == 334) {
		if (choose(client->choice, 4))
			put(out, "SECRET%u\r\n", client->number++);
		else
			put(out, "*\r\n");
		client->expects++;
		return;
	}
	client->sent = SENT_OTHER;
	client->waits = false;
	if (client->in_text)
		text(client, out);
	else
		command(client, out);
}
