package ststest

import (
	"encoding/json"
	"strings"
)

// Names of what the account under test must hold.
const (
	UserName     = "ststest"
	ProviderName = "ststest"
	RolePath     = "/ststest/"

	roleWeb        = "web"        // trusts the OIDC provider for everything; two hours at most
	roleWebPlain   = "web-plain"  // may neither be tagged nor carry a source identity
	roleWebSubject = "web-sub"    // for one subject only
	roleWebBound   = "web-bound"  // wants the token to name it
	roleSAML       = "saml"       // trusts the SAML provider for everything; two hours at most
	roleSAMLPlain  = "saml-plain" // may neither be tagged nor carry a source identity
	roleUser       = "user"       // trusts the user for everything; two hours at most
	roleExternal   = "external"   // wants an external id
	roleTeam       = "team"       // wants the tag team=blue
	roleHub        = "hub"        // trusts the user and may assume every role
	roleSpoke      = "spoke"      // trusts the hub

	externalID = "acme-7f3"
	oneSubject = "ci:one"
)

// Role is an IAM role that the account under test must hold, under RolePath.
type Role struct {
	Name        string
	TrustPolicy json.RawMessage
	// MaxSessionSeconds is IAM's MaxSessionDuration.
	MaxSessionSeconds int
	// Policy is an inline identity policy; nil for none.
	Policy json.RawMessage
}

// UserPolicy returns the inline identity policy that the user named UserName must have.
func UserPolicy() json.RawMessage {
	return document(statement{
		"Effect": "Allow", "Resource": "*", "Action": []string{"sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"},
	})
}

// Setup returns the roles that an account must hold for [Run], besides the user with an access key and [UserPolicy], an
// OIDC provider for issuerURL with the client id audience, and a SAML provider named ProviderName.
func Setup(accountID, issuerURL, audience string) []Role {
	host := strings.TrimPrefix(strings.TrimPrefix(issuerURL, "https://"), "http://")
	arn := "arn:aws:iam::" + accountID + ":"
	oidc, saml := arn+"oidc-provider/"+host, arn+"saml-provider/"+ProviderName
	user, hub := arn+"user/"+UserName, arn+"role"+RolePath+roleHub
	everything := func(action string) []string { return []string{action, "sts:TagSession", "sts:SetSourceIdentity"} }
	equals := func(key, value string) statement { return statement{"StringEquals": statement{key: value}} }
	web, withSAML := "sts:AssumeRoleWithWebIdentity", "sts:AssumeRoleWithSAML"
	signIn := equals("SAML:aud", signInURL)
	return []Role{
		{roleWeb, federated(oidc, everything(web), equals(host+":aud", audience)), 7200, nil},
		{roleWebPlain, federated(oidc, []string{web}, equals(host+":aud", audience)), 3600, nil},
		{roleWebSubject, federated(oidc, everything(web), equals(host+":sub", oneSubject)), 3600, nil},
		{roleWebBound, federated(oidc, everything(web), statement{"Bool": statement{"sts:RoleAuthorizedByIdp": "true"}}), 3600, nil},
		{roleSAML, federated(saml, everything(withSAML), signIn), 7200, nil},
		{roleSAMLPlain, federated(saml, []string{withSAML}, signIn), 3600, nil},
		{roleUser, trusted(user, nil), 7200, nil},
		{roleExternal, trusted(user, equals("sts:ExternalId", externalID)), 3600, nil},
		{roleTeam, trusted(user, equals("aws:RequestTag/team", "blue")), 3600, nil},
		{roleHub, trusted(user, nil), 7200, UserPolicy()},
		{roleSpoke, trusted(hub, nil), 7200, nil},
	}
}

type statement map[string]any

func federated(provider string, actions []string, condition statement) json.RawMessage {
	return document(statement{"Effect": "Allow", "Principal": statement{"Federated": provider}, "Action": actions, "Condition": condition})
}

func trusted(principal string, condition statement) json.RawMessage {
	s := statement{
		"Effect": "Allow", "Principal": statement{"AWS": principal},
		"Action": []string{"sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"},
	}
	if condition != nil {
		s["Condition"] = condition
	}
	return document(s)
}

func document(s statement) json.RawMessage {
	raw, err := json.Marshal(statement{"Version": "2012-10-17", "Statement": []statement{s}})
	if err != nil {
		panic(err) // maps of strings always marshal
	}
	return raw
}
