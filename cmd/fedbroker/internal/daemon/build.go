package daemon

import (
	"context"
	"errors"
	"net/http"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/api"
	"github.com/fedbroker/fedbroker/broker/issuer"
	"github.com/fedbroker/fedbroker/broker/oauth"
	"github.com/fedbroker/fedbroker/broker/portal"
	"github.com/fedbroker/fedbroker/broker/session"
	"github.com/fedbroker/fedbroker/configs"
	"github.com/fedbroker/fedbroker/internal/web"
	"github.com/fedbroker/fedbroker/sts"
	"github.com/fedbroker/fedbroker/sts/aws"
	"github.com/fedbroker/fedbroker/sts/console"
)

// generation is what one configuration is built into; a reload replaces it whole.
type generation struct {
	*plan
	file    *configs.File
	handler http.Handler
	core    *broker.Broker
}

// build makes a generation; old, when not nil, is the one that it replaces. It reaches for nothing outside.
func build(f *configs.File, old *generation, res *resources, o Options) (*generation, error) {
	m := makings{opts: o, clients: res.clients, sp: res.sp, life: res.life}
	if old != nil {
		m.old = old.people
	}
	plan, err := prepare(f, m)
	if err != nil {
		return nil, err
	}
	minter, err := buildIssuer(f, res)
	if err != nil {
		return nil, err
	}
	core, err := buildCore(f, plan, minter, res, o)
	if err != nil {
		return nil, err
	}
	handler, err := buildDoors(f, core, minter, plan.people, res, o)
	if err != nil {
		return nil, err
	}
	return &generation{plan, f, handler, core}, nil
}

func buildCore(f *configs.File, p *plan, minter *issuer.Issuer, res *resources, o Options) (*broker.Broker, error) {
	assumer, err := aws.New(assumerOptions(f))
	if err != nil {
		return nil, err
	}
	federation, err := console.New(console.Options{SignIn: f.AWS.Endpoints.Signin, Console: f.AWS.Endpoints.Console, Clock: o.Clock})
	if err != nil {
		return nil, err
	}
	return broker.New(broker.Options{
		Policy: p.policy, Roles: p.roles, Assumer: assumer, Minter: minter, Subject: issuer.Subject,
		SignIn: signIn{federation, f.Server.PublicURL + "/"}, Store: res.store, Auditor: res.audit, Strangers: res.strangers, Observer: res.metrics,
		Workload: p.people.workload, Direct: p.people.direct, Speaks: p.people.speak, CacheKey: res.cacheKey, Endpoint: f.AWS.Endpoints.STS,
		MinRemaining: f.Cache.MinRemaining.Or(0), STSRate: f.AWS.STSRate, PrincipalIsSession: principalIsSession(f),
		Clock: o.Clock, Rand: o.Rand, Logger: o.Logger,
	})
}

func buildIssuer(f *configs.File, res *resources) (*issuer.Issuer, error) {
	recipient := ""
	if f.AWS.Endpoints.Signin != "" {
		recipient = f.AWS.Endpoints.Signin + "/saml"
	}
	return issuer.New(issuer.Options{
		URL: f.IssuerURL(), Audience: f.Issuer.Audience, Keys: res.jwtKeys,
		SAML: &issuer.SAMLOptions{EntityID: f.Server.PublicURL + "/issuer/saml/metadata", Keys: res.samlKeys, Recipient: recipient},
	})
}

func assumerOptions(f *configs.File) aws.Options {
	o := aws.Options{Endpoint: f.AWS.Endpoints.STS}
	for _, r := range f.AWS.Roles {
		o.InsecureEndpoint = o.InsecureEndpoint || r.InsecureEndpoint
	}
	if c := f.AWS.Credentials; c != nil {
		o.Principal = aws.Principal{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey.Text(), SessionToken: c.SessionToken.Text()}
	}
	return o
}

// principalIsSession: the SDK's default chain nearly always ends in a role's session, so AWS counts chaining.
func principalIsSession(f *configs.File) bool {
	return f.AWS.Credentials == nil || f.AWS.Credentials.SessionToken.Given()
}

// buildDoors mounts every HTTP area of the public listener; the whole surface is read here.
func buildDoors(f *configs.File, core *broker.Broker, minter *issuer.Issuer, people *providers, res *resources, o Options) (http.Handler, error) {
	remote, err := web.NewRemote(f.Server.TrustedProxies)
	if err != nil {
		return nil, err
	}
	sessions, errSessions := session.New(session.Options{
		Store: res.store, Clock: o.Clock, Rand: o.Rand, Absolute: f.Session.Absolute.Or(0), Idle: f.Session.Idle.Or(0),
	})
	logins, errLogins := session.NewLogins(session.LoginOptions{Store: res.store, Clock: o.Clock, Rand: o.Rand})
	cookies, errCookies := session.NewCookies(session.CookieOptions{Session: o.SessionCookie, LoginPrefix: o.LoginCookie, Choice: o.ChoiceCookie})
	if err := errors.Join(errSessions, errLogins, errCookies); err != nil {
		return nil, err
	}
	tokens, err := oauth.NewTokens(oauth.TokenOptions{Store: res.store, Sessions: sessions, Clock: o.Clock, Rand: o.Rand})
	if err != nil {
		return nil, err
	}
	jsonAPI, errAPI := api.New(api.Options{
		Broker: core, Sessions: sessions, Tokens: tokens, Cookies: cookies, Remote: remote, PublicURL: f.Server.PublicURL, Throttle: res.anybody,
	})
	pages, errPages := portal.New(portal.Options{
		Broker: core, Store: res.store, Sessions: sessions, Logins: logins, Cookies: cookies, Providers: people.portal, Remote: remote,
		PublicURL: f.Server.PublicURL, Throttle: res.anybody, ConsoleOrigins: consoleOrigins(f), Templates: oauth.Templates, Clock: o.Clock, Logger: o.Logger,
		Branding: portal.Branding{
			Name: f.Branding.Name, Accent: f.Branding.Accent, Contact: f.Branding.Contact, Logo: []byte(f.Branding.Logo.Text().Reveal()),
		},
	})
	if err := errors.Join(errAPI, errPages); err != nil {
		return nil, err
	}
	commandLines, err := oauth.New(oauth.Options{
		Broker: core, Store: res.store, Sessions: sessions, Tokens: tokens, Cookies: cookies, Pages: pages, Remote: remote,
		PublicURL: f.Server.PublicURL, ClientKey: res.clientKey, Clock: o.Clock, Rand: o.Rand,
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	jsonAPI.Mount(mux)
	pages.Mount(mux)
	commandLines.Mount(mux)
	minter.Mount(mux)
	mountOperations(mux, res)
	return res.metrics.Middleware(commandLines.Logout(mux)), nil
}

// consoleOrigins are where a console form of the portal may end up: browsers hold form-action against every redirect.
func consoleOrigins(f *configs.File) []string {
	if f.AWS.Endpoints.Signin != "" {
		return []string{f.AWS.Endpoints.Signin, f.AWS.Endpoints.Console}
	}
	hosts := map[sts.Partition]string{sts.PartitionAWS: "aws.amazon.com", sts.PartitionChina: "amazonaws.cn", sts.PartitionGov: "amazonaws-us-gov.com"}
	seen := map[sts.Partition]bool{}
	var out []string
	for _, r := range f.AWS.Roles {
		partition := sts.RoleARN(r.ARN).Partition()
		if seen[partition] {
			continue
		}
		seen[partition] = true
		host := hosts[partition]
		out = append(out, "https://signin."+host, "https://*.signin."+host, "https://console."+host, "https://*.console."+host)
	}
	return out
}

// signIn lets the core speak to sts/console. issuer is where people sign in again.
type signIn struct {
	federation *console.Federation
	issuer     string
}

func (s signIn) Destination(req broker.SignInRequest) (string, error) {
	return s.federation.Destination(req.Partition, req.Region, req.Page)
}

func (s signIn) SignOut(p sts.Partition) string { return s.federation.SignOut(p) }

func (s signIn) SignInURL(ctx context.Context, creds sts.Credentials, req broker.SignInRequest) (broker.SignInURL, error) {
	out, err := s.federation.SignIn(ctx, console.Request{
		Credentials: creds, Partition: req.Partition, Region: req.Region, Issuer: s.issuer, Page: req.Page, SessionDuration: req.Duration,
	})
	return broker.SignInURL{URL: out.URL, Expires: out.Expires}, err
}

// mountOperations adds liveness and readiness.
func mountOperations(mux *http.ServeMux, res *resources) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if _, err := res.store.Do(r.Context()); err != nil {
			http.Error(w, "the store does not answer", http.StatusServiceUnavailable)
			return
		}
		if _, err := res.jwtKeys.Current(r.Context()); err != nil {
			http.Error(w, "there is no signing key", http.StatusServiceUnavailable)
			return
		}
		if err := res.audit.Healthy(); err != nil {
			http.Error(w, "the audit log cannot be written", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ready\n"))
	})
}
