// Package telemetry counts and times what the broker does, for Prometheus, behind the core's observer port.
//
// It owns one registry of its own, the implementation of broker.Observer, a middleware for HTTP and the handler of
// GET /metrics. It refuses to let anything from a request become a label: every label has a fixed set of values, and
// what is outside the set counts as "other". A route is the mux's pattern, never a path. So no claim, subject, token
// or URL can reach a metric (invariant 6 of design.md section 9), and the number of series is bounded.
//
// There are no traces: the configuration contract has no place to send them to.
//
// It fails only when it is built. Observing never blocks and never fails.
package telemetry
