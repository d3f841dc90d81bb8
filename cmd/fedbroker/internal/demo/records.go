package demo

import (
	"bytes"
	"encoding/json"
	"sync"

	"github.com/fedbroker/fedbroker/broker"
)

// records keeps the broker's audit records of this run, by request id.
type records struct {
	mu     sync.Mutex
	events map[string]broker.Event
}

// Write takes whole lines, as the audit log writes them.
func (r *records) Write(line []byte) (int, error) {
	var entry struct {
		Event broker.Event `json:"event"`
	}
	for one := range bytes.Lines(line) {
		if err := json.Unmarshal(one, &entry); err != nil {
			return 0, err
		}
		r.mu.Lock()
		if r.events == nil {
			r.events = map[string]broker.Event{}
		}
		r.events[entry.Event.ID] = entry.Event
		r.mu.Unlock()
	}
	return len(line), nil
}

func (r *records) action(requestID string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.events[requestID].STSAction
}
