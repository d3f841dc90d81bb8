package saml

import (
	"slices"
	"time"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/saml/internal/xmltree"
)

const (
	bearer      = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
	maxIDLength = 256
)

// statement is what an assertion says, once its profile was checked.
type statement struct {
	id           string
	issued       time.Time
	expires      time.Time // Conditions/@NotOnOrAfter
	nameID       string
	nameIDFormat string
	leave        idp.State // the NameID with all that belongs to it, for a LogoutRequest
	authn        authn
	attributes   []attribute
}

// authn is the AuthnStatement.
type authn struct {
	instant      time.Time
	class        string
	sessionIndex string
	sessionEnd   time.Time // zero: not said
}

// check holds a verified assertion to SAML profiles section 4.1.4.3 and core section 2, and to the deployment profile
// saml2int where core leaves a choice: one AuthnStatement.
func (r *reader) check(el *xmltree.Element) (statement, error) {
	var issuer, subject, conditions, advice, authnEl, decision *xmltree.Element
	err := fill(el, map[xmlName]**xmltree.Element{
		{assertionSpace, "Issuer"}:                 &issuer,
		{assertionSpace, "Subject"}:                &subject,
		{assertionSpace, "Conditions"}:             &conditions,
		{assertionSpace, "Advice"}:                 &advice,
		{assertionSpace, "AuthnStatement"}:         &authnEl,
		{assertionSpace, "AttributeStatement"}:     nil, // any number
		{assertionSpace, "AuthzDecisionStatement"}: &decision,
	})
	if err != nil || issuer == nil || subject == nil || conditions == nil || authnEl == nil {
		return statement{}, invalid("the assertion lacks a part or has one twice", err)
	}
	if err := r.checkIssuer(issuer); err != nil {
		return statement{}, err
	}
	if version, _ := el.Attr("Version"); version != "2.0" {
		return statement{}, invalid("the assertion is not SAML 2.0", nil)
	}
	var s statement
	if s.id, _ = el.Attr("ID"); s.id == "" || len(s.id) > maxIDLength {
		return statement{}, invalid("the assertion has no usable ID", nil)
	}
	if err := r.checkIssueInstant(el); err != nil {
		return statement{}, err
	}
	raw, _ := el.Attr("IssueInstant")
	s.issued, _ = parseTime(raw) // checked just before
	if s.expires, err = r.conditions(conditions); err != nil {
		return statement{}, err
	}
	if s.leave, err = r.subject(subject); err != nil {
		return statement{}, err
	}
	s.nameID, s.nameIDFormat = s.leave[leaveName], s.leave["Format"]
	if s.authn, err = r.authnStatement(authnEl); err != nil {
		return statement{}, err
	}
	if index := s.sessionID(); index != "" {
		s.leave[leaveSession] = index
	}
	s.attributes, err = readAttributes(el.Named(assertionSpace, "AttributeStatement"))
	return s, err
}

// conditions wants an end, and our entity id in every audience restriction, of which there is at least one
// (SAML core section 2.5.1). A condition that is not understood makes the assertion unusable, says section 2.5.1.1.
func (r *reader) conditions(el *xmltree.Element) (time.Time, error) {
	from, hasFrom, err := timeAttr(el, "NotBefore")
	if err != nil {
		return time.Time{}, err
	}
	until, hasUntil, err := timeAttr(el, "NotOnOrAfter")
	switch {
	case err != nil:
		return time.Time{}, err
	case !hasUntil:
		return time.Time{}, invalid("the conditions have no end", nil)
	case !r.before(until):
		return time.Time{}, idp.Refuse(idp.KindExpired, "the assertion has expired", nil)
	case hasFrom && !from.Before(until):
		return time.Time{}, invalid("the conditions end before they begin", nil)
	case hasFrom && from.After(r.now.Add(r.opt.Skew)):
		return time.Time{}, invalid("the assertion is not valid yet", nil)
	}
	audiences := 0
	for _, c := range el.Elements() {
		switch {
		case c.Is(assertionSpace, "AudienceRestriction"):
			audiences++
			if err := r.audience(c); err != nil {
				return time.Time{}, err
			}
		case c.Is(assertionSpace, "OneTimeUse"), c.Is(assertionSpace, "ProxyRestriction"):
			// Every assertion is used once, and none is passed on as another.
		default:
			return time.Time{}, invalid("the assertion has an unknown condition", nil)
		}
	}
	if audiences == 0 {
		return time.Time{}, invalid("the assertion names no audience", nil)
	}
	return until, nil
}

func (r *reader) audience(restriction *xmltree.Element) error {
	ours := false
	for _, el := range restriction.Elements() {
		name, err := el.Text()
		if err != nil || !el.Is(assertionSpace, "Audience") {
			return invalid("an audience is malformed", err)
		}
		ours = ours || name == r.opt.EntityID
	}
	if !ours {
		return invalid("the assertion is meant for another audience", nil)
	}
	return nil
}

// before reports whether an end, given the skew, still lies ahead.
func (r *reader) before(end time.Time) bool { return r.now.Before(end.Add(r.opt.Skew)) }

// subject wants one NameID and at least one bearer confirmation that holds for us, here and now. It returns what names
// the subject.
func (r *reader) subject(el *xmltree.Element) (idp.State, error) {
	var nameID *xmltree.Element
	var confirmations []*xmltree.Element
	for _, c := range el.Elements() {
		switch {
		case c.Is(assertionSpace, "NameID") && nameID == nil:
			nameID = c
		case c.Is(assertionSpace, "SubjectConfirmation"):
			confirmations = append(confirmations, c)
		default:
			return nil, invalid("the subject has unexpected parts", nil)
		}
	}
	if nameID == nil {
		return nil, invalid("the subject has no name", nil)
	}
	name, err := plainNameID(nameID)
	if err != nil {
		return nil, err
	}
	return leaveOf(nameID, name), r.confirmed(confirmations)
}

func plainNameID(el *xmltree.Element) (string, error) {
	name, err := el.Text()
	if err != nil || !plainName(name) {
		return "", invalid("the subject's name is not plain text", err)
	}
	return name, nil
}

// confirmed returns nil when one bearer confirmation satisfies everything, and otherwise why the last one did not.
// An InResponseTo where no request was made spoils the whole, in whichever confirmation it stands.
func (r *reader) confirmed(confirmations []*xmltree.Element) error {
	why, ok := invalid("the subject has no bearer confirmation", nil), false
	for _, c := range confirmations {
		if r.want.requestID == "" {
			for _, data := range c.Named(assertionSpace, "SubjectConfirmationData") {
				if err := r.checkInResponseTo(data); err != nil {
					return err
				}
			}
		}
		if method, _ := c.Attr("Method"); method != bearer {
			continue
		}
		if err := r.confirmation(c); err != nil {
			why = err
		} else {
			ok = true
		}
	}
	if ok {
		return nil
	}
	return why
}

// confirmation checks one bearer SubjectConfirmation (SAML profiles section 4.1.4.2).
func (r *reader) confirmation(c *xmltree.Element) error {
	children := c.Elements()
	if len(children) != 1 || !children[0].Is(assertionSpace, "SubjectConfirmationData") {
		return invalid("the confirmation must hold its data and nothing else", nil)
	}
	data := children[0]
	if recipient, _ := data.Attr("Recipient"); recipient != r.opt.ACSURL {
		return invalid("the assertion is meant for another recipient", nil)
	}
	if err := r.checkInResponseTo(data); err != nil {
		return err
	}
	from, hasFrom, err := timeAttr(data, "NotBefore")
	if err != nil {
		return err
	}
	until, hasUntil, err := timeAttr(data, "NotOnOrAfter")
	switch {
	case err != nil:
		return err
	case !hasUntil:
		return invalid("the confirmation has no end", nil)
	case hasFrom && from.After(r.now.Add(r.opt.Skew)):
		return invalid("the confirmation is not valid yet", nil)
	case !r.before(until):
		return idp.Refuse(idp.KindExpired, "the confirmation has expired", nil)
	}
	return nil
}

// authnStatement reads SAML core section 2.7.2, and holds the sign-in to what the request asked for: an AuthnRequest
// that travels unsigned through the browser can be weakened there.
func (r *reader) authnStatement(el *xmltree.Element) (authn, error) {
	instant, ok, err := timeAttr(el, "AuthnInstant")
	if err != nil || !ok {
		return authn{}, invalid("the time of authentication is missing or malformed", err)
	}
	end, hasEnd, err := timeAttr(el, "SessionNotOnOrAfter")
	switch {
	case err != nil:
		return authn{}, err
	case instant.After(r.now.Add(r.opt.Skew)):
		return authn{}, invalid("the time of authentication lies in the future", nil)
	case hasEnd && !r.before(end):
		return authn{}, idp.Refuse(idp.KindExpired, "the session at the identity provider has ended", nil)
	}
	class, err := contextClass(el)
	switch {
	case err != nil:
		return authn{}, err
	case instant.Add(r.opt.Skew).Before(r.want.authAfter):
		return authn{}, idp.Refuse(idp.KindDenied, "the identity provider did not ask the person again", nil)
	case len(r.want.acr) > 0 && !slices.Contains(r.want.acr, class):
		return authn{}, idp.Refuse(idp.KindDenied, "the identity provider authenticated in another way than was asked for", nil)
	}
	index, _ := el.Attr("SessionIndex")
	return authn{instant: instant, class: class, sessionIndex: index, sessionEnd: end}, nil
}

// contextClass reads the AuthnContextClassRef, which may be missing where a declaration stands for it.
func contextClass(el *xmltree.Element) (string, error) {
	contexts := el.Named(assertionSpace, "AuthnContext")
	if len(contexts) != 1 {
		return "", invalid("there must be one authentication context", nil)
	}
	switch refs := contexts[0].Named(assertionSpace, "AuthnContextClassRef"); len(refs) {
	case 0:
		return "", nil
	case 1:
		class, err := refs[0].Text()
		if err != nil {
			return "", invalid("the authentication context is not plain text", err)
		}
		return class, nil
	}
	return "", invalid("there must be one authentication context", nil)
}

func timeAttr(el *xmltree.Element, name string) (t time.Time, present bool, err error) {
	raw, ok := el.Attr(name)
	if !ok {
		return time.Time{}, false, nil
	}
	if t, err = parseTime(raw); err != nil {
		return time.Time{}, true, invalid("a time is malformed", err)
	}
	return t, true, nil
}
