package configs

// Rule gives or takes roles.
type Rule struct {
	Name string `yaml:"name" jsonschema:"required"`
	// IdP is the id of the identity provider that the rule speaks of.
	IdP string `yaml:"idp" jsonschema:"required"`
	// Match are exact values by claim; /a/b is a JSON Pointer; a list means any of them. All keys must match.
	Match map[string]Values `yaml:"match"`
	// When is a CEL expression over claims.
	When string `yaml:"when"`
	// Require is the strength and freshness of the login.
	Require Require `yaml:"require"`
	// Deny takes the roles away whatever else grants them.
	Deny bool `yaml:"deny"`
	// Roles are aliases, or * in a deny rule.
	Roles []string `yaml:"roles" jsonschema:"required"`
	// MaxDuration is the most that may be asked for by this rule.
	MaxDuration Duration `yaml:"max_duration"`
	// Policy is a session policy as JSON, PolicyARNs are managed policies: both narrow the session.
	Policy     string       `yaml:"policy"`
	PolicyARNs []string     `yaml:"policy_arns"`
	Session    SessionShape `yaml:"session"`
}

// Require is the strength and freshness of a login.
type Require struct {
	MFA bool `yaml:"mfa"`
	// MaxAuthAge is how long ago the person may have proved themselves.
	MaxAuthAge Duration `yaml:"max_auth_age"`
	// ACR are authentication classes, any of which will do.
	ACR []string `yaml:"acr"`
}

// SessionShape is how the AWS session looks; name, source_identity and tags are CEL expressions that give strings.
type SessionShape struct {
	Name           string            `yaml:"name"`
	SourceIdentity string            `yaml:"source_identity"`
	Tags           map[string]string `yaml:"tags"`
	// Transitive are tag keys that go on with the session through further roles.
	Transitive []string `yaml:"transitive"`
	// ClientName lets clients of the STS door choose the session name.
	ClientName bool `yaml:"client_name" served:"no"`
}

// Test is one mapping test.
type Test struct {
	Name string `yaml:"name" jsonschema:"required"`
	IdP  string `yaml:"idp" jsonschema:"required"`
	// Claims are what the provider would say.
	Claims map[string]any `yaml:"claims" jsonschema:"required"`
	Expect Expect         `yaml:"expect" jsonschema:"required"`
}

// Expect is what a test wants.
type Expect struct {
	// Roles are exactly the aliases granted, in any order.
	Roles []string `yaml:"roles" jsonschema:"required"`
	// Session is what the first of them would look like; what is left out is not compared.
	Session *ExpectSession `yaml:"session"`
}

// ExpectSession compares what it names.
type ExpectSession struct {
	Name           string            `yaml:"name"`
	SourceIdentity string            `yaml:"source_identity"`
	Tags           map[string]string `yaml:"tags"`
}
