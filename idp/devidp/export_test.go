package devidp

import "sync"

// sharedKeys spare every test the making of two RSA keys; TestNewMakesNewKeys makes its own.
var sharedKeys = sync.OnceValues(newKeySet)

// NewForTest is New with keys that all tests share.
func NewForTest(o Options) (*Server, error) {
	keys, err := sharedKeys()
	if err != nil {
		return nil, err
	}
	return newServer(o, keys)
}

// Names that tests ask for.
const (
	ClassPassword = classPassword
	ClassMFA      = classMFA
	SessionCookie = sessionCookie
)
