package agent

import (
	"encoding/base64"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/fedbroker/fedbroker/internal/secret"
)

// containerPath is where the container credentials are.
const containerPath = "/v1/credentials"

// EndpointOptions are those of both endpoints; all are required.
type EndpointOptions struct {
	Keeper *Keeper
	// Listener is where the endpoint will be served: its address is the only Host that is taken.
	Listener net.Listener
	Random   io.Reader
	Now      func() time.Time
	// Log hears why credentials could not be had.
	Log *log.Logger
}

func (o EndpointOptions) check() error {
	if o.Keeper == nil || o.Listener == nil || o.Random == nil || o.Now == nil || o.Log == nil {
		return errors.New("agent: every option of an endpoint is required")
	}
	return nil
}

// Container is the container credentials endpoint (AWS SDKs: AWS_CONTAINER_CREDENTIALS_FULL_URI).
type Container struct {
	handler http.Handler
	o       EndpointOptions
	token   secret.Text
}

var _ http.Handler = (*Container)(nil)

// NewContainer makes an endpoint with a token of its own, 256 random bits.
func NewContainer(o EndpointOptions) (*Container, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	b := make([]byte, 32)
	if _, err := io.ReadFull(o.Random, b); err != nil {
		return nil, err
	}
	c := &Container{o: o, token: secret.New(base64.RawURLEncoding.EncodeToString(b))}
	c.handler = guard(hosts(o.Listener), http.HandlerFunc(c.serve))
	return c, nil
}

// ServeHTTP answers GET containerPath with the token as Authorization.
func (c *Container) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.handler.ServeHTTP(w, r) }

// Environment is what a program must be given to use the endpoint. The token in it is a secret.
func (c *Container) Environment() [][2]string {
	return [][2]string{
		{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://" + c.o.Listener.Addr().String() + containerPath},
		{"AWS_CONTAINER_AUTHORIZATION_TOKEN", c.token.Reveal()},
	}
}

func (c *Container) serve(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.RequestURI != containerPath:
		refuse(w, http.StatusNotFound, "NotFound", "there is nothing here")
		return
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		refuse(w, http.StatusMethodNotAllowed, "MethodNotAllowed", "only GET is answered")
		return
	}
	if got, ok := one(r.Header, "Authorization"); !ok || !c.token.Equal(secret.New(got)) {
		refuse(w, http.StatusUnauthorized, "Unauthorized", "AWS_CONTAINER_AUTHORIZATION_TOKEN is not this endpoint's")
		return
	}
	k, err := c.o.Keeper.Get(r.Context())
	if err != nil {
		unavailable(w, c.o.Log, err)
		return
	}
	answer(w, map[string]string{
		"AccessKeyId": k.AccessKeyID, "SecretAccessKey": k.SecretAccessKey.Reveal(), "Token": k.Token.Reveal(),
		"Expiration": stamp(k.Expiration), "AccountId": k.Account, "RoleArn": k.RoleARN,
	})
}

// stamp writes a time as botocore reads it: UTC, whole seconds, Z.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
