//go:build !unix

package audit

import "os"

// lock does nothing where there is no flock: keeping two brokers off one file is the operator's care there.
func lock(*os.File) error { return nil }
