package devidp

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"slices"
)

//go:embed static
var assets embed.FS

//go:embed templates
var templateFiles embed.FS

type errorData struct{ Title, Text string }

type loginData struct{ Title, Flow, Party, Notice string }

type postData struct {
	Title, Action, Party string
	Fields               url.Values
}

type indexData struct {
	Title    string
	SignedIn bool
	Person   Person
	Factor   bool
	Parties  []string
}

// render writes a page only when all of it could be made. Templates are parsed per page: this serves a handful of people.
func render(w http.ResponseWriter, status int, name string, data any) error {
	t, err := template.ParseFS(templateFiles, "templates/layout.html", "templates/"+name)
	if err != nil {
		return err
	}
	var body bytes.Buffer
	if err := t.ExecuteTemplate(&body, "layout.html", data); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, err = w.Write(body.Bytes())
	return err
}

// loginPage shows the form. Signing in may end in a redirect to the relying party, so its origin is named too.
func (s *Server) loginPage(w http.ResponseWriter, status int, handle string, f flow, notice string) error {
	w.Header().Set("Content-Security-Policy", policy(f.next()))
	return render(w, status, "login.html", loginData{Title: "Sign in", Flow: handle, Party: f.party(), Notice: notice})
}

func (s *Server) index(w http.ResponseWriter, r *http.Request) error {
	sess, ok := s.currentSession(r)
	data := indexData{Title: "Welcome", SignedIn: ok, Person: sess.person, Factor: sess.mfa, Parties: s.entityIDs()}
	return render(w, http.StatusOK, "index.html", data)
}

func (s *Server) entityIDs() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var ids []string
	for id := range s.sps {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
