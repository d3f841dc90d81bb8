package configs

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/fedbroker/fedbroker/sts"
)

var (
	accountPattern    = regexp.MustCompile(`^[0-9]{12}$`)
	regionPattern     = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$`)
	externalIDPattern = regexp.MustCompile(`^[\w+=,.@:/-]+$`) // STS AssumeRole, ExternalId
	aliasPattern      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$`)
	providerPattern   = regexp.MustCompile(`^[\w._-]{1,128}$`) // IAM CreateSAMLProvider, Name
)

func (c *checker) aws() {
	c.region("aws.region", c.AWS.Region)
	c.mode("aws.defaults.mode", c.AWS.Defaults.Mode)
	c.lifetime("aws.defaults.duration", c.AWS.Defaults.Duration)
	if c.AWS.STSRate < 0 {
		c.problem("aws.sts_rate", "want a number above zero")
	}
	for name, raw := range map[string]string{"sts": c.AWS.Endpoints.STS, "signin": c.AWS.Endpoints.Signin, "console": c.AWS.Endpoints.Console} {
		if raw == "" {
			continue
		}
		if why := badBaseURL(raw); why != "" {
			c.problem("aws.endpoints."+name, "%s", why)
		}
	}
	if (c.AWS.Endpoints.Signin == "") != (c.AWS.Endpoints.Console == "") {
		c.problem("aws.endpoints", "signin and console go together")
	}
	accounts := c.accounts()
	c.roles(accounts)
}

func (c *checker) accounts() map[string]*Account {
	accounts := map[string]*Account{}
	for i := range c.AWS.Accounts {
		a, path := &c.AWS.Accounts[i], fmt.Sprintf("aws.accounts[%d]", i)
		if !accountPattern.MatchString(a.ID) {
			c.problem(path+".id", "want twelve digits in quotes, got %q", a.ID)
		}
		if accounts[a.ID] != nil {
			c.problem(path+".id", "account %s is there twice", a.ID)
		}
		if a.SAMLProvider != "" && !providerPattern.MatchString(a.SAMLProvider) {
			c.problem(path+".saml_provider", "want the provider's name, not its ARN")
		}
		c.mode(path+".mode", a.Mode)
		c.region(path+".region", a.Region)
		accounts[a.ID] = a
	}
	return accounts
}

func (c *checker) roles(accounts map[string]*Account) {
	byName, byARN := map[string]*Role{}, map[string]string{}
	for i := range c.AWS.Roles {
		r, path := &c.AWS.Roles[i], fmt.Sprintf("aws.roles[%d]", i)
		if !aliasPattern.MatchString(r.Name) {
			c.problem(path+".name", "want an alias such as prod/deploy, got %q", r.Name)
		}
		if byName[r.Name] != nil {
			c.problem(path+".name", "the alias %q is there twice", r.Name)
		}
		if other, twice := byARN[r.ARN]; twice {
			c.problem(path+".arn", "this ARN is already %q", other)
		}
		byName[r.Name], byARN[r.ARN] = r, r.Name
		c.role(r, path, accounts)
	}
	for i := range c.AWS.Roles {
		c.through(&c.AWS.Roles[i], fmt.Sprintf("aws.roles[%d]", i), byName)
	}
}

func (c *checker) role(r *Role, path string, accounts map[string]*Account) {
	arn, err := sts.ParseRoleARN(r.ARN)
	if err != nil {
		c.problem(path+".arn", "%v", err)
		return
	}
	c.mode(path+".mode", r.Mode)
	c.lifetime(path+".duration", r.Duration)
	c.lifetime(path+".max_duration", r.MaxDuration)
	c.lifetime(path+".console_duration", r.ConsoleDuration)
	if longest := r.MaxDuration.Or(time.Hour); r.Duration.Or(0) > longest {
		c.problem(path+".duration", "%s is longer than max_duration, %s", r.Duration.Or(0), longest)
	}
	if n := len(r.ExternalID); n > 0 && (n < 2 || n > 1224 || !externalIDPattern.MatchString(r.ExternalID)) {
		c.problem(path+".external_id", "want 2 to 1224 of letters, digits and _+=,.@:/-")
	}
	c.policy(path, r.Policy, r.PolicyARNs)
	if region := c.RegionOf(r); partitionOf(region) != arn.Partition() {
		c.problem(path+".arn", "the role is in partition %s, but the region is %s; set region on its account", arn.Partition(), region)
	}

	switch mode := c.ModeOf(r); {
	case mode == sts.ModeSAML && (accounts[arn.AccountID()] == nil || accounts[arn.AccountID()].SAMLProvider == ""):
		c.problem(path+".mode", "mode saml needs saml_provider on account %s", arn.AccountID())
	case mode == sts.ModeSAML && c.Store.Redis == nil && !c.Issuer.SAMLKey.Given() && c.AWS.Endpoints.STS == "":
		c.problem(path+".mode", "mode saml needs issuer.saml_key or store.redis: a key kept in memory is another after each start, and AWS holds the old one's metadata")
	case mode == sts.ModePassThrough && c.AWS.Endpoints.STS != "" && !r.InsecureEndpoint:
		c.problem(path+".mode", "pass-through would show the upstream proof to %s; say insecure_endpoint: true if that is meant", c.AWS.Endpoints.STS)
	case mode != sts.ModeAssumeRole && (r.ExternalID != "" || r.Through != ""):
		c.problem(path, "external_id and through need mode: assume-role")
	}
}

func (c *checker) through(r *Role, path string, byName map[string]*Role) {
	if r.Through == "" {
		return
	}
	hub := byName[r.Through]
	switch {
	case hub == nil:
		c.problem(path+".through", "there is no role %q", r.Through)
	case hub == r || hub.Through != "":
		c.problem(path+".through", "the hub must be another role that does not go through a hub itself")
	case r.MaxDuration.Or(0) > sts.MaxChained:
		c.problem(path+".max_duration", "at most 1h: AWS gives chained sessions no more")
	case c.ModeOf(hub) == sts.ModePassThrough:
		c.problem(path+".through", "a pass-through role cannot be a hub")
	}
}

func (c *checker) policy(path, document string, arns []string) {
	if document != "" && !json.Valid([]byte(document)) {
		c.problem(path+".policy", "is not JSON")
	}
	if len([]rune(document)) > sts.MaxPolicyLength {
		c.problem(path+".policy", "longer than %d characters", sts.MaxPolicyLength)
	}
	if len(arns) > sts.MaxPolicyARNs {
		c.problem(path+".policy_arns", "more than %d", sts.MaxPolicyARNs)
	}
	for _, arn := range arns {
		if !strings.HasPrefix(arn, "arn:") || !strings.Contains(arn, ":policy/") {
			c.problem(path+".policy_arns", "%q is not the ARN of a managed policy", arn)
		}
	}
}

// ModeOf says which exchange mode a role has: its own, its account's or the default.
func (c *Config) ModeOf(r *Role) sts.Mode {
	for _, m := range []string{r.Mode, c.accountMode(r), c.AWS.Defaults.Mode} {
		if m != "" {
			return sts.Mode(m)
		}
	}
	return sts.ModeWebIdentity
}

func (c *Config) accountMode(r *Role) string {
	for _, a := range c.AWS.Accounts {
		if a.ID == sts.RoleARN(r.ARN).AccountID() {
			return a.Mode
		}
	}
	return ""
}

// RegionOf says whose STS endpoint is called for a role: its account's region or the general one.
func (c *Config) RegionOf(r *Role) string {
	for _, a := range c.AWS.Accounts {
		if a.ID == sts.RoleARN(r.ARN).AccountID() && a.Region != "" {
			return a.Region
		}
	}
	if c.AWS.Region != "" {
		return c.AWS.Region
	}
	return "us-east-1"
}

func partitionOf(region string) sts.Partition {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return sts.PartitionChina
	case strings.HasPrefix(region, "us-gov-"):
		return sts.PartitionGov
	}
	return sts.PartitionAWS
}

// IssuerURL is issuer.url or its default.
func (c *Config) IssuerURL() string {
	if c.Issuer.URL != "" {
		return c.Issuer.URL
	}
	return c.Server.PublicURL
}

func (c *checker) mode(path, mode string) {
	switch sts.Mode(mode) {
	case "", sts.ModeWebIdentity, sts.ModeSAML, sts.ModePassThrough, sts.ModeAssumeRole:
	default:
		c.problem(path, "want web-identity, saml, pass-through or assume-role, got %q", mode)
	}
}

func (c *checker) region(path, region string) {
	if region != "" && !regionPattern.MatchString(region) {
		c.problem(path, "want a region such as eu-central-1, got %q", region)
	}
}

func (c *checker) lifetime(path string, d Duration) {
	if d != 0 && (time.Duration(d) < sts.MinDuration || time.Duration(d) > sts.MaxDuration) {
		c.problem(path, "want 15m to 12h, got %s", time.Duration(d))
	}
}
