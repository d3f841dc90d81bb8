package broker

import (
	"context"
	"time"

	"github.com/fedbroker/fedbroker/internal/secret"
	"github.com/fedbroker/fedbroker/sts"
)

// SignIn makes console sign-in URLs out of credentials. sts/console implements it.
type SignIn interface {
	SignInURL(ctx context.Context, creds sts.Credentials, req SignInRequest) (SignInURL, error)
}

// SignInRequest is what shapes a console session.
type SignInRequest struct {
	Partition sts.Partition
	Region    string
	// Destination is an absolute URL of the AWS console; empty means its start page.
	Destination string
	// Duration is sent as SessionDuration; 0 leaves it out.
	Duration time.Duration
}

// SignInURL signs whoever opens it into the console. It is a secret until Expires.
type SignInURL struct {
	URL     secret.Text
	Expires time.Time
}

// Console issues credentials and turns them into a console sign-in URL.
func (v *Visit) Console(ctx context.Context, want Want, destination string) (SignInURL, Issued, error) {
	issued, err := v.Issue(ctx, want)
	if err != nil {
		return SignInURL{}, Issued{}, err
	}
	role := issued.Grant.Role
	req := SignInRequest{Partition: role.ARN.Partition(), Region: role.Region, Destination: destination}
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
