package broker

import (
	"context"
	"time"

	"github.com/fedbroker/fedbroker/internal/secret"
	"github.com/fedbroker/fedbroker/sts"
)

// SignIn makes console sign-in URLs out of credentials. sts/console implements it.
type SignIn interface {
	// Destination returns the address of the page that a sign-in begins with, and refuses what is no page of the console.
	// It reads what the request says of partition, region and page, and calls nobody.
	Destination(req SignInRequest) (string, error)
	// SignOut returns the address where a browser leaves the console of a partition.
	SignOut(p sts.Partition) string
	SignInURL(ctx context.Context, creds sts.Credentials, req SignInRequest) (SignInURL, error)
}

// SignInRequest is what shapes a console session.
type SignInRequest struct {
	Partition sts.Partition
	Region    string
	Page      sts.Page
	// Duration is sent as SessionDuration; 0 leaves it out.
	Duration time.Duration
}

// SignInURL signs whoever opens it into the console. It is a secret until Expires.
type SignInURL struct {
	URL     secret.Text
	Expires time.Time
}

// Destination returns the address of the console page that page means for a role.
func (b *Broker) Destination(role *Role, page sts.Page) (string, error) {
	address, err := b.SignIn.Destination(signInRequest(role, page))
	if err != nil {
		return "", fromSTS(err, role.Mode)
	}
	return address, nil
}

func signInRequest(role *Role, page sts.Page) SignInRequest {
	return SignInRequest{Partition: role.ARN.Partition(), Region: role.Region, Page: page}
}

// Console issues credentials and turns them into a console sign-in URL. A page that cannot be opened costs no exchange.
func (v *Visit) Console(ctx context.Context, want Want, page sts.Page) (SignInURL, Issued, error) {
	issued, err := v.issue(ctx, want, func(g *Grant) error {
		_, err := v.broker.Destination(g.Role, page)
		return err
	})
	if err != nil {
		return SignInURL{}, Issued{}, err
	}
	role := issued.Grant.Role
	req := signInRequest(role, page)
	if !v.broker.chained(role) { // AWS refuses SessionDuration for chained sessions
		req.Duration = v.consoleDuration(issued.Grant)
	}
	signIn, err := v.broker.SignIn.SignInURL(ctx, issued.Credentials, req)
	if err != nil {
		return SignInURL{}, Issued{}, fromSTS(err, role.Mode)
	}
	return signIn, issued, nil
}

// consoleDuration is what the role asks for, but never past what rule, role and login session allow; 0 where the
// configuration says nothing or too little is left for AWS to take.
func (v *Visit) consoleDuration(g *Grant) time.Duration {
	d := min(g.Role.ConsoleDuration, g.Role.MaxDuration)
	if g.MaxDuration > 0 {
		d = min(d, g.MaxDuration)
	}
	for _, end := range []time.Time{v.sessionEnd, v.id.SessionExpiry} {
		if !end.IsZero() {
			d = min(d, end.Sub(v.broker.Clock()))
		}
	}
	if d < sts.MinDuration {
		return 0
	}
	return d.Truncate(time.Second)
}
