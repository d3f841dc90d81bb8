package devidp

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/fedbroker/fedbroker/internal/secret"
	"golang.org/x/time/rate"
)

// Wrong passwords that one user name may have in a row, and how long until one more is allowed.
const (
	guessBurst = 5
	guessEvery = 6 * time.Second
)

// people are the accounts with what is needed to check a password without telling names apart.
type people struct {
	accounts []Account
	entries  map[string]*entry
	stranger *entry // stands in for every unknown name, so that unknown names cost and throttle alike
}

type entry struct {
	person  Person
	hash    [sha256.Size]byte
	guesses *rate.Limiter
}

// outcome of a sign-in.
type outcome int

const (
	wrongPassword outcome = iota
	throttled
	signedIn
)

func (s *Server) addPeople(list []Person) error {
	s.people.entries = make(map[string]*entry, len(list))
	for _, p := range list {
		if err := p.check(); err != nil {
			return err
		}
		if _, dup := s.people.entries[p.Username]; dup {
			return fmt.Errorf("person %q occurs twice", p.Username)
		}
		if p.Subject == "" {
			p.Subject = p.Username
		}
		password, err := newPassword(s.rand)
		if err != nil {
			return err
		}
		s.people.accounts = append(s.people.accounts, Account{Person: p, Password: password})
		s.people.entries[p.Username] = newEntry(p, password)
	}
	unknown, err := newPassword(s.rand)
	s.people.stranger = newEntry(Person{}, unknown)
	return err
}

func newEntry(p Person, password secret.Text) *entry {
	return &entry{
		person: p, hash: sha256.Sum256([]byte(password.Reveal())),
		guesses: rate.NewLimiter(rate.Every(guessEvery), guessBurst),
	}
}

// passwordBytes are 80 random bits. A plain SHA-256 of that much randomness needs no slow hash.
const passwordBytes = 10

// newPassword is sixteen base32 letters in groups of four, easy to read from a screen.
func newPassword(r io.Reader) (secret.Text, error) {
	b := make([]byte, passwordBytes)
	if _, err := io.ReadFull(r, b); err != nil {
		return secret.Text{}, fmt.Errorf("making a password: %w", err)
	}
	letters := strings.ToLower(base32.StdEncoding.EncodeToString(b))
	return secret.New(strings.Join([]string{letters[:4], letters[4:8], letters[8:12], letters[12:]}, "-")), nil
}

// check compares in constant time and says nothing about which names exist.
func (p *people) check(username, password string, now time.Time) (Person, outcome) {
	e, known := p.entries[username]
	if !known {
		e = p.stranger
	}
	guess := e.guesses.ReserveN(now, 1)
	if guess.DelayFrom(now) > 0 {
		guess.CancelAt(now)
		return Person{}, throttled
	}
	hash := sha256.Sum256([]byte(password))
	if subtle.ConstantTimeCompare(hash[:], e.hash[:]) != 1 || !known {
		return Person{}, wrongPassword
	}
	guess.CancelAt(now) // only wrong passwords count
	return e.person, signedIn
}
