package configs

// Config is the whole file. A field tagged served:"no" has its place in the contract and is refused by this version.
type Config struct {
	// Server is where the broker listens and how the world reaches it.
	Server Server `yaml:"server" jsonschema:"required"`
	// Store is where sessions and credentials are kept, sealed. Left out: in memory, one node.
	Store Store `yaml:"store"`
	// Keys seal what the store holds.
	Keys Keys `yaml:"keys"`
	// Issuer is the broker as an identity provider that AWS trusts.
	Issuer Issuer `yaml:"issuer"`
	// Session bounds login sessions.
	Session Session `yaml:"session"`
	// Audit is where every decision is recorded.
	Audit Audit `yaml:"audit"`
	// Cache says how fresh cached credentials must be.
	Cache Cache `yaml:"cache"`
	// Branding is the company's name, logo and colour on the pages.
	Branding Branding `yaml:"branding"`
	// IdPs are the identity providers that are trusted, in the order in which a person sees them.
	IdPs []IdP `yaml:"idps"`
	// Admins may call the admin API.
	Admins []Admin `yaml:"admins" served:"no"`
	// AWS is the accounts and roles that can be reached, and how.
	AWS AWS `yaml:"aws"`
	// Rules say which identities have which roles. Order matters: the first that matches shapes the session.
	Rules []Rule `yaml:"rules"`
	// Tests are claims with the roles that they must lead to; fedbroker check runs them.
	Tests []Test `yaml:"tests"`
}

// Server is the HTTP side.
type Server struct {
	// Listen is the address of the public listener, host:port. Default ":8443".
	Listen string `yaml:"listen"`
	// PublicURL is what browsers, clients and identity providers call the broker. No path.
	PublicURL string `yaml:"public_url" jsonschema:"required"`
	// AdminListen serves /metrics, /healthz and /readyz. Left out: no admin listener.
	AdminListen string `yaml:"admin_listen"`
	// TLS of the public listener. Left out: plain HTTP, for a load balancer in front or for loopback.
	TLS *TLS `yaml:"tls"`
	// TrustedProxies are addresses or CIDR ranges whose X-Forwarded-For is believed.
	TrustedProxies []string `yaml:"trusted_proxies"`
}

// TLS is a certificate chain and its key, PEM.
type TLS struct {
	Cert Secret `yaml:"cert" jsonschema:"required"`
	Key  Secret `yaml:"key" jsonschema:"required"`
}

// Store chooses at most one backend.
type Store struct {
	Redis    *Redis    `yaml:"redis"`
	Sentinel *Sentinel `yaml:"sentinel" served:"no"`
	Cluster  *Cluster  `yaml:"cluster" served:"no"`
}

// Redis is one server.
type Redis struct {
	// URL is redis:// or rediss:// (TLS) with the database number as its path; env: or file: when it holds a password.
	URL URL `yaml:"url" jsonschema:"required"`
	// Prefix stands before every key. Default "fed:".
	Prefix string `yaml:"prefix"`
	// Username and Password are those of an ACL user.
	Username string `yaml:"username"`
	Password Secret `yaml:"password"`
	// CA is the PEM of the authority that signed the server's certificate. Left out: the system's.
	CA Secret `yaml:"ca"`
}

// Sentinel is Redis behind Sentinel.
type Sentinel struct {
	Master    string   `yaml:"master" jsonschema:"required"`
	Addresses []string `yaml:"addresses" jsonschema:"required"`
	Prefix    string   `yaml:"prefix"`
	Username  string   `yaml:"username"`
	Password  Secret   `yaml:"password"`
	CA        Secret   `yaml:"ca"`
}

// Cluster is a Redis Cluster.
type Cluster struct {
	Addresses []string `yaml:"addresses" jsonschema:"required"`
	Prefix    string   `yaml:"prefix"`
	Username  string   `yaml:"username"`
	Password  Secret   `yaml:"password"`
	CA        Secret   `yaml:"ca"`
}

// Keys holds key rings.
type Keys struct {
	// Sealing encrypts everything in the store. Needed with Redis; in memory a key is made at each start.
	Sealing *Ring `yaml:"sealing"`
}

// Ring is 32-byte keys in base64, by name: all of them open, the active one seals.
type Ring struct {
	Active string            `yaml:"active" jsonschema:"required"`
	Ring   map[string]Secret `yaml:"ring" jsonschema:"required"`
}

// Issuer is what AWS is told about the broker.
type Issuer struct {
	// URL is the iss of the broker's tokens, the IAM OIDC provider's URL. Default: server.public_url.
	URL string `yaml:"url"`
	// Audience is the aud of the broker's tokens. Default: sts.amazonaws.com.
	Audience string `yaml:"audience"`
	// SigningKey is a PEM private key for tokens, EC P-256 or RSA. Left out: made at first start, kept sealed in the store, rotated.
	SigningKey Secret `yaml:"signing_key"`
	// SAMLKey and SAMLCertificate sign the broker's SAML Responses. Left out: made at first start, kept sealed in the store.
	SAMLKey         Secret `yaml:"saml_key"`
	SAMLCertificate Secret `yaml:"saml_certificate"`
}

// Session bounds login sessions.
type Session struct {
	// Absolute ends a login session whatever happens. Default 12h.
	Absolute Duration `yaml:"absolute"`
	// Idle ends one that is not used. Default 1h.
	Idle Duration `yaml:"idle"`
}

// Audit is the audit log.
type Audit struct {
	// File takes JSON lines, hash-chained. Left out: standard output.
	File Path `yaml:"file"`
}

// Cache is the credential cache.
type Cache struct {
	// MinRemaining is the life that cached credentials must still have. Default 15m.
	MinRemaining Duration `yaml:"min_remaining"`
}

// Branding is how the pages look.
type Branding struct {
	// Name of the company. Default: fedbroker.
	Name string `yaml:"name"`
	// Logo is an image file, SVG or PNG, of at most 64 KiB.
	Logo Secret `yaml:"logo"`
	// Accent is a CSS hex colour.
	Accent string `yaml:"accent"`
	// Contact is whom a refused person may ask: a mail address or an https URL.
	Contact string `yaml:"contact"`
}

// IdP is one identity provider. Exactly one of saml, oidc, workload, oauth2 and ldap is set.
type IdP struct {
	// ID names the provider in rules, URLs and subjects: 1 to 32 of a-z, 0-9 and -.
	ID string `yaml:"id" jsonschema:"required"`
	// Name is what a person reads. Default: the id.
	Name string `yaml:"name"`

	SAML     *SAML     `yaml:"saml"`
	OIDC     *OIDC     `yaml:"oidc"`
	Workload *Workload `yaml:"workload"`
	OAuth2   *OAuth2   `yaml:"oauth2"`
	LDAP     *LDAP     `yaml:"ldap"`

	// Logout is provider or local: whether signing out here goes on to the provider, where that has a logout. What the
	// provider itself ends is over here in any case. Default provider; for saml and oidc.
	Logout string `yaml:"logout"`
	// MFA says which authentication methods or classes count as a second factor.
	MFA MFA `yaml:"mfa"`
	// Domains are mail domains, in lower case, whose people are sent here; each leads to one provider.
	Domains []string `yaml:"domains"`
	// Skew is how far the provider's clock may be off. Default 1m, at most 5m.
	Skew Duration `yaml:"skew"`
	// MaxAge refuses proofs issued longer ago. Default 5m for SAML and OIDC logins, 24h for workload tokens.
	MaxAge Duration `yaml:"max_age"`
	// JWKSFile pins the issuer's keys: they are read from this JSON file and nothing is fetched.
	JWKSFile Path `yaml:"jwks_file"`
	// AuthorizedParties are foreign azp values that are accepted.
	AuthorizedParties []string `yaml:"authorized_parties"`
	// Once accepts each workload token a single time.
	Once bool `yaml:"once"`
	// PrivateNetwork allows the provider to live at a private address.
	PrivateNetwork bool `yaml:"private_network"`
	// InsecureHTTP allows plain HTTP to a loopback address, for tests and demonstrations.
	InsecureHTTP bool `yaml:"insecure_http"`
}

// MFA lists what counts; an identity that shows any of it has a second factor.
type MFA struct {
	AMR []string `yaml:"amr"`
	ACR []string `yaml:"acr"`
}

// SAML is a SAML 2.0 identity provider: AD FS, Entra ID, Okta, Shibboleth, Keycloak, Auth0.
type SAML struct {
	// MetadataURL is fetched at start and refreshed; MetadataFile is read at start. One of them.
	MetadataURL  string `yaml:"metadata_url"`
	MetadataFile Path   `yaml:"metadata_file"`
	// AllowIDPInitiated accepts Responses that nobody asked for.
	AllowIDPInitiated bool `yaml:"allow_idp_initiated"`
	// Direct accepts a Response at the JSON API.
	Direct bool `yaml:"direct"`
	// AllowSHA1 accepts SHA-1 signatures, for one old provider while it is being mended.
	AllowSHA1 bool `yaml:"allow_sha1"`
	// SignRequests signs AuthnRequests even where the metadata does not ask for it.
	SignRequests bool `yaml:"sign_requests"`
	// SPKey and SPCertificate are the broker's own SAML keys, PEM, RSA. Left out: made at first start, kept sealed in the store.
	SPKey         Secret `yaml:"sp_key"`
	SPCertificate Secret `yaml:"sp_certificate"`
	// Claims names the attributes that hold username, email and groups.
	Claims Claims `yaml:"claims"`
}

// Claims names where the normalised values stand in what the provider says.
type Claims struct {
	Username string `yaml:"username"`
	Email    string `yaml:"email"`
	Groups   string `yaml:"groups"`
}

// OIDC is an OpenID Connect login: Auth0, Entra ID, Okta, Keycloak, Google.
type OIDC struct {
	// Issuer is the exact iss; Auth0's ends in a slash.
	Issuer   string `yaml:"issuer" jsonschema:"required"`
	ClientID string `yaml:"client_id" jsonschema:"required"`
	// ClientSecret is left out for a public client.
	ClientSecret Secret `yaml:"client_secret"`
	// Scopes are asked for beside openid. Default: profile and email.
	Scopes []string `yaml:"scopes"`
	// Tenant pins claims of the ID token on an issuer that serves everybody: others are strangers.
	Tenant map[string]Values `yaml:"tenant"`
	// Userinfo also reads the userinfo endpoint, for providers that keep groups out of the ID token.
	Userinfo bool   `yaml:"userinfo"`
	Claims   Claims `yaml:"claims"`
}

// Workload is an issuer of tokens for machines: GitHub Actions, GitLab, Kubernetes and their like.
type Workload struct {
	// Issuer is the exact iss.
	Issuer string `yaml:"issuer" jsonschema:"required"`
	// Audiences mean this broker; a token must carry one of them.
	Audiences []string `yaml:"audiences" jsonschema:"required"`
	// Tenant pins claims on an issuer that serves many customers: outside them a token is a stranger's.
	Tenant map[string]Values `yaml:"tenant"`
	// RequiredClaims must be present, whatever their value.
	RequiredClaims []string `yaml:"required_claims"`
	Claims         Claims   `yaml:"claims"`
}

// OAuth2 is a login that is OAuth 2.0 plus a user-info API: GitHub, GitHub Enterprise, Facebook, X.
type OAuth2 struct {
	// Preset is github, github-enterprise, facebook or x; the keys below overwrite its own.
	Preset string `yaml:"preset"`
	// BaseURL is the GitHub Enterprise Server, or the company's host at ghe.com. Needed with that preset.
	BaseURL      string   `yaml:"base_url"`
	ClientID     string   `yaml:"client_id" jsonschema:"required"`
	ClientSecret Secret   `yaml:"client_secret"`
	Scopes       []string `yaml:"scopes"`
	AuthorizeURL string   `yaml:"authorize_url"`
	TokenURL     string   `yaml:"token_url"`
	UserinfoURL  string   `yaml:"userinfo_url"`
	// Fields names where subject, username, email and groups stand in the user-info answer, as JSON Pointers. Without a
	// preset subject is required.
	Fields map[string]string `yaml:"fields"`
}

// LDAP is Active Directory or another directory.
type LDAP struct {
	// URL is ldaps:// or, with start_tls, ldap://; several are tried in order.
	URL      Strings `yaml:"url" jsonschema:"required"`
	StartTLS bool    `yaml:"start_tls"`
	// CA is the PEM of the authority that signed the servers' certificates. Left out: the system's.
	CA Secret `yaml:"ca"`
	// ServerName is the name in the servers' certificates where it is not the host of the URL: through a tunnel.
	ServerName string `yaml:"server_name"`
	// BaseDN is where people are searched; GroupBaseDN, where groups count. Default of the latter: base_dn.
	BaseDN      string `yaml:"base_dn" jsonschema:"required"`
	GroupBaseDN string `yaml:"group_base_dn"`
	// BindDN and BindPassword are a service account's, which needs to read only.
	BindDN       string `yaml:"bind_dn"`
	BindPassword Secret `yaml:"bind_password"`
	// UPNSuffix binds people directly as name@suffix, without a service account.
	UPNSuffix string `yaml:"upn_suffix"`
	// UserFilter finds a person, with {username} as a whole value. Default: account name or UPN on Active Directory, uid elsewhere.
	UserFilter string `yaml:"user_filter"`
	// GroupFilter finds groups, with {dn} (or, in flat groups, {username}) as a whole value. Default: the matching rule
	// on Active Directory, member and uniqueMember elsewhere.
	GroupFilter string `yaml:"group_filter"`
	// NestedGroups follows groups inside groups. Default true.
	NestedGroups *bool `yaml:"nested_groups"`
	// Attributes become claims beside the usual ones, each a list.
	Attributes []string `yaml:"attributes"`
}

// Admin is who may call the admin API.
type Admin struct {
	IdP     string            `yaml:"idp" jsonschema:"required"`
	Match   map[string]Values `yaml:"match" jsonschema:"required"`
	Require Require           `yaml:"require"`
	// Workloads lets tokens of machines be admins.
	Workloads bool `yaml:"workloads"`
}
