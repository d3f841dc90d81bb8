package saml

import (
	"errors"
	"time"
)

// maxTimeLength holds a date-time with nine digits of fraction and an offset.
const maxTimeLength = len("2006-01-02T15:04:05.999999999+00:00")

const maxZone = 14 * 60 * 60 // seconds, XML Schema part 2 section 3.2.7

var errTime = errors.New("not a date and time with a zone")

// parseTime reads an xs:dateTime with a zone, which SAML core section 1.3.3 wants: four digits of year, at most nine of
// fraction, no leap second, no 24:00.
func parseTime(s string) (time.Time, error) {
	if len(s) > maxTimeLength || len(s) < len("2006-01-02T15:04:05Z") {
		return time.Time{}, errTime
	}
	const shape = "dddd-dd-ddTdd:dd:dd"
	for i := range len(shape) {
		if isDigit := s[i] >= '0' && s[i] <= '9'; shape[i] == 'd' && !isDigit || shape[i] != 'd' && s[i] != shape[i] {
			return time.Time{}, errTime
		}
	}
	if !plainFraction(s[len(shape):]) {
		return time.Time{}, errTime
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, errTime
	}
	if _, offset := t.Zone(); offset > maxZone || offset < -maxZone {
		return time.Time{}, errTime
	}
	return t.UTC(), nil
}

// plainFraction wants a point and one to nine digits, or no fraction: time.Parse takes a comma and any number of digits.
func plainFraction(rest string) bool {
	if rest[0] != '.' {
		return rest[0] != ','
	}
	digits := 0
	for digits+1 < len(rest) && rest[digits+1] >= '0' && rest[digits+1] <= '9' {
		digits++
	}
	return digits >= 1 && digits <= 9
}
