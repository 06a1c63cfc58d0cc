#include "proxy/mailbox.h"

#include <stdio.h>
#include <string.h>

static struct request *place(struct mailbox *mailbox, uint64_t serial)
{
	return &mailbox->requests[serial % MAILBOX_REQUESTS];
}

uint64_t mailbox_ask(struct mailbox *mailbox, enum request_kind kind, const char *argument,
		     uint64_t number)
{
	uint64_t serial = atomic_fetch_add(&mailbox->last, 1) + 1;
	struct request *request = place(mailbox, serial);
	uint32_t state = request->state;
	if (state == REQUEST_ASKED || state == REQUEST_TAKEN)
		return 0;
	request->serial = serial;
	request->kind = (uint32_t)kind;
	request->number = number;
	request->good = 0;
	request->text[0] = '\0';
	snprintf(request->argument, sizeof(request->argument), "%s", argument);
	request->state = REQUEST_ASKED;
	return serial;
}

enum mailbox_answer mailbox_outcome(struct mailbox *mailbox, uint64_t serial, char *text)
{
	const struct request *request = place(mailbox, serial);
	if (serial == 0 || request->serial != serial)
		return MAILBOX_UNKNOWN;
	if (request->state != REQUEST_DONE)
		return MAILBOX_PENDING;
	memcpy(text, request->text, REQUEST_TEXT_BYTES);
	text[REQUEST_TEXT_BYTES - 1] = '\0';
	return request->good ? MAILBOX_GOOD : MAILBOX_FAILED;
}

static struct request *oldest_asked(struct mailbox *mailbox)
{
	struct request *found = NULL;
	for (size_t i = 0; i < MAILBOX_REQUESTS; i++) {
		struct request *request = &mailbox->requests[i];
		if (request->state == REQUEST_ASKED &&
		    (found == NULL || request->serial < found->serial))
			found = request;
	}
	return found;
}

bool mailbox_take(struct mailbox *mailbox, struct order_form *form)
{
	struct request *request = oldest_asked(mailbox);
	if (request == NULL)
		return false;
	request->state = REQUEST_TAKEN;
	form->serial = request->serial;
	form->kind = (enum request_kind)request->kind;
	form->number = request->number;
	memcpy(form->argument, request->argument, sizeof(form->argument));
	form->argument[sizeof(form->argument) - 1] = '\0';
	return true;
}

void mailbox_answer(struct mailbox *mailbox, uint64_t serial, bool good, const char *text)
{
	struct request *request = place(mailbox, serial);
	snprintf(request->text, sizeof(request->text), "%s", text);
	request->good = good;
	request->state = REQUEST_DONE;
}
