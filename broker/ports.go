package broker

import (
	"context"
	"time"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/internal/secret"
	"github.com/fedbroker/fedbroker/sts"
)

// Policy decides which roles an identity has. broker/policy implements it.
type Policy interface {
	Decide(id *idp.Identity, now time.Time) Decision
	// Explain tells how Decide came to its answer; role narrows the answer to one alias or ARN when not empty.
	Explain(id *idp.Identity, role string, now time.Time) Explanation
}

// Minter signs the broker's own short-lived proofs for AWS. broker/issuer implements it.
type Minter interface {
	// WebIdentityToken returns a compact JWT, SAMLResponse the base64 of a samlp:Response.
	WebIdentityToken(ctx context.Context, p MintRequest) (secret.Text, error)
	SAMLResponse(ctx context.Context, p MintRequest) (secret.Text, error)
}

// MintRequest is what the broker's own proof says.
type MintRequest struct {
	// ID becomes jti or the assertion's ID: the audit id of the exchange.
	ID string
	// Subject is already in the form {idp id}:{subject}, encoded and bounded (design.md section 5).
	Subject        string
	RoleARN        sts.RoleARN
	PrincipalARN   string // saml: the IAM SAML provider
	SessionName    string
	SourceIdentity string
	Tags           []sts.Tag
	TransitiveTags []string
	Now            time.Time
	// Deadline becomes SessionNotOnOrAfter of a SAML Response.
	Deadline time.Time
	Duration time.Duration
}

// Store remembers sealed bytes for a time, across every node of the broker. broker/store implements it.
type Store interface {
	// Do carries out operations in order in one round trip and answers each. It fails as a whole: an error means
	// that nothing may be assumed about any of them.
	Do(ctx context.Context, ops ...Op) ([]Result, error)
}

// OpKind is what an operation does.
type OpKind int

// The operations.
const (
	OpGet    OpKind = iota // Value, Found
	OpSet                  // overwrites
	OpAdd                  // sets only when absent; Found and Value say what was there before
	OpDelete               // Found says whether there was anything
	OpTake                 // get and delete at once: of any number of callers a single one gets it
)

// Op is one operation. Key is a logical name such as "session:…"; stores put hashes of it on the wire.
type Op struct {
	Kind  OpKind
	Key   string
	Value []byte
	// TTL is required above zero for OpSet and OpAdd; Forever keeps the entry.
	TTL time.Duration
}

// Forever is the TTL of an entry that does not expire.
const Forever = time.Duration(1<<63 - 1)

// Result answers one operation.
type Result struct {
	Found bool
	Value []byte
}

// Auditor keeps the record of one decision before the answer leaves. broker/audit implements it.
type Auditor interface {
	Record(ctx context.Context, e Event) error
}

// Event is one audit record: who asked for what, by which door, and what came of it. Only mapped claims are in it.
type Event struct {
	ID   string    `json:"id"` // also the request id
	Time time.Time `json:"time"`
	// Door is api, acs, portal, …; Action is credentials, console, login, roles, explain, …
	Door   string `json:"door"`
	Action string `json:"action"`
	Remote string `json:"remote,omitempty"`
	// Outcome is ok or a Code; Detail the public sentence of a refusal, Cause the private one, cut.
	Outcome string `json:"outcome"`
	Detail  string `json:"detail,omitempty"`
	Cause   string `json:"cause,omitempty"`
	// Reason is an idp.Cause, where a refusal has one: a private reason out of a fixed set.
	Reason string `json:"reason,omitempty"`

	Provider  string `json:"idp,omitempty"`
	Issuer    string `json:"issuer,omitempty"`
	Subject   string `json:"subject,omitempty"`
	Username  string `json:"username,omitempty"`
	ProofHash string `json:"proof_hash,omitempty"` // the hash of the proof, never the proof
	Session   string `json:"session,omitempty"`    // the hash of a login session's id
	Client    string `json:"client,omitempty"`     // the command line's client, by the name that it gave itself
	// Ended are the IDs of the login sessions that the request ended, where that was what it asked for.
	Ended []string `json:"ended,omitempty"`

	Role           string            `json:"role,omitempty"`
	RoleARN        string            `json:"role_arn,omitempty"`
	Rule           string            `json:"rule,omitempty"`
	SessionName    string            `json:"session_name,omitempty"`
	SourceIdentity string            `json:"source_identity,omitempty"`
	Tags           map[string]string `json:"tags,omitempty"`
	Ignored        []string          `json:"ignored,omitempty"` // what the client asked for and has no say in
	STSAction      string            `json:"sts_action,omitempty"`
	AccessKeyID    string            `json:"access_key_id,omitempty"`
	AWSRequestID   string            `json:"aws_request_id,omitempty"`
	Expiration     time.Time         `json:"expiration,omitzero"`
	Cached         bool              `json:"cached,omitempty"`
	// Count is above one where refusals of strangers are counted per address and minute.
	Count int `json:"count,omitempty"`
}

// Observer hears what the core does, for metrics and traces. Every method must return at once.
type Observer interface {
	// Exchange reports one finished Issue: mode, outcome (ok or a Code) and whether the cache answered.
	Exchange(mode sts.Mode, outcome string, cached bool, took time.Duration)
	// Authentication reports one finished Authenticate by kind of proof.
	Authentication(kind idp.ProofKind, outcome string, took time.Duration)
	// STSCall reports one call that left the process.
	STSCall(action, outcome string, took time.Duration)
}
