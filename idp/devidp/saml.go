package devidp

import (
	"net/http"
	"net/url"
)

// samlFlow is a SAML sign-in whose request was checked.
type samlFlow struct {
	sp         ServiceProvider
	acs        string
	requestID  string // InResponseTo; empty when the identity provider began
	relayState string
	format     string // of the NameID
	need       requirement
}

var _ flow = samlFlow{}

func (f samlFlow) asks() requirement { return f.need }
func (f samlFlow) party() string     { return f.sp.EntityID }

func (f samlFlow) next() string {
	origin, _ := webOrigin(f.acs) // checked when the service provider was registered
	return origin
}

func (f samlFlow) finish(s *Server, w http.ResponseWriter, sess session) error {
	response, err := s.samlResponse(f, sess)
	if err != nil {
		return err
	}
	return postPage(w, f, response)
}

func (f samlFlow) refuse(s *Server, w http.ResponseWriter, why refusal) error {
	response, err := s.samlStatus(f, why)
	if err != nil {
		return err
	}
	return postPage(w, f, response)
}

// samlRedirect takes an AuthnRequest by the HTTP-Redirect binding (SAML bindings 3.4).
func (s *Server) samlRedirect(w http.ResponseWriter, r *http.Request) error {
	query, err := onceQuery(r, "SAMLRequest", "RelayState", "SigAlg", "Signature", "SAMLEncoding")
	if err != nil {
		return err
	}
	doc, err := inflateRequest(query["SAMLRequest"])
	if err != nil {
		return err
	}
	return s.samlBegin(w, r, doc, query["RelayState"], func(sp ServiceProvider) ([]byte, error) {
		return doc, checkRedirectSignature(r.URL.RawQuery, query, sp.SigningCerts)
	})
}

// samlPost takes an AuthnRequest by the HTTP-POST binding (SAML bindings 3.5).
func (s *Server) samlPost(w http.ResponseWriter, r *http.Request) error {
	form, err := onceForm(w, r, "SAMLRequest", "RelayState")
	if err != nil {
		return err
	}
	doc, err := decodeBase64(form["SAMLRequest"])
	if err != nil {
		return err
	}
	return s.samlBegin(w, r, doc, form["RelayState"], func(sp ServiceProvider) ([]byte, error) {
		return verifyEnveloped(doc, sp.SigningCerts, s.clock())
	})
}

// samlBegin reads who asks, verifies that party's signature where its key is known, and holds what was verified to the
// party's registration.
func (s *Server) samlBegin(w http.ResponseWriter, r *http.Request, doc []byte, relayState string, verify verifier) error {
	if len(relayState) > maxRelayState {
		return refuse(http.StatusBadRequest, "RelayState is too long.")
	}
	request, err := parseAuthnRequest(doc)
	if err != nil {
		return err
	}
	sp, known := s.serviceProvider(request.issuer)
	if !known {
		return refuse(http.StatusForbidden, "This service provider is not registered here.")
	}
	if len(sp.SigningCerts) > 0 {
		if request, err = verified(sp, verify); err != nil {
			return err
		}
	}
	f, err := request.flow(sp, s.url("/saml/sso"), s.clock())
	if err != nil {
		return err
	}
	f.relayState = relayState
	return s.begin(w, r, f)
}

// verifier checks a party's signature and returns the bytes under it.
type verifier func(ServiceProvider) ([]byte, error)

func verified(sp ServiceProvider, verify verifier) (authnRequest, error) {
	doc, err := verify(sp)
	if err != nil {
		return authnRequest{}, err
	}
	request, err := parseAuthnRequest(doc)
	if err == nil && request.issuer != sp.EntityID {
		err = badSignature()
	}
	return request, err
}

// samlStart begins at the identity provider: an unsolicited response to the first ACS of a registered party.
func (s *Server) samlStart(w http.ResponseWriter, r *http.Request) error {
	query, err := onceQuery(r, "sp", "RelayState")
	if err != nil {
		return err
	}
	sp, known := s.serviceProvider(query["sp"])
	if !known || len(query["RelayState"]) > maxRelayState {
		return refuse(http.StatusForbidden, "This service provider is not registered here.")
	}
	return s.begin(w, r, samlFlow{sp: sp, acs: sp.ACS[0], relayState: query["RelayState"], format: formatPersistent})
}

// postPage sends a response to the ACS by a form that a script submits, or the person where scripts are off.
func postPage(w http.ResponseWriter, f samlFlow, response string) error {
	w.Header().Set("Content-Security-Policy", policy(f.next()))
	fields := url.Values{"SAMLResponse": {response}}
	if f.relayState != "" {
		fields.Set("RelayState", f.relayState)
	}
	return render(w, http.StatusOK, "post.html", postData{Title: "Signed in", Action: f.acs, Party: f.party(), Fields: fields})
}
