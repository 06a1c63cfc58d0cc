#include "proxy/relay/identity.h"

#include "certs/names.h"
#include "proxy/relay/session.h"

/* The octets and the family of an address. */
static enum identity_family octets(const struct addr *addr, const uint8_t **at)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (addr->any.sa_family == AF_INET) {
		*at = (const uint8_t *)&addr->v4.sin_addr;
		return FAMILY_V4;
	}
	if (addr->any.sa_family != AF_INET6)
		return FAMILY_NONE;
	*at = addr->v6.sin6_addr.s6_addr;
	if (memcmp(*at, mapped, sizeof mapped) != 0)
		return FAMILY_V6;
	*at += sizeof mapped;
	return FAMILY_V4;
}

static enum identity_family set_end(struct identity_end *end, const struct addr *addr)
{
	const uint8_t *at;
	enum identity_family family = octets(addr, &at);

	*end = (struct identity_end){ .port = addr_port(addr) };
	if (family == FAMILY_NONE)
		return family;
	memcpy(end->host, at, family == FAMILY_V4 ? 4 : 16);
	addr_format_host(addr, end->text, sizeof end->text);
	return family;
}

void identity_set_ends(struct identity *identity, const struct addr *client,
		       const struct addr *local)
{
	static const char *const any[] = {
		[FAMILY_NONE] = "",
		[FAMILY_V4] = "0.0.0.0",
		[FAMILY_V6] = "::",
	};
	struct identity_end *end = &identity->local;

	identity->family = set_end(&identity->client, client);
	if (set_end(end, local) == identity->family)
		return;
	/* Where a balancer tells of the client, the socket may be of another kind. */
	*end = (struct identity_end){ .port = end->port };
	memcpy(end->text, any[identity->family], strlen(any[identity->family]) + 1);
}

enum dial_way identity_way(enum identity_mode mode)
{
	static const enum dial_way ways[] = {
		[IDENTITY_AUTO] = DIAL_SILENT,       [IDENTITY_NONE] = DIAL_SILENT,
		[IDENTITY_PROXY_V1] = DIAL_PROXY_V1, [IDENTITY_PROXY_V2] = DIAL_PROXY_V2,
		[IDENTITY_XCLIENT] = DIAL_XCLIENT,   [IDENTITY_TRANSPARENT] = DIAL_SILENT,
	};

	/* It may come from shared memory. */
	return (size_t)mode < sizeof ways / sizeof *ways ? ways[mode] : DIAL_SILENT;
}

const char *identity_word(unsigned mode)
{
	static const char *const words[] = {
		[IDENTITY_AUTO] = "unknown",      [IDENTITY_NONE] = "none",
		[IDENTITY_PROXY_V1] = "proxy-v1", [IDENTITY_PROXY_V2] = "proxy-v2",
		[IDENTITY_XCLIENT] = "xclient",   [IDENTITY_TRANSPARENT] = "transparent",
	};

	return mode < sizeof words / sizeof *words ? words[mode] : "unknown";
}

enum dial_tls identity_tls(enum backend_tls tls)
{
	static const enum dial_tls kinds[] = {
		[BACKEND_TLS_OFF] = DIAL_PLAIN,
		[BACKEND_TLS_STARTTLS] = DIAL_STARTTLS,
		[BACKEND_TLS_IMPLICIT] = DIAL_IMPLICIT,
	};

	return kinds[tls];
}

static struct slice fitting(struct slice name)
{
	return identity_fits(name) ? name : SLICE("");
}

/* What comes by SNI is any bytes; only a host name is told. */
static struct slice host_name(const char *sni)
{
	char name[NAME_BYTES];
	struct slice text = sni ? slice_str(sni) : SLICE("");

	return name_normalize(text, name) ? fitting(text) : SLICE("");
}

static enum identity_certificate certificate(enum client_why why)
{
	if (why == CLIENT_VERIFIED)
		return CERTIFICATE_VERIFIED;
	return why == CLIENT_NOT_ASKED || why == CLIENT_NONE ? CERTIFICATE_NONE : CERTIFICATE_SHOWN;
}

static void fill_tls(struct identity *identity, const struct session *s)
{
	struct tls_facts facts;

	tls_facts(s->client.ssl, &s->tls, &facts);
	identity->secured = true;
	identity->resumed = facts.resumed;
	identity->version = slice_str(facts.version);
	identity->cipher = slice_str(facts.cipher);
	identity->group = slice_str(facts.group);
	identity->sni = host_name(facts.sni);
	identity->alpn = fitting(tls_protocol(s->client.ssl));
	identity->certificate = certificate(s->tls.why);
	if (identity->certificate != CERTIFICATE_NONE)
		identity->common_name = fitting(tls_common_name(s->client.ssl));
	if (identity->certificate == CERTIFICATE_VERIFIED && s->tls.login)
		identity->login = fitting(slice_str(s->tls.login));
}

void identity_fill(struct identity *identity, const struct session *s)
{
	struct addr local = { .len = sizeof local.local }, client = session_client(s);

	if (getsockname(s->client.fd, &local.any, &local.len) != 0)
		local = (struct addr){ 0 };
	*identity = (struct identity){ .session = slice_str(s->id) };
	identity_set_ends(identity, &client, &local);
	if (s->secured > 0)
		fill_tls(identity, s);
}
