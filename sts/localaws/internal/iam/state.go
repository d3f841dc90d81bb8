package iam

import (
	"slices"
	"strings"
	"sync"
)

// Options are what a [State] needs.
type Options struct {
	Minter Minter
	// InsecureProviders takes http issuers with ports on loopback hosts.
	InsecureProviders bool
}

// State is every account and what is in it. It is safe for concurrent use.
type State struct {
	options Options

	mu       sync.RWMutex
	accounts map[string]*account
	keys     map[string]AccessKey
}

type account struct {
	Account
	users map[string]*User // by lower-case name
	roles map[string]*Role // by lower-case name
	oidc  map[string]*OIDCProvider
	saml  map[string]*SAMLProvider
}

// NewState returns a state without accounts.
func NewState(options Options) *State {
	return &State{options: options, accounts: map[string]*account{}, keys: map[string]AccessKey{}}
}

// CreateAccount adds an account; an empty partition is aws.
func (s *State) CreateAccount(a Account) (Account, error) {
	if a.Partition == "" {
		a.Partition = "aws"
	}
	if err := checkAccount(a); err != nil {
		return Account{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.accounts[a.ID]; ok {
		return Account{}, refuse(codeExists, "account %s exists already", a.ID)
	}
	s.accounts[a.ID] = &account{
		Account: a, users: map[string]*User{}, roles: map[string]*Role{},
		oidc: map[string]*OIDCProvider{}, saml: map[string]*SAMLProvider{},
	}
	return a, nil
}

// Accounts returns all accounts in the order of their ids.
func (s *State) Accounts() []Account {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]Account, 0, len(s.accounts))
	for _, a := range s.accounts {
		out = append(out, a.Account)
	}
	slices.SortFunc(out, func(a, b Account) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// AccessKeys returns all long-term keys in the order of their users' ARNs.
func (s *State) AccessKeys() []AccessKey {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]AccessKey, 0, len(s.keys))
	for _, key := range s.keys {
		out = append(out, key)
	}
	slices.SortFunc(out, func(a, b AccessKey) int {
		return strings.Compare(a.User.ARN()+" "+a.ID, b.User.ARN()+" "+b.ID)
	})
	return out
}

// AccessKey returns the long-term key of an id.
func (s *State) AccessKey(id string) (AccessKey, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	key, ok := s.keys[id]
	return key, ok
}

// Account returns the account of an id.
func (s *State) Account(id string) (Account, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	a, ok := s.accounts[id]
	if !ok {
		return Account{}, false
	}
	return a.Account, true
}

// Role returns the role that an ARN names, partition, path and case included.
func (s *State) Role(arn string) (*Role, bool) {
	accountID, name := split(arn)
	s.mu.RLock()
	defer s.mu.RUnlock()
	a, ok := s.accounts[accountID]
	if !ok {
		return nil, false
	}
	role, ok := a.roles[strings.ToLower(name)]
	if !ok || role.ARN() != arn {
		return nil, false
	}
	return role, true
}

// OIDCProvider returns the provider of an issuer in one account; the issuer is compared exactly.
func (s *State) OIDCProvider(accountID, issuer string) (*OIDCProvider, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	a, ok := s.accounts[accountID]
	if !ok {
		return nil, false
	}
	p, ok := a.oidc[issuer]
	return p, ok
}

// SAMLProvider returns the provider that an ARN names.
func (s *State) SAMLProvider(arn string) (*SAMLProvider, bool) {
	accountID, name := split(arn)
	s.mu.RLock()
	defer s.mu.RUnlock()
	a, ok := s.accounts[accountID]
	if !ok {
		return nil, false
	}
	p, ok := a.saml[name]
	if !ok || p.ARN() != arn {
		return nil, false
	}
	return p, true
}

// split returns an ARN's account and the last part of its resource.
func split(arn string) (accountID, name string) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 {
		return "", ""
	}
	return parts[4], parts[5][strings.LastIndexByte(parts[5], '/')+1:]
}

// within runs change on an account under the lock.
func (s *State) within(accountID string, change func(a *account) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.accounts[accountID]
	if !ok {
		return refuse(codeNoEntity, "account %s does not exist", accountID)
	}
	return change(a)
}

// UserExists says whether an ARN names a user, path and case included.
func (s *State) UserExists(arn string) bool {
	accountID, name := split(arn)
	s.mu.RLock()
	defer s.mu.RUnlock()
	a, ok := s.accounts[accountID]
	if !ok {
		return false
	}
	user, ok := a.users[strings.ToLower(name)]
	return ok && user.ARN() == arn
}
