package oidc

// WaitForFetch returns when no fetch of keys is running.
func (w *Workload) WaitForFetch() {
	w.keys.mu.Lock()
	running := w.keys.inFlight
	w.keys.mu.Unlock()
	if running != nil {
		<-running
	}
}

// UnknownKids counts the remembered key ids.
func (w *Workload) UnknownKids() int {
	w.keys.mu.Lock()
	defer w.keys.mu.Unlock()
	return len(w.keys.unknown)
}

// ParseToken and ParseJWKS are the readers of outside input, for the fuzz targets.
func ParseToken(raw string) error { _, err := parseToken(raw); return err }

func ParseJWKS(doc []byte) (int, error) {
	keys, _, err := parseJWKS(doc)
	return len(keys), err
}
