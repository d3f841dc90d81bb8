package telemetry

import (
	"net/http"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/sts"
)

// other is the value of every label whose true value is not in its set.
const other = "other"

// set is the values that one label may have.
type set map[string]struct{}

func setOf[T ~string](values ...T) set {
	s := make(set, len(values))
	for _, v := range values {
		s[string(v)] = struct{}{}
	}
	return s
}

// of returns the value when it is in the set.
func (s set) of(value string) string {
	if _, ok := s[value]; ok {
		return value
	}
	return other
}

// sets are the label sets of one Metrics.
type sets struct{ mode, kind, action, outcome, method set }

func newSets() sets {
	return sets{
		mode: setOf(sts.ModeWebIdentity, sts.ModeSAML, sts.ModePassThrough, sts.ModeAssumeRole),
		kind: setOf(idp.ProofJWT, idp.ProofSAML, idp.ProofBind, idp.ProofCode),
		action: setOf("AssumeRoleWithWebIdentity", "AssumeRoleWithSAML", "AssumeRole", "GetCallerIdentity",
			"getSigninToken"),
		outcome: setOf("ok", broker.CodeInvalidRequest, broker.CodeAmbiguousRole, broker.CodeInvalidToken,
			broker.CodeUntrustedIssuer, broker.CodeReplayed, broker.CodeExpiredToken, broker.CodeLoginRequired,
			broker.CodeMFARequired, broker.CodeNotAuthorized, broker.CodeRoleNotGranted, broker.CodeRevoked,
			broker.CodeUpstreamDenied, broker.CodeThrottled, broker.CodeUpstreamUnavailable,
			broker.CodeStoreUnavailable, broker.CodeInternal),
		method: setOf(http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
			http.MethodDelete, http.MethodOptions),
	}
}
