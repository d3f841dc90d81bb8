package issuer

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/sts"
)

// STS's alphabets and lengths (facts, sts section 3). An audit id must also fit into an XML ID (NCName).
var (
	idPattern           = regexp.MustCompile(`^[A-Za-z0-9._-]{1,128}$`)
	namePattern         = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
	tagKeyPattern       = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$`)
	tagValuePattern     = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$`)
	samlProviderPattern = regexp.MustCompile(`^arn:(aws|aws-cn|aws-us-gov):iam::([0-9]{12}):saml-provider/[\w.-]{1,128}$`)
)

// checkCommon refuses what AWS would refuse, and what the two forms of proof could not carry unchanged.
func checkCommon(p broker.MintRequest) error {
	if !idPattern.MatchString(p.ID) {
		return errors.New("the proof's id is not 1-128 of A-Z a-z 0-9 . _ -")
	}
	if err := checkSubject(p.Subject); err != nil {
		return err
	}
	if _, err := sts.ParseRoleARN(string(p.RoleARN)); err != nil {
		return err
	}
	if strings.ContainsAny(string(p.RoleARN), ";,") {
		return errors.New("a role path with ';' or ',' would be read as several roles") // facts: oidc-aws A.7, saml-aws 4
	}
	if p.Now.IsZero() {
		return errors.New("a proof needs the time")
	}
	if p.SourceIdentity != "" && !sourceIdentity(p.SourceIdentity) {
		return errors.New("the source identity is not 2-64 of letters, digits and _+=,.@-")
	}
	return checkTags(p.Tags, p.TransitiveTags)
}

func checkSubject(s string) error {
	if s == "" || !utf8.ValidString(s) || utf8.RuneCountInString(s) > maxSubject {
		return fmt.Errorf("the subject is not 1-%d characters of UTF-8", maxSubject)
	}
	if strings.ContainsFunc(s, func(r rune) bool { return !plain(r) }) {
		return errors.New("the subject holds a control character")
	}
	return nil
}

// sourceIdentity must not begin with aws: (facts, sts section 3); the alphabet has no colon, which says the same.
func sourceIdentity(s string) bool { return namePattern.MatchString(s) }

func checkTags(tags []sts.Tag, transitive []string) error {
	if len(tags) > sts.MaxTags {
		return fmt.Errorf("%d session tags; AWS takes %d", len(tags), sts.MaxTags)
	}
	seen := make(map[string]bool, len(tags))
	for _, t := range tags {
		folded := strings.ToLower(t.Key)
		switch {
		case !tagKeyPattern.MatchString(t.Key) || !tagValuePattern.MatchString(t.Value):
			return fmt.Errorf("session tag %q has a key or value outside AWS's alphabet or length", t.Key)
		case strings.HasPrefix(folded, "aws:"):
			return fmt.Errorf("session tag %q begins with aws:, which is reserved", t.Key)
		case seen[folded]:
			return fmt.Errorf("session tag %q is there twice; keys are equal whatever their case", t.Key)
		}
		seen[folded] = true
	}
	for _, key := range transitive {
		if !seen[strings.ToLower(key)] {
			return fmt.Errorf("transitive tag %q is not among the session tags", key)
		}
	}
	return nil
}

// checkSAML adds what only a SAML Response carries.
func checkSAML(p broker.MintRequest) error {
	if err := checkCommon(p); err != nil {
		return err
	}
	provider := samlProviderPattern.FindStringSubmatch(p.PrincipalARN)
	switch {
	case provider == nil:
		return errors.New("the principal is not the ARN of an IAM SAML provider")
	case provider[1] != string(p.RoleARN.Partition()) || provider[2] != p.RoleARN.AccountID():
		return errors.New("the IAM SAML provider and the role are in different accounts")
	case !namePattern.MatchString(p.SessionName):
		return errors.New("the session name is not 2-64 of letters, digits and _+=,.@-")
	case !p.Deadline.After(p.Now):
		return errors.New("the session's deadline has passed")
	case p.Duration < sts.MinDuration || p.Duration > sts.MaxDuration:
		return fmt.Errorf("the session duration is not between %v and %v", sts.MinDuration, sts.MaxDuration)
	}
	return nil
}
