package iam

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/fedbroker/fedbroker/sts/iampolicy"
)

// CreateUser adds a user to its account; an empty path is the root path.
func (s *State) CreateUser(u User) (*User, error) {
	if u.Path == "" {
		u.Path = "/"
	}
	if err := checkName("user", u.Name, u.Path); err != nil {
		return nil, err
	}
	if err := CheckTags(u.Tags); err != nil {
		return nil, err
	}
	id, err := s.options.Minter.UniqueID(PrefixUser)
	if err != nil {
		return nil, err
	}
	u.ID = id
	err = s.within(u.Account.ID, func(a *account) error {
		key := strings.ToLower(u.Name)
		if _, ok := a.users[key]; ok {
			return refuse(codeExists, "user %s exists already", u.Name)
		}
		u.Account = a.Account
		a.users[key] = &u
		return nil
	})
	return &u, err
}

// CreateAccessKey gives a user a key. Without an id and secret it mints both.
func (s *State) CreateAccessKey(user *User, id, secret string) (AccessKey, error) {
	key, err := s.newKey(user, id, secret)
	if err != nil {
		return AccessKey{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.keys[key.ID]; ok {
		return AccessKey{}, refuse(codeExists, "access key %s exists already", key.ID)
	}
	held := 0
	for _, other := range s.keys {
		if other.User == user {
			held++
		}
	}
	if held >= maxKeysPerUser {
		return AccessKey{}, refuse(codeLimit, "Cannot exceed quota for AccessKeysPerUser: %d", maxKeysPerUser)
	}
	s.keys[key.ID] = key
	return key, nil
}

func (s *State) newKey(user *User, id, secret string) (AccessKey, error) {
	if id == "" && secret == "" {
		return s.mintKey(user)
	}
	if !keyIDPattern.MatchString(id) {
		return AccessKey{}, refuse(codeInvalid, "access key id %q is not AKIA and 12 or more of A-Z and 0-9", id)
	}
	if len(secret) < minSecret || len(secret) > maxSecret {
		return AccessKey{}, refuse(codeInvalid, "the secret of access key %s is not %d to %d characters long", id, minSecret, maxSecret)
	}
	return AccessKey{ID: id, Secret: secret, User: user}, nil
}

func (s *State) mintKey(user *User) (AccessKey, error) {
	id, err := s.options.Minter.AccessKeyID(PrefixAccessKey, user.Account.ID)
	if err != nil {
		return AccessKey{}, err
	}
	secret, err := s.options.Minter.SecretKey()
	if err != nil {
		return AccessKey{}, err
	}
	return AccessKey{ID: id, Secret: secret, User: user}, nil
}

// CreateRole adds a role to its account; no maximum means one hour.
func (s *State) CreateRole(r Role) (*Role, error) {
	if r.Path == "" {
		r.Path = "/"
	}
	if r.MaxSessionDuration == 0 {
		r.MaxSessionDuration = minSession
	}
	if err := checkRole(r); err != nil {
		return nil, err
	}
	id, err := s.options.Minter.UniqueID(PrefixRole)
	if err != nil {
		return nil, err
	}
	r.ID = id
	err = s.within(r.Account.ID, func(a *account) error {
		key := strings.ToLower(r.Name)
		if _, ok := a.roles[key]; ok {
			return refuse(codeExists, "role %s exists already", r.Name)
		}
		r.Account = a.Account
		a.roles[key] = &r
		return nil
	})
	return &r, err
}

func checkRole(r Role) error {
	if err := checkName("role", r.Name, r.Path); err != nil {
		return err
	}
	if r.MaxSessionDuration < minSession || r.MaxSessionDuration > maxSession {
		return refuse(codeInvalid, "role %s: max_session_duration %d is not %d to %d seconds", r.Name, r.MaxSessionDuration, minSession, maxSession)
	}
	if r.Trust.Policy == nil {
		return refuse(codeMalformed, "role %s has no trust policy", r.Name)
	}
	return CheckTags(r.Tags)
}

// ParsePolicy reads a policy and holds it to what IAM checks when one is written.
func ParsePolicy(name string, document []byte, kind iampolicy.Kind) (iampolicy.Source, error) {
	if kind == iampolicy.Identity && !policyPattern.MatchString(name) {
		return iampolicy.Source{}, refuse(codeInvalid, "policy name %q is not 1 to 128 of letters, digits and _+=,.@-", name)
	}
	policy, err := iampolicy.Parse(document, kind)
	if err != nil {
		return iampolicy.Source{}, refuse(codeMalformed, "%v", err)
	}
	for _, finding := range policy.Validate() {
		if finding.Severity == iampolicy.Error {
			return iampolicy.Source{}, refuse(codeMalformed, "%s: %s", finding.Place, finding.Message)
		}
	}
	return iampolicy.Source{Name: name, Policy: policy}, nil
}

// PutOIDCProvider adds a provider, or replaces the one of the same URL.
func (s *State) PutOIDCProvider(p OIDCProvider) (*OIDCProvider, error) {
	if err := checkProviderURL(p.URL, s.options.InsecureProviders); err != nil {
		return nil, err
	}
	if len(p.ClientIDs) > maxClientIDs {
		return nil, refuse(codeLimit, "provider %s has more than %d client ids", p.URL, maxClientIDs)
	}
	for _, id := range p.ClientIDs {
		if n := utf8.RuneCountInString(id); n == 0 || n > maxClientID {
			return nil, refuse(codeInvalid, "provider %s: a client id is not 1 to %d characters long", p.URL, maxClientID)
		}
	}
	p.ClientIDs = slices.Clone(p.ClientIDs)
	err := s.within(p.Account.ID, func(a *account) error {
		p.Account = a.Account
		a.oidc[p.URL] = &p
		return nil
	})
	return &p, err
}

// PutSAMLProvider adds a provider, or replaces the metadata of the one of the same name. The caller has checked that
// the metadata can be read.
func (s *State) PutSAMLProvider(p SAMLProvider) (*SAMLProvider, error) {
	if !samlNamePattern.MatchString(p.Name) {
		return nil, refuse(codeInvalid, "SAML provider name %q is not 1 to 128 of letters, digits and ._-", p.Name)
	}
	err := s.within(p.Account.ID, func(a *account) error {
		p.Account = a.Account
		a.saml[p.Name] = &p
		return nil
	})
	return &p, err
}
