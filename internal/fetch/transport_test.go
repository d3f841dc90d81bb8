package fetch

import (
	"net/http"
	"testing"
)

// net/http reads the environment's proxy once per process, so that a test could not change it: look at the setting.
func TestProxyOfTheEnvironmentIsNotUsed(t *testing.T) {
	c, err := New(Options{AllowLoopbackHTTP: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, rt := range []http.RoundTripper{c.secure, c.plain} {
		if rt.(*http.Transport).Proxy != nil {
			t.Error("a transport has a proxy")
		}
	}
}
