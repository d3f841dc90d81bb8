package webidentity

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fedbroker/fedbroker/sts/localaws/internal/wire"
)

// tolerance is how far a token's times may be off (OIDC fact sheet, section A.2).
const tolerance = 5 * time.Minute

// Names of AWS's own claims.
const (
	claimTags           = "https://aws.amazon.com/tags"
	claimPrincipalTags  = claimTags + "/principal_tags/"
	claimTransitive     = claimTags + "/transitive_tag_keys"
	claimSourceIdentity = "https://aws.amazon.com/source_identity"
	claimRoles          = "https://aws.amazon.com/roles"
)

// Claims are the claims of a token whose signature was verified.
type Claims struct {
	all    map[string]any
	issuer string

	// Subject, Audience and OriginalAudience are set by [Claims.Check]. Audience is azp where the token has one, and
	// OriginalAudience then holds aud.
	Subject          string
	Audience         string
	OriginalAudience []string
}

// Check holds the claims to the provider's client ids and the clock.
func (c *Claims) Check(clientIDs []string, now time.Time) error {
	for _, name := range []string{"sub", "aud", "iat", "exp"} {
		if c.all[name] == nil {
			return missing(name)
		}
	}
	if err := c.checkTimes(now); err != nil {
		return err
	}
	subject, ok := scalar(c.all["sub"])
	if !ok {
		return invalidToken()
	}
	c.Subject = subject
	return c.checkAudience(clientIDs)
}

func (c *Claims) checkAudience(clientIDs []string) error {
	audiences, ok := stringList(c.all["aud"])
	if !ok {
		return wire.InvalidIdentityToken("Incorrect token audience")
	}
	if azp, present := c.all["azp"]; present {
		party, ok := azp.(string)
		if !ok || !slices.Contains(clientIDs, party) {
			return invalidToken()
		}
		c.Audience, c.OriginalAudience = party, audiences
		return nil
	}
	if len(audiences) > 1 {
		return wire.InvalidIdentityToken("Token audience contains more than one audience while authorized party is not present")
	}
	if len(audiences) == 0 || !slices.Contains(clientIDs, audiences[0]) {
		return wire.InvalidIdentityToken("Incorrect token audience")
	}
	c.Audience = audiences[0]
	return nil
}

func (c *Claims) checkTimes(now time.Time) error {
	exp, expOK := seconds(c.all["exp"])
	iat, iatOK := seconds(c.all["iat"])
	nbf, nbfOK := iat, true
	if value, present := c.all["nbf"]; present {
		nbf, nbfOK = seconds(value)
	}
	if !expOK || !iatOK || !nbfOK {
		return invalidToken()
	}
	if !now.Before(exp.Add(tolerance)) {
		return wire.ExpiredTokenException("Token expired: current date/time %d must be before the expiration date/time %d", now.Unix(), exp.Unix())
	}
	if latest := now.Add(tolerance); iat.After(latest) || nbf.After(latest) {
		return wire.InvalidIdentityToken("The web identity token provided is not yet valid.")
	}
	return nil
}

// maxSeconds is the year 9999: beyond it times overflow.
const maxSeconds = 253_402_300_799

// seconds reads a NumericDate: an integer, or one in a string, as AWS does; fractions are refused.
func seconds(value any) (time.Time, bool) {
	text, isString := value.(string)
	if !isString {
		number, ok := value.(json.Number)
		if !ok {
			return time.Time{}, false
		}
		text = number.String()
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > maxSeconds {
		return time.Time{}, false
	}
	return time.Unix(n, 0), true
}

// scalar turns a string, number or boolean into text.
func scalar(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	default:
		return "", false
	}
}

// stringList reads a string, or a list of strings.
func stringList(value any) ([]string, bool) {
	if single, ok := value.(string); ok {
		return []string{single}, true
	}
	return onlyStrings(value)
}

func onlyStrings(value any) ([]string, bool) {
	items, ok := value.([]any)
	if !ok {
		return nil, false
	}
	out := make([]string, 0, len(items))
	for _, item := range items {
		text, ok := item.(string)
		if !ok {
			return nil, false
		}
		out = append(out, text)
	}
	return out, true
}

// RoleAllowed reads the roles claim: whether it is there, and whether it names the role. A JSON null counts as absent.
func (c *Claims) RoleAllowed(roleARN string) (present, allowed bool) {
	value := c.all[claimRoles]
	if value == nil {
		return false, false
	}
	if single, ok := value.(string); ok {
		return true, slices.Contains(strings.Split(single, ";"), roleARN)
	}
	list, _ := onlyStrings(value)
	return true, slices.Contains(list, roleARN)
}

// SourceIdentity returns the source identity claim, empty when absent.
func (c *Claims) SourceIdentity() (string, error) {
	value := c.all[claimSourceIdentity]
	if value == nil {
		return "", nil
	}
	text, ok := value.(string)
	if !ok || text == "" {
		return "", invalidToken()
	}
	return text, nil
}
