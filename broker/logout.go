package broker

import (
	"context"
	"errors"

	"github.com/fedbroker/fedbroker/idp"
)

// ReadLogout runs a provider's reading of a message that a session of its own ended, and then the check that no provider
// can skip: no node has seen the message before. Nobody is signed in by it: the visit has no identity afterwards, but
// its record names whom the message is about.
func (v *Visit) ReadLogout(ctx context.Context, read func(context.Context) (idp.Logout, error)) (idp.Logout, error) {
	l, err := read(ctx)
	if err != nil {
		return idp.Logout{}, fromIdP(err)
	}
	if l.Provider == "" || l.Issuer == "" || l.Proof.Hash == "" || l.Subject == "" && len(l.SessionIDs) == 0 {
		return idp.Logout{}, Refuse(CodeInvalidToken, "the message names no session",
			errors.New("a provider returned a logout without provider, issuer, proof hash, or anything to end"))
	}
	v.event.Provider, v.event.Issuer, v.event.Subject, v.event.ProofHash = l.Provider, l.Issuer, l.Subject, l.Proof.Hash
	v.told = true
	if err := v.useOnce(ctx, "logout", l.Provider, l.Issuer, l.Proof); err != nil {
		return idp.Logout{}, err
	}
	return l, nil
}

// FinishLogout runs a provider's reading of the answer to a sign-out that began here.
func (v *Visit) FinishLogout(ctx context.Context, provider string, read func(context.Context) (partly bool, err error)) (partly bool, err error) {
	v.event.Provider = provider
	if partly, err = read(ctx); err != nil {
		return false, fromIdP(err)
	}
	return partly, nil
}
