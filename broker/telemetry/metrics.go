package telemetry

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/sts"
)

// Options names the build and the clock. Clock is required.
type Options struct {
	// Version and Revision are labels of fedbroker_build_info.
	Version, Revision string
	// Clock times HTTP requests.
	Clock func() time.Time
}

// Metrics is the broker's metrics in a registry of their own. Safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	clock    func() time.Time
	sets     sets

	exchanges, authentications, stsCalls, requests *prometheus.HistogramVec
	inFlight                                       prometheus.Gauge
}

var _ broker.Observer = (*Metrics)(nil)

// New registers every metric.
func New(o Options) (*Metrics, error) {
	if o.Clock == nil {
		return nil, errors.New("telemetry: Clock is required")
	}
	m := &Metrics{registry: prometheus.NewRegistry(), clock: o.Clock, sets: newSets()}
	m.exchanges = histogram("exchange_duration_seconds", "Finished exchanges of a grant for credentials.",
		"mode", "outcome", "cached")
	m.authentications = histogram("authentication_duration_seconds", "Finished verifications of a proof.",
		"kind", "outcome")
	m.stsCalls = histogram("sts_call_duration_seconds", "Calls to AWS that left the process.",
		"action", "outcome")
	m.requests = histogram("http_request_duration_seconds", "HTTP requests by the pattern of their route.",
		"route", "method", "status")
	m.inFlight = prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Name: "http_requests_in_flight", Help: "HTTP requests being served.",
	})
	all := []prometheus.Collector{
		m.exchanges, m.authentications, m.stsCalls, m.requests, m.inFlight, buildInfo(o),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	}
	for _, c := range all {
		if err := m.registry.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

const namespace = "fedbroker"

// histogram has buckets from half a millisecond, a cached exchange, to ten seconds, the longest wait for AWS.
func histogram(name, help string, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: namespace, Name: name, Help: help,
		Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, labels)
}

func buildInfo(o Options) prometheus.Collector {
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "Always 1; the labels tell the build.",
		ConstLabels: prometheus.Labels{"version": o.Version, "revision": o.Revision},
	})
	info.Set(1)
	return info
}

// Exchange reports one finished Issue.
func (m *Metrics) Exchange(mode sts.Mode, outcome string, cached bool, took time.Duration) {
	m.exchanges.WithLabelValues(m.sets.mode.of(string(mode)), m.sets.outcome.of(outcome), strconv.FormatBool(cached)).
		Observe(took.Seconds())
}

// Authentication reports one finished Authenticate.
func (m *Metrics) Authentication(kind idp.ProofKind, outcome string, took time.Duration) {
	m.authentications.WithLabelValues(m.sets.kind.of(string(kind)), m.sets.outcome.of(outcome)).Observe(took.Seconds())
}

// STSCall reports one call that left the process.
func (m *Metrics) STSCall(action, outcome string, took time.Duration) {
	m.stsCalls.WithLabelValues(m.sets.action.of(action), m.sets.outcome.of(outcome)).Observe(took.Seconds())
}

// Handler serves GET /metrics. It belongs on the admin listener.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry, MaxRequestsInFlight: 4})
}
