#include "config/allow.h"

#include "config/values.h"

static const char digest_why[] = "expected 64 hexadecimal digits behind it, with or without colons";

static int hex_value(char c)
{
	c = slice_upper(c);
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool take_digest(struct allow_rule *rule)
{
	size_t digits = 0;

	for (size_t i = 0; i < rule->value.len; i++) {
		int value = hex_value(rule->value.ptr[i]);
		unsigned char *byte = &rule->digest[digits / 2];

		if (rule->value.ptr[i] == ':' && digits % 2 == 0)
			continue;
		if (value < 0 || digits == sizeof rule->digest * 2)
			return false;
		*byte = (unsigned char)(digits % 2 == 0 ? value << 4 : *byte | value);
		digits++;
	}
	return digits == sizeof rule->digest * 2;
}

static bool take_dns(struct allow_rule *rule)
{
	bool wild = slice_eq(slice_head(rule->value, 2), SLICE("*."));

	return value_is_domain(slice_skip(rule->value, wild ? 2 : 0));
}

static bool take_email(struct allow_rule *rule)
{
	size_t at = slice_find(rule->value, '@', 0);

	return at > 0 && value_is_domain(slice_skip(rule->value, at + 1));
}

static bool take_uri(struct allow_rule *rule)
{
	size_t colon = slice_find(rule->value, ':', 0);

	return colon > 0 && colon + 1 < rule->value.len;
}

/* Each part, between commas that no backslash escapes, is `type=value`. */
static bool take_subject(struct allow_rule *rule)
{
	bool equals = false;

	for (size_t i = 0; i < rule->value.len; i++) {
		char c = rule->value.ptr[i];

		if (c == ',' && !equals)
			return false;
		equals = (equals || c == '=') && c != ',';
		i += c == '\\';
	}
	return equals;
}

static const struct {
	struct slice word;
	bool (*take)(struct allow_rule *rule);
	const char *why;
} kinds[] = {
	[ALLOW_DNS] = { { "dns:", 4 }, take_dns, "expected a host name, or `*.` and a domain" },
	[ALLOW_EMAIL] = { { "email:", 6 },
			  take_email,
			  "expected an address such as a@example.org" },
	[ALLOW_URI] = { { "uri:", 4 }, take_uri, "expected a URI such as spiffe://example.org/a" },
	[ALLOW_SUBJECT] = { { "subject:", 8 }, take_subject, "expected a name such as CN=a,O=b" },
	[ALLOW_SHA256] = { { "sha256:", 7 }, take_digest, digest_why },
	[ALLOW_SPKI] = { { "spki:", 5 }, take_digest, digest_why },
};

enum { KINDS = sizeof kinds / sizeof *kinds };

bool allow_parse(struct slice text, struct allow_rule *rule, const char **why)
{
	for (size_t kind = 0; kind < KINDS; kind++) {
		if (!slice_eq(slice_head(text, kinds[kind].word.len), kinds[kind].word))
			continue;
		*rule = (struct allow_rule){ .kind = (enum allow_kind)kind };
		rule->value = slice_trim(slice_skip(text, kinds[kind].word.len));
		*why = kinds[kind].why;
		return kinds[kind].take(rule);
	}
	*why = "expected dns:, email:, uri:, subject:, sha256: or spki: and a value";
	return false;
}

bool allow_is_subject(struct slice text)
{
	return slice_eq(slice_head(text, kinds[ALLOW_SUBJECT].word.len), kinds[ALLOW_SUBJECT].word);
}
