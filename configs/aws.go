package configs

// AWS is the accounts and roles, and how AWS is reached.
type AWS struct {
	// Region whose STS endpoint is called. Default us-east-1.
	Region   string   `yaml:"region"`
	Defaults Defaults `yaml:"defaults"`
	// Endpoints replace AWS's own.
	Endpoints Endpoints `yaml:"endpoints"`
	// Credentials are the broker's own principal for assume-role. Left out: the SDK's default chain.
	Credentials *AWSCredentials `yaml:"credentials"`
	// STSRate is the calls a second that one account and region may cost. Default 200.
	STSRate  int       `yaml:"sts_rate"`
	Accounts []Account `yaml:"accounts"`
	Roles    []Role    `yaml:"roles"`
}

// Defaults apply to roles that say nothing else.
type Defaults struct {
	// Mode is web-identity (default), saml, pass-through or assume-role.
	Mode string `yaml:"mode"`
	// Duration is how long credentials last when nobody asks for another. Default 1h.
	Duration Duration `yaml:"duration"`
}

// Endpoints replace AWS's own; all need https unless they are loopback.
type Endpoints struct {
	STS     string `yaml:"sts"`
	Signin  string `yaml:"signin"`
	Console string `yaml:"console"`
}

// AWSCredentials are an IAM user's access key, or temporary credentials.
type AWSCredentials struct {
	AccessKeyID     string `yaml:"access_key_id" jsonschema:"required"`
	SecretAccessKey Secret `yaml:"secret_access_key" jsonschema:"required"`
	SessionToken    Secret `yaml:"session_token"`
}

// Account is one AWS account.
type Account struct {
	// ID is the twelve digits, in quotes.
	ID string `yaml:"id" jsonschema:"required"`
	// Name is what a person reads. Default: the id.
	Name string `yaml:"name"`
	// Mode is the account's default exchange mode.
	Mode string `yaml:"mode"`
	// Region whose STS endpoint is called for this account's roles.
	Region string `yaml:"region"`
	// SAMLProvider is the name of the IAM SAML provider that holds the broker's metadata, for mode saml.
	SAMLProvider string `yaml:"saml_provider"`
}

// Role is one IAM role.
type Role struct {
	// Name is the alias that people type, prod/deploy.
	Name string `yaml:"name" jsonschema:"required"`
	ARN  string `yaml:"arn" jsonschema:"required"`
	// Mode is web-identity, saml, pass-through or assume-role. Default: the account's, then aws.defaults.mode.
	Mode string `yaml:"mode"`
	// Duration is given when nobody asks for another; MaxDuration is the most that may be asked for. Default 1h.
	Duration    Duration `yaml:"duration"`
	MaxDuration Duration `yaml:"max_duration"`
	// ExternalID is sent with AssumeRole.
	ExternalID string `yaml:"external_id"`
	// Through is the alias of the hub role that AssumeRole is called from.
	Through string `yaml:"through"`
	// Policy is a session policy as JSON, PolicyARNs are managed policies: both narrow every session.
	Policy     string   `yaml:"policy"`
	PolicyARNs []string `yaml:"policy_arns"`
	// ConsoleDuration is how long a console session lasts. Left out: as long as the credentials.
	ConsoleDuration Duration `yaml:"console_duration"`
	// InsecureEndpoint lets pass-through send the upstream proof to an endpoint that is not AWS's.
	InsecureEndpoint bool `yaml:"insecure_endpoint"`
	// TrustPolicy is the role's real trust policy, for explain.
	TrustPolicy Secret `yaml:"trust_policy" served:"no"`
}
