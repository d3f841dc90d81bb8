package aws

import (
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/fedbroker/fedbroker/sts"
)

// check refuses what must not leave the process, and what AWS would refuse for certain.
func (a *Assumer) check(req sts.Request) error {
	if _, err := sts.ParseRoleARN(string(req.RoleARN)); err != nil {
		return misconfigured(err.Error())
	}
	if got := partition(req.Region); got != req.RoleARN.Partition() {
		return misconfigured(fmt.Sprintf("region %q is not in the partition of %s", req.Region, req.RoleARN))
	}
	if err := a.checkProof(req); err != nil {
		return err
	}
	switch {
	case req.Duration%time.Second != 0 || req.Duration < sts.MinDuration || req.Duration > sts.MaxDuration:
		return invalid(fmt.Sprintf("the duration %v is not whole seconds between %v and %v", req.Duration, sts.MinDuration, sts.MaxDuration))
	case len(req.Tags) > sts.MaxTags:
		return invalid(fmt.Sprintf("%d session tags; AWS takes %d", len(req.Tags), sts.MaxTags))
	case len(req.PolicyARNs) > sts.MaxPolicyARNs:
		return invalid(fmt.Sprintf("%d session policy ARNs; AWS takes %d", len(req.PolicyARNs), sts.MaxPolicyARNs))
	case policyCharacters(req) > sts.MaxPolicyLength:
		return invalid(fmt.Sprintf("session policy and policy ARNs have more than %d characters together", sts.MaxPolicyLength))
	}
	return nil
}

// checkProof wants exactly the proof of the mode and no other, so that a mistake cannot send one proof too many.
func (a *Assumer) checkProof(req sts.Request) error {
	jwt, saml := !req.WebIdentityToken.Empty(), !req.SAMLResponse.Empty()
	fits := false
	switch req.Mode {
	case sts.ModeWebIdentity:
		fits = jwt && !saml
	case sts.ModeSAML:
		fits = saml && !jwt
	case sts.ModePassThrough:
		fits = jwt != saml
	case sts.ModeAssumeRole:
		fits = !jwt && !saml
	}
	switch {
	case !fits:
		return misconfigured(fmt.Sprintf("the proof does not fit mode %q", req.Mode))
	case req.Mode != sts.ModeAssumeRole && req.Caller != nil:
		return misconfigured(fmt.Sprintf("mode %q takes no caller", req.Mode))
	case req.Mode == sts.ModePassThrough && a.opts.Endpoint != "" && !a.opts.InsecureEndpoint:
		return misconfigured("a provider's own proof is not sent to an endpoint outside AWS unless insecure_endpoint is true")
	case saml && req.PrincipalARN == "":
		return misconfigured("a SAML exchange needs the ARN of the IAM SAML provider")
	}
	return nil
}

// policyCharacters counts what AWS counts: plain text of policy and ARNs together (facts, sts section 7).
func policyCharacters(req sts.Request) int {
	n := utf8.RuneCountInString(req.Policy)
	for _, arn := range req.PolicyARNs {
		n += utf8.RuneCountInString(arn)
	}
	return n
}

func misconfigured(message string) error {
	return &sts.Error{Kind: sts.KindConfig, Code: "BrokerConfiguration", Message: message}
}

func invalid(message string) error {
	return &sts.Error{Kind: sts.KindInvalid, Message: message}
}
