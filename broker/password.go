package broker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/internal/secret"
)

// At most so many passwords are tried for one name in that time, over all nodes: fewer than most directories lock an
// account after. A right password ends the count.
const (
	maxAttempts   = 5
	attemptWindow = 15 * time.Minute
)

// CauseThrottled is the private cause of a refusal by the number of attempts.
const CauseThrottled idp.Cause = "too many attempts for this name"

// Password is what a person typed.
type Password struct {
	Provider string // the id of the directory
	Username string
	Secret   secret.Text
}

// AuthenticatePassword asks a directory, unless too many passwords were tried for the name. The answer to that is the
// answer to a wrong password, and names are counted whether they exist or not.
func (v *Visit) AuthenticatePassword(ctx context.Context, directory idp.Directory, p Password) error {
	slot, err := v.attempt(ctx, p)
	if err != nil {
		return err
	}
	err = v.Authenticate(ctx, idp.ProofBind, func(ctx context.Context) (idp.Identity, error) {
		return directory.Authenticate(ctx, p.Username, p.Secret)
	})
	if err == nil {
		return v.forgetAttempts(ctx, attemptSlots(p)...)
	}
	var e *Error
	if errors.As(err, &e) && e.Code == CodeUpstreamUnavailable { // nobody looked at the password
		if forgetErr := v.forgetAttempts(ctx, slot); forgetErr != nil {
			v.broker.Logger.Warn("an attempt that does not count could not be taken back", "request_id", v.ID(), "error", forgetErr)
		}
	}
	return err
}

// attempt claims one of the slots of a name before the directory is asked: of many requests at once no more than
// maxAttempts get one, whatever node they are at.
func (v *Visit) attempt(ctx context.Context, p Password) (string, error) {
	for _, slot := range attemptSlots(p) {
		found, err := v.broker.Store.Do(ctx, Op{Kind: OpAdd, Key: slot, Value: []byte{1}, TTL: attemptWindow})
		if err != nil {
			return "", storeUnavailable(err)
		}
		if !found[0].Found {
			return slot, nil
		}
	}
	return "", fromIdP(&idp.Error{Kind: idp.KindDenied, Reason: idp.PasswordRefusal, Err: CauseThrottled})
}

// attemptSlots are the store's names for the attempts of a name, in whatever case it is typed. Upper case first: two
// letters that a directory takes for one (the long s, the sign of Kelvin) then become one.
func attemptSlots(p Password) []string {
	name := strings.ToLower(strings.ToUpper(strings.TrimSpace(p.Username)))
	who := Digest(p.Provider, name)
	slots := make([]string, maxAttempts)
	for i := range slots {
		slots[i] = fmt.Sprintf("attempt:%s:%d", who, i)
	}
	return slots
}

func (v *Visit) forgetAttempts(ctx context.Context, slots ...string) error {
	ops := make([]Op, len(slots))
	for i, slot := range slots {
		ops[i] = Op{Kind: OpDelete, Key: slot}
	}
	if _, err := v.broker.Store.Do(ctx, ops...); err != nil {
		return storeUnavailable(err)
	}
	return nil
}
