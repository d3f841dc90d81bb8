package wire

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"time"
)

// faultNamespace is where AWS puts an unknown action (sts fact sheet, section 1).
const faultNamespace = "http://webservices.amazon.com/AWSFault/2005-15-09"

// Time is a moment as AWS prints it: ISO 8601, UTC, whole seconds.
type Time time.Time

// MarshalText prints the moment.
func (t Time) MarshalText() ([]byte, error) {
	return []byte(time.Time(t).UTC().Format("2006-01-02T15:04:05Z")), nil
}

type responseMetadata struct {
	RequestID string `xml:"RequestId"`
}

type errorResponse struct {
	XMLName xml.Name `xml:"ErrorResponse"`
	Xmlns   string   `xml:"xmlns,attr"`
	Error   struct {
		Type    string
		Code    string
		Message string
	}
	RequestID string `xml:"RequestId"`
}

// Answer is where and about what an answer is written.
type Answer struct {
	Namespace string
	RequestID string
	Now       time.Time
}

// Write answers 200 with AWS's envelope: <OpResponse><OpResult>…</OpResult><ResponseMetadata>….
func (a Answer) Write(w http.ResponseWriter, operation string, result any) error {
	start := xml.StartElement{
		Name: xml.Name{Local: operation + "Response"},
		Attr: []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: a.Namespace}},
	}
	a.header(w, http.StatusOK)
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.EncodeToken(start); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	inner := xml.StartElement{Name: xml.Name{Local: operation + "Result"}}
	if err := e.EncodeElement(result, inner); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	metadata := xml.StartElement{Name: xml.Name{Local: "ResponseMetadata"}}
	if err := e.EncodeElement(responseMetadata{a.RequestID}, metadata); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	if err := e.EncodeToken(start.End()); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return e.Close()
}

// WriteError answers with AWS's error envelope.
func (a Answer) WriteError(w http.ResponseWriter, e *Error) error {
	body := errorResponse{Xmlns: a.Namespace, RequestID: a.RequestID}
	if e.Code == codeInvalidAction {
		body.Xmlns = faultNamespace
	}
	body.Error.Type, body.Error.Code, body.Error.Message = "Sender", e.Code, e.Message
	if e.Status >= http.StatusInternalServerError {
		body.Error.Type = "Receiver"
	}
	a.header(w, e.Status)
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(body); err != nil {
		return fmt.Errorf("write error: %w", err)
	}
	return nil
}

// header sends what stands above every answer. Date is ours, because SDKs correct their clocks by it.
func (a Answer) header(w http.ResponseWriter, status int) {
	h := w.Header()
	h.Set("Content-Type", "text/xml")
	h.Set("X-Amzn-Requestid", a.RequestID)
	h.Set("Cache-Control", "no-store")
	h.Set("Date", a.Now.UTC().Format(http.TimeFormat))
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
}
