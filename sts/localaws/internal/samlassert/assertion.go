package samlassert

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/beevik/etree"

	"github.com/fedbroker/fedbroker/sts/localaws/internal/wire"
)

// maxAge is how long after its issuance AWS takes an assertion; it is also the tolerance for one from the future.
const maxAge = 5 * time.Minute

const (
	bearer       = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
	formatPrefix = "urn:oasis:names:tc:SAML:2.0:nameid-format:"
)

// Assertion is what a verified assertion says.
type Assertion struct {
	ID           string
	IssueInstant time.Time
	Issuer       string
	Subject      string // NameID
	// SubjectType is the NameID's format, without the prefix of SAML 2.0's own.
	SubjectType string
	Recipient   string
	// Attributes by their exact name; one that stands in several places has all values in order.
	Attributes map[string][]string

	expiries []time.Time // every NotOnOrAfter; the assertion ends at the earliest
	// SessionNotOnOrAfter is zero where no statement has it.
	SessionNotOnOrAfter time.Time
}

// Check holds the assertion to the clock.
func (a *Assertion) Check(now time.Time) error {
	if now.After(a.IssueInstant.Add(maxAge)) {
		return wire.ExpiredTokenException("Token must be redeemed within 5 minutes of issuance")
	}
	if a.IssueInstant.After(now.Add(maxAge)) {
		return wire.InvalidIdentityToken("Response is issued in the future")
	}
	for _, end := range a.expiries {
		if !now.Before(end) {
			return wire.ExpiredTokenException("Response has expired")
		}
	}
	if !a.SessionNotOnOrAfter.IsZero() && !now.Before(a.SessionNotOnOrAfter) {
		return wire.ExpiredTokenException("Response has expired")
	}
	return nil
}

// readAssertion reads an element that the signature covered.
func readAssertion(el *etree.Element) (*Assertion, error) {
	if el.Tag != "Assertion" || el.NamespaceURI() != nsAssertion || attr(el, "Version") != "2.0" {
		return nil, errors.New("not a SAML 2.0 assertion")
	}
	a := &Assertion{ID: attr(el, "ID"), Attributes: map[string][]string{}}
	var err error
	if a.IssueInstant, err = instant(el, "IssueInstant"); err != nil {
		return nil, err
	}
	if a.Issuer, err = childText(el, "Issuer"); err != nil {
		return nil, err
	}
	for _, read := range []func(*etree.Element) error{a.readSubject, a.readConditions, a.readStatements, a.readAttributes} {
		if err := read(el); err != nil {
			return nil, err
		}
	}
	return a, nil
}

func childText(el *etree.Element, tag string) (string, error) {
	child, err := only(el, nsAssertion, tag)
	if err != nil {
		return "", err
	}
	value, err := text(child)
	if err != nil {
		return "", err
	}
	if value == "" {
		return "", fmt.Errorf("%s is empty", tag)
	}
	return value, nil
}

func (a *Assertion) readSubject(el *etree.Element) error {
	subject, err := only(el, nsAssertion, "Subject")
	if err != nil {
		return err
	}
	if a.Subject, err = childText(subject, "NameID"); err != nil {
		return err
	}
	format := attr(children(subject, nsAssertion, "NameID")[0], "Format")
	if format == "" {
		return errors.New("NameID has no Format")
	}
	a.SubjectType = strings.TrimPrefix(format, formatPrefix)
	confirmation, err := only(subject, nsAssertion, "SubjectConfirmation")
	if err != nil {
		return err
	}
	if attr(confirmation, "Method") != bearer {
		return errors.New("the subject confirmation is not bearer")
	}
	data, err := only(confirmation, nsAssertion, "SubjectConfirmationData")
	if err != nil {
		return err
	}
	if a.Recipient = attr(data, "Recipient"); a.Recipient == "" {
		return errors.New("SubjectConfirmationData has no Recipient")
	}
	end, err := instant(data, "NotOnOrAfter")
	a.expiries = append(a.expiries, end)
	return err
}

// readConditions enforces NotOnOrAfter only: AWS parses NotBefore and leaves audiences to the trust policy.
func (a *Assertion) readConditions(el *etree.Element) error {
	conditions, err := only(el, nsAssertion, "Conditions")
	if err != nil {
		return err
	}
	if conditions.SelectAttr("NotBefore") != nil {
		if _, err := instant(conditions, "NotBefore"); err != nil {
			return err
		}
	}
	if conditions.SelectAttr("NotOnOrAfter") == nil {
		return nil
	}
	end, err := instant(conditions, "NotOnOrAfter")
	a.expiries = append(a.expiries, end)
	return err
}

// readStatements wants an AuthnStatement; the earliest SessionNotOnOrAfter bounds the session.
func (a *Assertion) readStatements(el *etree.Element) error {
	statements := children(el, nsAssertion, "AuthnStatement")
	if len(statements) == 0 {
		return errors.New("no AuthnStatement")
	}
	for _, statement := range statements {
		if statement.SelectAttr("SessionNotOnOrAfter") == nil {
			continue
		}
		end, err := instant(statement, "SessionNotOnOrAfter")
		if err != nil {
			return err
		}
		if a.SessionNotOnOrAfter.IsZero() || end.Before(a.SessionNotOnOrAfter) {
			a.SessionNotOnOrAfter = end
		}
	}
	return nil
}

func (a *Assertion) readAttributes(el *etree.Element) error {
	for _, statement := range children(el, nsAssertion, "AttributeStatement") {
		for _, attribute := range children(statement, nsAssertion, "Attribute") {
			name := attr(attribute, "Name")
			if name == "" {
				return errors.New("an attribute has no Name")
			}
			for _, value := range children(attribute, nsAssertion, "AttributeValue") {
				content, err := text(value)
				if err != nil {
					// Values such as eduPersonTargetedID hold a NameID; no attribute that AWS reads does.
					continue
				}
				a.Attributes[name] = append(a.Attributes[name], content)
			}
		}
	}
	return nil
}

// instant reads an xs:dateTime; one without a zone is no moment and is refused.
func instant(el *etree.Element, attribute string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339Nano, attr(el, attribute))
	if err != nil {
		return time.Time{}, fmt.Errorf("%s of %s is not a time", attribute, el.Tag)
	}
	return at, nil
}
