package oidc

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/fedbroker/fedbroker/idp"
)

// Limits of single claims.
const (
	maxSubjectBytes = 1024
	maxIDBytes      = 512
	maxAudiences    = 64
	// maxDate is the end of the year 9999 in seconds (RFC 7519 NumericDate): past it time.Time cannot be written as
	// RFC 3339, and far past it seconds overflow.
	maxDate = 253402300799
)

func errAudience() error { return invalid("the token is not meant for this service") }

// audiences reads aud: one string or a non-empty array of strings (RFC 7519 section 4.1.3).
func audiences(c idp.Claims) ([]string, error) {
	v, _ := c.Get("aud")
	auds, ok := texts(v)
	if !ok || len(auds) > maxAudiences || slices.Contains(auds, "") {
		return nil, invalid("the token's audience is missing or malformed")
	}
	return auds, nil
}

// texts reads one string, or an array of nothing but strings.
func texts(v any) ([]string, bool) {
	switch v := v.(type) {
	case string:
		return []string{v}, true
	case []any:
		out := make([]string, len(v))
		for i := range v {
			s, ok := v[i].(string)
			if !ok {
				return nil, false
			}
			out[i] = s
		}
		return out, true
	}
	return nil, false
}

// checkAudience holds aud and azp to the configuration: aud names us; an azp that is not one of our audiences passes
// when we are the only audience, or when it is listed.
func checkAudience(c idp.Claims, o Options) error {
	auds, err := audiences(c)
	if err != nil {
		return err
	}
	if shared(auds, o.Audiences) == "" {
		return errAudience()
	}
	v, ok := c.Get("azp")
	if !ok {
		return nil
	}
	azp, ok := v.(string)
	if !ok || azp == "" {
		return invalid("the token's authorized party is malformed")
	}
	if len(auds) == 1 || slices.Contains(o.Audiences, azp) || slices.Contains(o.AuthorizedParties, azp) {
		return nil
	}
	return invalid("the token was issued to a party that is not authorized")
}

// times are the dates of a token; zero where a claim is absent.
type times struct {
	issued, expires time.Time
}

// checkTimes holds exp, nbf and iat to the clock. exp is required; iat is where the age or replay depends on it.
func checkTimes(c idp.Claims, o Options, now time.Time) (times, error) {
	exp, err1 := numericDate(c, "exp")
	nbf, err2 := numericDate(c, "nbf")
	iat, err3 := numericDate(c, "iat")
	switch {
	case err1 != nil || err2 != nil || err3 != nil:
		return times{}, invalid("a date of the token is malformed")
	case exp.IsZero():
		return times{}, invalid("the token has no expiry")
	case iat.IsZero() && (o.MaxAge > 0 || o.Once):
		return times{}, invalid("the token does not say when it was issued")
	case exp.Before(iat) || exp.Before(nbf):
		return times{}, invalid("the token expires before it begins")
	case iat.After(now.Add(o.Skew)) || nbf.After(now.Add(o.Skew)):
		return times{}, invalid("the token is not valid yet")
	case !now.Before(exp.Add(o.Skew)):
		return times{}, idp.Refuse(idp.KindExpired, "the token has expired", nil)
	case o.MaxAge > 0 && now.Sub(iat) > o.MaxAge+o.Skew:
		return times{}, idp.Refuse(idp.KindExpired, "the token was issued too long ago", nil)
	}
	return times{issued: iat, expires: exp}, nil
}

// numericDate reads seconds since 1970, fractions allowed (RFC 7519 section 2); the zero time where the claim is
// absent. A string, null, zero, a negative and what lies past the year 9999 is no date.
func numericDate(c idp.Claims, name string) (time.Time, error) {
	v, ok := c.Get(name)
	if !ok {
		return time.Time{}, nil
	}
	switch n := v.(type) {
	case int64:
		if n > 0 && n <= maxDate {
			return time.Unix(n, 0).UTC(), nil
		}
	case float64:
		if n > 0 && n <= maxDate {
			sec, frac := math.Modf(n)
			return time.Unix(int64(sec), int64(frac*1e9)).UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%s is not a date", name)
}

// checkTenant holds the pinned claims to their values. Only a string, an integer or a boolean can equal a pin.
func checkTenant(c idp.Claims, pins map[string][]string) error {
	for name, allowed := range pins {
		v, _ := c.At(name)
		text, ok := scalar(v)
		if !ok || !slices.Contains(allowed, text) {
			return idp.Refuse(idp.KindUntrusted, "the token's tenant is not configured", nil)
		}
	}
	return nil
}

func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case int64:
		return strconv.FormatInt(v, 10), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// checkRequired wants each claim to be there, whatever its value; null says that it is not.
func checkRequired(c idp.Claims, names []string) error {
	for _, name := range names {
		if v, ok := c.At(name); !ok || v == nil {
			return invalid("the token lacks a required claim")
		}
	}
	return nil
}
