package broker

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"github.com/fedbroker/fedbroker/idp"
)

// Call is what a door knows of a request before anything is verified.
type Call struct {
	Door   string // api, acs, portal, …
	Action string // credentials, console, login, …
	Remote string // address of the client
	// Ignored names what the client asked for and has no say in.
	Ignored []string
}

// Visit is one request on its way through the pipeline. It is used by one goroutine, inside [Broker.Run] only.
type Visit struct {
	broker *Broker
	event  Event
	id     *idp.Identity
	// told says that a provider's message was verified: what comes of it is no stranger's doing.
	told bool
	// sessionEnd is when the login session ends that the identity was taken from; zero for a proof.
	sessionEnd time.Time
	// mark is the one-use mark that this visit set, and would have to release.
	mark string
}

// ID is the request id: it is in the answer, in the audit record and, as jti, in the proof that AWS sees.
func (v *Visit) ID() string { return v.event.ID }

// Identity returns who was authenticated; nil before Authenticate or Resume.
func (v *Visit) Identity() *idp.Identity { return v.id }

// Remote is the address that the request came from.
func (v *Visit) Remote() string { return v.event.Remote }

// Ended puts the login sessions that the request ended on the record, by their IDs.
func (v *Visit) Ended(sessions ...string) { v.event.Ended = append(v.event.Ended, sessions...) }

// Client puts the command line's client on the record, by the name that it gave itself.
func (v *Visit) Client(name string) { v.event.Client = name }

// Run takes one request through steps and writes its audit record before it returns, whatever happens: a panic
// becomes internal. The answer may leave only when Run returned nil. The error is always an *Error.
func (b *Broker) Run(ctx context.Context, call Call, steps func(ctx context.Context, v *Visit) error) (string, error) {
	v := &Visit{broker: b, event: Event{
		ID: b.newID(), Time: b.Clock().UTC(), Door: call.Door, Action: call.Action, Remote: call.Remote, Ignored: call.Ignored,
	}}
	err := guarded(ctx, v, steps)
	v.release(ctx, err)
	if recordErr := v.record(ctx, err); recordErr != nil && err == nil {
		err = Refuse(CodeStoreUnavailable, "the audit record cannot be written; nothing is issued without it", recordErr)
	}
	if err != nil {
		return v.ID(), err
	}
	return v.ID(), nil
}

func guarded(ctx context.Context, v *Visit, steps func(context.Context, *Visit) error) (refusal *Error) {
	defer func() {
		if p := recover(); p != nil {
			refusal = Refuse(CodeInternal, "something went wrong in the broker", fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	if err := steps(ctx, v); err != nil {
		return asError(err)
	}
	return nil
}

// release gives a one-use proof back when the request ended for a reason that is not the proof's: nothing was issued,
// and SDKs try again with the same proof (invariant 3). A request whose record cannot be written is not among them:
// by then there are credentials.
func (v *Visit) release(ctx context.Context, err *Error) {
	if v.mark == "" || err == nil {
		return
	}
	switch err.Code {
	case CodeThrottled, CodeUpstreamUnavailable, CodeStoreUnavailable:
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if _, err := v.broker.Store.Do(ctx, Op{Kind: OpDelete, Key: v.mark}); err != nil {
			v.broker.Logger.Warn("a one-use mark could not be released", "request_id", v.ID(), "error", err)
		}
	}
}

func (v *Visit) record(ctx context.Context, err *Error) error {
	v.event.Outcome = "ok"
	if err != nil {
		v.event.Outcome, v.event.Detail = string(err.Code), err.Detail
		if err.Err != nil {
			v.event.Cause = err.Err.Error()
		}
		var reason idp.Cause
		if errors.As(err, &reason) {
			v.event.Reason = string(reason)
		}
	}
	ctx = context.WithoutCancel(ctx) // a client that hangs up does not escape the record
	auditor := v.broker.Auditor
	if err != nil && v.id == nil && !v.told {
		auditor = v.broker.Strangers
	}
	recordErr := auditor.Record(ctx, v.event)
	switch {
	case recordErr != nil:
		v.broker.Logger.Error("the audit record cannot be written", "request_id", v.ID(), "error", recordErr)
	case err != nil && err.Code == CodeInternal:
		v.broker.Logger.Error("internal error", "request_id", v.ID(), "error", err)
	}
	return recordErr
}

// newID makes a request id of 128 random bits. It begins with a letter: it is also an XML ID.
func (b *Broker) newID() string {
	var raw [16]byte
	if _, err := io.ReadFull(b.Rand, raw[:]); err != nil {
		panic(fmt.Sprintf("broker: no randomness: %v", err))
	}
	return "fb" + hex.EncodeToString(raw[:])
}
