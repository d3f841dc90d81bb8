package localaws

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/fedbroker/fedbroker/sts/localaws/internal/session"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/sigv4"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/wire"
)

// service is one AWS Query API. A new API is a new entry in [Server.services].
type service struct {
	name       string // as in the scope of a signature
	namespace  string
	operations map[string]operation
}

// operation is one action of a service.
type operation struct {
	// unsigned marks the operations whose proof is a parameter; they are taken by POST only, because a token in a URL
	// ends up in logs.
	unsigned bool
	run      func(*Server, *call) (result any, err error)
}

// call is one request to an operation.
type call struct {
	ctx    context.Context
	query  *wire.Query
	caller *caller // nil for unsigned operations
	region string
	now    time.Time
	client client
}

// client is what a policy may know of the network side of a request.
type client struct {
	ip        string
	secure    bool
	userAgent string
	referer   string
}

// defaultRegion is where a request counts as made that names no region: the global endpoint's.
const defaultRegion = "us-east-1"

// serveQuery answers the Query APIs.
func (s *Server) serveQuery(w http.ResponseWriter, r *http.Request) {
	now := s.clock()
	requestID, err := s.minter.UUID()
	if err != nil {
		s.logger.ErrorContext(r.Context(), "local AWS: no randomness", "error", err)
		http.Error(w, "no randomness", http.StatusInternalServerError)
		return
	}
	out, err := s.dispatch(r, now)
	answer := wire.Answer{Namespace: out.namespace, RequestID: requestID, Now: now}
	log := s.logger.With("action", out.action, "request_id", requestID)
	if err != nil {
		refused := wire.AsError(err)
		logRefusal(r.Context(), log, refused, err)
		err = answer.WriteError(w, refused)
	} else {
		log.InfoContext(r.Context(), "local AWS: answered")
		err = answer.Write(w, out.action, out.result)
	}
	if err != nil {
		log.WarnContext(r.Context(), "local AWS: answer not written", "error", err)
	}
}

func logRefusal(ctx context.Context, log *slog.Logger, refused *wire.Error, cause error) {
	level := slog.LevelInfo
	if refused.Status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	attrs := []slog.Attr{slog.String("code", refused.Code), slog.String("message", refused.Message)}
	if cause.Error() != refused.Error() {
		attrs = append(attrs, slog.String("cause", cause.Error()))
	}
	log.LogAttrs(ctx, level, "local AWS: refused", attrs...)
}

// outcome is what an operation answered, and in whose namespace.
type outcome struct {
	namespace string
	action    string // empty until the operation is known
	result    any
}

// dispatch finds the operation, authenticates its caller and runs it. Requests that reach no operation are answered
// as STS does.
func (s *Server) dispatch(r *http.Request, now time.Time) (outcome, error) {
	out := outcome{namespace: stsNamespace}
	body, err := wire.ReadBody(r)
	if err != nil {
		return out, err
	}
	query, err := wire.ParseRequest(r, body)
	if err != nil {
		return out, err
	}
	api, op, err := s.find(query)
	if err != nil {
		return out, err
	}
	out.namespace, out.action = api.namespace, query.Action
	if op.unsigned && r.Method != http.MethodPost {
		return out, wire.ValidationError("%s is taken by POST only: a token in a URL ends up in logs", query.Action)
	}
	c := &call{ctx: r.Context(), query: query, region: defaultRegion, now: now, client: clientOf(r)}
	if !op.unsigned {
		if c.caller, c.region, err = s.authenticate(r, body, api.name, now); err != nil {
			return out, err
		}
	}
	out.result, err = op.run(s, c)
	return out, err
}

func (s *Server) find(query *wire.Query) (service, operation, error) {
	if query.Action == "" {
		return service{}, operation{}, &wire.Error{Status: http.StatusBadRequest, Code: "MissingAction", Message: "The request is missing an action or a required parameter."}
	}
	api, known := s.services[query.Version]
	op, ok := api.operations[query.Action]
	if !known || !ok {
		return service{}, operation{}, wire.InvalidAction(clip(query.Action), clip(query.Version))
	}
	return api, op, nil
}

// clip bounds what an answer repeats of a request.
func clip(s string) string { return s[:min(len(s), 128)] }

func clientOf(r *http.Request) client {
	ip, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		ip = ""
	}
	return client{ip: ip, secure: r.TLS != nil, userAgent: r.UserAgent(), referer: r.Referer()}
}

// authenticate finds out who signed the request, and with which region.
func (s *Server) authenticate(r *http.Request, body []byte, service string, now time.Time) (*caller, string, error) {
	signed, err := sigv4.Parse(r)
	if err != nil {
		return nil, "", err
	}
	who, secret, err := s.identify(signed.AccessKeyID, signed.SessionToken, now)
	if err != nil {
		return nil, "", err
	}
	if err := signed.Verify(r, body, service, secret, now); err != nil {
		return nil, "", err
	}
	return who, signed.Region, nil
}

// identify looks a key up. A temporary key needs the token that was issued with it, a long-term key has none.
func (s *Server) identify(accessKeyID, token string, now time.Time) (*caller, string, error) {
	if token == "" {
		key, ok := s.state.AccessKey(accessKeyID)
		if !ok {
			return nil, "", wire.InvalidClientTokenID()
		}
		return &caller{account: key.User.Account, user: key.User}, key.Secret, nil
	}
	held, err := s.sessions.Get(accessKeyID, token, now)
	switch {
	case errors.Is(err, session.ErrExpired):
		return nil, "", wire.ExpiredToken()
	case err != nil:
		return nil, "", wire.InvalidClientTokenID()
	}
	role, ok := s.state.Role(held.RoleARN)
	if !ok || role.ID != held.RoleID {
		return nil, "", wire.InvalidClientTokenID()
	}
	return &caller{account: held.Account, session: held, role: role}, held.Secret, nil
}
