package sigv4

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A signer that holds the secret could sign for another day than it says; no client library does, so the check is
// asked directly.
func TestScopeDateMustBeTheRequests(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for date, good := range map[string]bool{"20260102": true, "20260101": false, "": false, "2026-01-02": false} {
		q := &Request{scopeDate: date, at: at, Region: "eu-central-1", service: "sts"}
		if err := q.checkScope("sts"); (err == nil) != good {
			t.Errorf("%q: %v", date, err)
		}
	}
}

// So does the service, and Host must be among what is signed: both are asked directly, because changing them after
// signing breaks the signature as well.
func TestServiceAndHost(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	q := &Request{scopeDate: "20260102", at: at, Region: "eu-central-1", service: "iam", signature: strings.Repeat("0", 64)}
	if err := q.checkScope("sts"); err == nil {
		t.Error("a signature for IAM")
	}
	q.signedHeaders = []string{"x-amz-date"}
	if err := q.check(httptest.NewRequest("POST", "http://127.0.0.1/", nil)); err == nil {
		t.Error("an unsigned host")
	}
}
