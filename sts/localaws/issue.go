package localaws

import (
	"bytes"
	"compress/flate"
	"encoding/xml"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/fedbroker/fedbroker/sts/iampolicy"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/iam"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/session"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/wire"
)

// credentials are the element that every assume call answers with.
type credentials struct {
	AccessKeyID     string    `xml:"AccessKeyId"`
	SecretAccessKey string    `xml:"SecretAccessKey"`
	SessionToken    string    `xml:"SessionToken"`
	Expiration      wire.Time `xml:"Expiration"`
}

type assumedRoleUser struct {
	AssumedRoleID string `xml:"AssumedRoleId"`
	Arn           string `xml:"Arn"`
}

// issued is the common part of the three results.
type issued struct {
	Credentials      credentials     `xml:"Credentials"`
	AssumedRoleUser  assumedRoleUser `xml:"AssumedRoleUser"`
	PackedPolicySize *packedSize     `xml:"PackedPolicySize"`
	SourceIdentity   string          `xml:"SourceIdentity,omitempty"`
}

// packedSize is a percentage; zero is printed, nil is not.
type packedSize int

// MarshalXML prints the number.
func (p packedSize) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	return e.EncodeElement(int(p), start)
}

// issue checks what comes after trust: tags, durations, session policies and their size, in AWS's order; then it
// makes the credentials.
func (s *Server) issue(c *call, a *assumption) (issued, error) {
	if err := a.checkTags(); err != nil {
		return issued{}, err
	}
	if err := a.checkDuration(); err != nil {
		return issued{}, err
	}
	if err := a.parsePolicies(); err != nil {
		return issued{}, err
	}
	if err := a.pack(); err != nil {
		return issued{}, err
	}
	held, token, err := s.newSession(c.now, a)
	if err != nil {
		return issued{}, err
	}
	if err := s.sessions.Put(held, token, c.now); err != nil {
		if errors.Is(err, session.ErrFull) {
			return issued{}, wire.Throttling()
		}
		return issued{}, err
	}
	out := issued{
		Credentials:     credentials{held.AccessKeyID, held.Secret, token, wire.Time(held.Expires)},
		AssumedRoleUser: assumedRoleUser{held.ID(), held.ARN},
		SourceIdentity:  a.sourceIdentity,
	}
	if a.packed > 0 {
		size := packedSize(a.packed)
		out.PackedPolicySize = &size
	}
	return out, nil
}

func (s *Server) newSession(now time.Time, a *assumption) (*session.Session, string, error) {
	accessKeyID, err := s.minter.AccessKeyID(iam.PrefixTemporaryKey, a.role.Account.ID)
	if err != nil {
		return nil, "", err
	}
	secret, err := s.minter.SecretKey()
	if err != nil {
		return nil, "", err
	}
	token, err := s.minter.Token()
	if err != nil {
		return nil, "", err
	}
	transitive := slices.Clone(a.transitive)
	for _, tag := range a.inherited {
		transitive = append(transitive, tag.Key)
	}
	return &session.Session{
		AccessKeyID: accessKeyID, Secret: secret,
		RoleARN: a.role.ARN(), RoleID: a.role.ID, Role: a.role.Name, ARN: a.role.SessionARN(a.name), Account: a.role.Account,
		Name: a.name, Method: a.method, Chained: a.chained, IssuedAt: now, Expires: a.end(now),
		Tags: overlay(a.inherited, a.tags), TransitiveKeys: transitive, SourceIdentity: a.sourceIdentity,
		Provider: a.provider, ProviderKeys: a.providers, Policies: a.sources,
	}, token, nil
}

// end is in whole seconds, so that the time a client reads is the time that is enforced.
func (a *assumption) end(now time.Time) time.Time {
	end := now.Add(time.Duration(a.duration) * time.Second)
	if !a.notAfter.IsZero() && a.notAfter.Before(end) {
		end = a.notAfter
	}
	return end.Truncate(time.Second)
}

// maxPlainPolicy is how many characters a session policy and policy ARNs may have together.
const maxPlainPolicy = 2048

// managedPattern is a managed policy's ARN. Customer managed policies do not exist yet in local AWS; of AWS's own
// only AdministratorAccess has a meaning here, the others allow nothing that local AWS serves.
var managedPattern = regexp.MustCompile(`^arn:(aws|aws-cn|aws-us-gov):iam::(aws|[0-9]{12}):policy/[!-~]+$`)

func (a *assumption) parsePolicies() error {
	if a.policy != "" {
		policy, err := iampolicy.Parse([]byte(a.policy), iampolicy.Session)
		if errors.Is(err, iampolicy.ErrTooLarge) {
			return tooLarge(a.policyLength() * 100 / maxPlainPolicy)
		}
		if err != nil {
			return wire.MalformedPolicyDocument("%v", err)
		}
		a.sources = append(a.sources, iampolicy.Source{Name: "session policy", Policy: policy})
	}
	for _, arn := range a.policies {
		source, err := a.managed(arn)
		if err != nil {
			return err
		}
		a.sources = append(a.sources, source)
	}
	return nil
}

func (a *assumption) managed(arn string) (iampolicy.Source, error) {
	match := managedPattern.FindStringSubmatch(arn)
	if match == nil {
		return iampolicy.Source{}, wire.ValidationError("The specified ARN is invalid: %s", arn)
	}
	if match[1] != a.role.Account.Partition || match[2] != "aws" {
		return iampolicy.Source{}, wire.InvalidParameterValue("Policy %s does not exist or is not attachable.", arn)
	}
	if arn != "arn:"+match[1]+":iam::aws:policy/AdministratorAccess" {
		return iampolicy.Source{Name: arn}, nil
	}
	policy, err := iampolicy.Parse([]byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`), iampolicy.Session)
	if err != nil {
		return iampolicy.Source{}, fmt.Errorf("parse %s: %w", arn, err)
	}
	return iampolicy.Source{Name: arn, Policy: policy}, nil
}

func (a *assumption) policyLength() int {
	length := utf8.RuneCountInString(a.policy)
	for _, arn := range a.policies {
		length += utf8.RuneCountInString(arn)
	}
	return length
}

// packedBudget stands in for AWS's private limit on the packed form, in bytes of DEFLATE.
const packedBudget = 2048

// federatedSize is what AWS reports for SAML and web identity sessions without policies or tags, in percent.
const federatedSize = 24

// pack computes the packed size in percent and refuses what does not fit.
func (a *assumption) pack() error {
	if length := a.policyLength(); length > maxPlainPolicy {
		return tooLarge(length * 100 / maxPlainPolicy)
	}
	var plain bytes.Buffer
	plain.WriteString(a.policy)
	for _, arn := range a.policies {
		plain.WriteString(arn)
	}
	for _, tag := range overlay(a.inherited, a.tags) {
		plain.WriteString(tag.Key + "\x00" + tag.Value + "\x00")
	}
	if plain.Len() > 0 {
		a.packed = max(1, deflated(plain.Bytes())*100/packedBudget)
	}
	if a.packed > 100 {
		return tooLarge(a.packed)
	}
	if a.method != session.ByAssumeRole {
		a.packed = max(a.packed, federatedSize)
	}
	return nil
}

func tooLarge(percent int) error {
	return wire.PackedPolicyTooLarge("Packed size of session policies and session tags consumes %d%% of allotted space.", max(percent, 101))
}

func deflated(plain []byte) int {
	var packed bytes.Buffer
	writer, _ := flate.NewWriter(&packed, flate.BestCompression) // fails for unknown levels only
	_, _ = writer.Write(plain)                                   // a bytes.Buffer takes everything
	_ = writer.Close()
	return packed.Len()
}
