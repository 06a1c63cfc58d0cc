#include "config/policies.h"

static void check_disjoint(struct draft *draft, const struct section *section,
			   const struct strings *on, const char *on_name, const struct strings *off,
			   const char *off_name)
{
	for (size_t i = 0; i < on->count; i++)
		for (size_t j = 0; j < off->count; j++)
			if (slice_eq_nocase(slice_str(on->item[i]), slice_str(off->item[j])))
				complain(draft->complaints, draft_place(section, on_name),
					 "`%s` is in `%s` and in `%s`; take it out of one",
					 on->item[i], on_name, off_name);
}

/* Words that can have no good effect in this list. */
static void check_words(struct draft *draft, const struct section *section,
			const struct strings *list, const char *name, const char *const *words,
			const char *why)
{
	for (size_t i = 0; i < list->count; i++)
		for (size_t j = 0; words[j]; j++)
			if (slice_eq_nocase(slice_str(list->item[i]), slice_str(words[j])))
				complain(draft->complaints, draft_place(section, name),
					 "`%s` in `%s`: %s; take it out", list->item[i], name, why);
}

static void check_policy_words(struct draft *draft, const struct section *section)
{
	static const char *const needed[] = { "EHLO", "HELO", "MAIL", "RCPT", "DATA",
					      "RSET", "NOOP", "QUIT", NULL };
	static const char *const known[] = { "EHLO", "HELO", "MAIL", "RCPT", "DATA",
					     "BDAT", "RSET", "NOOP", "QUIT", "VRFY",
					     "EXPN", "HELP", "AUTH", "ETRN", NULL };
	static const char *const never[] = { "STARTTLS", "XCLIENT", "XFORWARD", "PROXY", "TURN",
					     "ATRN",     "SEND",    "SOML",     "SAML",  "DEBUG",
					     "WIZ",      "XEXCH50", NULL };
	static const char *const hidden[] = { "STARTTLS", "XCLIENT", "XFORWARD",
					      "X-EXPS",   "XEXCH50", "TURN",
					      "ATRN",     "BURL",    NULL };
	const struct policy_config *policy = section->values;

	check_words(draft, section, &policy->verbs_off, "verbs_off", needed,
		    "no mail can be sent without it");
	check_words(draft, section, &policy->verbs_pass, "verbs_pass", known, "it is known anyway");
	check_words(draft, section, &policy->verbs_pass, "verbs_pass", never, "it is never passed");
	check_words(draft, section, &policy->keywords_pass, "keywords_pass", hidden,
		    "it is never shown");
}

void policy_check(struct draft *draft, const struct section *section)
{
	const struct policy_config *policy = section->values;

	check_policy_words(draft, section);

	check_disjoint(draft, section, &policy->verbs_pass, "verbs_pass", &policy->verbs_off,
		       "verbs_off");
	check_disjoint(draft, section, &policy->keywords_pass, "keywords_pass",
		       &policy->keywords_hide, "keywords_hide");
	if (policy->require_auth && policy->auth == AUTH_NEVER)
		complain(draft->complaints, draft_place(section, "require_auth"),
			 "`require_auth = yes` with `auth = never` takes no mail at all; "
			 "change one of them");
}

void policy_check_starttls(struct draft *draft, const struct section *section)
{
	const struct listener_config *listener = section->values;
	const struct policy_config *policy = listener->policy;
	struct slice starttls = SLICE("STARTTLS");
	bool off = false;

	if (listener->tls != LISTENER_REQUIRED || !policy)
		return;
	for (size_t i = 0; i < policy->verbs_off.count; i++)
		off |= slice_eq_nocase(slice_str(policy->verbs_off.item[i]), starttls);
	for (size_t i = 0; i < policy->keywords_hide.count; i++)
		off |= slice_eq_nocase(slice_str(policy->keywords_hide.item[i]), starttls);
	if (off)
		complain(draft->complaints, draft_place(section, "tls"),
			 "`tls = required` needs STARTTLS, which [policy %s] switches off; take it "
			 "out there",
			 policy->name);
}
